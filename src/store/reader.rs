//! Connections that only read, beside a process that writes or on a medium that nobody can write.

use crate::store::migrate::{self, Found};
use crate::store::open::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// So many connections are kept for the next reader. Each has pages and statements of its own, and a storm's thirty readers
/// at once would keep theirs for ever.
const KEPT: usize = 4;

/// Read-only connections, some of them kept for the next reader. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    path: PathBuf,
    immutable: bool,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Reader {
    /// A reader of a database that this process has open.
    pub(crate) fn beside(path: PathBuf) -> Self {
        Self { path, immutable: false, idle: Arc::default() }
    }

    /// A reader of a database that another process may be using. Never makes the file.
    pub fn of(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() {
            return Err(StoreError::Missing { path: path.to_owned() });
        }
        let unused = !wal_of(path).exists();
        let mut reader = Self::beside(path.to_owned());
        let found = match reader.read(migrate::look) {
            // On a read-only medium SQLite cannot make the files that readers meet in. Where no WAL stands nobody writes.
            Err(StoreError::Sql(error)) if unused && has_no_room(&error) => {
                reader.immutable = true;
                reader.read(migrate::look)?
            }
            found => found?,
        };
        reader.of_ours(found)
    }

    /// The same of a database that no process uses: it leaves no file beside it where none stands.
    pub fn at_rest(path: &Path) -> Result<Self, StoreError> {
        if !path.exists() || wal_of(path).exists() {
            return Self::of(path);
        }
        let reader = Self { immutable: true, ..Self::beside(path.to_owned()) };
        let found = reader.read(migrate::look)?;
        reader.of_ours(found)
    }

    fn of_ours(self, found: Found) -> Result<Self, StoreError> {
        match found {
            Found::Ours(found) if found > migrate::newest() => {
                Err(StoreError::TooNew { found, ours: migrate::newest() })
            }
            Found::Ours(_) => Ok(self),
            Found::Empty | Found::Foreign => Err(StoreError::NotOurs { path: self.path }),
        }
    }

    /// How SQLite is told to read the file, and only to read it.
    pub(crate) fn uri(&self) -> Result<String, StoreError> {
        let mut uri = url::Url::from_file_path(std::path::absolute(&self.path)?)
            .map_err(|()| std::io::Error::other("the database's path is no file's"))?;
        uri.set_query(Some(if self.immutable { "mode=ro&immutable=1" } else { "mode=ro" }));
        Ok(uri.into())
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
        let is_new = pooled.is_none();
        let mut connection = pooled.map_or_else(|| self.connect(), Ok)?;
        let snapshot = connection.transaction()?;
        let found = work(&snapshot)?;
        snapshot.finish()?;
        if is_new {
            // A look needs a few pages by an index, or passes over the whole once: the kernel has them at hand (KiB). Of what is no
            // database nothing is kept anyway.
            let _ = connection.pragma_update(None, "cache_size", "-1024");
        }
        let mut idle = self.idle.lock().expect("a reader never panics while it holds the pool");
        if idle.len() < KEPT {
            idle.push(connection);
        }
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
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(self.uri()?, flags)?;
        connection.busy_timeout(Duration::from_secs(5))?;
        connection.pragma_update(None, "trusted_schema", "0")?;
        Ok(connection)
    }
}

/// Where SQLite keeps what is written and not yet in the database.
fn wal_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn has_no_room(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;

    #[test]
    fn of_many_readers_at_once_few_connections_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let reader = writer.reader();
        fn nest(reader: &Reader, depth: usize) {
            if depth > 0 {
                let deeper = |_: &rusqlite::Connection| {
                    nest(reader, depth - 1);
                    Ok(())
                };
                reader.read(deeper).expect("reads");
            }
        }
        nest(&reader, 10);
        assert_eq!(reader.idle.lock().expect("no panic").len(), KEPT);
    }
}
