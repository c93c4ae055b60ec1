//! What was not understood, kept for a person to look at: webhook bodies that answered 422 (`vigie source test --kept`) and
//! Slack's frames (`vigie source kept`). A few, small, and not for long.

use crate::domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, named_params};
use std::time::Duration;

const MOST: i64 = 100;
const LARGEST: usize = 256 * 1024;
const LARGEST_TOGETHER: i64 = 16 * 1024 * 1024;
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Where Slack's frames stand among the sources: no webhook source can be called so.
pub const SLACK: &str = "slack:frames";

/// A body as it was refused.
#[derive(Debug)]
pub struct Refused<'a> {
    pub source: &'a str,
    pub why: &'a str,
    pub body: &'a [u8],
}

/// Keeps it, cut to 256 KiB, and lets go of what is too old or too much.
pub fn keep(
    connection: &Connection,
    now: Timestamp,
    refused: &Refused<'_>,
) -> rusqlite::Result<()> {
    let body = &refused.body[..refused.body.len().min(LARGEST)];
    connection
        .prepare_cached(
            "INSERT INTO refused_bodies (at, source, why, size, body) VALUES (:at, :source, :why, :size, :body)",
        )?
        .execute(named_params! {
            ":at": now.as_millis(), ":source": refused.source, ":why": refused.why,
            ":size": i64::try_from(refused.body.len()).unwrap_or(i64::MAX), ":body": body,
        })?;
    let_go(connection, now)
}

/// Lets go of bodies older than 7 days, and of the oldest beyond 100 or beyond 16 MiB together. Slack's frames are counted by
/// themselves: neither crowds out the other.
pub fn let_go(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "DELETE FROM refused_bodies
             WHERE at < :oldest OR id IN (
                 SELECT id FROM (SELECT id, row_number() OVER newer AS count, sum(length(body)) OVER newer AS bytes
                                 FROM refused_bodies WINDOW newer AS (PARTITION BY source = :slack ORDER BY id DESC))
                 WHERE count > :most OR bytes > :together)",
        )?
        .execute(named_params! {
            ":oldest": (now - KEPT).as_millis(), ":most": MOST, ":together": LARGEST_TOGETHER,
            ":slack": SLACK,
        })
        .map(|_| ())
}

/// A body that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBody {
    pub at: Timestamp,
    pub why: String,
    pub body: Vec<u8>,
    /// The size that it came with, in bytes, where it was cut.
    pub cut_from: Option<u64>,
}

/// The `nth` body of a source, counted back from the newest, which is 1.
pub fn kept(connection: &Connection, source: &str, nth: u32) -> rusqlite::Result<Option<KeptBody>> {
    connection
        .prepare_cached(
            "SELECT at, why, size, body FROM refused_bodies WHERE source = :source
             ORDER BY id DESC LIMIT 1 OFFSET :before",
        )?
        .query_row(named_params! {":source": source, ":before": i64::from(nth) - 1}, |row| {
            let (size, body): (u64, Vec<u8>) = (row.get("size")?, row.get("body")?);
            let cut_from = (size > body.len() as u64).then_some(size);
            let at = Timestamp::from_millis(row.get("at")?);
            Ok(KeptBody { at, why: row.get("why")?, body, cut_from })
        })
        .optional()
}

/// How many bodies are kept of each webhook source.
pub fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, u64)>> {
    connection
        .prepare(
            "SELECT source, count(*) FROM refused_bodies WHERE source <> :slack GROUP BY source ORDER BY source",
        )?
        .query_map(named_params! {":slack": SLACK}, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect()
}

/// One of those that are kept, without its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub source: String,
    /// Counted back from the source's newest, which is 1.
    pub nth: u32,
    pub at: Timestamp,
    pub why: String,
    /// The size that it came with, in bytes.
    pub size: u64,
}

/// All that is kept, each source's newest first.
pub fn list(connection: &Connection) -> rusqlite::Result<Vec<Listed>> {
    connection
        .prepare(
            "SELECT source, row_number() OVER (PARTITION BY source ORDER BY id DESC) AS nth, at, why, size
             FROM refused_bodies ORDER BY source, nth",
        )?
        .query_map([], |row| {
            Ok(Listed {
                source: row.get("source")?,
                nth: row.get("nth")?,
                at: Timestamp::from_millis(row.get("at")?),
                why: row.get("why")?,
                size: row.get("size")?,
            })
        })?
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;

    fn database() -> (tempfile::TempDir, Writer) {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        (folder, writer)
    }

    fn refuse(writer: &Writer, day: i64, why: &str, size: usize) {
        let body = vec![b'x'; size];
        let refused = Refused { source: "edr", why, body: &body };
        keep(&writer.connection, Timestamp::from_millis(day * 86_400_000), &refused).expect("kept");
    }

    fn whys(writer: &Writer) -> Vec<String> {
        (1..)
            .map_while(|nth| kept(&writer.connection, "edr", nth).expect("reads"))
            .map(|b| b.why)
            .collect()
    }

    #[test]
    fn a_large_body_is_cut_and_says_so() {
        let (_folder, writer) = database();
        refuse(&writer, 1, "small", 10);
        refuse(&writer, 1, "large", LARGEST + 5);
        let body = |nth| kept(&writer.connection, "edr", nth).expect("reads").expect("is there");
        assert_eq!((body(1).body.len(), body(1).cut_from), (LARGEST, Some(LARGEST as u64 + 5)));
        assert_eq!((body(2).body.len(), body(2).cut_from), (10, None));
        assert_eq!(counts(&writer.connection).expect("reads"), [("edr".to_owned(), 2)]);
    }

    #[test]
    fn what_is_kept_is_bounded_in_count_size_and_age() {
        let (_folder, writer) = database();
        for number in 0..110 {
            refuse(&writer, 1, &number.to_string(), 10);
        }
        assert_eq!(whys(&writer).len(), 100);
        for number in 0..70 {
            refuse(&writer, 2, &number.to_string(), LARGEST);
        }
        assert_eq!(whys(&writer).len(), 64, "64 times 256 KiB are 16 MiB");
        assert_eq!(whys(&writer)[0], "69", "the newest stay");
        let later = Timestamp::from_millis(10 * 86_400_000);
        let_go(&writer.connection, later).expect("lets go");
        assert!(whys(&writer).is_empty());
    }
    #[test]
    fn slacks_frames_and_webhooks_bodies_do_not_crowd_each_other_out() {
        let (_folder, writer) = database();
        refuse(&writer, 1, "a body", 10);
        let frame = Refused { source: SLACK, why: "event:x", body: b"{}" };
        for _ in 0..110 {
            keep(&writer.connection, Timestamp::from_millis(86_400_000), &frame).expect("kept");
        }
        assert_eq!(whys(&writer), ["a body"]);
        assert_eq!(counts(&writer.connection).expect("reads"), [("edr".to_owned(), 1)]);
        let listed = list(&writer.connection).expect("reads");
        assert_eq!(listed.len(), 101);
        assert_eq!((listed[1].source.as_str(), listed[1].nth, listed[1].size), (SLACK, 1, 2));
    }
}
