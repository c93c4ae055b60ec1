//! Brings a database to the newest schema: numbered files, one transaction, a backup first.

use crate::store::backup::Draft;
use crate::store::{StoreError, schema};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::path::{Path, PathBuf};

/// The migrations in order; `user_version` is how many a database has had.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
];

/// The schema that this release writes.
pub fn newest() -> usize {
    MIGRATIONS.len()
}

/// The migrations that lead from schema `from` to schema `to`.
pub fn steps(from: usize, to: usize) -> impl Iterator<Item = &'static str> {
    MIGRATIONS[from..to].iter().copied()
}

/// "VIGI", in the file's header: what makes a SQLite file one of ours (0001.sql writes it).
const APPLICATION: i64 = 0x5649_4749;

/// Whose file this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A database of ours, with this schema.
    Ours(usize),
    /// Nothing stands in it yet.
    Empty,
    /// Another program's, or no database at all.
    Foreign,
}

/// Looks whose file this is, and writes nothing.
pub fn look(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = match number("application_id") {
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::NotADatabase) => {
            return Ok(Found::Foreign);
        }
        application => application?,
    };
    let version = number("user_version")?;
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (application, usize::try_from(version)) {
        (APPLICATION, Ok(version)) if version > 0 => Found::Ours(version),
        (0, Ok(0)) if objects == 0 => Found::Empty,
        _ => Found::Foreign,
    })
}

/// Migrates. A schema newer than ours is refused: an older release must not guess what it means. One that somebody changed
/// is refused too: what it no longer holds (a dropped trigger, for instance) the promises rest on.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found = match look(connection)? {
        Found::Ours(version) => version,
        Found::Empty => 0,
        Found::Foreign => return Err(StoreError::NotOurs { path: path.to_owned() }),
    };
    if found > newest() {
        return Err(StoreError::TooNew { found, ours: newest() });
    }
    if found > 0
        && let Some(what) = schema::difference(connection, found)?
    {
        return Err(StoreError::Schema { what });
    }
    if found == newest() {
        return Ok(());
    }
    if found > 0 {
        Draft::make(connection, &backup_path(path, found))?.keep()?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sql in steps(found, newest()) {
        transaction.execute_batch(sql)?;
    }
    transaction.pragma_update(None, "user_version", newest())?;
    transaction.commit()?;
    Ok(())
}

fn backup_path(path: &Path, version: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".before-schema-{}", version + 1));
    PathBuf::from(name)
}
