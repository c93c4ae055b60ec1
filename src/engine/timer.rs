//! Sleeps until the smallest due time, then hands the alert's moment in. What has become due is the domain's to say.

use crate::clock::Clock;
use crate::domain::input::{Delivery, Input, Moment};
use crate::engine::{Bells, Pulse};
use crate::inbox::Inbox;
use crate::store::{Reader, StoreError, due};
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
                tracing::error!(%error, "The timer cannot read due times");
                PAUSE
            }
        };
        let _ = tokio::time::timeout(sleep.min(LONGEST), rung).await;
    }
}

async fn look(reader: &Reader, inbox: &Inbox, clock: &Clock) -> Result<Duration, StoreError> {
    let now = clock.now();
    let (passed, next) = reader.query(move |connection| due::passed(connection, now)).await?;
    for alert in &passed {
        let input = Input::Moment(Moment::Due { alert: alert.clone() });
        if inbox.submit(Delivery { key: None, at: clock.now(), input }).await.is_err() {
            return Ok(PAUSE);
        }
    }
    if !passed.is_empty() {
        return Ok(Duration::ZERO);
    }
    Ok(next.map_or(LONGEST, |next| next.since(clock.now())))
}
