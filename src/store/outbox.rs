//! What is still to be done: rows that `react` asked for, taken by the dispatcher, gone when their outcome is on disk.

use crate::domain::effect::{Effect, EffectId, Reply, ReplyTo};
use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use crate::store::{from_json, to_json, together};
use rusqlite::{Connection, OptionalExtension, Row, named_params};
use std::time::Duration;

/// A row to be written.
#[derive(Debug)]
pub struct New<'a> {
    pub effect: &'a Effect,
    /// Where it is paced: one channel's posts, one channel's updates, one person's replies.
    pub lane: String,
    /// Smaller goes first.
    pub priority: i64,
    /// It can only be done once the alert's message stands; `parked` while it does not.
    pub needs_message: bool,
    pub parked: bool,
    /// The journal entry that wants it, and which of its effects it is.
    pub seq: i64,
    pub index: usize,
}

/// A row as the dispatcher takes it.
#[derive(Clone, Debug)]
pub struct Job {
    pub id: EffectId,
    pub effect: Effect,
    pub lane: String,
    pub priority: i64,
    pub generation: u32,
    /// How often it was tried without success.
    pub attempts: u32,
    /// It may have been done already: an answer was lost, or the process died while it was tried.
    pub uncertain: bool,
    /// When it was wanted first: nothing of it can be older in Slack.
    pub seq: i64,
    /// Slack refused it together with others: it goes in a call of its own.
    pub alone: bool,
    /// Rows that the same call does.
    pub with: Vec<Job>,
}

impl Job {
    /// This row, then those that go with it.
    pub fn all(&self) -> impl Iterator<Item = &Job> {
        std::iter::once(self).chain(&self.with)
    }
}

/// One entry never leads to as many effects.
const EFFECTS: i64 = 65_536;

/// Effects that only bring a message up to date merge: a hundred changes while Slack is slow become one update.
fn merge_key(effect: &Effect) -> Option<String> {
    match effect {
        Effect::Update { alert } => Some(format!("update {alert}")),
        Effect::UpdateCopy { channel, ts, .. } => Some(format!("copy {channel} {ts}")),
        Effect::UpdateRun { run, .. } => Some(format!("run {run}")),
        Effect::UpdateRunCopy { channel, ts, .. } => Some(format!("run copy {channel} {ts}")),
        // One press may act on many alerts: what is refused of them for the same reason is said once.
        Effect::Reply {
            to: ReplyTo { response_url: Some(url), .. },
            reply: Reply::Refused { refusal, .. },
        } => Some(format!("reply {} {url}", refusal.code())),
        Effect::Post { .. }
        | Effect::Line { .. }
        | Effect::Notify { .. }
        | Effect::Reply { .. }
        | Effect::PostRun { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => None,
    }
}

/// When it may be done first.
fn not_before(effect: &Effect) -> i64 {
    match effect {
        Effect::Call { after, .. } => after.as_millis(),
        _ => 0,
    }
}

/// Wants an effect done. One that waits already to bring the same message up to date stands for both.
pub fn want(connection: &Connection, new: &New<'_>) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (id, merge_key, alert_id, lane, priority, generation, seq, effect, not_before, attempts,
                                 tried, uncertain, alone, in_thread, parked)
             VALUES (:id, :merge_key, :alert, :lane, :priority, 1, :seq, :effect, :not_before, 0, 0, 0, 0, :in_thread, :parked)
             ON CONFLICT (merge_key) DO UPDATE SET generation = generation + 1, seq = excluded.seq,
                                                   priority = min(priority, excluded.priority)",
        )?
        .execute(named_params! {
            ":id": new.seq * EFFECTS + i64::try_from(new.index).unwrap_or(EFFECTS),
            ":merge_key": merge_key(new.effect),
            ":alert": new.effect.alert().map(AlertId::as_str),
            ":lane": new.lane,
            ":priority": new.priority,
            ":seq": new.seq,
            ":effect": to_json(new.effect),
            ":not_before": not_before(new.effect),
            ":in_thread": new.needs_message,
            ":parked": new.parked,
        })
        .map(|_| ())
}

/// The lanes between two names that have something to do.
pub fn lanes(connection: &Connection, from: &str, to: &str) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached(
            "WITH RECURSIVE lanes (lane) AS (
                 SELECT (SELECT min(lane) FROM outbox WHERE parked = 0 AND lane >= :from AND lane < :to)
                 UNION ALL
                 SELECT (SELECT min(o.lane) FROM outbox o
                         WHERE o.parked = 0 AND o.lane > lanes.lane AND o.lane < :to)
                 FROM lanes WHERE lane IS NOT NULL)
             SELECT lane FROM lanes WHERE lane IS NOT NULL",
        )?
        .query_map(named_params! {":from": from, ":to": to}, |row| row.get(0))?
        .collect()
}

/// No wait is longer than this: a row that seems to wait longer was written before the clock was set back.
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// The lane's next row that can be done at `now`, of those that `ready` lets go.
pub fn next_of(
    connection: &Connection,
    lane: &str,
    now: Timestamp,
    ready: impl Fn(Job) -> Option<Job>,
) -> rusqlite::Result<Option<Job>> {
    let first = {
        let mut statement = connection.prepare_cached(
            "SELECT * FROM outbox
             WHERE lane = :lane AND parked = 0 AND (not_before <= :now OR not_before > :far)
             ORDER BY priority, id",
        )?;
        let mut rows = statement.query(named_params! {
            ":lane": lane, ":now": now.as_millis(), ":far": (now + LONGEST_WAIT).as_millis(),
        })?;
        let mut first = None;
        while let (None, Some(row)) = (&first, rows.next()?) {
            first = ready(read(row)?);
        }
        first
    };
    let Some(mut job) = first else { return Ok(None) };
    job.with = together::with(connection, &job, now)?.into_iter().filter_map(ready).collect();
    Ok(Some(job))
}

/// When the earliest of the rows that wait for their time may be tried again.
pub fn next_time(connection: &Connection, now: Timestamp) -> rusqlite::Result<Option<Timestamp>> {
    connection
        .prepare_cached("SELECT min(not_before) FROM outbox WHERE not_before > :now")?
        .query_row(named_params! {":now": now.as_millis()}, |row| row.get::<_, Option<i64>>(0))
        .map(|millis| millis.map(Timestamp::from_millis))
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: EffectId(row.get("id")?),
        effect: from_json(&row.get::<_, String>("effect")?)?,
        lane: row.get("lane")?,
        priority: row.get("priority")?,
        generation: row.get("generation")?,
        attempts: row.get("attempts")?,
        uncertain: row.get::<_, bool>("uncertain")? || row.get::<_, bool>("tried")?,
        seq: row.get("seq")?,
        alone: row.get("alone")?,
        with: Vec::new(),
    })
}

/// The row's call is about to be made. Where the process dies before its outcome is on disk, it may have happened.
pub fn try_now(connection: &Connection, id: EffectId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outbox SET tried = 1 WHERE id = :id")?
        .execute(named_params! {":id": id.0})
        .map(|_| ())
}

/// Each row may have been tried: whoever did could not note it.
pub fn doubt_all(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("UPDATE outbox SET tried = 1", []).map(|_| ())
}

/// Whether the row still stands: an outcome that comes twice finds it gone.
pub fn stands(connection: &Connection, id: EffectId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM outbox WHERE id = :id")?
        .query_row(named_params! {":id": id.0}, |_| Ok(()))
        .optional()
        .map(|found| found.is_some())
}

/// The row is done, as of `generation`; where more was wanted since, it stays, to be done again.
pub fn finish(connection: &Connection, (id, generation): (EffectId, u32)) -> rusqlite::Result<()> {
    let gone = connection
        .prepare_cached("DELETE FROM outbox WHERE id = :id AND generation = :generation")?
        .execute(named_params! {":id": id.0, ":generation": generation})?;
    if gone == 0 {
        connection
            .prepare_cached(
                "UPDATE outbox SET attempts = 0, tried = 0, uncertain = 0, not_before = 0 WHERE id = :id",
            )?
            .execute(named_params! {":id": id.0})?;
    }
    Ok(())
}

/// The row did not get done: it is tried again at `again`.
pub fn postpone(
    connection: &Connection,
    id: EffectId,
    (again, uncertain): (Timestamp, bool),
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE outbox SET attempts = attempts + 1, tried = 0, uncertain = :uncertain, not_before = :again
             WHERE id = :id",
        )?
        .execute(named_params! {":id": id.0, ":uncertain": uncertain, ":again": again.as_millis()})
        .map(|_| ())
}

/// Slack refused the row together with others: it goes in a call of its own.
pub fn set_alone(connection: &Connection, id: EffectId) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE outbox SET alone = 1, attempts = attempts + 1, tried = 0 WHERE id = :id",
        )?
        .execute(named_params! {":id": id.0})
        .map(|_| ())
}

/// The alert's message stands: what waited for it may go.
pub fn unpark(connection: &Connection, alert: &AlertId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outbox SET parked = 0 WHERE alert_id = :alert AND parked = 1")?
        .execute(named_params! {":alert": alert.as_str()})
        .map(|_| ())
}

/// The alert's message is gone: what can only be done beside it waits for the next one.
pub fn park(connection: &Connection, alert: &AlertId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outbox SET parked = 1 WHERE alert_id = :alert AND in_thread = 1")?
        .execute(named_params! {":alert": alert.as_str()})
        .map(|_| ())
}

/// The alert has become worse: all that waits of it goes so much sooner.
pub fn hurry(connection: &Connection, alert: &AlertId, by: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outbox SET priority = priority - :by WHERE alert_id = :alert")?
        .execute(named_params! {":alert": alert.as_str(), ":by": by})
        .map(|_| ())
}

/// An update that was wanted no later than entry `as_of` is in a message that was rendered after it.
pub fn update_is_done(
    connection: &Connection,
    alert: &AlertId,
    as_of: i64,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE merge_key = :key AND seq <= :as_of")?
        .execute(named_params! {":key": format!("update {alert}"), ":as_of": as_of})
        .map(|_| ())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::Writer;

    /// So many alerts that wait to be shown in one channel.
    pub fn posts(connection: &Connection, count: i64) {
        for seq in 1..=count {
            let effect = Effect::Post { alert: AlertId::new(format!("alr_{seq}")) };
            let lane = "post #soc".to_owned();
            let (priority, needs_message, parked, index) = (1, false, false, 0);
            let new = New { effect: &effect, lane, priority, needs_message, parked, seq, index };
            want(connection, &new).expect("wanted");
        }
    }

    /// An update of one alert's message, wanted by this entry.
    fn update(connection: &Connection, seq: i64) {
        let effect = Effect::Update { alert: AlertId::new("alr_1".to_owned()) };
        let lane = "update #soc".to_owned();
        let (priority, needs_message, parked, index) = (1, true, false, 0);
        let new = New { effect: &effect, lane, priority, needs_message, parked, seq, index };
        want(connection, &new).expect("wanted");
    }

    fn next(connection: &Connection) -> Option<Job> {
        next_of(connection, "update #soc", Timestamp::from_millis(1000), Some).expect("reads")
    }

    #[test]
    fn what_is_wanted_again_while_it_is_done_is_done_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let connection = &writer.connection;
        update(connection, 1);
        let first = next(connection).expect("it waits");
        try_now(connection, first.id).expect("noted");
        update(connection, 2);
        finish(connection, (first.id, first.generation)).expect("done");
        let again = next(connection).expect("it is wanted again");
        assert_eq!((again.id, again.seq, again.uncertain), (first.id, 2, false));
        finish(connection, (again.id, again.generation)).expect("done");
        assert!(next(connection).is_none());
    }

    #[test]
    fn an_update_from_after_a_message_was_rendered_is_still_to_be_done() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let (connection, alert) = (&writer.connection, AlertId::new("alr_1".to_owned()));
        update(connection, 5);
        update_is_done(connection, &alert, 4).expect("looked at");
        assert!(next(connection).is_some());
        update_is_done(connection, &alert, 5).expect("looked at");
        assert!(next(connection).is_none());
    }

    #[test]
    fn a_wait_from_before_the_clock_was_set_back_is_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        posts(&writer.connection, 1);
        let now = Timestamp::from_millis(1000);
        let next = || next_of(&writer.connection, "post #soc", now, Some).expect("reads");
        let id = next().expect("it waits for nothing").id;
        let after =
            |wait| postpone(&writer.connection, id, (now + wait, false)).expect("postponed");
        after(Duration::from_secs(30));
        assert!(next().is_none(), "its time has not come");
        after(Duration::from_secs(30 * 24 * 3600));
        assert!(next().is_some(), "nothing waits for a month");
    }
}
