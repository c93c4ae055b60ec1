//! One case, played: the same `decide` and `apply` as in a real run, with the file's answers in the tools' place.

use super::file::{Case, Cue};
use crate::domain::alert::escalation::Ladder;
use crate::domain::alert::lifecycle::{self, Alert};
use crate::domain::decide::{self, Decision, Subject, decide};
use crate::domain::effect::{Effect, EffectId};
use crate::domain::event::{Entry, Event, Private, Stream};
use crate::domain::ids::{AlertId, RunId};
use crate::domain::input::*;
use crate::domain::people::{ChannelRef, Directory, Roles, Surface};
use crate::domain::playbook::run::event::{CallId, Finish, Purpose, RunEvent};
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::playbook::run::{self, Run, RunState};
use crate::domain::playbook::{Playbook, Playbooks, Trigger};
use crate::domain::policy::{Context, Permission, Policy, Role};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::tool::Catalogue;
use crate::domain::tool::call::{Called, Permit};
use crate::yaml::{Report, Spot};
use serde_json::Value as Json;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Who starts it, and says what is asked. As `{{ run.started_by }}` it is `os:starter`.
const STARTER: &str = "starter";
const ALERT: &str = "alr_00000000000000000000000000";
const RUN: &str = "run_00000000000000000000000000";
/// When it begins, in milliseconds since 1970: 2026-01-01.
const BEGIN: i64 = 1_767_225_600_000;

/// Plays a case, and says what comes out otherwise.
pub(super) fn play(
    case: &Case,
    (playbook, catalogue): (&Arc<Playbook>, &Catalogue),
    report: &mut Report,
) {
    let mut stage = Stage::new(playbook, catalogue);
    stage.receive(case);
    let came = stage.start(case).and_then(|()| stage.go_on(case, report));
    match came {
        Ok(()) => stage.compare(case, report),
        Err(Stop::Refused(refusal)) => refused(case, &refusal, report),
        Err(Stop::Told) => {}
    }
}

/// Why it does not go on.
enum Stop {
    /// It was not planned, or not started.
    Refused(Box<Refusal>),
    /// What is wrong was told.
    Told,
}

/// A call that is wanted: it is made, or the tool is asked whether it happened.
type Wanted = (CallId, Purpose, Timestamp);

struct Stage {
    policy: Policy,
    directory: Directory,
    pinned: Pinned,
    alert: Option<Alert>,
    run: Option<Run>,
    now: Timestamp,
    seq: i64,
    wanted: VecDeque<Wanted>,
    said: Vec<String>,
}

impl Stage {
    fn new(playbook: &Arc<Playbook>, catalogue: &Catalogue) -> Self {
        let pinned = Pinned { playbook: playbook.clone(), catalogue: Arc::new(catalogue.clone()) };
        Self {
            policy: policy(&pinned),
            directory: Directory::default(),
            pinned,
            alert: None,
            run: None,
            now: Timestamp::from_millis(BEGIN),
            seq: 0,
            wanted: VecDeque::new(),
            said: Vec::new(),
        }
    }

    fn receive(&mut self, case: &Case) {
        let incoming = Incoming {
            id: AlertId::new(ALERT),
            source: case.about.source.clone(),
            alert: case.about.alert.clone(),
            raw: "{}".to_owned(),
            test: false,
            by: None,
        };
        self.happens(Input::Alert(Box::new(incoming)));
    }

    /// Planned, started and approved, or started by the alert itself.
    fn start(&mut self, case: &Case) -> Result<(), Stop> {
        let (alert, run) = (AlertId::new(ALERT), RunId::new(RUN));
        let playbook = self.pinned.playbook.name.clone();
        if self.pinned.playbook.on == Trigger::Alert {
            let effect = Effect::Trigger { alert, playbook };
            self.came_of(effect, Done::Triggered { run })?;
        } else {
            let asked = case.asked.clone();
            let act = Act::PlanRun { playbook, run, asked };
            self.click(STARTER, act, Binding::Named { alert })?;
            self.of_run(STARTER, Act::StartRun)?;
        }
        let quorum = self.pinned.playbook.approve.as_ref().map_or(0, |approve| approve.quorum);
        (0..quorum).try_for_each(|number| self.of_run(&approver(number), Act::ApproveRun))
    }

    /// Until nothing more comes of it by itself, and nobody says anything more.
    fn go_on(&mut self, case: &Case, report: &mut Report) -> Result<(), Stop> {
        let mut cues = case.answers.iter();
        let mut words = case.decide.iter();
        loop {
            if let Some((call, purpose, after)) = self.wanted.pop_front() {
                self.now = self.now.max(after);
                if let Some(permit) = self.cleared(&call, purpose) {
                    let called = answer_to(&permit, &mut cues, (case, report))?;
                    let effect = Effect::Call { run: RunId::new(RUN), call, purpose, after };
                    self.came_of(effect, Done::Called(Box::new(called)))?;
                }
                continue;
            }
            let asked = self.run.as_ref().and_then(|run| Some(run.in_question()?.0));
            let Some(call) = asked else { break };
            let Some(word) = words.next() else { break };
            if call.step != word.step {
                let message =
                    format!("`{}` is not asked about here: `{}` is", word.step, call.step);
                report.wrong(word.at, message, None);
                return Err(Stop::Told);
            }
            let act = Act::DecideStep { call, choice: word.choice };
            if self.of_run(STARTER, act).is_err() {
                report.wrong(
                    word.at,
                    format!("this is no answer to what `{}` asks", word.step),
                    None,
                );
                return Err(Stop::Told);
            }
        }
        for cue in cues {
            report.wrong(cue.at, format!("nothing calls `{}` any more", cue.uses), None);
        }
        for word in words {
            report.wrong(word.at, format!("`{}` is not asked about", word.step), None);
        }
        Ok(())
    }

    /// What may be called now; nothing where the gate refuses it. Nothing is protected here, so nobody's name is asked for.
    fn cleared(&mut self, call: &CallId, purpose: Purpose) -> Option<Permit> {
        let due = CallDue { run: RunId::new(RUN), call: call.clone(), purpose, names: None };
        match self.happens(Input::Moment(Moment::CallDue(Box::new(due)))) {
            Answer::Call(cleared) => match cleared.get() {
                Clearance::Go(permit) => Some(permit.clone()),
                Clearance::Identify(_) => None,
            },
            _ => None,
        }
    }

    fn came_of(&mut self, effect: Effect, result: Done) -> Result<(), Stop> {
        accepted(self.happens(Input::Outcome(Outcome { row: (EffectId(0), 0), effect, result })))
    }

    fn of_run(&mut self, who: &str, act: Act) -> Result<(), Stop> {
        self.click(who, act, Binding::NamedRun { run: RunId::new(RUN) })
    }

    fn click(&mut self, who: &str, act: Act, binding: Binding) -> Result<(), Stop> {
        let who = Who::Os(who.to_owned());
        let click = Click { who, via: Surface::Cli, act, binding, reply_to: None };
        accepted(self.happens(Input::Click(Box::new(click))))
    }

    fn happens(&mut self, input: Input) -> Answer {
        let delivery = Delivery { key: None, at: self.now, input };
        let decision = {
            let context = Context { policy: &self.policy, directory: &self.directory };
            let subject = Subject {
                alert: self.alert.as_ref(),
                run: self.run.as_ref(),
                pinned: Some(&self.pinned),
                ..Subject::default()
            };
            decide(&context, subject, &delivery)
        };
        self.apply(&delivery, &decision);
        decide::answer(&delivery.input, &decision)
    }

    fn apply(&mut self, delivery: &Delivery, decision: &Decision) {
        for (stream, fact) in decision.all() {
            self.seq += 1;
            let entry = Entry {
                seq: self.seq,
                at: delivery.at,
                stream: stream.clone(),
                actor: delivery.input.actor(),
                roles: Roles::default(),
                via: delivery.input.via(),
                event: fact.event.clone(),
                private: fact.private.clone(),
            };
            match stream {
                Stream::Alert(_) => self.alert = lifecycle::apply(self.alert.take(), &entry),
                Stream::Run(_) => self.run = run::apply(self.run.take(), &entry),
                Stream::System => {}
            }
            self.note(&entry);
        }
    }

    /// What a run wants called, and what it says.
    fn note(&mut self, entry: &Entry) {
        let Event::Run(event) = &entry.event else { return };
        match (event, &entry.private) {
            (RunEvent::CallWanted { call, after, purpose }, _) => {
                self.wanted.push_back((call.clone(), *purpose, *after));
            }
            (RunEvent::StepDone { how: Finish::Here, .. }, Some(Private::Answered(answered))) => {
                let text = answered.out.get("text").and_then(Json::as_str);
                self.said.extend(text.map(|text| text.trim().to_owned()));
            }
            _ => {}
        }
    }

    fn compare(&self, case: &Case, report: &mut Report) {
        let state = self.run.as_ref().map_or(RunState::Refused, |run| run.state);
        let why = self.run.as_ref().and_then(why).unwrap_or_default();
        ended(case, (state, &why), report);
        let Some((at, says)) = &case.says else { return };
        if *says != self.said {
            let listed = |lines: &[String]| serde_json::to_string(lines).unwrap_or_default();
            report.wrong(*at, "it says something else", format!("it says {}", listed(&self.said)));
        }
    }
}

/// The policy in which one account may run the playbook, and as many others as it takes approve it.
fn policy(pinned: &Pinned) -> Policy {
    let Pinned { playbook, catalogue } = pinned;
    let mut roles: BTreeMap<_, Role> = BTreeMap::new();
    let all = || Role { may: Permission::ALL.into_iter().collect(), ..Role::default() };
    roles.entry("starter".into()).or_insert_with(all).os.insert(STARTER.to_owned());
    for role in &playbook.who {
        roles.entry(role.clone()).or_insert_with(all).os.insert(STARTER.to_owned());
    }
    if let Some(approve) = &playbook.approve {
        let approvers = roles.entry(approve.by.clone()).or_insert_with(all);
        approvers.os.extend((0..approve.quorum).map(approver));
    }
    Policy {
        config_hash: String::new(),
        since: Timestamp::from_millis(BEGIN),
        ladders_since: BTreeMap::new(),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#test".to_owned()),
        roles,
        teams: BTreeMap::new(),
        routes: Vec::new(),
        escalations: BTreeMap::from([(Ladder::STANDARD.into(), Ladder::standard())]),
        catalogue: catalogue.clone(),
        playbooks: Arc::new(Playbooks(BTreeMap::from([(playbook.name.clone(), playbook.clone())]))),
        protected: Default::default(),
        limits: Default::default(),
    }
}

fn approver(number: u32) -> String {
    format!("approver{}", number + 1)
}

fn accepted(answer: Answer) -> Result<(), Stop> {
    match answer {
        Answer::Refused { refusal } => Err(Stop::Refused(Box::new(refusal))),
        Answer::Alert { .. } | Answer::Done | Answer::Form { .. } | Answer::Call(_) => Ok(()),
    }
}

/// The answer whose turn it is, where it is one to this call.
fn answer_to<'c>(
    permit: &Permit,
    cues: &mut impl Iterator<Item = &'c Cue>,
    (case, report): (&Case, &mut Report),
) -> Result<Called, Stop> {
    let uses = format!("{}.{}", permit.tool().name, permit.action().name);
    let with = || Json::Object(permit.with().clone().into_iter().collect());
    let Some(cue) = cues.next() else {
        let hint = format!("it is called with {}", with());
        report.wrong(case.at, format!("`{}`: no answer is left for `{uses}`", case.name), hint);
        return Err(Stop::Told);
    };
    if cue.uses.to_string() != uses {
        let hint = format!("it is called with {}", with());
        report.wrong(cue.at, format!("`{uses}` is called here, not `{}`", cue.uses), hint);
        return Err(Stop::Told);
    }
    for (at, name, wanted) in &cue.with {
        let given = permit.with().get(name).unwrap_or(&Json::Null);
        if given != wanted {
            report.wrong(*at, format!("`{uses}` is called with {name} = {given}"), None);
        }
    }
    Ok(cue.called.clone())
}

/// Why it failed, or was refused.
fn why(run: &Run) -> Option<String> {
    run.failure.as_ref()?.message.clone()
}

fn refused(case: &Case, refusal: &Refusal, report: &mut Report) {
    let why = match refusal {
        Refusal::NotPlanned { why, at } => {
            format!("{why} {}", at.as_deref().unwrap_or_default()).trim().to_owned()
        }
        other => other.code().to_owned(),
    };
    ended(case, (RunState::Refused, &why), report);
    if let Some(cue) = case.answers.first() {
        report.wrong(cue.at, format!("nothing is called: it is refused ({why})"), None);
    }
    let lines: Option<(Spot, usize)> = case.says.as_ref().map(|(at, says)| (*at, says.len()));
    if let Some((at, 1..)) = lines {
        report.wrong(at, format!("it says nothing: it is refused ({why})"), None);
    }
}

fn ended(case: &Case, (state, why): (RunState, &str), report: &mut Report) {
    let (at, wanted) = case.ends;
    let because = if why.is_empty() { String::new() } else { format!(": {why}") };
    if state != wanted {
        let message = format!(
            "`{}` ends as `{}`, not as `{}`{because}",
            case.name,
            state.as_str(),
            wanted.as_str()
        );
        report.wrong(at, message, None);
    }
    if let Some((at, part)) = &case.because
        && !why.contains(part.as_str())
    {
        report.wrong(*at, format!("it ends because of something else{because}"), None);
    }
}
