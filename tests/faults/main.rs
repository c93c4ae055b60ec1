//! Kills and disk faults at chosen system calls of the real binary: nothing acknowledged is lost, nothing stands twice.
//!
//!     cargo test --test faults -- --points 80          so many kills, and some faults of the disk
//!     cargo test --test faults -- --all                every one
//!     cargo test --test faults -- --runs --points 40   of lives in which a playbook is run
//!     cargo test --test faults -- --only fresh/wal-write:17
//!
//! It needs `strace`, which places them. A first run counts the calls of each life; its table says of which there are how many.
#![expect(clippy::print_stdout, reason = "its table is its answer")]

mod after;
mod case;
mod house;
mod points;
mod runs;
mod story;
mod tools;

use after::{Complaint, Sort};
use case::Outcome;
use points::{Counts, Fault, KINDS, OF_ALERTS, Point, Shape};
use runs::Doubts;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// A case that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(300);
/// How often a point may be tried that was not reached: two runs differ.
const TRIES: usize = 3;
/// Places of each of the disk's faults: in a few minutes, and in all.
const PLACES: (usize, usize) = (1, 12);

/// What is asked for.
struct Asked {
    points: Option<usize>,
    shapes: Vec<Shape>,
    only: Vec<Point>,
    jobs: usize,
}

/// A point, and what came of it.
struct Done {
    point: Point,
    outcome: Outcome,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asked = match asked() {
        Ok(asked) => asked,
        Err(why) => return refuse(&why),
    };
    let strace = Command::new("strace").arg("-V").stdout(Stdio::null()).status();
    if !strace.is_ok_and(|status| status.success()) {
        return refuse("strace is missing: apt-get install strace");
    }
    let folder =
        tempfile::Builder::new().prefix("vigie-faults").tempdir().expect("a folder").keep();
    let begun = Instant::now();
    let points = if asked.only.is_empty() {
        let Some(counts) = counting(&folder, &asked) else { return ExitCode::FAILURE };
        let mut points = points::kills(&counts, asked.points);
        let places = if asked.points.is_some() { PLACES.0 } else { PLACES.1 };
        points.extend(points::disk(&counts, places));
        points
    } else {
        asked.only
    };
    println!("{} cases, {} at a time", points.len(), asked.jobs);
    let done = all(points, &folder, asked.jobs);
    let failed = tell(&done);
    if failed == 0 {
        let _ = std::fs::remove_dir_all(&folder);
    }
    println!("{:.0} s", begun.elapsed().as_secs_f64());
    println!("{} passed, {failed} failed", done.len() - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn refuse(why: &str) -> ExitCode {
    println!("{why}");
    ExitCode::from(2)
}

fn asked() -> Result<Asked, String> {
    let shapes = OF_ALERTS.to_vec();
    let mut asked = Asked { points: Some(80), shapes, only: Vec::new(), jobs: 3 };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} wants a value"));
        match arg.as_str() {
            "--all" => asked.points = None,
            "--runs" => asked.shapes = vec![Shape::Run],
            "--points" => asked.points = Some(value()?.parse().map_err(|_| "--points: a number")?),
            "--jobs" => asked.jobs = value()?.parse().map_err(|_| "--jobs: a number")?,
            "--only" => {
                let text = value()?;
                let point =
                    Point::parse(&text).ok_or(format!("--only {text}: there is no such point"))?;
                asked.only.push(point);
            }
            other => {
                return Err(format!(
                    "{other}: --points N, --all, --runs, --only POINT or --jobs N"
                ));
            }
        }
    }
    Ok(asked)
}

/// A life of each shape without a fault, which must itself be good; how often each call was made.
fn counting(folder: &Path, asked: &Asked) -> Option<Counts> {
    let counts = Mutex::new(Counts::new());
    let bad = Mutex::new(Vec::new());
    side_by_side(asked.shapes.clone(), asked.jobs, |shape: Shape| {
        let place = folder.join(format!("count-{shape}"));
        let (house, outcome) = alone(shape, None, &place);
        let trace = house.trace();
        let mut counts = counts.lock().expect("no panic while it is held");
        for kind in KINDS {
            counts.insert((shape, kind.name), points::count(&trace, kind, house.folder()));
        }
        let mut complaints = outcome.findings.complaints;
        let uncovered = points::uncovered(&trace).into_iter().map(|line| {
            Complaint(Sort::Wrong, format!("a call that has no kind in points.rs: {line}"))
        });
        complaints.extend(uncovered);
        bad.lock().expect("no panic while it is held").extend(complaints);
    });
    let counts = counts.into_inner().expect("no panic while it was held");
    let row = |name: &str, of: &dyn Fn(Shape) -> String| {
        let cells: String = asked.shapes.iter().map(|shape| format!("{:>8}", of(*shape))).collect();
        format!("{name:<16}{cells}")
    };
    println!("{}   calls of the busiest thread", row("", &|shape| shape.to_string()));
    for kind in KINDS {
        let of = |shape| counts.get(&(shape, kind.name)).copied().unwrap_or_default();
        println!("{}", row(kind.name, &|shape| of(shape).to_string()));
    }
    let bad = bad.into_inner().expect("no panic while it was held");
    bad.iter().for_each(|complaint| println!("without any fault: {complaint}"));
    bad.is_empty().then_some(counts)
}

/// Runs one case by itself, in a runtime of its own.
fn alone(shape: Shape, point: Option<&Point>, folder: &Path) -> (house::House, Outcome) {
    let _ = std::fs::remove_dir_all(folder);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let case = case::run(shape, point, folder.to_owned());
    runtime.expect("a runtime").block_on(async {
        tokio::time::timeout(LONGEST, case).await.unwrap_or_else(|_| panic!("{point:?} hangs"))
    })
}

/// Does the work of each, so many at a time.
fn side_by_side<T: Send>(work: Vec<T>, jobs: usize, each: impl Fn(T) + Sync) {
    let queue = Mutex::new(work.into_iter());
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().expect("no panic while it is held").next();
                    match next {
                        Some(next) => each(next),
                        None => return,
                    }
                }
            });
        }
    });
}

fn all(points: Vec<Point>, folder: &Path, jobs: usize) -> Vec<Done> {
    let done = Mutex::new(Vec::new());
    side_by_side(points, jobs, |point| {
        let folder = folder.join(point.to_string().replace(['/', ':', '='], "-"));
        let mut tries = 1;
        let outcome = loop {
            let (_, outcome) = alone(point.shape, Some(&point), &folder);
            if outcome.fired || tries == TRIES {
                break outcome;
            }
            println!("{point}: not reached; once more");
            tries += 1;
        };
        let good = outcome.fired && outcome.findings.complaints.is_empty();
        if good {
            let _ = std::fs::remove_dir_all(&folder);
        } else {
            println!("FAILED {point}: {} (its files: {})", why(&outcome), folder.display());
        }
        done.lock().expect("no panic while it is held").push(Done { point, outcome, folder });
    });
    done.into_inner().expect("no panic while it was held")
}

fn why(outcome: &Outcome) -> String {
    let mut why: Vec<_> = outcome.findings.complaints.iter().map(Complaint::to_string).collect();
    if !outcome.fired {
        why.push(format!("it did not fire in {TRIES} runs"));
    }
    why.join("\n  ")
}

#[derive(Default)]
struct Row {
    points: usize,
    fired: usize,
    hooks: usize,
    acts: usize,
    lost: usize,
    twice: usize,
    wrong: usize,
}

/// The table; how many failed. Points that show nothing have failed too.
fn tell(done: &[Done]) -> usize {
    let mut rows = BTreeMap::<String, Row>::new();
    let (mut answered_again, mut doubts) = (0, Doubts::default());
    for Done { point, outcome, .. } in done {
        let name = match point.fault {
            Fault::Kill => format!("{} {}", point.shape, point.kind.name),
            Fault::Once(error) => format!("{} {} {error}", point.shape, point.kind.name),
            Fault::From(error) => format!("{} {} {error}+", point.shape, point.kind.name),
        };
        answered_again += outcome.findings.answered_again;
        doubts += outcome.doubts;
        let of = |sort| outcome.findings.complaints.iter().filter(|c| c.0 == sort).count();
        for name in [name, "together".to_owned()] {
            let row = rows.entry(name).or_default();
            row.points += 1;
            row.fired += usize::from(outcome.fired);
            row.hooks += outcome.promises.0;
            row.acts += outcome.promises.1;
            row.lost += of(Sort::Lost);
            row.twice += of(Sort::Twice);
            row.wrong += of(Sort::Wrong);
        }
    }
    let heads = ["points", "fired", "hooks", "acts", "lost", "twice", "wrong"];
    println!("\n{:<28} {}", "", heads.map(|head| format!("{head:>7}")).join(""));
    for (name, row) in &rows {
        let Row { points, fired, hooks, acts, lost, twice, wrong } = row;
        let numbers = [points, fired, hooks, acts, lost, twice, wrong];
        println!("{name:<28} {}", numbers.map(|number| format!("{number:>7}")).join(""));
    }
    println!(
        "hooks, acts: promised by a 202 or an acknowledgement; {answered_again} answers for one person's eyes came again"
    );
    if done.iter().any(|done| done.point.shape == Shape::Run) {
        let Row { lost, twice, .. } = &rows["together"];
        println!("{lost} lost, {twice} twice without a person's word; {doubts}");
    }
    let of_runs = done.iter().filter(|done| done.point.shape == Shape::Run).count();
    let empty = !doubts.are_enough(of_runs);
    if empty {
        println!("of {of_runs} kills too few fell while a call was under way: that shows nothing");
    }
    let is_bad = |done: &&Done| !done.outcome.fired || !done.outcome.findings.complaints.is_empty();
    let bad: Vec<_> = done.iter().filter(is_bad).collect();
    for Done { point, folder, .. } in &bad {
        println!("cargo test --test faults -- --only {point}    # {}", folder.display());
    }
    bad.len() + usize::from(empty)
}
