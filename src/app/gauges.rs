//! The coverage equation and the backlog as metrics: what is new in the journal since the last look, never the whole history.

use crate::clock::Clock;
use crate::store::queries::{self, Tally};
use crate::store::{Reader, StoreError};
use std::time::Duration;

/// How often the gauges are set.
const EVERY: Duration = Duration::from_secs(15);

/// Runs until the task is dropped.
pub async fn run(reader: Reader, clock: Clock) {
    let mut tally = None;
    loop {
        match look(&reader, &clock, tally).await {
            Ok(found) => tally = Some(found),
            Err(error) => tracing::warn!(%error, "The gauges cannot be read"),
        }
        crate::metrics::fold();
        tokio::time::sleep(EVERY).await;
    }
}

async fn look(reader: &Reader, clock: &Clock, before: Option<Tally>) -> Result<Tally, StoreError> {
    let (tally, waiting) = reader
        .query(move |connection| {
            // The first look reads the alerts, a row each, rather than every entry of their history.
            let tally = match before {
                Some(before) => queries::tally(connection, before)?,
                None => queries::tally_so_far(connection)?,
            };
            Ok((tally, queries::waiting(connection)?))
        })
        .await?;
    let parts = [
        ("received", tally.received),
        ("shown", tally.shown),
        ("suppressed", tally.suppressed),
        ("pending", waiting.pending),
    ];
    for (part, count) in parts {
        set(metrics::gauge!("vigie_coverage_alerts", "part" => part), count);
    }
    let adds_up = tally.received == tally.shown + tally.suppressed + waiting.pending;
    set(metrics::gauge!("vigie_coverage_adds_up"), u64::from(adds_up));
    set(metrics::gauge!("vigie_outbox_waiting"), waiting.outbox);
    let age = waiting.oldest.map_or(Duration::ZERO, |oldest| clock.now().since(oldest));
    metrics::gauge!("vigie_oldest_pending_seconds").set(age.as_secs_f64());
    Ok(tally)
}

fn set(gauge: metrics::Gauge, count: u64) {
    gauge.set(u32::try_from(count).unwrap_or(u32::MAX));
}
