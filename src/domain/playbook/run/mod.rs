//! One run of a playbook as it stands, and how each event changes it. `apply` is total: a fact is never refused.

pub mod advance;
pub mod event;
pub mod gate;
pub mod question;
pub mod scope;
pub mod step;
pub mod undo;

pub use step::{Failure, Opened, StepRun, StepState, Turn, ends};

use crate::domain::alert::lifecycle::{LadderState, Mark, Posted};
use crate::domain::alert::{Normalised, words};
use crate::domain::event::{Entry, Event, Private, Stream, Way};
use crate::domain::ids::*;
use crate::domain::input::Reach;
use crate::domain::people::Actor;
use crate::domain::playbook::Asked;
use crate::domain::playbook::plan::Outline;
use crate::domain::playbook::scope::About;
use crate::domain::time::Timestamp;
use crate::domain::tool::Uses;
use event::*;
use serde::{Deserialize, Serialize};

/// A run, folded from its stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    pub id: RunId,
    /// What was decided when it was planned.
    pub planned: RunPlanned,
    /// What was asked and planned; `None` once it was erased: then nothing further of it can be done.
    pub content: Option<PlanContent>,
    /// Who started it; until then, who had it planned.
    pub by: Actor,
    pub planned_by: Actor,
    pub planned_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub state: RunState,
    /// Until when it waits for an approval.
    pub deadline: Option<Timestamp>,
    pub approvals: Vec<Mark>,
    pub declined: Option<Mark>,
    pub cancelled: Option<Mark>,
    /// The steps whose turn has come, in that order.
    pub steps: Vec<StepRun>,
    /// The failure that ended the steps.
    pub failure: Option<Failure>,
    /// While somebody is wanted: whom it was told.
    pub ladder: LadderState,
    /// Its message in the alert's thread, and the alert's message that began the thread.
    pub message: Option<Posted>,
    pub beside: Option<Posted>,
    /// Direct messages that carry its buttons.
    pub copies: Vec<Posted>,
    pub planned_seq: i64,
    /// The journal's entry that it is folded up to.
    pub as_of: i64,
}

/// The words of a plan. Private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanContent {
    pub title: String,
    /// The playbook's file as it was: what was planned is what is done, whatever becomes of the file.
    pub text: String,
    pub source: SourceName,
    /// The alert as it was then: what was planned is what is done.
    pub alert: Normalised,
    pub outline: Outline,
    /// Of what takes another run back: the answers that the other one was given.
    #[serde(default, skip_serializing_if = "Asked::is_empty")]
    pub undoes_for: Asked,
}

impl PlanContent {
    /// What was answered, here or to the run that this one takes back: it may name whom it is done to.
    pub fn meant(&self) -> Asked {
        self.outline
            .asked
            .iter()
            .chain(&self.undoes_for)
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }

    /// The alert as it was planned with.
    pub fn about(&self) -> About {
        About { source: self.source.clone(), alert: self.alert.clone() }
    }
}

/// Where a run stands, in the words of `runs_v1.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    Planned,
    /// For an approval.
    Waiting,
    Running,
    /// A step of it waits for somebody's word.
    InDoubt,
    Done,
    Failed,
    Cancelled,
    Refused,
}

words! {
    RunState {
        Planned = "planned", Waiting = "waiting", Running = "running", InDoubt = "in_doubt", Done = "done",
        Failed = "failed", Cancelled = "cancelled", Refused = "refused",
    }
}

/// So many direct messages of one run are kept up to date.
const COPIES: usize = 50;

/// What is so after `entry`. `None` only where the run's first entry is not `Planned`.
pub fn apply(run: Option<Run>, entry: &Entry) -> Option<Run> {
    let Event::Run(event) = &entry.event else { return run };
    let mut run = match run {
        Some(run) => run,
        None => Run::planned(entry, event)?,
    };
    let mark = Mark { by: entry.actor.clone(), at: entry.at };
    run.fold(event, entry.private.as_ref(), &mark);
    run.as_of = entry.seq;
    Some(run)
}

impl Run {
    fn planned(entry: &Entry, event: &RunEvent) -> Option<Self> {
        let (RunEvent::Planned(planned), Stream::Run(id)) = (event, &entry.stream) else {
            return None;
        };
        let content = match &entry.private {
            Some(Private::Plan(content)) => Some(content.as_ref().clone()),
            _ => None,
        };
        let mark = Mark { by: entry.actor.clone(), at: entry.at };
        let mut run = Self::new(id, planned, content, &mark);
        (run.planned_seq, run.as_of) = (entry.seq, entry.seq);
        Some(run)
    }

    /// A run of which nothing is done.
    pub fn new(
        id: &RunId,
        planned: &RunPlanned,
        content: Option<PlanContent>,
        mark: &Mark,
    ) -> Self {
        Self {
            id: id.clone(),
            planned: planned.clone(),
            content,
            by: mark.by.clone(),
            planned_by: mark.by.clone(),
            planned_at: mark.at,
            started_at: None,
            finished_at: None,
            state: RunState::Planned,
            deadline: None,
            approvals: Vec::new(),
            declined: None,
            cancelled: None,
            steps: Vec::new(),
            failure: None,
            ladder: LadderState { round: 0, since: mark.at, fired: Vec::new() },
            message: None,
            beside: None,
            copies: Vec::new(),
            planned_seq: 0,
            as_of: 0,
        }
    }

    /// Changes the run by what has happened, by whom and when.
    pub fn fold(&mut self, event: &RunEvent, private: Option<&Private>, mark: &Mark) {
        match event {
            RunEvent::Planned(_) => {}
            RunEvent::Started { deadline } => {
                self.by = mark.by.clone();
                self.started_at = Some(mark.at);
                self.deadline = *deadline;
                match deadline {
                    Some(_) => self.want_somebody(RunState::Waiting, mark.at),
                    None => self.state = RunState::Running,
                }
            }
            RunEvent::Approved { enough, .. } => {
                self.approvals.push(mark.clone());
                if *enough {
                    self.go_on(mark.at);
                }
            }
            RunEvent::Declined { .. } => self.declined = Some(mark.clone()),
            RunEvent::Lapsed {} => {}
            RunEvent::Cancelled {} => self.cancelled = Some(mark.clone()),
            RunEvent::Ended { end } => {
                self.finished_at = Some(mark.at);
                self.state = match end {
                    End::Done => RunState::Done,
                    End::Failed => RunState::Failed,
                    End::Cancelled => RunState::Cancelled,
                    End::Refused => RunState::Refused,
                };
            }
            RunEvent::StepOpened { .. }
            | RunEvent::StepSkipped { .. }
            | RunEvent::CallWanted { .. }
            | RunEvent::StepStarted { .. }
            | RunEvent::StepDone { .. }
            | RunEvent::StepFailed { .. }
            | RunEvent::StepInDoubt { .. }
            | RunEvent::StepDecided { .. } => self.fold_step(event, private, mark),
            RunEvent::Shown { posted, beside, .. } => {
                self.message = Some(posted.clone());
                self.beside = Some(beside.clone());
            }
            RunEvent::MessageLost { .. } => self.message = None,
            RunEvent::Escalated { told } => self.ladder.reach(told, mark.at),
            RunEvent::Notified { told, posted, reach, .. } => {
                if told.how == Way::Dm {
                    self.keep_copy(posted.clone());
                }
                if *reach == Reach::DoNotDisturb {
                    self.ladder.unheard(told, mark.at);
                }
            }
            RunEvent::NotTold { told, .. } => self.ladder.unheard(told, mark.at),
            RunEvent::NobodyMeant { round, rung, repeat, .. } => {
                self.ladder.mean_nobody(*round, (rung, *repeat), mark.at);
            }
        }
    }

    fn fold_step(&mut self, event: &RunEvent, private: Option<&Private>, mark: &Mark) {
        let words = match private {
            Some(Private::Said { said }) => Some(said.clone()),
            _ => None,
        };
        let answered = match private {
            Some(Private::Answered(answered)) => Some(answered.as_ref().clone()),
            _ => None,
        };
        match event {
            RunEvent::StepOpened { step, times } => {
                let Opened { lets, items, rounds } = match private {
                    Some(Private::Opened(opened)) => opened.as_ref().clone(),
                    _ => Opened::default(),
                };
                self.open(StepRun { times: *times, lets, items, rounds, ..StepRun::of(step) });
            }
            RunEvent::StepSkipped { step, why } => {
                self.open(StepRun { skipped: Some(*why), ..StepRun::of(step) });
            }
            RunEvent::CallWanted { call, purpose, .. } => match purpose {
                Purpose::Act => self.turn(call).begin(call.attempt),
                Purpose::Check => self.turn(call).checking = true,
            },
            RunEvent::StepStarted { call, uses, risk, .. } => {
                let turn = self.turn(call);
                turn.state = StepState::Started;
                turn.started_at = Some(mark.at);
                (turn.uses, turn.risk) = (Some(uses.clone()), Some(*risk));
            }
            RunEvent::StepDone { call, how } => {
                let turn = self.turn(call);
                turn.attempt = call.attempt;
                turn.end(StepState::Done, mark.at);
                turn.how = Some(*how);
                turn.answered = answered.or_else(|| turn.answered.take());
            }
            RunEvent::StepFailed { call, why, again, ends } => {
                let turn = self.turn(call);
                turn.attempt = call.attempt;
                turn.end(StepState::Failed, mark.at);
                (turn.fault, turn.again, turn.message) = (Some(*why), *again, words.clone());
                turn.retries += u32::from(*again);
                if *ends && self.failure.is_none() {
                    let (step, fault) = (call.step.clone(), *why);
                    self.failure = Some(Failure { step, fault, message: words });
                }
            }
            RunEvent::StepInDoubt { call, why } => {
                let turn = self.turn(call);
                turn.end(StepState::InDoubt, mark.at);
                (turn.doubt, turn.decided) = (Some(*why), None);
                turn.answered = answered.or_else(|| turn.answered.take());
                turn.message = words;
                self.want_somebody(RunState::InDoubt, mark.at);
            }
            RunEvent::StepDecided { call, choice } => self.decide(call, *choice, mark),
            _ => {}
        }
    }

    fn decide(&mut self, call: &CallId, choice: Choice, mark: &Mark) {
        let turn = self.turn(call);
        turn.decided = Some((choice, mark.by.clone()));
        turn.checking = false;
        if let (Choice::Take(index), Some(answered)) = (choice, &mut turn.answered)
            && let Some(found) = &answered.found
            && let Some(taken) = usize::try_from(index).ok().and_then(|at| found.items.get(at))
        {
            answered.out = taken.clone();
        }
        if self.state == RunState::InDoubt && choice != Choice::Check {
            self.go_on(mark.at);
        }
    }

    /// The run waits for somebody from now on: its ladder begins.
    fn want_somebody(&mut self, state: RunState, at: Timestamp) {
        self.state = state;
        self.ladder.restart(at);
    }

    fn go_on(&mut self, at: Timestamp) {
        self.state = RunState::Running;
        self.deadline = None;
        self.ladder.restart(at);
    }

    fn open(&mut self, step: StepRun) {
        if self.step(&step.id).is_none() {
            self.steps.push(step);
        }
    }

    fn turn(&mut self, call: &CallId) -> &mut Turn {
        if self.step(&call.step).is_none() {
            self.steps.push(StepRun::of(&call.step));
        }
        let step = self.steps.iter_mut().find(|step| step.id == call.step).expect("it is there");
        let at = usize::try_from(call.iteration).unwrap_or(usize::MAX).min(step.turns.len());
        if at == step.turns.len() {
            step.turns.push(Turn::new(call.attempt));
        }
        &mut step.turns[at]
    }

    fn keep_copy(&mut self, copy: Posted) {
        if self.copies.len() == COPIES {
            self.copies.remove(0);
        }
        self.copies.push(copy);
    }

    /// The step, where its turn has come.
    pub fn step(&self, id: &StepId) -> Option<&StepRun> {
        self.steps.iter().find(|step| step.id == *id)
    }

    /// Whether a person has had a say in it: started or approved it, or said how it goes on.
    pub fn is_wanted_by_somebody(&self) -> bool {
        let decided =
            self.steps.iter().flat_map(|step| &step.turns).filter_map(|t| t.decided.as_ref());
        let approved = self.approvals.iter().map(|mark| &mark.by);
        let actors = decided.map(|(_, by)| by).chain(approved).chain([&self.by]);
        actors.into_iter().any(|by| !matches!(by, Actor::System | Actor::Source(_)))
    }

    /// The tool that a step calls, as it was planned.
    pub fn tool(&self, id: &StepId) -> Option<&ToolName> {
        let outline = &self.content.as_ref()?.outline;
        let mut all = outline.steps.iter().chain(&outline.on_failure).chain(&outline.always);
        let call = all.find(|planned| planned.step == *id)?.call()?;
        Some(&call.uses.tool)
    }

    /// The turn that a call is of, where this is its newest try.
    pub fn current(&self, call: &CallId) -> Option<&Turn> {
        let at = usize::try_from(call.iteration).ok()?;
        let turn = self.step(&call.step)?.turns.get(at)?;
        (turn.attempt == call.attempt).then_some(turn)
    }

    /// Whether nothing more will happen to it.
    pub fn is_over(&self) -> bool {
        match self.state {
            RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Refused => true,
            RunState::Planned | RunState::Waiting | RunState::Running | RunState::InDoubt => false,
        }
    }

    /// Whether it stands in the way of another of the same playbook on the same alert: what nobody has started does not.
    pub fn is_live(&self) -> bool {
        !self.is_over() && self.state != RunState::Planned
    }

    /// Whether it waits for somebody's word.
    pub fn waits(&self) -> bool {
        self.state == RunState::Waiting
            || (self.state == RunState::InDoubt && self.in_question().is_some())
    }

    /// The calls that have changed something.
    pub fn effects(&self) -> impl Iterator<Item = &Uses> {
        let turns = self.steps.iter().flat_map(|step| &step.turns);
        turns.filter(|turn| turn.has_changed_something()).filter_map(|turn| turn.uses.as_ref())
    }

    /// The call that somebody must say something about.
    pub fn in_question(&self) -> Option<(CallId, &Turn)> {
        let open = |turn: &&Turn| turn.state == StepState::InDoubt && turn.needs_a_word();
        self.steps.iter().find_map(|step| {
            let (at, turn) = step.turns.iter().enumerate().find(|(_, turn)| open(turn))?;
            let iteration = u32::try_from(at).unwrap_or(u32::MAX);
            Some((CallId { step: step.id.clone(), iteration, attempt: turn.attempt }, turn))
        })
    }
}
