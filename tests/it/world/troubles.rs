//! What can befall the machine: a disk that takes no writes, a wall clock that is set.

use super::World;
use std::time::Duration;

/// What every write of ours touches, one way or another.
const WRITES: [(&str, &str); 6] = [
    ("meta", "INSERT"),
    ("journal", "INSERT"),
    ("inputs", "INSERT"),
    ("outbox", "INSERT"),
    ("outbox", "UPDATE"),
    ("outbox", "DELETE"),
];

impl World {
    /// From now on the store takes no write. The story may log that it does not, once.
    pub fn disk_refuses(&self) {
        let triggers = WRITES.iter().map(|(table, what)| {
            format!(
                "CREATE TRIGGER refuse_{table}_{what} BEFORE {what} ON {table}
                 BEGIN SELECT RAISE(ABORT, 'the disk is full'); END;"
            )
        });
        self.change(&triggers.collect::<String>());
        self.troubles.set(self.troubles.get() + 1);
    }

    /// The store takes writes again.
    pub fn disk_takes(&self) {
        let drops =
            WRITES.iter().map(|(table, what)| format!("DROP TRIGGER refuse_{table}_{what};"));
        self.change(&drops.collect::<String>());
    }

    /// A write takes until this is dropped; meanwhile no time passes.
    pub fn disk_waits(&self) -> rusqlite::Connection {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        connection.execute_batch("BEGIN IMMEDIATE").expect("nothing is being written");
        connection
    }

    /// All that is under way gets as far as it can without time passing: threads and sockets work in real time. Where a tenth of a
    /// second is not enough for them, a story has less to show, and does not fail.
    pub async fn threads_work(&self) {
        let a_while = || std::thread::sleep(Duration::from_millis(100));
        tokio::task::spawn_blocking(a_while).await.expect("sleeps");
    }

    /// What can be found again is gone from the database of a process that is not running.
    pub fn forget(&self, sql: &str) {
        assert!(!self.is_alive(), "the process still runs");
        self.change(&format!("{sql};"));
    }

    fn change(&self, sql: &str) {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        connection.busy_timeout(Duration::from_secs(5)).expect("sets");
        connection.execute_batch(&format!("BEGIN IMMEDIATE; {sql} COMMIT")).expect("changes");
    }

    /// Somebody sets the machine's clock, by so many milliseconds.
    pub fn set_clock(&self, millis: i64) {
        self.set_millis.set(self.set_millis.get() + millis);
        self.clock.borrow().set(millis);
    }

    /// What time it is for the app.
    pub fn now_ms(&self) -> i64 {
        self.clock.borrow().now().as_millis()
    }

    /// Everybody reads whatever is left.
    pub fn read_all(&self) {
        for message in self.slack().unread() {
            self.slack().read(&message.channel, &message.ts);
        }
    }

    /// How many messages of a person or channel say this.
    pub fn count(&self, messages: Vec<vigie::sim::Message>, says: &str) -> usize {
        messages.iter().filter(|message| message.readable().contains(says)).count()
    }
}
