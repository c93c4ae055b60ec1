//! The projections folded once more from the journal, beside the real ones, so that the two can be compared.

use crate::store::{Reader, StoreError, projections};
use rusqlite::{Connection, OpenFlags, named_params};

/// A temporary database whose projections were folded from the real one's journal.
#[derive(Debug)]
pub struct Replica {
    connection: Connection,
}

/// Folds the journal that `reader` reads. Works on one snapshot, and writes nothing of it.
pub fn of(reader: &Reader) -> Result<Replica, StoreError> {
    // An empty name is a temporary file of SQLite's own, so that a long history does not fill the memory.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags("", flags)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.execute("ATTACH :uri AS real", named_params! {":uri": reader.uri()?})?;
    connection.execute_batch("BEGIN")?;
    for sql in schema(&connection)? {
        connection.execute_batch(&sql)?;
    }
    // `journal` and `private` are found in the attached database, the projections in the temporary one.
    projections::rebuild(&connection)?;
    Ok(Replica { connection })
}

fn schema(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT sql FROM real.sqlite_master WHERE tbl_name = :table AND sql IS NOT NULL AND type IN ('table', 'index')
         ORDER BY type DESC",
    )?;
    let mut found = Vec::new();
    for table in projections::TABLES {
        let rows = statement.query_map(named_params! {":table": table}, |row| row.get(0))?;
        for sql in rows {
            found.push(sql?);
        }
    }
    Ok(found)
}

impl Replica {
    /// How many rows of the real table are not in the folded one, or the other way round.
    pub fn differing_rows(&self, table: &'static str) -> rusqlite::Result<u64> {
        self.connection.query_row(
            &format!(
                "SELECT (SELECT count(*) FROM (SELECT * FROM main.{table} EXCEPT SELECT * FROM real.{table}))
                      + (SELECT count(*) FROM (SELECT * FROM real.{table} EXCEPT SELECT * FROM main.{table}))"
            ),
            [],
            |row| row.get(0),
        )
    }
}
