//! Random sequences of what people, tools, time and crashes do to a run, against a reference that knows only the rules: who may
//! say what when, and that nothing is done that nobody allowed, or twice without a person's word.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use vigie::connectors::{Given, Library, connect};
use vigie::domain::alert::escalation::Ladder;
use vigie::domain::alert::lifecycle::{self, Alert};
use vigie::domain::alert::{Normalised, routing};
use vigie::domain::decide::{Subject, answer, decide};
use vigie::domain::event::{AlertContent, Entry, Event, Private, Stream};
use vigie::domain::ids::{AlertId, RunId, ToolName};
use vigie::domain::input::*;
use vigie::domain::people::*;
use vigie::domain::playbook::run::event::*;
use vigie::domain::playbook::run::gate::Pinned;
use vigie::domain::playbook::run::{self, Run, RunState};
use vigie::domain::playbook::{Asked, Playbooks};
use vigie::domain::policy::{Context, Permission, Policy, Role};
use vigie::domain::time::Timestamp;
use vigie::domain::tool::call::{Answered, Called, Failed, Found, Unsure, Why};
use vigie::domain::tool::{Catalogue, Values};
use vigie::playbooks::{self, Known};

const PLAYBOOK: &str = "
title: Contain
who: analyst
approve: {by: lead, quorum: 2, within: 15m}
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: '{{ alert.hosts[0] }}'}, expect: one}
  - {id: contain, uses: crowdstrike.contain, with: {device_id: '{{ steps.find.id }}'}}
  - {id: ticket, uses: jira.create_issue, with: {project: SEC, summary: '{{ alert.title }}'}}
";
const WITHIN: u64 = 15 * 60;
/// Two analysts, three leads (one is both), and somebody without a role.
const PEOPLE: [&str; 6] = ["U0ANA", "U0BEA", "U0LEA", "U0LEO", "U0LIZ", "U0EVE"];
const ANALYSTS: [&str; 3] = ["U0ANA", "U0BEA", "U0LEA"];
const LEADS: [&str; 3] = ["U0LEA", "U0LEO", "U0LIZ"];

/// One thing that happens.
#[derive(Clone, Debug)]
enum Op {
    Start(usize),
    Approve {
        who: usize,
        changed: bool,
    },
    Decline(usize),
    Cancel(usize),
    Decide {
        who: usize,
        choice: Choice,
        old: bool,
    },
    /// The call that waits is taken up; `twice`: by a process that has crashed since it was begun.
    Take {
        crashed: bool,
    },
    Return(Returned),
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
enum Returned {
    Good,
    Refused,
    NotSent,
    Lost,
    Two,
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..PEOPLE.len();
    let choice = prop_oneof![
        Just(Choice::Check),
        Just(Choice::Happened),
        Just(Choice::Again),
        Just(Choice::Abandon),
        (0_u32..3).prop_map(Choice::Take),
    ];
    let returned = prop_oneof![
        4 => Just(Returned::Good),
        1 => Just(Returned::Refused),
        1 => Just(Returned::NotSent),
        3 => Just(Returned::Lost),
        1 => Just(Returned::Two),
    ];
    prop_oneof![
        2 => who.clone().prop_map(Op::Start),
        4 => (who.clone(), any::<bool>()).prop_map(|(who, c)| Op::Approve { who, changed: c && who % 3 == 0 }),
        1 => who.clone().prop_map(Op::Decline),
        1 => who.clone().prop_map(Op::Cancel),
        9 => (who, choice, any::<bool>()).prop_map(|(who, choice, old)| Op::Decide { who, choice, old: old && who % 2 == 0 }),
        8 => any::<bool>().prop_map(|c| Op::Take { crashed: c }),
        8 => returned.prop_map(Op::Return),
        2 => (1_u64..600).prop_map(Op::Wait),
    ]
}

/// What the rules say, told naively: no events, no folding, no gate.
#[derive(Default)]
struct Reference {
    started: Option<(usize, u64)>,
    approved: BTreeSet<usize>,
    declined: bool,
    cancelled: bool,
    /// How often each effect was let out, and how often a person wanted it again.
    let_out: [u32; 2],
    wanted_again: [u32; 2],
}

impl Reference {
    fn may_start(&self, who: usize) -> bool {
        self.started.is_none() && ANALYSTS.contains(&PEOPLE[who])
    }

    fn waits(&self, now: u64) -> bool {
        let (Some((_, at)), false, false) = (self.started, self.declined, self.cancelled) else {
            return false;
        };
        self.approved.len() < 2 && now < at + WITHIN
    }

    fn may_approve(&self, who: usize, now: u64) -> bool {
        let starter = self.started.map(|(who, _)| who);
        // Whoever had it planned is 0.
        self.waits(now)
            && LEADS.contains(&PEOPLE[who])
            && starter != Some(who)
            && who != 0
            && !self.approved.contains(&who)
    }

    /// Whether anything may be done at all.
    fn is_allowed(&self) -> bool {
        self.approved.len() >= 2 && !self.declined
    }
}

struct Real {
    policy: Policy,
    directory: Directory,
    pinned: Pinned,
    alert: Alert,
    run: Option<Run>,
    seq: i64,
    now: u64,
    clicks: usize,
    /// The call that waits to be taken up, and the one that is under way.
    waiting: Option<(CallId, Purpose)>,
    under_way: Option<(CallId, Purpose)>,
}

static PINNED: LazyLock<Pinned> = LazyLock::new(|| {
    let catalogue = Arc::new(catalogue());
    let known = Known { catalogue: &catalogue, roles: None };
    let checked = playbooks::check("contain.yaml", PLAYBOOK, known).expect("it is good");
    Pinned { playbook: Arc::new(checked.playbook), catalogue }
});

fn catalogue() -> Catalogue {
    let mut all = Catalogue::default();
    for (name, plain) in [
        ("crowdstrike", vec![("base_url", "https://api.crowdstrike.com"), ("client_id", "x")]),
        ("jira", vec![("base_url", "https://x.atlassian.net"), ("email", "x@example.com")]),
    ] {
        let spec = Library::shipped().get(name).expect("it is shipped");
        let plain = plain.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        let name = ToolName::from(name);
        let given = Given { plain, ..Given::default() };
        let (tool, _) = connect(spec, &name, given).expect("it is connected");
        all.0.insert(name, Arc::new(tool));
    }
    all
}

fn role(users: &[&str]) -> Role {
    Role {
        users: users.iter().map(|user| UserRef((*user).to_owned())).collect(),
        may: Permission::ALL.into(),
        ..Role::default()
    }
}

impl Real {
    fn new() -> Self {
        let Pinned { playbook, catalogue } = PINNED.clone();
        let policy = Policy {
            config_hash: "c0ffee".to_owned(),
            since: Timestamp::from_millis(0),
            ladders_since: Default::default(),
            timezone: jiff::tz::TimeZone::UTC,
            channel: ChannelRef("#soc".to_owned()),
            roles: [("analyst".into(), role(&ANALYSTS)), ("lead".into(), role(&LEADS))].into(),
            teams: Default::default(),
            routes: Vec::new(),
            escalations: [(Ladder::STANDARD.into(), Ladder::standard())].into(),
            catalogue: catalogue.clone(),
            playbooks: Arc::new(Playbooks([("contain".into(), playbook.clone())].into())),
            protected: Default::default(),
            limits: Default::default(),
        };
        let directory = Directory::default();
        let alert = alert(&policy, &directory);
        let pinned = Pinned { playbook, catalogue };
        let (run, waiting, under_way) = (None, None, None);
        let mut real = Self {
            policy,
            directory,
            pinned,
            alert,
            run,
            seq: 10,
            now: 1000,
            clicks: 0,
            waiting,
            under_way,
        };
        let planned = Act::PlanRun { playbook: "contain".into(), run: id(), asked: Asked::new() };
        let binding = Binding::Named { alert: real.alert.id.clone() };
        real.click(0, planned, binding).expect("it can be planned");
        real
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.now * 1000).expect("small"))
    }

    /// What somebody does; `Err` is the refusal's word.
    fn click(&mut self, who: usize, act: Act, binding: Binding) -> Result<(), &'static str> {
        let person =
            Clicker { user: PEOPLE[who].into(), name: None, workspace: None, enterprise: None };
        let who = Who::Person(person);
        // Whichever way it comes in.
        let ways = [Surface::Button, Surface::Modal, Surface::Slash, Surface::Cli];
        let via = ways[self.clicks % ways.len()];
        self.clicks += 1;
        let click = Click { who, via, act, binding, reply_to: None };
        match self.hand_in(Input::Click(Box::new(click))) {
            Answer::Refused { refusal } => Err(refusal.code()),
            _ => Ok(()),
        }
    }

    fn hand_in(&mut self, input: Input) -> Answer {
        let context = Context { policy: &self.policy, directory: &self.directory };
        let delivery = Delivery { key: None, at: self.at(), input };
        let subject = Subject {
            alert: Some(&self.alert),
            run: self.run.as_ref(),
            pinned: Some(&self.pinned),
            ..Subject::default()
        };
        let decision = decide(&context, subject, &delivery);
        let answer = answer(&delivery.input, &decision);
        let facts: Vec<_> =
            decision.all().map(|(stream, fact)| (stream.clone(), fact.clone())).collect();
        for (stream, fact) in facts {
            self.seq += 1;
            let entry = Entry {
                seq: self.seq,
                at: delivery.at,
                stream,
                actor: delivery.input.actor(),
                roles: Roles::default(),
                via: delivery.input.via(),
                event: fact.event,
                private: fact.private,
            };
            if let Event::Run(RunEvent::CallWanted { call, purpose, .. }) = &entry.event {
                self.waiting = Some((call.clone(), *purpose));
            }
            if let Stream::Run(_) = &entry.stream {
                self.run = run::apply(self.run.take(), &entry);
            }
        }
        answer
    }

    fn bound(&self, changed: bool) -> Binding {
        let run = self.run.as_ref().expect("it is planned");
        let plan = match changed {
            true => "another".to_owned(),
            false => run.planned.plan_hash.clone(),
        };
        Binding::Run { run: run.id.clone(), plan }
    }

    fn state(&self) -> RunState {
        self.run.as_ref().expect("it is planned").state
    }
}

fn id() -> RunId {
    RunId::new("run_01JDGQ5R6ZK3V8W9XACEGHJKMN")
}

fn alert(policy: &Policy, directory: &Directory) -> Alert {
    let normalised: Normalised = serde_json::from_value(serde_json::json!({
        "title": "x", "severity": "low", "status": "firing", "dedup_key": "x", "hosts": ["laptop-7"],
    }))
    .expect("an alert");
    let id = AlertId::new("alr_01JDGQ5R6ZK3V8W9XACEGHJKMN");
    let incoming = Incoming {
        id: id.clone(),
        source: "edr".into(),
        alert: normalised.clone(),
        raw: String::new(),
        test: false,
        by: None,
    };
    let received = routing::receive(&Context { policy, directory }, &incoming, None);
    let content = AlertContent {
        source_id: None,
        title: normalised.title,
        description: None,
        rule: None,
        url: None,
        entities: normalised.entities,
        tactic: None,
        technique: None,
        raw: String::new(),
    };
    let entry = Entry {
        seq: 1,
        at: Timestamp::from_millis(0),
        stream: Stream::Alert(id),
        actor: Actor::Source("edr".into()),
        roles: Roles::default(),
        via: Surface::Webhook,
        event: Event::Received(Box::new(received)),
        private: Some(Private::Alert(Box::new(content))),
    };
    lifecycle::apply(None, &entry).expect("it is a reception")
}

/// What a tool gives back.
fn called(step: &str, returned: Returned, purpose: Purpose) -> Called {
    let host = |id: &str| -> Values {
        [("id".to_owned(), id.into()), ("status".to_owned(), "normal".into())].into()
    };
    let found = |ids: &[&str]| {
        let items: Vec<Values> = ids.iter().map(|id| host(id)).collect();
        let out = items.first().cloned().unwrap_or_default();
        let count = u64::try_from(items.len()).expect("few");
        Called::Answered(Answered {
            out,
            found: Some(Found { count, items, more: false }),
            already: false,
        })
    };
    match (returned, step) {
        (Returned::Two, "find") => found(&["d1", "d2"]),
        (Returned::Good, "find") => found(&["d1"]),
        (Returned::Good | Returned::Two, _) if purpose == Purpose::Check => found(&["d1"]),
        (Returned::Good | Returned::Two, _) => Called::Answered(Answered::default()),
        (Returned::Refused, _) => failed(Why::Refused),
        (Returned::NotSent, _) => failed(Why::NotSent),
        (Returned::Lost, "find") => failed(Why::Broken),
        (Returned::Lost, _) => Called::Unsure { why: Unsure::Broken, message: "cut".to_owned() },
    }
}

fn failed(why: Why) -> Called {
    Called::Failed(Failed { why, message: "no".to_owned(), retry_after_ms: None })
}

fn effect(step: &str) -> Option<usize> {
    ["contain", "ticket"].iter().position(|name| *name == step)
}

/// Plays them; how they stand at the end.
fn play(ops: &[Op]) -> (Real, Reference) {
    let (mut real, mut rules) = (Real::new(), Reference::default());
    for op in ops {
        let over = real.run.as_ref().is_some_and(Run::is_over);
        match op {
            Op::Start(who) => {
                let done = real.click(*who, Act::StartRun, real.bound(false)).is_ok();
                let may = rules.may_start(*who) && !over;
                assert_eq!(done, may, "{op:?}");
                if done {
                    rules.started = Some((*who, real.now));
                }
            }
            Op::Approve { who, changed } => {
                let done = real.click(*who, Act::ApproveRun, real.bound(*changed));
                let may = rules.may_approve(*who, real.now) && !changed && !over;
                assert_eq!(done.is_ok(), may, "{op:?}: {done:?}");
                if done.is_ok() {
                    rules.approved.insert(*who);
                }
            }
            Op::Decline(who) => {
                let done = real.click(*who, Act::DeclineRun, real.bound(false)).is_ok();
                let may = rules.waits(real.now) && LEADS.contains(&PEOPLE[*who]) && !over;
                assert_eq!(done, may, "{op:?}");
                rules.declined |= done;
            }
            Op::Cancel(who) => {
                let done = real.click(*who, Act::CancelRun, real.bound(false)).is_ok();
                let may = ANALYSTS.contains(&PEOPLE[*who]) && !over && !rules.cancelled;
                assert_eq!(done, may, "{op:?}");
                rules.cancelled |= done;
            }
            Op::Decide { who, choice, old } => {
                decides(&mut real, &mut rules, (*who, *choice, *old))
            }
            Op::Take { crashed } => takes(&mut real, &mut rules, *crashed),
            Op::Return(returned) => {
                let Some((call, purpose)) = real.under_way.take() else { continue };
                let called = called(call.step.as_str(), *returned, purpose);
                let effect = vigie::domain::effect::Effect::Call {
                    run: id(),
                    call,
                    purpose,
                    after: real.at(),
                };
                let row = (vigie::domain::effect::EffectId(1), 1);
                let result = Done::Called(Box::new(called));
                real.hand_in(Input::Outcome(Outcome { row, effect, result }));
            }
            Op::Wait(seconds) => {
                real.now += seconds;
                real.hand_in(Input::Moment(Moment::RunDue { run: id() }));
            }
        }
        holds(&real, &rules);
    }
    (real, rules)
}

/// A person says how it goes on; `old`: about a try that is not the newest.
fn decides(real: &mut Real, rules: &mut Reference, (who, choice, old): (usize, Choice, bool)) {
    let run = real.run.as_ref().expect("it is planned");
    let question = run.in_question().map(|(call, turn)| (call, turn.doubt));
    let Some((call, doubt)) = question.filter(|_| !run.is_over()) else { return };
    let named = CallId { attempt: call.attempt + u32::from(old), ..call.clone() };
    let binding = real.bound(false);
    let done = real.click(who, Act::DecideStep { call: named, choice }, binding).is_ok();
    let fits = match (doubt, choice) {
        (Some(Doubt::Unsure(_)), Choice::Check) => call.step.as_str() == "contain",
        (Some(Doubt::Unsure(_)), Choice::Happened | Choice::Again | Choice::Abandon) => true,
        (Some(Doubt::NoneFound | Doubt::SeveralFound), Choice::Again | Choice::Abandon) => true,
        (Some(Doubt::SeveralFound), Choice::Take(at)) => at < 2,
        _ => false,
    };
    let may = ANALYSTS.contains(&PEOPLE[who]) && fits && !old;
    assert_eq!(done, may, "{choice:?} of {doubt:?} by {}", PEOPLE[who]);
    if let (true, Choice::Again, Some(effect)) = (done, choice, effect(call.step.as_str())) {
        rules.wanted_again[effect] += 1;
    }
}

/// The executor takes up what waits; where it crashes after that, whoever comes next takes up the same again.
fn takes(real: &mut Real, rules: &mut Reference, crashed: bool) {
    let again = real.under_way.take().filter(|_| crashed);
    let Some((call, purpose)) = again.or_else(|| real.waiting.take()) else { return };
    let due = CallDue { run: id(), call: call.clone(), purpose, names: None };
    let answer = real.hand_in(Input::Moment(Moment::CallDue(Box::new(due))));
    let Answer::Call(cleared) = answer else { return };
    assert!(matches!(cleared.get(), Clearance::Go(_)), "nothing is protected here");
    assert!(rules.is_allowed(), "{call:?} goes although nobody allowed it");
    assert!(!(rules.cancelled && purpose == Purpose::Act), "{call:?} goes although it is stopped");
    if let (Some(effect), Purpose::Act) = (effect(call.step.as_str()), purpose) {
        rules.let_out[effect] += 1;
    }
    real.under_way = Some((call, purpose));
}

/// What is so at every moment, whatever has happened.
fn holds(real: &Real, rules: &Reference) {
    let [_, tickets] = rules.let_out;
    // A try that did not leave, or that the tool refused, is over for good here: no step of this playbook is retried.
    assert!(
        tickets <= 1 + rules.wanted_again[1],
        "a ticket was opened {tickets} times, and somebody wanted it again {} times",
        rules.wanted_again[1]
    );
    let state = real.state();
    if !rules.is_allowed() {
        assert_eq!(rules.let_out, [0, 0]);
        let still = [RunState::Planned, RunState::Waiting, RunState::Cancelled, RunState::Refused];
        assert!(still.contains(&state), "{state:?}");
    }
    if rules.declined {
        assert_eq!(state, RunState::Refused);
    }
    if rules.waits(real.now) {
        assert_eq!(state, RunState::Waiting);
    }
}

/// How it begins where it is to come to its calls: somebody starts it, and two others approve.
const ALLOWED: [Op; 3] =
    [Op::Start(0), Op::Approve { who: 3, changed: false }, Op::Approve { who: 4, changed: false }];

/// A step that goes well.
const GOOD: [Op; 2] = [Op::Take { crashed: false }, Op::Return(Returned::Good)];

#[test]
fn nothing_is_done_that_nobody_allowed_and_nothing_twice_without_a_persons_word() {
    let cases = 400;
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    // Of how far it has come when chance begins: not at all, allowed, with the host found, with it contained.
    let sequences = (0..4_usize, proptest::collection::vec(op(), 1..60));
    let reached = Cell::new([0_u32; 3]);
    let told = TestRunner::new(config).run(&sequences, |(far, ops)| {
        let begins = ALLOWED.into_iter().filter(|_| far > 0);
        let steps = (1..far).flat_map(|_| GOOD);
        let (_, rules) = play(&begins.chain(steps).chain(ops).collect::<Vec<_>>());
        let [contained, tickets] = rules.let_out;
        let here = [contained > 0, tickets > 0, rules.wanted_again[1] > 0];
        let [a, b, c] = reached.get();
        reached.set([a + u32::from(here[0]), b + u32::from(here[1]), c + u32::from(here[2])]);
        Ok(())
    });
    told.unwrap_or_else(|why| panic!("{why}"));
    // A model that hardly ever comes to its calls shows nothing.
    let [contained, tickets, again] = reached.get();
    println!("of {cases}: contained {contained}, a ticket opened {tickets}, wanted again {again}");
    assert!(contained >= 100 && tickets >= 50 && again >= 1, "of {cases}: {:?}", reached.get());
}

/// The reference must see whole runs, not only refusals.
#[test]
fn the_model_reaches_the_end() {
    let steps = (0..3).flat_map(|_| GOOD);
    let (real, rules) = play(&ALLOWED.into_iter().chain(steps).collect::<Vec<_>>());
    assert_eq!((real.state(), rules.let_out), (RunState::Done, [1, 1]));
}
