//! The tables that are folded from the journal. Whatever stands in them can be dropped and replayed.

use crate::domain::alert::lifecycle::{Alert, apply};
use crate::domain::event::{Entry, Event, Stream, Told, Way};
use crate::domain::ids::AlertId;
use crate::domain::input::{Reach, Sent};
use crate::domain::playbook::run::event::RunEvent;
use crate::domain::playbook::run::{self, Run};
use crate::store::{alerts, journal, runs};
use rusqlite::{Connection, named_params};

/// The projection tables: a rebuild empties them, a verification compares them.
pub const TABLES: [&str; 7] =
    ["alerts", "interactions", "acknowledgements", "notifications", "runs", "steps", "approvals"];

/// The reason of what was said while the store took no writes, and was written down afterwards.
const NOT_RECORDED: &str = "not_recorded";

/// What an entry's stream is about, as it stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Folded {
    Alert(Alert),
    Run(Run),
    /// Nothing: the system's own stream.
    #[default]
    Nothing,
}

impl Folded {
    /// The alert, where it is one.
    pub fn alert(&self) -> Option<&Alert> {
        match self {
            Self::Alert(alert) => Some(alert),
            Self::Run(_) | Self::Nothing => None,
        }
    }

    /// The run, where it is one.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Run(run) => Some(run),
            Self::Alert(_) | Self::Nothing => None,
        }
    }

    /// What is so after `entry`, which is of the same stream.
    pub fn with(self, entry: &Entry) -> Self {
        match (&entry.stream, self) {
            (Stream::Alert(_), Self::Alert(alert)) => apply(Some(alert), entry).into(),
            (Stream::Alert(_), _) => apply(None, entry).into(),
            (Stream::Run(_), Self::Run(run)) => run::apply(Some(run), entry).into(),
            (Stream::Run(_), _) => run::apply(None, entry).into(),
            (Stream::System, _) => Self::Nothing,
        }
    }
}

impl From<Option<Alert>> for Folded {
    fn from(alert: Option<Alert>) -> Self {
        alert.map_or(Self::Nothing, Self::Alert)
    }
}

impl From<Option<Run>> for Folded {
    fn from(run: Option<Run>) -> Self {
        run.map_or(Self::Nothing, Self::Run)
    }
}

/// Writes what `entry` changes; `after` is what its stream is about, with it.
pub fn project(connection: &Connection, entry: &Entry, after: &Folded) -> rusqlite::Result<()> {
    match after {
        Folded::Alert(alert) => {
            alerts::save(connection, alert, alert.received_seq == entry.seq)?;
        }
        Folded::Run(run) => runs::save(connection, entry, run)?,
        Folded::Nothing => {}
    }
    interaction(connection, entry, after.run())?;
    let of_run = after.run().and_then(|run| run.planned.alert.as_ref());
    let (alert, after) = (of_run.map(AlertId::as_str), after.alert());
    match &entry.event {
        Event::Acknowledged {} => begin_acknowledgement(connection, entry),
        Event::Reopened { .. } => end_acknowledgements(connection, entry, "reopened"),
        Event::HolderGone { .. } => end_acknowledgements(connection, entry, "deactivated"),
        // It stands where it was assigned to who holds it.
        Event::Assigned { .. } if after.is_some_and(|alert| alert.holder.is_none()) => {
            end_acknowledgements(connection, entry, "assigned")
        }
        Event::Shown { channel, ts, how, again } => {
            let row = Notification {
                alert: alert_of(entry),
                target: channel.as_str(),
                round: 0,
                level: 0,
                channel: channel.as_str(),
                message_ts: ts.as_str(),
                reach: "delivered",
                reason: match (how, again) {
                    (Sent::Unrecorded, _) => NOT_RECORDED,
                    (_, true) => "shown_again",
                    (_, false) => "received",
                },
            };
            notification(connection, entry, &row)
        }
        Event::Notified { told, channel, ts, how, reach } => {
            let reason = match (how, told.repeat) {
                (Sent::Unrecorded, 0) => NOT_RECORDED,
                (Sent::Unrecorded, _) => "repeated_not_recorded",
                (_, 0) if told.level == 0 => "not_shown",
                (_, 0) => "not_acknowledged",
                (_, _) => "repeated",
            };
            let place = (channel.as_str(), ts.as_str());
            notified(connection, (entry, alert_of(entry)), told, (place, *reach, reason))
        }
        Event::Run(RunEvent::Notified { told, posted, reach, .. }) => {
            let place = (posted.channel.as_str(), posted.ts.as_str());
            notified(connection, (entry, alert), told, (place, *reach, "run_waits"))
        }
        _ => Ok(()),
    }
}

fn interaction(connection: &Connection, entry: &Entry, run: Option<&Run>) -> rusqlite::Result<()> {
    let Some((action, outcome, reason)) = entry.event.interaction() else { return Ok(()) };
    // What a run does by itself is no interaction.
    if matches!(entry.event, Event::Run(_)) && !entry.actor.is_somebody() {
        return Ok(());
    }
    connection
        .prepare_cached(
            "INSERT INTO interactions (seq, at, actor, actor_roles, surface, action, outcome, alert_id, run_id, reason)
             VALUES (:seq, :at, :actor, :roles, :surface, :action, :outcome, :alert, :run, :reason)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":at": entry.at.to_string(),
            ":actor": entry.actor.to_string(),
            ":roles": entry.roles.to_string(),
            ":surface": entry.via.as_str(),
            ":action": action.as_str(),
            ":outcome": outcome.as_str(),
            ":alert": run.map_or_else(|| alert_of(entry), |run| run.planned.alert.as_ref().map(|id| id.as_str())),
            ":run": run.map(|run| run.id.as_str()),
            ":reason": reason,
        })
        .map(|_| ())
}

fn alert_of(entry: &Entry) -> Option<&str> {
    match &entry.stream {
        Stream::Alert(id) => Some(id.as_str()),
        Stream::System | Stream::Run(_) => None,
    }
}

fn begin_acknowledgement(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO acknowledgements (seq, at, alert_id, person, roles, surface)
             VALUES (:seq, :at, :alert, :person, :roles, :surface)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":at": entry.at.to_string(),
            ":alert": alert_of(entry),
            ":person": entry.actor.to_string(),
            ":roles": entry.roles.to_string(),
            ":surface": entry.via.as_str(),
        })
        .map(|_| ())
}

fn end_acknowledgements(connection: &Connection, entry: &Entry, why: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE acknowledgements SET ended_at = :at, ended_by = :by, ended_why = :why
             WHERE alert_id = :alert AND ended_at IS NULL",
        )?
        .execute(named_params! {
            ":at": entry.at.to_string(),
            ":by": entry.actor.to_string(),
            ":why": why,
            ":alert": alert_of(entry),
        })
        .map(|_| ())
}

struct Notification<'a> {
    alert: Option<&'a str>,
    target: &'a str,
    round: u32,
    level: u32,
    channel: &'a str,
    message_ts: &'a str,
    reach: &'a str,
    reason: &'a str,
}

/// One row a person; a group whose members Slack could not tell, or a channel, has one of its own.
fn notified(
    connection: &Connection,
    (entry, alert): (&Entry, Option<&str>),
    told: &Told,
    ((channel, message_ts), reach, reason): ((&str, &str), Reach, &str),
) -> rusqlite::Result<()> {
    let groups = told.groups.iter().map(|group| group.as_str()).filter(|_| told.people.is_empty());
    let mut targets: Vec<&str> =
        told.people.iter().map(|person| person.as_str()).chain(groups).collect();
    if targets.is_empty() || matches!(told.how, Way::Channel(_)) {
        targets = vec![channel];
    }
    for target in targets {
        let row = Notification {
            alert,
            target,
            round: told.round,
            level: told.level,
            channel,
            message_ts,
            reach: match reach {
                Reach::Delivered => "delivered",
                Reach::DoNotDisturb => "do_not_disturb",
            },
            reason,
        };
        notification(connection, entry, &row)?;
    }
    Ok(())
}

fn notification(
    connection: &Connection,
    entry: &Entry,
    row: &Notification<'_>,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO notifications (seq, target, at, alert_id, round, level, channel, message_ts, reach, reason)
             VALUES (:seq, :target, :at, :alert, :round, :level, :channel, :message_ts, :reach, :reason)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":target": row.target,
            ":at": entry.at.to_string(),
            ":alert": row.alert,
            ":round": row.round,
            ":level": row.level,
            ":channel": row.channel,
            ":message_ts": row.message_ts,
            ":reach": row.reach,
            ":reason": row.reason,
        })
        .map(|_| ())
}

/// Empties the projections of `connection` and replays the journal into them.
pub fn rebuild(connection: &Connection) -> rusqlite::Result<()> {
    for table in TABLES {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    journal::walk(connection, |_, row| {
        let entry = row?.entry()?;
        replay(connection, &entry)?;
        Ok(true)
    })
}

/// What a stream is about, as it stands.
pub fn load(connection: &Connection, stream: &Stream) -> rusqlite::Result<Folded> {
    Ok(match stream {
        Stream::Alert(id) => alerts::load(connection, id)?.into(),
        Stream::Run(id) => runs::load(connection, id)?.into(),
        Stream::System => Folded::Nothing,
    })
}

/// Folds one entry into the projections.
pub fn replay(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let before = load(connection, &entry.stream)?;
    project(connection, entry, &before.with(entry))
}
