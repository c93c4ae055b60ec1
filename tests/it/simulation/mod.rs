//! Everything at once: one seeded driver over the whole app, and a model beside it that knows only what the outside was told.
//!
//! A seed makes a plan (`plan`): alerts, people, faults of Slack's methods and sockets, outages, kills, a slow disk, a clock that is set, over
//! some hours of paused time. `drive` does it to the real app and the simulated Slack, and notes what was answered. Then all is
//! mended, what waits is done, and `model` and `checks` say whether what must always hold does. Some of it is looked at after
//! every step.
//!
//! ```text
//! cargo test simulation                          a few seeds
//! VIGIE_SEED=1234 cargo test simulation          just this one; where it fails, its plan is made shorter first
//! VIGIE_SEEDS=5000 cargo test simulation         so many
//! VIGIE_FROM=10000 VIGIE_SEEDS=500 …             others
//! ```
//!
//! The same seed is always the same plan. What the app does in between may differ a little: commits run on threads, and the
//! machine decides when one ends. What must hold holds however that falls, so a seed that failed once and passes later is a
//! defect still: run it a few times (`VIGIE_TIMES=50`).

mod chance;
mod checks;
mod drive;
mod model;
mod plan;
mod timeline;
mod told;

use crate::world::{self, Log, World};
use drive::{Diary, Driver};
use plan::Step;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// So many seeds where nothing else is said.
const FEW: u64 = 12;
/// After so many that fail, no more are tried.
const ENOUGH: usize = 3;
/// So many shorter plans are tried of one that fails.
const SHORTER: usize = 60;

/// The stories' config, with shorter ladders and one rung of each kind.
fn config() -> String {
    world::CONFIG
        .replace(
            "- {after: 20m, dm: lead}",
            "- {after: 15m, channel: \"#sec-leads\"}\n      - {after: 20m, dm: lead}",
        )
        .replace(
            "- {after: 30m, thread: team}",
            "- {after: 8m, thread: team}\n      - {after: 15m, dm: lead}",
        )
        .replace("repeat: {last: 2h, times: 3", "repeat: {last: 10m, times: 2")
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[test]
fn whatever_happens_nothing_is_lost_and_nothing_is_said_twice() {
    let one = number("VIGIE_SEED");
    let first = one.or_else(|| number("VIGIE_FROM")).unwrap_or(1);
    let count = if one.is_some() { 1 } else { number("VIGIE_SEEDS").unwrap_or(FEW) };
    let times = number("VIGIE_TIMES").unwrap_or(1);
    let next = AtomicU64::new(first);
    let failed = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let enough = failed.lock().expect("nobody panics with it").len() >= ENOUGH;
                    if seed >= first + count || enough {
                        return;
                    }
                    let steps = plan::of(seed);
                    if let Some(story) = (0..times).find_map(|_| tell(&steps).err()) {
                        report(seed, &steps, &story);
                        failed.lock().expect("nobody panics with it").push(seed);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panicked with it");
    failed.sort_unstable();
    assert!(
        failed.is_empty(),
        "of {count} seeds these fail: {failed:?} (VIGIE_SEED=… replays one)"
    );
}

/// Says how a seed failed; where it was asked for alone, as short as it can be told.
#[expect(clippy::print_stderr, reason = "beside the assertion, which says which seeds failed")]
fn report(seed: u64, steps: &[Step], story: &str) {
    let short = number("VIGIE_SEED").is_some().then(|| shortest(steps)).flatten();
    let (count, story) = match &short {
        Some((steps, story)) => (steps.len(), story.as_str()),
        None => (steps.len(), story),
    };
    eprintln!("\n=== seed {seed} fails; {count} of its {} steps ===\n{story}", steps.len());
}

/// Leaves steps out as long as it still fails.
fn shortest(steps: &[Step]) -> Option<(Vec<Step>, String)> {
    let (mut best, mut found) = (steps.to_vec(), None);
    let (mut tries, mut chunk) = (0, steps.len() / 2);
    while chunk > 0 && tries < SHORTER {
        let mut at = 0;
        while at < best.len() && tries < SHORTER {
            let mut fewer = best.clone();
            fewer.drain(at..(at + chunk).min(best.len()));
            tries += 1;
            match tell(&fewer) {
                Err(story) => (best, found) = (fewer, Some(story)),
                Ok(()) => at += chunk,
            }
        }
        chunk /= 2;
    }
    found.map(|story| (best, story))
}

/// Plays a plan. `Err`: what is wrong, what was done, and the conversation.
fn tell(steps: &[Step]) -> Result<(), String> {
    let diary = Diary::default();
    let slack = Arc::new(Mutex::new(None));
    let (theirs, sim) = (diary.clone(), slack.clone());
    let played = catch_unwind(AssertUnwindSafe(move || {
        World::play(&config(), async |w, log| {
            *sim.lock().expect("nobody panics with it") = Some(w.slack().clone());
            play(w, log, (steps, theirs)).await
        })
    }));
    let wrong = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(wrong)) => wrong,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default()
        }
    };
    let done = diary.lock().unwrap_or_else(std::sync::PoisonError::into_inner).join("\n");
    let slack = slack.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let transcript = slack.as_ref().map(vigie::sim::Sim::transcript).unwrap_or_default();
    Err(format!(
        "--- what was done\n{done}\n--- what was said\n{transcript}\n--- what is wrong\n{wrong}"
    ))
}

async fn play(w: &World, log: &Log, (steps, diary): (&[Step], Diary)) -> Result<(), String> {
    let mut driver = Driver::new(w, diary);
    for (number, step) in steps.iter().enumerate() {
        driver.step(step).await;
        accounted_for(&driver)?;
        if number % 10 == 9 {
            w.tallies_agree();
        }
    }
    driver.heal().await?;
    driver.reader = None;
    let ended = driver.now();
    w.stop().await;
    let wrong = checks::faults(w, &driver.told(), ended);
    if !wrong.is_empty() {
        return Err(wrong.join("\n"));
    }
    let expected: &[&str] = if driver.refused { &["no socket to Slack"] } else { &[] };
    w.sound(log, expected);
    Ok(())
}

/// At any moment: what was answered is there, and what is not shown yet is about to be.
fn accounted_for(driver: &Driver<'_>) -> Result<(), String> {
    let ids = |sql: &str| -> Vec<String> {
        let reader = driver.reader.as_ref().expect("it is open until the end");
        let mut statement = reader.prepare_cached(sql).expect("the tables stand");
        let rows = statement.query_map([], |row| row.get(0)).expect("reads");
        rows.collect::<Result<_, _>>().expect("reads")
    };
    let pending = ids(
        "SELECT id FROM alerts a WHERE message_ts IS NULL AND suppressed_by IS NULL AND NOT EXISTS
           (SELECT 1 FROM outbox o WHERE o.alert_id = a.id AND json_extract(o.effect, '$.effect') = 'post')",
    );
    if !pending.is_empty() {
        return Err(format!("neither shown, nor suppressed, nor about to be shown: {pending:?}"));
    }
    let known = ids("SELECT id FROM alerts_v1");
    let told = driver.told();
    let taken = told.hooks.iter().filter_map(|hook| hook.taken()).flatten();
    match taken.map(|(id, _)| id).find(|id| !known.contains(id)) {
        Some(id) => Err(format!("{id} was answered 202, and is not there")),
        None => Ok(()),
    }
}
