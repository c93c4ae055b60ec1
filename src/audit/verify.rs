//! Verifies chain, schema and projections, read only and beside a running process: the first bad entry, or none.

use super::chain;
use crate::store::migrate::{self, Found};
use crate::store::{Reader, StoreError, projections, replica, schema};
use rusqlite::Connection;
use std::fmt;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were read before the first bad one.
    pub entries: u64,
    /// The last good entry's hash, hex.
    pub head: String,
    /// The entries among them whose private content was erased.
    pub erased: Vec<i64>,
    pub finding: Option<Finding>,
}

/// The first thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Entry `seq` is missing, changed, or not the one that its successor builds on.
    Entry { seq: i64, why: &'static str },
    /// Every entry is good, but the note of which one is the last is not there: a tail may have been cut off.
    End { why: &'static str },
    /// A table, trigger, view or index is not what the migrations made.
    Schema { what: String },
    /// A projection differs from what the journal folds to: `vigie audit rebuild` mends it.
    Projection { table: &'static str, rows: u64 },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { seq, why } => write!(f, "entry {seq}: {why}"),
            Self::End { why } => write!(
                f,
                "the note of the journal's end (meta.head) {why}: no entry is bad, but some may have been cut off"
            ),
            Self::Schema { what } => write!(f, "schema: {what}"),
            Self::Projection { table, rows } => {
                write!(f, "table {table}: {rows} row(s) differ from what the journal says")
            }
        }
    }
}

/// Reads the whole journal and folds it again. Shared with nobody: works on one snapshot.
pub fn verify(reader: &Reader) -> Result<Verdict, StoreError> {
    let verdict = journal(reader)?;
    if verdict.finding.is_some() {
        return Ok(verdict);
    }
    Ok(Verdict { finding: compare(reader)?, ..verdict })
}

/// Chain and schema alone, without what is folded from them.
pub fn journal(reader: &Reader) -> Result<Verdict, StoreError> {
    reader.read(look)
}

fn look(connection: &Connection) -> rusqlite::Result<Verdict> {
    let version = match migrate::look(connection)? {
        Found::Ours(version) => version,
        Found::Empty | Found::Foreign => 0,
    };
    let schema = schema::difference(connection, version)?.map(|what| Finding::Schema { what });
    match (chain::follow(connection), schema) {
        // An entry says more than the dropped trigger by which it was reached.
        (Ok(chain), schema) => Ok(Verdict {
            entries: chain.entries,
            head: chain.head,
            erased: chain.erased,
            finding: chain.finding.or(schema),
        }),
        // Where a table of the journal is another, its rows cannot be asked for.
        (Err(_), Some(schema)) => {
            let (entries, head, erased) = (0, String::new(), Vec::new());
            Ok(Verdict { entries, head, erased, finding: Some(schema) })
        }
        (Err(error), None) => Err(error),
    }
}

fn compare(reader: &Reader) -> Result<Option<Finding>, StoreError> {
    let replica = replica::of(reader)?;
    for table in projections::TABLES {
        let rows = replica.differing_rows(table)?;
        if rows > 0 {
            return Ok(Some(Finding::Projection { table, rows }));
        }
    }
    Ok(None)
}
