//! Who and what is there, as Slack tells it: a value, renewed every five minutes and soon after Slack says that it changed.
//!
//! What Slack will not tell (a scope that is missing, a method that another server lacks) is left out, never an error: what
//! is dangerous is refused then, and paging goes on.

mod groups;
mod memory;
mod people;
mod quiet;
mod reading;
mod wanted;

pub use reading::DirectoryReader;
pub use wanted::Wanted;

use crate::domain::ids::UserId;
use crate::domain::people::Directory;
use crate::inbox::Inbox;
use memory::EVERY;
use reading::Told;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What has changed, as Slack says or as we hear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    Person(UserId),
    /// Somebody has clicked or typed.
    Met(UserId),
    Groups,
    Channels,
}

/// How much is known since the start, or was asked for in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    #[default]
    Nothing,
    /// Where we are, so that strangers are known for strangers.
    Workspace,
    /// The people, groups and channels that the config names; who is in the groups is asked for by and by.
    Named,
}

/// How the directory is kept up to date.
pub struct Keeper {
    pub reader: DirectoryReader,
    /// What to ask for; changes with the config.
    pub wanted: watch::Receiver<Wanted>,
    pub hints: mpsc::UnboundedReceiver<Hint>,
    /// Where it is published.
    pub publish: watch::Sender<Arc<Directory>>,
    pub known: watch::Sender<Known>,
    /// Where it is kept what names mean.
    pub inbox: Inbox,
}

/// So soon after a failure, then doubling.
const SOON: Duration = Duration::from_secs(2);
/// Changes come in swarms.
const GATHER: Duration = Duration::from_secs(1);

impl Keeper {
    /// Runs until it is dropped, or nobody reads any more.
    pub async fn run(mut self) {
        let mut failures = 0_u32;
        while !self.publish.is_closed() {
            let wanted = self.wanted.borrow_and_update().clone();
            let publish = |known, directory| {
                self.publish.send_replace(Arc::new(directory));
                self.know(known);
            };
            let mut told = self.reader.refresh(&wanted, &publish).await;
            let named = std::mem::take(&mut told.named);
            if !named.is_empty() {
                self.inbox.name(named);
            }
            failures = if told.complete { 0 } else { failures.saturating_add(1) };
            self.idle(&told, pause(failures)).await;
        }
    }

    fn know(&self, more: Known) {
        // Of what is wanted by now nothing was heard yet.
        if self.wanted.has_changed().unwrap_or(false) {
            return;
        }
        self.known.send_if_modified(|known| {
            let news = *known < more;
            *known = more.max(*known);
            news
        });
    }

    /// Until it is time, or something changed; never before Slack's own time is over.
    async fn idle(&mut self, told: &Told, usual: Duration) {
        let now = Instant::now();
        let earliest = now + told.after.unwrap_or_default();
        let usual = match told.after {
            Some(after) if told.complete => after,
            _ => told.soon.map_or(usual, |soon| soon.max(GATHER).min(usual)),
        };
        let mut until = earliest.max(now + usual);
        loop {
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                Ok(()) = self.wanted.changed() => until = until.min(earliest.max(Instant::now())),
                Some(hint) = self.hints.recv() => {
                    if let Some(soon) = self.reader.heed(&hint).await {
                        until = until.min(earliest.max(Instant::now() + soon.max(GATHER)));
                    }
                }
            }
        }
    }
}

fn pause(failures: u32) -> Duration {
    match failures {
        0 => EVERY,
        n => SOON.saturating_mul(1 << (n - 1).min(16)).min(EVERY),
    }
}

#[cfg(test)]
mod tests;
