//! Whether Slack would ring somebody: do-not-disturb, as `dnd.info` tells it, kept for a few minutes.

use crate::clock::Clock;
use crate::domain::ids::UserId;
use crate::slack::api::Api;
use crate::slack::outbound::lock;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// A direct message waits so long for it at most: paging goes on without.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long an answer is kept. A snooze is seen this late at most.
const FRESH: Duration = Duration::from_secs(180);

#[derive(Clone)]
pub(super) struct Reachability {
    api: Api,
    clock: Clock,
    told: Arc<Mutex<HashMap<UserId, (Instant, Quiet)>>>,
}

/// When somebody is not rung. Seconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Quiet {
    scheduled: Option<(i64, i64)>,
    snoozed_until: Option<i64>,
}

impl Reachability {
    pub(super) fn new(api: Api, clock: Clock) -> Self {
        Self { api, clock, told: Arc::default() }
    }

    pub(super) async fn do_not_disturb(&self, user: &UserId) -> bool {
        let known = lock(&self.told).get(user).copied();
        let quiet = match known {
            Some((at, quiet)) if at.elapsed() < FRESH => quiet,
            Some(_) | None => self.ask(user).await,
        };
        quiet.holds(self.clock.wall().as_millis() / 1000)
    }

    async fn ask(&self, user: &UserId) -> Quiet {
        let who = json!({"user": user.as_str()});
        let quiet = match timeout(PATIENCE, self.api.call("dnd.info", &who)).await {
            Ok(Ok(answer)) => Quiet::read(&answer),
            Ok(Err(failure)) => {
                tracing::warn!(%user, "whether this person is in do-not-disturb is not known: {failure}");
                Quiet::default()
            }
            Err(_) => {
                tracing::warn!(%user, "whether this person is in do-not-disturb is not known: no answer in time");
                Quiet::default()
            }
        };
        lock(&self.told).insert(user.clone(), (Instant::now(), quiet));
        quiet
    }
}

impl Quiet {
    /// Field names and meaning: docs.slack.dev, `dnd.info`.
    pub(super) fn read(answer: &Value) -> Self {
        let on = |field: &str| answer.get(field).and_then(Value::as_bool).unwrap_or(false);
        let time = |field: &str| answer.get(field).and_then(Value::as_i64);
        let scheduled = time("next_dnd_start_ts").zip(time("next_dnd_end_ts"));
        Self {
            scheduled: scheduled.filter(|_| on("dnd_enabled")),
            snoozed_until: time("snooze_endtime").filter(|_| on("snooze_enabled")),
        }
    }

    pub(super) fn holds(self, now: i64) -> bool {
        self.scheduled.is_some_and(|(start, end)| (start..end).contains(&now))
            || self.snoozed_until.is_some_and(|end| now < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_or_snoozes_is_not_rung() {
        let night = json!({"dnd_enabled": true, "next_dnd_start_ts": 100, "next_dnd_end_ts": 200});
        let off = json!({"dnd_enabled": false, "next_dnd_start_ts": 100, "next_dnd_end_ts": 200});
        let snooze = json!({"dnd_enabled": false, "snooze_enabled": true, "snooze_endtime": 150});
        let table = [
            (&night, 99, false),
            (&night, 100, true),
            (&night, 200, false),
            (&off, 150, false),
            (&snooze, 149, true),
            (&snooze, 150, false),
        ];
        for (answer, now, quiet) in table {
            assert_eq!(Quiet::read(answer).holds(now), quiet, "{answer} at {now}");
        }
    }
}
