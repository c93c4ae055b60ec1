//! A copy of the whole database in one file, made beside a running writer; it has no name of its own before it is known to be good.
//!
//! SQLite's online backup begins anew each time that another connection writes to its source, and beside a busy writer would never
//! end. So it reads within one transaction, which shows it the same state from the first page to the last. In WAL mode that holds
//! up no writer; the WAL only grows until the copy is made.

use crate::domain::alert::dedup::hex;
use crate::store::journal::{self, Head};
use crate::store::{Reader, StoreError, outbox};
use rusqlite::{Connection, ErrorCode};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pages at a time: 1 MiB.
const STEP: i32 = 256;
/// After each step, so that the writer's own reads and writes find the disk free.
const PAUSE: Duration = Duration::from_millis(1);

/// A copy that does not stand under its name yet. Where it is not kept, it goes.
#[derive(Debug)]
pub struct Draft {
    at: PathBuf,
    to: PathBuf,
}

impl Draft {
    /// Copies what `connection` sees, as it stands now, to be kept as `to`. Only we can read it, and it is on disk when this returns.
    pub fn make(connection: &Connection, to: &Path) -> Result<Self, StoreError> {
        let draft = Self { at: draft_of(to), to: to.to_owned() };
        draft.clear();
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(&draft.at)?;
        let held =
            connection.is_autocommit().then(|| connection.unchecked_transaction()).transpose()?;
        // A transaction sees nothing before it reads.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let mut target = Connection::open(&draft.at)?;
        // What a crash would leave of it is not used: neither a journal nor a flush of each step is wanted.
        target.pragma_update_and_check(None, "journal_mode", "OFF", |_| Ok(()))?;
        target.pragma_update(None, "synchronous", "OFF")?;
        rusqlite::backup::Backup::new(connection, &mut target)?
            .run_to_completion(STEP, PAUSE, None)?;
        drop((held, target));
        // Its header says WAL, as the source's does: without, it is one file, and who reads it need write nothing beside it.
        let whole = Connection::open(&draft.at)?;
        whole.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
        drop(whole);
        File::open(&draft.at)?.sync_all()?;
        Ok(draft)
    }

    /// Where it stands meanwhile.
    pub fn path(&self) -> &Path {
        &self.at
    }

    /// What waited to be said may have been said since the copy was made: each row is looked for in Slack before it is sent.
    pub fn doubt(&self) -> Result<(), StoreError> {
        Ok(outbox::doubt_all(&Connection::open(&self.at)?)?)
    }

    /// Gives it its name, in place of what had that name, and returns when that is on disk.
    pub fn keep(self) -> io::Result<()> {
        std::fs::rename(&self.at, &self.to)?;
        sync_folder(&self.to)
    }

    fn clear(&self) {
        for end in ["", "-journal", "-wal", "-shm"] {
            // Nearly always there is none.
            let _ = std::fs::remove_file(beside(&self.at, end));
        }
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Two processes never write the same one.
fn draft_of(to: &Path) -> PathBuf {
    beside(to, &format!(".{}.partial", std::process::id()))
}

/// The path with something after its last letter, as SQLite and we name what belongs to a database.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// The folder in which a file stands, or would.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns when what was named or renamed in the file's folder is on disk.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

/// Writes a small file for us alone, whole or not at all, and returns when it is on disk.
pub fn write_whole(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = Draft { at: draft_of(to), to: to.to_owned() };
    draft.clear();
    let mut file =
        OpenOptions::new().create_new(true).write(true).mode(0o600).open(draft.path())?;
    io::Write::write_all(&mut file, bytes)?;
    file.sync_all()?;
    draft.keep()
}

/// What a database holds, in a few numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// `None` where the journal was never opened.
    pub head: Option<Head>,
    pub alerts: u64,
    /// Effects that are still to be done.
    pub waiting: u64,
}

impl Contents {
    pub fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let count = |sql| connection.query_row(sql, [], |row| row.get(0));
        Ok(Self {
            head: journal::head(connection)?,
            alerts: count("SELECT count(*) FROM alerts")?,
            waiting: count("SELECT count(*) FROM outbox")?,
        })
    }

    /// How many entries its journal has.
    pub fn entries(&self) -> i64 {
        self.head.as_ref().map_or(0, |head| head.seq)
    }

    /// The last entry's hash, hex.
    pub fn end(&self) -> String {
        self.head.as_ref().map_or_else(String::new, |head| hex(&head.hash))
    }
}

/// What SQLite finds wrong with the file itself, if anything. Reads all of it.
pub fn damage(file: &Path) -> Result<Option<String>, StoreError> {
    let look = |connection: &Connection| {
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))
    };
    match Reader::of(file).and_then(|reader| reader.read(look)) {
        Ok(word) if word == "ok" => Ok(None),
        Ok(words) => Ok(Some(words.replace('\n', " "))),
        Err(StoreError::Sql(error))
            if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) =>
        {
            Ok(Some(error.to_string()))
        }
        Err(error) => Err(error),
    }
}
