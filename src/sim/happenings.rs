//! What a person watching the workspace would notice, as values and as one line of text each.
use std::fmt;
use std::time::Duration;

use super::delivery::Delivery;

/// Something that was said, with the names people use.
#[derive(Clone, Debug, Default)]
pub struct Said {
    pub channel: String,
    /// `#soc-alerts`, or `@bea` for a DM.
    pub place: String,
    pub ts: String,
    pub thread_ts: Option<String>,
    pub author: String,
    /// The whole message as a person reads it.
    pub text: String,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Happening {
    Posted(Said),
    Updated(Said),
    Deleted(Said),
    /// Only `author`'s counterpart saw it.
    Ephemeral {
        to: String,
        said: Said,
    },
    ViewOpened {
        user: String,
        title: String,
    },
    ViewUpdated {
        user: String,
        title: String,
    },
    ViewClosed {
        user: String,
        title: String,
    },
    HomePublished {
        user: String,
    },
    /// A person did something, and this is what became of it.
    Acted {
        user: String,
        act: String,
        delivery: Delivery,
    },
    Event {
        kind: String,
        attempt: u32,
        delivery: Delivery,
    },
    /// A Web API call that was not answered `ok`.
    Refused {
        method: String,
        error: String,
    },
    SocketOpened {
        open: usize,
    },
    SocketClosed {
        why: String,
        open: usize,
    },
    /// An acknowledgement nobody waits for: late, second, or of an unknown envelope.
    StrayAck {
        envelope_id: String,
    },
    /// The app did something Slack does not understand.
    Trouble {
        what: String,
    },
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thread = if self.thread_ts.is_some() { " (thread)" } else { "" };
        write!(
            f,
            "{}{thread} <{}> {}",
            self.place,
            self.author,
            self.text.replace('\n', "\n      ")
        )
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Posted(said) => write!(f, "{said}"),
            Self::Updated(said) => write!(f, "{said} [edited]"),
            Self::Deleted(said) => write!(f, "{said} [deleted]"),
            Self::Ephemeral { to, said } => write!(f, "{said} [only {to} sees it]"),
            Self::ViewOpened { user, title } => write!(f, "{user} sees the dialog \"{title}\""),
            Self::ViewUpdated { user, title } => {
                write!(f, "{user} sees the dialog change: \"{title}\"")
            }
            Self::ViewClosed { user, title } => {
                write!(f, "{user} no longer sees the dialog \"{title}\"")
            }
            Self::HomePublished { user } => write!(f, "{user}'s Home is new"),
            Self::Acted { user, act, delivery } => write!(f, "{user} {act}: {delivery}"),
            Self::Event { kind, attempt, delivery } => {
                write!(f, "event {kind} (attempt {attempt}): {delivery}")
            }
            Self::Refused { method, error } => write!(f, "{method} answered {error}"),
            Self::SocketOpened { open } => write!(f, "socket opened ({open} open)"),
            Self::SocketClosed { why, open } => write!(f, "socket closed: {why} ({open} open)"),
            Self::StrayAck { envelope_id } => write!(f, "stray acknowledgement of {envelope_id}"),
            Self::Trouble { what } => write!(f, "trouble: {what}"),
        }
    }
}

/// A clock time of the day in UTC, for a line of the transcript.
pub(super) fn clock(at_ms: i64) -> String {
    let of_day =
        Duration::from_millis(u64::try_from(at_ms.rem_euclid(86_400_000)).unwrap_or_default());
    let seconds = of_day.as_secs();
    format!(
        "{:02}:{:02}:{:02}.{:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        of_day.subsec_millis()
    )
}
