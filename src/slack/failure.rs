//! Why a call to Slack failed, classified where it happens: did it happen, may it be tried again, and what can a person do.
//!
//! slack-morphism's own errors print the response body; nothing of them is kept here but Slack's error word.

use serde_json::Value;
use slack_morphism::errors::SlackClientError;
use std::error::Error;
use std::fmt;
use std::time::Duration;

/// How a call failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// No byte of the request left (DNS, connect, TLS): it did not happen.
    NotSent { why: String },
    /// Slack did not do it and says when to come back. `method` is the one that it limits: on the way to a post others are
    /// called too.
    RateLimited { method: &'static str, after: Duration },
    /// It may have happened: the answer was lost, late, unreadable, or Slack's own error.
    Uncertain { why: String },
    /// Slack will not do it; `word` is its error word.
    Rejected { word: String },
    /// The token is not good, or lacks a scope (`needed`): a person must act.
    BadToken { word: String, needed: Option<String> },
}

/// Slack's words for a message that it will not take anywhere (`chat.postMessage`, docs.slack.dev).
const CONTENT: [&str; 12] = [
    "invalid_blocks",
    "invalid_blocks_format",
    "msg_too_long",
    "msg_blocks_too_long",
    "too_many_attachments",
    "attachment_payload_limit_exceeded",
    "metadata_too_large",
    "invalid_metadata_format",
    "invalid_arguments",
    "invalid_array_arg",
    "no_text",
    "http_413",
];

/// How long to wait where Slack limits a call and names no time.
const UNNAMED: Duration = Duration::from_secs(5);

impl Failure {
    /// Slack's error word, where it gave one.
    pub fn word(&self) -> Option<&str> {
        match self {
            Self::Rejected { word } | Self::BadToken { word, .. } => Some(word),
            Self::NotSent { .. } | Self::RateLimited { .. } | Self::Uncertain { .. } => None,
        }
    }

    /// What kind of failure it is, for a metric.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotSent { .. } => "not_sent",
            Self::RateLimited { .. } => "rate_limited",
            Self::Uncertain { .. } => "uncertain",
            Self::Rejected { .. } => "rejected",
            Self::BadToken { .. } => "bad_token",
        }
    }

    /// Whether Slack refuses this very call, and not all that we say: then others can be told meanwhile.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Rejected { .. } => true,
            Self::BadToken { word, .. } => {
                matches!(word.as_str(), "missing_scope" | "no_permission" | "access_denied")
            }
            Self::NotSent { .. } | Self::RateLimited { .. } | Self::Uncertain { .. } => false,
        }
    }

    /// Whether it is what the message says that Slack will not have: another message may pass in the same place.
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::Rejected { word } if CONTENT.contains(&word.as_str()))
    }

    /// Whether the message may stand after all, so that it must be looked for before it is posted again.
    pub fn may_have_happened(&self) -> bool {
        matches!(self, Self::Uncertain { .. })
    }

    /// From Slack's error word; `answer` is the whole answer, where the scope that is missing stands.
    /// Words: the error tables of the methods' pages on docs.slack.dev.
    pub(super) fn of_word(method: &'static str, word: &str, answer: &Value) -> Self {
        match word {
            "ratelimited" | "rate_limited" | "too_many_requests" => {
                Self::RateLimited { method, after: UNNAMED }
            }
            "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org"
            | "accesslimited"
            | "external_service_migration_in_progress" => {
                Self::Uncertain { why: format!("Slack answered {word}") }
            }
            "invalid_auth"
            | "not_authed"
            | "token_revoked"
            | "token_expired"
            | "account_inactive"
            | "missing_scope"
            | "not_allowed_token_type"
            | "no_permission"
            | "access_denied"
            | "org_login_required"
            | "ekm_access_denied"
            | "two_factor_setup_required"
            | "team_access_not_granted"
            | "forbidden_team"
            | "app_access_not_granted" => {
                let needed = answer.get("needed").and_then(Value::as_str).map(plain);
                Self::BadToken { word: plain(word), needed }
            }
            _ => Self::Rejected { word: plain(word) },
        }
    }

    /// From slack-morphism's error; its body is read for Slack's word and then dropped.
    pub(super) fn of_client(method: &'static str, error: SlackClientError) -> Self {
        match error {
            SlackClientError::ApiError(e) => {
                Self::of_word(method, &e.code, &read(e.http_response_body))
            }
            SlackClientError::RateLimitError(e) => {
                Self::RateLimited { method, after: e.retry_after.unwrap_or(UNNAMED) }
            }
            SlackClientError::HttpError(e) => {
                of_status(method, e.status_code.as_u16(), &read(e.http_response_body))
            }
            SlackClientError::HttpProtocolError(e) => of_transport(e.cause),
            SlackClientError::ProtocolError(_) => {
                Self::Uncertain { why: "Slack's answer was not JSON".to_owned() }
            }
            SlackClientError::SystemError(_)
            | SlackClientError::EndOfStream(_)
            | SlackClientError::SocketModeProtocolError(_) => {
                Self::Uncertain { why: "the answer broke off".to_owned() }
            }
        }
    }
}

fn read(body: Option<String>) -> Value {
    body.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}

pub(super) fn of_status(method: &'static str, status: u16, answer: &Value) -> Failure {
    // 501: the server does not know how, so it did not.
    if (status >= 500 && status != 501) || status == 408 {
        return Failure::Uncertain { why: format!("Slack answered HTTP {status}") };
    }
    match answer.get("error").and_then(Value::as_str) {
        Some(word) => Failure::of_word(method, word, answer),
        None => Failure::Rejected { word: format!("http_{status}") },
    }
}

fn of_transport(cause: Option<Box<dyn Error + Send + Sync>>) -> Failure {
    let Some(cause) = cause else {
        return Failure::Uncertain { why: "the connection broke".to_owned() };
    };
    let why = root(cause.as_ref());
    match cause.downcast_ref::<hyper_util::client::legacy::Error>() {
        Some(error) if !error.is_connect() => Failure::Uncertain { why },
        // Everything else is an address or a header that could not be built: nothing left.
        Some(_) | None => Failure::NotSent { why },
    }
}

/// The last cause's words: `Connection refused (os error 111)`. Transport errors name no address and no header.
pub(super) fn root(error: &(dyn Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// Slack's words are short ASCII; anything else is not repeated in a log.
fn plain(word: &str) -> String {
    let good = |c: char| c.is_ascii_alphanumeric() || "_-:.,".contains(c);
    word.chars().filter(|c| good(*c)).take(120).collect()
}

/// What a person can do about a word that concerns a token.
fn remedy(word: &str) -> &'static str {
    match word {
        "missing_scope" => "add the scope under OAuth & Permissions and reinstall the app",
        "not_authed" => {
            "no token was given: set SLACK_BOT_TOKEN (xoxb-) and SLACK_APP_TOKEN (xapp-)"
        }
        "not_allowed_token_type" => {
            "the two tokens are swapped: SLACK_BOT_TOKEN is xoxb-, SLACK_APP_TOKEN is xapp-"
        }
        "token_revoked" | "account_inactive" => {
            "the app was removed from the workspace: install it again and set the new token"
        }
        "token_expired" => "set a new token, or turn token rotation off for this app",
        _ => "copy the token again from the app's page and check that the app is installed",
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent { why } => write!(f, "Slack could not be reached: {why}"),
            Self::RateLimited { method, after } => {
                write!(f, "Slack limits {method} for {} s", after.as_secs())
            }
            Self::Uncertain { why } => write!(f, "it may have happened: {why}"),
            Self::Rejected { word } => write!(f, "Slack refuses: {word}"),
            Self::BadToken { word, needed } => {
                write!(f, "Slack refuses the token: {word}")?;
                if let Some(scope) = needed {
                    write!(f, " ({scope})")?;
                }
                write!(f, "; {}", remedy(word))
            }
        }
    }
}
impl Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_word_says_whether_it_happened_and_who_must_act() {
        let uncertain = |w: &str| Failure::Uncertain { why: format!("Slack answered {w}") };
        let token = |w: &str| Failure::BadToken { word: w.into(), needed: None };
        let table = [
            ("internal_error", uncertain("internal_error")),
            ("fatal_error", uncertain("fatal_error")),
            ("service_unavailable", uncertain("service_unavailable")),
            ("ratelimited", Failure::RateLimited { method: "m", after: UNNAMED }),
            ("channel_not_found", Failure::Rejected { word: "channel_not_found".into() }),
            ("unknown_method", Failure::Rejected { word: "unknown_method".into() }),
            ("invalid_auth", token("invalid_auth")),
            ("account_inactive", token("account_inactive")),
        ];
        for (word, expected) in table {
            assert_eq!(Failure::of_word("m", word, &Value::Null), expected, "{word}");
        }
        let scope = Failure::of_word("m", "missing_scope", &json!({"needed": "chat:write"}));
        assert!(scope.to_string().contains("(chat:write); add the scope"), "{scope}");
    }

    #[test]
    fn each_http_status_is_classified() {
        let body = json!({"ok": false, "error": "expired_url"});
        let of = |status, body| of_status("m", status, body);
        assert_eq!(of(404, &body), Failure::Rejected { word: "expired_url".into() });
        for status in [404, 405, 410, 501] {
            let refused = Failure::Rejected { word: format!("http_{status}") };
            assert_eq!(of(status, &Value::Null), refused);
        }
        assert!(of(503, &Value::Null).may_have_happened());
        assert!(of(500, &body).may_have_happened(), "a 500 may hide a message that stands");
    }

    #[test]
    fn a_word_that_is_no_word_is_not_repeated_whole() {
        let odd = Failure::of_word("m", "<script>\nxoxb a", &Value::Null);
        assert_eq!(odd, Failure::Rejected { word: "scriptxoxba".into() });
    }
}
