//! The journal only grows, and whatever is changed in it shows, with the right first bad entry.

use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vigie::audit::verify::{Finding, Verdict, verify};
use vigie::clock::Clock;
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::alert::{Disposition, Entities, Normalised, Severity, Status};
use vigie::domain::effect::ReplyTo;
use vigie::domain::ids::AlertId;
use vigie::domain::input::*;
use vigie::domain::people::{ChannelRef, Directory, Surface, UserRef};
use vigie::domain::policy::{Permission, Policy, Role};
use vigie::domain::time::Timestamp;
use vigie::engine::{Bells, Pulse, Surroundings, handle};
use vigie::inbox::{self, Inbox};
use vigie::store::{Reader, Writer};

const ENTRIES: i64 = 50;

fn policy() -> Policy {
    let role = Role {
        users: vec![UserRef("U0ANA".to_owned())],
        usergroups: Vec::new(),
        may: Permission::ALL.into(),
    };
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: Timestamp::from_millis(0),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: [("analyst".into(), role)].into(),
        teams: Default::default(),
        routes: Vec::new(),
        escalations: [(Ladder::STANDARD.into(), Ladder::standard())].into(),
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
    }))
}

fn click(alert: &AlertId, act: Act) -> Input {
    let person = Clicker { user: "U0ANA".into(), name: None, workspace: None, enterprise: None };
    let reply_to = ReplyTo { user: person.user.clone(), channel: None, response_url: None };
    let binding = Binding::Good { alert: alert.clone(), life: 0 };
    Input::Click(Box::new(Click { person, via: Surface::Button, act, binding, reply_to }))
}

async fn offer(inbox: &Inbox, key: Option<&str>, input: Input) -> Answer {
    let at = Timestamp::from_millis(1_764_000_000_000);
    inbox.offer(Delivery { key: key.map(Into::into), at, input }).await.expect("the store takes it")
}

/// A journal of exactly `ENTRIES` entries: alerts that are acknowledged, resolved with a note, refused and repeated.
async fn fill(path: &Path) {
    let (_policy, policy) = tokio::sync::watch::channel(Arc::new(policy()));
    let (_directory, directory) = tokio::sync::watch::channel(Arc::new(Directory::default()));
    let surroundings = Surroundings { policy, directory };
    let writer = Writer::open(path).expect("a new database");
    let boot = "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into();
    let handler =
        handle::Handler::start(writer, boot, Clock::real(), surroundings).expect("starts");
    let (inbox, queue) = inbox::open();
    let running = tokio::spawn(handle::run(
        handler,
        queue,
        Bells::default(),
        Pulse::new(tokio::time::Instant::now()),
    ));
    let mut entries = 1;
    for number in 0.. {
        let Answer::Alert { id, .. } = offer(&inbox, None, alert(number)).await else {
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
            offer(&inbox, None, click(&id, act)).await;
            entries += 1;
        }
        if entries == ENTRIES {
            break;
        }
    }
    drop(inbox);
    running.await.expect("no panic").expect("no fatal error");
}

async fn filled() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("vigie.db");
    fill(&path).await;
    (folder, path)
}

fn check(path: &Path) -> Verdict {
    verify(&Reader::of(path).expect("opens")).expect("can be read")
}

/// A copy of the database, and what becomes of it in the hands of somebody who can do anything with the file.
struct Forger {
    template: PathBuf,
}

impl Forger {
    fn new(path: &Path) -> Self {
        let template = path.with_extension("template");
        let whole = Connection::open(path).expect("opens");
        whole.execute("VACUUM INTO ?1", [template.to_string_lossy()]).expect("copies");
        let connection = Connection::open(&template).expect("opens");
        let triggers =
            "DROP TRIGGER journal_is_never_updated; DROP TRIGGER journal_is_never_deleted;
                        DROP TRIGGER journal_only_grows;";
        connection.execute_batch(triggers).expect("drops");
        Self { template }
    }

    fn changes(&self, sql: &str) -> Option<Finding> {
        let copy = self.template.with_extension("copy");
        std::fs::copy(&self.template, &copy).expect("copies");
        let connection = Connection::open(&copy).expect("opens");
        connection.execute_batch("PRAGMA synchronous = OFF").expect("sets");
        connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        drop(connection);
        check(&copy).finding
    }
}

#[tokio::test]
async fn an_untouched_journal_verifies() {
    let (_folder, path) = filled().await;
    let verdict = check(&path);
    assert_eq!((verdict.entries, verdict.finding), (50, None));
}

#[tokio::test]
async fn every_change_of_a_single_row_is_found_at_that_row() {
    let (_folder, path) = filled().await;
    let columns = [
        "v = v + 1",
        "at = '2026-01-01T00:00:00.000Z'",
        "boot = 'boot_x'",
        "stream = 'alr_01JDGQ5R6ZK3V8W9XACEGHJKMN'",
        "stream_seq = stream_seq + 100",
        "kind = 'stopped'",
        "actor = 'U0EVE'",
        "actor_roles = 'lead'",
        "via = 'cli'",
        "cause = 'another'",
        "body = '{}'",
        "body = body || ' '",
        "private_hash = zeroblob(32)",
        "private_hash = CASE WHEN private_hash IS NULL THEN zeroblob(32) END",
        "prev = randomblob(32)",
        "hash = randomblob(32)",
    ];
    let forger = Forger::new(&path);
    let mut tried = 0;
    for seq in 1..=ENTRIES {
        let found_at_row = |change: &str| {
            let finding = forger.changes(change);
            let Some(Finding::Entry { seq: found, .. }) = finding else {
                panic!("{change}: {finding:?}")
            };
            assert_eq!(found, seq, "{change}");
        };
        for column in columns {
            // A change that leaves the row as it was is none.
            if seq == 1 && column == "body = '{}'" || is_so(&path, seq, column) {
                continue;
            }
            found_at_row(&format!("UPDATE journal SET {column} WHERE seq = {seq}"));
            tried += 1;
        }
        found_at_row(&format!("DELETE FROM journal WHERE seq = {seq}"));
        tried += 1;
    }
    assert!(tried > 700, "{tried} changes were tried");
}

fn is_so(path: &Path, seq: i64, assignment: &str) -> bool {
    let (column, value) = assignment.split_once(" = ").expect("an assignment");
    let connection = Connection::open(path).expect("opens");
    connection
        .query_row(
            &format!("SELECT {column} IS ({value}) FROM journal WHERE seq = {seq}"),
            [],
            |row| row.get(0),
        )
        .expect("reads")
}

#[tokio::test]
async fn private_content_and_projections_are_found_too() {
    let (_folder, path) = filled().await;
    let forger = Forger::new(&path);
    let finding = |sql: &str| forger.changes(sql);
    assert!(matches!(
        finding("UPDATE private SET content = replace(content, 'Malware 0', 'Nothing')"),
        Some(Finding::Entry { seq: 2, .. })
    ));
    assert!(matches!(
        finding("INSERT INTO private (seq, subject, salt, content) VALUES (1, 'x', x'00', '{}')"),
        Some(Finding::Entry { seq: 1, .. })
    ));
    assert!(matches!(
        finding("UPDATE alerts SET acknowledged_by = 'U0EVE'"),
        Some(Finding::Projection { table: "alerts", .. })
    ));
    let tables = ["alerts", "interactions", "acknowledgements"];
    for table in tables {
        let found = finding(&format!("DELETE FROM {table}"));
        assert!(
            matches!(found, Some(Finding::Projection { table: t, .. }) if t == table),
            "{found:?}"
        );
    }
    // Erasing takes content and salt away; the chain still holds, and the projections show it.
    assert!(matches!(
        finding("DELETE FROM private WHERE seq = 2"),
        Some(Finding::Projection { table: "alerts", .. })
    ));
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
