//! Whatever somebody changes in a single row of the journal shows, with the right first bad entry.

use crate::journal::{ENTRIES, filled};
use rusqlite::Connection;
use std::path::PathBuf;
use vigie::audit::chain::{self, Chain};
use vigie::audit::verify::Finding;
use vigie::domain::ids::JournalId;
use vigie::store::journal;

const TRIGGERS: [&str; 3] =
    ["journal_is_never_updated", "journal_is_never_deleted", "journal_only_grows"];

/// Somebody who can do anything with a copy of the database.
pub struct Forger {
    pub connection: Connection,
    pub path: PathBuf,
    /// How many changes were tried.
    tried: usize,
}

impl Forger {
    pub async fn new() -> (tempfile::TempDir, Self) {
        let (folder, path) = filled().await;
        let connection = Connection::open(&path).expect("opens");
        connection.execute_batch("PRAGMA synchronous = OFF").expect("sets");
        (folder, Self { connection, path, tried: 0 })
    }

    /// Takes the triggers away, for as long as he works.
    pub fn unguarded(&self, work: impl FnOnce(&Connection)) {
        let sql: Vec<String> = TRIGGERS.iter().map(|name| self.statement_of(name)).collect();
        for name in TRIGGERS {
            self.connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("drops");
        }
        work(&self.connection);
        sql.iter().for_each(|sql| self.connection.execute_batch(sql).expect("makes"));
    }

    fn statement_of(&self, name: &str) -> String {
        self.connection
            .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [name], |row| row.get(0))
            .expect("it is there")
    }

    /// What the chain says after a change, which is then taken back; `None` where nothing changed or SQLite itself forbids it.
    fn after(&mut self, change: &str) -> Option<Chain> {
        self.connection.execute_batch("SAVEPOINT change").expect("begins");
        let before = self.connection.total_changes();
        let changed = self.connection.execute_batch(change).is_ok()
            && self.connection.total_changes() > before;
        let found = changed.then(|| chain::follow(&self.connection).expect("reads"));
        self.connection.execute_batch("ROLLBACK TO change; RELEASE change").expect("ends");
        self.tried += usize::from(changed);
        found
    }

    /// The first bad entry after a change must be `seq`.
    fn shows_at(&mut self, seq: i64, change: &str) {
        let Some(chain) = self.after(change) else { return };
        let at = matches!(chain.finding, Some(Finding::Entry { seq: found, .. }) if found == seq);
        assert!(at, "{change}\n{:?} instead of {seq}", chain.finding);
        let good = if (1..=ENTRIES).contains(&seq) { seq - 1 } else { ENTRIES };
        assert_eq!(i64::try_from(chain.entries), Ok(good), "{change}");
    }

    /// The same, and the entry's hash is made to fit its new content.
    fn shows_rehashed(&mut self, seq: i64, change: &str) {
        self.connection.execute_batch("SAVEPOINT rehash").expect("begins");
        if self.connection.execute_batch(change).is_ok() {
            rehash(&self.connection, seq);
            self.shows_at(seq, &format!("/* {change} */ UPDATE meta SET value = value"));
        }
        self.connection.execute_batch("ROLLBACK TO rehash; RELEASE rehash").expect("ends");
    }
}

fn rehash(connection: &Connection, seq: i64) {
    let journal = journal_id(connection);
    let mut hash = None;
    journal::walk(connection, |at, row| {
        hash = (at == seq).then(|| row.expect("is readable").leaf(&journal));
        Ok(at < seq)
    })
    .expect("walks");
    let hash = hash.expect("is there");
    connection
        .execute("UPDATE journal SET hash = ?1 WHERE seq = ?2", (hash.as_slice(), seq))
        .expect("updates");
}

fn journal_id(connection: &Connection) -> JournalId {
    journal::journal_id(connection).expect("reads").expect("is open")
}

fn unguard(connection: &Connection) {
    for name in TRIGGERS {
        connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("drops");
    }
}

fn numbers(column: &str) -> Vec<String> {
    let max = i64::MAX;
    ["0", "-{}", "{} + 1", "{} + 1000"]
        .iter()
        .map(|value| value.replace("{}", column))
        .chain([max.to_string(), (-max).to_string()])
        .collect()
}

fn texts(column: &str) -> Vec<String> {
    let values = [
        "NULL",
        "''",
        "'{}'",
        "'x'",
        "{} || ' '",
        "upper({})",
        "CAST(x'ff' AS TEXT)",
        "CAST({} || x'00' AS TEXT)",
        "substr({}, 2)",
    ];
    values.iter().map(|value| value.replace("{}", column)).collect()
}

fn blobs(column: &str) -> Vec<String> {
    let values =
        ["NULL", "x''", "zeroblob(32)", "zeroblob(16)", "randomblob(32)", "randomblob(16)"];
    let cut = ["substr({}, 2)", "CAST({} || x'00' AS BLOB)"];
    values.iter().chain(&cut).map(|value| value.replace("{}", column)).collect()
}

/// Every column of a table, each with what it could be changed to.
fn assignments(columns: [&[&'static str]; 3]) -> Vec<(&'static str, String)> {
    let [number_columns, text_columns, blob_columns] = columns;
    let each = |columns: &[&'static str], values: fn(&str) -> Vec<String>| -> Vec<_> {
        columns.iter().flat_map(|&c| values(c).into_iter().map(move |v| (c, v))).collect()
    };
    let mut all = each(number_columns, numbers);
    all.extend(each(text_columns, texts));
    all.extend(each(blob_columns, blobs));
    all
}

fn update(table: &str, (column, value): &(&str, String), seq: i64) -> String {
    format!("UPDATE {table} SET {column} = {value} WHERE seq = {seq} AND {column} IS NOT ({value})")
}

#[tokio::test]
async fn every_change_of_a_single_entry_is_found_at_that_entry() {
    let (_folder, mut forger) = Forger::new().await;
    unguard(&forger.connection);
    let text = ["at", "boot", "stream", "kind", "actor", "actor_roles", "via", "cause", "body"];
    let columns: [&[&str]; 3] =
        [&["seq", "v", "stream_seq"], &text, &["private_hash", "prev", "hash"]];
    for seq in 1..=ENTRIES {
        for assignment in assignments(columns) {
            forger.shows_at(seq, &update("journal", &assignment, seq));
        }
        forger.shows_at(seq, &format!("DELETE FROM journal WHERE seq = {seq}"));
        forger.shows_at(seq, &format!("DELETE FROM journal WHERE seq >= {seq}"));
        for other in [seq + 1, seq + 7].into_iter().filter(|other| *other <= ENTRIES) {
            forger.shows_at(
                seq,
                &format!(
                    "UPDATE journal SET seq = -1 WHERE seq = {seq};
                     UPDATE journal SET seq = {seq} WHERE seq = {other};
                     UPDATE journal SET seq = {other} WHERE seq = -1"
                ),
            );
        }
    }
    assert!(forger.tried > 4000, "{} changes were tried", forger.tried);
}

#[tokio::test]
async fn an_entry_whose_hash_was_made_to_fit_is_found_too() {
    let (_folder, mut forger) = Forger::new().await;
    unguard(&forger.connection);
    for seq in 1..=ENTRIES {
        for assignment in
            ["actor = 'U0EVE'", "at = '2026-01-01T00:00:00.000Z'", "prev = randomblob(32)"]
        {
            forger
                .shows_rehashed(seq, &format!("UPDATE journal SET {assignment} WHERE seq = {seq}"));
        }
    }
    forger.shows_rehashed(
        1,
        "UPDATE journal SET body = replace(body, 'jrn_', 'jrn_0') WHERE seq = 1",
    );
    assert_eq!(forger.tried, 3 * 50 + 1);
}

const COLUMNS: &str = "v, at, boot, 'system', stream_seq + 1000, kind, actor, actor_roles, via, cause, body, private_hash";

#[tokio::test]
async fn an_added_entry_is_found_at_its_place() {
    let (_folder, mut forger) = Forger::new().await;
    unguard(&forger.connection);
    for seq in [i64::MIN, -7, 0, 51, 60, i64::MAX] {
        for from in [1, 2, 3, 50] {
            forger.shows_at(
                seq,
                &format!(
                    "INSERT INTO journal SELECT {seq}, {COLUMNS}, prev, hash FROM journal WHERE seq = {from}"
                ),
            );
        }
    }
    // It builds on the last entry, its hash holds; only the note of the end does not know it.
    forger.connection.execute_batch("SAVEPOINT appended").expect("begins");
    forger
        .connection
        .execute_batch(&format!(
            "INSERT INTO journal SELECT 51, {COLUMNS}, (SELECT hash FROM journal WHERE seq = 50), hash
             FROM journal WHERE seq = 3"
        ))
        .expect("inserts");
    rehash(&forger.connection, 51);
    forger.shows_at(51, "UPDATE meta SET value = value");
    assert_eq!(forger.tried, 6 * 4 + 1);
}

#[tokio::test]
async fn every_change_of_private_content_is_found_at_its_entry() {
    let (_folder, mut forger) = Forger::new().await;
    unguard(&forger.connection);
    let has = |forger: &Forger, seq: i64| -> bool {
        let sql = "SELECT count(*) FROM private WHERE seq = ?1";
        forger.connection.query_row(sql, [seq], |row| row.get(0)).expect("reads")
    };
    let columns: [&[&str]; 3] = [&[], &["subject", "content"], &["salt"]];
    for seq in 1..=ENTRIES {
        if !has(&forger, seq) {
            for (salt, content) in [("x'00'", "'{}'"), ("NULL", "'{}'"), ("NULL", "NULL")] {
                forger.shows_at(
                    seq,
                    &format!("INSERT INTO private VALUES ({seq}, 'x', {salt}, {content})"),
                );
            }
            continue;
        }
        for assignment in assignments(columns) {
            forger.shows_at(seq, &update("private", &assignment, seq));
        }
        forger.shows_at(seq, &format!("DELETE FROM private WHERE seq = {seq}"));
        for to in [-seq, 0, seq - 1, seq + 1, seq + 1000] {
            let first = if to > 0 { to.min(seq) } else { seq };
            forger.shows_at(first, &format!("UPDATE private SET seq = {to} WHERE seq = {seq}"));
        }
        // A byte that moves from the content to the salt leaves what is hashed as it was.
        let moved = "salt = CAST(salt || x'7b' AS BLOB), content = substr(content, 2)";
        forger.shows_at(seq, &format!("UPDATE private SET {moved} WHERE seq = {seq}"));
    }
    for stray in [-5, 0, 51, 1000] {
        forger.shows_at(stray, &format!("INSERT INTO private VALUES ({stray}, 'x', NULL, NULL)"));
    }
    assert!(forger.tried > 500, "{} changes were tried", forger.tried);
}

#[tokio::test]
async fn erasing_leaves_the_chain_good_and_is_told() {
    let (_folder, mut forger) = Forger::new().await;
    let erase = "UPDATE private SET salt = NULL, content = NULL WHERE seq IN (2, 6)";
    let chain = forger.after(erase).expect("changes");
    assert_eq!((chain.finding, chain.erased), (None, vec![2, 6]));
}

#[tokio::test]
async fn a_missing_note_of_the_end_blames_no_entry() {
    let (_folder, mut forger) = Forger::new().await;
    for change in [
        "DELETE FROM meta WHERE name = 'head'",
        "UPDATE meta SET value = NULL WHERE name = 'head'",
        "UPDATE meta SET value = 'x' WHERE name = 'head'",
        "UPDATE meta SET value = x'ff' WHERE name = 'head'",
        "UPDATE meta SET value = CAST(x'ff' AS TEXT) WHERE name = 'head'",
    ] {
        let chain = forger.after(change).expect("changes");
        assert!(matches!(chain.finding, Some(Finding::End { .. })), "{:?}", chain.finding);
        assert_eq!(chain.entries, 50, "{change}");
    }
    let hash = |seq| format!("(SELECT lower(hex(hash)) FROM journal WHERE seq = {seq})");
    for (noted, of, first) in [(49, 49, 50), (51, 50, 51), (50, 49, 50)] {
        let value = format!("'{noted} ' || {}", hash(of));
        forger.shows_at(first, &format!("UPDATE meta SET value = {value} WHERE name = 'head'"));
    }
    assert_eq!(forger.tried, 8);
}
