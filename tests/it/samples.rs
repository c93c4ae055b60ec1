//! What stands in journals out there must be read for ever: a sample line of each kind, which is only ever added to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use vigie::connectors::{Given, Library, connect};
use vigie::domain::alert::escalation::Acknowledge;
use vigie::domain::alert::lifecycle::Posted;
use vigie::domain::alert::{Disposition, Entities, Normalised, Severity, State, Status};
use vigie::domain::event::*;
use vigie::domain::ids::ToolName;
use vigie::domain::input::{Reach, Sent};
use vigie::domain::people::ChannelRef;
use vigie::domain::playbook::Trigger;
use vigie::domain::playbook::plan::{self, Plan};
use vigie::domain::playbook::run::event::*;
use vigie::domain::playbook::run::{Opened, PlanContent};
use vigie::domain::playbook::scope::About;
use vigie::domain::policy::Treated;
use vigie::domain::refusal::Refusal;
use vigie::domain::time::Timestamp;
use vigie::domain::tool::call::{Answered, Found, Unsure, Why};
use vigie::domain::tool::{Catalogue, Risk, Uses};
use vigie::playbooks::{self, Known};

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
        Event::Triggered { playbook: "enrich".into() },
        Event::SeveritySet { to: Severity::High },
        Event::EntitiesAdded {},
    ]
    .into_iter()
    .chain(one_of_each_kind_of_a_run().into_iter().map(Event::Run))
    .collect()
}

fn one_of_each_kind_of_a_run() -> Vec<RunEvent> {
    let call = || CallId { step: "contain".into(), iteration: 0, attempt: 1 };
    let posted = || Posted { channel: "C0SOC".into(), ts: "1732500000.000100".into() };
    let at = Timestamp::from_millis(1_764_000_000_000);
    let (plan, hash) = (|| "b1a5ed".to_owned(), || "f11e".to_owned());
    vec![
        RunEvent::Planned(Box::new(RunPlanned {
            playbook: "isolate-host".into(),
            playbook_hash: hash(),
            plan_hash: plan(),
            alert: Some("alr_01JDGQ5R6ZK3V8W9XACEGHJKMN".into()),
            test: false,
            trigger: Trigger::Button,
            risk: Risk::Destructive,
            tools: [("crowdstrike".into(), "70015".to_owned())].into(),
            approval: Some(ApprovalRule { by: "lead".into(), quorum: 1, within_ms: 900_000 }),
            escalation: "critical".into(),
            rungs: vec![RungKey("5f0c1b2a3d4e5f60".to_owned())],
            undoes: Some("run_01JDGQ5R6ZK3V8W9XACEGHJKMN".into()),
            config_hash: "c0ffee".to_owned(),
        })),
        RunEvent::Started { deadline: Some(at) },
        RunEvent::Approved { plan: plan(), enough: true },
        RunEvent::Declined { plan: plan() },
        RunEvent::Lapsed {},
        RunEvent::Cancelled {},
        RunEvent::StepOpened { step: "contain".into(), times: 1 },
        RunEvent::StepSkipped { step: "ticket".into(), why: Skipped::When },
        RunEvent::CallWanted { call: call(), after: at, purpose: Purpose::Act },
        RunEvent::StepStarted {
            call: call(),
            uses: Uses { tool: "crowdstrike".into(), action: "contain".into() },
            risk: Risk::Destructive,
            request: "4e0e57".to_owned(),
        },
        RunEvent::StepDone { call: call(), how: Finish::Answered },
        RunEvent::StepFailed {
            call: call(),
            why: Fault::Call(Why::Refused),
            again: false,
            ends: true,
        },
        RunEvent::StepInDoubt { call: call(), why: Doubt::Unsure(Unsure::TimedOut) },
        RunEvent::StepDecided { call: call(), choice: Choice::Take(1) },
        RunEvent::Ended { end: End::Done },
        RunEvent::Shown { posted: posted(), beside: posted(), how: Sent::Posted, again: false },
        RunEvent::MessageLost { why: "message_not_found".to_owned() },
        RunEvent::Escalated { told: told() },
        RunEvent::Notified {
            told: told(),
            posted: posted(),
            how: Sent::Posted,
            reach: Reach::Delivered,
        },
        RunEvent::NotTold { told: told(), why: "user_not_found".to_owned() },
        RunEvent::NobodyMeant { round: 1, level: 2, rung: told().rung, repeat: 0 },
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
        Private::Plan(Box::new(plan())),
        Private::Opened(Box::new(Opened {
            lets: [("who".to_owned(), "alice".into())].into(),
            items: vec!["web-1".into()],
            rounds: Vec::new(),
        })),
        Private::Answered(Box::new(Answered {
            out: [("id".to_owned(), "d1".into())].into(),
            found: Some(Found { count: 1, ..Found::default() }),
            already: false,
        })),
        Private::Entities(Box::new(Entities {
            ips: vec!["10.0.0.1".to_owned()],
            ..Entities::default()
        })),
    ]
}

/// The plan of the smallest playbook that calls, says and changes something.
fn plan() -> PlanContent {
    let text = "title: Look\nask: {host: {text: Which}}\nsteps:\n  - {id: it, uses: http.request, \
                with: {method: GET, path: '/{{ ask.host }}'}}\n  - say: '{{ steps.it.status }}'\n  - alert: {severity: low}\n";
    let spec = Library::shipped().get("http").expect("it is shipped");
    let name: ToolName = "http".into();
    let given = Given {
        plain: [("base_url".to_owned(), "https://x.example.com".into())].into(),
        ..Given::default()
    };
    let (tool, _) = connect(spec, &name, given).expect("it is connected");
    let catalogue = Catalogue([(name, Arc::new(tool))].into());
    let known = Known { catalogue: &catalogue, roles: None };
    let checked = playbooks::check("look.yaml", text, known).expect("it is good");
    let alert: Normalised = serde_json::from_value(serde_json::json!({
        "title": "x", "severity": "low", "status": "firing", "dedup_key": "x",
    }))
    .expect("an alert");
    let about = About { source: "edr".into(), alert };
    let asked = [("host".to_owned(), "web-1".into())].into();
    let (playbook, catalogue) = (&checked.playbook, &catalogue);
    let wanted = plan::Wanted { playbook, catalogue, about: &about, asked: &asked };
    let mut outline = Plan::make(&wanted).expect("it can be planned").outline().clone();
    // The connector's file may change; what stands in journals does not.
    outline.tools.values_mut().for_each(|print| *print = "70015".to_owned());
    PlanContent {
        title: "Look".to_owned(),
        text: text.to_owned(),
        source: about.source,
        alert: about.alert,
        outline,
        undoes_for: Default::default(),
    }
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
    let events = include_str!("../../src/domain/event.rs");
    let of_runs = include_str!("../../src/domain/playbook/run/event.rs");
    let of = |source: &str, name: &str| {
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
    // What stands in `Event` for all of a run's is no kind of its own.
    let wanted = of(events, "Event") - 1 + of(of_runs, "RunEvent") + of(events, "Private");
    assert_eq!(kinds.len(), wanted);
}
