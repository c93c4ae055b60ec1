//! One alert and what becomes of it, by way of real events.

use crate::domain::alert::escalation::Acknowledge;
use crate::domain::alert::lifecycle::{Alert, apply};
use crate::domain::alert::{Disposition, Entities, Severity, State, Status};
use crate::domain::event::{
    AlertContent, Entry, Event, Private, Received, RungKey, Stream, Told, Way,
};
use crate::domain::ids::*;
use crate::domain::input::{Reach, Sent};
use crate::domain::people::{Actor, ChannelRef, Directory, Membership, Person, Roles, Surface};
use crate::domain::policy::Treated;
use crate::domain::time::Timestamp;
use crate::slack::action_id::Signer;
use crate::slack::view::Look;
use crate::slack::view::OnOffer;
use jiff::tz::TimeZone;
use std::time::Duration;

pub const ID: &str = "alr_01JDGQ5R6ZK3V8W9XACEGHJKMN";
/// Everybody and everything of Slack's that the samples name.
pub const KNOWN: [&str; 6] = ["U0ALICE", "U0BEA", "U0CARL", "U0DEV", "S0BLUE", "C0SOC"];

/// The world that views look at.
pub struct World {
    pub directory: Directory,
    zone: TimeZone,
    signer: Signer,
}

impl World {
    pub fn new() -> Self {
        let person = |name: &str| Person { name: name.to_owned(), ..Person::default() };
        let people = [("U0ALICE", "alice"), ("U0BEA", "bea"), ("U0CARL", "carl"), ("U0DEV", "dev")];
        let directory = Directory {
            people: people.into_iter().map(|(id, name)| (id.into(), person(name))).collect(),
            groups: [(
                "S0BLUE".into(),
                Membership::Known(["U0BEA".into(), "U0CARL".into()].into()),
            )]
            .into(),
            address: Some("https://acme.slack.com/".to_owned()),
            ..Directory::default()
        };
        // Europe/Paris, without the machine's own zone files.
        let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a POSIX zone");
        Self { directory, zone, signer: Signer::new(&[7; 32]) }
    }

    /// A look at `minutes` after the alert came in.
    pub fn look(&self, minutes: u64) -> Look<'_> {
        let Self { directory, zone, signer } = self;
        Look { directory, zone, now: at(minutes), signer, offered: OnOffer::default() }
    }
}

/// So many minutes after the alert came in, at 02:14 in Paris.
pub fn at(minutes: u64) -> Timestamp {
    let start = Timestamp::parse("2026-11-25T01:14:07.120Z").expect("RFC 3339");
    start + Duration::from_secs(minutes * 60)
}

pub fn person(id: &str) -> Actor {
    Actor::Person(id.into())
}

pub fn source() -> Actor {
    Actor::Source("elastic".into())
}

pub fn content() -> AlertContent {
    let list = |values: &[&str]| values.iter().map(|v| (*v).to_owned()).collect();
    AlertContent {
        source_id: Some("8f3a2c91".to_owned()),
        title: "sudo by alice".to_owned(),
        description: Some("alice became root on prod-db-1.\nThe first time in 90 days.".to_owned()),
        rule: Some("Sudo outside the change window".to_owned()),
        url: Some("https://kibana.example.com/app/security/alerts/8f3a2c91?space=soc".to_owned()),
        entities: Entities {
            hosts: list(&["prod-db-1"]),
            users: list(&["alice"]),
            ips: list(&["10.0.4.17", "10.0.4.18"]),
            ..Entities::default()
        },
        tactic: Some("Privilege Escalation".to_owned()),
        technique: Some("T1548.003".to_owned()),
        raw: "{}".to_owned(),
    }
}

pub fn received() -> Received {
    Received {
        source: "elastic".into(),
        fingerprint: "f".repeat(64),
        severity: Severity::Critical,
        status: Status::Firing,
        occurred_at: Some(at(0) - Duration::from_secs(190)),
        previous: None,
        test: false,
        suppressed_by: None,
        route: "critical".into(),
        team: Some("blue".into()),
        channel: ChannelRef("#soc-critical".to_owned()),
        escalation: "critical".into(),
        acknowledge: Acknowledge::One,
        rungs: Vec::new(),
        treated: Treated::default(),
        config_hash: "c".repeat(64),
    }
}

/// An alert that came in like this.
pub fn alert_of(received: Received, content: Option<AlertContent>) -> Alert {
    let private = content.map(|content| Private::Alert(Box::new(content)));
    let entry = entry(0, source(), Event::Received(Box::new(received)), private);
    apply(None, &entry).expect("an alert's first entry makes it")
}

/// The sample, open and shown.
pub fn open() -> Alert {
    let shown =
        Event::Shown { channel: "C0SOC".into(), ts: "1.1".into(), how: Sent::Posted, again: false };
    after(alert_of(received(), Some(content())), 0, Actor::System, shown)
}

fn entry(minutes: u64, actor: Actor, event: Event, private: Option<Private>) -> Entry {
    Entry {
        seq: 1,
        at: at(minutes),
        stream: Stream::Alert(ID.into()),
        actor,
        roles: Roles::default(),
        via: Surface::Button,
        event,
        private,
    }
}

/// The alert after something has happened to it.
pub fn after(alert: Alert, minutes: u64, actor: Actor, event: Event) -> Alert {
    apply(Some(alert), &entry(minutes, actor, event, None)).expect("it stays an alert")
}

pub fn acknowledged() -> Alert {
    after(open(), 3, person("U0BEA"), Event::Acknowledged {})
}

pub fn resolved(note: Option<&str>) -> Alert {
    let private = note.map(|note| Private::Note { note: note.to_owned() });
    let event = Event::Resolved { disposition: Some(Disposition::FalsePositive) };
    apply(Some(acknowledged()), &entry(26, person("U0CARL"), event, private)).expect("an alert")
}

pub fn told(how: Way, people: &[&str], groups: &[&str]) -> Told {
    Told {
        round: 0,
        level: 2,
        rung: RungKey("0123456789abcdef".to_owned()),
        repeat: 0,
        how,
        people: people.iter().map(|id| UserId::from(*id)).collect(),
        groups: groups.iter().map(|id| UsergroupId::from(*id)).collect(),
    }
}

pub fn notified(told: Told) -> Event {
    let reach = Reach::Delivered;
    Event::Notified { told, channel: "D1".into(), ts: "2.1".into(), how: Sent::Posted, reach }
}

pub fn reopened(alert: Alert, minutes: u64, from: State) -> Alert {
    after(alert, minutes, person("U0CARL"), Event::Reopened { from })
}
