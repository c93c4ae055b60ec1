//! Who and what is there, as Slack tells it: a value, renewed every five minutes and soon after Slack says that it changed.
//!
//! What Slack will not tell (a scope that is missing, a method that another server lacks) is left out, never an error: what
//! is dangerous is refused then, and paging goes on.

mod groups;
mod memory;
mod reading;
mod wanted;

pub use reading::DirectoryReader;
pub use wanted::Wanted;

use crate::domain::ids::UserId;
use crate::domain::people::Directory;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// What Slack says has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hint {
    Person(UserId),
    Groups,
    Channels,
    Everything,
}

/// How the directory is kept up to date.
pub struct Keeper {
    pub reader: DirectoryReader,
    /// What to ask for; changes with the config.
    pub wanted: watch::Receiver<Wanted>,
    pub hints: mpsc::UnboundedReceiver<Hint>,
    /// Where it is published.
    pub publish: watch::Sender<Arc<Directory>>,
}

const EVERY: Duration = Duration::from_secs(5 * 60);
/// So soon after a failure, then doubling.
const SOON: Duration = Duration::from_secs(2);
/// Changes come in swarms.
const GATHER: Duration = Duration::from_secs(1);

impl Keeper {
    /// Runs until it is dropped, or nobody reads any more.
    pub async fn run(mut self) {
        let mut failures = 0_u32;
        loop {
            let wanted = self.wanted.borrow_and_update().clone();
            let told = self.reader.refresh(&wanted).await;
            failures = if told.complete { 0 } else { failures.saturating_add(1) };
            if self.publish.send(Arc::new(told.directory)).is_err() {
                return;
            }
            let wait = told.after.unwrap_or_default().max(pause(failures));
            self.idle(wait).await;
        }
    }

    /// Until it is time, or something changed.
    async fn idle(&mut self, wait: Duration) {
        tokio::select! {
            () = tokio::time::sleep(wait) => return,
            Ok(()) = self.wanted.changed() => return,
            Some(hint) = self.hints.recv() => self.reader.forget(&hint).await,
        }
        tokio::time::sleep(GATHER).await;
        while let Ok(hint) = self.hints.try_recv() {
            self.reader.forget(&hint).await;
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
