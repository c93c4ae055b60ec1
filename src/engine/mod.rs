//! The shell around the heart: the one writer, the dispatcher that does what was decided, the timer, and start-up.

mod about;
pub mod calls;
pub mod deliver;
pub mod departures;
mod desk;
pub mod dispatch;
pub mod emergency;
pub mod handle;
pub mod lanes;
pub mod ledger;
pub mod pins;
pub mod places;
pub mod timer;
mod unwritten;

use crate::domain::people::Directory;
use crate::domain::policy::Policy;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// What decisions are made against: the newest config and the newest word from Slack.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub policy: watch::Receiver<Arc<Policy>>,
    pub directory: watch::Receiver<Arc<Directory>>,
}

impl Surroundings {
    /// One consistent pair, for one batch or one message.
    pub fn now(&self) -> (Arc<Policy>, Arc<Directory>) {
        (self.policy.borrow().clone(), self.directory.borrow().clone())
    }
}

/// A loop's sign of life: when it last moved, and whether it last failed.
#[derive(Clone, Debug)]
pub struct Pulse(Arc<Mutex<(Instant, bool)>>);

impl Pulse {
    /// A loop that starts now.
    pub fn new(now: Instant) -> Self {
        Self(Arc::new(Mutex::new((now, false))))
    }

    /// It moved, and it went well or not.
    pub fn beat(&self, now: Instant, well: bool) {
        *self.lock() = (now, !well);
    }

    /// How long ago it moved.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.lock().0)
    }

    /// Whether it failed the last time.
    pub fn is_ill(&self) -> bool {
        self.lock().1
    }

    fn lock(&self) -> MutexGuard<'_, (Instant, bool)> {
        self.0.lock().expect("nothing panics while it is held")
    }
}

/// Rung after each commit that leaves something to do.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    /// The outbox has rows.
    pub outbox: Arc<Notify>,
    /// A due time may have moved.
    pub due: Arc<Notify>,
    /// A tool may have something to do.
    pub calls: Arc<Notify>,
}
