//! Notices that somebody who has an alert is gone, so that it becomes the team's again.

use crate::clock::Clock;
use crate::domain::ids::AlertId;
use crate::domain::input::{Delivery, Input, Moment};
use crate::domain::people::Directory;
use crate::inbox::Inbox;
use crate::slack::directory::Hint;
use crate::store::{Reader, places};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc::UnboundedSender, watch};

/// So often it is looked at where the directory does not change.
const EVERY: Duration = Duration::from_secs(5 * 60);
/// So many alerts are handed in at a time: other inputs come between.
const STEP: usize = 64;

/// What it looks with.
pub struct Departures {
    pub reader: Reader,
    pub inbox: Inbox,
    pub clock: Clock,
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Where it is asked who somebody is whom the config does not name.
    pub hints: UnboundedSender<Hint>,
}

impl Departures {
    /// Runs until the task is dropped, or nobody publishes a directory any more.
    pub async fn run(mut self) {
        loop {
            let directory = self.directory.borrow_and_update().clone();
            self.look(&directory).await;
            match tokio::time::timeout(EVERY, self.directory.changed()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(_)) => return,
            }
        }
    }

    async fn look(&self, directory: &Directory) {
        let work = match self.reader.query(places::who_has_work).await {
            Ok(work) => work,
            Err(error) => {
                tracing::error!(%error, "It is not known who has which alert");
                return;
            }
        };
        let mut left: Vec<AlertId> = Vec::new();
        for (who, alert) in work {
            if directory.is_deactivated(&who) {
                left.push(alert);
            } else if !directory.people.contains_key(&who) {
                let _ = self.hints.send(Hint::Met(who));
            }
        }
        for some in left.chunks(STEP) {
            let at = self.clock.now();
            let moments = some.iter().map(|alert| {
                let input = Input::Moment(Moment::Departed { alert: alert.clone() });
                self.inbox.submit(Delivery { key: None, at, input })
            });
            if join_all(moments).await.iter().any(Result::is_err) {
                // It is looked at again with the next word from Slack, or in a few minutes.
                tracing::warn!("An alert of somebody who is gone could not be given back yet");
                return;
            }
        }
    }
}
