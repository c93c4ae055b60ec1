//! Opening the database to write: pragmas set and read back, one writer, and nothing is written on what somebody changed.

use crate::store::checkpoint::Checkpointer;
use crate::store::end;
use crate::store::lock::Lock;
use crate::store::migrate::{self, Found};
use crate::store::reader::Reader;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::fmt;
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The oldest SQLite whose WAL mode we trust (a checkpoint race was mended in it).
const OLDEST: i32 = 3_051_003;

/// Why the store cannot be used.
#[derive(Debug)]
pub enum StoreError {
    /// Another process has it.
    Locked {
        path: PathBuf,
    },
    /// Another program has it open, if only to read it.
    InUse {
        path: PathBuf,
    },
    /// A later release wrote it.
    TooNew {
        found: usize,
        ours: usize,
    },
    /// A pragma that we rely on did not take (a file system without shared memory, for instance).
    Pragma {
        name: &'static str,
        wanted: String,
        found: String,
    },
    /// The linked SQLite is too old.
    OldSqlite,
    /// There is no such file.
    Missing {
        path: PathBuf,
    },
    /// The file is another program's, or no database.
    NotOurs {
        path: PathBuf,
    },
    /// Somebody changed what the migrations made.
    Schema {
        what: String,
    },
    /// The journal does not begin and end as it was left.
    Journal {
        why: String,
    },
    Sql(rusqlite::Error),
    Io(std::io::Error),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked { path } => write!(
                f,
                "another vigie process uses {}: stop it first, or give this one its own store.path",
                path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "another program has {} open, if only to read it: close it first",
                path.display()
            ),
            Self::TooNew { found, ours } => write!(
                f,
                "the database has schema {found}, this release knows {ours}: run the newer release, \
                 or restore the backup that it made"
            ),
            Self::Pragma { name, wanted, found } => write!(
                f,
                "SQLite did not accept {name}={wanted} (it is {found}): is the database on a network disk?"
            ),
            Self::OldSqlite => {
                write!(f, "the linked SQLite {} is older than 3.51.3", rusqlite::version())
            }
            Self::Missing { path } => write!(f, "there is no database at {}", path.display()),
            Self::NotOurs { path } => {
                write!(f, "{} is not a vigie database; nothing was written to it", path.display())
            }
            Self::Schema { what } => write!(
                f,
                "somebody changed the database's schema: {what}. Nothing was written. Look with `vigie audit verify`; undo the \
                 change, or restore the database from a backup"
            ),
            Self::Journal { why } => write!(
                f,
                "the journal is not as it was left: {why}. Nothing was written. Look with `vigie audit verify`, and \
                 restore the database from a backup"
            ),
            Self::Sql(error) => write!(f, "SQLite: {error}"),
            Self::Io(error) => write!(f, "{error}"),
        }
    }
}
impl std::error::Error for StoreError {}
impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}
impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// The one connection that writes, and the lock that makes it the only one.
#[derive(Debug)]
pub struct Writer {
    pub connection: Connection,
    path: PathBuf,
    _lock: Lock,
}

impl Writer {
    /// Opens (and makes, and migrates) the database at `path`. One that somebody changed is refused, so that what is
    /// written on top of it does not hide the change.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST {
            return Err(StoreError::OldSqlite);
        }
        if !path.exists() {
            make(path)?;
        }
        let path = &path.canonicalize()?;
        let lock = Lock::take(path)?.ok_or_else(|| StoreError::Locked { path: path.to_owned() })?;
        let mut connection = Connection::open(path)?;
        if migrate::look(&connection)? == Found::Foreign {
            return Err(StoreError::NotOurs { path: path.to_owned() });
        }
        prepare(&connection)?;
        wanted(&connection, "journal_mode", "wal")?;
        wanted(&connection, "synchronous", "2")?;
        // Checkpoints are taken on a connection of their own, so that no caller waits for one.
        wanted(&connection, "wal_autocheckpoint", "0")?;
        // Each input's savepoint notes the pages that it changes: in memory, not in a temporary file.
        wanted(&connection, "temp_store", "2")?;
        // Room for the pages that a full batch changes (KiB).
        wanted(&connection, "cache_size", "-8192")?;
        migrate::migrate(&mut connection, path)?;
        if let Some(why) = end::fault(&connection)? {
            return Err(StoreError::Journal { why });
        }
        Ok(Self { connection, path: path.to_owned(), _lock: lock })
    }

    /// Readers of the same file.
    pub fn reader(&self) -> Reader {
        Reader::beside(self.path.clone())
    }

    /// A connection that moves the WAL's pages into the database, off the writer's path.
    pub fn checkpointer(&self) -> Result<Checkpointer, StoreError> {
        let connection = Connection::open(&self.path)?;
        prepare(&connection)?;
        Ok(Checkpointer::new(connection)?)
    }
}

/// Makes the file for us alone, before SQLite would make it for all to read: the buttons' key and raw alerts stand in it.
/// SQLite gives its `-wal` and `-shm` the same mode.
pub(crate) fn make(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path).map(|_| ())
}

fn prepare(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A statement keeps its plan whatever is bound to it: else some are compiled anew each time.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    wanted(connection, "foreign_keys", "1")?;
    wanted(connection, "recursive_triggers", "1")?;
    wanted(connection, "trusted_schema", "0")?;
    Ok(())
}

/// Sets a pragma and reads it back.
fn wanted(connection: &Connection, name: &'static str, value: &str) -> Result<(), StoreError> {
    connection.pragma_update_and_check(None, name, value, |_| Ok(())).or_else(no_row)?;
    let found = connection.pragma_query_value(None, name, |row| {
        row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })?;
    if found == value {
        Ok(())
    } else {
        Err(StoreError::Pragma { name, wanted: value.to_owned(), found })
    }
}

/// Some pragmas answer with a row when they are set, some do not.
fn no_row(error: rusqlite::Error) -> Result<(), rusqlite::Error> {
    match error {
        rusqlite::Error::QueryReturnedNoRows => Ok(()),
        other => Err(other),
    }
}
