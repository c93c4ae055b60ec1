//! The shell around the heart: the one writer, the dispatcher that does what was decided, the timer, and start-up.

pub mod deliver;
pub mod dispatch;
pub mod handle;
pub mod lanes;
pub mod timer;

use crate::domain::people::Directory;
use crate::domain::policy::Policy;
use std::sync::Arc;
use tokio::sync::{Notify, watch};

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

/// Rung after each commit that leaves something to do.
#[derive(Clone, Debug, Default)]
pub struct Bells {
    /// The outbox has rows.
    pub outbox: Arc<Notify>,
    /// A due time may have moved.
    pub due: Arc<Notify>,
}
