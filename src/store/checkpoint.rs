//! Checkpoints: the WAL's pages move into the database off the writer's path.

use crate::store::StoreError;
use rusqlite::Connection;
use std::time::Duration;

/// Keeps the WAL short.
#[derive(Debug)]
pub struct Checkpointer {
    connection: Connection,
}

/// Beyond this many pages the WAL's file is cut, where nobody is in it.
const LONG_WAL: i64 = 16_384;

impl Checkpointer {
    /// On a connection of its own, which never waits.
    pub(crate) fn new(connection: Connection) -> rusqlite::Result<Self> {
        connection.busy_timeout(Duration::ZERO)?;
        Ok(Self { connection })
    }

    /// Moves what can be moved, and waits for nobody: a reader who stays long lets the WAL grow, but never holds up a writer.
    pub fn run(&self) -> Result<(), StoreError> {
        let (pages, moved): (i64, i64) =
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok((row.get(1)?, row.get(2)?))
            })?;
        if pages > LONG_WAL && moved == pages {
            // It takes the writer's lock, so it must not wait while it has it. Busy is told in its row, and next time will do.
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Writer;

    /// Makes the WAL longer than we like it.
    fn write_much(writer: &Writer) {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 70)
                   INSERT INTO refused_bodies (at, source, why, size, body)
                   SELECT 0, 'edr', 'much', 0, zeroblob(1048576) FROM n";
        writer.connection.execute(sql, []).expect("writes");
    }

    #[test]
    fn a_long_reader_does_not_delay_writers() {
        let folder = tempfile::tempdir().expect("a folder");
        let writer = Writer::open(&folder.path().join("vigie.db")).expect("a new database");
        let checkpointer = writer.checkpointer().expect("opens");
        let reader = writer.reader();
        writer.connection.busy_timeout(Duration::ZERO).expect("sets");
        let checkpointer = reader
            .read(|snapshot| {
                snapshot.query_row("SELECT count(*) FROM journal", [], |_| Ok(()))?;
                write_much(&writer);
                let running = std::thread::spawn(move || {
                    checkpointer.run().expect("runs");
                    checkpointer
                });
                // A writer that never waits finds the database free all the while.
                while !running.is_finished() {
                    writer.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").expect("is free");
                }
                Ok(running.join().expect("no panic"))
            })
            .expect("reads");
        let wal = folder.path().join("vigie.db-wal");
        assert!(std::fs::metadata(&wal).expect("is there").len() > 64 << 20);
        checkpointer.run().expect("runs");
        assert_eq!(
            std::fs::metadata(&wal).expect("is there").len(),
            0,
            "nobody is in it: it is cut"
        );
    }
}
