//! When a socket that seems well is renewed all the same: a deaf one looks like one on which nobody clicks. Pure.

use crate::slack::socket::SocketSettings;
use std::time::Duration;
use tokio::time::Instant;

/// Why a socket that answers our pings is doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Slack has sent nothing that we should hear for long. A new hello says that it still knows us.
    Quiet,
    /// Slack pinged here, and has stopped: only what stands between us answers.
    Unpinged,
    /// Slack counted sockets that are not ours, and counts again only for a new one.
    Ghosts,
}

/// What one socket has heard, as far as it bears on whether it still hears.
#[derive(Debug)]
pub(super) struct Doubt {
    heard: Instant,
    pinged: Option<Instant>,
    counted_ghosts: Option<Instant>,
}

impl Doubt {
    pub(super) fn new(now: Instant) -> Self {
        Self { heard: now, pinged: None, counted_ghosts: None }
    }

    /// A frame with words in it: a hello or an envelope.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// A ping of Slack's own.
    pub(super) fn pinged(&mut self, now: Instant) {
        self.pinged = Some(now);
    }

    /// Slack's hello counted sockets that are not ours.
    pub(super) fn counted_ghosts(&mut self, now: Instant) {
        self.counted_ghosts = Some(now);
    }

    /// When the socket is renewed if nothing else comes, and why. The slots take turns, so that not all are renewed at once.
    pub(super) fn ripe(&self, settings: &SocketSettings, slot: usize) -> (Instant, Why) {
        let turn = u32::try_from(slot).unwrap_or(u32::MAX);
        let after = |since: Instant, span: Duration| since + span + (span / 4).saturating_mul(turn);
        let quiet = (after(self.heard, settings.quiet), Why::Quiet);
        let unpinged = self.pinged.map(|at| (after(at, settings.unpinged), Why::Unpinged));
        let ghosts = self.counted_ghosts.map(|at| (after(at, settings.recount), Why::Ghosts));
        let all = [Some(quiet), unpinged, ghosts].into_iter().flatten();
        all.min_by_key(|(at, _)| *at).unwrap_or(quiet)
    }
}

impl Why {
    /// The word in the metric.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Unpinged => "unpinged",
            Self::Ghosts => "ghosts",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_doubt_ripens_in_its_own_time() {
        let settings = SocketSettings::default();
        let (began, minute) = (Instant::now(), Duration::from_secs(60));
        let ripe = |doubt: &Doubt, slot| {
            let (at, why) = doubt.ripe(&settings, slot);
            ((at - began).as_secs() / 60, why)
        };
        let mut doubt = Doubt::new(began);
        assert_eq!(ripe(&doubt, 0), (60, Why::Quiet));
        assert_eq!(ripe(&doubt, 1), (75, Why::Quiet), "not both at once");
        doubt.heard(began + 30 * minute);
        assert_eq!(ripe(&doubt, 0), (90, Why::Quiet));
        doubt.pinged(began + 30 * minute);
        assert_eq!(ripe(&doubt, 0), (35, Why::Unpinged), "only where it pinged before");
        doubt.pinged(began + 89 * minute);
        assert_eq!(ripe(&doubt, 0), (90, Why::Quiet));
        doubt.counted_ghosts(began + 70 * minute);
        assert_eq!(ripe(&doubt, 0), (80, Why::Ghosts));
    }
}
