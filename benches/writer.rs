//! The batching writer against a raw rusqlite loop that writes the very same rows, and against one commit an alert.
//!
//! `cargo bench --bench writer`. Ratios in one run: the disk of the day cancels out.
#![expect(clippy::print_stdout, reason = "its numbers are its answer")]

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vigie::clock::Clock;
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::alert::{Entities, Normalised, Severity, Status};
use vigie::domain::ids::AlertId;
use vigie::domain::input::{Delivery, Incoming, Input};
use vigie::domain::people::{ChannelRef, Directory, UserRef};
use vigie::domain::policy::{Permission, Policy, Role};
use vigie::domain::time::Timestamp;
use vigie::engine::{Bells, Pulse, Surroundings, handle};
use vigie::inbox;
use vigie::store::Writer;

const ALERTS: u32 = 20_000;
const AT_ONCE: u32 = 64;
/// Each pair is the writer, then the raw loop; the middle ratio counts.
const PAIRS: usize = 7;
/// One commit an alert is slow: fewer are enough to know how slow.
const ALONE: u32 = 1_000;

/// What one alert leaves on disk.
const TABLES: [&str; 6] = ["journal", "private", "inputs", "alerts", "outbox", "due"];

fn policy() -> Policy {
    let role = Role {
        users: vec![UserRef("U0ANA".to_owned())],
        may: Permission::ALL.into(),
        ..Role::default()
    };
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: Timestamp::from_millis(0),
        ladders_since: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: [("analyst".into(), role)].into(),
        teams: Default::default(),
        routes: Vec::new(),
        escalations: [(Ladder::STANDARD.into(), Ladder::standard())].into(),
        catalogue: Default::default(),
        playbooks: Default::default(),
        protected: Default::default(),
        limits: Default::default(),
    }
}

fn alert(number: u32, at: Timestamp) -> Delivery {
    let text = |kind: &str| format!("{kind}-{number}");
    let alert = Normalised {
        id: Some(text("detection")),
        title: format!("A shell was spawned by the web server on {}", text("web")),
        description: Some(
            "The process tree, the user and the address are in the product's own page.".to_owned(),
        ),
        rule: Some("shell-from-web-server".to_owned()),
        severity: Severity::High,
        status: Status::Firing,
        dedup_key: text("detection"),
        url: Some(format!("https://edr.example.com/detections/{number}")),
        entities: Entities {
            hosts: vec![text("web")],
            users: vec!["www-data".to_owned()],
            ips: vec!["192.0.2.7".to_owned()],
            ..Entities::default()
        },
        tactic: Some("Execution".to_owned()),
        technique: Some("T1059".to_owned()),
        occurred_at: Some(at),
    };
    let raw = serde_json::to_string(&alert).expect("plain data");
    let id = AlertId::new(format!("alr_01JDGQ5R6ZK3V8W9XA{number:08}"));
    let incoming = Incoming { id, source: "edr".into(), alert, raw, test: false, by: None };
    Delivery {
        key: Some(format!("hook:edr:{number}").as_str().into()),
        at,
        input: Input::Alert(Box::new(incoming)),
    }
}

/// Alerts a second through the writer, from so many callers at once.
fn through_the_writer(path: &Path, alerts: u32, callers: u32) -> f64 {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let (_policy, policy) = tokio::sync::watch::channel(Arc::new(policy()));
        let (_directory, directory) = tokio::sync::watch::channel(Arc::new(Directory::default()));
        let clock = Clock::real();
        let writer = Writer::open(path).expect("a new database");
        let surroundings = Surroundings { policy, directory };
        let boot = "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into();
        let handler =
            handle::Handler::start(writer, boot, clock.clone(), surroundings).expect("starts");
        let (inbox, queue) = inbox::open();
        let running = tokio::spawn(handle::run(
            handler,
            queue,
            Bells::default(),
            Pulse::new(tokio::time::Instant::now()),
        ));
        // Made beforehand, as the raw loop's rows are.
        let at_hand: Vec<Vec<Delivery>> = (0..callers)
            .map(|caller| {
                let numbers = (caller..alerts).step_by(callers as usize);
                numbers.map(|number| alert(number, clock.now())).collect()
            })
            .collect();
        let start = Instant::now();
        let callers: Vec<_> = at_hand
            .into_iter()
            .map(|deliveries| {
                let inbox = inbox.clone();
                tokio::spawn(async move {
                    for delivery in deliveries {
                        inbox.offer(delivery).await.expect("the store takes it");
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.expect("no panic");
        }
        let rate = per_second(alerts, start.elapsed());
        drop(inbox);
        running.await.expect("no panic").expect("no fatal error");
        rate
    })
}

/// The same rows, read back from what the writer wrote, inserted by hand in transactions of the same size.
fn by_hand(written: &Path, path: &Path, alerts: u32, batch: usize) -> f64 {
    let rows = rows_of(written);
    let mut connection = Connection::open(path).expect("opens");
    connection.set_prepared_statement_cache_capacity(32);
    for schema in [
        include_str!("../src/store/migrations/0001.sql"),
        include_str!("../src/store/migrations/0002.sql"),
        include_str!("../src/store/migrations/0003.sql"),
    ] {
        connection.execute_batch(schema).expect("makes the tables");
    }
    connection.execute_batch("DROP TRIGGER journal_only_grows").expect("drops");
    for pragma in ["journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"] {
        connection.execute_batch(&format!("PRAGMA {pragma}")).expect("sets");
    }
    let start = Instant::now();
    for chunk in rows.chunks(batch.max(1)) {
        let transaction = connection.transaction().expect("begins");
        for (sql, values) in chunk.iter().flatten() {
            transaction
                .prepare_cached(sql)
                .expect("prepares")
                .execute(params_from_iter(values))
                .expect("inserts");
        }
        transaction.commit().expect("commits");
    }
    per_second(alerts, start.elapsed())
}

type Insert = (String, Vec<Value>);

/// For each alert the inserts that put its rows there.
fn rows_of(written: &Path) -> Vec<Vec<Insert>> {
    let connection = Connection::open(written).expect("opens");
    let mut per_alert: Vec<Vec<Insert>> = Vec::new();
    for table in TABLES {
        // The journal's first entry opens it; every other is one alert's.
        let filter = if table == "journal" { "WHERE seq > 1" } else { "" };
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {table} {filter} ORDER BY 1"))
            .expect("prepares");
        let columns = statement.column_count();
        let marks = vec!["?"; columns].join(", ");
        let mut rows = statement.query([]).expect("reads");
        let mut number = 0;
        while let Some(row) = rows.next().expect("reads") {
            let values = (0..columns).map(|column| row.get(column).expect("a value")).collect();
            if per_alert.len() <= number {
                per_alert.push(Vec::new());
            }
            per_alert[number].push((format!("INSERT INTO {table} VALUES ({marks})"), values));
            number += 1;
        }
    }
    per_alert
}

fn per_second(count: u32, span: Duration) -> f64 {
    f64::from(count) / span.as_secs_f64()
}

fn main() {
    // `cargo test --benches` is no reason to run for half a minute.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir_in(".").expect("a folder on the disk that is measured");
    let at = |name: &str| folder.path().join(name);
    let mut pairs: Vec<(f64, f64)> = (0..PAIRS)
        .map(|round| {
            let (ours, raw) = (at(&format!("ours-{round}.db")), at(&format!("raw-{round}.db")));
            let rate = through_the_writer(&ours, ALERTS, AT_ONCE);
            (rate, by_hand(&ours, &raw, ALERTS, AT_ONCE as usize))
        })
        .collect();
    pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let ratio = |(ours, raw): (f64, f64)| ours / raw;
    let (ours, raw) = pairs[PAIRS / 2];
    let alone = through_the_writer(&at("alone.db"), ALONE, 1);
    println!("the batching writer, {AT_ONCE} callers    {ours:>9.0} alerts/s");
    println!(
        "the same rows by a raw loop       {raw:>9.0} alerts/s   ratio {:.2} ({:.2} to {:.2} in {PAIRS} pairs; wanted: 0.60 or more)",
        ratio((ours, raw)),
        ratio(pairs[0]),
        ratio(pairs[PAIRS - 1]),
    );
    println!(
        "one commit an alert               {alone:>9.0} alerts/s   the batch is {:.1} times as fast",
        ours / alone
    );
}
