//! What people write in their own files: the one expression language, and playbooks.

pub mod change;
pub mod expr;
mod filters;
pub mod literals;
pub mod plan;
pub mod run;
pub mod scope;
pub mod text;

use crate::domain::alert::{Disposition, Severity};
use crate::domain::ids::{PlaybookName, RoleName, StepId};
use crate::domain::tool::{Risk, Uses};
use expr::Expr;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use text::Template;

/// The playbooks in force, each by its name.
#[derive(Clone, Debug, Default)]
pub struct Playbooks(pub BTreeMap<PlaybookName, Arc<Playbook>>);

/// A playbook, checked: every name in it exists, every expression compiles, every action has its inputs.
#[derive(Clone, Debug)]
pub struct Playbook {
    pub name: PlaybookName,
    /// SHA-256 of the file's text, hex: a run is pinned to it.
    pub hash: String,
    /// The file, as it was written.
    pub text: Arc<str>,
    pub title: String,
    pub description: Option<String>,
    pub on: Trigger,
    /// Over `alert`: for which alerts it is offered, or runs.
    pub when: Option<Expr>,
    /// Who may run it; empty where any role that may `run` does.
    pub who: Vec<RoleName>,
    pub approve: Option<Approve>,
    pub ask: Vec<Ask>,
    pub steps: Vec<Step>,
    /// Done once after a step has failed for good; these see `error.message` and `error.step`.
    pub on_failure: Vec<Step>,
    /// Done at the end, whatever came of it.
    pub always: Vec<Step>,
}

/// What starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Somebody presses it (or runs it from the command line).
    Button,
    /// Each new alert that fits.
    Alert,
}

/// Whose word it takes before anything runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    pub by: RoleName,
    pub quorum: u32,
    /// After so long it is refused.
    pub within: Duration,
}

/// One thing that is asked of who starts it: a field of the form.
#[derive(Clone, Debug)]
pub struct Ask {
    pub name: String,
    pub label: String,
    pub required: bool,
    pub field: Field,
}

/// How it is asked.
#[derive(Clone, Debug)]
pub enum Field {
    /// A line of text.
    Text {
        multiline: bool,
    },
    /// One of a list: an expression over `alert`, or words as written.
    Choose(Template),
    /// A person in Slack.
    Person,
    Number,
    /// Yes or no.
    Confirm,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Step {
    pub id: StepId,
    pub when: Option<Expr>,
    /// Names for values that this step and the later ones see.
    pub lets: Vec<(String, Template)>,
    /// Over everything: the step is done for each, as `item`.
    pub for_each: Option<Expr>,
    pub what: What,
    pub on_error: OnError,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum What {
    Use(Box<Call>),
    /// A line in the alert's thread.
    Say(Template),
    /// A change of the alert.
    Alert(AlertChange),
}

/// A tool's action with what it is given.
#[derive(Clone, Debug)]
pub struct Call {
    pub uses: Uses,
    pub with: BTreeMap<String, Template>,
    pub expect: Expect,
    /// How often it is tried again where it did not happen.
    pub retry: Retry,
    /// How long one attempt may take.
    pub timeout: Duration,
}

/// How many things it must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// One; else the run stops and asks.
    One,
    /// At least one.
    Some,
    /// It does not matter.
    Any,
}

/// When a call that did not happen is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Beside the first try.
    pub times: u32,
    /// The first pause; each further one is twice as long.
    pub wait: Duration,
}

/// What a failed step means for the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails: `on_failure`, then `always`.
    Stop,
    /// The next step is done; what this one would give is missing.
    Continue,
}

/// How a step changes the alert.
#[derive(Clone, Debug, Default)]
pub struct AlertChange {
    pub severity: Option<Severity>,
    /// By the names of a normalised alert (`hosts`): what is added.
    pub entities: Vec<(String, Template)>,
    /// A person: a Slack id, an e-mail address or a handle.
    pub assign: Option<Template>,
    pub resolve: Option<Resolve>,
}

/// How a step ends the alert.
#[derive(Clone, Debug)]
pub struct Resolve {
    pub disposition: Disposition,
    pub note: Option<Template>,
}

/// What was asked, by name.
pub type Asked = BTreeMap<String, Json>;

impl Playbook {
    /// Each step of it, with what is done after a failure and at the end.
    pub fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().chain(&self.on_failure).chain(&self.always)
    }

    /// The step of that id.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.all_steps().find(|step| step.id == *id)
    }
}

/// The worst of several risks.
pub fn worst(risks: impl IntoIterator<Item = Risk>) -> Risk {
    risks.into_iter().max().unwrap_or(Risk::Read)
}
