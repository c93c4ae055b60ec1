//! Keeps an eye on the channels in which open alerts stand: where one takes no more messages, each of its alerts goes elsewhere.

use crate::clock::Clock;
use crate::domain::ids::ChannelId;
use crate::domain::input::{Delivery, Input, Moment};
use crate::inbox::Inbox;
use crate::slack::outbound::Outbound;
use crate::store::{Reader, places};
use futures_util::future::join_all;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;

/// So often all of them are looked at: what happened while we were away, nobody tells us.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// Where Slack or the store did not answer, it is asked again after so long.
const PAUSE: Duration = Duration::from_secs(30);
/// So many alerts are handed in at a time: other inputs come between.
const STEP: usize = 64;

/// What it looks with.
pub struct Places {
    pub reader: Reader,
    pub inbox: Inbox,
    pub clock: Clock,
    pub outbound: Outbound,
    /// Channels of which Slack says that something has changed.
    pub changed: UnboundedReceiver<ChannelId>,
}

impl Places {
    /// Runs until the task is dropped, or nobody tells of channels any more.
    pub async fn run(mut self) {
        let mut all_at = self.clock.instant();
        let mut left = BTreeSet::new();
        loop {
            if self.clock.instant() >= all_at {
                all_at = self.clock.instant() + EVERY;
                match self.reader.query(places::in_use).await {
                    Ok(channels) => left.extend(channels),
                    Err(error) => {
                        all_at = self.clock.instant() + PAUSE;
                        tracing::error!(%error, "It is not known in which channels alerts stand");
                    }
                }
            }
            for channel in std::mem::take(&mut left) {
                if !self.look(&channel).await {
                    left.insert(channel);
                }
            }
            let until =
                if left.is_empty() { all_at } else { all_at.min(self.clock.instant() + PAUSE) };
            tokio::select! {
                () = tokio::time::sleep_until(until) => {}
                channel = self.changed.recv() => match channel {
                    Some(channel) => drop(left.insert(channel)),
                    None => return,
                }
            }
        }
    }

    /// Whether it is known now how the channel is, and what follows is on disk.
    async fn look(&self, channel: &ChannelId) -> bool {
        match self.outbound.closed(channel).await {
            Ok(None) => true,
            Ok(Some(why)) => self.leave(channel, why).await,
            Err(failure) => {
                tracing::warn!(%channel, %failure, "Slack does not tell whether a channel takes messages");
                false
            }
        }
    }

    /// Hands in its alerts step by step, worst first, until none stands there.
    async fn leave(&self, channel: &ChannelId, why: &str) -> bool {
        let mut before = None;
        loop {
            let of = channel.clone();
            let read =
                self.reader.query(move |connection| places::standing_in(connection, &of, STEP));
            let some = match read.await {
                Ok(some) => some,
                Err(error) => {
                    tracing::error!(%error, "The alerts of a closed channel cannot be read");
                    return false;
                }
            };
            // Those that were handed in stand there no more, or there is nothing to be done for them.
            if some.is_empty() || some.first() == before.as_ref() {
                return true;
            }
            let at = self.clock.now();
            let moments = some.iter().map(|alert| {
                let (alert, channel) = (alert.clone(), channel.clone());
                let input = Input::Moment(Moment::PlaceClosed { alert, channel, why: why.into() });
                self.inbox.submit(Delivery { key: None, at, input })
            });
            if join_all(moments).await.iter().any(Result::is_err) {
                return false;
            }
            before = some.into_iter().next();
        }
    }
}
