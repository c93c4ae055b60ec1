//! `vigie backup`: the database in one file, made beside a running bot, and verified before it has its name.

use super::check::counted;
use super::{Backup, Exit, answer, complain};
use crate::audit::verify;
use crate::store::backup::{self, Contents, Draft, beside, folder_of, write_whole};
use crate::store::{Reader, StoreError, emergency};
use anyhow::{Context as _, bail, ensure};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What stands beside a database and is a part of it.
const PARTS: [&str; 7] = ["", "-wal", "-shm", "-journal", ".lock", ".sock", ".emergency"];

/// 0 the copy is good and stands under its name; 1 it is not, and nothing stands there that was not there before.
pub fn run(args: &Backup, database: &Path) -> anyhow::Result<Exit> {
    let to = args.to.as_path();
    let reader = Reader::of(database)?;
    may_stand(to, database, args.force)?;
    // Before the copy: what is recorded meanwhile stands in both, and is not recorded twice.
    let lines = emergency::lines_of(database).context("the emergency file")?;
    let draft = reader
        .read(|snapshot| Ok(Draft::make(snapshot, to)))
        .and_then(|made| made)
        .with_context(|| format!("{} could not be written; nothing is left of it", to.display()))?;
    let contents = match judge(draft.path())? {
        Judgement::Good(contents) => contents,
        Judgement::Bad(why) => {
            complain(format!(
                "NOT GOOD: {why}\nno backup was made. Look at the database itself: vigie audit verify {}",
                args.database.flag()
            ));
            return Ok(Exit::No);
        }
    };
    let bytes = std::fs::metadata(draft.path())?.len();
    let beside_it = emergency::path_of(to);
    if !lines.is_empty() {
        write_whole(&beside_it, &lines).with_context(|| beside_it.display().to_string())?;
    }
    draft.keep().with_context(|| format!("{} could not be named", to.display()))?;
    if lines.is_empty() && beside_it.exists() {
        // Of a backup that stood there before.
        std::fs::remove_file(&beside_it).with_context(|| beside_it.display().to_string())?;
    }
    tell(args, &contents, (bytes, &lines))
}

fn tell(args: &Backup, contents: &Contents, (bytes, lines): (u64, &[u8])) -> anyhow::Result<Exit> {
    let to = args.to.display();
    answer(format!("{to}: {}, {bytes} bytes", holds(contents)))?;
    answer(format!("verified; the chain ends in {}", contents.end()))?;
    if !lines.is_empty() {
        answer(format!(
            "{}: {} that were said without record; keep it beside the other",
            emergency::path_of(&args.to).display(),
            counted(emergency::count(lines), "line")
        ))?;
    }
    answer(format!(
        "to restore it, with the bot stopped: vigie restore {to} {}",
        args.database.flag()
    ))?;
    Ok(Exit::Good)
}

/// `3 entries, 1 alert`.
pub(super) fn holds(contents: &Contents) -> String {
    let (entries, alerts) = (contents.entries(), contents.alerts);
    let entries = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
    format!("{entries}, {}", counted(usize::try_from(alerts).unwrap_or(usize::MAX), "alert"))
}

/// Refuses a name that would cost something else its place.
fn may_stand(to: &Path, database: &Path, force: bool) -> anyhow::Result<()> {
    let name = to.display();
    for part in PARTS {
        let part = beside(database, part);
        ensure!(
            !is_same(to, &part),
            "{name} is the database itself, or a part of it: name another file"
        );
    }
    let folder = folder_of(to);
    ensure!(folder.is_dir(), "there is no folder {}: make it first", folder.display());
    ensure!(!to.is_dir(), "{name} is a folder: name a file in it");
    for end in ["-wal", "-journal"] {
        let stray = beside(to, end);
        if stray.exists() {
            bail!(
                "{} stands there, and would be taken for a part of the backup: move it away",
                stray.display()
            );
        }
    }
    let taken = [to.to_owned(), emergency::path_of(to)].into_iter().find(|path| path.exists());
    match taken {
        Some(path) if !force => {
            bail!(
                "{} stands there already: name another file, or replace it with --force",
                path.display()
            )
        }
        _ => Ok(()),
    }
}

/// Whether two names are one file, through links too.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let number = |path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    number(one).is_some_and(|found| Some(found) == number(other))
}

/// Whether a copy can be relied on.
#[derive(Debug)]
pub(super) enum Judgement {
    Good(Contents),
    /// In words.
    Bad(String),
}

/// Looks at the file as SQLite does, then at chain, schema and tables as `vigie audit verify` does.
pub(super) fn judge(copy: &Path) -> Result<Judgement, StoreError> {
    if let Some(why) = backup::damage(copy)? {
        return Ok(Judgement::Bad(format!("the file is damaged: {why}")));
    }
    let reader = Reader::of(copy)?;
    let verdict = verify::verify(&reader)?;
    if let Some(finding) = verdict.finding {
        return Ok(Judgement::Bad(finding.to_string()));
    }
    reader.read(Contents::of).map(Judgement::Good)
}
