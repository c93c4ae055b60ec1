//! Where something can happen: the system calls by which the bot writes, syncs, sends and hears, and which of them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// One sort of call, on these files of the database (by their ending), or on anything.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    pub call: &'static str,
    pub files: &'static [&'static str],
    /// Where one call is like its neighbours, "all" are every so manieth.
    step: usize,
    /// How many of a few points are of this kind, where of the others one is.
    weight: usize,
}

const fn kind(
    name: &'static str,
    (call, step, weight): (&'static str, usize, usize),
    files: &'static [&'static str],
) -> Kind {
    Kind { name, call, files, step, weight }
}

const ALL_FILES: &[&str] = &["", "-wal", "-shm", ".lock", "-journal"];

/// Every sort of call by which something leaves us, or by which we hear that it did. A commit is many writes and one sync:
/// of the writes every fifth, which is now a page's head and now a page. What was written outlives a killed process, so
/// that only a kill among the writes shows an answer that left too early; a lost sync shows at a loss of power alone.
pub const KINDS: &[Kind] = &[
    kind("wal-write", ("pwrite64", 5, 8), &["-wal"]),
    kind("wal-sync", ("fsync", 1, 2), &["-wal"]),
    kind("db-write", ("pwrite64", 1, 1), &[""]),
    kind("db-sync", ("fsync", 1, 1), &[""]),
    kind("cut", ("ftruncate", 1, 1), &["", "-wal", "-shm"]),
    kind("journal-write", ("pwrite64", 1, 1), &["-journal"]),
    kind("open", ("openat", 1, 1), ALL_FILES),
    kind("remove", ("unlink", 1, 1), ALL_FILES),
    kind("lock", ("fcntl", 7, 1), ALL_FILES),
    kind("connect", ("connect", 1, 1), &[]),
    kind("send", ("sendto", 1, 2), &[]),
    kind("send-parts", ("writev", 1, 3), &[]),
    kind("hear", ("recvfrom", 1, 3), &[]),
    kind("wait", ("epoll_wait", 3, 1), &[]),
    kind("say", ("write", 1, 1), &[]),
    kind("hang-up", ("shutdown", 1, 1), &[]),
];

/// Calls that write, sync or send and are not made today: where one is, it wants a kind above.
const NOT_MADE: &[&str] = &[
    "fdatasync",
    "sync_file_range",
    "syncfs",
    "msync",
    "pwritev",
    "pwritev2",
    "fallocate",
    "truncate",
    "rename",
    "renameat",
    "renameat2",
    "unlinkat",
    "sendmsg",
    "sendmmsg",
    "sendfile",
    "splice",
    "epoll_pwait",
    "epoll_pwait2",
    "recvmsg",
    "readv",
];

/// Which life of the bot is struck.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// The first, from an empty folder through the whole story to its end.
    Fresh,
    /// The same with a checkpoint in the middle.
    Late,
    /// The one after a crash, which takes over.
    Again,
    /// One in which a playbook is run.
    Run,
}

pub const SHAPES: [Shape; 4] = [Shape::Fresh, Shape::Late, Shape::Again, Shape::Run];
/// Those in which alerts are all there is.
pub const OF_ALERTS: [Shape; 3] = [Shape::Fresh, Shape::Late, Shape::Again];

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before the call is made.
    Kill,
    /// The call fails so.
    Once(&'static str),
    /// It and all that come after it.
    From(&'static str),
}

/// One case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    pub shape: Shape,
    pub kind: &'static Kind,
    /// The first thread's call with this number.
    pub number: usize,
    pub fault: Fault,
}

/// How often each kind of call was made in each shape of life, by the thread that made most of them.
pub type Counts = BTreeMap<(Shape, &'static str), usize>;

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Again => "again",
            Self::Run => "run",
        })
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}:{}", self.shape, self.kind.name, self.number)?;
        match self.fault {
            Fault::Kill => Ok(()),
            Fault::Once(error) => write!(f, "={error}"),
            Fault::From(error) => write!(f, "={error}+"),
        }
    }
}

impl Point {
    /// Reads what `Display` writes.
    pub fn parse(text: &str) -> Option<Self> {
        let (shape, rest) = text.split_once('/')?;
        let (kind, rest) = rest.split_once(':')?;
        let (number, fault) = match rest.split_once('=') {
            None => (rest, Fault::Kill),
            Some((number, "EIO")) => (number, Fault::Once("EIO")),
            Some((number, "EIO+")) => (number, Fault::From("EIO")),
            Some((number, "ENOSPC")) => (number, Fault::Once("ENOSPC")),
            Some((number, "ENOSPC+")) => (number, Fault::From("ENOSPC")),
            Some(_) => return None,
        };
        let shape = SHAPES.into_iter().find(|known| known.to_string() == shape)?;
        let kind = KINDS.iter().find(|known| known.name == kind)?;
        Some(Self { shape, kind, number: number.parse().ok()?, fault })
    }

    /// strace's arguments. Its filter in the kernel loses the signal, so that it is used for errors alone.
    pub fn arguments(&self) -> Vec<String> {
        let call = self.kind.call;
        let (number, what) = (self.number, "-e".to_owned());
        let fault = match self.fault {
            Fault::Kill => format!("inject={call}:signal=SIGKILL:when={number}"),
            Fault::Once(error) => format!("inject={call}:error={error}:when={number}"),
            Fault::From(error) => format!("inject={call}:error={error}:when={number}+"),
        };
        let mut arguments = vec![what.clone(), format!("trace={call}"), what, fault];
        match self.fault {
            // The writer comes slowly to its writes: who answers before them has answered.
            Fault::Kill if self.kind.call == "pwrite64" => {
                arguments.extend(["-e".to_owned(), "inject=fcntl:delay_exit=500".to_owned()]);
            }
            Fault::Kill => {}
            Fault::Once(_) | Fault::From(_) => arguments.push("--seccomp-bpf".to_owned()),
        }
        arguments
    }
}

/// What a counting run writes down.
pub fn counted() -> String {
    let mut calls: Vec<_> =
        KINDS.iter().map(|kind| kind.call).chain(NOT_MADE.iter().copied()).collect();
    calls.sort_unstable();
    calls.dedup();
    format!("trace={}", calls.join(","))
}

/// The lines of a trace that no kind covers.
pub fn uncovered(trace: &str) -> Vec<&str> {
    let made = |line: &&str| {
        let rest = line.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        NOT_MADE
            .iter()
            .any(|call| rest.strip_prefix(call).is_some_and(|rest| rest.starts_with('(')))
    };
    trace.lines().filter(made).take(3).collect()
}

/// How often the busiest thread made this call, in a trace whose lines begin with the thread's number. One that was
/// interrupted stands on two lines, of which the second does not count.
pub fn count(trace: &str, kind: &Kind, folder: &Path) -> usize {
    let names: Vec<_> = kind
        .files
        .iter()
        .map(|ending| folder.join(format!("vigie.db{ending}")).display().to_string())
        .flat_map(|path| [format!("<{path}>"), format!("\"{path}\"")])
        .collect();
    let mut threads = BTreeMap::<&str, usize>::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let is_it =
            rest.trim_start().strip_prefix(kind.call).is_some_and(|rest| rest.starts_with('('));
        if is_it && (names.is_empty() || names.iter().any(|name| rest.contains(name))) {
            *threads.entry(thread).or_default() += 1;
        }
    }
    threads.into_values().max().unwrap_or_default()
}

/// The numbers that can be struck. Two runs are not quite alike, so that the last tenth of the calls may not be reached; of
/// what is sent and heard, one at least. Until the checkpoint a late life is like a fresh one, and until somebody wants it a run
/// is like any life.
fn reach(shape: Shape, kind: &Kind, count: usize) -> std::ops::RangeInclusive<usize> {
    let talks = kind.files.is_empty();
    let margin = if talks { count.div_ceil(10) } else { count / 10 };
    let to = count - margin;
    match shape {
        Shape::Run if talks => count / 3 + 1..=to,
        Shape::Late => to / 2 + 1..=to,
        // Whether a fresh life sees a checkpoint depends on how busy the machine is.
        Shape::Fresh | Shape::Run if ["db-sync", "cut"].contains(&kind.name) => 1..=to.min(1),
        Shape::Fresh | Shape::Again | Shape::Run => 1..=to,
    }
}

/// Every point (see `Kind::step`), or so many of them: by the weight of each kind, evenly over the life.
pub fn kills(counts: &Counts, wanted: Option<usize>) -> Vec<Point> {
    let groups = KINDS.iter().flat_map(|kind| SHAPES.map(|shape| (shape, kind)));
    let groups: Vec<_> = groups
        .map(|(shape, kind)| {
            let count = counts.get(&(shape, kind.name)).copied().unwrap_or_default();
            let numbers: Vec<_> = reach(shape, kind, count).step_by(kind.step).collect();
            (shape, kind, numbers)
        })
        // What is not about files knows no checkpoint.
        .filter(|(shape, kind, _)| *shape != Shape::Late || !kind.files.is_empty())
        .collect();
    let mut shares = vec![0; groups.len()];
    let mut left = wanted.unwrap_or(usize::MAX);
    while left > 0 && shares.iter().zip(&groups).any(|(share, group)| *share < group.2.len()) {
        for (share, (shape, kind, numbers)) in shares.iter_mut().zip(&groups) {
            let more = weight(*shape, kind).min(numbers.len() - *share).min(left);
            *share += more;
            left -= more;
        }
    }
    let fault = Fault::Kill;
    let points = groups.iter().zip(shares).flat_map(|((shape, kind, numbers), share)| {
        let numbers = spread(numbers, share);
        numbers.map(move |number| Point { shape: *shape, kind, number, fault })
    });
    points.collect()
}

/// Of a run most points are where a tool's call leaves and its answer is heard: what came of it is not known there.
fn weight(shape: Shape, kind: &Kind) -> usize {
    match (shape, kind.name) {
        (Shape::Run, "connect" | "send-parts" | "hear") => 6,
        (Shape::Run, "wal-write" | "wal-sync") => 5,
        _ => kind.weight,
    }
}

/// So many of the numbers, evenly.
fn spread(numbers: &[usize], share: usize) -> impl Iterator<Item = usize> {
    (0..share).map(move |at| numbers[(2 * at + 1) * numbers.len() / (2 * share)])
}

/// Where the disk can fail, and how; a checkpoint is struck in a late life.
const DISK: [(Shape, &str, &str); 13] = [
    (Shape::Fresh, "wal-write", "EIO"),
    (Shape::Fresh, "wal-write", "ENOSPC"),
    (Shape::Fresh, "wal-sync", "EIO"),
    (Shape::Fresh, "wal-sync", "ENOSPC"),
    (Shape::Late, "db-write", "EIO"),
    (Shape::Late, "db-write", "ENOSPC"),
    (Shape::Late, "db-sync", "EIO"),
    (Shape::Fresh, "db-sync", "EIO"),
    (Shape::Late, "cut", "EIO"),
    (Shape::Late, "cut", "ENOSPC"),
    (Shape::Fresh, "journal-write", "ENOSPC"),
    (Shape::Fresh, "open", "EIO"),
    (Shape::Fresh, "open", "ENOSPC"),
];

/// The disk's faults: at so many places of each, one call and all calls from there on.
pub fn disk(counts: &Counts, places: usize) -> Vec<Point> {
    let mut points = Vec::new();
    for (shape, name, error) in DISK {
        let kind = KINDS.iter().find(|kind| kind.name == name).expect("it is one of them");
        let count = counts.get(&(shape, name)).copied().unwrap_or_default();
        let mut numbers: Vec<_> = reach(shape, kind, count).collect();
        // On a busy machine more share a commit, and fewer are written: what is counted at leisure may not be reached.
        numbers.truncate((numbers.len() * 3).div_ceil(4));
        for number in spread(&numbers, places.min(numbers.len())) {
            for fault in [Fault::Once(error), Fault::From(error)] {
                points.push(Point { shape, kind, number, fault });
            }
        }
    }
    points
}
