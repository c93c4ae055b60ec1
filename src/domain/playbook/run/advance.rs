//! How a run goes on by itself, until it needs a tool, a person, or the next moment.

use super::event::*;
use super::gate::Pinned;
use super::{Opened, PlanContent, Run, RunState, StepRun, StepState, Turn, ends, scope};
use crate::domain::alert::lifecycle::{self, Alert, Mark};
use crate::domain::event::{Entry, Fact, Private, RungKey, Stream, Told, Way};
use crate::domain::ids::{StepId, UserId};
use crate::domain::people::{Actor, Roles, Surface};
use crate::domain::playbook::plan::MOST_CALLS;
use crate::domain::playbook::text::{NoValue, Template};
use crate::domain::playbook::{Step, What, change};
use crate::domain::policy::Context;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::{Answered, Unsure};
use crate::domain::tool::{InDoubt, Risk, Values};
use minijinja::Value;
use serde_json::Value as Json;
use std::time::Duration;

/// At most so many things follow from one word: a run that would go on and on for itself ends there.
const STEPS: usize = 10_000;
/// A step that may have happened is tried again by itself so often; then somebody is asked.
pub const BLIND: u32 = 5;
/// What is tried again by itself, or asked after, has this long to come to its end; each time twice as long.
const REST: Duration = Duration::from_secs(1);

/// A run that goes on: what has happened to it, folded as it happens.
pub struct Going<'a> {
    context: &'a Context<'a>,
    pinned: &'a Pinned,
    run: Run,
    alert: Option<Alert>,
    mark: Mark,
    facts: Vec<(Stream, Fact)>,
}

/// What a turn wants next.
enum Next {
    /// The next turn of a step: its number, and the item that it is done for.
    Turn(u32),
    Call(CallId, Purpose),
    Done(CallId, Finish),
    Failed(CallId, Fault),
    /// Somebody, or something, else.
    Wait,
}

impl<'a> Going<'a> {
    /// `mark`: who brings it about, and now.
    pub fn new(
        (context, pinned): (&'a Context<'a>, &'a Pinned),
        run: &Run,
        alert: Option<&Alert>,
        mark: Mark,
    ) -> Self {
        Self { context, pinned, run: run.clone(), alert: alert.cloned(), mark, facts: Vec::new() }
    }

    /// Something has happened.
    #[must_use]
    pub fn then(mut self, event: RunEvent, private: Option<Private>) -> Self {
        self.happen(event, private);
        self
    }

    /// All that has happened, once it has gone on as far as it can.
    pub fn facts(mut self) -> Vec<(Stream, Fact)> {
        for _ in 0..STEPS {
            if !self.go_on() {
                return self.facts;
            }
        }
        self.happen(RunEvent::Ended { end: End::Failed }, None);
        self.facts
    }

    fn happen(&mut self, event: RunEvent, private: Option<Private>) {
        self.run.fold(&event, private.as_ref(), &self.mark);
        let fact = Fact { event: crate::domain::event::Event::Run(event), private };
        self.facts.push((Stream::Run(self.run.id.clone()), fact));
    }

    /// One thing more; false where it waits, or is over.
    fn go_on(&mut self) -> bool {
        if !matches!(self.run.state, RunState::Running | RunState::InDoubt) {
            return false;
        }
        let Some(content) = self.run.content.clone() else {
            self.happen(RunEvent::Ended { end: End::Failed }, None);
            return false;
        };
        // The playbook outlives this borrow: it is shared.
        let playbook = self.pinned.playbook.clone();
        let early = self.run.failure.is_some() || self.run.cancelled.is_some();
        let failed = self.run.failure.is_some() && self.run.cancelled.is_none();
        for (steps, wanted) in
            [(&playbook.steps, !early), (&playbook.on_failure, failed), (&playbook.always, true)]
        {
            for step in steps {
                let settled = self.run.step(&step.id).map(StepRun::is_settled);
                match settled {
                    Some(true) => {}
                    Some(false) => match self.go_on_with(step, &content, wanted) {
                        Some(progress) => return progress,
                        None => continue,
                    },
                    None if wanted => return self.open(step, &content),
                    None => {}
                }
            }
        }
        let end = self.end();
        self.happen(RunEvent::Ended { end }, None);
        false
    }

    fn end(&self) -> End {
        match (&self.run.cancelled, &self.run.failure) {
            (Some(_), _) => End::Cancelled,
            (None, None) => End::Done,
            (None, Some(failure)) => match failure.fault {
                Fault::Protected
                | Fault::Unknown
                | Fault::Limit
                | Fault::ToolChanged
                | Fault::NoValue => End::Refused,
                Fault::Call(_) | Fault::Abandoned | Fault::Alert => End::Failed,
            },
        }
    }

    /// A step's turn comes: whether it is wanted, for what, and with which names.
    fn open(&mut self, step: &Step, content: &PlanContent) -> bool {
        match self.opened(step, content) {
            Ok(None) => {
                let why = Skipped::When;
                self.happen(RunEvent::StepSkipped { step: step.id.clone(), why }, None);
            }
            Ok(Some((times, opened))) => {
                let private = Some(Private::Opened(Box::new(opened)));
                let step = step.id.clone();
                match times {
                    0 => {
                        let why = Skipped::Nothing;
                        self.happen(RunEvent::StepSkipped { step, why }, None);
                    }
                    times => self.happen(RunEvent::StepOpened { step, times }, private),
                }
            }
            Err(why) => {
                let call = CallId { step: step.id.clone(), iteration: 0, attempt: 1 };
                self.fail(step, call, (Fault::NoValue, why));
            }
        }
        true
    }

    fn opened(&self, step: &Step, content: &PlanContent) -> Result<Option<(u32, Opened)>, String> {
        let Some(each) = &step.for_each else {
            let lets = self.round(step, content, None)?;
            return Ok(lets.map(|lets| (1, Opened { lets, ..Opened::default() })));
        };
        let scope = scope::scope(&self.run, content, (&Values::new(), None));
        let value = each.value(&scope).map_err(|error| format!("`for_each`: {error}"))?;
        let all = list(&value).ok_or("`for_each` is no list")?;
        if all.len() > MOST_CALLS {
            return Err(format!(
                "`for_each` has {} items, and at most {MOST_CALLS} are",
                all.len()
            ));
        }
        let (mut opened, some) = (Opened::default(), !all.is_empty());
        for item in all {
            // As it was planned: each round has its names, and its own word on whether it is wanted.
            if let Some(lets) = self.round(step, content, Some(&item))? {
                opened.items.push(item);
                opened.rounds.push(lets);
            }
        }
        let times = u32::try_from(opened.items.len()).unwrap_or(u32::MAX);
        Ok((times > 0 || !some).then_some((times, opened)))
    }

    /// The names of a step, or of one round of it; `None` where it is not wanted.
    fn round(
        &self,
        step: &Step,
        content: &PlanContent,
        item: Option<&Json>,
    ) -> Result<Option<Values>, String> {
        let mut lets = Values::new();
        // Each name sees the earlier ones.
        for (name, template) in &step.lets {
            let scope = scope::scope(&self.run, content, (&lets, item));
            let value = template.value(&scope).map_err(|no| missing(name, &no))?;
            lets.insert(name.clone(), value);
        }
        let scope = scope::scope(&self.run, content, (&lets, item));
        let wanted = step.when.as_ref().map_or(Ok(true), |when| when.holds(&scope));
        Ok(wanted.map_err(|error| format!("`when`: {error}"))?.then_some(lets))
    }

    /// A step whose turn has come goes on; `None` where it waits for nothing, and nothing more of it is wanted.
    fn go_on_with(&mut self, step: &Step, content: &PlanContent, wanted: bool) -> Option<bool> {
        match self.next(step, wanted)? {
            Next::Wait => Some(false),
            Next::Call(call, purpose) => {
                let after = self.mark.at + self.rest(&call);
                self.happen(RunEvent::CallWanted { call, after, purpose }, None);
                Some(true)
            }
            Next::Done(call, how) => {
                self.happen(RunEvent::StepDone { call, how }, None);
                Some(true)
            }
            Next::Failed(call, fault) => {
                self.fail(step, call, (fault, "somebody gave it up".to_owned()));
                Some(true)
            }
            Next::Turn(iteration) => {
                let call = CallId { step: step.id.clone(), iteration, attempt: 1 };
                self.take_turn(step, content, call);
                Some(true)
            }
        }
    }

    fn next(&self, step: &Step, wanted: bool) -> Option<Next> {
        let begun = self.run.step(&step.id)?;
        let open = begun.turns.iter().enumerate().find(|(_, turn)| !turn.is_settled());
        let Some((at, turn)) = open else {
            // Where a turn has ended the steps, the turns after it do not come.
            let next = u32::try_from(begun.turns.len()).unwrap_or(u32::MAX);
            return wanted.then_some(Next::Turn(next));
        };
        let iteration = u32::try_from(at).unwrap_or(u32::MAX);
        let call = |attempt| CallId { step: step.id.clone(), iteration, attempt };
        match turn.state {
            StepState::Started => Some(Next::Wait),
            // What has not begun is not begun any more.
            StepState::Planned | StepState::Failed => wanted.then_some(Next::Wait),
            StepState::InDoubt => Some(self.decided(step, turn, &call)),
            StepState::Done | StepState::Skipped => None,
        }
    }

    /// Who says that it is to be tried again has looked; nobody else has.
    fn rest(&self, call: &CallId) -> Duration {
        let turn = self
            .run
            .step(&call.step)
            .and_then(|step| step.turns.get(usize::try_from(call.iteration).ok()?));
        match turn.and_then(|turn| Some((turn.attempt, turn.decided.as_ref()?))) {
            Some((attempt, (_, Actor::System))) => {
                REST * 2_u32.pow(attempt.saturating_sub(1).min(BLIND))
            }
            _ => Duration::ZERO,
        }
    }

    fn decided(&self, step: &Step, turn: &Turn, call: &dyn Fn(u32) -> CallId) -> Next {
        if turn.checking {
            return Next::Wait;
        }
        let attempt = turn.attempt;
        match turn.decided.as_ref().map(|(choice, _)| *choice) {
            Some(Choice::Check) => Next::Call(call(attempt), Purpose::Check),
            Some(Choice::Again) if !self.pinned.may_begin(&self.run, &step.id) => {
                Next::Failed(call(attempt), Fault::Abandoned)
            }
            Some(Choice::Again) => Next::Call(call(attempt + 1), Purpose::Act),
            Some(Choice::Happened) => Next::Done(call(attempt), Finish::Person),
            Some(Choice::Take(_)) => Next::Done(call(attempt), Finish::Answered),
            Some(Choice::Abandon) => Next::Failed(call(attempt), Fault::Abandoned),
            None => Next::Wait,
        }
    }

    fn take_turn(&mut self, step: &Step, content: &PlanContent, call: CallId) {
        let scope = scope::of_turn(&self.run, content, &call);
        match &step.what {
            What::Use(_) => {
                let (after, purpose) = (self.mark.at, Purpose::Act);
                self.happen(RunEvent::CallWanted { call, after, purpose }, None);
            }
            What::Say(template) => match words(template, &scope) {
                Ok(text) => self.done_here(call, [("text".to_owned(), Json::String(text))].into()),
                Err(why) => self.fail(step, call, (Fault::NoValue, why)),
            },
            What::Alert(wanted) => {
                let about = (self.context, self.alert.as_ref());
                match change::facts(about, wanted, &scope) {
                    Ok(facts) => {
                        self.done_here(call, Values::new());
                        facts.into_iter().for_each(|fact| self.change(fact));
                    }
                    Err((fault, why)) => self.fail(step, call, (fault, why)),
                }
            }
        }
    }

    /// The alert is another: the next step sees it so.
    fn change(&mut self, (stream, fact): (Stream, Fact)) {
        let entry = Entry {
            seq: self.alert.as_ref().map_or(0, |alert| alert.as_of),
            at: self.mark.at,
            stream: stream.clone(),
            actor: self.mark.by.clone(),
            roles: Roles::default(),
            via: Surface::Timer,
            event: fact.event.clone(),
            private: fact.private.clone(),
        };
        self.alert = lifecycle::apply(self.alert.take(), &entry);
        self.facts.push((stream, fact));
    }

    fn done_here(&mut self, call: CallId, out: Values) {
        let private = Private::Answered(Box::new(Answered { out, ..Answered::default() }));
        self.happen(RunEvent::StepDone { call, how: Finish::Here }, Some(private));
    }

    /// The step has failed for good.
    pub fn fail(&mut self, step: &Step, call: CallId, (fault, why): (Fault, String)) {
        let main = self.pinned.playbook.steps.iter().any(|other| other.id == step.id);
        let ends = main && ends(step.on_error, fault);
        let event = RunEvent::StepFailed { call, why: fault, again: false, ends };
        self.happen(event, Some(Private::Said { said: why }));
    }

    /// A step may have happened: by the rule of its action it goes on, or somebody is asked.
    pub fn doubt(&mut self, call: &CallId, why: Unsure, message: &str) {
        let rule = match self.rule(&call.step) {
            Some((Risk::Read, _)) | Some((_, InDoubt::Repeat | InDoubt::Keyed)) => {
                (call.attempt < BLIND).then_some(Choice::Again)
            }
            Some((_, InDoubt::Verify)) => Some(Choice::Check),
            Some((_, InDoubt::Ask)) | None => None,
        };
        let private = Some(Private::Said { said: message.to_owned() });
        let why = Doubt::Unsure(why);
        match rule {
            Some(choice) => {
                self.happen(RunEvent::StepInDoubt { call: call.clone(), why }, private);
                self.happen(RunEvent::StepDecided { call: call.clone(), choice }, None);
            }
            None => self.ask(call, why, private),
        }
    }

    /// Nobody but a person can say how it goes on: whoever started it is told at once, then the ladder begins.
    pub fn ask(&mut self, call: &CallId, why: Doubt, private: Option<Private>) {
        self.happen(RunEvent::StepInDoubt { call: call.clone(), why }, private);
        let people = asked_first(self.context, &self.run, self.alert.as_ref());
        if let Some(told) = first_told(self.run.ladder.round, "question", people) {
            self.happen(RunEvent::Escalated { told }, None);
        }
    }

    fn rule(&self, step: &StepId) -> Option<(Risk, InDoubt)> {
        let What::Use(call) = &self.pinned.playbook.step(step)?.what else { return None };
        let (_, action) = self.pinned.catalogue.find(&call.uses)?;
        Some((action.risk, action.in_doubt))
    }
}

/// Who is told first that somebody must say something: who started it, else who has the alert.
fn asked_first(context: &Context<'_>, run: &Run, alert: Option<&Alert>) -> Vec<UserId> {
    let person = |actor: &Actor| match actor {
        Actor::Person(user) if !context.directory.is_deactivated(user) => Some(user.clone()),
        Actor::Person(_) | Actor::System | Actor::Source(_) | Actor::Os(_) => None,
    };
    let has_it = || {
        let holder = alert?.holder.as_ref().and_then(|mark| person(&mark.by));
        holder.or_else(|| alert?.assignee.clone())
    };
    person(&run.by).or_else(has_it).into_iter().collect()
}

/// Those who are wanted first, each by a direct message. The ladder's rungs come after.
pub fn first_told(round: u32, name: &str, people: Vec<UserId>) -> Option<Told> {
    (!people.is_empty()).then(|| Told {
        round,
        level: 0,
        rung: RungKey(name.to_owned()),
        repeat: 0,
        how: Way::Dm,
        people,
        groups: Vec::new(),
    })
}

/// When a failed try is done again, after so many.
pub fn pause(first: std::time::Duration, retries: u32) -> std::time::Duration {
    first.saturating_mul(2_u32.saturating_pow(retries.min(16)))
}

/// The text of a `say`.
fn words(template: &Template, scope: &Value) -> Result<String, String> {
    match template.value_or_missing(scope) {
        Ok(Some(Json::String(text))) => Ok(text),
        Ok(Some(other)) => Ok(other.to_string()),
        Ok(None) => Ok(String::new()),
        Err(no) => Err(missing("say", &no)),
    }
}

fn missing(name: &str, no: &NoValue) -> String {
    match no {
        NoValue::Undefined(text) => format!("`{name}` has no value: `{text}` is not known"),
        NoValue::Broken(error) => format!("`{name}` has no value: {error}"),
    }
}

/// The items of a list; none of what is missing or null.
fn list(value: &Value) -> Option<Vec<Json>> {
    if value.is_undefined() || value.is_none() {
        return Some(Vec::new());
    }
    match serde_json::to_value(value).ok()? {
        Json::Array(items) => Some(items),
        _ => None,
    }
}

/// The moment as a mark of ours.
pub fn ours(at: Timestamp) -> Mark {
    Mark { by: Actor::System, at }
}
