//! When the config in force, and each of its ladders, came into force, as the journal has it.

use super::journal::event;
use super::time;
use crate::domain::event::Event;
use crate::domain::ids::EscalationName;
use crate::domain::time::Timestamp;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};

/// When the config that is in force came into force: the start of the unbroken run of entries with its hash.
pub fn config_since(connection: &Connection, hash: &str) -> rusqlite::Result<Option<Timestamp>> {
    let mut since = None;
    versions(connection, |at, config_hash, _| {
        let same = config_hash == hash;
        if same {
            since = Some(at);
        }
        same
    })?;
    Ok(since)
}

/// The same for each ladder, by its print. One that is new is left out.
pub fn ladders_since(
    connection: &Connection,
    ladders: &BTreeMap<EscalationName, String>,
) -> rusqlite::Result<BTreeMap<EscalationName, Timestamp>> {
    let mut since = BTreeMap::new();
    let mut open: BTreeSet<&EscalationName> = ladders.keys().collect();
    versions(connection, |at, _, then| {
        open.retain(|name| then.get(*name) == ladders.get(*name));
        since.extend(open.iter().map(|name| ((*name).clone(), at)));
        !open.is_empty()
    })?;
    Ok(since)
}

/// The versions of the config, the newest first: when each was there, its hash and its ladders' prints. For as long as `each`
/// wants more.
fn versions(
    connection: &Connection,
    mut each: impl FnMut(Timestamp, &str, &BTreeMap<EscalationName, String>) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT at, kind, body FROM journal WHERE kind IN ('started', 'configured') ORDER BY seq DESC",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, body): (String, String) = (row.get("kind")?, row.get("body")?);
        let (Event::Started { config_hash, ladders, .. }
        | Event::Configured { config_hash, ladders }) = event(&kind, &body)?
        else {
            continue;
        };
        let Some(at) = time(row, "at")? else { break };
        if !each(at, &config_hash, &ladders) {
            break;
        }
    }
    Ok(())
}
