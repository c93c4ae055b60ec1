//! A backup beside the running bot, and its way back: what is kept, what is lost, and that nobody is told anything twice.

use crate::forgery::Forger;
use crate::journal::{check, filled};
use crate::process::{folder, vigie};
use crate::two_instances::{count, serve};
use crate::world::{World, critical};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use vigie::cli::{self, Backup, Database, Exit, Restore};
use vigie::domain::event::{Event, Stream};
use vigie::domain::people::{Actor, Roles, Surface};
use vigie::domain::time::Timestamp;
use vigie::sim::Fault;
use vigie::store::backup::Draft;
use vigie::store::emergency::{EmergencyFile, path_of};
use vigie::store::journal::{self, Circumstances};
use vigie::store::{Reader, StoreError, Writer, end, restore};

const MIN: Duration = Duration::from_secs(60);

/// Everything that a command said, with its exit code.
fn told(output: &Output) -> (Option<i32>, String) {
    let words = [&output.stdout[..], &output.stderr[..]].concat();
    (output.status.code(), String::from_utf8_lossy(&words).into_owned())
}

fn run(folder: &Path, args: &[&str]) -> (Option<i32>, String) {
    told(&vigie(folder, args).output().expect("it runs"))
}

/// The names in a folder, but for the lock's, which means nothing.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder");
    let names =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| !name.ends_with(".lock")).collect();
    names.sort();
    names
}

/// The one name that begins like this.
fn named(folder: &Path, begins: &str) -> Option<String> {
    names(folder).into_iter().find(|name| name.starts_with(begins))
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).expect("it stands").permissions().mode() & 0o777
}

/// The bot ran for a moment: there is one more entry.
fn goes_on(path: &Path) {
    goes_on_as("boot_01JDGQ5R6ZK3V8W9XACE000001", path);
}

fn goes_on_as(boot: &str, path: &Path) {
    let connection = Connection::open(path).expect("opens");
    let mut head = journal::head(&connection).expect("reads").expect("is open");
    let around = Circumstances {
        at: Timestamp::from_millis(1_764_000_000_000),
        boot: &boot.into(),
        actor: &Actor::System,
        roles: &Roles::default(),
        via: Surface::Timer,
        cause: None,
        salt: [0; 16],
    };
    let fact = (&Stream::System, &Event::Stopped {}.into());
    journal::append(&connection, &mut head, fact, &around).expect("appends");
    end::note(&connection, &head).expect("notes");
}

/// Whatever another test starts at this moment holds our lock too, until it has become another program.
fn unlocked<T>(take: impl Fn() -> Result<T, StoreError>) -> T {
    for _ in 0..1000 {
        match take() {
            Err(StoreError::Locked { .. }) => std::thread::sleep(Duration::from_millis(5)),
            taken => return taken.expect("the lock alone may be in the way"),
        }
    }
    panic!("the lock is never free");
}

const DB: [&str; 2] = ["--db", "vigie.db"];
const ASIDE: &str = "vigie.db.before-restore-";

#[test]
fn a_backup_is_made_beside_a_running_bot_and_says_what_it_holds() {
    let folder = folder();
    let path = folder.path();
    let mut bot = serve(&mut vigie(path, &["serve"]));
    assert_eq!((bot.alert("one").0, bot.alert("two").0), (202, 202));
    let (code, words) = run(path, &["backup", "monday.db"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("2 alerts") && words.contains(" entries, "), "{words}");
    assert!(words.contains("vigie restore monday.db --config vigie.yaml"), "{words}");
    assert_eq!(bot.alert("three").0, 202);
    let (code, verified) = run(path, &["audit", "verify", "--db", "monday.db"]);
    assert_eq!(code, Some(0), "{verified}");
    let head =
        verified.split("the chain ends in ").nth(1).and_then(|rest| rest.split_whitespace().next());
    assert!(words.contains(head.expect("a head")), "{words}{verified}");
    let beside: Vec<_> = names(path).into_iter().filter(|name| name.contains("monday")).collect();
    assert_eq!(beside, ["monday.db"], "it is one file, also after somebody has read it");
    assert_eq!(mode(&path.join("monday.db")), 0o600);
    bot.process.signal("TERM");
    assert_eq!(bot.process.ends(), Some(0));
}

/// The bot's own row is a thing of the future for the backup: Slack took the message after it was made.
#[test]
fn what_was_delivered_after_the_backup_is_not_posted_twice() {
    World::run(async |w| {
        w.slack().fail_next("chat.postMessage", Fault::Status(503));
        w.alert(critical("sudo on prod-db-1")).await;
        let to = w.database().with_file_name("monday.db");
        assert_eq!(w.ask("SELECT count(*) FROM outbox"), "1", "it waits");
        back_up(w, &to);
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(MIN).await;
        w.stop().await;
        put_back(w, &to);
        assert_eq!(w.ask("SELECT count(*) FROM alerts_v1 WHERE shown_at IS NULL"), "1");
        w.start().await;
        w.settle().await;
        assert_eq!(w.count(w.slack().messages("#sec"), "sudo on prod-db-1"), 1, "posted twice");
        assert_eq!(w.ask("SELECT body ->> 'how' FROM journal WHERE kind = 'shown'"), "adopted");
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

/// The same for a person who was told.
#[test]
fn whom_the_ladder_told_after_the_backup_is_not_told_twice() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(4 * MIN).await;
        w.slack().fail_next("chat.postMessage", Fault::RateLimited { retry_after: MIN });
        w.sleep(MIN + MIN / 4).await;
        let to = w.database().with_file_name("monday.db");
        assert_eq!(w.ask("SELECT count(*) FROM outbox"), "1", "she is about to be told");
        back_up(w, &to);
        w.dm("bea", "sudo on prod-db-1").await;
        w.stop().await;
        put_back(w, &to);
        w.start().await;
        w.settle().await;
        assert_eq!(w.count(w.slack().dms("bea"), "sudo on prod-db-1"), 1, "told twice");
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

/// What came after the backup is gone from the record, not from Slack: its buttons say so, and its source raises it again.
#[test]
fn an_alert_from_after_the_backup_is_gone_and_comes_again() {
    World::run(async |w| {
        let to = w.database().with_file_name("monday.db");
        back_up(w, &to);
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.stop().await;
        put_back(w, &to);
        w.start().await;
        w.by("ana").click(&page, "Acknowledge").await;
        w.whisper("ana", "No alert has this id").await;
        w.sleep(MIN).await;
        w.alert(critical("sudo on prod-db-1")).await;
        w.settle().await;
        assert_eq!(w.count(w.slack().messages("#sec"), "sudo on prod-db-1"), 2);
        w.read_all();
    });
}

fn database_of(w: &World) -> Database {
    Database { config: "vigie.yaml".into(), db: Some(w.database()) }
}

fn back_up(w: &World, to: &Path) {
    let args = Backup { to: to.to_owned(), database: database_of(w), force: false };
    assert_eq!(cli::backup::run(&args, &w.database()).expect("it runs"), Exit::Good);
}

fn put_back(w: &World, from: &Path) {
    let args = Restore { from: from.to_owned(), database: database_of(w), yes: true };
    let now = Timestamp::from_millis(w.now_ms());
    let restored = unlocked(|| match cli::restore::run(&args, &w.database(), now) {
        Err(error) => {
            Err(error.downcast::<StoreError>().expect("the lock alone may be in the way"))
        }
        Ok(exit) => Ok(exit),
    });
    assert_eq!(restored, Exit::Good);
}

#[tokio::test]
async fn what_a_restore_would_lose_is_said_first_and_kept_aside_then() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1]]).0, Some(0));
    let restore = ["restore", "monday.db", DB[0], DB[1]];
    let (code, words) = run(folder, &restore);
    assert_eq!(code, Some(0), "nothing is lost: {words}");
    for _ in 0..3 {
        goes_on(&path);
    }
    let before = check(&path);
    let (code, words) = run(folder, &restore);
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("3 entries that were written since the backup"), "{words}");
    assert!(words.contains("vigie restore monday.db --db vigie.db --yes"), "{words}");
    assert_eq!(check(&path), before, "nothing was changed");
    let first = named(folder, ASIDE).expect("it was kept");
    std::fs::rename(folder.join(&first), folder.join("first.db")).expect("moves");
    let (code, words) = run(folder, &[&restore[..], &["--yes"]].concat());
    assert_eq!(code, Some(0), "{words}");
    assert!(words.contains("lost: 3 entries") && words.contains(ASIDE), "{words}");
    let back = check(&path);
    assert_eq!((back.entries, back.finding), (50, None));
    let aside = named(folder, ASIDE).expect("it is kept");
    assert_eq!(check(&folder.join(&aside)), before, "whole, without a WAL");
    assert_eq!(mode(&path), 0o600);
    // The way back loses nothing: this journal goes on in that one.
    let (code, words) = run(folder, &["restore", &aside, DB[0], DB[1]]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(check(&path), before);
    assert!(named(folder, "vigie.db-").is_none(), "no WAL of another stands beside it");
    assert!(!names(folder).iter().any(|name| name.contains("partial")), "{:?}", names(folder));
}

#[tokio::test]
async fn another_journal_another_future_and_what_nobody_can_read_want_a_yes_too() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1]]).0, Some(0));
    let another = |make: &dyn Fn()| {
        std::fs::remove_file(&path).expect("goes");
        let _ = std::fs::remove_file(path.with_extension("db-wal"));
        let _ = std::fs::remove_file(path.with_extension("db-shm"));
        make();
        let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1]]);
        (code, words)
    };
    let (_other, elsewhere) = filled().await;
    let (code, words) = another(&|| {
        std::fs::copy(&elsewhere, &path).expect("copies");
    });
    assert!(code == Some(1) && words.contains("another journal"), "{words}");
    // One that began with the backup, and was then restored and used while this one was used too.
    let (code, words) = another(&|| {
        std::fs::copy(folder.join("monday.db"), &path).expect("copies");
        goes_on(&path);
        let (code, words) = run(folder, &["backup", "one.db", DB[0], DB[1]]);
        assert_eq!(code, Some(0), "{words}");
        std::fs::copy(folder.join("monday.db"), &path).expect("copies");
        goes_on_as("boot_01JDGQ5R6ZK3V8W9XACE000002", &path);
        std::fs::rename(folder.join("one.db"), folder.join("monday.db")).expect("moves");
    });
    assert!(code == Some(1) && words.contains("went on in another way"), "{words}");
    let (code, words) =
        another(&|| std::fs::write(&path, "no database at all, ".repeat(99)).expect("written"));
    assert!(code == Some(1) && words.contains("which nobody can tell"), "{words}");
    std::fs::write(folder.join("vigie.db-wal"), "of the old one").expect("written");
    let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1], "--yes"]);
    assert_eq!(code, Some(0), "{words}");
    assert!(!folder.join("vigie.db-wal").exists(), "it would be taken for the new one's");
    let kept = named(folder, ASIDE).expect("kept") + "-wal";
    assert_eq!(std::fs::read(folder.join(kept)).expect("kept too"), b"of the old one");
    assert_eq!(check(&path).finding, None);
    let aside = std::fs::read(folder.join(named(folder, ASIDE).expect("kept"))).expect("reads");
    assert!(aside.starts_with(b"no database at all"), "what was there is kept as it was");
    let (code, words) = another(&|| ());
    assert_eq!(code, Some(0), "where no database stands nothing is lost: {words}");
    assert_eq!(check(&path).finding, None);
}

#[test]
fn nothing_is_restored_under_a_running_bot_or_while_somebody_reads() {
    let folder = folder();
    let path = folder.path();
    let mut bot = serve(&mut vigie(path, &["serve"]));
    assert_eq!(bot.alert("one").0, 202);
    assert_eq!(run(path, &["backup", "monday.db"]).0, Some(0));
    let (code, words) = run(path, &["restore", "monday.db", "--yes"]);
    assert!(code == Some(2) && words.contains("another vigie process uses"), "{words}");
    assert_eq!(words.lines().count(), 1, "{words}");
    assert_eq!(bot.alert("two").0, 202);
    bot.process.signal("TERM");
    assert_eq!(bot.process.ends(), Some(0));
    let reader = Connection::open(path.join("vigie.db")).expect("opens");
    reader.query_row("SELECT count(*) FROM alerts_v1", [], |_| Ok(())).expect("reads");
    let (code, words) = run(path, &["restore", "monday.db", "--yes"]);
    assert!(code == Some(2) && words.contains("close it first"), "{words}");
    drop(reader);
    assert_eq!(count(path, "SELECT count(*) FROM alerts_v1"), 2, "nothing was changed");
    assert_eq!(named(path, ASIDE), None);
    assert_eq!(run(path, &["restore", "monday.db", "--yes"]).0, Some(0));
    assert_eq!(count(path, "SELECT count(*) FROM alerts_v1"), 1);
}

#[tokio::test]
async fn lines_that_were_said_without_record_go_along_and_come_back() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    EmergencyFile::open(&path).expect("opens").0.append("{\"said\":1}").expect("appends");
    let (code, words) = run(folder, &["backup", "monday.db", DB[0], DB[1]]);
    assert!(code == Some(0) && words.contains("monday.db.emergency: 1 line"), "{words}");
    assert_eq!(mode(&folder.join("monday.db.emergency")), 0o600);
    let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1]]);
    assert_eq!(code, Some(0), "both have the line: {words}");
    let (mut file, left) = EmergencyFile::open(&path).expect("opens");
    assert_eq!(left.lines, ["{\"said\":1}"]);
    // Later it says something else.
    file.blank().expect("blanks");
    file.append("{\"said\":2}").expect("appends");
    file.append("{\"said\":3}").expect("appends");
    std::fs::rename(folder.join(named(folder, ASIDE).expect("kept")), folder.join("x"))
        .expect("moves");
    let first = named(folder, ASIDE).expect("its lines were kept too");
    std::fs::remove_file(folder.join(first)).expect("goes");
    let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1]]);
    assert!(code == Some(1) && words.contains("2 lines in "), "{words}");
    let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1], "--yes"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(EmergencyFile::open(&path).expect("opens").1.lines, ["{\"said\":1}"]);
    let aside = folder.join(named(folder, ASIDE).expect("kept"));
    assert_eq!(
        EmergencyFile::open(&aside).expect("opens").1.lines,
        ["{\"said\":2}", "{\"said\":3}"]
    );
    // A backup that replaces this one has no lines any more, and neither has what it restores.
    EmergencyFile::open(&path).expect("opens").0.blank().expect("blanks");
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1], "--force"]).0, Some(0));
    assert!(!path_of(&folder.join("monday.db")).exists());
}

#[tokio::test]
async fn a_backup_takes_nobodys_place_unasked() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    std::fs::write(folder.join("mine"), "precious").expect("written");
    std::os::unix::fs::symlink(&path, folder.join("link")).expect("links");
    std::fs::hard_link(&path, folder.join("twin")).expect("links");
    std::fs::write(folder.join("odd.db-wal"), "").expect("written");
    Connection::open(&path)
        .expect("opens")
        .execute_batch("PRAGMA journal_mode = wal; PRAGMA user_version")
        .expect("reads");
    let backup = |args: &[&str]| run(folder, &[&["backup"], args, &DB[..]].concat());
    for (args, why) in [
        (&["mine"][..], "stands there already"),
        (&["vigie.db", "--force"], "the database itself"),
        (&["./vigie.db", "--force"], "the database itself"),
        (&["link", "--force"], "the database itself"),
        (&["twin", "--force"], "the database itself"),
        (&["vigie.db.lock", "--force"], "a part of it"),
        (&["nowhere/monday.db"], "there is no folder nowhere"),
        (&["odd.db", "--force"], "odd.db-wal stands there"),
        (&["."], "is a folder"),
    ] {
        let (code, words) = backup(args);
        assert!(code == Some(2) && words.contains(why), "{args:?}: {words}");
        assert_eq!(words.lines().count(), 1, "{words}");
    }
    assert_eq!(std::fs::read(folder.join("mine")).expect("reads"), b"precious");
    assert_eq!(check(&path).finding, None);
    let (code, words) = backup(&["mine", "--force"]);
    assert_eq!(code, Some(0), "{words}");
    assert_eq!(check(&folder.join("mine")).finding, None);
}

#[tokio::test]
async fn what_is_no_good_backup_is_told_and_changes_nothing() {
    let (folder, forger) = Forger::new().await;
    let (folder, path) = (folder.path(), forger.path.clone());
    let write =
        |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1]]).0, Some(0));
    let whole = std::fs::read(folder.join("monday.db")).expect("reads");
    write("cut.db", &whole[..whole.len() / 2]);
    write("stub.db", &whole[..100]);
    write("empty.db", b"");
    write("words.db", "no database at all, ".repeat(99).as_bytes());
    let mut scratched = whole.clone();
    let middle = whole.len() / 2;
    scratched[middle..middle + 4096].fill(0x55);
    write("scratched.db", &scratched);
    Connection::open(folder.join("other.db"))
        .and_then(|c| c.execute_batch("CREATE TABLE t (x)"))
        .expect("made");
    write("later.db", &whole);
    let later = Connection::open(folder.join("later.db")).expect("opens");
    later.pragma_update(None, "user_version", 999).expect("sets");
    write("tampered.db", &whole);
    let tampered = Connection::open(folder.join("tampered.db")).expect("opens");
    tampered.execute_batch("UPDATE alerts SET title = 'nothing to see'").expect("changes");
    std::os::unix::fs::symlink(&path, folder.join("link.db")).expect("links");
    drop((later, tampered));
    let before = check(&path);
    for (name, code, why) in [
        ("nowhere.db", 2, "there is no database at nowhere.db"),
        ("cut.db", 1, "NOT GOOD: cut.db: the file is damaged"),
        ("stub.db", 1, "NOT GOOD: stub.db: the file is damaged"),
        ("empty.db", 2, "is not a vigie database"),
        ("words.db", 2, "is not a vigie database"),
        ("other.db", 2, "is not a vigie database"),
        ("scratched.db", 1, "NOT GOOD: scratched.db"),
        ("later.db", 2, "has schema 999"),
        ("tampered.db", 1, "NOT GOOD: tampered.db: table alerts: "),
        ("vigie.db", 2, "is the database itself"),
        ("link.db", 2, "is the database itself"),
    ] {
        let (found, words) = run(folder, &["restore", name, "--db", "vigie.db", "--yes"]);
        assert_eq!(found, Some(code), "{name}: {words}");
        assert!(words.contains(why), "{name}: {words}");
        assert_eq!(check(&path), before, "{name}");
        assert_eq!(named(folder, ASIDE), None, "{name}");
    }
    // And of a database that was tampered with no backup is made.
    forger.unguarded(|c| {
        _ = c.execute("UPDATE journal SET actor = 'U0EVE' WHERE seq = 7", []).expect("changes")
    });
    let (code, words) = run(folder, &["backup", "tuesday.db", DB[0], DB[1]]);
    assert!(code == Some(1) && words.contains("NOT GOOD: entry 7"), "{words}");
    assert_eq!(named(folder, "tuesday"), None);
    assert_eq!(run(folder, &["backup", "x.db", "--db", "nowhere.db"]).0, Some(2));
    assert_eq!(run(folder, &["backup", "x.db", "--db", "words.db"]).0, Some(2));
    assert_eq!(named(folder, "x.db"), None);
}

/// The binary where no file may grow beyond so many KiB: as if the disk were full.
fn on_a_full_disk(folder: &Path, kib: u32, args: &str) -> Output {
    let mut command = Command::new("sh");
    let binary = env!("CARGO_BIN_EXE_vigie");
    let script = format!("trap '' XFSZ; ulimit -f {}; exec {binary} {args}", kib * 2);
    command.args(["-c", &script]).current_dir(folder).output().expect("it runs")
}

#[tokio::test]
async fn a_full_disk_leaves_no_half_backup_and_the_old_database_in_its_place() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    let (code, words) = told(&on_a_full_disk(folder, 64, "backup monday.db --db vigie.db"));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("monday.db could not be written; nothing is left of it"), "{words}");
    assert!(words.contains("because: "), "{words}");
    assert!(named(folder, "monday").is_none(), "{:?}", names(folder));
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1]]).0, Some(0));
    goes_on(&path);
    let before = check(&path);
    let (code, words) = told(&on_a_full_disk(folder, 64, "restore monday.db --db vigie.db --yes"));
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("nothing was changed"), "{words}");
    assert_eq!(check(&path), before);
    assert_eq!(named(folder, ASIDE), None);
    assert!(!names(folder).iter().any(|name| name.contains("partial")), "{:?}", names(folder));
}

/// Each step before the last fails once: what stood there stands there, and is whole.
#[tokio::test]
async fn a_restore_that_is_cut_off_leaves_the_old_database_whole() {
    let (folder, path) = filled().await;
    let folder = folder.path();
    EmergencyFile::open(&path).expect("opens").0.append("said").expect("appends");
    assert_eq!(run(folder, &["backup", "monday.db", DB[0], DB[1]]).0, Some(0));
    goes_on(&path);
    let before = check(&path);
    let (copy, aside) =
        (Reader::of(&folder.join("monday.db")).expect("opens"), folder.join("aside"));
    for in_the_way in ["aside", "aside.emergency", "aside-wal"] {
        let draft = copy.read(|snapshot| Ok(Draft::make(snapshot, &path))).and_then(|made| made);
        restore::make_whole(&path).expect("nobody reads");
        // Only where a WAL is left has one to be moved.
        std::fs::write(folder.join("vigie.db-wal"), "").expect("written");
        std::fs::create_dir(folder.join(in_the_way)).expect("made");
        restore::put(draft.expect("copies"), b"", (&path, &aside)).expect_err(in_the_way);
        std::fs::remove_dir(folder.join(in_the_way)).expect("goes");
        assert_eq!(check(&path), before, "{in_the_way}");
        assert_eq!(EmergencyFile::open(&path).expect("opens").1.lines, ["said"], "{in_the_way}");
        assert!(!names(folder).iter().any(|name| name.contains("partial")), "{in_the_way}");
        for name in names(folder).iter().filter(|name| name.starts_with("aside")) {
            std::fs::remove_file(folder.join(name)).expect("goes");
        }
    }
    let (code, words) = run(folder, &["restore", "monday.db", DB[0], DB[1], "--yes"]);
    assert_eq!(code, Some(0), "and then it can be done: {words}");
    assert_eq!(check(&path).entries, 50);
}

/// Whoever writes all the time neither waits for the copy nor keeps it from coming to its end.
#[tokio::test]
async fn a_busy_writer_and_a_backup_do_not_hold_each_other_up() {
    const MOST: usize = 20_000;
    let (folder, path) = filled().await;
    let writer = unlocked(|| Writer::open(&path));
    let fat = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 16)
               INSERT INTO refused_bodies (at, source, why, size, body) SELECT 0, 'edr', 'much', 0, randomblob(1048576) FROM n";
    writer.connection.execute(fat, []).expect("writes");
    writer.connection.busy_timeout(Duration::ZERO).expect("sets");
    let (reader, to) = (writer.reader(), folder.path().join("monday.db"));
    let target: PathBuf = to.clone();
    let copying = std::thread::spawn(move || {
        let made = reader.read(|snapshot| Ok(Draft::make(snapshot, &target)));
        made.and_then(|made| made).expect("copies").keep().expect("is kept");
    });
    let mut writes = 0;
    while !copying.is_finished() && writes < MOST {
        let sql = "INSERT INTO refused_bodies (at, source, why, size, body) VALUES (1, 'edr', 'one', 0, x'00')";
        writer.connection.execute(sql, []).expect("the database is free");
        writes += 1;
    }
    assert!(writes > 0, "nothing could be written beside it");
    assert!(writes < MOST, "the copy comes to no end beside a writer");
    copying.join().expect("no panic");
    let copy = Connection::open(&to).expect("opens");
    let count = |sql| copy.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counts");
    assert_eq!(count("SELECT count(*) FROM refused_bodies WHERE at = 0"), 16);
    let later = count("SELECT count(*) FROM refused_bodies WHERE at = 1");
    assert!(later < i64::try_from(writes).expect("few"), "it shows one moment");
    assert_eq!(check(&to).finding, None);
}
