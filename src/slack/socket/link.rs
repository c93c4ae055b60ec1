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
    /// Sockets whose connection stands, those that only drain included: Slack counts them all.
    standing: u64,
}

impl Board {
    pub(super) fn new() -> (Self, watch::Receiver<Link>) {
        let (link, receiver) = watch::channel(Link::Connecting);
        (Self { state: Mutex::default(), link }, receiver)
    }

    /// A connection stands.
    pub(super) fn opened(&self) {
        self.change(|state| state.standing += 1);
    }

    /// It is gone.
    pub(super) fn closed(&self) {
        self.change(|state| state.standing = state.standing.saturating_sub(1));
    }

    /// Slack said hello in this slot, and how many sockets it counts for our app.
    pub(super) fn greeted(&self, slot: usize, counted: Option<u64>) {
        let ours = self.change(|state| {
            state.up.insert(slot, ());
            state.refused.clear();
            state.standing
        });
        let Some(counted) = counted else { return };
        metrics::gauge!("vigie_slack_sockets_counted_by_slack")
            .set(u32::try_from(counted).unwrap_or(u32::MAX));
        if counted > ours {
            metrics::counter!("vigie_slack_ghost_sockets_total").increment(1);
            tracing::warn!(
                counted,
                ours,
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
