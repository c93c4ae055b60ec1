//! Tables of single decisions; whole lives are told in `tests/it`.

use super::*;
use crate::domain::alert::escalation::Ladder;
use crate::domain::alert::lifecycle::apply;
use crate::domain::alert::{Disposition, Entities, Normalised, Severity};
use crate::domain::effect::ReplyTo;
use crate::domain::people::*;
use crate::domain::policy::{Policy, Role, Treated};
use std::collections::BTreeMap;

const NOW: i64 = 1_764_000_000_000;

fn policy() -> Policy {
    let role = |users: &[&str], may: &[Permission]| Role {
        users: users.iter().map(|user| UserRef((*user).to_owned())).collect(),
        usergroups: Vec::new(),
        may: may.iter().copied().collect(),
    };
    let group = Role {
        usergroups: vec![UsergroupRef("S0BLUE".to_owned())],
        may: [Permission::Acknowledge].into(),
        ..Role::default()
    };
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: Timestamp::from_millis(NOW),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: BTreeMap::from([
            ("analyst".into(), role(&["U0ANA", "U0BEA"], &Permission::ALL)),
            ("auditor".into(), role(&["U0AUD"], &[Permission::See])),
            ("blue".into(), group),
        ]),
        teams: BTreeMap::new(),
        routes: Vec::new(),
        escalations: BTreeMap::from([(Ladder::STANDARD.into(), Ladder::standard())]),
    }
}

fn directory() -> Directory {
    let person = |name: &str| Person { name: name.to_owned(), ..Person::default() };
    Directory {
        workspace: Some("T0OURS".into()),
        enterprise: Some("E0OURS".into()),
        people: BTreeMap::from([
            ("U0ANA".into(), person("ana")),
            ("U0BEA".into(), Person { email: Some("bea@corp.com".to_owned()), ..person("bea") }),
            ("U0GUEST".into(), Person { guest: true, ..person("guest") }),
        ]),
        groups: BTreeMap::from([("S0BLUE".into(), Membership::Known(["U0BLUE".into()].into()))]),
        ..Directory::default()
    }
}

fn incoming(status: Status, users: &[&str]) -> Incoming {
    let entities =
        Entities { users: users.iter().map(|u| (*u).to_owned()).collect(), ..Entities::default() };
    Incoming {
        id: "alr_01JDGQ5R6ZK3V8W9XACEGHJKMN".into(),
        source: "edr".into(),
        alert: Normalised {
            id: Some("1".to_owned()),
            title: "Malware".to_owned(),
            description: None,
            rule: None,
            severity: Severity::High,
            status,
            dedup_key: "1".to_owned(),
            url: None,
            entities,
            tactic: None,
            technique: None,
            occurred_at: None,
        },
        raw: "{}".to_owned(),
        test: false,
    }
}

fn deliver(input: Input) -> Delivery {
    Delivery { key: None, at: Timestamp::from_millis(NOW), input }
}

fn clicker(user: &str) -> Clicker {
    Clicker { user: user.into(), workspace: Some("T0OURS".into()), enterprise: None }
}

fn click(person: Clicker, act: Act, life: u32) -> Delivery {
    let reply_to = ReplyTo { user: person.user.clone(), channel: None, response_url: None };
    let binding = Binding::Good { alert: incoming(Status::Firing, &[]).id, life };
    deliver(Input::Click(Box::new(Click { person, via: Surface::Button, act, binding, reply_to })))
}

/// A world of one alert, to which things happen.
struct One {
    policy: Policy,
    directory: Directory,
    alert: Option<Alert>,
    seq: i64,
}

impl One {
    fn new() -> Self {
        Self { policy: policy(), directory: directory(), alert: None, seq: 0 }
    }

    fn with(users: &[&str]) -> Self {
        let mut one = Self::new();
        one.happens(&deliver(Input::Alert(Box::new(incoming(Status::Firing, users)))));
        one
    }

    fn decides(&self, delivery: &Delivery) -> Decision {
        let context = Context { policy: &self.policy, directory: &self.directory };
        decide(&context, self.alert.as_ref(), delivery)
    }

    fn happens(&mut self, delivery: &Delivery) -> Answer {
        let decision = self.decides(delivery);
        for fact in &decision.facts {
            self.seq += 1;
            let entry = Entry {
                seq: self.seq,
                at: delivery.at,
                stream: decision.stream.clone(),
                actor: delivery.input.actor(),
                roles: Roles::default(),
                via: delivery.input.via(),
                event: fact.event.clone(),
                private: fact.private.clone(),
            };
            // A reception begins a stream of its own.
            let before = self.alert.take().filter(|_| !matches!(entry.event, Event::Received(_)));
            self.alert = apply(before, &entry);
        }
        answer(&delivery.input, &decision)
    }

    fn refuses(&self, delivery: &Delivery) -> &'static str {
        match answer(&delivery.input, &self.decides(delivery)) {
            Answer::Refused { refusal } => refusal.code(),
            Answer::Alert { .. } | Answer::Done | Answer::Form { .. } => "it is done",
        }
    }
}

#[test]
fn who_may_acknowledge_and_who_is_told_why_not() {
    let one = One::with(&["bea@corp.com"]);
    let foreign = Clicker { workspace: Some("T0THEIRS".into()), ..clicker("U0ANA") };
    let grid = Clicker { enterprise: Some("E0OURS".into()), ..foreign.clone() };
    let unnamed = Clicker { workspace: None, ..clicker("U0ANA") };
    let table = [
        (clicker("U0ANA"), "it is done"),
        (unnamed, "it is done"),
        (grid, "it is done"),
        (clicker("U0BLUE"), "it is done"),
        (clicker("U0AUD"), "not_allowed"),
        (clicker("U0NOBODY"), "not_allowed"),
        (clicker("U0GUEST"), "guest"),
        (clicker("U0BEA"), "own_case"),
        (foreign, "foreign_workspace"),
    ];
    for (person, expected) in table {
        let who = person.clone();
        assert_eq!(one.refuses(&click(person, Act::Acknowledge, 0)), expected, "{who:?}");
    }
}

#[test]
fn a_group_that_slack_cannot_tell_refuses_with_that_reason() {
    let mut one = One::with(&[]);
    one.directory.groups.clear();
    assert_eq!(one.refuses(&click(clicker("U0BLUE"), Act::Acknowledge, 0)), "group_unknown");
    assert_eq!(one.refuses(&click(clicker("U0ANA"), Act::Acknowledge, 0)), "it is done");
}

#[test]
fn each_act_in_each_state() {
    let resolve = || Act::Resolve { disposition: Disposition::FalsePositive, note: None };
    let assign = || Act::Assign { to: "U0BEA".into() };
    let table = [
        (Act::Acknowledge, ["it is done", "already_acknowledged", "stale"]),
        (Act::Reopen, ["already_open", "it is done", "it is done"]),
        (Act::AskResolve, ["it is done", "it is done", "already_resolved"]),
        (Act::AskAssign, ["it is done", "it is done", "already_resolved"]),
        (resolve(), ["it is done", "it is done", "already_resolved"]),
        (assign(), ["it is done", "it is done", "already_resolved"]),
    ];
    let mut one = One::with(&[]);
    for (state, before) in [None, Some(Act::Acknowledge), Some(resolve())].into_iter().enumerate() {
        if let Some(act) = before {
            one.happens(&click(clicker("U0ANA"), act, 0));
        }
        for (act, expected) in &table {
            let found = one.refuses(&click(clicker("U0ANA"), act.clone(), 0));
            assert_eq!(found, expected[state], "{act:?} in state {state}");
        }
    }
}

#[test]
fn a_button_of_an_earlier_life_is_stale() {
    let mut one = One::with(&[]);
    let act = |one: &mut One, act, life| one.happens(&click(clicker("U0ANA"), act, life));
    act(&mut one, Act::Acknowledge, 0);
    act(&mut one, Act::Reopen, 0);
    assert_eq!(one.refuses(&click(clicker("U0ANA"), Act::Acknowledge, 0)), "it is done");
    act(&mut one, Act::Resolve { disposition: Disposition::Test, note: None }, 0);
    act(&mut one, Act::Reopen, 0);
    assert_eq!(one.refuses(&click(clicker("U0ANA"), Act::Acknowledge, 0)), "stale");
    assert_eq!(one.refuses(&click(clicker("U0ANA"), Act::Acknowledge, 1)), "it is done");
}

#[test]
fn assigning_is_not_acknowledging_and_only_who_may_act_can_be_assigned() {
    let mut one = One::with(&[]);
    one.happens(&click(clicker("U0ANA"), Act::Acknowledge, 0));
    one.happens(&click(clicker("U0ANA"), Act::Assign { to: "U0BEA".into() }, 0));
    let alert = one.alert.as_ref().expect("it came in");
    assert_eq!((alert.state, alert.ladder.round, alert.waits()), (State::Open, 1, true));
    for to in ["U0AUD", "U0NOBODY"] {
        let assign = click(clicker("U0ANA"), Act::Assign { to: to.into() }, 0);
        assert_eq!(one.refuses(&assign), "assignee_may_not");
    }
    assert_eq!(
        one.refuses(&click(clicker("U0ANA"), Act::Assign { to: "U0BEA".into() }, 0)),
        "already_assigned"
    );
}

#[test]
fn a_note_is_asked_for_where_the_policy_wants_one() {
    let mut one = One::with(&[]);
    let alert = one.alert.as_mut().expect("it came in");
    alert.received.treated = Treated { note: vec![Severity::High], ..Treated::default() };
    let resolve = |note: Option<&str>| {
        let note = note.map(str::to_owned);
        click(clicker("U0ANA"), Act::Resolve { disposition: Disposition::FalsePositive, note }, 0)
    };
    assert_eq!(one.refuses(&resolve(None)), "note_required");
    assert_eq!(one.refuses(&resolve(Some("  "))), "note_required");
    assert_eq!(one.refuses(&resolve(Some("known tool"))), "it is done");
}

#[test]
fn what_a_webhook_is_answered() {
    let mut one = One::new();
    let mut receive =
        |status| match one.happens(&deliver(Input::Alert(Box::new(incoming(status, &[]))))) {
            Answer::Alert { outcome, .. } => outcome,
            other => panic!("a webhook was answered {other:?}"),
        };
    assert_eq!(receive(Status::Resolved), Reception::Suppressed);
    assert_eq!(receive(Status::Firing), Reception::Created);
    assert_eq!(receive(Status::Firing), Reception::Repeated);
    assert_eq!(receive(Status::Resolved), Reception::Resolved);
    assert_eq!(receive(Status::Resolved), Reception::Resolved);
    let alert = one.alert.expect("it came in");
    assert_eq!((alert.state, alert.treated, alert.occurrences), (State::Resolved, false, 2));
}

#[test]
fn a_rung_that_means_nobody_tells_the_channel() {
    let mut one = One::with(&[]);
    one.policy.roles.clear();
    let late = Timestamp::from_millis(NOW + 20 * 60_000);
    let moment = Moment::Due { alert: one.alert.as_ref().expect("it came in").id.clone() };
    let decision = one.decides(&Delivery { key: None, at: late, input: Input::Moment(moment) });
    let events: Vec<_> = decision.facts.into_iter().map(|fact| fact.event).collect();
    let [Event::NobodyMeant { level: 1, .. }, Event::Escalated { told }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(told.how, Way::Channel(ChannelRef("#soc".to_owned())));
}
