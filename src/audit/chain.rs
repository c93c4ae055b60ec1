//! Follows the chain from its first entry to its noted end, and says which entry is the first bad one.
//!
//! Nothing that stands in a row is believed before its hash holds, and what cannot be read at all is a finding, not an error.

use super::verify::Finding;
use crate::domain::alert::dedup::hex;
use crate::domain::ids::JournalId;
use crate::store::end::{self, Noted};
use crate::store::journal::{self, Kept, ORIGIN, Row};
use rusqlite::{Connection, ErrorCode};

/// A salt's length, in bytes: a longer or shorter one could give bytes to the content beside it, or take some.
const SALT: usize = 16;

/// How far the chain holds.
#[derive(Debug)]
pub struct Chain {
    /// How many entries were read before the first bad one.
    pub entries: u64,
    /// The last good entry's hash, hex.
    pub head: String,
    /// The entries among them whose private content was erased.
    pub erased: Vec<i64>,
    pub finding: Option<Finding>,
}

/// Reads the whole journal that `connection` sees.
pub fn follow(connection: &Connection) -> rusqlite::Result<Chain> {
    let mut walk = Walk {
        next: 1,
        last_hash: ORIGIN.to_vec(),
        hash_before: ORIGIN.to_vec(),
        journal: None,
        noted: end::noted(connection)?,
        doubt: None,
        erased: Vec::new(),
    };
    let mut finding = None;
    let read = journal::walk(connection, |seq, row| {
        finding = walk.step(seq, row);
        Ok(finding.is_none())
    });
    match read {
        Err(error) if is_damage(&error) => finding = bad(walk.next, "the file is damaged there"),
        read => read?,
    }
    let finding = match finding.or_else(|| walk.end()) {
        None => journal::stray(connection)?
            .and_then(|seq| bad(seq, "it stands where no entry can: its row is not of the chain"))
            .or_else(|| walk.note()),
        finding => finding,
    };
    let entries = u64::try_from(walk.next - 1).unwrap_or_default();
    Ok(Chain { entries, head: hex(&walk.last_hash), erased: walk.erased, finding })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::SystemIoFailure)
    )
}

fn bad(seq: i64, why: &'static str) -> Option<Finding> {
    Some(Finding::Entry { seq, why })
}

struct Walk {
    /// The number that the next entry must have.
    next: i64,
    last_hash: Vec<u8>,
    /// The hash of the entry before that one.
    hash_before: Vec<u8>,
    /// From the first entry.
    journal: Option<JournalId>,
    noted: Noted,
    /// An entry that does not build on the one before it. Which of the two was changed, its successor tells.
    doubt: Option<Row>,
    erased: Vec<i64>,
}

impl Walk {
    fn step(&mut self, seq: i64, row: rusqlite::Result<Row>) -> Option<Finding> {
        let row = match (self.doubt.take(), row) {
            (Some(doubted), row) => return self.settle(&doubted, row.ok().as_ref()),
            (None, row) => row,
        };
        match &self.noted {
            Noted::At { seq: noted, .. } if seq > *noted && self.next > *noted => {
                return bad(seq, "it stands after the end that the last commit noted");
            }
            _ if seq != self.next => return bad(self.next, "it is missing"),
            _ => {}
        }
        let Ok(row) = row else { return bad(seq, "it cannot be read") };
        if seq == 1 {
            let event = journal::event(&row.kind, &row.body).ok();
            self.journal = event.and_then(journal::opened);
        }
        let Some(journal) = &self.journal else { return bad(seq, "it does not open the journal") };
        let is_whole = row.leaf(journal).as_slice() == row.hash;
        if row.prev != self.last_hash && seq > 1 && (is_whole || seq == 2) {
            self.doubt = Some(row);
            return None;
        }
        if !is_whole || row.prev != self.last_hash {
            return bad(seq, "its hash is not that of its content");
        }
        self.fault(&row).map_or_else(|| self.accept(row), |why| bad(seq, why))
    }

    /// What is wrong with an entry whose hash holds.
    fn fault(&self, row: &Row) -> Option<&'static str> {
        if let Some(why) = private_fault(row) {
            return Some(why);
        }
        if row.entry().is_err() {
            return Some("it says what no release of ours writes");
        }
        let noted = self.noted_hash(row.seq);
        noted
            .is_some_and(|noted| noted != hex(&row.hash))
            .then_some("it is not the entry that the last commit wrote")
    }

    fn accept(&mut self, row: Row) -> Option<Finding> {
        if matches!(row.private, Kept::Erased { .. }) {
            self.erased.push(row.seq);
        }
        self.next += 1;
        self.hash_before = std::mem::replace(&mut self.last_hash, row.hash);
        None
    }

    /// An entry that is whole in itself and on which its successor builds shows that it is the entry before it that was
    /// changed, together with its hash. Where that was the first and its journal id, neither of the two is whole any more.
    fn settle(&mut self, doubted: &Row, successor: Option<&Row>) -> Option<Finding> {
        let before_was_changed = self.journal.as_ref().is_some_and(|journal| {
            let is_whole = |row: &Row| row.leaf(journal).as_slice() == row.hash;
            match successor {
                Some(successor) => {
                    successor.prev == doubted.hash && (is_whole(doubted) || !is_whole(successor))
                }
                None => {
                    self.noted_hash(doubted.seq).is_some_and(|noted| noted == hex(&doubted.hash))
                }
            }
        });
        if before_was_changed {
            // It was taken for good.
            self.next -= 1;
            self.last_hash.clone_from(&self.hash_before);
            self.erased.retain(|erased| *erased < self.next);
            bad(doubted.seq - 1, "it is not the entry that its successor builds on")
        } else {
            bad(doubted.seq, "it does not build on the entry before it")
        }
    }

    /// What shows only when there are no more entries.
    fn end(&mut self) -> Option<Finding> {
        if let Some(doubted) = self.doubt.take() {
            return self.settle(&doubted, None);
        }
        match &self.noted {
            Noted::At { seq, .. } if *seq >= self.next => {
                bad(self.next, "it is missing: the last commit noted a later end")
            }
            _ if self.next == 1 => bad(1, "it is missing: the journal was never opened"),
            _ => None,
        }
    }

    fn note(&self) -> Option<Finding> {
        match self.noted {
            Noted::At { .. } => None,
            Noted::Nothing => Some(Finding::End { why: "is missing" }),
            Noted::Unreadable => Some(Finding::End { why: "cannot be read" }),
        }
    }

    fn noted_hash(&self, of: i64) -> Option<&str> {
        match &self.noted {
            Noted::At { seq, hash } if *seq == of => Some(hash),
            _ => None,
        }
    }
}

fn private_fault(row: &Row) -> Option<&'static str> {
    match (&row.private_hash, &row.private) {
        (None, Kept::Nothing) => None,
        (None, _) => Some("it has private content that it never committed to"),
        (Some(_), Kept::Nothing) => {
            Some("the row of its private content is missing (erasing empties it, and leaves it)")
        }
        (Some(_), Kept::Half) => Some("of its private content and the salt one is missing"),
        (Some(_), Kept::Erased { subject } | Kept::Whole { subject, .. })
            if *subject != row.actor =>
        {
            Some("its private content is said to be somebody else's")
        }
        (Some(_), Kept::Erased { .. }) => None,
        (Some(hash), Kept::Whole { salt, content, .. }) => {
            let holds = salt.len() == SALT && journal::commitment(salt, content).as_slice() == hash;
            (!holds).then_some("its private content is not what it committed to")
        }
    }
}
