//! A request as a connector file makes it: secrets are named slots in it, and are filled in as it leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use secrecy::{ExposeSecret as _, SecretString};
use std::collections::BTreeMap;
use url::form_urlencoded;

/// A request that is to be sent.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub method: Method,
    /// All of the address, as it is meant: a host in another spelling and a `..` in the path are refused.
    pub url: Text,
    /// `Host`, `Content-Length` and their like are the wire's own and are refused here.
    pub headers: Vec<(String, Text)>,
    pub body: Option<Text>,
}

/// A text with secrets as named slots: it can be shown and kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub Vec<Piece>);

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Plain(String),
    /// The secret of that name of the connection.
    Secret {
        name: String,
        spelling: Spelling,
    },
}

/// How a secret is written where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// As it is: in headers.
    Plain,
    /// In an address, or in a form's body.
    Percent,
    /// Within a JSON text, whose quotes stand around it already.
    Json,
    Base64,
}

/// A slot names a secret that the connection does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

impl Text {
    /// A text without secrets.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Plain(text.into())])
    }

    /// A secret alone, as it is.
    pub fn secret(name: impl Into<String>) -> Self {
        Self::default().and_secret(name, Spelling::Plain)
    }

    /// With more text behind it.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>) -> Self {
        self.0.push(Piece::Plain(text.into()));
        self
    }

    /// With a secret behind it.
    #[must_use]
    pub fn and_secret(mut self, name: impl Into<String>, spelling: Spelling) -> Self {
        self.0.push(Piece::Secret { name: name.into(), spelling });
        self
    }

    /// The names of the secrets in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Plain(_) => None,
            Piece::Secret { name, .. } => Some(name.as_str()),
        })
    }

    /// The text with its secrets. Nothing of it is ever shown.
    pub(super) fn filled(
        &self,
        secrets: &BTreeMap<String, SecretString>,
    ) -> Result<SecretString, Missing> {
        let mut filled = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Plain(text) => filled.push_str(text),
                Piece::Secret { name, spelling } => {
                    let secret = secrets.get(name).ok_or_else(|| Missing(name.clone()))?;
                    filled.push_str(&spelling.of(secret.expose_secret()));
                }
            }
        }
        Ok(filled.into())
    }
}

impl Spelling {
    fn of(self, secret: &str) -> String {
        match self {
            Self::Plain => secret.to_owned(),
            Self::Percent => percent(secret),
            Self::Json => {
                let quoted = serde_json::Value::from(secret).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Base64 => STANDARD.encode(secret),
        }
    }
}

/// Percent-encoded so that it stands in a path, a query and a form alike: a space is `%20`.
pub(super) fn percent(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_written_as_its_place_wants_it() {
        let secrets = BTreeMap::from([("key".to_owned(), SecretString::from("a \"b\"+/é"))]);
        for (spelling, written) in [
            (Spelling::Plain, "<a \"b\"+/é>"),
            (Spelling::Percent, "<a%20%22b%22%2B%2F%C3%A9>"),
            (Spelling::Json, "<a \\\"b\\\"+/é>"),
            (Spelling::Base64, "<YSAiYiIrL8Op>"),
        ] {
            let text = Text::plain("<").and_secret("key", spelling).and(">");
            let filled = text.filled(&secrets).expect("the secret is there");
            assert_eq!(filled.expose_secret(), written);
            assert_eq!(text.secrets().collect::<Vec<_>>(), ["key"]);
        }
        let missing = Text::secret("other").filled(&secrets).expect_err("there is none");
        assert_eq!(missing, Missing("other".to_owned()));
    }
}
