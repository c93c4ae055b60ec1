//! What stands in journals out there must be read for ever: a sample line of each kind, which is only ever added to.

use std::collections::BTreeSet;
use std::time::Duration;
use vigie::domain::alert::escalation::Acknowledge;
use vigie::domain::alert::{Disposition, Entities, Severity, State, Status};
use vigie::domain::event::*;
use vigie::domain::input::{Reach, Sent};
use vigie::domain::people::ChannelRef;
use vigie::domain::policy::Treated;
use vigie::domain::refusal::Refusal;
use vigie::domain::time::Timestamp;

const FILE: &str = include_str!("../data/journal/v1.jsonl");

fn told() -> Told {
    Told {
        round: 1,
        level: 2,
        rung: RungKey("5f0c1b2a3d4e5f60".to_owned()),
        repeat: 0,
        how: Way::Channel(ChannelRef("#sec-leads".to_owned())),
        people: vec!["U0ANA".into()],
        groups: vec!["S0BLUE".into()],
    }
}

fn received() -> Event {
    Event::Received(Box::new(Received {
        source: "edr".into(),
        fingerprint: "9f86d081".to_owned(),
        severity: Severity::Critical,
        status: Status::Firing,
        occurred_at: Timestamp::parse("2026-11-25T01:07:33.438Z"),
        previous: Some("alr_01JDGQ5R6ZK3V8W9XACEGHJKMN".into()),
        test: false,
        suppressed_by: Some(Suppression::ResolvedBeforeSeen),
        route: "critical".into(),
        team: Some("blue".into()),
        channel: ChannelRef("#sec".to_owned()),
        escalation: "critical".into(),
        acknowledge: Acknowledge::One,
        rungs: vec![RungKey("5f0c1b2a3d4e5f60".to_owned())],
        treated: Treated {
            acknowledged: true,
            disposition: true,
            note: vec![Severity::Critical],
            within: Some(Duration::from_secs(4 * 60 * 60)),
        },
        config_hash: "c0ffee".to_owned(),
    }))
}

fn one_of_each_kind() -> Vec<Event> {
    let (channel, ts) = (|| "C0SOC".into(), || "1732500000.000100".into());
    let at = Timestamp::from_millis(1_764_000_000_000);
    vec![
        Event::JournalOpened {
            journal_id: "jrn_01JDGQ5R6ZK3V8W9XACEGHJKMN".into(),
            software: "vigie 0.1.0".to_owned(),
        },
        Event::Started {
            boot: "boot_01JDGQ5R6ZK3V8W9XACEGHJKMN".into(),
            version: "0.1.0".to_owned(),
            config_hash: "c0ffee".to_owned(),
            ladders: Default::default(),
        },
        Event::Configured {
            config_hash: "c0ffee".to_owned(),
            ladders: [("critical".into(), "5f0c1b2a3d4e5f60".to_owned())].into(),
        },
        Event::Stopped {},
        received(),
        Event::Repeated { severity: Severity::High, occurred_at: Some(at) },
        Event::Ceased {},
        Event::CeaseConfirmed {},
        Event::Shown { channel: channel(), ts: ts(), how: Sent::Posted, again: false },
        Event::NotShown { why: "is_archived".to_owned() },
        Event::MessageLost { why: "message_not_found".to_owned() },
        Event::Displaced {
            from: ChannelRef("C0SEC".to_owned()),
            why: "is_archived".to_owned(),
            to: ChannelRef("#soc-alerts".to_owned()),
        },
        Event::Escalated { told: told() },
        Event::EscalatedUnrecorded { told: told() },
        Event::Shown { channel: channel(), ts: ts(), how: Sent::Unrecorded, again: false },
        Event::Notified {
            told: told(),
            channel: channel(),
            ts: ts(),
            how: Sent::Adopted,
            reach: Reach::DoNotDisturb,
        },
        Event::NotTold { told: told(), why: "user_not_found".to_owned() },
        Event::NobodyMeant { round: 0, level: 1, rung: told().rung, repeat: 0 },
        Event::Acknowledged {},
        Event::Reopened { from: State::Resolved },
        Event::Assigned { to: "U0BEA".into() },
        Event::Returned { from: "U0BEA".into() },
        Event::HolderGone { who: "U0BEA".into() },
        Event::Resolved { disposition: Some(Disposition::FalsePositive) },
        Event::Asked { action: Action::List },
        Event::Refused {
            action: Action::Acknowledge,
            refusal: Refusal::AlreadyAcknowledged { by: "U0ANA".to_owned(), at },
        },
    ]
}

fn one_of_each_private() -> Vec<Private> {
    let content = AlertContent {
        source_id: Some("1".to_owned()),
        title: "Malware".to_owned(),
        description: None,
        rule: Some("malware".to_owned()),
        url: None,
        entities: Entities { hosts: vec!["web-1".to_owned()], ..Entities::default() },
        tactic: Some("Execution".to_owned()),
        technique: None,
        raw: "{}".to_owned(),
    };
    vec![
        Private::Alert(Box::new(content)),
        Private::Note { note: "a known tool".to_owned() },
        Private::Config {
            config: "slack: {}".to_owned(),
            roles: [("lead".into(), vec!["U0LEA".to_owned()])].into(),
        },
        Private::Said { said: "lst".to_owned() },
    ]
}

/// The name that tells variants apart.
fn tag(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).expect("a sample is JSON");
    let tag =
        value.get("kind").or_else(|| value.get("private")).and_then(serde_json::Value::as_str);
    tag.expect("a sample has its tag").to_owned()
}

#[test]
fn every_sample_is_read_and_written_as_it_stands() {
    for line in FILE.lines() {
        let written = if line.starts_with("{\"kind\"") {
            serde_json::from_str::<Event>(line).and_then(|event| serde_json::to_string(&event))
        } else {
            serde_json::from_str::<Private>(line)
                .and_then(|private| serde_json::to_string(&private))
        };
        assert_eq!(written.unwrap_or_else(|error| panic!("{line}: {error}")), line);
    }
}

#[test]
fn every_kind_has_its_sample() {
    let events = one_of_each_kind()
        .iter()
        .map(|event| serde_json::to_string(event).expect("plain data"))
        .collect::<Vec<_>>();
    let private = one_of_each_private()
        .iter()
        .map(|p| serde_json::to_string(p).expect("plain data"))
        .collect::<Vec<_>>();
    let samples: BTreeSet<&str> = FILE.lines().collect();
    let missing: Vec<_> =
        events.iter().chain(&private).filter(|line| !samples.contains(line.as_str())).collect();
    assert!(
        missing.is_empty(),
        "add to tests/data/journal/v1.jsonl:\n{}",
        missing.iter().fold(String::new(), |all, line| all + line + "\n")
    );
    let kinds: BTreeSet<String> = events.iter().chain(&private).map(|line| tag(line)).collect();
    // A variant that is not in the lists above would have no sample: the enum's own source says how many there are.
    let source = include_str!("../../src/domain/event.rs");
    let of = |name: &str| {
        let body = source
            .split(&format!("pub enum {name} {{"))
            .nth(1)
            .expect("the enum stands")
            .split("\n}\n")
            .next();
        let starts = |line: &&str| {
            line.starts_with("    ") && line.as_bytes().get(4).is_some_and(u8::is_ascii_uppercase)
        };
        body.expect("it ends").lines().filter(starts).count()
    };
    assert_eq!(kinds.len(), of("Event") + of("Private"));
}
