//! Power loss: the real process's writes and syncs are replayed into what a disk may hold at any moment, and each such
//! image is opened by the real store. What was synced is there, what was answered is there, and nothing is there by half.
//!
//! `cargo test --test power` makes 50 images; `VIGIE_POWER_IMAGES=2000` as many as `.ci/full` wants. Needs strace.
#![expect(clippy::print_stdout, reason = "the counts are the answer")]

mod disk;
mod life;
mod look;
mod trace;

use disk::{Chance, Disk, Files};
use look::{Content, Known};
use std::collections::BTreeSet;
use std::ops::AddAssign;
use std::path::Path;
use trace::Step;

/// What was promised to somebody before the power went.
#[derive(Clone, Debug, Default)]
struct Promised {
    alerts: BTreeSet<String>,
    acknowledged: BTreeSet<String>,
}

/// What the images showed.
#[derive(Clone, Debug, Default)]
struct Tally {
    images: usize,
    /// Of them, with something written and not synced.
    torn: usize,
    /// Of them, while a checkpoint was writing into the database.
    in_checkpoints: usize,
    synced_entries: usize,
    answered: usize,
    lost: Vec<String>,
    half: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.images += other.images;
        self.torn += other.torn;
        self.in_checkpoints += other.in_checkpoints;
        self.synced_entries += other.synced_entries;
        self.answered += other.answered;
        self.lost.extend(other.lost);
        self.half.extend(other.half);
    }
}

/// One moment at which the power went.
struct Moment<'a> {
    number: usize,
    sure: Files,
    whole: Files,
    promised: &'a Promised,
}

impl Moment<'_> {
    /// Opens one image of it and notes what is wrong with it.
    fn look(&self, image: &Files, folder: &Path, known: &mut Known) -> Tally {
        let before = known.of(&self.sure, folder).clone();
        let after = known.of(&self.whole, folder).clone();
        let mut tally = Tally {
            images: 1,
            torn: usize::from(self.sure != self.whole),
            in_checkpoints: usize::from(self.sure.get("vigie.db") != self.whole.get("vigie.db")),
            synced_entries: before.entries.len(),
            answered: self.promised.alerts.len() + self.promised.acknowledged.len(),
            ..Tally::default()
        };
        let found = match look::open(image, folder) {
            Ok(found) => found,
            Err(error) => {
                tally.half.push(format!("step {}: it does not open: {error}", self.number));
                return tally;
            }
        };
        tally.lost.extend(self.lost(&before, &found));
        if found.of_all != before.of_all && found.of_all != after.of_all {
            tally.half.push(format!("step {}: it is neither of the two commits", self.number));
        }
        let gone_on = look::audit(folder).map_or_else(|| look::goes_on(folder), Err);
        if let Err(error) = gone_on.and_then(|()| look::audit(folder).map_or(Ok(()), Err)) {
            tally.half.push(format!("step {}: {error}", self.number));
        }
        tally
    }

    fn lost(&self, before: &Content, found: &Content) -> Vec<String> {
        let mut lost = Vec::new();
        let entries = before.entries.difference(&found.entries).count();
        if entries > 0 {
            lost.push(format!("step {}: {entries} synced entries", self.number));
        }
        let alerts = self.promised.alerts.difference(&found.alerts).count();
        if alerts > 0 {
            lost.push(format!("step {}: {alerts} answered alerts", self.number));
        }
        if found.interactions < self.promised.acknowledged.len() {
            lost.push(format!("step {}: acknowledged clicks", self.number));
        }
        lost
    }
}

/// At which steps the power goes: any, once the database has been made; most where something is under way.
fn moments(steps: &[Step], count: usize, chance: &mut Chance) -> Vec<usize> {
    let mut disk = Disk::default();
    let made = steps.iter().position(|step| {
        disk.take(step);
        matches!(step, Step::Answered { .. }) && !disk.is_being_made()
    });
    let made = made.expect("an alert was answered");
    let mut moments: Vec<_> = (0..count).map(|_| made + chance.below(steps.len() - made)).collect();
    moments.sort_unstable();
    moments
}

/// A folder for images: in memory where the machine has one there, for nothing of them needs to last.
fn room() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a folder")
}

/// Replays the steps and looks at an image at each of the moments.
fn images(steps: &[Step], moments: &[usize], chance: &mut Chance) -> Tally {
    let folder = room();
    let (mut disk, mut known) = (Disk::default(), Known::default());
    let (mut promised, mut tally) = (Promised::default(), Tally::default());
    let mut moments = moments.iter().peekable();
    for (number, step) in steps.iter().enumerate() {
        disk.take(step);
        match step {
            Step::Answered { alerts } => promised.alerts.extend(alerts.iter().cloned()),
            Step::Acknowledged { envelope } => {
                promised.acknowledged.insert(envelope.clone());
            }
            Step::Write { .. }
            | Step::Cut { .. }
            | Step::Gone { .. }
            | Step::FolderSynced
            | Step::SyncBegins { .. }
            | Step::SyncEnds { .. } => {}
        }
        while moments.next_if(|moment| **moment == number).is_some() {
            let moment =
                Moment { number, sure: disk.sure(), whole: disk.whole(), promised: &promised };
            tally += moment.look(&disk.torn(chance), folder.path(), &mut known);
        }
    }
    tally
}

fn wanted() -> usize {
    let wanted = std::env::var("VIGIE_POWER_IMAGES").ok();
    wanted.map_or(50, |count| count.parse().expect("VIGIE_POWER_IMAGES is a number"))
}

/// The images in two halves, so that two processors share them.
fn in_halves(steps: &[Step], moments: &[usize], seed: u64) -> Tally {
    let halves: Vec<Vec<usize>> =
        (0..2).map(|half| moments.iter().skip(half).step_by(2).copied().collect()).collect();
    std::thread::scope(|scope| {
        let running: Vec<_> = halves
            .iter()
            .zip(seed..)
            .map(|(half, seed)| scope.spawn(move || images(steps, half, &mut Chance(seed))))
            .collect();
        let mut tally = Tally::default();
        running.into_iter().for_each(|half| tally += half.join().expect("no panic"));
        tally
    })
}

#[test]
fn what_was_synced_outlives_the_power_and_nothing_is_there_by_half() {
    let folder = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let steps = runtime.block_on(life::lived(folder.path()));
    let seed = std::env::var("VIGIE_POWER_SEED").map_or(1, |seed| seed.parse().expect("a number"));
    let moments = moments(&steps, wanted(), &mut Chance(seed));
    let tally = in_halves(&steps, &moments, seed);
    let syncs = steps.iter().filter(|step| matches!(step, Step::SyncEnds { .. })).count();
    println!(
        "power loss: {} images of {} steps ({syncs} syncs), {} of them torn, {} within a checkpoint; {} synced entries and {} \
         answered alerts and clicks looked for: {} lost, {} half transactions (seed {seed})",
        tally.images,
        steps.len(),
        tally.torn,
        tally.in_checkpoints,
        tally.synced_entries,
        tally.answered,
        tally.lost.len(),
        tally.half.len(),
    );
    assert_eq!(tally.images, wanted());
    assert!(tally.torn > 0 && tally.in_checkpoints > 0 && tally.answered > 0, "{tally:?}");
    assert_eq!((&tally.lost, &tally.half), (&Vec::new(), &Vec::new()));
    a_synced_page_that_is_torn_is_seen(&steps);
}

/// The looks are worth something: a page that was synced and is torn all the same is never taken for good. What a checkpoint
/// has just copied into the database is not missed; of ten moments one at least lies between two of them.
fn a_synced_page_that_is_torn_is_seen(steps: &[Step]) {
    let folder = room();
    let (mut disk, mut promised) = (Disk::default(), Promised::default());
    let (mut answered, mut seen) = (0, 0);
    for step in steps {
        disk.take(step);
        let Step::Answered { alerts } = step else { continue };
        promised.alerts.extend(alerts.iter().cloned());
        answered += 1;
        if !(31..=40).contains(&answered) {
            continue;
        }
        let (sure, whole) = (disk.sure(), disk.whole());
        let mut image = sure.clone();
        let wal = image.get_mut("vigie.db-wal").expect("there is a WAL");
        wal[WAL_HEADER..WAL_HEADER + 512].fill(0);
        let moment = Moment { number: 0, sure, whole, promised: &promised };
        let tally = moment.look(&image, folder.path(), &mut Known::default());
        seen += usize::from(!tally.lost.is_empty());
    }
    assert!(answered >= 40 && seen > 0, "torn pages were accepted");
}

/// Before the first frame of a WAL ("WAL File Format", sqlite.org/fileformat2.html).
const WAL_HEADER: usize = 32;
