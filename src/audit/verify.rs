//! Verifies chain and projections, read only and beside a running process: the first bad entry, or none.

use crate::domain::ids::JournalId;
use crate::store::journal::{self, ORIGIN, Row};
use crate::store::{Reader, StoreError, projections, replica};
use rusqlite::Connection;
use std::fmt;

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How many entries were read before the first bad one.
    pub entries: u64,
    /// The last good entry's hash, hex.
    pub head: String,
    pub finding: Option<Finding>,
}

/// The first thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Entry `seq` is missing, changed, or not the one that its successor builds on.
    Entry { seq: i64, why: &'static str },
    /// A projection differs from what the journal folds to: `vigie audit rebuild` mends it.
    Projection { table: &'static str, rows: u64 },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entry { seq, why } => write!(f, "entry {seq}: {why}"),
            Self::Projection { table, rows } => {
                write!(f, "table {table}: {rows} row(s) differ from what the journal says")
            }
        }
    }
}

/// Reads the whole journal and folds it again. Shared with nobody: works on one snapshot.
pub fn verify(reader: &Reader) -> Result<Verdict, StoreError> {
    let mut chain = Chain::default();
    reader.read(|connection| chain.follow(connection))?;
    let (entries, head) = (chain.entries, crate::domain::alert::dedup::hex(&chain.last_hash));
    let finding = match chain.finding {
        Some(finding) => Some(finding),
        None => compare(reader)?,
    };
    Ok(Verdict { entries, head, finding })
}

struct Chain {
    entries: u64,
    last_hash: Vec<u8>,
    finding: Option<Finding>,
}

impl Default for Chain {
    fn default() -> Self {
        Self { entries: 0, last_hash: ORIGIN.to_vec(), finding: None }
    }
}

impl Chain {
    fn follow(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some(journal) = journal::journal_id(connection)? else {
            self.finding = Some(Finding::Entry {
                seq: 1,
                why: "the journal's first entry is missing or changed",
            });
            return Ok(());
        };
        journal::walk(connection, |row| {
            self.finding = self.check(&row, &journal);
            if self.finding.is_none() {
                self.entries += 1;
                self.last_hash = row.hash;
            }
            Ok(self.finding.is_none())
        })?;
        let last = i64::try_from(self.entries).unwrap_or(i64::MAX);
        if self.finding.is_none() && !journal::ends_at(connection, last, &self.last_hash)? {
            let why = "the chain does not end where the last commit left it";
            let seq = journal::noted_end(connection)?.unwrap_or(last).min(last + 1).max(1);
            self.finding = Some(Finding::Entry { seq, why });
        }
        Ok(())
    }

    fn check(&self, row: &Row, journal: &JournalId) -> Option<Finding> {
        let expected = i64::try_from(self.entries).unwrap_or(i64::MAX) + 1;
        let bad = |seq, why| Some(Finding::Entry { seq, why });
        if row.seq != expected {
            return bad(expected, "it is missing");
        }
        let leaf_holds = row.leaf(journal).as_slice() == row.hash;
        if row.prev != self.last_hash {
            // A successor that is whole in itself shows that it is the entry before it that was changed, with its hash.
            let seq = if leaf_holds && expected > 1 { expected - 1 } else { expected };
            return bad(seq, "it is not the entry that its successor builds on");
        }
        if !leaf_holds {
            return bad(expected, "its hash is not that of its content");
        }
        match (&row.private_hash, &row.private) {
            (None, Some(_)) => bad(expected, "it has private content that it never committed to"),
            (Some(hash), Some((salt, content)))
                if journal::commitment(salt, content).as_slice() != hash =>
            {
                bad(expected, "its private content is not what it committed to")
            }
            _ if row.entry().is_err() => bad(expected, "it cannot be read"),
            _ => None,
        }
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
