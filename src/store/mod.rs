//! The only SQL. One SQLite file: the journal that cannot change, projections folded from it, and what is still to be done.
//!
//! `open`, `reader`, `checkpoint` make connections, `backup` and `restore` copies of the file; `journal`, `projections`, `outbox` (with `together`), `inputs`, `due` write within the engine's transaction;
//! `queries` reads for people. One function a statement, named parameters, transactions by closure.

pub mod alerts;
pub mod backup;
pub mod checkpoint;
pub mod due;
pub mod emergency;
pub mod end;
pub mod inputs;
pub mod journal;
pub mod lock;
pub mod migrate;
pub mod open;
pub mod outbox;
pub mod places;
pub mod projections;
pub mod queries;
pub mod reader;
pub mod refused;
pub mod replica;
pub mod restore;
pub mod runs;
pub mod schema;
pub mod together;
pub mod versions;

pub use open::{StoreError, Writer};
pub use reader::Reader;

/// Runs `work` so that its rows stay only where it ends well; the transaction around it goes on either way.
/// rusqlite's own savepoint compiles its three statements for every input.
pub fn in_savepoint<T>(
    connection: &rusqlite::Connection,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let run = |sql| connection.prepare_cached(sql).and_then(|mut statement| statement.execute([]));
    run("SAVEPOINT input")?;
    match work() {
        Ok(done) => run("RELEASE input").map(|_| done),
        Err(error) => {
            // Where SQLite has rolled the whole transaction back, there is no savepoint any more.
            if !connection.is_autocommit() {
                run("ROLLBACK TO input")?;
                run("RELEASE input")?;
            }
            Err(error)
        }
    }
}

/// Reads a text column that holds one of an enum's words.
pub(crate) fn word<T>(
    row: &rusqlite::Row<'_>,
    column: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(format!("{column}: {text:?} is not a word of ours")))
}

/// A row that says what it cannot say: someone has edited it.
pub(crate) fn unreadable(why: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
}

/// Reads JSON text of ours.
pub(crate) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))
}

/// Writes JSON text of ours.
pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("our own types are plain data")
}

/// Reads a time column.
pub(crate) fn time(
    row: &rusqlite::Row<'_>,
    column: &str,
) -> rusqlite::Result<Option<crate::domain::time::Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|t| {
        crate::domain::time::Timestamp::parse(&t)
            .ok_or_else(|| unreadable(format!("{column}: {t:?} is not a time")))
    })
    .transpose()
}
