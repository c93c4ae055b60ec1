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
}

const fn kind(name: &'static str, call: &'static str, files: &'static [&'static str]) -> Kind {
    Kind { name, call, files }
}

const ALL_FILES: &[&str] = &["", "-wal", "-shm", ".lock", "-journal"];

/// Every sort of call by which something leaves us, or by which we hear that it did.
pub const KINDS: &[Kind] = &[
    kind("wal-write", "pwrite64", &["-wal"]),
    kind("wal-fsync", "fsync", &["-wal"]),
    kind("wal-sync", "fdatasync", &["-wal"]),
    kind("wal-cut", "ftruncate", &["-wal"]),
    kind("db-write", "pwrite64", &[""]),
    kind("db-fsync", "fsync", &[""]),
    kind("db-sync", "fdatasync", &[""]),
    kind("db-cut", "ftruncate", &["", "-shm"]),
    kind("journal-write", "pwrite64", &["-journal"]),
    kind("open", "openat", ALL_FILES),
    kind("remove", "unlink", ALL_FILES),
    kind("lock", "fcntl", ALL_FILES),
    kind("connect", "connect", &[]),
    kind("send", "sendto", &[]),
    kind("send-parts", "writev", &[]),
    kind("hear", "recvfrom", &[]),
    kind("wait", "epoll_wait", &[]),
    kind("say", "write", &[]),
    kind("hang-up", "shutdown", &[]),
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
}

pub const SHAPES: [Shape; 3] = [Shape::Fresh, Shape::Late, Shape::Again];

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
        if self.fault != Fault::Kill {
            arguments.push("--seccomp-bpf".to_owned());
        }
        arguments
    }
}

/// What a counting run writes down.
pub fn counted() -> String {
    let mut calls: Vec<_> = KINDS.iter().map(|kind| kind.call).collect();
    calls.sort_unstable();
    calls.dedup();
    format!("trace={}", calls.join(","))
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

/// Two runs are not quite alike: the last tenth of the calls may not be reached.
fn within_reach(count: usize) -> usize {
    count - count.div_ceil(10).min(count.saturating_sub(1))
}

/// Every point, or so many of them: as many of each kind as there are, as long as there are, evenly over the life.
pub fn kills(counts: &Counts, wanted: Option<usize>) -> Vec<Point> {
    let groups: Vec<_> = KINDS
        .iter()
        .flat_map(|kind| SHAPES.map(|shape| (shape, kind)))
        .filter_map(|group| {
            let count = *counts.get(&(group.0, group.1.name))?;
            (count > 0).then(|| (group, within_reach(count)))
        })
        .collect();
    let wanted = wanted.unwrap_or(usize::MAX);
    let mut shares = vec![0; groups.len()];
    let mut given = 0;
    while given < wanted && shares.iter().zip(&groups).any(|(share, group)| *share < group.1) {
        for (share, group) in shares.iter_mut().zip(&groups) {
            if *share < group.1 && given < wanted {
                *share += 1;
                given += 1;
            }
        }
    }
    let points = groups.into_iter().zip(shares);
    points
        .flat_map(|(((shape, kind), reach), share)| {
            spread(reach, share).map(move |number| Point {
                shape,
                kind,
                number,
                fault: Fault::Kill,
            })
        })
        .collect()
}

/// So many numbers of 1 to `reach`, evenly.
fn spread(reach: usize, share: usize) -> impl Iterator<Item = usize> {
    (0..share)
        .map(move |at| 1 + (2 * at + 1) * reach / (2 * share).max(1))
        .map(move |n| n.min(reach))
}

/// Where the disk can fail, and how.
const DISK: [(&str, &str); 10] = [
    ("wal-write", "EIO"),
    ("wal-write", "ENOSPC"),
    ("wal-sync", "EIO"),
    ("wal-sync", "ENOSPC"),
    ("db-write", "EIO"),
    ("db-write", "ENOSPC"),
    ("db-sync", "EIO"),
    ("db-cut", "EIO"),
    ("db-cut", "ENOSPC"),
    ("open", "EIO"),
];

/// The disk's faults: at so many places of each, one call and all calls from there on.
pub fn disk(counts: &Counts, places: usize) -> Vec<Point> {
    let mut points = Vec::new();
    for (name, error) in DISK {
        let kind = KINDS.iter().find(|kind| kind.name == name).expect("it is one of them");
        let count = counts.get(&(Shape::Fresh, name)).copied().unwrap_or_default();
        let reach = if count == 0 { 0 } else { within_reach(count) };
        for number in spread(reach, places.min(reach)) {
            for fault in [Fault::Once(error), Fault::From(error)] {
                points.push(Point { shape: Shape::Fresh, kind, number, fault });
            }
        }
    }
    points
}
