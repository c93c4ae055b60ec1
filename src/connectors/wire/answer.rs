//! What came back, without a secret in it; or why nothing did, and whether the request may have left.

use crate::domain::tool::call::{Called, Failed, Unsure, Why};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A tool's answer, whatever its status. A redirect is an answer too, and is not followed.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    pub status: u16,
    /// By their names in lower case; several of one name are joined by a comma.
    pub headers: BTreeMap<String, String>,
    pub content: Content,
    /// The tool wants to hear nothing for so long; it is kept to here.
    pub retry_after: Option<Duration>,
}

/// The answer's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    Empty,
    Json(Json),
    /// What is no JSON.
    Text(String),
    /// The status came, and what follows it could not be read: whatever the status says has happened.
    Unread(Unread),
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// More than 5 MiB.
    TooLarge,
    /// The connection broke within it.
    Broken,
    /// It did not come in time.
    TimedOut,
    /// It is compressed, which we did not ask for.
    Encoded,
}

/// Why there is no answer. Each text is for people, and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotAnswered {
    /// No byte of the request left: it did not happen.
    NotSent { why: String },
    /// It may not go there.
    Egress { why: String },
    /// The tool may not be asked again before so long.
    Limited { after: Duration },
    /// The tool, or its token service, refuses our credentials.
    Unauthorised { why: String },
    /// No answer in time, and bytes had left.
    TimedOut,
    /// The connection broke after bytes had left.
    Broken { why: String },
}

impl NotAnswered {
    /// Whether the tool may have heard of it.
    pub fn may_have_left(&self) -> bool {
        match self {
            Self::TimedOut | Self::Broken { .. } => true,
            Self::NotSent { .. }
            | Self::Egress { .. }
            | Self::Limited { .. }
            | Self::Unauthorised { .. } => false,
        }
    }

    /// As what came of the call.
    pub fn called(&self) -> Called {
        let message = self.to_string();
        let failed = |why, retry_after: Option<Duration>| {
            let millis = |after: Duration| u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            let retry_after_ms = retry_after.map(millis);
            Called::Failed(Failed { why, message: message.clone(), retry_after_ms })
        };
        match self {
            Self::NotSent { .. } => failed(Why::NotSent, None),
            Self::Egress { .. } => failed(Why::Egress, None),
            Self::Limited { after } => failed(Why::Limited, Some(*after)),
            Self::Unauthorised { .. } => failed(Why::Unauthorised, None),
            Self::TimedOut => Called::Unsure { why: Unsure::TimedOut, message },
            Self::Broken { .. } => Called::Unsure { why: Unsure::Broken, message },
        }
    }
}

impl fmt::Display for NotAnswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent { why } => write!(f, "it was not sent: {why}"),
            Self::Egress { why } => write!(f, "it may not be sent there: {why}"),
            Self::Limited { after } => {
                let seconds = after.as_millis().div_ceil(1000);
                write!(f, "it was not sent: the tool may be asked again in {seconds} s")
            }
            Self::Unauthorised { why } => write!(f, "it was not sent: {why}"),
            Self::TimedOut => f.write_str("it was sent, and no answer came in time"),
            Self::Broken { why } => {
                write!(f, "it was sent, and the connection broke before the answer: {why}")
            }
        }
    }
}
impl std::error::Error for NotAnswered {}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the answer is larger than 5 MiB",
            Self::Broken => "the connection broke within the answer",
            Self::TimedOut => "the rest of the answer did not come in time",
            Self::Encoded => "the answer is compressed, which was not asked for",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_have_left_is_never_told_as_not_done() {
        let why = || "odd".to_owned();
        for (answer, failed) in [
            (NotAnswered::NotSent { why: why() }, true),
            (NotAnswered::Egress { why: why() }, true),
            (NotAnswered::Limited { after: Duration::from_millis(1_500) }, true),
            (NotAnswered::Unauthorised { why: why() }, true),
            (NotAnswered::TimedOut, false),
            (NotAnswered::Broken { why: why() }, false),
        ] {
            assert_eq!(matches!(answer.called(), Called::Failed(_)), failed, "{answer}");
            assert_eq!(answer.may_have_left(), !failed, "{answer}");
        }
    }

    #[test]
    fn a_limit_says_in_how_long() {
        let limited = NotAnswered::Limited { after: Duration::from_millis(1_500) };
        let Called::Failed(failed) = limited.called() else { panic!("{limited} is a failure") };
        assert_eq!((failed.why, failed.retry_after_ms), (Why::Limited, Some(1_500)));
        assert!(failed.message.ends_with("again in 2 s"), "{}", failed.message);
    }
}
