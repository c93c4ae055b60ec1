//! What the migrations make, and whether a database still is that: a dropped trigger or a replaced view is a change of the record.

use crate::store::migrate;
use rusqlite::Connection;
use std::collections::BTreeMap;

/// A table, index, trigger or view: its type and name; then the table or view that it belongs to, and the statement that made it.
type Objects = BTreeMap<(String, String), (String, Vec<u8>)>;

/// A database as the first `version` migrations make it, in memory.
pub fn made_by(version: usize) -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    migrate::steps(0, version).try_for_each(|sql| connection.execute_batch(sql))?;
    Ok(connection)
}

/// The first thing that is not as the first `version` migrations make it. What others have added beside our own tables and
/// views is theirs, and let be.
pub fn difference(connection: &Connection, version: usize) -> rusqlite::Result<Option<String>> {
    let (ours, found) = (objects(&made_by(version)?)?, objects(connection)?);
    for (key @ (kind, name), made) in &ours {
        match found.get(key) {
            None => return Ok(Some(format!("{kind} {name} is missing"))),
            // To the byte: whatever a comparison overlooks could hide within a string.
            Some(stands) if stands != made => {
                return Ok(Some(format!("{kind} {name} was changed")));
            }
            Some(_) => {}
        }
    }
    let is_ours = |table: &String| {
        ours.keys().any(|(kind, name)| matches!(kind.as_str(), "table" | "view") && name == table)
    };
    let added = found.iter().find(|(key, (table, _))| !ours.contains_key(key) && is_ours(table));
    Ok(added.map(|((kind, name), (table, _))| format!("{kind} {name} on {table} was added")))
}

fn objects(connection: &Connection) -> rusqlite::Result<Objects> {
    // Bytes, because whoever can write here can write what is no UTF-8. SQLite's own indexes have no statement.
    let text = |row: &rusqlite::Row<'_>, column| {
        row.get::<_, Vec<u8>>(column).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    connection
        .prepare(
            "SELECT CAST(type AS BLOB) AS type, CAST(name AS BLOB) AS name, CAST(tbl_name AS BLOB) AS tbl_name,
                    CAST(sql AS BLOB) AS sql
             FROM sqlite_schema WHERE sql IS NOT NULL",
        )?
        .query_map([], |row| {
            Ok(((text(row, "type")?, text(row, "name")?), (text(row, "tbl_name")?, row.get("sql")?)))
        })?
        .collect()
}
