//! `vigie restore`: a backup in the database's place, after a look at what that would lose.

use super::backup::{Judgement, holds, is_same, judge};
use super::check::counted;
use super::{Exit, Restore, answer, complain};
use crate::domain::time::Timestamp;
use crate::store::backup::{Contents, Draft, beside, folder_of};
use crate::store::lock::Lock;
use crate::store::restore::{self, Loss};
use crate::store::{Reader, StoreError, emergency};
use anyhow::{Context as _, ensure};
use std::path::{Path, PathBuf};

/// 0 it stands in the database's place; 1 it is no good, or something would be lost and nobody said yes: nothing was changed.
pub fn run(args: &Restore, database: &Path, now: Timestamp) -> anyhow::Result<Exit> {
    let from = args.from.as_path();
    let database = &true_name(database)?;
    ensure!(!is_same(from, database), "{} is the database itself: name a backup", from.display());
    let Some(_lock) = Lock::take(database)? else {
        return Err(StoreError::Locked { path: database.clone() }.into());
    };
    let contents = match judge(from).with_context(|| from.display().to_string())? {
        Judgement::Good(contents) => contents,
        Judgement::Bad(why) => {
            complain(format!("NOT GOOD: {}: {why}\nnothing was changed", from.display()));
            return Ok(Exit::No);
        }
    };
    let copied = Reader::of(from)?;
    let head = contents.head.as_ref().context("a good copy has an open journal")?;
    let lines = emergency::lines_of(from)?;
    let losses = losses(&restore::loss(database, head, &copied)?, &lines, database)?;
    if !losses.is_empty() && !args.yes {
        complain(refusal(args, &contents, &losses));
        return Ok(Exit::No);
    }
    let aside =
        beside(database, &now.instant().strftime(".before-restore-%Y%m%dT%H%M%S%.3fZ").to_string());
    let stood = database.exists();
    exchange(&copied, &contents, &lines, (database, &aside))?;
    answer(format!("{}: {}", database.display(), holds(&contents)))?;
    losses.iter().try_for_each(|loss| answer(format!("lost: {loss}")))?;
    if stood {
        answer(format!("the database from before is {}", aside.display()))?;
    }
    if contents.waiting > 0 {
        let waiting = counted(usize::try_from(contents.waiting).unwrap_or(usize::MAX), "message");
        answer(format!(
            "{waiting} to Slack waited in it and may have been sent since: the next start looks before it sends"
        ))?;
    }
    answer("start the bot: vigie serve")?;
    Ok(Exit::Good)
}

/// Makes a copy of the backup beside the database, and lets it change places with it.
fn exchange(
    copied: &Reader,
    contents: &Contents,
    lines: &[u8],
    places: (&Path, &Path),
) -> anyhow::Result<()> {
    let (database, _) = places;
    if database.exists() {
        restore::make_whole(database)?;
    }
    let draft = copied.read(|snapshot| Ok(Draft::make(snapshot, database))).and_then(|made| made);
    let draft = draft.context("nothing was changed")?;
    draft.doubt().context("nothing was changed")?;
    let arrived = Reader::of(draft.path())?.read(Contents::of)?;
    ensure!(
        arrived == *contents,
        "the copy beside the database is not what was read: look at the disk. Nothing was changed"
    );
    restore::put(draft, lines, places)
        .context("look which database stands there: vigie audit verify")
}

/// The file's one true name, by which its lock is known; also where it is not there.
fn true_name(database: &Path) -> anyhow::Result<PathBuf> {
    if database.exists() {
        return Ok(database.canonicalize()?);
    }
    let folder = folder_of(database);
    let found = folder.canonicalize();
    let found =
        found.with_context(|| format!("there is no folder {}: make it first", folder.display()))?;
    Ok(found.join(database.file_name().context("the database's path names no file")?))
}

/// What would be lost, in words.
fn losses(loss: &Loss, copied: &[u8], database: &Path) -> anyhow::Result<Vec<String>> {
    let name = database.display();
    let entries = match loss {
        Loss::Nothing => None,
        Loss::Later(1) => Some("1 entry that was written since the backup".to_owned()),
        Loss::Later(entries) => {
            Some(format!("{entries} entries that were written since the backup"))
        }
        Loss::Parted { entries } => Some(format!(
            "what {name} holds ({entries} entries): the same journal, which went on in another way than the backup's"
        )),
        Loss::Another { entries } => {
            Some(format!("what {name} holds ({entries} entries): it is another journal"))
        }
        Loss::Unknown(why) => Some(format!("what {name} holds, which nobody can tell: {why}")),
    };
    let lines = emergency::lines_of(database)?;
    let lines = (!copied.starts_with(&lines)).then(|| {
        let said = counted(emergency::count(&lines), "line");
        format!("{said} in {}, said without record", emergency::path_of(database).display())
    });
    Ok(entries.into_iter().chain(lines).collect())
}

fn refusal(args: &Restore, contents: &Contents, losses: &[String]) -> String {
    let from = args.from.display();
    let mut text = format!("{from} is good: {}. To restore it would lose\n", holds(contents));
    for loss in losses {
        text.push_str(&format!("  {loss}\n"));
    }
    text.push_str(&format!(
        "nothing was changed. The database would be kept aside, not deleted. If that is meant:\n  \
         vigie restore {from} {} --yes",
        args.database.flag()
    ));
    text
}
