//! Why a slot needs another socket, and how long it waits before it opens one. Pure.

use crate::slack::failure::Failure;
use crate::slack::socket::doubt::Why;
use std::time::Duration;

/// Why a slot needs another socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Slack will close it soon, or now, and wants us to open another (`warning`, `refresh_requested`).
    Refresh { lived: Duration },
    /// It seems well, and we want a new one to be sure. The old one goes on until the new one is there.
    Doubted { why: Why, lived: Duration },
    /// It closed or broke.
    Dropped { lived: Duration },
    /// It fell silent, or never said hello.
    Silent { lived: Duration },
    /// More than ten sockets are open for the app.
    TooMany,
    /// Socket Mode is switched off in the app's settings.
    LinkDisabled,
    /// It could not be opened.
    NotOpened(Failure),
}

/// Counts what goes wrong in a row.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

/// A socket that lived so long was a good one.
const GOOD: Duration = Duration::from_secs(30);
const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);
const SLOW: Duration = Duration::from_secs(30);
const SLOWEST: Duration = Duration::from_secs(300);

impl Backoff {
    /// How long to wait, this being the next trouble in the slot.
    pub(super) fn wait(&mut self, trouble: &Trouble) -> Duration {
        if trouble.lived() >= GOOD {
            self.failures = 0;
        }
        let before = self.failures;
        let doubled = |first: Duration| first.saturating_mul(1 << before.min(16));
        let quick = doubled(FIRST).min(LONGEST);
        let slow = doubled(SLOW).min(SLOWEST);
        if !matches!(trouble, Trouble::Refresh { lived } | Trouble::Doubted { lived, .. } if *lived >= GOOD)
        {
            self.failures = before.saturating_add(1);
        }
        match trouble {
            // Slack asked for it. Only a server that asks again and again is held off.
            Trouble::Refresh { .. } | Trouble::Doubted { .. } if before == 0 => Duration::ZERO,
            Trouble::Refresh { .. } | Trouble::Doubted { .. } => quick / 2,
            Trouble::Dropped { .. } | Trouble::Silent { .. } => quick,
            Trouble::TooMany | Trouble::LinkDisabled => slow,
            Trouble::NotOpened(Failure::RateLimited { after, .. }) => quick.max(*after),
            Trouble::NotOpened(Failure::NotSent { .. } | Failure::Uncertain { .. }) => quick,
            Trouble::NotOpened(Failure::Rejected { .. } | Failure::BadToken { .. }) => slow,
        }
    }
}

const LINK_DISABLED: &str =
    "Socket Mode is switched off: turn it on under Settings → Socket Mode of the Slack app";
const TOO_MANY: &str = "too many sockets are open for this app (Slack allows 10): stop the other processes that \
                        use the same app token";

impl Trouble {
    fn lived(&self) -> Duration {
        match self {
            Self::Refresh { lived }
            | Self::Doubted { lived, .. }
            | Self::Dropped { lived }
            | Self::Silent { lived } => *lived,
            Self::TooMany | Self::LinkDisabled | Self::NotOpened(_) => Duration::ZERO,
        }
    }

    /// What a person must mend, where it is that.
    pub(super) fn refusal(&self) -> Option<String> {
        match self {
            Self::TooMany => Some(TOO_MANY.to_owned()),
            Self::LinkDisabled => Some(LINK_DISABLED.to_owned()),
            Self::NotOpened(Failure::Rejected { word }) if word == "link_disabled" => {
                Some(LINK_DISABLED.to_owned())
            }
            Self::NotOpened(failure @ (Failure::Rejected { .. } | Failure::BadToken { .. })) => {
                Some(failure.to_string())
            }
            Self::Refresh { .. }
            | Self::Doubted { .. }
            | Self::Dropped { .. }
            | Self::Silent { .. }
            | Self::NotOpened(_) => None,
        }
    }

    /// The word in the metric.
    pub(super) fn label(&self) -> &'static str {
        match self {
            Self::Refresh { .. } => "refresh",
            Self::Doubted { why, .. } => why.label(),
            Self::Dropped { .. } => "dropped",
            Self::Silent { .. } => "silent",
            Self::TooMany => "too_many_websockets",
            Self::LinkDisabled => "link_disabled",
            Self::NotOpened(_) => "not_opened",
        }
    }

    /// Logs it, once.
    pub(super) fn tell(&self, slot: usize, wait: Duration) {
        let wait = wait.as_secs_f32();
        match self {
            Self::Refresh { .. } => tracing::debug!(slot, "Slack renews the socket"),
            Self::Doubted { why: Why::Unpinged, .. } => {
                tracing::warn!(slot, "Slack no longer pings on a socket: it is renewed");
            }
            Self::Doubted { why, .. } => {
                tracing::debug!(slot, why = why.label(), "a socket is renewed to be sure of it");
            }
            Self::Dropped { .. } => {
                tracing::warn!(slot, wait, "the socket to Slack broke; opening another")
            }
            Self::Silent { .. } => {
                tracing::warn!(slot, wait, "the socket to Slack fell silent; opening another")
            }
            Self::NotOpened(failure) => tracing::warn!(slot, wait, "no socket to Slack: {failure}"),
            Self::TooMany | Self::LinkDisabled => {
                tracing::error!(
                    slot,
                    wait,
                    "no socket to Slack: {}",
                    self.refusal().unwrap_or_default()
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_waits_as_long_as_it_should() {
        let day = Duration::from_secs(86_400);
        let short = Duration::from_secs(1);
        let rejected =
            Trouble::NotOpened(Failure::BadToken { word: "invalid_auth".into(), needed: None });
        let limited = Failure::RateLimited {
            method: "apps.connections.open",
            after: Duration::from_secs(60),
        };
        let limited = Trouble::NotOpened(limited);
        let hung = Trouble::NotOpened(Failure::Uncertain { why: "no answer".into() });
        let doubted = |lived| Trouble::Doubted { why: Why::Quiet, lived };
        let table: [(&str, Trouble, [u64; 4]); 10] = [
            ("a doubt after an hour", doubted(day), [0, 0, 0, 0]),
            ("doubts without end", doubted(short), [0, 500, 1000, 2000]),
            ("a refresh after hours", Trouble::Refresh { lived: day }, [0, 0, 0, 0]),
            (
                "a server that always refreshes",
                Trouble::Refresh { lived: short },
                [0, 500, 1000, 2000],
            ),
            ("a drop after hours", Trouble::Dropped { lived: day }, [500, 500, 500, 500]),
            ("a drop at once", Trouble::Dropped { lived: short }, [500, 1000, 2000, 4000]),
            ("too many", Trouble::TooMany, [30_000, 60_000, 120_000, 240_000]),
            ("a bad token", rejected, [30_000, 60_000, 120_000, 240_000]),
            ("a hung open", hung, [500, 1000, 2000, 4000]),
            ("a rate limit", limited, [60_000, 60_000, 60_000, 60_000]),
        ];
        for (what, trouble, waits) in table {
            let mut backoff = Backoff::default();
            let got =
                waits.map(|_| u64::try_from(backoff.wait(&trouble).as_millis()).expect("small"));
            assert_eq!(got, waits, "{what}");
        }
    }

    #[test]
    fn what_a_person_must_mend_is_said_in_words() {
        let word =
            |word: &str| Trouble::NotOpened(Failure::of_word("m", word, &serde_json::Value::Null));
        let said = |trouble: Trouble| trouble.refusal().unwrap_or_default();
        assert!(said(word("invalid_auth")).contains("copy the token again"));
        assert!(said(word("not_allowed_token_type")).contains("swapped"));
        assert_eq!(said(word("link_disabled")), LINK_DISABLED);
        assert_eq!(said(Trouble::LinkDisabled), LINK_DISABLED);
        assert_eq!(word("internal_error").refusal(), None, "Slack's own trouble passes");
    }
}
