//! Tables of single decisions; whole lives are told in `tests/it`.

use super::*;
use crate::domain::alert::audience::audience;
use crate::domain::alert::escalation::Ladder;
use crate::domain::alert::lifecycle::apply;
use crate::domain::alert::{Disposition, Entities, Normalised, Severity, State};
use crate::domain::effect::{Effect, EffectId, ReplyTo};
use crate::domain::people::*;
use crate::domain::policy::{Permission, Policy, Role, Treated};
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

const NOW: i64 = 1_764_000_000_000;

fn policy() -> Policy {
    let role = |users: &[&str], may: &[Permission]| Role {
        users: users.iter().map(|user| UserRef((*user).to_owned())).collect(),
        may: may.iter().copied().collect(),
        ..Role::default()
    };
    let group = Role {
        usergroups: vec![UsergroupRef("S0BLUE".to_owned())],
        may: [Permission::Acknowledge].into(),
        ..Role::default()
    };
    Policy {
        config_hash: "c0ffee".to_owned(),
        since: Timestamp::from_millis(NOW),
        ladders_since: Default::default(),
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
        catalogue: Default::default(),
        playbooks: Default::default(),
        protected: Default::default(),
        limits: Default::default(),
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
        by: None,
    }
}

fn deliver(input: Input) -> Delivery {
    Delivery { key: None, at: Timestamp::from_millis(NOW), input }
}

fn clicker(user: &str) -> Clicker {
    Clicker { user: user.into(), name: None, workspace: Some("T0OURS".into()), enterprise: None }
}

fn click(person: Clicker, act: Act, life: u32) -> Delivery {
    let reply_to = ReplyTo { user: person.user.clone(), channel: None, response_url: None };
    let binding = Binding::Good { alert: incoming(Status::Firing, &[]).id, life };
    deliver(Input::Click(Box::new(Click {
        who: Who::Person(person),
        via: Surface::Button,
        act,
        binding,
        reply_to: Some(reply_to),
    })))
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
            Answer::Alert { .. } | Answer::Done | Answer::Form { .. } | Answer::Call(_) => {
                "it is done"
            }
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

#[test]
fn more_people_than_one_message_mentions_are_told_in_several() {
    let mut one = One::with(&[]);
    let many = (0..320).map(|number| UserRef(format!("U0X{number:04}")));
    one.policy.roles.get_mut(&"analyst".into()).expect("it is there").users = many.collect();
    let group = vec![UsergroupRef("S0BLUE".to_owned())];
    one.policy.roles.get_mut(&"analyst".into()).expect("it is there").usergroups = group;
    let late = Timestamp::from_millis(NOW + 20 * 60_000);
    let moment = Moment::Due { alert: one.alert.as_ref().expect("it came in").id.clone() };
    let decision = one.decides(&Delivery { key: None, at: late, input: Input::Moment(moment) });
    let told: Vec<_> = decision
        .facts
        .iter()
        .map(|fact| match &fact.event {
            Event::Escalated { told } => told,
            other => panic!("{other:?}"),
        })
        .collect();
    let counts: Vec<_> = told.iter().map(|told| (told.people.len(), told.groups.len())).collect();
    assert_eq!(counts, [(151, 1), (150, 0), (20, 0)], "who is in the group is mentioned with it");
    let all: std::collections::BTreeSet<_> = told.iter().flat_map(|told| &told.people).collect();
    assert_eq!(all.len(), 321, "each once");
    one.happens(&Delivery {
        key: None,
        at: late,
        input: Input::Moment(Moment::Due { alert: told_of(&one) }),
    });
    assert_eq!(one.alert.as_ref().expect("it came in").ladder.fired[0].meant, 321);
}

fn told_of(one: &One) -> AlertId {
    one.alert.as_ref().expect("it came in").id.clone()
}

fn changes(one: &One, moment: Moment) -> Vec<Event> {
    let decision = one.decides(&deliver(Input::Moment(moment)));
    decision.facts.into_iter().map(|fact| fact.event).collect()
}

/// An alert whose message stands in `C0SEC`, where `#soc` is the channel for what others do not take.
fn shown() -> One {
    let mut one = One::with(&[]);
    let alert = one.alert.as_mut().expect("it came in");
    alert.received.channel = ChannelRef("C0SEC".to_owned());
    let event =
        Event::Shown { channel: "C0SEC".into(), ts: "1.1".into(), how: Sent::Posted, again: false };
    let shown = entry(&alert.id.clone(), event);
    one.alert = apply(one.alert.take(), &shown);
    one
}

#[test]
fn what_slack_says_has_changed_is_held_against_what_is_so_now() {
    let mut one = shown();
    let deleted =
        |channel: &str, ts: &str| Moment::MessageDeleted { channel: channel.into(), ts: ts.into() };
    let closed = |one: &One, channel: &str| Moment::PlaceClosed {
        alert: told_of(one),
        channel: channel.into(),
        why: "is_archived".to_owned(),
    };
    assert_eq!(changes(&one, deleted("C0SEC", "1.0")), [], "another message");
    assert_eq!(changes(&one, deleted("C0SOC", "1.1")), [], "another channel's");
    let lost = Event::MessageLost { why: "message_deleted".to_owned() };
    assert_eq!(changes(&one, deleted("C0SEC", "1.1")), [lost]);
    assert_eq!(changes(&one, closed(&one, "C0SOC")), [], "it does not stand there");
    let moved = Event::Displaced {
        from: ChannelRef("C0SEC".to_owned()),
        why: "is_archived".to_owned(),
        to: ChannelRef("#soc".to_owned()),
    };
    assert_eq!(changes(&one, closed(&one, "C0SEC")), [moved]);
    let moment = deliver(Input::Moment(closed(&one, "C0SEC")));
    one.happens(&moment);
    assert_eq!(changes(&one, closed(&one, "C0SEC")), [], "told twice, it is moved once");
    assert_eq!(changes(&one, deleted("C0SEC", "1.1")), []);
    let mut over = shown();
    over.happens(&click(
        clicker("U0ANA"),
        Act::Resolve { disposition: Disposition::Test, note: None },
        0,
    ));
    assert_eq!(changes(&over, deleted("C0SEC", "1.1")), [], "what is over is left alone");
    assert_eq!(changes(&over, closed(&over, "C0SEC")), []);
}

#[test]
fn where_there_is_no_other_channel_the_first_people_who_are_there_are_told() {
    let mut one = shown();
    one.alert.as_mut().expect("it came in").received.channel = one.policy.channel.clone();
    let closed = |one: &One| Moment::PlaceClosed {
        alert: told_of(one),
        channel: "C0SEC".into(),
        why: "is_archived".to_owned(),
    };
    let events = changes(&one, closed(&one));
    let [Event::NotShown { .. }, Event::Escalated { told }] = events.as_slice() else {
        panic!("{events:?}");
    };
    assert_eq!(
        (told.level, &told.how, told.people.len()),
        (0, &Way::Dm, 2),
        "no lead is named: the team"
    );
    let moment = deliver(Input::Moment(closed(&one)));
    one.happens(&moment);
    assert_eq!(changes(&one, closed(&one)), [], "it is told once");
    let alert = one.alert.as_ref().expect("it came in");
    assert!(alert.is_stuck() && alert.ladder.fired.len() == 1);
}

#[test]
fn what_somebody_had_who_is_gone_waits_for_others() {
    let departed = |one: &One| changes(one, Moment::Departed { alert: told_of(one) });
    let gone = |one: &mut One, user: &str| {
        let person = Person { deactivated: true, ..Person::default() };
        one.directory.people.insert(user.into(), person);
    };
    let mut assigned = One::with(&[]);
    assigned.happens(&click(clicker("U0ANA"), Act::Assign { to: "U0BEA".into() }, 0));
    assert_eq!(departed(&assigned), [], "she is there");
    gone(&mut assigned, "U0BEA");
    assert_eq!(departed(&assigned), [Event::Returned { from: "U0BEA".into() }]);

    let mut held = One::with(&[]);
    held.happens(&click(clicker("U0BEA"), Act::Acknowledge, 0));
    gone(&mut held, "U0BEA");
    assert_eq!(departed(&held), [Event::HolderGone { who: "U0BEA".into() }]);
    let round = held.alert.as_ref().expect("it came in").ladder.round;
    let moment = deliver(Input::Moment(Moment::Departed { alert: told_of(&held) }));
    held.happens(&moment);
    let alert = held.alert.as_ref().expect("it came in");
    assert_eq!((alert.state, &alert.holder, alert.treated), (State::Open, &None, false));
    assert_eq!(alert.ladder.round, round + 1, "the ladder starts anew");
    assert_eq!(departed(&held), [], "once");
    assert_eq!(held.refuses(&click(clicker("U0BEA"), Act::Acknowledge, 0)), "not_allowed");

    let mut over = One::with(&[]);
    over.happens(&click(clicker("U0BEA"), Act::Acknowledge, 0));
    over.happens(&click(
        clicker("U0ANA"),
        Act::Resolve { disposition: Disposition::Test, note: None },
        0,
    ));
    gone(&mut over, "U0BEA");
    assert_eq!(departed(&over), [], "what is over is over");
}

#[test]
fn what_was_over_before_we_heard_of_it_swallows_no_later_firing() {
    let mut one = One::new();
    one.happens(&deliver(Input::Alert(Box::new(incoming(Status::Resolved, &[])))));
    assert_eq!(one.refuses(&click(clicker("U0ANA"), Act::Reopen, 0)), "stale");
    let firing = deliver(Input::Alert(Box::new(incoming(Status::Firing, &[]))));
    let Answer::Alert { outcome, .. } = one.happens(&firing) else { panic!("a webhook") };
    assert_eq!(outcome, Reception::Created);
}

#[test]
fn what_waits_for_somebody_is_not_treated_whoever_had_it_before() {
    let mut one = One::with(&[]);
    let treated = |one: &One| one.alert.as_ref().expect("it came in").treated;
    let mut act = |act: Act| {
        one.happens(&click(clicker("U0ANA"), act, 0));
        treated(&one)
    };
    assert!(act(Act::Acknowledge));
    assert!(!act(Act::Reopen), "the acknowledgement was taken back");
    assert!(act(Act::Acknowledge));
    assert!(!act(Act::Assign { to: "U0BEA".into() }), "it waits for who it was assigned to");

    let mut one = One::with(&[]);
    let alert = one.alert.as_mut().expect("it came in");
    alert.received.treated =
        Treated { acknowledged: false, note: vec![Severity::High], ..Treated::default() };
    one.happens(&deliver(Input::Outcome(Outcome {
        row: (EffectId(1), 1),
        effect: Effect::Post { alert: incoming(Status::Firing, &[]).id },
        result: Done::Shown {
            channel: "C0SOC".into(),
            ts: "1732500000.000100".into(),
            how: Sent::Posted,
            as_of: 1,
            instead: None,
        },
    })));
    assert!(!treated(&one), "shown is not treated");
    one.happens(&deliver(Input::Alert(Box::new(incoming(Status::Resolved, &[])))));
    assert!(!treated(&one), "the source writes no note");
}

#[test]
fn only_where_nobody_of_a_rung_could_hear_it_the_next_one_hurries() {
    let mut one = One::with(&[]);
    let id = one.alert.as_ref().expect("it came in").id.clone();
    let told = |people: &[&str]| Told {
        round: 0,
        level: 1,
        rung: RungKey("5f0c1b2a3d4e5f60".to_owned()),
        repeat: 0,
        how: Way::Dm,
        people: people.iter().map(|user| (*user).into()).collect(),
        groups: Vec::new(),
    };
    let alert = one.alert.as_mut().expect("it came in");
    let reached = entry(&id, Event::Escalated { told: told(&["U0ANA", "U0BEA"]) });
    let mut alert = apply(Some(alert.clone()), &reached).expect("it goes on");
    let mut unheard = Vec::new();
    for person in ["U0ANA", "U0BEA"] {
        let failed = Event::NotTold { told: told(&[person]), why: "user_not_found".to_owned() };
        alert = apply(Some(alert), &entry(&id, failed)).expect("it goes on");
        unheard.push(alert.ladder.fired[0].unheard.is_some());
    }
    assert_eq!(unheard, [false, true]);
}

fn entry(id: &AlertId, event: Event) -> Entry {
    Entry {
        seq: 9,
        at: Timestamp::from_millis(NOW),
        stream: Stream::Alert(id.clone()),
        actor: Actor::System,
        roles: Roles::default(),
        via: Surface::Timer,
        event,
        private: None,
    }
}

#[test]
fn a_test_alert_and_a_real_one_never_meet() {
    use crate::domain::alert::routing;
    let one = One::new();
    let context = Context { policy: &one.policy, directory: &one.directory };
    let received = |test| {
        let incoming = Incoming { test, ..incoming(Status::Firing, &[]) };
        routing::receive(&context, &incoming, None)
    };
    assert_ne!(received(true).fingerprint, received(false).fingerprint);
}

#[test]
fn it_is_about_whom_any_firing_names_and_who_calls_themselves_so() {
    let mut one = One::with(&["ana"]);
    let again = incoming(Status::Firing, &["bea@corp.com"]);
    one.happens(&deliver(Input::Alert(Box::new(again))));
    assert_eq!(one.refuses(&click(clicker("U0BEA"), Act::Acknowledge, 0)), "own_case");
    one.directory.people.clear();
    let ana = Clicker { name: Some("ana".to_owned()), ..clicker("U0ANA") };
    assert_eq!(one.refuses(&click(ana, Act::Acknowledge, 0)), "own_case");
}

#[test]
fn a_guest_and_who_is_gone_are_neither_assigned_nor_told() {
    let mut one = One::with(&[]);
    for (name, user) in [("guest", "U0GUEST"), ("gone", "U0GONE")] {
        one.policy
            .roles
            .get_mut(&"analyst".into())
            .expect("there")
            .users
            .push(UserRef(user.into()));
        let gone = Person { deactivated: true, ..Person::default() };
        one.directory.people.entry("U0GONE".into()).or_insert(gone);
        let assign = click(clicker("U0ANA"), Act::Assign { to: user.into() }, 0);
        assert_eq!(one.refuses(&assign), "assignee_may_not", "{name}");
    }
    let context = Context { policy: &one.policy, directory: &one.directory };
    let alert = one.alert.as_ref().expect("it came in");
    let meant = audience(&context, alert, &[crate::domain::policy::Whom::Role("analyst".into())]);
    assert_eq!(meant.people, ["U0ANA".into(), "U0BEA".into()]);
}

#[test]
fn whoever_gives_it_up_is_not_chased_for_it() {
    let mut one = One::with(&[]);
    for act in [Act::Assign { to: "U0BEA".into() }, Act::Acknowledge, Act::Reopen] {
        one.happens(&click(clicker("U0BEA"), act, 0));
    }
    assert_eq!(one.alert.expect("it came in").assignee, None);
}

#[test]
fn on_grid_the_organisation_counts_for_whom_slack_has_told_of() {
    let mut one = One::with(&[]);
    let of = |workspace: &str, enterprise: Option<&str>| Clicker {
        workspace: Some(workspace.into()),
        enterprise: enterprise.map(Into::into),
        ..clicker("U0ANA")
    };
    let refused = |one: &One, person| one.refuses(&click(person, Act::Acknowledge, 0));
    assert_eq!(refused(&one, of("T0SISTER", Some("E0OURS"))), "it is done");
    assert_eq!(refused(&one, of("E0OURS", None)), "it is done", "told as the organisation itself");
    assert_eq!(refused(&one, of("T0THEIRS", None)), "foreign_workspace");
    one.directory.people.clear();
    assert_eq!(refused(&one, of("T0SISTER", Some("E0OURS"))), "foreign_workspace");
}
