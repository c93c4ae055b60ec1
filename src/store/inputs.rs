//! Deliveries that were answered: the same one gets the same answer, and nothing is written.

use crate::domain::ids::InputKey;
use crate::domain::input::Answer;
use crate::domain::time::Timestamp;
use crate::store::{from_json, to_json};
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

/// How long a delivery is remembered: Slack repeats events for 10 minutes, sources for some hours.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// So many are forgotten at once even where hardly anything comes in: what a busy day left goes within few batches.
const FEW: i64 = 16;

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

/// Forgets the oldest of those that are too old; called with each batch of `new` inputs. Twice as many may go as come, so that
/// they never pile up, and no call has much to do.
pub fn forget_old(connection: &Connection, now: Timestamp, new: usize) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM inputs
             WHERE key IN (SELECT key FROM inputs WHERE at < :oldest ORDER BY at LIMIT :most)",
        )?
        .execute(named_params! {
            ":oldest": (now - KEPT).as_millis(),
            ":most": i64::try_from(2 * new).unwrap_or(i64::MAX).max(FEW),
        })
        .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;

    #[test]
    fn more_is_forgotten_than_comes_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let connection = &writer.connection;
        let count = || -> i64 {
            connection
                .query_row("SELECT count(*) FROM inputs", [], |row| row.get(0))
                .expect("counts")
        };
        let week = i64::try_from(KEPT.as_millis()).expect("fits");
        for number in 0..1000 {
            let key = InputKey::from(format!("key {number}").as_str());
            let at = Timestamp::from_millis(number);
            remember(connection, &key, (1, at), &Answer::Done).expect("remembers");
        }
        let forget = |now: i64, new| {
            forget_old(connection, Timestamp::from_millis(week + now), new).expect("forgets");
            count()
        };
        assert_eq!(forget(0, 256), 1000, "none is too old");
        assert_eq!(forget(900, 256), 488);
        assert_eq!(forget(900, 1), 472, "some go even where little comes");
        assert_eq!(forget(900, 256), 100, "and none that is young");
        assert_eq!(seen(connection, &"key 900".into()).expect("reads"), Some(Answer::Done));
    }
}
