//! Opening the database: pragmas set and read back, one writer, readers that cannot write.

use crate::store::lock::Lock;
use crate::store::migrate;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
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
    /// Opens (and makes, and migrates) the database at `path`.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        if rusqlite::version_number() < OLDEST {
            return Err(StoreError::OldSqlite);
        }
        let lock = Lock::take(path)?.ok_or_else(|| StoreError::Locked { path: path.to_owned() })?;
        let mut connection = Connection::open(path)?;
        prepare(&connection)?;
        wanted(&connection, "journal_mode", "wal")?;
        wanted(&connection, "synchronous", "2")?;
        // Checkpoints are taken on a connection of their own, so that no caller waits for one.
        wanted(&connection, "wal_autocheckpoint", "0")?;
        // Each input's savepoint notes the pages that it changes: in memory, not in a temporary file.
        wanted(&connection, "temp_store", "2")?;
        wanted(&connection, "cache_size", "-16384")?;
        migrate::migrate(&mut connection, path)?;
        Ok(Self { connection, path: path.to_owned(), _lock: lock })
    }

    /// Readers of the same file.
    pub fn reader(&self) -> Reader {
        Reader { path: self.path.clone(), idle: Arc::default() }
    }

    /// A connection that moves the WAL's pages into the database, off the writer's path.
    pub fn checkpointer(&self) -> Result<Checkpointer, StoreError> {
        let connection = Connection::open(&self.path)?;
        prepare(&connection)?;
        Ok(Checkpointer { connection })
    }
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

/// Read-only connections, kept for the next reader. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    /// A reader of a database that another process may be using. Never makes the file.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let reader = Self { path: path.to_owned(), idle: Arc::default() };
        let found: usize = reader.read(|connection| {
            connection.pragma_query_value(None, "user_version", |row| row.get(0))
        })?;
        if found > migrate::newest() {
            return Err(StoreError::TooNew { found, ours: migrate::newest() });
        }
        Ok(reader)
    }

    /// The file that it reads.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` on one snapshot of the database.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let pooled = self.idle.lock().expect("a reader never panics while it holds the pool").pop();
        let mut connection = match pooled {
            Some(connection) => connection,
            None => self.connect()?,
        };
        let snapshot = connection.transaction()?;
        let found = work(&snapshot)?;
        snapshot.finish()?;
        self.idle.lock().expect("a reader never panics while it holds the pool").push(connection);
        Ok(found)
    }

    /// The same, away from the async threads.
    pub async fn query<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let reader = self.clone();
        tokio::task::spawn_blocking(move || reader.read(work))
            .await
            .expect("a query does not panic")
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "trusted_schema", "0")?;
        Ok(connection)
    }
}

/// Keeps the WAL short.
#[derive(Debug)]
pub struct Checkpointer {
    connection: Connection,
}

/// Beyond this many pages the WAL is emptied even if readers and the writer wait a moment for it.
const LONG_WAL: i64 = 16_384;

impl Checkpointer {
    /// Moves what can be moved without waiting for anybody; a WAL that has grown long is emptied.
    pub fn run(&self) -> Result<(), StoreError> {
        let pages: i64 =
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get(1))?;
        if pages > LONG_WAL {
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}
