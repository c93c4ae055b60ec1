//! Whether we are connected to Slack, told in one value for `/readyz` and the operator.

use crate::slack::socket::backoff::Trouble;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::watch;

/// The state of the link to Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Slack has said hello on so many sockets.
    Connected { sockets: usize },
    /// None is open; it is being tried.
    Connecting,
    /// Slack refuses, in words that a person can act on. It is tried again, slowly.
    Refused { words: String },
}

/// What every slot last knew.
pub(super) struct Board {
    state: Mutex<State>,
    link: watch::Sender<Link>,
}

#[derive(Default)]
struct State {
    /// Sockets that have said hello: by slot, since a slot has one that counts.
    up: BTreeMap<usize, ()>,
    refused: BTreeMap<usize, String>,
    /// Sockets whose connection stands or is being made, those that only drain included: Slack counts them all.
    ours: u64,
}

impl State {
    /// How many of the sockets that Slack counts are not ours.
    fn ghosts(&self, counted: u64) -> u64 {
        counted.saturating_sub(self.ours)
    }
}

impl Board {
    pub(super) fn new() -> (Self, watch::Receiver<Link>) {
        let (link, receiver) = watch::channel(Link::Connecting);
        (Self { state: Mutex::default(), link }, receiver)
    }

    /// A connection is being made.
    pub(super) fn opening(&self) {
        self.change(|state| state.ours += 1);
    }

    /// It is gone, or did not come about.
    pub(super) fn closed(&self) {
        self.change(|state| state.ours = state.ours.saturating_sub(1));
    }

    /// Slack said hello in this slot, and how many sockets it counts for our app.
    pub(super) fn greeted(&self, slot: usize, counted: Option<u64>) {
        let ghosts = self.change(|state| {
            state.up.insert(slot, ());
            state.refused.clear();
            counted.map_or(0, |counted| state.ghosts(counted))
        });
        let Some(counted) = counted else { return };
        metrics::gauge!("vigie_slack_sockets_counted_by_slack")
            .set(u32::try_from(counted).unwrap_or(u32::MAX));
        if ghosts > 0 {
            metrics::counter!("vigie_slack_ghost_sockets_total").increment(1);
            tracing::warn!(
                counted,
                ghosts,
                "Slack counts more sockets than we hold: another process uses this app token, \
                or a socket was left behind, and takes some of the clicks"
            );
        }
    }

    /// The slot's socket no longer counts.
    pub(super) fn troubled(&self, slot: usize, trouble: &Trouble) {
        self.change(|state| {
            state.up.remove(&slot);
            match trouble.refusal() {
                Some(words) => state.refused.insert(slot, words),
                None => state.refused.remove(&slot),
            };
        });
    }

    fn change<R>(&self, how: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = how(&mut state);
        let link = match (state.up.len(), state.refused.values().next()) {
            (0, Some(words)) => Link::Refused { words: words.clone() },
            (0, None) => Link::Connecting,
            (sockets, _) => Link::Connected { sockets },
        };
        metrics::gauge!("vigie_slack_sockets")
            .set(u32::try_from(state.up.len()).unwrap_or(u32::MAX));
        self.link.send_if_modified(|old| {
            let changed = *old != link;
            *old = link;
            changed
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_that_are_being_opened_are_no_ghosts() {
        let (board, _link) = Board::new();
        let ghosts = |counted: u64| board.change(|state| state.ghosts(counted));
        board.opening();
        board.opening();
        assert_eq!(ghosts(2), 0, "the other one is on its way");
        assert_eq!(ghosts(3), 1);
        board.closed();
        assert_eq!(ghosts(2), 1, "one that did not come about is not ours");
    }
}
