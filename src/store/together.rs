//! Which waiting rows one call does: the lines of one thread, the changes of one message, and in a storm what waits for the
//! same place.

use crate::domain::effect::{Effect, MOST_TOGETHER as MOST};
use crate::domain::event::{Told, Way};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::store::outbox::{Job, read};
use rusqlite::{Connection, named_params};

/// With more than so many alerts waiting for their message in a channel, several share one.
const STORM: usize = 10;
/// With more than so many notifications waiting for one person, or one other channel, several share one.
const FLOOD: usize = 3;

/// The rows that go with `job` in one call, oldest first. Those that may stand already are only looked for together: they
/// may stand in one message.
pub fn with(connection: &Connection, job: &Job, now: Timestamp) -> rusqlite::Result<Vec<Job>> {
    let beyond = |limit: usize| if job.uncertain { 1 } else { limit };
    Ok(match &job.effect {
        _ if job.alone => Vec::new(),
        Effect::Post { .. } => {
            let is_post = |other: &Effect| matches!(other, Effect::Post { .. });
            more_than(beyond(STORM), alike(connection, job, now, is_post)?)
        }
        Effect::Notify { alert, told } if told.how == Way::Thread => {
            beside(connection, alert, |other| says_the_same(other, told), job)?
        }
        Effect::Notify { told, .. } => {
            let same_place = |other: &Effect| match other {
                Effect::Notify { told: also, .. } => {
                    also.how == told.how && also.people == told.people
                }
                _ => false,
            };
            more_than(beyond(FLOOD), alike(connection, job, now, same_place)?)
        }
        Effect::Line { alert, .. } if !job.uncertain => {
            beside(connection, alert, |other| matches!(other, Effect::Line { .. }), job)?
        }
        Effect::Update { alert } => {
            beside(connection, alert, |other| matches!(other, Effect::Update { .. }), job)?
        }
        Effect::Line { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Reply { .. }
        | Effect::PostRun { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => Vec::new(),
    })
}

/// The others, where with the job itself there are more than `limit`.
fn more_than(limit: usize, others: Vec<Job>) -> Vec<Job> {
    if others.len() + 1 > limit { others } else { Vec::new() }
}

/// Whether it mentions the same people by the same rung.
fn says_the_same(other: &Effect, told: &Told) -> bool {
    match other {
        Effect::Notify { told: also, .. } => {
            let of = |told: &Told| (told.how.clone(), told.people.clone(), told.groups.clone());
            of(also) == of(told) && (also.level, also.repeat) == (told.level, told.repeat)
        }
        _ => false,
    }
}

/// Rows of the job's lane and urgency that may go now and are as sure as it is.
fn alike(
    connection: &Connection,
    job: &Job,
    now: Timestamp,
    is_meant: impl Fn(&Effect) -> bool,
) -> rusqlite::Result<Vec<Job>> {
    let rows = connection
        .prepare_cached(
            "SELECT * FROM outbox
             WHERE lane = :lane AND parked = 0 AND priority = :priority AND not_before <= :now AND alone = 0 AND id <> :id
               AND (uncertain OR tried) = :uncertain
             ORDER BY id LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":lane": job.lane, ":priority": job.priority, ":now": now.as_millis(), ":id": job.id.0,
                ":uncertain": job.uncertain, ":limit": MOST - 1,
            },
            read,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.into_iter().filter(|row| is_meant(&row.effect)).collect())
}

/// Rows that can only be done beside the message of `alert`, of every alert that the message names.
fn beside(
    connection: &Connection,
    alert: &AlertId,
    is_meant: impl Fn(&Effect) -> bool,
    job: &Job,
) -> rusqlite::Result<Vec<Job>> {
    let rows = connection
        .prepare_cached(
            "SELECT o.* FROM outbox o
             WHERE o.in_thread = 1 AND o.parked = 0 AND o.alone = 0 AND o.id <> :id AND (o.uncertain OR o.tried) = :uncertain
               AND (o.alert_id = :alert OR o.alert_id IN (
                   SELECT n.alert_id FROM alerts a JOIN notifications n
                       ON n.message_ts = a.message_ts AND n.channel = a.channel AND n.level = 0
                   JOIN alerts other
                       ON other.id = n.alert_id AND other.message_ts = a.message_ts AND other.channel = a.channel
                   WHERE a.id = :alert))
             ORDER BY o.id",
        )?
        .query_map(
            named_params! {":id": job.id.0, ":alert": alert.as_str(), ":uncertain": job.uncertain},
            read,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(rows.into_iter().filter(|row| is_meant(&row.effect)).take(MOST - 1).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;
    use crate::store::outbox::{self, tests::posts};

    #[test]
    fn what_may_stand_already_goes_with_nothing_that_cannot() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let (connection, now) = (&writer.connection, Timestamp::from_millis(1000));
        posts(connection, 40);
        let first = || {
            outbox::next_of(connection, "post #soc", now, Some)
                .expect("reads")
                .expect("there is one")
        };
        let ids: Vec<_> = first().all().map(|job| job.id).collect();
        assert_eq!(ids.len(), MOST);
        for id in &ids[5..] {
            outbox::postpone(connection, *id, (now, true)).expect("postponed");
        }
        let sure = first();
        assert_eq!(sure.all().count(), MOST);
        assert!(sure.all().all(|job| !job.uncertain && !ids[5..].contains(&job.id)));
        for job in sure.all() {
            outbox::finish(connection, (job.id, job.generation)).expect("done");
        }
        let unsure = first();
        assert!(unsure.uncertain && unsure.with.iter().all(|job| job.uncertain));
        assert_eq!(unsure.all().map(|job| job.id).collect::<Vec<_>>(), ids[5..]);
    }
}
