//! Whether we are connected to Slack, told in one value for `/readyz` and the operator.

use crate::slack::socket::backoff::Trouble;
use std::collections::{BTreeMap, BTreeSet};
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

/// One socket: its slot, and which one in that slot it is.
pub(super) type Id = (usize, u32);

/// What every slot last knew.
pub(super) struct Board {
    state: Mutex<State>,
    link: watch::Sender<Link>,
    ghosts: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    /// Sockets on which Slack has said hello and which are not over; of a slot there may be two while one takes over.
    up: BTreeSet<Id>,
    refused: BTreeMap<usize, String>,
    /// Sockets whose connection stands or is being made, those that only drain included: Slack counts them all.
    ours: u64,
}

impl State {
    /// How many of the sockets that Slack counts are not ours.
    fn ghosts(&self, counted: u64) -> u64 {
        counted.saturating_sub(self.ours)
    }

    /// How many slots are filled.
    fn sockets(&self) -> usize {
        self.up.iter().map(|(slot, _)| slot).collect::<BTreeSet<_>>().len()
    }
}

impl Board {
    pub(super) fn new() -> Self {
        let (link, ghosts) = (watch::Sender::new(Link::Connecting), watch::Sender::new(0));
        Self { state: Mutex::default(), link, ghosts }
    }

    pub(super) fn link(&self) -> watch::Receiver<Link> {
        self.link.subscribe()
    }

    /// How many sockets that are not ours Slack counted last.
    pub(super) fn ghosts(&self) -> watch::Receiver<u64> {
        self.ghosts.subscribe()
    }

    /// A connection is being made.
    pub(super) fn opening(&self) {
        self.change(|state| state.ours += 1);
    }

    /// It is gone, or did not come about.
    pub(super) fn closed(&self, socket: Id) {
        self.change(|state| {
            state.up.remove(&socket);
            state.ours = state.ours.saturating_sub(1);
        });
    }

    /// Slack said hello on this socket, and how many it counts for our app. Answers how many of them are not ours.
    pub(super) fn greeted(&self, socket: Id, counted: Option<u64>) -> u64 {
        let ghosts = self.change(|state| {
            state.up.insert(socket);
            state.refused.clear();
            counted.map_or(0, |counted| state.ghosts(counted))
        });
        let Some(counted) = counted else { return 0 };
        let before = self.ghosts.send_replace(ghosts);
        metrics::gauge!("vigie_slack_ghost_sockets").set(u32::try_from(ghosts).unwrap_or(u32::MAX));
        metrics::gauge!("vigie_slack_sockets_counted_by_slack")
            .set(u32::try_from(counted).unwrap_or(u32::MAX));
        if ghosts == 0 && before > 0 {
            tracing::info!(counted, "Slack counts no sockets but ours any more");
        }
        if ghosts > 0 {
            tracing::warn!(
                counted,
                ghosts,
                "Slack counts more sockets than we hold: another process uses this app token, \
                or a socket was left behind, and takes some of the clicks"
            );
        }
        ghosts
    }

    /// The slot needs another socket. The one that it had counts until it is over.
    pub(super) fn troubled(&self, slot: usize, trouble: &Trouble) {
        self.change(|state| {
            match trouble.refusal() {
                Some(words) => state.refused.insert(slot, words),
                None => state.refused.remove(&slot),
            };
        });
    }

    fn change<R>(&self, how: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = how(&mut state);
        let link = match (state.sockets(), state.refused.values().next()) {
            (0, Some(words)) => Link::Refused { words: words.clone() },
            (0, None) => Link::Connecting,
            (sockets, _) => Link::Connected { sockets },
        };
        metrics::gauge!("vigie_slack_sockets")
            .set(u32::try_from(state.sockets()).unwrap_or(u32::MAX));
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
        let board = Board::new();
        let ghosts = |counted: u64| board.change(|state| state.ghosts(counted));
        board.opening();
        board.opening();
        assert_eq!(ghosts(2), 0, "the other one is on its way");
        assert_eq!(ghosts(3), 1);
        board.closed((0, 0));
        assert_eq!(ghosts(2), 1, "one that did not come about is not ours");
    }
    #[test]
    fn the_ghosts_are_told_until_slack_counts_none() {
        let board = Board::new();
        let ghosts = board.ghosts();
        board.opening();
        assert_eq!((board.greeted((0, 1), Some(3)), *ghosts.borrow()), (2, 2));
        board.opening();
        assert_eq!(board.greeted((1, 1), None), 0);
        assert_eq!(*ghosts.borrow(), 2, "a hello without a count says nothing of them");
        assert_eq!((board.greeted((1, 1), Some(2)), *ghosts.borrow()), (0, 0));
    }

    #[test]
    fn a_slot_is_filled_until_its_last_socket_is_over() {
        let board = Board::new();
        let link = board.link();
        board.opening();
        board.greeted((0, 1), None);
        let lived = std::time::Duration::from_secs(99);
        board.troubled(0, &Trouble::Refresh { lived });
        assert_eq!(*link.borrow(), Link::Connected { sockets: 1 }, "the old one still hears");
        board.opening();
        board.greeted((0, 2), None);
        assert_eq!(*link.borrow(), Link::Connected { sockets: 1 }, "two, but one slot");
        board.closed((0, 1));
        assert_eq!(*link.borrow(), Link::Connected { sockets: 1 });
        board.closed((0, 2));
        assert_eq!(*link.borrow(), Link::Connecting);
    }
}
