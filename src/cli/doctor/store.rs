//! The database and its folder: can it be written, does a bot have it, and is its journal as it was left. Writes nothing.

use super::disk;
use super::finding::Finding;
use crate::domain::names::Names;
use crate::store::lock::Lock;
use crate::store::{Reader, StoreError, end, places};
use rustix::fs::{Access, access};
use std::io;
use std::path::{Path, PathBuf};

const STORE: &str = "database";

/// Whether a bot has the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    Yes,
    No,
    /// It is not ours to see: whoever acts on it must think that one does.
    Unknown,
}

/// What the database told.
#[derive(Debug)]
pub struct Store {
    pub findings: Vec<Finding>,
    pub runs: Runs,
    /// What the config's names have come to mean.
    pub names: Names,
}

/// Looks at the database that the config names.
pub fn look(path: &Path) -> Store {
    let mut store = Store { findings: Vec::new(), runs: Runs::No, names: Names::default() };
    let Some(folder) = store.folder(path) else { return store };
    store.findings.extend(disk::look(&folder));
    match path.canonicalize() {
        Ok(database) => store.database(&database),
        Err(why) if why.kind() == io::ErrorKind::NotFound => {
            let words = format!("{} is made at the first start", path.display());
            store.findings.push(Finding::good(STORE, words));
        }
        Err(why) => {
            let words = format!("{} cannot be looked at: {why}", path.display());
            store.findings.push(Finding::mend(STORE, words, AS_THE_BOT));
        }
    }
    store
}

const AS_THE_BOT: &str =
    "run vigie doctor as the user that the bot runs as, or give that user the file: chown";

impl Store {
    /// The folder's own name, where it is there and we may write in it.
    fn folder(&mut self, path: &Path) -> Option<PathBuf> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = match folder.canonicalize() {
            Ok(folder) => folder,
            Err(why) => {
                let words = format!("the folder {} cannot be used: {why}", folder.display());
                let mend = format!("mkdir -p {}, or name another: store.path", folder.display());
                self.findings.push(Finding::mend(STORE, words, mend));
                return None;
            }
        };
        if let Err(why) = access(&folder, Access::WRITE_OK | Access::EXEC_OK) {
            let words = format!("nothing can be written in {}: {why}", folder.display());
            self.findings.push(Finding::mend(STORE, words, AS_THE_BOT));
        }
        Some(folder)
    }

    fn database(&mut self, database: &Path) {
        let shown = database.display();
        if let Err(why) = access(database, Access::READ_OK | Access::WRITE_OK) {
            let words = format!("{shown} cannot be written: {why}");
            self.findings.push(Finding::mend(STORE, words, AS_THE_BOT));
        }
        self.runs = match Lock::is_held(database) {
            Ok(true) => Runs::Yes,
            Ok(false) => Runs::No,
            Err(why) => {
                let words = format!("whether a bot uses {shown} cannot be told: {why}");
                self.findings.push(Finding::warning(STORE, words, AS_THE_BOT.to_owned()));
                Runs::Unknown
            }
        };
        match read(database, self.runs) {
            Ok((None, names)) => {
                self.names = names;
                let used = if self.runs == Runs::Yes { "; a running bot has it" } else { "" };
                let words = format!("{shown} ends where its journal was left{used}");
                self.findings.push(Finding::good(STORE, words));
            }
            Ok((Some(why), _)) => {
                self.findings.push(unusable(&StoreError::Journal { why }));
            }
            Err(error) => self.findings.push(unusable(&error)),
        }
    }
}

/// What is wrong with the journal's end, and the names' meanings.
fn read(database: &Path, runs: Runs) -> Result<(Option<String>, Names), StoreError> {
    let reader = match runs {
        Runs::No => Reader::at_rest(database)?,
        Runs::Yes | Runs::Unknown => Reader::of(database)?,
    };
    let (fault, meanings) =
        reader.read(|connection| Ok((end::fault(connection)?, places::names(connection)?)))?;
    let mut names = Names::default();
    for meaning in &meanings {
        names.learn(meaning);
    }
    Ok((fault, names))
}

fn unusable(error: &StoreError) -> Finding {
    let mend = match error {
        StoreError::TooNew { .. } => {
            "start the newer release again, or restore the backup that it made"
        }
        StoreError::NotOurs { .. } => "name another file: store.path",
        StoreError::Journal { .. } | StoreError::Schema { .. } => {
            "vigie audit verify says where; then restore the database from a backup"
        }
        _ => "look at the disk, and at who owns the file; then vigie audit verify",
    };
    Finding::mend(STORE, error.to_string(), mend)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;
    use crate::store::Writer;

    fn names_in(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("the folder");
        let name = |entry: io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
        let mut names: Vec<_> = entries.map(|e| name(e).to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn said(store: &Store) -> Vec<(Verdict, &str)> {
        let of_the_store = store.findings.iter().filter(|finding| finding.what == STORE);
        of_the_store.map(|finding| (finding.verdict, finding.words.as_str())).collect()
    }

    #[test]
    fn a_look_at_the_database_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        let store = look(&path);
        assert!(
            matches!(said(&store)[..], [(Verdict::Good, words)] if words.ends_with("made at the first start"))
        );
        assert!(names_in(folder.path()).is_empty());
        let writer = Writer::open(&path).expect("a new database");
        let running = look(&path);
        assert_eq!(running.runs, Runs::Yes);
        assert!(said(&running)[0].1.ends_with("; a running bot has it"), "{running:?}");
        drop(writer);
        let before = names_in(folder.path());
        let store = look(&path);
        assert_eq!((store.runs, said(&store)[0].0), (Runs::No, Verdict::Good));
        assert_eq!(names_in(folder.path()), before);
    }

    #[test]
    fn a_database_that_cannot_be_used_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        drop(Writer::open(&path).expect("a new database"));
        let sql = |sql: &str| {
            let connection = rusqlite::Connection::open(&path).expect("opens");
            connection.execute_batch(sql).expect("done");
        };
        sql("PRAGMA user_version = 99");
        assert!(said(&look(&path))[0].1.contains("has schema 99"));
        sql(
            "PRAGMA user_version = 1; INSERT OR REPLACE INTO meta (name, value) VALUES ('head', '7 00')",
        );
        let cut = look(&path);
        assert!(said(&cut)[0].1.contains("the journal is not as it was left"), "{cut:?}");
        std::fs::write(&path, "this is a letter").expect("written");
        let foreign = look(&path);
        assert!(said(&foreign)[0].1.contains("is not a vigie database"), "{foreign:?}");
        let nowhere = look(&folder.path().join("none/vigie.db"));
        let mend = nowhere.findings[0].mend.as_deref().unwrap_or_default();
        assert!(mend.starts_with("mkdir -p ") && mend.contains("none"), "{nowhere:?}");
    }
}
