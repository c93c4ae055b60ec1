//! What a disk may hold after the power went: all that was synced, and of the rest whatever it pleases.

use crate::trace::Step;
use std::collections::BTreeMap;
use std::path::Path;

/// What a disk writes in one piece.
const SECTOR: usize = 512;

/// Each file's content by its name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The files as the process sees them, and how much of that is sure.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    files: BTreeMap<String, File>,
}

#[derive(Clone, Debug, Default)]
struct File {
    /// As of the last sync.
    sure: Vec<u8>,
    since: Vec<Change>,
    /// How many of `since` the sync that is under way covers.
    covered: usize,
    gone: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Cut { length: usize },
}

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    /// Everything arrived: the process alone died.
    All,
    /// Nothing did.
    Nothing,
    /// The first so many changes, in order, and the next one in part.
    Prefix,
    /// Each sector as chance will have it.
    Sectors,
}

impl Disk {
    pub fn take(&mut self, step: &Step) {
        match step {
            Step::Write { file, at, bytes } => {
                self.change(file, Change::Write { at: *at, bytes: bytes.clone() });
            }
            Step::Cut { file, length } => self.change(file, Change::Cut { length: *length }),
            Step::Gone { file } => {
                if let Some(file) = self.files.get_mut(file) {
                    file.gone = true;
                }
            }
            Step::FolderSynced => self.files.retain(|_, file| !file.gone),
            Step::SyncBegins { file } => {
                if let Some(file) = self.files.get_mut(file) {
                    file.covered = file.since.len();
                }
            }
            Step::SyncEnds { file } => {
                if let Some(file) = self.files.get_mut(file) {
                    let covered = file.since.drain(..file.covered);
                    covered.for_each(|change| apply(&mut file.sure, &change));
                    file.covered = 0;
                }
            }
            Step::Answered { .. } | Step::Acknowledged { .. } => {}
        }
    }

    fn change(&mut self, name: &str, change: Change) {
        let file = self.files.entry(name.to_owned()).or_default();
        if file.gone {
            *file = File::default();
        }
        file.since.push(change);
    }

    /// Whether a rollback journal stands: the database is still being made.
    pub fn is_being_made(&self) -> bool {
        let standing = |name| self.files.get(name).is_some_and(|file: &File| !file.gone);
        standing("vigie.db-journal")
            || self.files.get("vigie.db").is_none_or(|db| db.sure.is_empty())
    }

    /// Only what was synced.
    pub fn sure(&self) -> Files {
        self.image(|_, file| Some(file.sure.clone()))
    }

    /// All that was written.
    pub fn whole(&self) -> Files {
        self.image(|_, file| (!file.gone).then(|| file.whole()))
    }

    /// One of the many things that may be found after the power went.
    pub fn torn(&self, chance: &mut Chance) -> Files {
        let manners = [
            Manner::All,
            Manner::Nothing,
            Manner::Prefix,
            Manner::Prefix,
            Manner::Sectors,
            Manner::Sectors,
        ];
        self.image(|_, file| {
            if file.gone && chance.below(2) == 0 {
                return None;
            }
            let manner = manners[chance.below(manners.len())];
            Some(file.torn(manner, chance))
        })
    }

    fn image(&self, mut of: impl FnMut(&str, &File) -> Option<Vec<u8>>) -> Files {
        let found =
            self.files.iter().filter_map(|(name, file)| Some((name.clone(), of(name, file)?)));
        found.collect()
    }
}

impl File {
    fn whole(&self) -> Vec<u8> {
        let mut content = self.sure.clone();
        self.since.iter().for_each(|change| apply(&mut content, change));
        content
    }

    fn torn(&self, manner: Manner, chance: &mut Chance) -> Vec<u8> {
        let mut content = self.sure.clone();
        let mut lengths = vec![content.len()];
        let arrived = chance.below(self.since.len() + 1);
        for (index, change) in self.since.iter().enumerate() {
            match (manner, index < arrived) {
                (Manner::All, _) | (Manner::Prefix, true) => apply(&mut content, change),
                (Manner::Nothing, _) => {}
                (Manner::Prefix, false) if index > arrived => {}
                (Manner::Prefix, false) | (Manner::Sectors, _) => {
                    tear(&mut content, change, chance)
                }
            }
            lengths.push(content.len());
        }
        // The file's length is written by itself: what was appended may be cut off anywhere.
        let shortest = lengths.into_iter().min().expect("the synced one");
        if manner == Manner::Sectors && chance.below(2) == 0 {
            content.truncate(shortest + chance.below(content.len() - shortest + 1));
        }
        content
    }
}

fn apply(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { at, bytes } => {
            grow(content, at + bytes.len());
            content[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        Change::Cut { length } => content.resize(*length, 0),
    }
}

fn grow(content: &mut Vec<u8>, length: usize) {
    if content.len() < length {
        content.resize(length, 0);
    }
}

/// The change, sector by sector: written, not written, zeroed, or anything.
fn tear(content: &mut Vec<u8>, change: &Change, chance: &mut Chance) {
    let Change::Write { at, bytes } = change else {
        if chance.below(2) == 0 {
            apply(content, change);
        }
        return;
    };
    grow(content, at + bytes.len());
    let mut from = *at;
    while from < at + bytes.len() {
        let to = ((from / SECTOR + 1) * SECTOR).min(at + bytes.len());
        match chance.below(6) {
            0..=2 => content[from..to].copy_from_slice(&bytes[from - at..to - at]),
            3 => {}
            4 => content[from..to].fill(0),
            _ => content[from..to].iter_mut().for_each(|byte| *byte = chance.byte()),
        }
        from = to;
    }
}

/// Puts the files into an empty folder.
pub fn put(files: &Files, folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        std::fs::remove_file(entry.expect("an entry").path()).expect("removed");
    }
    for (name, content) in files {
        std::fs::write(folder.join(name), content).expect("written");
    }
}

/// Chance that can be had again: SplitMix64.
#[derive(Clone, Debug)]
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
