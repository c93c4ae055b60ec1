//! Webhook bodies that answered 422, kept for `vigie source test`: a few, small, and not for long.

use crate::domain::time::Timestamp;
use rusqlite::{Connection, named_params};
use std::time::Duration;

const MOST: i64 = 100;
const LARGEST: usize = 256 * 1024;
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A body as it was refused.
#[derive(Debug)]
pub struct Refused<'a> {
    pub source: &'a str,
    pub why: &'a str,
    pub body: &'a [u8],
}

/// Keeps it, cut to 256 KiB, and lets go of what is too old or too many.
pub fn keep(
    connection: &Connection,
    now: Timestamp,
    refused: &Refused<'_>,
) -> rusqlite::Result<()> {
    let body = &refused.body[..refused.body.len().min(LARGEST)];
    connection
        .prepare_cached(
            "INSERT INTO refused_bodies (at, source, why, body) VALUES (:at, :source, :why, :body)",
        )?
        .execute(named_params! {
            ":at": now.as_millis(), ":source": refused.source, ":why": refused.why, ":body": body,
        })?;
    connection
        .prepare_cached(
            "DELETE FROM refused_bodies
             WHERE at < :oldest OR id <= (SELECT max(id) FROM refused_bodies) - :most",
        )?
        .execute(named_params! {":oldest": (now - KEPT).as_millis(), ":most": MOST})
        .map(|_| ())
}
