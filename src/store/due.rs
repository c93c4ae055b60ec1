//! When each open alert's ladder has its next step. A cache of what the domain says, so that the timer needs one look.

use crate::domain::ids::AlertId;
use crate::domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};

/// Notes the alert's next time, or that it has none.
pub fn set(
    connection: &Connection,
    alert: &AlertId,
    at: Option<Timestamp>,
) -> rusqlite::Result<()> {
    match at {
        Some(at) => connection
            .prepare_cached("INSERT OR REPLACE INTO due (alert_id, at) VALUES (:alert, :at)")?
            .execute(named_params! {":alert": alert.as_str(), ":at": at.as_millis()}),
        None => connection
            .prepare_cached("DELETE FROM due WHERE alert_id = :alert")?
            .execute(named_params! {":alert": alert.as_str()}),
    }
    .map(|_| ())
}

/// The alerts whose time has come, earliest first, and the next time after those.
pub fn passed(
    connection: &Connection,
    now: Timestamp,
) -> rusqlite::Result<(Vec<AlertId>, Option<Timestamp>)> {
    let due = connection
        .prepare_cached(
            "SELECT alert_id FROM due WHERE at <= :now ORDER BY at, alert_id LIMIT 256",
        )?
        .query_map(named_params! {":now": now.as_millis()}, |row| row.get::<_, String>(0))?
        .map(|id| id.map(AlertId::new))
        .collect::<Result<_, _>>()?;
    let next = connection
        .prepare_cached("SELECT min(at) FROM due WHERE at > :now")?
        .query_row(named_params! {":now": now.as_millis()}, |row| row.get::<_, Option<i64>>(0))
        .optional()?
        .flatten();
    Ok((due, next.map(Timestamp::from_millis)))
}
