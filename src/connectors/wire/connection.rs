//! A tool as it is connected: where it may be reached, how it knows us, its secrets, and how fast it may be asked.

use super::auth::Tokens;
use super::egress::HostPattern;
use super::pace::{Pace, Rate};
use super::request::{Outgoing, Text};
use crate::domain::ids::ToolName;
use crate::domain::playbook::expr::Expr;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What the connector file and the config say of a tool's connection.
#[derive(Clone)]
pub struct Terms {
    pub tool: ToolName,
    /// The hosts that the connector file names, or that of the connection's own address. Over https only, and never inside.
    pub hosts: Vec<HostPattern>,
    /// The hosts that the config names as being inside: they may be private addresses, and may be asked over http.
    pub internal: Vec<HostPattern>,
    pub auth: Auth,
    /// By the names that slots have.
    pub secrets: BTreeMap<String, SecretString>,
    pub rate: Option<Rate>,
}

/// How a request shows who sends it.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Header { name: String, value: Text },
    Bearer(Text),
    Basic { user: Text, password: Text },
    OAuth2(Box<OAuth2>),
    Login(Box<Login>),
}

/// OAuth 2 client credentials (RFC 6749, 4.4).
#[derive(Clone, Debug)]
pub struct OAuth2 {
    pub token_url: Text,
    pub client_id: Text,
    pub client_secret: Text,
    pub scope: Option<String>,
    pub audience: Option<String>,
    pub client_auth: ClientAuth,
}

/// Where the token service wants the client's secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// In the form, as `client_secret`.
    Body,
    /// In the `Authorization` header.
    Basic,
}

/// A first call whose answer holds a token, as Wazuh wants it.
#[derive(Clone, Debug)]
pub struct Login {
    pub request: Outgoing,
    /// How the login itself is let in; a login or OAuth 2 here is refused.
    pub auth: Auth,
    /// Over `body` and `status` of the answer: the token.
    pub token: Expr,
    /// How long a token holds, less a margin that is kept for us.
    pub lasts: Duration,
    /// The header that carries it from then on, and what stands before it there: `Authorization`, `Bearer `.
    pub header: String,
    pub prefix: String,
}

/// A tool's connection, with what is known of it since it was made: its token, and when it may be asked again.
#[derive(Debug)]
pub struct Connection {
    pub(super) terms: Terms,
    pub(super) tokens: Tokens,
    pub(super) pace: Arc<Pace>,
}

impl Connection {
    pub fn new(terms: Terms) -> Self {
        let pace = Pace::new(terms.rate);
        Self { terms, tokens: Tokens::default(), pace: Arc::new(pace) }
    }

    /// The same, for requests that do not show who we are. The tool counts both.
    pub fn anonymous(&self) -> Self {
        let terms = Terms { auth: Auth::None, ..self.terms.clone() };
        Self { terms, tokens: Tokens::default(), pace: self.pace.clone() }
    }

    /// Which tool it leads to.
    pub fn tool(&self) -> &ToolName {
        &self.terms.tool
    }
}

impl fmt::Debug for Terms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.secrets.keys().collect();
        f.debug_struct("Terms")
            .field("tool", &self.tool)
            .field("hosts", &self.hosts)
            .field("internal", &self.internal)
            .field("auth", &self.auth)
            .field("secrets", &names)
            .field("rate", &self.rate)
            .finish()
    }
}
