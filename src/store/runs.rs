//! The run's row, those of its steps and of its approvals: written from the folded run, read back into it.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Entry, Event, Private};
use crate::domain::ids::{AlertId, PlaybookName, RunId};
use crate::domain::playbook::run::event::{CallId, RunEvent};
use crate::domain::playbook::run::{PlanContent, Run, RunState, StepState, Turn};
use crate::domain::time::Timestamp;
use crate::domain::tool::Risk;
use crate::store::alerts::{self, WORST_FIRST};
use crate::store::{from_json, time, to_json};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

const COLUMNS: &str = "r.run, CASE WHEN p.salt IS NOT NULL THEN p.content END AS content
     FROM runs r LEFT JOIN private p ON p.seq = r.planned_seq";

/// So many characters of what a step gave stand in the view.
const SUMMARY: usize = 300;

/// The run of that id.
pub fn load(connection: &Connection, id: &RunId) -> rusqlite::Result<Option<Run>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE r.id = :id"))?
        .query_row(named_params! {":id": id.as_str()}, read)
        .optional()
}

/// The run of a playbook on an alert that has been started and has not ended.
pub fn live(
    connection: &Connection,
    alert: &AlertId,
    playbook: &PlaybookName,
) -> rusqlite::Result<Option<RunId>> {
    connection
        .prepare_cached(
            "SELECT id FROM runs WHERE alert_id = :alert AND playbook = :playbook
                                   AND state IN ('waiting', 'running', 'in_doubt') LIMIT 1",
        )?
        .query_row(
            named_params! {":alert": alert.as_str(), ":playbook": playbook.as_str()},
            |row| row.get::<_, String>(0),
        )
        .optional()
        .map(|id| id.map(RunId::new))
}

/// The runs of an alert that have been started and have not ended.
pub fn unended_of(connection: &Connection, alert: &AlertId) -> rusqlite::Result<Vec<RunId>> {
    connection
        .prepare_cached(
            "SELECT id FROM runs WHERE alert_id = :alert AND state IN ('waiting', 'running', 'in_doubt')",
        )?
        .query_map(named_params! {":alert": alert.as_str()}, |row| row.get::<_, String>(0))?
        .map(|id| id.map(RunId::new))
        .collect()
}

/// Another run than `except` that takes back what `of` did, or has.
pub fn undoing(
    connection: &Connection,
    alert: &AlertId,
    (of, except): (&RunId, &RunId),
) -> rusqlite::Result<Option<RunId>> {
    connection
        .prepare_cached(
            "SELECT id FROM runs WHERE alert_id = :alert AND id <> :except
                                   AND state IN ('waiting', 'running', 'in_doubt', 'done')
                                   AND json_extract(run, '$.planned.undoes') = :of LIMIT 1",
        )?
        .query_row(
            named_params! {":alert": alert.as_str(), ":except": except.as_str(), ":of": of.as_str()},
            |row| row.get::<_, String>(0),
        )
        .optional()
        .map(|id| id.map(RunId::new))
}

/// When destructive steps were started since `since`, at most `most` of them, newest first.
pub fn destructive(
    connection: &Connection,
    since: Timestamp,
    most: u32,
) -> rusqlite::Result<Vec<Timestamp>> {
    connection
        .prepare_cached(
            "SELECT started_at FROM steps WHERE risk = 'destructive' AND started_at > :since
             ORDER BY started_at DESC LIMIT :most",
        )?
        .query_map(named_params! {":since": since.to_string(), ":most": most}, |row| {
            time(row, "started_at")
        })?
        .filter_map(Result::transpose)
        .collect()
}

/// Notes when a run is to be looked at, or that it needs no look.
pub fn set_due(
    connection: &Connection,
    run: &RunId,
    at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    match at {
        Some(at) => connection
            .prepare_cached("INSERT OR REPLACE INTO run_due (run_id, at) VALUES (:run, :at)")?
            .execute(named_params! {":run": run.as_str(), ":at": at.as_millis()}),
        None => connection
            .prepare_cached("DELETE FROM run_due WHERE run_id = :run")?
            .execute(named_params! {":run": run.as_str()}),
    }
    .map(|_| ())
}

/// The runs whose time has come, earliest first, and the next time after those.
pub fn due(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<(Vec<RunId>, Option<Timestamp>)> {
    let due = connection
        .prepare_cached(
            "SELECT run_id FROM run_due WHERE at <= :now ORDER BY at, run_id LIMIT 256",
        )?
        .query_map(named_params! {":now": now.as_millis()}, |row| row.get::<_, String>(0))?
        .map(|id| id.map(RunId::new))
        .collect::<Result<_, _>>()?;
    let next: Option<i64> = connection
        .prepare_cached("SELECT min(at) FROM run_due WHERE at > :now")?
        .query_row(named_params! {":now": now.as_millis()}, |row| row.get(0))?;
    Ok((due, next.map(Timestamp::from_millis)))
}

/// The runs that have not ended, at most `limit` of those after `after`, in the order of their ids.
pub fn unended(
    connection: &Connection,
    after: Option<&RunId>,
    limit: usize,
) -> rusqlite::Result<Vec<RunId>> {
    connection
        .prepare_cached(
            "SELECT run_id FROM run_due WHERE run_id > :after ORDER BY run_id LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":after": after.map_or("", RunId::as_str),
                ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
            },
            |row| row.get::<_, String>(0),
        )?
        .map(|id| id.map(RunId::new))
        .collect()
}

/// The newest runs: of an alert, in a state, or all; at most `limit`.
pub fn newest(
    connection: &Connection,
    (alert, state): (Option<&AlertId>, Option<RunState>),
    limit: usize,
) -> rusqlite::Result<Vec<Run>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} WHERE (:alert IS NULL OR r.alert_id = :alert) AND (:state IS NULL OR r.state = :state)
             ORDER BY r.planned_seq DESC LIMIT :limit"
        ))?
        .query_map(
            named_params! {
                ":alert": alert.map(AlertId::as_str),
                ":state": state.map(RunState::as_str),
                ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
            },
            read,
        )?
        .collect()
}

/// The runs that wait for somebody or go on, each with its alert: those that wait first, then by the alert's severity, then the oldest.
pub fn going_on(
    connection: &Connection,
    limit: usize,
) -> rusqlite::Result<Vec<(Run, Option<Alert>)>> {
    let runs: Vec<Run> = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} LEFT JOIN alerts ON alerts.id = r.alert_id
             WHERE r.state IN ('waiting', 'running', 'in_doubt')
             ORDER BY r.state = 'running', {WORST_FIRST}, r.planned_seq LIMIT :limit"
        ))?
        .query_map(named_params! {":limit": i64::try_from(limit).unwrap_or(i64::MAX)}, read)?
        .collect::<Result<_, _>>()?;
    let with_alert = |run: Run| {
        let alert = match &run.planned.alert {
            Some(id) => alerts::load(connection, id)?,
            None => None,
        };
        Ok((run, alert))
    };
    runs.into_iter().map(with_alert).collect()
}

/// How many there are of those.
pub fn count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM runs WHERE state IN ('waiting', 'running', 'in_doubt')",
        )?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(|count| u64::try_from(count).unwrap_or(0))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let mut run: Run = from_json(&row.get::<_, String>("run")?)?;
    run.content = match row.get::<_, Option<String>>("content")? {
        Some(content) => match from_json(&content)? {
            Private::Plan(content) => Some(*content),
            _ => None,
        },
        None => None,
    };
    Ok(run)
}

/// Writes what `entry` changes; `run` is the run with it.
pub fn save(connection: &Connection, entry: &Entry, run: &Run) -> rusqlite::Result<()> {
    let bare = Run { content: None::<PlanContent>, ..run.clone() };
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    let approved: Vec<String> = run.approvals.iter().map(|mark| mark.by.to_string()).collect();
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO runs (
                 id, planned_seq, as_of, alert_id, playbook, playbook_hash, plan_hash, started_by, approved_by, planned_at,
                 started_at, state, finished_at, run)
             VALUES (
                 :id, :planned_seq, :as_of, :alert, :playbook, :playbook_hash, :plan_hash, :by, :approved_by, :planned_at,
                 :started_at, :state, :finished_at, :run)",
        )?
        .execute(named_params! {
            ":id": run.id.as_str(),
            ":planned_seq": run.planned_seq,
            ":as_of": run.as_of,
            ":alert": run.planned.alert.as_ref().map(AlertId::as_str),
            ":playbook": run.planned.playbook.as_str(),
            ":playbook_hash": run.planned.playbook_hash,
            ":plan_hash": run.planned.plan_hash,
            ":by": run.by.to_string(),
            ":approved_by": (!approved.is_empty()).then(|| approved.join(",")),
            ":planned_at": run.planned_at.to_string(),
            ":started_at": text(run.started_at),
            ":state": run.state.as_str(),
            ":finished_at": text(run.finished_at),
            ":run": to_json(&bare),
        })?;
    let Event::Run(event) = &entry.event else { return Ok(()) };
    match event {
        RunEvent::CallWanted { call, .. }
        | RunEvent::StepStarted { call, .. }
        | RunEvent::StepDone { call, .. }
        | RunEvent::StepFailed { call, .. }
        | RunEvent::StepInDoubt { call, .. }
        | RunEvent::StepDecided { call, .. } => match run.current(call) {
            Some(turn) => step(connection, run, call, turn),
            None => Ok(()),
        },
        RunEvent::StepSkipped { step, .. } => skipped(connection, entry, run, step.as_str()),
        RunEvent::Approved { .. } => approval(connection, entry, run, "approved"),
        RunEvent::Declined { .. } => approval(connection, entry, run, "declined"),
        RunEvent::Lapsed {} => approval(connection, entry, run, "lapsed"),
        RunEvent::Planned(_)
        | RunEvent::Started { .. }
        | RunEvent::Cancelled {}
        | RunEvent::StepOpened { .. }
        | RunEvent::Ended { .. }
        | RunEvent::Shown { .. }
        | RunEvent::MessageLost { .. }
        | RunEvent::Escalated { .. }
        | RunEvent::Notified { .. }
        | RunEvent::NotTold { .. }
        | RunEvent::NobodyMeant { .. } => Ok(()),
    }
}

fn step(connection: &Connection, run: &Run, call: &CallId, turn: &Turn) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO steps (
                 run_id, step, iteration, attempt, uses, risk, state, started_at, finished_at, decided_by, summary)
             VALUES (
                 :run, :step, :iteration, :attempt, :uses, :risk, :state, :started_at, :finished_at, :decided_by, :summary)",
        )?
        .execute(named_params! {
            ":run": run.id.as_str(),
            ":step": call.step.as_str(),
            ":iteration": call.iteration,
            ":attempt": call.attempt,
            ":uses": turn.uses.as_ref().map(ToString::to_string),
            ":risk": turn.risk.map(Risk::as_str),
            ":state": turn.state.as_str(),
            ":started_at": turn.started_at.map(|at| at.to_string()),
            ":finished_at": turn.finished_at.map(|at| at.to_string()),
            ":decided_by": turn.decided.as_ref().map(|(_, by)| by.to_string()),
            ":summary": summary(turn),
        })
        .map(|_| ())
}

fn skipped(connection: &Connection, entry: &Entry, run: &Run, step: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO steps (run_id, step, iteration, attempt, state, finished_at)
             VALUES (:run, :step, 0, 1, :state, :at)",
        )?
        .execute(named_params! {
            ":run": run.id.as_str(),
            ":step": step,
            ":state": StepState::Skipped.as_str(),
            ":at": entry.at.to_string(),
        })
        .map(|_| ())
}

/// What it gave, or why it failed, in a line.
fn summary(turn: &Turn) -> Option<String> {
    let given = || {
        let answered = turn.answered.as_ref()?;
        let values = answered.out.iter().filter(|(_, value)| !value.is_null());
        let pairs: Vec<String> = values
            .map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}: {text}"),
                None => format!("{name}: {value}"),
            })
            .collect();
        Some(pairs.join(", ")).filter(|text| !text.is_empty())
    };
    let text = turn.message.clone().or_else(given)?;
    Some(text.chars().take(SUMMARY).collect())
}

fn approval(
    connection: &Connection,
    entry: &Entry,
    run: &Run,
    decision: &str,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO approvals (seq, at, run_id, plan_hash, person, roles, surface, decision)
             VALUES (:seq, :at, :run, :plan, :person, :roles, :surface, :decision)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":at": entry.at.to_string(),
            ":run": run.id.as_str(),
            ":plan": run.planned.plan_hash,
            ":person": entry.actor.to_string(),
            ":roles": entry.roles.to_string(),
            ":surface": entry.via.as_str(),
            ":decision": decision,
        })
        .map(|_| ())
}
