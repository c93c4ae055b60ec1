//! The database: its public views, its pragmas, its migrations.

use rusqlite::Connection;
use std::path::Path;
use vigie::audit::verify::verify;
use vigie::store::{Reader, Writer, migrate};

/// DESIGN §4, to the letter: an interface for auditors.
const VIEWS: [(&str, &str); 7] = [
    (
        "alerts_v1",
        "id, source, source_id, rule, title, severity, status, state, team, route, channel, message_ts, test, hosts, users, \
         ips, occurred_at, received_at, shown_at, suppressed_by, assignee, acknowledged_at, acknowledged_by, resolved_at, \
         resolved_by, disposition, note, treated, occurrences, notifications, runs, previous_alert",
    ),
    (
        "interactions_v1",
        "seq, at, actor, actor_roles, surface, action, outcome, alert_id, run_id, reason",
    ),
    (
        "acknowledgements_v1",
        "seq, at, alert_id, person, roles, surface, ended_at, ended_by, ended_why",
    ),
    (
        "notifications_v1",
        "seq, at, alert_id, round, level, target, channel, message_ts, reach, reason",
    ),
    (
        "runs_v1",
        "id, playbook, playbook_hash, alert_id, started_by, approved_by, plan_hash, started_at, state, finished_at",
    ),
    (
        "steps_v1",
        "run_id, step, iteration, attempt, uses, risk, state, started_at, finished_at, decided_by, summary",
    ),
    ("approvals_v1", "seq, at, run_id, alert_id, plan_hash, person, roles, surface, decision"),
];

fn columns(connection: &Connection, view: &str) -> String {
    let statement = connection.prepare(&format!("SELECT * FROM {view}")).expect("the view stands");
    statement.column_names().collect::<Vec<_>>().join(", ")
}

#[test]
fn the_public_views_have_exactly_their_columns() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
    for (view, expected) in VIEWS {
        assert_eq!(columns(&writer.connection, view), expected, "{view}");
    }
}

#[test]
fn the_writer_holds_the_pragmas_that_the_promises_rest_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
    let pragma = |name: &str| {
        writer
            .connection
            .pragma_query_value(None, name, |row| row.get::<_, rusqlite::types::Value>(0))
            .expect("a pragma")
    };
    for (name, value) in
        [("synchronous", 2), ("foreign_keys", 1), ("recursive_triggers", 1), ("trusted_schema", 0)]
    {
        assert_eq!(pragma(name), value.into(), "{name}");
    }
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
    let defensive =
        writer.connection.execute_batch("PRAGMA writable_schema = ON; DELETE FROM sqlite_schema");
    assert!(defensive.is_err(), "DEFENSIVE keeps the schema from being written");
}

/// A database as release `version` left it, with its sample data.
fn as_of(version: usize, path: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let connection = Connection::open(path).expect("opens");
    for number in 1..=version {
        let schema = folder.join(format!("src/store/migrations/{number:04}.sql"));
        connection
            .execute_batch(&std::fs::read_to_string(schema).expect("a migration"))
            .expect("migrates");
        let sample = folder.join(format!("tests/data/migrations/{number:04}.sql"));
        connection
            .execute_batch(&std::fs::read_to_string(sample).expect("its sample data"))
            .expect("inserts");
        connection.pragma_update(None, "user_version", number).expect("sets");
    }
}

#[test]
fn every_older_database_is_migrated_and_still_verifies() {
    for version in 1..=migrate::newest() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("vigie.db");
        as_of(version, &path);
        drop(Writer::open(&path).expect("migrates"));
        let verdict = verify(&Reader::of(&path).expect("opens")).expect("reads");
        assert_eq!(verdict.finding, None, "from schema {version}");
        assert!(verdict.entries > 5, "the sample says something");
    }
}

#[test]
fn a_database_of_a_later_release_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("vigie.db");
    drop(Writer::open(&path).expect("a new database"));
    let later = migrate::newest() + 1;
    Connection::open(&path)
        .and_then(|c| c.pragma_update(None, "user_version", later))
        .expect("sets");
    let told = Writer::open(&path).expect_err("too new").to_string();
    assert!(told.contains("run the newer release"), "{told}");
    assert!(Reader::of(&path).is_err());
}

#[test]
fn no_statement_of_the_hot_paths_reads_the_whole_history() {
    let folder = tempfile::tempdir().expect("a folder");
    let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
    let plans = [
        "SELECT * FROM alerts WHERE fingerprint = 'x' ORDER BY received_seq DESC LIMIT 1",
        "SELECT max(stream_seq) FROM journal WHERE stream = 'x'",
        "SELECT answer FROM inputs WHERE key = 'x'",
        "SELECT alert_id FROM due WHERE at <= 5 ORDER BY at, alert_id LIMIT 256",
        "SELECT min(at) FROM due WHERE at > 5",
        "SELECT min(lane) FROM outbox WHERE lane > 'x'",
        "SELECT min(not_before) FROM outbox WHERE not_before > 5",
        "SELECT count(*), min(received_at) FROM alerts WHERE shown_at IS NULL AND suppressed_by IS NULL",
        "SELECT id FROM alerts WHERE state <> 'resolved' ORDER BY received_at",
        "SELECT count(*) FROM journal WHERE seq > 5",
        "SELECT at, kind, body FROM journal WHERE kind IN ('started', 'configured') ORDER BY seq DESC",
        "SELECT min(lane) FROM outbox WHERE parked = 0 AND lane >= '~' AND lane < 'x'",
        "SELECT run FROM runs WHERE id = 'x'",
        "SELECT id FROM runs WHERE alert_id = 'x' AND playbook = 'y' AND state IN ('waiting', 'running', 'in_doubt') LIMIT 1",
        "SELECT started_at FROM steps WHERE risk = 'destructive' AND started_at > 'x' ORDER BY started_at DESC LIMIT 3",
        "SELECT run_id FROM run_due WHERE at <= 5 ORDER BY at, run_id LIMIT 256",
        "SELECT run_id FROM run_due WHERE run_id > 'x' ORDER BY run_id LIMIT 128",
        "DELETE FROM inputs WHERE key IN (SELECT key FROM inputs WHERE at < 5 ORDER BY at LIMIT 500)",
    ];
    for sql in plans {
        let mut statement =
            writer.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect(sql);
        let steps: Vec<String> = statement
            .query_map([], |row| row.get("detail"))
            .expect("explains")
            .collect::<Result<_, _>>()
            .expect("explains");
        // A scan of a partial index reads only what it holds: what is open, what is pending.
        let whole = |step: &&String| {
            step.starts_with("SCAN") && !step.contains("USING") && !step.contains("CONSTANT")
        };
        assert_eq!(steps.iter().find(whole), None, "{sql}: {steps:?}");
    }
}
