//! A copy in the database's place: what that would lose, and a change of places that a crash cannot leave half done.
//!
//! The old database is first made one whole file, without a WAL beside it, and gets a second name; then one rename puts the new
//! one in its place. Whatever is cut off leaves the old one or the new one, each complete.

use crate::store::backup::{Draft, beside, folder_of, sync_folder};
use crate::store::emergency;
use crate::store::journal::{self, Head};
use crate::store::{Reader, StoreError};
use rusqlite::{Connection, ErrorCode};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

/// What stands where the copy is to go, as far as the copy does not hold it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// There is nothing, or all of it stands in the copy.
    Nothing,
    /// The copy is an earlier state: these many entries were written since.
    Later(i64),
    /// The same journal, but entries differ that both have: it went on in two ways.
    Parted { entries: i64 },
    /// It is another journal.
    Another { entries: i64 },
    /// It cannot be read, for this reason.
    Unknown(String),
}

/// What the database would lose for a copy that ends in `copy`.
pub fn loss(database: &Path, copy: &Head, copied: &Reader) -> Result<Loss, StoreError> {
    if std::fs::metadata(database).map_or(0, |found| found.len()) == 0 {
        return Ok(Loss::Nothing);
    }
    let current = Reader::of(database).and_then(|current| {
        let head = current.read(journal::head)?;
        let then = current.read(|c| journal::hash_of(c, copy.seq))?;
        Ok((head, then))
    });
    let (head, then) = match current {
        Ok((Some(head), then)) => (head, then),
        Ok((None, _)) => return Ok(Loss::Nothing),
        Err(error) => return Ok(Loss::Unknown(error.to_string())),
    };
    if head.journal != copy.journal {
        return Ok(Loss::Another { entries: head.seq });
    }
    if then.is_some_and(|hash| hash == copy.hash) {
        let later = head.seq - copy.seq;
        return Ok(if later == 0 { Loss::Nothing } else { Loss::Later(later) });
    }
    let is_ahead = copied.read(|c| journal::hash_of(c, head.seq))?;
    Ok(if is_ahead.is_some_and(|hash| hash == head.hash) {
        Loss::Nothing
    } else {
        Loss::Parted { entries: head.seq }
    })
}

/// Makes the database one whole file: what stands in its WAL moves into it, and the WAL goes. What is too damaged for that is left
/// as it is. The caller has the lock.
pub fn make_whole(database: &Path) -> Result<(), StoreError> {
    match Reader::of(database) {
        Ok(_) | Err(StoreError::TooNew { .. }) => {}
        // Nothing is written to what is no database (any more): its WAL stays with it.
        Err(StoreError::NotOurs { .. }) => return Ok(()),
        Err(StoreError::Sql(error)) if is_damage(&error) => return Ok(()),
        Err(error) => return Err(error),
    }
    let connection = Connection::open(database)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let set = connection
        .pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get::<_, String>(0));
    match set {
        Ok(mode) if mode != "delete" => Err(StoreError::InUse { path: database.to_owned() }),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
            Err(StoreError::InUse { path: database.to_owned() })
        }
        Err(error) if !is_damage(&error) => Err(error.into()),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    matches!(code, Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Puts the copy, and the lines that came with it, where the database stands, which is whole; that one is kept as `aside`. The
/// caller has the lock.
pub fn put(
    draft: Draft,
    lines: &[u8],
    (database, aside): (&Path, &Path),
) -> Result<(), StoreError> {
    let owner = owner_of(database)?;
    if database.exists() {
        std::fs::hard_link(database, aside)?;
    }
    let said = emergency::path_of(database);
    let is_said = !emergency::lines_of(database)?.is_empty();
    if is_said {
        std::fs::hard_link(&said, emergency::path_of(aside))?;
    }
    // Beside a damaged database they may still stand. Beside another they would be taken for its own, and ruin it.
    for end in ["-wal", "-shm", "-journal"] {
        move_away(&beside(database, end), &beside(aside, end))?;
    }
    give(draft.path(), owner)?;
    sync_folder(database)?;
    draft.keep()?;
    // From here on the new one stands. Where this is the end, the old one's lines are recorded in it: they were said.
    if !lines.is_empty() {
        crate::store::backup::write_whole(&said, lines)?;
        give(&said, owner)?;
    } else if is_said {
        std::fs::remove_file(&said)?;
    }
    Ok(sync_folder(database)?)
}

/// Whose the database is; of a new one, whose its folder is: the account that the bot runs as.
fn owner_of(database: &Path) -> io::Result<(u32, u32)> {
    let found = std::fs::metadata(database).or_else(|_| std::fs::metadata(folder_of(database)))?;
    Ok((found.uid(), found.gid()))
}

/// What root makes would be root's alone, and the bot could not open it.
fn give(path: &Path, (user, group): (u32, u32)) -> io::Result<()> {
    match std::os::unix::fs::chown(path, Some(user), Some(group)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        given => given,
    }
}

fn move_away(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}
