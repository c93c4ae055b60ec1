//! The emergency file beside the database: a line for each thing that was said while the store took no writes.
//!
//! Its room is taken while there is room, and each line is flushed by itself. A line is a checksum and its text, between
//! line feeds; where the lines end, zeros begin.

use crate::domain::alert::dedup::hex;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The room that is taken beforehand, in bytes; where it is used up the file grows if it can.
pub const ROOM: usize = 4 << 20;

/// The open file.
#[derive(Debug)]
pub struct EmergencyFile {
    file: File,
    used: usize,
    room: usize,
}

/// What an emergency file holds when it is opened.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Whole lines, in order.
    pub lines: Vec<String>,
    /// So many were torn, or changed.
    pub unreadable: usize,
}

/// Where it stands.
pub fn path_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".emergency");
    PathBuf::from(name)
}

impl EmergencyFile {
    /// Opens or makes it, for us alone, and takes its room; with what an earlier process left in it.
    pub fn open(database: &Path) -> io::Result<(Self, Left)> {
        let path = path_of(database);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)?;
        let bytes = std::fs::read(&path)?;
        let used = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let left = read(&bytes[..used]);
        let mut open = Self { file, used, room: bytes.len() };
        if bytes.len() < ROOM || bytes[used..].iter().any(|byte| *byte != 0) {
            open.clear(used)?;
        }
        Ok((open, left))
    }

    /// Appends a line, and returns when it is on disk.
    pub fn append(&mut self, text: &str) -> io::Result<()> {
        // What a failed write left behind ends here, whatever it was.
        let line = format!("\n{} {text}\n", sum(text));
        self.file.write_all_at(line.as_bytes(), self.used as u64)?;
        self.file.sync_data()?;
        self.used += line.len();
        self.room = self.room.max(self.used);
        Ok(())
    }

    /// Forgets every line: they stand in the journal now.
    pub fn blank(&mut self) -> io::Result<()> {
        self.clear(0)?;
        self.used = 0;
        Ok(())
    }

    /// Zeros from here to the end of its room. Real bytes, for a hole would want room when it is written.
    fn clear(&mut self, from: usize) -> io::Result<()> {
        self.room = self.room.max(ROOM);
        let zeros = vec![0; self.room - from];
        self.file.write_all_at(&zeros, from as u64)?;
        self.file.sync_all()
    }
}

/// The lines beside a database as they stand, without the zeros after them; empty where there is no file.
pub fn lines_of(database: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = match std::fs::read(path_of(database)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read?,
    };
    bytes.truncate(bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len()));
    Ok(bytes)
}

/// How many lines these are, torn ones too.
pub fn count(lines: &[u8]) -> usize {
    let left = read(lines);
    left.lines.len() + left.unreadable
}

fn sum(text: &str) -> String {
    hex(&Sha256::digest(text)[..8])
}

fn read(bytes: &[u8]) -> Left {
    let mut left = Left::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let whole = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
        match whole {
            Some((found, text)) if found == sum(text) => left.lines.push(text.to_owned()),
            Some(_) | None => left.unreadable += 1,
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn database() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        (folder, path)
    }

    fn open(database: &Path) -> (EmergencyFile, Left) {
        EmergencyFile::open(database).expect("opens")
    }

    #[test]
    fn lines_are_found_again_until_they_are_blanked() {
        let (_folder, database) = database();
        let (mut file, left) = open(&database);
        assert_eq!(left, Left::default());
        file.append("{\"one\":1}").expect("appends");
        file.append("{\"two\":2}").expect("appends");
        let (mut file, left) = open(&database);
        assert_eq!(
            (left.lines, left.unreadable),
            (vec!["{\"one\":1}".into(), "{\"two\":2}".into()], 0)
        );
        file.append("3").expect("appends");
        assert_eq!(open(&database).1.lines.len(), 3);
        file.blank().expect("blanks");
        file.append("4").expect("appends");
        assert_eq!(open(&database).1.lines, ["4"]);
        let found = std::fs::metadata(path_of(&database)).expect("stands");
        assert_eq!((found.len(), found.permissions().mode() & 0o777), (ROOM as u64, 0o600));
    }

    #[test]
    fn a_torn_line_costs_itself_alone() {
        let (_folder, database) = database();
        let (mut file, _) = open(&database);
        file.append("whole").expect("appends");
        let torn = file.used as u64;
        file.file.write_all_at(b"\n0123456789abcdef to", torn).expect("writes");
        let (mut file, left) = open(&database);
        assert_eq!((left.lines, left.unreadable), (vec!["whole".to_owned()], 1));
        file.append("after it").expect("appends");
        let left = open(&database).1;
        assert_eq!((left.lines, left.unreadable), (vec!["whole".into(), "after it".to_owned()], 1));
    }

    #[test]
    fn what_was_changed_by_hand_is_not_believed() {
        let (_folder, database) = database();
        open(&database).0.append("acknowledged by nobody").expect("appends");
        let path = path_of(&database);
        let text = std::fs::read(&path).expect("reads");
        let text = String::from_utf8(text).expect("text").replace("nobody", "somebody");
        std::fs::write(&path, text).expect("writes");
        let (file, left) = open(&database);
        assert_eq!((left.lines.len(), left.unreadable), (0, 1));
        assert!(file.room >= ROOM, "its room is taken again");
    }
}
