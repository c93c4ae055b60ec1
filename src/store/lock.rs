//! One active process per database: an OS lock that dies with its holder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// Held for as long as it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// The lock's file stands beside the database; only the lock on it means anything, never that it exists.
pub fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}

impl Lock {
    /// Takes the lock; `None` where another process holds it. `database` is the file's one true name: through a link the
    /// lock would be another file.
    pub fn take(database: &Path) -> io::Result<Option<Self>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path_of(database))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Whether another process holds it now. Makes no file, and lets go at once; whoever takes the lock in that moment is told that
    /// it is held.
    pub fn is_held(database: &Path) -> io::Result<bool> {
        let file = match File::open(path_of(database)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_the_lock_makes_no_file_and_does_not_hold_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("vigie.db");
        assert!(!Lock::is_held(&database).expect("looks"));
        assert!(!path_of(&database).exists());
        let held = Lock::take(&database).expect("locks").expect("free");
        assert!(Lock::is_held(&database).expect("looks"));
        drop(held);
        assert!(!Lock::is_held(&database).expect("looks"), "the file alone means nothing");
        assert!(Lock::take(&database).expect("locks").is_some());
    }
}
