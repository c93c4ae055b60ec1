//! Deliveries that were answered: the same one gets the same answer, and nothing is written.

use crate::domain::ids::InputKey;
use crate::domain::input::Answer;
use crate::domain::time::Timestamp;
use crate::store::{from_json, to_json};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// How long a delivery is remembered: Slack repeats events for 10 minutes, sources for some hours.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The first answer to this delivery.
pub fn seen(connection: &Connection, key: &InputKey) -> rusqlite::Result<Option<Answer>> {
    let answer: Option<String> = connection
        .prepare_cached("SELECT answer FROM inputs WHERE key = :key")?
        .query_row(named_params! {":key": key.as_str()}, |row| row.get(0))
        .optional()?;
    answer.map(|text| from_json(&text)).transpose()
}

/// Remembers the answer, beside the last entry that it led to.
pub fn remember(
    connection: &Connection,
    key: &InputKey,
    (seq, at): (i64, Timestamp),
    answer: &Answer,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO inputs (key, seq, at, answer) VALUES (:key, :seq, :at, :answer)",
        )?
        .execute(named_params! {
            ":key": key.as_str(), ":seq": seq, ":at": at.as_millis(), ":answer": to_json(answer),
        })
        .map(|_| ())
}

/// Forgets a few of those that are too old; called now and then, so that no call has much to do.
pub fn forget_old(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM inputs WHERE key IN (SELECT key FROM inputs WHERE at < :oldest LIMIT 500)",
        )?
        .execute(named_params! {":oldest": (now - KEPT).as_millis()})
        .map(|_| ())
}
