//! One database, two processes: the second is told no, and whoever finds that another has written ends.

use crate::journal::another_writes;
use crate::process::{Running, code_and_words, folder, vigie};
use crate::world::{self, World, high};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{ChildStderr, Command};
use std::time::Duration;
use vigie::sim::Fault;

const MIN: Duration = Duration::from_secs(60);

/// A process that serves, its log, and where it listens.
pub struct Serving {
    pub process: Running,
    pub log: BufReader<ChildStderr>,
    listen: String,
}

pub fn serve(command: &mut Command) -> Serving {
    let mut process = Running::start(command);
    let mut log = BufReader::new(process.stderr());
    let rest = Running::says(&mut log, "\"listen\":\"");
    let listen = rest.split('"').next().expect("an address").to_owned();
    Serving { process, log, listen }
}

impl Serving {
    /// Sends a request; its status and all of the answer.
    pub fn ask(&self, request: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.listen).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("sets");
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: vigie\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .expect("is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("is answered");
        let status = answer.split(' ').nth(1).and_then(|word| word.parse().ok());
        (status.unwrap_or_else(|| panic!("no status: {answer}")), answer)
    }

    pub fn alert(&self, title: &str) -> (u16, String) {
        self.ask(
            "POST /hooks/s",
            &format!("{{\"title\": \"{title}\", \"severity\": \"critical\"}}"),
        )
    }
}

pub fn count(folder: &Path, sql: &str) -> i64 {
    let database = rusqlite::Connection::open(folder.join("vigie.db")).expect("opens");
    database.query_row(sql, [], |row| row.get(0)).expect("counts")
}

#[test]
fn the_second_is_refused_in_clear_words_and_the_first_goes_on_even_if_it_was_stopped() {
    let folder = folder();
    let first = serve(&mut vigie(folder.path(), &["serve"]));
    assert_eq!(first.alert("one").0, 202);
    for stopped in [false, true] {
        if stopped {
            first.process.signal("STOP");
        }
        let second = vigie(folder.path(), &["serve"]).output().expect("it runs");
        let (code, words) = code_and_words(&second);
        assert_eq!(code, Some(2), "{words}");
        // What, and why.
        assert_eq!(words.lines().count(), 2, "{words}");
        assert!(
            words.contains("another vigie process uses") && words.contains("vigie.db"),
            "{words}"
        );
        if stopped {
            first.process.signal("CONT");
        }
        assert_eq!(first.alert(if stopped { "three" } else { "two" }).0, 202);
    }
    assert_eq!(count(folder.path(), "SELECT count(*) FROM alerts_v1"), 3);
}

#[test]
fn who_slept_while_another_took_the_database_over_ends_and_writes_nothing() {
    let folder = folder();
    let mut first = serve(&mut vigie(folder.path(), &["serve"]));
    assert_eq!(first.alert("one").0, 202);
    first.stop_between_commits(folder.path());
    std::fs::remove_file(folder.path().join("vigie.db.lock")).expect("somebody deletes the lock");
    let second = serve(&mut vigie(folder.path(), &["serve"]));
    assert_eq!(second.alert("two").0, 202);
    let written = count(folder.path(), "SELECT max(seq) FROM journal");
    first.process.signal("CONT");
    assert_ne!(first.alert_or_gone("three"), Some(202));
    assert_eq!(first.process.ends(), Some(2));
    let mut words = String::new();
    first.log.read_to_string(&mut words).expect("text");
    assert!(words.contains("another process wrote to the database"), "{words}");
    assert_eq!(count(folder.path(), "SELECT max(seq) FROM journal"), written);
    assert_eq!(second.alert("four").0, 202, "the other goes on");
    let verify = vigie(folder.path(), &["audit", "verify"]).output().expect("it runs");
    assert_eq!(verify.status.code(), Some(0), "{}", code_and_words(&verify).1);
}

#[test]
fn who_no_longer_writes_says_nothing_more() {
    World::play(world::CONFIG, async |w, _| {
        w.slack().fail_next("chat.postMessage", Fault::RateLimited { retry_after: MIN });
        w.alert(high("odd login")).await;
        let tries = || w.slack().calls_of("chat.postMessage").len();
        w.until("its first try", |_| (tries() == 1).then_some(())).await;
        w.threads_work().await;
        another_writes(&w.database());
        assert_eq!(w.hook("edr", &high("odder login")).await.0, 503);
        w.sleep(5 * MIN).await;
        assert_eq!(tries(), 1, "nobody could know of it");
    });
}

impl Serving {
    /// Stops it where it does not hold the database: whoever is stopped within a commit keeps it for as long.
    fn stop_between_commits(&self, folder: &Path) {
        let database = rusqlite::Connection::open(folder.join("vigie.db")).expect("opens");
        database.busy_timeout(Duration::ZERO).expect("sets");
        loop {
            self.process.signal("STOP");
            if database.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
                return;
            }
            self.process.signal("CONT");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The same from a process that may end before it answers.
    fn alert_or_gone(&self, title: &str) -> Option<u16> {
        let mut stream = TcpStream::connect(&self.listen).ok()?;
        let body = format!("{{\"title\": \"{title}\"}}");
        let length = body.len();
        let request = format!(
            "POST /hooks/s HTTP/1.1\r\nHost: vigie\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        line.split(' ').nth(1)?.parse().ok()
    }
}
