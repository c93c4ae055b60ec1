//! What a webhook's sender is told: a status, and words that say what to do next to whoever reads them at night.

use super::auth::Denied;
use super::body::Unread;
use super::mapping::Unreadable;
use crate::domain::ids::AlertId;
use crate::domain::input::Reception;
use crate::inbox::NotWritten;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

/// How a webhook ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// On disk, in the order of the body.
    Taken(Vec<(AlertId, Reception)>),
    UnknownSource,
    Denied(Denied),
    NotJson,
    Unread {
        why: Unread,
        limit: usize,
    },
    Unreadable(Unreadable),
    NotWritten(NotWritten),
    /// The writer answered something that is no answer to an alert: our mistake.
    Bug,
}

impl Answer {
    /// Its word in `vigie_hooks_total{outcome}` and in the log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Taken(_) => "taken",
            Self::UnknownSource => "unknown_source",
            Self::Denied(_) => "not_authenticated",
            Self::NotJson => "not_json",
            Self::Unread { why: Unread::TooLarge, .. } => "too_large",
            Self::Unread { why: Unread::TooSlow, .. } => "too_slow",
            Self::Unread { why: Unread::Encoding, .. } => "unknown_encoding",
            Self::Unread { why: Unread::Corrupt, .. } => "corrupt",
            Self::Unread { why: Unread::Broken, .. } => "broken",
            Self::Unreadable(_) => "unreadable",
            Self::NotWritten(NotWritten::Behind { .. }) => "behind",
            Self::NotWritten(NotWritten::Store) => "store",
            Self::NotWritten(NotWritten::Stopping) => "stopping",
            Self::Bug => "bug",
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Taken(_) => StatusCode::ACCEPTED,
            Self::UnknownSource => StatusCode::NOT_FOUND,
            Self::Denied(_) => StatusCode::UNAUTHORIZED,
            Self::NotJson | Self::Unread { why: Unread::Encoding, .. } => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
            Self::Unread { why: Unread::TooLarge, .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Unread { why: Unread::TooSlow, .. } => StatusCode::REQUEST_TIMEOUT,
            Self::Unread { why: Unread::Corrupt | Unread::Broken, .. } | Self::Unreadable(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NotWritten(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Bug => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn body(&self) -> Json {
        let (error, hint) = match self {
            Self::Taken(alerts) => {
                let alerts: Vec<_> = alerts
                    .iter()
                    .map(|(id, outcome)| json!({"id": id, "outcome": outcome}))
                    .collect();
                return json!({"alerts": alerts});
            }
            Self::Unreadable(Unreadable { field, why }) => {
                return json!({
                    "error": "not an alert of this source",
                    "field": field,
                    "why": why,
                    "hint": "nothing of it was taken; `vigie source test FILE --source NAME` shows how a body is read",
                });
            }
            Self::Unread { why: why @ (Unread::Corrupt | Unread::Broken), limit } => {
                let (why, hint) = unread(*why, *limit);
                return json!({"error": "not an alert of this source", "field": "body", "why": why, "hint": hint});
            }
            Self::UnknownSource => (
                "no such source".to_owned(),
                "post to /hooks/NAME, where NAME stands under `sources:` in vigie.yaml".to_owned(),
            ),
            Self::Denied(Denied { wants }) => (
                "not authenticated".to_owned(),
                format!(
                    "send {wants}; the secret is the one named at `sources: NAME: auth:` in vigie.yaml"
                ),
            ),
            Self::NotJson => (
                "the body's Content-Type is not JSON".to_owned(),
                "send JSON with `Content-Type: application/json`".to_owned(),
            ),
            Self::Unread { why, limit } => unread(*why, *limit),
            Self::NotWritten(why) => (
                why.to_string(),
                "send it again after `Retry-After` seconds: nothing is lost as long as you retry"
                    .to_owned(),
            ),
            Self::Bug => (
                "internal error".to_owned(),
                "this is a mistake in vigie; its log has a line of this moment".to_owned(),
            ),
        };
        json!({"error": error, "hint": hint})
    }

    fn headers(&self) -> Option<(HeaderName, HeaderValue)> {
        match self {
            Self::Denied(_) => {
                Some((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"vigie\"")))
            }
            Self::Unread { why: Unread::Encoding, .. } => {
                Some((header::ACCEPT_ENCODING, HeaderValue::from_static("gzip, deflate")))
            }
            Self::NotWritten(why) => {
                let seconds = match why {
                    NotWritten::Behind { retry_after } => retry_after.as_secs().max(1),
                    NotWritten::Store => 30,
                    NotWritten::Stopping => 5,
                };
                Some((header::RETRY_AFTER, HeaderValue::from(seconds)))
            }
            _ => None,
        }
    }
}

fn unread(why: Unread, limit: usize) -> (String, String) {
    let (error, hint) = match why {
        Unread::TooLarge => {
            let hint = format!(
                "a body may have {limit} bytes, before and after decompression: send fewer alerts in one post, or raise the limit in vigie.yaml"
            );
            return ("the body is too large".to_owned(), hint);
        }
        Unread::TooSlow => ("the body came too slowly", "send it again"),
        Unread::Encoding => (
            "the body's Content-Encoding is none that we read",
            "compress with gzip or deflate, or not at all",
        ),
        Unread::Corrupt => (
            "is not what its Content-Encoding says",
            "look at what compresses it, or leave the header out",
        ),
        Unread::Broken => ("ended before its time", "send it again"),
    };
    (error.to_owned(), hint.to_owned())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = said(self.status(), &self.body());
        response.headers_mut().extend(self.headers().map(|(name, value)| (Some(name), value)));
        response
    }
}

/// A JSON answer.
pub fn said(status: StatusCode, body: &Json) -> Response {
    let json = HeaderValue::from_static("application/json");
    (status, [(header::CONTENT_TYPE, json)], format!("{body}\n")).into_response()
}
