//! Who may post to a source: one enum of schemes, one check over headers, URL token and raw body.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// How a source's webhooks are authenticated. Several secrets live at once while they are rotated.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer SECRET`.
    Bearer(Vec<SecretString>),
    /// A token in the URL, for products that can send nothing else: `/hooks/{source}?token=SECRET` or `/hooks/{source}/SECRET`.
    Token(Vec<SecretString>),
    /// Anyone who reaches the port. Only where the config says so.
    None,
}

/// What a request offers to prove who sent it.
#[derive(Clone, Copy, Debug)]
pub struct Offered<'a> {
    pub headers: &'a HeaderMap,
    /// The token of the URL, from its path or its query.
    pub token: Option<&'a str>,
    /// As it came over the wire; empty for schemes that do not read it.
    pub body: &'a [u8],
}

/// The request is not from who it should be. It says what the scheme wants, never what was wrong with what was offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    pub wants: &'static str,
}

impl Auth {
    /// Whether the check needs the body; where it does not, nobody's body is read before they are known.
    pub fn reads_body(&self) -> bool {
        match self {
            Self::Bearer(_) | Self::Token(_) | Self::None => false,
        }
    }

    /// Checks what a request offers.
    pub fn verify(&self, offered: &Offered<'_>) -> Result<(), Denied> {
        let (secrets, said, wants) = match self {
            Self::None => return Ok(()),
            Self::Bearer(secrets) => {
                (secrets, bearer(offered.headers), "the header `Authorization: Bearer SECRET`")
            }
            Self::Token(secrets) => (
                secrets,
                offered.token,
                "the source's token in the URL: /hooks/SOURCE?token=SECRET",
            ),
        };
        match said {
            Some(said) if is_one_of(secrets, said) => Ok(()),
            _ => Err(Denied { wants }),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, secret) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim_start())
}

/// In time that depends neither on which secret matches nor on how long or how alike they are: hashes are compared, all of them.
fn is_one_of(secrets: &[SecretString], said: &str) -> bool {
    let said = Sha256::digest(said);
    let found = secrets.iter().fold(Choice::from(0), |found, secret| {
        // An empty secret is an unset variable, not a password.
        let usable = Choice::from(u8::from(!secret.expose_secret().is_empty()));
        found | (usable & Sha256::digest(secret.expose_secret()).ct_eq(&said))
    });
    found.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|secret| SecretString::from(*secret)).collect()
    }

    fn passes(auth: &Auth, header: Option<&str>, token: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert(AUTHORIZATION, value.parse().expect("a header's value"));
        }
        auth.verify(&Offered { headers: &headers, token, body: b"" }).is_ok()
    }

    #[test]
    fn a_bearer_is_one_of_the_live_secrets() {
        let auth = Auth::Bearer(secrets(&["old", "new", ""]));
        for (header, expected) in [
            (Some("Bearer old"), true),
            (Some("bearer  new"), true),
            (Some("Bearer ol"), false),
            (Some("Bearer oldd"), false),
            (Some("Bearer "), false),
            (Some("Bearer"), false),
            (Some("Basic old"), false),
            (Some("old"), false),
            (None, false),
        ] {
            assert_eq!(passes(&auth, header, None), expected, "{header:?}");
        }
        assert!(!passes(&auth, None, Some("old")), "a URL's token is no bearer");
    }

    #[test]
    fn a_token_is_in_the_url_and_without_secrets_nobody_passes() {
        let auth = Auth::Token(secrets(&["tok"]));
        assert!(passes(&auth, None, Some("tok")));
        assert!(!passes(&auth, Some("Bearer tok"), None));
        assert!(!passes(&auth, None, Some("")));
        assert!(!passes(&Auth::Bearer(Vec::new()), Some("Bearer x"), None));
        assert!(passes(&Auth::None, None, None));
        assert!(!format!("{auth:?}").contains("tok\""));
    }
}
