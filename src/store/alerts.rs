//! The alert's row: written whole from the folded alert, read back into it.

use crate::domain::alert::lifecycle::{Alert, Mark, Posted, Resolution};
use crate::domain::alert::{Disposition, Entities, Severity, State, Status};
use crate::domain::event::{AlertContent, Event, Private, Received};
use crate::domain::ids::*;
use crate::domain::people::Actor;
use crate::domain::time::Timestamp;
use crate::store::{from_json, journal, time, to_json, unreadable, word};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

// Content without its salt is not what the entry committed to: half of it was erased, or all of it was forged.
const COLUMNS: &str = "a.*, j.body AS received, CASE WHEN p.salt IS NOT NULL THEN p.content END AS content
     FROM alerts a JOIN journal j ON j.seq = a.received_seq LEFT JOIN private p ON p.seq = a.received_seq";

/// The order in which people want alerts.
pub(super) const WORST_FIRST: &str =
    "CASE severity WHEN 'critical' THEN 0 WHEN 'high' THEN 1 WHEN 'medium' THEN 2
                                       WHEN 'low' THEN 3 ELSE 4 END, received_at";

/// The alert of that id.
pub fn load(connection: &Connection, id: &AlertId) -> rusqlite::Result<Option<Alert>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE a.id = :id"))?
        .query_row(named_params! {":id": id.as_str()}, read)
        .optional()
}

/// The newest alert of that fingerprint.
pub fn newest_of(connection: &Connection, fingerprint: &str) -> rusqlite::Result<Option<Alert>> {
    // The id first: most alerts are new, and this is answered by one look into the index.
    let newest: Option<String> = connection
        .prepare_cached(
            "SELECT id FROM alerts WHERE fingerprint = :fingerprint ORDER BY received_seq DESC LIMIT 1",
        )?
        .query_row(named_params! {":fingerprint": fingerprint}, |row| row.get(0))
        .optional()?;
    newest.map_or(Ok(None), |id| load(connection, &AlertId::new(id)))
}

/// The alerts that a message of ours names and that still stand by it, oldest first: one, or in a storm several.
pub fn named_in(connection: &Connection, posted: &Posted) -> rusqlite::Result<Vec<Alert>> {
    let alerts = connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} WHERE a.id IN (SELECT alert_id FROM notifications WHERE message_ts = :ts AND channel = :channel)
             ORDER BY a.received_seq"
        ))?
        .query_map(
            named_params! {":ts": posted.ts.as_str(), ":channel": posted.channel.as_str()},
            read,
        )?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let stands =
        |alert: &Alert| alert.message.as_ref() == Some(posted) || alert.copies.contains(posted);
    Ok(alerts.into_iter().filter(stands).collect())
}

/// The ids of the alerts that wait for somebody, those whose ladder has a next step: at most `limit` of those that come after
/// `after`, in the order of their ids, which is that of their arrival.
pub fn waiting(
    connection: &Connection,
    after: Option<&AlertId>,
    limit: usize,
) -> rusqlite::Result<Vec<AlertId>> {
    connection
        .prepare_cached(
            "SELECT id FROM alerts WHERE id > :after AND state = 'open' ORDER BY id LIMIT :limit",
        )?
        .query_map(
            named_params! {
                ":after": after.map_or("", AlertId::as_str),
                ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
            },
            |row| row.get::<_, String>(0),
        )?
        .map(|id| id.map(AlertId::new))
        .collect()
}

/// Every alert that is not resolved, worst and oldest first, at most `limit`.
pub fn live(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Alert>> {
    connection
        .prepare_cached(&format!(
            "SELECT {COLUMNS} WHERE a.id IN (
                 SELECT id FROM alerts WHERE state <> 'resolved' AND suppressed_by IS NULL
                 ORDER BY {WORST_FIRST} LIMIT :limit)
             ORDER BY {WORST_FIRST}"
        ))?
        .query_map(named_params! {":limit": i64::try_from(limit).unwrap_or(i64::MAX)}, read)?
        .collect()
}

/// Writes the row as the alert now stands; `new` where it has none yet.
pub fn save(connection: &Connection, alert: &Alert, new: bool) -> rusqlite::Result<()> {
    let content = alert.content.as_ref();
    let entities = content.map(|content| &content.entities);
    let list =
        |values: Option<&Vec<String>>| values.map(|values| values.join(",")).unwrap_or_default();
    let posted = alert.message.as_ref();
    let end = alert.resolved.as_ref();
    let text = |at: Timestamp| at.to_string();
    let by = |mark: &Mark| mark.by.to_string();
    connection
        .prepare_cached(&format!(
            "{} INTO alerts (
                 id, received_seq, as_of, fingerprint, source, source_id, rule, title, severity, status, state, team,
                 route, channel, message_ts, not_shown, displaced, test, hosts, users, ips, occurred_at, received_at,
                 shown_at, suppressed_by, assignee, acknowledged_at, acknowledged_by, held_at, held_by, resolved_at,
                 resolved_by, disposition, note, treated, last_seen, occurrences, notifications, life, ladder,
                 copies, also_about, previous_alert, added, said)
             VALUES (
                 :id, :received_seq, :as_of, :fingerprint, :source, :source_id, :rule, :title, :severity, :status,
                 :state, :team, :route, :channel, :message_ts, :not_shown, :displaced, :test, :hosts, :users, :ips,
                 :occurred_at, :received_at, :shown_at, :suppressed_by, :assignee, :acknowledged_at, :acknowledged_by, :held_at,
                 :held_by, :resolved_at, :resolved_by, :disposition, :note, :treated, :last_seen, :occurrences,
                 :notifications, :life, :ladder, :copies, :also_about, :previous_alert, :added, :said)",
            // A plain INSERT is spared the look for what it would replace.
            if new { "INSERT" } else { "INSERT OR REPLACE" }
        ))?
        .execute(named_params! {
            ":id": alert.id.as_str(),
            ":received_seq": alert.received_seq,
            ":as_of": alert.as_of,
            ":fingerprint": alert.received.fingerprint,
            ":source": alert.received.source.as_str(),
            ":source_id": content.and_then(|c| c.source_id.as_deref()),
            ":rule": content.and_then(|c| c.rule.as_deref()),
            ":title": content.map(|c| c.title.as_str()),
            ":severity": alert.severity.as_str(),
            ":status": alert.status.as_str(),
            ":state": alert.state.as_str(),
            ":team": alert.received.team.as_ref().map(TeamName::as_str),
            ":route": alert.received.route.as_str(),
            ":channel": posted.map(|p| p.channel.as_str()).or_else(|| alert.received.channel.id()),
            ":message_ts": posted.map(|p| p.ts.as_str()),
            ":not_shown": alert.not_shown,
            ":displaced": alert.displaced.as_ref().map(to_json),
            ":test": alert.received.test,
            ":hosts": list(entities.map(|e| &e.hosts)),
            ":users": list(entities.map(|e| &e.users)),
            ":ips": list(entities.map(|e| &e.ips)),
            ":occurred_at": alert.received.occurred_at.map(text),
            ":received_at": text(alert.received_at),
            ":shown_at": alert.shown_at.map(text),
            ":suppressed_by": alert.received.suppressed_by.map(|s| s.as_str()),
            ":assignee": alert.assignee.as_ref().map(UserId::as_str),
            ":acknowledged_at": alert.acknowledged.as_ref().map(|m| text(m.at)),
            ":acknowledged_by": alert.acknowledged.as_ref().map(by),
            ":held_at": alert.holder.as_ref().map(|m| text(m.at)),
            ":held_by": alert.holder.as_ref().map(by),
            ":resolved_at": end.map(|r| text(r.mark.at)),
            ":resolved_by": end.map(|r| by(&r.mark)),
            ":disposition": end.and_then(|r| r.disposition).map(Disposition::as_str),
            ":note": end.and_then(|r| r.note.as_deref()),
            ":treated": alert.treated,
            ":last_seen": text(alert.last_seen),
            ":occurrences": alert.occurrences,
            ":notifications": alert.notifications,
            ":life": alert.life,
            ":ladder": to_json(&alert.ladder),
            ":copies": to_json(&alert.copies),
            ":also_about": to_json(&alert.also_about),
            ":previous_alert": alert.received.previous.as_ref().map(AlertId::as_str),
            ":added": to_json(&alert.added),
            ":said": alert.said.as_str(),
        })
        .map(|_| ())
}

fn read(row: &Row<'_>) -> rusqlite::Result<Alert> {
    let received = received(row)?;
    let posted = optional(row, "message_ts")?
        .map(|ts| row.get::<_, String>("channel").map(|channel| (channel, ts)))
        .transpose()?
        .map(|(channel, ts)| Posted { channel: ChannelId::new(channel), ts: MessageTs::new(ts) });
    let added: Entities = from_json(&row.get::<_, String>("added")?)?;
    let mut content = content(row)?;
    if let Some(content) = &mut content {
        content.entities.extend(&added);
    }
    Ok(Alert {
        id: AlertId::new(row.get::<_, String>("id")?),
        content,
        added,
        received_at: required(row, "received_at")?,
        severity: word(row, "severity", Severity::parse)?,
        said: word(row, "said", Severity::parse)?,
        status: word(row, "status", Status::parse)?,
        state: word(row, "state", State::parse)?,
        message: posted,
        not_shown: optional(row, "not_shown")?,
        displaced: optional(row, "displaced")?.map(|text| from_json(&text)).transpose()?,
        shown_at: time(row, "shown_at")?,
        assignee: optional(row, "assignee")?.map(UserId::new),
        acknowledged: mark(row, "acknowledged_by", "acknowledged_at")?,
        holder: mark(row, "held_by", "held_at")?,
        resolved: resolution(row)?,
        last_seen: required(row, "last_seen")?,
        occurrences: row.get("occurrences")?,
        notifications: row.get("notifications")?,
        life: row.get("life")?,
        ladder: from_json(&row.get::<_, String>("ladder")?)?,
        copies: from_json(&row.get::<_, String>("copies")?)?,
        also_about: from_json(&row.get::<_, String>("also_about")?)?,
        treated: row.get("treated")?,
        received_seq: row.get("received_seq")?,
        as_of: row.get("as_of")?,
        received,
    })
}

fn received(row: &Row<'_>) -> rusqlite::Result<Received> {
    match journal::event("received", &row.get::<_, String>("received")?)? {
        Event::Received(received) => Ok(*received),
        _ => Err(unreadable("the alert's first entry is not its reception".to_owned())),
    }
}

fn content(row: &Row<'_>) -> rusqlite::Result<Option<AlertContent>> {
    Ok(match optional(row, "content")?.map(|text| from_json(&text)).transpose()? {
        Some(Private::Alert(content)) => Some(*content),
        _ => None,
    })
}

fn resolution(row: &Row<'_>) -> rusqlite::Result<Option<Resolution>> {
    let Some(mark) = mark(row, "resolved_by", "resolved_at")? else { return Ok(None) };
    let disposition = optional(row, "disposition")?
        .map(|text| {
            Disposition::parse(&text).ok_or_else(|| unreadable(format!("disposition: {text:?}")))
        })
        .transpose()?;
    Ok(Some(Resolution { mark, disposition, note: optional(row, "note")? }))
}

fn mark(row: &Row<'_>, by: &str, at: &str) -> rusqlite::Result<Option<Mark>> {
    let by = optional(row, by)?.map(|text| Actor::parse(&text));
    Ok(by.zip(time(row, at)?).map(|(by, at)| Mark { by, at }))
}

fn optional(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<String>> {
    row.get(column)
}

fn required(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    time(row, column)?.ok_or_else(|| unreadable(format!("{column} is missing")))
}
