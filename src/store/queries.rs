//! What people ask: read only, from one snapshot.

use crate::domain::alert::{Severity, State};
use crate::domain::coverage::{Coverage, Untreated};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::time::Timestamp;
use crate::store::alerts::WORST_FIRST;
use crate::store::{time, unreadable, word};
use rusqlite::{Connection, named_params};

/// The coverage equation over the alerts received at `from` or later (all, where it is `None`), with the worst `most` of
/// those that were not treated.
pub fn coverage(
    connection: &Connection,
    from: Option<Timestamp>,
    most: usize,
) -> rusqlite::Result<Coverage> {
    let since = from.map_or_else(String::new, |at| at.to_string());
    let mut found = connection.query_row(
        "SELECT count(*) FILTER (WHERE test = 0) AS received,
                count(*) FILTER (WHERE test = 0 AND suppressed_by IS NULL AND shown_at IS NOT NULL) AS shown,
                count(*) FILTER (WHERE test = 0 AND suppressed_by IS NULL AND shown_at IS NULL) AS pending,
                count(*) FILTER (WHERE test = 1) AS tests
         FROM alerts WHERE received_at >= :since",
        named_params! {":since": since},
        |row| {
            Ok(Coverage {
                received: row.get("received")?,
                shown: row.get("shown")?,
                pending: row.get("pending")?,
                tests: row.get("tests")?,
                suppressed: Vec::new(),
                untreated: Vec::new(),
                unlisted: 0,
                since: from,
            })
        },
    )?;
    found.suppressed = suppressed(connection, &since)?;
    (found.untreated, found.unlisted) = untreated(connection, &since, most)?;
    Ok(found)
}

fn suppressed(connection: &Connection, since: &str) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare_cached(
            "SELECT suppressed_by, count(*) FROM alerts
             WHERE received_at >= :since AND test = 0 AND suppressed_by IS NOT NULL
             GROUP BY suppressed_by ORDER BY suppressed_by",
        )?
        .query_map(named_params! {":since": since}, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// The worst of them, and how many more there are.
fn untreated(
    connection: &Connection,
    since: &str,
    most: usize,
) -> rusqlite::Result<(Vec<Untreated>, u64)> {
    const ARE: &str =
        "received_at >= :since AND test = 0 AND treated = 0 AND suppressed_by IS NULL";
    let count: u64 = connection
        .prepare_cached(&format!("SELECT count(*) FROM alerts WHERE {ARE}"))?
        .query_row(named_params! {":since": since}, |row| row.get(0))?;
    let limit = i64::try_from(most).unwrap_or(i64::MAX);
    let mut found: Vec<Untreated> = connection
        .prepare_cached(&format!(
            "SELECT id, title, severity, state, received_at FROM alerts
             WHERE {ARE} ORDER BY {WORST_FIRST} LIMIT :limit"
        ))?
        .query_map(named_params! {":since": since, ":limit": limit}, |row| {
            Ok(Untreated {
                alert: AlertId::new(row.get::<_, String>("id")?),
                title: row.get("title")?,
                severity: word(row, "severity", Severity::parse)?,
                state: word(row, "state", State::parse)?,
                received_at: time(row, "received_at")?
                    .ok_or_else(|| unreadable("received_at is missing".to_owned()))?,
                told: Vec::new(),
            })
        })?
        .collect::<Result<_, _>>()?;
    for alert in &mut found {
        alert.told = told(connection, &alert.alert)?;
    }
    let unlisted = count.saturating_sub(found.len() as u64);
    Ok((found, unlisted))
}

/// Who was told of the alert beside its channel, in order.
pub fn told(
    connection: &Connection,
    alert: &AlertId,
) -> rusqlite::Result<Vec<(Timestamp, UserId)>> {
    connection
        .prepare_cached(
            "SELECT at, target FROM notifications WHERE alert_id = :alert AND level > 0 ORDER BY at, target",
        )?
        .query_map(named_params! {":alert": alert.as_str()}, |row| {
            let at = time(row, "at")?.ok_or_else(|| unreadable("at is missing".to_owned()))?;
            Ok((at, UserId::new(row.get::<_, String>("target")?)))
        })?
        .collect()
}

/// The parts of the coverage equation, counted along the journal up to entry `seq`. Test alerts count too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub seq: i64,
    pub received: u64,
    pub shown: u64,
    pub suppressed: u64,
}

/// The tally of the whole journal, from the alerts that are folded from it.
pub fn tally_so_far(connection: &Connection) -> rusqlite::Result<Tally> {
    connection.query_row(
        "SELECT coalesce((SELECT max(seq) FROM journal), 0) AS seq,
                count(*) AS received,
                count(shown_at) AS shown,
                count(suppressed_by) AS suppressed
         FROM alerts",
        [],
        |row| {
            Ok(Tally {
                seq: row.get("seq")?,
                received: row.get("received")?,
                shown: row.get("shown")?,
                suppressed: row.get("suppressed")?,
            })
        },
    )
}

/// Counts on from an earlier tally: only what is new is read.
pub fn tally(connection: &Connection, before: Tally) -> rusqlite::Result<Tally> {
    connection
        .prepare_cached(
            "SELECT coalesce(max(seq), :seq) AS seq,
                    count(*) FILTER (WHERE kind = 'received') AS received,
                    count(*) FILTER (WHERE kind = 'shown' AND NOT json_extract(body, '$.again')) AS shown,
                    count(*) FILTER (WHERE kind = 'received'
                                     AND json_extract(body, '$.suppressed_by') IS NOT NULL) AS suppressed
             FROM journal WHERE seq > :seq",
        )?
        .query_row(named_params! {":seq": before.seq}, |row| {
            Ok(Tally {
                seq: row.get("seq")?,
                received: before.received + row.get::<_, u64>("received")?,
                shown: before.shown + row.get::<_, u64>("shown")?,
                suppressed: before.suppressed + row.get::<_, u64>("suppressed")?,
            })
        })
}

/// What waits now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Alerts that are neither shown nor suppressed.
    pub pending: u64,
    /// When the oldest of them came in.
    pub oldest: Option<Timestamp>,
    /// Rows of the outbox.
    pub outbox: u64,
}

/// Counts what waits; each from an index of its own that holds nothing else.
pub fn waiting(connection: &Connection) -> rusqlite::Result<Waiting> {
    connection
        .prepare_cached(
            "SELECT count(*) AS pending, min(received_at) AS oldest, (SELECT count(*) FROM outbox) AS outbox
             FROM alerts WHERE shown_at IS NULL AND suppressed_by IS NULL",
        )?
        .query_row([], |row| {
            Ok(Waiting { pending: row.get("pending")?, oldest: time(row, "oldest")?, outbox: row.get("outbox")? })
        })
}

/// A row of `interactions_v1`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Interaction {
    pub seq: i64,
    /// RFC 3339, UTC, with milliseconds.
    pub at: String,
    pub actor: String,
    /// Sorted, comma-separated.
    pub actor_roles: String,
    pub surface: String,
    pub action: String,
    pub outcome: String,
    pub alert_id: Option<String>,
    pub reason: Option<String>,
}

/// The newest interactions, newest first.
pub fn newest_interactions(
    connection: &Connection,
    most: usize,
) -> rusqlite::Result<Vec<Interaction>> {
    connection
        .prepare_cached(
            "SELECT seq, at, actor, actor_roles, surface, action, outcome, alert_id, reason
             FROM interactions_v1 ORDER BY seq DESC LIMIT :most",
        )?
        .query_map(named_params! {":most": i64::try_from(most).unwrap_or(i64::MAX)}, |row| {
            Ok(Interaction {
                seq: row.get("seq")?,
                at: row.get("at")?,
                actor: row.get("actor")?,
                actor_roles: row.get("actor_roles")?,
                surface: row.get("surface")?,
                action: row.get("action")?,
                outcome: row.get("outcome")?,
                alert_id: row.get("alert_id")?,
                reason: row.get("reason")?,
            })
        })?
        .collect()
}

/// How many alerts are not resolved.
pub fn live_count(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached(
            "SELECT count(*) FROM alerts WHERE state <> 'resolved' AND suppressed_by IS NULL",
        )?
        .query_row([], |row| row.get(0))
}

/// When an entry was written.
pub fn time_of(connection: &Connection, seq: i64) -> rusqlite::Result<Timestamp> {
    connection
        .prepare_cached("SELECT at FROM journal WHERE seq = :seq")?
        .query_row(named_params! {":seq": seq}, |row| {
            time(row, "at")?.ok_or_else(|| unreadable("at is missing".to_owned()))
        })
}

/// A secret that the database keeps for itself (it signs buttons); made by the caller where there is none yet.
pub fn secret(connection: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    use rusqlite::OptionalExtension;
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = :name")?
        .query_row(named_params! {":name": name}, |row| row.get(0))
        .optional()
}

/// Keeps a secret under its name.
pub fn keep_secret(connection: &Connection, name: &str, value: &[u8]) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO meta (name, value) VALUES (:name, :value)")?
        .execute(named_params! {":name": name, ":value": value})
        .map(|_| ())
}
