//! Sleeps until the smallest due time, then hands the alert's moment in. What has become due is the domain's to say.

use crate::clock::Clock;
use crate::domain::ids::{AlertId, RunId};
use crate::domain::input::{Delivery, Input, Moment};
use crate::domain::policy::Policy;
use crate::engine::{Bells, Pulse};
use crate::inbox::Inbox;
use crate::store::{Reader, StoreError, alerts, due, runs};
use futures_util::future::join_all;
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The longest sleep: a wall clock that was set, or a machine that slept, is noticed after so long.
const LONGEST: Duration = Duration::from_secs(30);
/// How long to wait after an alert's step could not be written.
const PAUSE: Duration = Duration::from_secs(1);
/// So many alerts are handed in at a time: other inputs come between.
const STEP: usize = 128;

/// Runs until the task is dropped.
pub async fn run(
    (reader, inbox): (Reader, Inbox),
    (clock, bells): (Clock, Bells),
    mut policy: watch::Receiver<Arc<Policy>>,
    pulse: Pulse,
) {
    let mut known = false;
    loop {
        // Whatever was due under another policy, or before the start, may be due at another time.
        if !known {
            let recomputed = recompute(&reader, &inbox, &clock).await;
            known = recomputed.is_ok();
            if let Err(trouble) = recomputed {
                pulse.beat(clock.instant(), false);
                trouble.tell();
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        // Noted before the look: a due time that moves while we look rings through.
        let rung = bells.due.notified();
        let found = look(&reader, &inbox, &clock).await;
        pulse.beat(clock.instant(), found.is_ok());
        let sleep = match found {
            Ok(sleep) => sleep,
            Err(trouble) => {
                trouble.tell();
                // The bell rings for others meanwhile; what just failed is not tried again at once.
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        tokio::select! {
            _ = tokio::time::timeout(sleep.min(LONGEST), rung) => {}
            Ok(()) = policy.changed() => known = false,
        }
    }
}

/// Why a look was not the whole of its work.
#[derive(Debug)]
enum Trouble {
    Read(StoreError),
    /// Steps were not written. The writer says so once, and who pages meanwhile hears of them from it.
    NotWritten,
}

impl Trouble {
    fn tell(&self) {
        match self {
            Self::Read(error) => tracing::error!(%error, "What is due cannot be read"),
            Self::NotWritten => {}
        }
    }
}

/// Due times are a cache, and the policy may have changed since they were written: each open alert is looked at again.
/// Beside the work that goes on, in steps, so that no start waits for a long list.
async fn recompute(reader: &Reader, inbox: &Inbox, clock: &Clock) -> Result<(), Trouble> {
    let mut last = None;
    loop {
        let after = last.take();
        let next = move |connection: &Connection| alerts::waiting(connection, after.as_ref(), STEP);
        let some = reader.query(next).await.map_err(Trouble::Read)?;
        hand_in(&some, inbox, clock).await?;
        last = some.last().cloned();
        if last.is_none() {
            break;
        }
    }
    let mut last = None;
    loop {
        let after = last.take();
        let next = move |connection: &Connection| runs::unended(connection, after.as_ref(), STEP);
        let some = reader.query(next).await.map_err(Trouble::Read)?;
        hand_in_runs(&some, inbox, clock).await?;
        last = some.last().cloned();
        if last.is_none() {
            return Ok(());
        }
    }
}

async fn hand_in_runs(runs: &[RunId], inbox: &Inbox, clock: &Clock) -> Result<(), Trouble> {
    all(runs.iter().map(|run| Moment::RunDue { run: run.clone() }), inbox, clock).await
}

async fn hand_in(alerts: &[AlertId], inbox: &Inbox, clock: &Clock) -> Result<(), Trouble> {
    all(alerts.iter().map(|alert| Moment::Due { alert: alert.clone() }), inbox, clock).await
}

async fn all(
    moments: impl Iterator<Item = Moment>,
    inbox: &Inbox,
    clock: &Clock,
) -> Result<(), Trouble> {
    let now = clock.now();
    let moments = moments
        .map(|moment| inbox.submit(Delivery { key: None, at: now, input: Input::Moment(moment) }));
    match join_all(moments).await.iter().all(Result::is_ok) {
        true => Ok(()),
        false => Err(Trouble::NotWritten),
    }
}

/// Hands in what is due, all at once, so that one alert that cannot be written holds up no other.
async fn look(reader: &Reader, inbox: &Inbox, clock: &Clock) -> Result<Duration, Trouble> {
    let now = clock.now();
    let ((passed, next), (runs, next_run)) = reader
        .query(move |connection| Ok((due::passed(connection, now)?, runs::due(connection, now)?)))
        .await
        .map_err(Trouble::Read)?;
    hand_in(&passed, inbox, clock).await?;
    hand_in_runs(&runs, inbox, clock).await?;
    let next = next.into_iter().chain(next_run).min();
    Ok(match passed.is_empty() && runs.is_empty() {
        true => next.map_or(LONGEST, |next| next.since(clock.now())),
        false => Duration::ZERO,
    })
}
