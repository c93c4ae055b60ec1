//! Where the journal ends, and where the last commit noted that it does: a tail that was cut off shows by the difference.

use crate::domain::alert::dedup::hex;
use crate::store::journal::{Head, journal_id};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, named_params};

/// The noted end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    Nothing,
    Unreadable,
    /// The last entry's number, and its hash in hex.
    At {
        seq: i64,
        hash: String,
    },
}

/// Writes down where the chain ends; in the transaction that moves it.
pub fn note(connection: &Connection, head: &Head) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES ('head', :value)")?
        .execute(named_params! {":value": format!("{} {}", head.seq, hex(&head.hash))})
        .map(|_| ())
}

/// Whether the database takes as much as a large alert: what only changes a page goes into a full one too. Nothing of it stays.
pub fn has_room(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "INSERT OR REPLACE INTO meta (name, value) VALUES ('room', printf('%.131072c', '0'));
         DELETE FROM meta WHERE name = 'room'",
    )
}

/// Where the last commit left the journal.
pub fn noted(connection: &Connection) -> rusqlite::Result<Noted> {
    let found = connection
        .prepare_cached("SELECT value FROM meta WHERE name = 'head'")?
        .query_row([], |row| {
            Ok(match row.get_ref(0)? {
                ValueRef::Text(text) => std::str::from_utf8(text).ok().and_then(parse),
                _ => None,
            })
        })
        .optional()?;
    Ok(found.map_or(Noted::Nothing, |noted| noted.unwrap_or(Noted::Unreadable)))
}

fn parse(text: &str) -> Option<Noted> {
    let (seq, hash) = text.split_once(' ')?;
    Some(Noted::At { seq: seq.parse().ok()?, hash: hash.to_owned() })
}

/// Why the journal does not begin and end as it was left, where it does not. Looks at its first and its last entry only.
pub fn fault(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let last: Option<(i64, Vec<u8>)> = connection
        .prepare_cached("SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let why = match (last, noted(connection)?) {
        (None, Noted::Nothing) => return Ok(None),
        (_, Noted::Unreadable) => "the note of its end cannot be read".to_owned(),
        (Some(_), Noted::Nothing) => "the note of its end is missing".to_owned(),
        (None, Noted::At { seq, .. }) => {
            format!("it is empty, and the last commit left it at entry {seq}")
        }
        (Some((last, _)), Noted::At { seq, .. }) if last != seq => {
            format!("it ends with entry {last}, and the last commit left it at entry {seq}")
        }
        (Some((last, hash)), Noted::At { hash: noted, .. }) if hex(&hash) != noted => {
            format!("entry {last} is not the one that the last commit wrote")
        }
        (Some(_), Noted::At { .. }) => match journal_id(connection) {
            Ok(Some(_)) => return Ok(None),
            Ok(None) | Err(_) => "its first entry does not open it".to_owned(),
        },
    };
    Ok(Some(why))
}
