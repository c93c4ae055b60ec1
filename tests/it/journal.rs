//! The journal only grows, one process writes it, and it is written by rows that only we can read.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vigie::audit::verify::{Verdict, verify};
use vigie::clock::Clock;
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::alert::{Disposition, Entities, Normalised, Severity, Status};
use vigie::domain::effect::{EffectId, ReplyTo};
use vigie::domain::event::{Event, Stream};
use vigie::domain::ids::AlertId;
use vigie::domain::input::*;
use vigie::domain::people::{Actor, ChannelRef, Directory, Roles, Surface, UserRef};
use vigie::domain::policy::{Permission, Policy, Role};
use vigie::domain::time::Timestamp;
use vigie::engine::{Bells, Pulse, Surroundings, handle};
use vigie::inbox::{self, Inbox, NotWritten};
use vigie::store::backup::Draft;
use vigie::store::journal::{self, Circumstances};
use vigie::store::{Reader, Writer, queries};

pub const ENTRIES: i64 = 50;

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

fn alert(number: u32) -> Input {
    Input::Alert(Box::new(Incoming {
        id: AlertId::new(format!("alr_01JDGQ5R6ZK3V8W9XACE{number:06}")),
        source: "edr".into(),
        alert: Normalised {
            id: Some(number.to_string()),
            title: format!("Malware {number}"),
            description: Some("found by the scanner".to_owned()),
            rule: Some("malware".to_owned()),
            severity: Severity::High,
            status: Status::Firing,
            dedup_key: number.to_string(),
            url: None,
            entities: Entities { hosts: vec![format!("host-{number}")], ..Entities::default() },
            tactic: None,
            technique: None,
            occurred_at: None,
        },
        raw: "{}".to_owned(),
        test: false,
        by: None,
    }))
}

fn click(alert: &AlertId, act: Act) -> Input {
    let person = Clicker { user: "U0ANA".into(), name: None, workspace: None, enterprise: None };
    let reply_to = ReplyTo { user: person.user.clone(), channel: None, response_url: None };
    let binding = Binding::Good { alert: alert.clone(), life: 0 };
    Input::Click(Box::new(Click {
        who: Who::Person(person),
        via: Surface::Button,
        act,
        binding,
        reply_to: Some(reply_to),
    }))
}

fn delivery(input: Input) -> Delivery {
    Delivery { key: None, at: Timestamp::from_millis(1_764_000_000_000), input }
}

async fn offer(inbox: &Inbox, input: Input) -> Answer {
    inbox.offer(delivery(input)).await.expect("the store takes it")
}

type Running = tokio::task::JoinHandle<Result<(), handle::Fatal>>;

/// The one writer on an open database, and the way in to it.
fn start(writer: Writer) -> (Inbox, Running) {
    let (_policy, policy) = tokio::sync::watch::channel(Arc::new(policy()));
    let (_directory, directory) = tokio::sync::watch::channel(Arc::new(Directory::default()));
    let surroundings = Surroundings { policy, directory };
    let boot = "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into();
    let handler =
        handle::Handler::start(writer, boot, Clock::real(), surroundings).expect("starts");
    let (inbox, queue) = inbox::open();
    let pulse = Pulse::new(tokio::time::Instant::now());
    (inbox, tokio::spawn(handle::run(handler, queue, Bells::default(), pulse)))
}

/// A journal of exactly `ENTRIES` entries: alerts that are acknowledged, resolved with a note, refused and repeated.
async fn fill(path: &Path) {
    let (inbox, running) = start(Writer::open(path).expect("a new database"));
    let mut entries = 1;
    for number in 0.. {
        let Answer::Alert { id, .. } = offer(&inbox, alert(number)).await else {
            panic!("no alert")
        };
        let note = Some("a known tool".to_owned());
        let acts = [
            Act::Acknowledge,
            Act::Acknowledge,
            Act::Resolve { disposition: Disposition::FalsePositive, note },
        ];
        entries += 1;
        for act in acts.into_iter().take(usize::try_from(ENTRIES - entries).unwrap_or(0).min(3)) {
            offer(&inbox, click(&id, act)).await;
            entries += 1;
        }
        if entries == ENTRIES {
            break;
        }
    }
    drop(inbox);
    running.await.expect("no panic").expect("no fatal error");
}

pub async fn filled() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("vigie.db");
    fill(&path).await;
    (folder, path)
}

pub fn check(path: &Path) -> Verdict {
    verify(&Reader::of(path).expect("opens")).expect("can be read")
}

#[tokio::test]
async fn an_untouched_journal_verifies() {
    let (_folder, path) = filled().await;
    let verdict = check(&path);
    assert_eq!((verdict.entries, verdict.finding), (50, None));
}

#[tokio::test]
async fn neither_update_nor_delete_nor_replace_gets_past_the_triggers() {
    let (_folder, path) = filled().await;
    for recursive in ["ON", "OFF"] {
        let connection = Connection::open(&path).expect("opens");
        connection
            .execute_batch(&format!("PRAGMA recursive_triggers = {recursive}"))
            .expect("sets");
        let attempts = [
            "UPDATE journal SET actor = 'U0EVE' WHERE seq = 3".to_owned(),
            "DELETE FROM journal WHERE seq = 3".to_owned(),
            "DELETE FROM journal".to_owned(),
            "INSERT OR REPLACE INTO journal SELECT * FROM journal WHERE seq = 3".to_owned(),
            replace_by_stream(3),
            "INSERT OR IGNORE INTO journal SELECT * FROM journal WHERE seq = 3".to_owned(),
        ];
        for sql in attempts {
            let error = connection.execute(&sql, []).expect_err(&sql).to_string();
            assert_eq!(error, "the journal is append-only", "{sql}");
        }
    }
    assert_eq!(check(&path).finding, None);
}

/// Takes the next number and the right `prev`, but the stream's number of an entry that stands: a REPLACE would delete it.
fn replace_by_stream(seq: i64) -> String {
    format!(
        "INSERT OR REPLACE INTO journal
         SELECT (SELECT max(seq) + 1 FROM journal), v, at, boot, stream, stream_seq, kind, 'U0EVE', actor_roles, via, cause,
                body, private_hash, (SELECT hash FROM journal ORDER BY seq DESC LIMIT 1), randomblob(32)
         FROM journal WHERE seq = {seq}"
    )
}

#[tokio::test]
async fn a_second_process_is_told_in_one_line() {
    let (_folder, path) = filled().await;
    let _first = Writer::open(&path).expect("the lock is free");
    let error = Writer::open(&path).expect_err("the lock is taken").to_string();
    assert!(error.starts_with("another vigie process uses"), "{error}");
}

#[tokio::test]
async fn a_link_to_the_database_is_the_same_database() {
    let (folder, path) = filled().await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).expect("links");
    let first = Writer::open(&link).expect("the lock is free");
    let error = Writer::open(&path).expect_err("the lock is taken").to_string();
    assert!(error.starts_with("another vigie process uses"), "{error}");
    drop(first);
    // A link to a file that is still to be made.
    let (later, link) = (folder.path().join("later.db"), folder.path().join("link-to-later.db"));
    std::os::unix::fs::symlink(&later, &link).expect("links");
    let _first = Writer::open(&link).expect("a new database");
    Writer::open(&later).expect_err("the lock is taken");
}

#[tokio::test]
async fn nobody_else_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = filled().await;
    let writer = Writer::open(&path).expect("opens");
    writer.connection.execute("DELETE FROM due", []).expect("writes");
    Draft::make(&writer.connection, &folder.path().join("backup"))
        .and_then(|draft| Ok(draft.keep()?))
        .expect("copies");
    for name in ["vigie.db", "vigie.db-wal", "vigie.db-shm", "vigie.db.lock", "backup"] {
        let mode = std::fs::metadata(folder.path().join(name)).expect(name).permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

/// Another process adds an entry to the journal.
pub fn another_writes(path: &Path) {
    let other = Connection::open(path).expect("opens");
    let mut head = journal::head(&other).expect("reads").expect("is open");
    let around = Circumstances {
        at: Timestamp::from_millis(1_764_000_000_000),
        boot: &"boot_01JDGQ5R6ZK3V8W9XACE000001".into(),
        actor: &Actor::System,
        roles: &Roles::default(),
        via: Surface::Timer,
        cause: None,
        salt: [0; 16],
    };
    let fact = (&Stream::System, &Event::Stopped {}.into());
    journal::append(&other, &mut head, fact, &around).expect("appends");
}

#[tokio::test]
async fn who_finds_that_another_process_writes_ends_with_one_line() {
    // The second would only have touched the outbox, where nothing collides with what the other wrote.
    for an_alert in [true, false] {
        let (_folder, path) = filled().await;
        let (inbox, running) = start(Writer::open(&path).expect("opens"));
        inbox.ping().await;
        another_writes(&path);
        let refused = match an_alert {
            true => inbox.offer(delivery(alert(900))).await.map(|_| ()),
            false => inbox.note_tries(vec![EffectId(1)]).await,
        };
        assert_eq!(refused, Err(NotWritten::Stopping));
        let fatal = running.await.expect("no panic").expect_err("it ends").to_string();
        assert!(fatal.starts_with("another process wrote to the database"), "{fatal}");
    }
}

#[tokio::test]
async fn a_held_database_is_waited_for_once_a_batch() {
    let (_folder, path) = filled().await;
    let writer = Writer::open(&path).expect("opens");
    let patience = Duration::from_millis(200);
    writer.connection.busy_timeout(patience).expect("sets");
    let (inbox, _running) = start(writer);
    inbox.ping().await;
    let other = Connection::open(&path).expect("opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("begins");
    let asked = std::time::Instant::now();
    let offers: Vec<_> = (900..950)
        .map(|number| {
            let inbox = inbox.clone();
            tokio::spawn(async move { inbox.offer(delivery(alert(number))).await })
        })
        .collect();
    for offer in offers {
        assert_eq!(offer.await.expect("no panic").expect_err("is held"), NotWritten::Store);
    }
    assert!(asked.elapsed() < 20 * patience, "fifty inputs waited for one another");
    other.execute_batch("ROLLBACK").expect("ends");
    offer(&inbox, alert(950)).await;
}

#[tokio::test]
async fn a_database_that_may_not_grow_takes_nothing_more_and_keeps_what_it_took() {
    let (_folder, path) = filled().await;
    let writer = Writer::open(&path).expect("opens");
    let count = |sql: &str| -> i64 {
        writer.connection.query_row(sql, [], |row| row.get(0)).expect("counts")
    };
    let pages = count("PRAGMA page_count");
    count(&format!("PRAGMA max_page_count = {}", pages + 20));
    let (inbox, running) = start(writer);
    let mut taken = 0;
    let why = loop {
        match inbox.offer(delivery(alert(900 + taken))).await {
            Ok(_) => taken += 1,
            Err(why) => break why,
        }
        assert!(taken < 5000, "it grows");
    };
    assert_eq!(why, NotWritten::Store);
    assert!(taken > 10);
    assert!(!inbox.ping().await, "what has no room is not well");
    for number in 9000..9010 {
        assert_eq!(inbox.offer(delivery(alert(number))).await, Err(NotWritten::Store));
    }
    drop(inbox);
    running.await.expect("no panic").expect("it goes on");
    let verdict = check(&path);
    assert_eq!((verdict.entries, verdict.finding), (50 + u64::from(taken), None));
}

#[tokio::test]
async fn the_tally_begins_with_what_the_alerts_say() {
    let (_folder, path) = filled().await;
    let reader = Reader::of(&path).expect("opens");
    let tallies = reader.read(|connection| {
        Ok((
            queries::tally_so_far(connection)?,
            queries::tally(connection, queries::Tally::default())?,
        ))
    });
    let (from_alerts, along_the_journal) = tallies.expect("reads");
    assert_eq!(from_alerts, along_the_journal);
    assert!(from_alerts.received > 10);
}
