//! A database that somebody changed: what is found beside the chain, and that nothing is written on top of it.

use crate::forgery::Forger;
use crate::journal::{check, filled};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use vigie::audit::verify::{Finding, verify};
use vigie::cli::{Exit, audit};
use vigie::domain::ids::AlertId;
use vigie::store::{Reader, Writer, alerts};

#[tokio::test]
async fn content_without_its_salt_is_not_believed() {
    let (_folder, forger) = Forger::new().await;
    let forged =
        "UPDATE private SET salt = NULL, content = replace(content, 'Malware 0', 'Nothing')
                  WHERE seq = 2";
    forger.connection.execute_batch(forged).expect("changes");
    let found = check(&forger.path).finding;
    assert!(matches!(found, Some(Finding::Entry { seq: 2, .. })), "{found:?}");
    let alert = AlertId::new("alr_01JDGQ5R6ZK3V8W9XACE000000");
    let alert = alerts::load(&forger.connection, &alert).expect("reads").expect("stands");
    assert_eq!(alert.content, None);
}

#[tokio::test]
async fn a_projection_that_says_otherwise_is_found() {
    let (_folder, forger) = Forger::new().await;
    let tables = ["alerts", "interactions", "acknowledgements"];
    for table in tables {
        forger
            .connection
            .execute_batch(&format!("SAVEPOINT s; DELETE FROM {table}; RELEASE s"))
            .expect("deletes");
        let found = check(&forger.path).finding;
        let at = matches!(found, Some(Finding::Projection { table: t, .. }) if t == table);
        assert!(at, "{table}: {found:?}");
        assert_eq!(audit::rebuild(&forger.path).expect("runs"), Exit::Good);
        assert_eq!(check(&forger.path).finding, None, "it is mended");
    }
}

#[tokio::test]
async fn a_schema_that_was_changed_is_found_and_not_written_on() {
    let changes = [
        ("DROP TRIGGER journal_only_grows", "trigger journal_only_grows is missing"),
        (
            "DROP VIEW alerts_v1; CREATE VIEW alerts_v1 AS SELECT id, 'resolved' AS state FROM alerts",
            "view alerts_v1 was changed",
        ),
        ("ALTER TABLE private DROP COLUMN salt", "table private was changed"),
        ("ALTER TABLE journal DROP COLUMN private_hash", "table journal was changed"),
        ("DROP TABLE meta", "table meta is missing"),
        ("DROP INDEX alerts_pending", "index alerts_pending is missing"),
        (
            "CREATE TRIGGER quiet AFTER INSERT ON alerts BEGIN DELETE FROM alerts; END",
            "trigger quiet on alerts was added",
        ),
    ];
    for (change, what) in changes {
        let (_folder, forger) = Forger::new().await;
        forger.connection.execute_batch(change).expect(change);
        let found = check(&forger.path).finding;
        assert_eq!(found, Some(Finding::Schema { what: what.to_owned() }), "{change}");
        let refused = Writer::open(&forger.path).expect_err(change).to_string();
        assert!(refused.contains(what) && refused.contains("restore"), "{refused}");
    }
    let (_folder, forger) = Forger::new().await;
    let own = "CREATE VIEW of_the_auditor AS SELECT id FROM alerts_v1; CREATE TABLE notes (text)";
    forger.connection.execute_batch(own).expect("makes");
    assert_eq!(check(&forger.path).finding, None, "what others add beside ours is theirs");
}

#[tokio::test]
async fn a_start_and_a_rebuild_do_not_hide_what_was_cut_or_changed() {
    let changes = [
        ("DELETE FROM journal WHERE seq > 48", Some("ends with entry 48")),
        ("DELETE FROM journal", Some("it is empty")),
        ("DELETE FROM meta WHERE name = 'head'", Some("the note of its end is missing")),
        ("UPDATE journal SET hash = zeroblob(32) WHERE seq = 50", Some("entry 50")),
        ("UPDATE journal SET kind = 'x' WHERE seq = 1", Some("its first entry does not open it")),
        // A start looks at the ends alone.
        ("UPDATE journal SET actor = 'U0EVE' WHERE seq = 4", None),
    ];
    for (change, why) in changes {
        let (_folder, forger) = Forger::new().await;
        forger.unguarded(|connection| connection.execute_batch(change).expect(change));
        if let Some(why) = why {
            let refused = Writer::open(&forger.path).expect_err(change).to_string();
            assert!(refused.contains(why) && refused.contains("audit verify"), "{refused}");
        }
        let before = forger.connection.total_changes();
        assert_eq!(audit::rebuild(&forger.path).expect("runs"), Exit::No, "{change}");
        assert_eq!(audit::verify_journal(&forger.path).expect("runs"), Exit::No, "{change}");
        assert_eq!(forger.connection.total_changes(), before);
    }
}

#[test]
fn what_is_not_ours_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let other = folder.path().join("other.db");
    Connection::open(&other)
        .and_then(|c| c.execute_batch("PRAGMA user_version = 1; CREATE TABLE journal (x)"))
        .expect("another program's");
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a database, but long enough for the header of one: ".repeat(20))
        .expect("writes");
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").expect("writes");
    for file in [&other, &text, &empty] {
        let before = std::fs::read(file).expect("reads");
        for refused in [audit::verify_journal(file), audit::rebuild(file)] {
            let words = format!("{:#}", refused.expect_err("is not ours"));
            assert!(words.contains("is not a vigie database"), "{words}");
        }
        if file != &empty {
            let words = Writer::open(file).expect_err("is not ours").to_string();
            assert!(words.contains("is not a vigie database"), "{words}");
        }
        assert_eq!(std::fs::read(file).expect("reads"), before, "{}", file.display());
    }
    let nothing = folder.path().join("nothing");
    assert!(audit::rebuild(&nothing).is_err() && audit::verify_journal(&nothing).is_err());
    assert!(!nothing.exists());
}

/// SQLite can make no WAL there, as on a read-only medium: a link into nowhere stands in its place, which holds for root too.
fn no_room_beside(database: &Path) {
    let mut wal = database.as_os_str().to_owned();
    wal.push("-wal");
    std::os::unix::fs::symlink("/nowhere/to/be/found", PathBuf::from(wal)).expect("links");
}

#[tokio::test]
async fn a_copy_on_a_read_only_medium_verifies() {
    let (folder, path) = filled().await;
    let copy = folder.path().join("a copy?.db");
    std::fs::copy(&path, &copy).expect("copies");
    no_room_beside(&copy);
    let verdict = verify(&Reader::of(&copy).expect("opens")).expect("reads");
    assert_eq!((verdict.entries, verdict.finding), (50, None));
}
