//! Brings a database to the newest schema: numbered files, one transaction, a backup first.

use crate::store::StoreError;
use rusqlite::{Connection, TransactionBehavior};
use std::path::{Path, PathBuf};

/// The migrations in order; `user_version` is how many a database has had.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001.sql")];

/// The schema that this release writes.
pub fn newest() -> usize {
    MIGRATIONS.len()
}

/// Migrates. A schema newer than ours is refused: an older release must not guess what it means.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let found: usize = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > newest() {
        return Err(StoreError::TooNew { found, ours: newest() });
    }
    if found == newest() {
        return Ok(());
    }
    if found > 0 {
        backup(connection, &backup_path(path, found))?;
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for sql in &MIGRATIONS[found..] {
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

/// Copies the whole database, as it stands, into a new file.
pub fn backup(connection: &Connection, to: &Path) -> Result<(), StoreError> {
    let mut target = Connection::open(to)?;
    rusqlite::backup::Backup::new(connection, &mut target)?.run_to_completion(
        256,
        std::time::Duration::ZERO,
        None,
    )?;
    Ok(())
}
