//! Sleeps until the smallest due time, then hands the alert's moment in. What has become due is the domain's to say.

use crate::clock::Clock;
use crate::domain::input::{Delivery, Input, Moment};
use crate::engine::{Bells, Pulse};
use crate::inbox::Inbox;
use crate::store::{Reader, StoreError, due};
use futures_util::future::join_all;
use std::fmt;
use std::time::Duration;

/// The longest sleep: a wall clock that was set, or a machine that slept, is noticed after so long.
const LONGEST: Duration = Duration::from_secs(30);
/// How long to wait after an alert's step could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs until the task is dropped.
pub async fn run(reader: Reader, inbox: Inbox, (clock, bells): (Clock, Bells), pulse: Pulse) {
    loop {
        // Noted before the look: a due time that moves while we look rings through.
        let rung = bells.due.notified();
        let found = look(&reader, &inbox, &clock).await;
        pulse.beat(clock.instant(), found.is_ok());
        let sleep = match found {
            Ok(sleep) => sleep,
            Err(error) => {
                tracing::error!(%error, "Not every step that is due could be taken");
                // The bell rings for others meanwhile; what just failed is not tried again at once.
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let _ = tokio::time::timeout(sleep.min(LONGEST), rung).await;
    }
}

/// Why a look was not the whole of its work.
#[derive(Debug)]
enum Trouble {
    Read(StoreError),
    /// So many alerts' steps were not written.
    NotWritten(usize),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "{error}"),
            Self::NotWritten(count) => write!(f, "the steps of {count} alert(s) were not written"),
        }
    }
}

/// Hands in what is due, all at once, so that one alert that cannot be written holds up no other.
async fn look(reader: &Reader, inbox: &Inbox, clock: &Clock) -> Result<Duration, Trouble> {
    let now = clock.now();
    let (passed, next) = reader
        .query(move |connection| due::passed(connection, now))
        .await
        .map_err(Trouble::Read)?;
    let handed_in = passed.iter().map(|alert| {
        let input = Input::Moment(Moment::Due { alert: alert.clone() });
        inbox.submit(Delivery { key: None, at: now, input })
    });
    let failed = join_all(handed_in).await.into_iter().filter(Result::is_err).count();
    match (failed, passed.is_empty()) {
        (0, true) => Ok(next.map_or(LONGEST, |next| next.since(clock.now()))),
        (0, false) => Ok(Duration::ZERO),
        (failed, _) => Err(Trouble::NotWritten(failed)),
    }
}
