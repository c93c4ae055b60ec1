//! A step of a run: its turns, and where each newest try stands.

use super::event::*;
use crate::domain::alert::words;
use crate::domain::ids::StepId;
use crate::domain::people::Actor;
use crate::domain::playbook::OnError;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::Answered;
use crate::domain::tool::{Risk, Uses, Values};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Where one try of a step stands, in the words of `steps_v1.state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    Planned,
    Started,
    Done,
    Failed,
    InDoubt,
    Skipped,
}

words! {
    StepState {
        Planned = "planned", Started = "started", Done = "done", Failed = "failed", InDoubt = "in_doubt",
        Skipped = "skipped",
    }
}

/// A step whose turn has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    pub id: StepId,
    pub skipped: Option<Skipped>,
    /// How many turns it has: one, or as many as its `for_each` has items.
    pub times: u32,
    pub lets: Values,
    pub items: Vec<Json>,
    /// What each item's round calls by a name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Values>,
    /// Its turns, as far as they have begun.
    pub turns: Vec<Turn>,
}

/// One turn of a step, with its newest try.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    pub attempt: u32,
    pub state: StepState,
    /// The tool is being asked whether it happened.
    pub checking: bool,
    pub uses: Option<Uses>,
    pub risk: Option<Risk>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub how: Option<Finish>,
    pub fault: Option<Fault>,
    /// A failed try that is followed by another.
    pub again: bool,
    pub doubt: Option<Doubt>,
    pub decided: Option<(Choice, Actor)>,
    /// What it gave back; `None` too where it was erased.
    pub answered: Option<Answered>,
    /// Why it failed, in the tool's words or ours.
    pub message: Option<String>,
    /// How often it was let go again after it was limited or did not leave.
    pub retries: u32,
}

/// The step that ended a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub step: StepId,
    pub fault: Fault,
    pub message: Option<String>,
}

/// Private content of a step's turn: its names, and what it is done for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    pub lets: Values,
    pub items: Vec<Json>,
    /// Where it is done for each of several: the names of each round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<Values>,
}

impl StepRun {
    pub(super) fn of(id: &StepId) -> Self {
        Self {
            id: id.clone(),
            skipped: None,
            times: 1,
            lets: Values::new(),
            items: Vec::new(),
            rounds: Vec::new(),
            turns: Vec::new(),
        }
    }

    /// Whether nothing more comes of it.
    pub fn is_settled(&self) -> bool {
        self.skipped.is_some()
            || (self.turns.len() == usize::try_from(self.times).unwrap_or(usize::MAX)
                && self.turns.iter().all(Turn::is_settled))
    }

    /// Its first turn that has failed for good.
    pub fn failed(&self) -> Option<&Turn> {
        self.turns.iter().find(|turn| turn.state == StepState::Failed && turn.is_settled())
    }
}

impl Turn {
    pub(super) fn new(attempt: u32) -> Self {
        Self {
            attempt,
            state: StepState::Planned,
            checking: false,
            uses: None,
            risk: None,
            started_at: None,
            finished_at: None,
            how: None,
            fault: None,
            again: false,
            doubt: None,
            decided: None,
            answered: None,
            message: None,
            retries: 0,
        }
    }

    /// Its next try.
    pub(super) fn begin(&mut self, attempt: u32) {
        *self = Self { retries: self.retries, ..Self::new(attempt) };
    }

    pub(super) fn end(&mut self, state: StepState, at: Timestamp) {
        self.state = state;
        self.finished_at = Some(at);
        self.checking = false;
    }

    /// Whether nothing more comes of it.
    pub fn is_settled(&self) -> bool {
        match self.state {
            StepState::Done | StepState::Skipped => true,
            StepState::Failed => !self.again,
            StepState::Planned | StepState::Started | StepState::InDoubt => false,
        }
    }

    /// Whether it is done, and was more than a look at what was so before.
    pub fn has_changed_something(&self) -> bool {
        let changed = self.answered.as_ref().is_none_or(|answered| !answered.already);
        let acts = self.risk.is_some_and(|risk| risk != Risk::Read);
        acts && changed && self.state == StepState::Done
    }

    /// In doubt, and neither the tool is asked nor was it decided.
    pub fn needs_a_word(&self) -> bool {
        let decided = self.decided.as_ref().is_some_and(|(choice, _)| *choice != Choice::Check);
        self.state == StepState::InDoubt && !self.checking && !decided
    }
}

/// Whether a failed step ends the steps.
pub fn ends(on_error: OnError, fault: Fault) -> bool {
    match fault {
        // What somebody gave up, or the gate held, is not gone on from.
        Fault::Abandoned
        | Fault::Protected
        | Fault::Unknown
        | Fault::Limit
        | Fault::ToolChanged => true,
        Fault::Call(_) | Fault::NoValue | Fault::Alert => on_error == OnError::Stop,
    }
}
