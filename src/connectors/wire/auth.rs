//! How a request shows who sends it; and the tokens that are fetched for it, kept until shortly before they end.

use super::answer::NotAnswered;
use super::connection::{Auth, ClientAuth, Connection, Login, OAuth2};
use super::dial::not_sent;
use super::exchange::Raw;
use super::request::{Outgoing, Piece, Spelling, Text, percent};
use super::transport::{Transport, missing};
use crate::domain::playbook::expr::json;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use minijinja::context;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

/// Where a token service does not say how long its token lasts.
const UNSAID: Duration = Duration::from_secs(5 * 60);
/// A token is fetched anew so long before its end, or a tenth of its life where that is less.
const MARGIN: Duration = Duration::from_secs(60);
/// One that lasts longer is fetched anew after a day all the same.
const LONGEST: u64 = 24 * 60 * 60;
/// So much is repeated of what a token service says is wrong.
const SAID: usize = 200;

/// What lets a request in.
#[derive(Default)]
pub(super) struct Pass {
    pub(super) header: Option<(String, SecretString)>,
    /// The token in it, where it was not fetched just now.
    pub(super) kept: Option<SecretString>,
}

/// The token in force. Whoever fetches one holds the lock, so that many who want it fetch one.
#[derive(Default)]
pub(super) struct Tokens(Mutex<Option<Token>>);

struct Token {
    text: SecretString,
    until: Instant,
}

impl Tokens {
    /// The tool refuses it. One that others have fetched meanwhile stays.
    pub(super) async fn forget(&self, refused: &SecretString) {
        let mut held = self.0.lock().await;
        held.take_if(|token| token.text.expose_secret() == refused.expose_secret());
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Transport {
    /// What lets the next request of this connection in.
    pub(super) async fn pass(
        &self,
        connection: &Connection,
        deadline: Instant,
    ) -> Result<Pass, NotAnswered> {
        let auth = &connection.terms.auth;
        let (name, before) = match auth {
            Auth::OAuth2(_) => ("Authorization", "Bearer "),
            Auth::Login(login) => (login.header.as_str(), login.prefix.as_str()),
            Auth::None | Auth::Header { .. } | Auth::Bearer(_) | Auth::Basic { .. } => {
                return self.standing(connection, auth);
            }
        };
        let (token, kept) = self.token(connection, deadline).await?;
        let value = format!("{before}{}", token.expose_secret());
        Ok(Pass { header: Some((name.to_owned(), value.into())), kept: kept.then_some(token) })
    }

    /// What needs no call.
    fn standing(&self, connection: &Connection, auth: &Auth) -> Result<Pass, NotAnswered> {
        let filled = |text: &Text| text.filled(&connection.terms.secrets).map_err(missing);
        let header = match auth {
            Auth::None => None,
            Auth::Header { name, value } => Some((name.clone(), filled(value)?)),
            Auth::Bearer(token) => Some(authorization("Bearer", filled(token)?.expose_secret())),
            Auth::Basic { user, password } => {
                let (user, password) = (filled(user)?, filled(password)?);
                let both = format!("{}:{}", user.expose_secret(), password.expose_secret());
                let encoded = SecretString::from(STANDARD.encode(both));
                self.redactor.learn(&encoded);
                Some(authorization("Basic", encoded.expose_secret()))
            }
            Auth::OAuth2(_) | Auth::Login(_) => {
                return Err(not_sent(
                    "a login cannot itself want a token: give it basic or header",
                ));
            }
        };
        Ok(Pass { header, kept: None })
    }

    /// The token in force, and whether it was there before.
    async fn token(
        &self,
        connection: &Connection,
        deadline: Instant,
    ) -> Result<(SecretString, bool), NotAnswered> {
        let waited = timeout_at(deadline, connection.tokens.0.lock()).await;
        let mut held = waited.map_err(|_| not_sent("the token did not come in time"))?;
        if let Some(token) = held.as_ref().filter(|token| token.until > self.clock.instant()) {
            return Ok((token.text.clone(), true));
        }
        *held = None;
        let asked = self.clock.instant();
        let (text, lasts) = match &connection.terms.auth {
            Auth::OAuth2(oauth2) => self.granted(connection, oauth2, deadline).await?,
            Auth::Login(login) => self.logged_in(connection, login, deadline).await?,
            Auth::None | Auth::Header { .. } | Auth::Bearer(_) | Auth::Basic { .. } => {
                return Err(not_sent("this connection has no token"));
            }
        };
        self.redactor.learn_token(&text);
        let until = asked + lasts.saturating_sub(MARGIN.min(lasts / 10));
        *held = Some(Token { text: text.clone(), until });
        Ok((text, false))
    }

    async fn granted(
        &self,
        connection: &Connection,
        oauth2: &OAuth2,
        deadline: Instant,
    ) -> Result<(SecretString, Duration), NotAnswered> {
        let request = grant(oauth2);
        let pass = match oauth2.client_auth {
            ClientAuth::Body => Pass::default(),
            // Both parts are percent-encoded first (RFC 6749, 2.3.1).
            ClientAuth::Basic => {
                let (user, password) = (form(&oauth2.client_id), form(&oauth2.client_secret));
                self.standing(connection, &Auth::Basic { user, password })?
            }
        };
        let answer = self.service(connection, (&request, &pass), deadline).await?;
        let token = answer.get("access_token").and_then(Json::as_str).filter(|t| !t.is_empty());
        let token =
            token.ok_or_else(|| not_sent("the token service's answer has no `access_token`"))?;
        // Some write it as a text.
        let seconds = answer.get("expires_in").and_then(|life| match life {
            Json::String(text) => text.parse().ok(),
            _ => life.as_u64(),
        });
        let lasts =
            seconds.map_or(UNSAID, |seconds: u64| Duration::from_secs(seconds.min(LONGEST)));
        Ok((token.into(), lasts))
    }

    async fn logged_in(
        &self,
        connection: &Connection,
        login: &Login,
        deadline: Instant,
    ) -> Result<(SecretString, Duration), NotAnswered> {
        let pass = self.standing(connection, &login.auth)?;
        let answer = self.service(connection, (&login.request, &pass), deadline).await?;
        let found = login.token.value(&context! { body => json(&answer) });
        let token = found.ok().and_then(|value| value.as_str().map(SecretString::from));
        let token = token.filter(|token| !token.expose_secret().is_empty());
        let why =
            || not_sent(format!("the login's answer has no token at `{}`", login.token.text()));
        Ok((token.ok_or_else(why)?, login.lasts))
    }

    /// Asks for a token. The tool has heard nothing of the request itself, whatever becomes of this one.
    async fn service(
        &self,
        connection: &Connection,
        call: (&Outgoing, &Pass),
        deadline: Instant,
    ) -> Result<Json, NotAnswered> {
        let raw = match self.exchange(connection, call, deadline).await {
            Ok(raw) => raw,
            Err(fault) if fault.may_have_left() => {
                return Err(not_sent(format!("no token was given: {fault}")));
            }
            Err(fault) => return Err(fault),
        };
        let body = raw.body.as_deref().unwrap_or_default();
        let answer: Json = serde_json::from_slice(body).unwrap_or_default();
        self.learn_all(&answer);
        match raw.status {
            200..=299 => Ok(answer),
            429 | 503 if self.retry_after(&raw).is_some() => {
                Err(NotAnswered::Limited { after: self.retry_after(&raw).unwrap_or_default() })
            }
            400..=403 => Err(NotAnswered::Unauthorised { why: self.refusal(&raw, &answer) }),
            status => Err(not_sent(format!("no token was given: the service answered {status}"))),
        }
    }

    /// Whatever in the answer is called a token is a secret: that for renewal, that for identity, those of a refusal too. The
    /// `token_type` is none.
    fn learn_all(&self, answer: &Json) {
        match answer {
            Json::Object(entries) => {
                for (name, value) in entries {
                    match value {
                        Json::String(text) if name.to_lowercase().ends_with("token") => {
                            self.redactor.learn_token(&SecretString::from(text.as_str()));
                        }
                        _ => self.learn_all(value),
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| self.learn_all(item)),
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
    }

    /// In the words of RFC 6749, 5.2, where they are there.
    fn refusal(&self, raw: &Raw, answer: &Json) -> String {
        let word = |name| answer.get(name).and_then(Json::as_str);
        let said: Vec<_> = ["error", "error_description"].into_iter().filter_map(word).collect();
        let said: String = self.redactor.text(&said.join(": ")).chars().take(SAID).collect();
        let status = raw.status;
        let colon = if said.is_empty() { "" } else { ": " };
        format!(
            "the tool does not take our credentials ({status}{colon}{said}): look at them in the config"
        )
    }
}

fn authorization(scheme: &str, value: &str) -> (String, SecretString) {
    ("Authorization".to_owned(), format!("{scheme} {value}").into())
}

/// The request for a token (RFC 6749, 4.4.2).
fn grant(oauth2: &OAuth2) -> Outgoing {
    let mut body = Text::plain("grant_type=client_credentials");
    if oauth2.client_auth == ClientAuth::Body {
        for (name, text) in
            [("client_id", &oauth2.client_id), ("client_secret", &oauth2.client_secret)]
        {
            body = body.and(format!("&{name}="));
            body.0.extend(form(text).0);
        }
    }
    for (name, text) in [("scope", &oauth2.scope), ("audience", &oauth2.audience)] {
        if let Some(text) = text {
            body = body.and(format!("&{name}={}", percent(text)));
        }
    }
    let kind = ("Content-Type".to_owned(), Text::plain("application/x-www-form-urlencoded"));
    Outgoing {
        method: Method::POST,
        url: oauth2.token_url.clone(),
        headers: vec![kind],
        body: Some(body),
    }
}

/// The text as a form has it.
fn form(text: &Text) -> Text {
    let piece = |piece: &Piece| match piece {
        Piece::Plain(text) => Piece::Plain(percent(text)),
        Piece::Secret { name, .. } => {
            Piece::Secret { name: name.clone(), spelling: Spelling::Percent }
        }
    };
    Text(text.0.iter().map(piece).collect())
}
