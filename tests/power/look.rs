//! What an image turns out to hold when the real store opens it, and whether the app can go on from there.

use crate::disk::{Files, put};
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::sync::Arc;
use vigie::audit::verify::verify;
use vigie::clock::Clock;
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::input::{Answer, Delivery, Input, Moment};
use vigie::domain::people::{ChannelRef, Directory};
use vigie::domain::policy::Policy;
use vigie::domain::time::Timestamp;
use vigie::engine::{Bells, Pulse, Surroundings, handle};
use vigie::inbox;
use vigie::store::{Reader, Writer};

/// A database's whole content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Of all tables, one value: two databases with the same one say the same.
    pub of_all: u64,
    /// The journal's entries by their hash.
    pub entries: BTreeSet<Vec<u8>>,
    pub alerts: BTreeSet<String>,
    pub interactions: usize,
}

/// Opens the image as a start after the power loss would, and reads everything in it.
pub fn open(files: &Files, folder: &Path) -> Result<Content, String> {
    put(files, folder);
    let writer = Writer::open(&folder.join("vigie.db")).map_err(|error| error.to_string())?;
    content(&writer.connection).map_err(|error| error.to_string())
}

/// `vigie audit verify`'s own look; what it finds, if anything.
pub fn audit(folder: &Path) -> Option<String> {
    let verdict = Reader::of(&folder.join("vigie.db")).and_then(|reader| verify(&reader));
    match verdict {
        Ok(verdict) => verdict.finding.map(|finding| finding.to_string()),
        Err(error) => Some(error.to_string()),
    }
}

fn content(connection: &Connection) -> rusqlite::Result<Content> {
    let mut of_all = DefaultHasher::new();
    let tables = column::<String>(
        connection,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )?;
    for table in tables {
        table.hash(&mut of_all);
        let mut statement =
            connection.prepare(&format!("SELECT * FROM \"{table}\" ORDER BY 1, 2"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            for column in 0..columns {
                add(&mut of_all, row.get_ref(column)?);
            }
        }
    }
    Ok(Content {
        of_all: of_all.finish(),
        entries: column(connection, "SELECT hash FROM journal")?.into_iter().collect(),
        alerts: column(connection, "SELECT id FROM alerts_v1")?.into_iter().collect(),
        interactions: column::<i64>(connection, "SELECT seq FROM interactions_v1")?.len(),
    })
}

fn column<T: rusqlite::types::FromSql>(
    connection: &Connection,
    sql: &str,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare(sql)?.query_map([], |row| row.get(0))?.collect()
}

fn add(of_all: &mut DefaultHasher, value: ValueRef<'_>) {
    match value {
        ValueRef::Null => of_all.write_u8(0),
        ValueRef::Integer(number) => (1, number).hash(of_all),
        ValueRef::Real(number) => (2, number.to_bits()).hash(of_all),
        ValueRef::Text(text) => (3, text).hash(of_all),
        ValueRef::Blob(bytes) => (4, bytes).hash(of_all),
    }
}

/// Contents that were read before, by what the files hold.
#[derive(Debug, Default)]
pub struct Known(HashMap<u64, Content>);

impl Known {
    pub fn of(&mut self, files: &Files, folder: &Path) -> &Content {
        let mut key = DefaultHasher::new();
        files.hash(&mut key);
        self.0.entry(key.finish()).or_insert_with(|| {
            open(files, folder).expect("what was synced, or written whole, is a good database")
        })
    }
}

/// Starts the one writer on the image, and has it record one thing more.
pub fn goes_on(folder: &Path) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let writer = Writer::open(&folder.join("vigie.db")).map_err(|error| error.to_string())?;
        let (_policy, policy) = tokio::sync::watch::channel(Arc::new(policy()));
        let (_directory, directory) = tokio::sync::watch::channel(Arc::new(Directory::default()));
        let surroundings = Surroundings { policy, directory };
        let boot = "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into();
        let handler = handle::Handler::start(writer, boot, Clock::real(), surroundings)
            .map_err(|error| error.to_string())?;
        let (inbox, queue) = inbox::open();
        let pulse = Pulse::new(tokio::time::Instant::now());
        let running = tokio::spawn(handle::run(handler, queue, Bells::default(), pulse));
        let input = Input::Moment(Moment::Stopping);
        let delivery = Delivery { key: None, at: Timestamp::from_millis(1_764_000_000_000), input };
        let answer = inbox.offer(delivery).await;
        drop(inbox);
        running.await.expect("no panic").map_err(|fatal| fatal.to_string())?;
        match answer {
            Ok(Answer::Done) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
}

fn policy() -> Policy {
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: Timestamp::from_millis(0),
        ladders_since: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: Default::default(),
        teams: Default::default(),
        routes: Vec::new(),
        escalations: [(Ladder::STANDARD.into(), Ladder::standard())].into(),
        catalogue: Default::default(),
        playbooks: Default::default(),
        protected: Default::default(),
        limits: Default::default(),
    }
}
