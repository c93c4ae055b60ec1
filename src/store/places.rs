//! Which alerts stand where, and what the names in the config have come to mean: what a changed workspace asks for.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::{AlertId, ChannelId, MessageTs, UserId};
use crate::domain::names::{Meaning, Sort};
use crate::store::{alerts, word};
use rusqlite::{Connection, OptionalExtension, named_params};

/// The alert that this message shows; `None` for any other message, and for the alerts that are over.
pub fn shown_by(
    connection: &Connection,
    (channel, ts): (&ChannelId, &MessageTs),
) -> rusqlite::Result<Option<Alert>> {
    let found: Option<String> = connection
        .prepare_cached(
            "SELECT id FROM alerts
             WHERE state <> 'resolved' AND message_ts IS NOT NULL AND channel = :channel AND message_ts = :ts",
        )?
        .query_row(named_params! {":channel": channel.as_str(), ":ts": ts.as_str()}, |row| row.get(0))
        .optional()?;
    found.map_or(Ok(None), |id| alerts::load(connection, &AlertId::new(id)))
}

/// The channels in which messages of open alerts stand.
pub fn in_use(connection: &Connection) -> rusqlite::Result<Vec<ChannelId>> {
    connection
        .prepare_cached(
            "SELECT DISTINCT channel FROM alerts WHERE state <> 'resolved' AND message_ts IS NOT NULL",
        )?
        .query_map([], |row| row.get::<_, String>(0))?
        .map(|channel| channel.map(ChannelId::new))
        .collect()
}

/// Alerts that are not over and whose message stands in the channel, worst first, at most `limit`. Those that are known to
/// be stuck there are left out.
pub fn standing_in(
    connection: &Connection,
    channel: &ChannelId,
    limit: usize,
) -> rusqlite::Result<Vec<AlertId>> {
    connection
        .prepare_cached(&format!(
            "SELECT id FROM alerts
             WHERE state <> 'resolved' AND message_ts IS NOT NULL AND channel = :channel AND not_shown IS NULL
             ORDER BY {} LIMIT :limit",
            alerts::WORST_FIRST
        ))?
        .query_map(
            named_params! {":channel": channel.as_str(), ":limit": i64::try_from(limit).unwrap_or(i64::MAX)},
            |row| row.get::<_, String>(0),
        )?
        .map(|id| id.map(AlertId::new))
        .collect()
}

/// The people who have an alert that is not over, by name or by their acknowledgement, each with each of theirs.
pub fn who_has_work(connection: &Connection) -> rusqlite::Result<Vec<(UserId, AlertId)>> {
    connection
        .prepare_cached(
            "SELECT assignee AS who, id FROM alerts
             WHERE state <> 'resolved' AND state = 'open' AND assignee IS NOT NULL
             UNION ALL
             SELECT held_by AS who, id FROM alerts
             WHERE state <> 'resolved' AND state = 'acknowledged' AND held_by IS NOT NULL",
        )?
        .query_map([], |row| {
            Ok((UserId::new(row.get::<_, String>(0)?), AlertId::new(row.get::<_, String>(1)?)))
        })?
        .collect()
}

/// What waits in the lane of one channel goes in that of another; at once, where the first has just refused it.
pub fn move_rows(
    connection: &Connection,
    alert: &AlertId,
    (from, to): (&str, &str),
    at_once: bool,
) -> rusqlite::Result<()> {
    for kind in ["post", "update"] {
        connection
            .prepare_cached(
                "UPDATE outbox SET lane = :to, not_before = CASE WHEN :at_once THEN 0 ELSE not_before END
                 WHERE alert_id = :alert AND lane = :from",
            )?
            .execute(named_params! {
                ":alert": alert.as_str(), ":from": format!("{kind} {from}"), ":to": format!("{kind} {to}"),
                ":at_once": at_once,
            })?;
    }
    Ok(())
}

/// What each name of the config has come to mean.
pub fn names(connection: &Connection) -> rusqlite::Result<Vec<Meaning>> {
    connection
        .prepare_cached("SELECT sort, name, id FROM names")?
        .query_map([], |row| {
            let sort = word(row, "sort", Sort::parse)?;
            Ok(Meaning { sort, name: row.get("name")?, id: row.get("id")? })
        })?
        .collect()
}

/// Keeps what a name means. The first meaning stays: a name that others take later does not lead elsewhere.
pub fn keep_name(connection: &Connection, meaning: &Meaning) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO names (sort, name, id) VALUES (:sort, :name, :id)")?
        .execute(named_params! {
            ":sort": meaning.sort.as_str(), ":name": meaning.name, ":id": meaning.id,
        })
        .map(|_| ())
}

/// Forgets a name that the config no longer writes: written again, it is looked up anew.
pub fn forget_name(connection: &Connection, meaning: &Meaning) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM names WHERE sort = :sort AND name = :name")?
        .execute(named_params! {":sort": meaning.sort.as_str(), ":name": meaning.name})
        .map(|_| ())
}
