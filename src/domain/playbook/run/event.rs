//! What has happened to a run: its part of the journal's vocabulary. Bodies hold ids, enums, numbers and hashes; what was
//! asked, said and answered stands in `Private`.

use crate::domain::alert::lifecycle::Posted;
use crate::domain::event::{Action, RungKey, Told};
use crate::domain::ids::*;
use crate::domain::input::{Reach, Sent};
use crate::domain::playbook::Trigger;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::{Unsure, Why};
use crate::domain::tool::{Risk, Uses};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that has happened to a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "body")]
pub enum RunEvent {
    /// It was planned, and nothing of it is done. Private: `Private::Plan`.
    #[serde(rename = "run.planned")]
    Planned(Box<RunPlanned>),
    /// Whoever had it planned wants it done; `deadline` where it waits for an approval until then.
    #[serde(rename = "run.started")]
    Started { deadline: Option<Timestamp> },
    /// Somebody approved this very plan; `enough` where no further approval is wanted.
    #[serde(rename = "run.approved")]
    Approved { plan: String, enough: bool },
    /// Somebody refused it. Private: `Private::Note`, where they said why.
    #[serde(rename = "run.declined")]
    Declined { plan: String },
    /// Nobody approved it in time.
    #[serde(rename = "run.lapsed")]
    Lapsed {},
    /// Somebody stopped it: what is under way ends, nothing further is done.
    #[serde(rename = "run.cancelled")]
    Cancelled {},
    /// A step's turn has come, so many times over. Private: `Private::Opened`, its names and its items.
    #[serde(rename = "step.opened")]
    StepOpened { step: StepId, times: u32 },
    /// It is not wanted.
    #[serde(rename = "step.skipped")]
    StepSkipped { step: StepId, why: Skipped },
    /// A call is to be made, not before `after`: the next try of a step, or the question whether the last one happened.
    #[serde(rename = "call.wanted")]
    CallWanted { call: CallId, after: Timestamp, purpose: Purpose },
    /// The gate let it through, and it is about to be made. On disk before the first byte leaves.
    #[serde(rename = "step.started")]
    StepStarted {
        call: CallId,
        uses: Uses,
        risk: Risk,
        /// SHA-256 of the request, hex.
        request: String,
    },
    /// It was done. Private: `Private::Answered`.
    #[serde(rename = "step.done")]
    StepDone { call: CallId, how: Finish },
    /// It was not done: it will be tried once more, or that `ends` the steps, or the next one's turn comes. Private:
    /// `Private::Said`, why.
    #[serde(rename = "step.failed")]
    StepFailed { call: CallId, why: Fault, again: bool, ends: bool },
    /// It may or may not have been done, or what it found is not what was expected. Private: `Private::Answered`, where
    /// something was found.
    #[serde(rename = "step.in_doubt")]
    StepInDoubt { call: CallId, why: Doubt },
    /// What is to come of a step in doubt, by whoever acts here: a person, or the rule of the action.
    #[serde(rename = "step.decided")]
    StepDecided { call: CallId, choice: Choice },
    /// It is over.
    #[serde(rename = "run.ended")]
    Ended { end: End },
    /// Its message stands in the thread of the alert's message `beside`; `again` where an earlier one was lost.
    #[serde(rename = "run.shown")]
    Shown { posted: Posted, beside: Posted, how: Sent, again: bool },
    /// Its message is gone.
    #[serde(rename = "run.message_lost")]
    MessageLost { why: String },
    /// Somebody is wanted for it: these people are to be told.
    #[serde(rename = "run.escalated")]
    Escalated { told: Told },
    /// They were told.
    #[serde(rename = "run.notified")]
    Notified { told: Told, posted: Posted, how: Sent, reach: Reach },
    /// They could not be told; `why` is Slack's error word.
    #[serde(rename = "run.not_told")]
    NotTold { told: Told, why: String },
    /// The ladder reached a rung that means nobody at this moment.
    #[serde(rename = "run.nobody_meant")]
    NobodyMeant { round: u32, level: u32, rung: RungKey, repeat: u32 },
}

/// All that was decided when a run was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPlanned {
    pub playbook: PlaybookName,
    pub playbook_hash: String,
    /// An approval is for this hash and no other.
    pub plan_hash: String,
    pub alert: Option<AlertId>,
    /// Of a test alert.
    pub test: bool,
    pub trigger: Trigger,
    pub risk: Risk,
    /// The print of each tool that it uses (`Tool::print`).
    pub tools: BTreeMap<ToolName, String>,
    pub approval: Option<ApprovalRule>,
    /// Whose ladder is climbed where somebody is wanted.
    pub escalation: EscalationName,
    pub rungs: Vec<RungKey>,
    /// The run whose effects it takes back.
    pub undoes: Option<RunId>,
    pub config_hash: String,
}

/// Whose approval it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalRule {
    pub by: RoleName,
    pub quorum: u32,
    /// In milliseconds.
    pub within_ms: u64,
}

/// One try of one turn of one step.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CallId {
    pub step: StepId,
    /// From 0: which of the items of `for_each`.
    pub iteration: u32,
    /// From 1.
    pub attempt: u32,
}

/// What a call is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To do it.
    Act,
    /// To learn whether it happened.
    Check,
}

/// Why a step is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// Its `when` does not hold.
    When,
    /// Its `for_each` has nothing in it.
    Nothing,
}

/// How a step came to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The tool said so.
    Answered,
    /// It was so before.
    Already,
    /// Asked afterwards, the tool said that it happened.
    Verified,
    /// A person said that it happened.
    Person,
    /// No tool was wanted: something was said, or the alert changed.
    Here,
}

/// Why a step was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The call failed.
    Call(Why),
    /// A value that it wants is missing, or an expression of it cannot be evaluated.
    NoValue,
    /// What it would touch is protected.
    Protected,
    /// What it would touch cannot be named, and something is protected.
    Unknown,
    /// As many destructive steps as are allowed were done.
    Limit,
    /// The tool, or its connection, is not the one that was planned with.
    ToolChanged,
    /// A person gave it up.
    Abandoned,
    /// The alert does not take this change.
    Alert,
}

/// Why nobody knows how to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Doubt {
    /// It may or may not have happened.
    Unsure(Unsure),
    /// Nothing was found where something was expected.
    NoneFound,
    /// Several were found where one was expected.
    SeveralFound,
}

/// What comes of a step in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Ask the tool now.
    Check,
    /// It happened.
    Happened,
    /// Do it (look) again.
    Again,
    /// Give it up: the step has failed.
    Abandon,
    /// Of what was found, this one (from 0).
    Take(u32),
}

impl Choice {
    /// As people write it; of what was found they count from 1: `take=1`.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "happened" => Some(Self::Happened),
            "again" => Some(Self::Again),
            "abandon" => Some(Self::Abandon),
            "check" => Some(Self::Check),
            _ => word.strip_prefix("take=")?.parse::<u32>().ok()?.checked_sub(1).map(Self::Take),
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    Done,
    Failed,
    Cancelled,
    /// Nobody approved it, or the gate let a step not through.
    Refused,
}

impl RunEvent {
    /// What somebody did by it, in the words of `interactions_v1.action`; `None` for what is no interaction.
    pub fn action(&self) -> Option<Action> {
        match self {
            Self::Planned(_) => Some(Action::PlanRun),
            Self::Started { .. } => Some(Action::StartRun),
            Self::Approved { .. } => Some(Action::ApproveRun),
            Self::Declined { .. } => Some(Action::DeclineRun),
            Self::Cancelled {} => Some(Action::CancelRun),
            Self::StepDecided { .. } => Some(Action::DecideStep),
            Self::Lapsed {}
            | Self::StepOpened { .. }
            | Self::StepSkipped { .. }
            | Self::CallWanted { .. }
            | Self::StepStarted { .. }
            | Self::StepDone { .. }
            | Self::StepFailed { .. }
            | Self::StepInDoubt { .. }
            | Self::Ended { .. }
            | Self::Shown { .. }
            | Self::MessageLost { .. }
            | Self::Escalated { .. }
            | Self::Notified { .. }
            | Self::NotTold { .. }
            | Self::NobodyMeant { .. } => None,
        }
    }
}
