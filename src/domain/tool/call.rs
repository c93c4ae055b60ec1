//! A call that may be made, and what came of it.

use super::{Action, Risk, Tool, Values};
use crate::domain::ids::ActionName;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// A call that may be made now. Only the gate of the runs makes one that changes something; a read needs none.
#[derive(Clone, Debug)]
pub struct Permit {
    tool: Arc<Tool>,
    action: Arc<Action>,
    with: Values,
    key: String,
    timeout: Duration,
}

impl Permit {
    /// Lets a read through; `None` for whatever changes something, and for what the tool does not have. Whether it is one the tool
    /// itself says, so that nobody can show a harmless action and call another.
    pub fn read(
        tool: &Arc<Tool>,
        action: &ActionName,
        with: Values,
        timeout: Duration,
    ) -> Option<Self> {
        let action = tool.actions.get(action)?.clone();
        let looks = action.risk_of(&with) == Risk::Read;
        let (tool, key) = (tool.clone(), String::new());
        looks.then_some(Self { tool, action, with, key, timeout })
    }

    /// For the gate of the runs alone, which has looked at everything.
    pub(in crate::domain) fn granted(
        (tool, action): (Arc<Tool>, Arc<Action>),
        with: Values,
        (key, timeout): (String, Duration),
    ) -> Self {
        Self { tool, action, with, key, timeout }
    }

    /// Which tool is called.
    pub fn tool(&self) -> &Arc<Tool> {
        &self.tool
    }
    /// What it is to do.
    pub fn action(&self) -> &Arc<Action> {
        &self.action
    }
    /// With what.
    pub fn with(&self) -> &Values {
        &self.with
    }
    /// Names this very effect, however often it is tried: SHA-256 of run, step and iteration, hex. Empty for a read.
    pub fn key(&self) -> &str {
        &self.key
    }
    /// How long all of it may take.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// What came of a call. Whatever a tool said in it is redacted already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Called {
    /// It was done, or was so already.
    Answered(Answered),
    /// It was not done.
    Failed(Failed),
    /// It may or may not have been done.
    Unsure { why: Unsure, message: String },
}

/// What a tool answered, as far as its action declares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    pub out: Values,
    /// For an action that finds: what it found. `out` is then of the first.
    pub found: Option<Found>,
    /// It was so before: nothing changed.
    pub already: bool,
}

/// What was found: how many, and the outputs of the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub count: u64,
    /// At most 20.
    pub items: Vec<Values>,
    /// There were further pages, which were not fetched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

impl Found {
    /// Whether it is surely no more than what `items` has.
    pub fn is_whole(&self) -> bool {
        !self.more && self.count == self.items.len() as u64
    }
}

/// Why it was not done; `message` is for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub why: Why,
    pub message: String,
    /// The tool wants to hear nothing for so long, in milliseconds.
    pub retry_after_ms: Option<u64>,
}

/// Whether trying again may help is told by this word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No byte of the request has left: name, connection or TLS. It did not happen.
    NotSent,
    /// The egress guard does not let it go there.
    Egress,
    /// The tool wants it later (429, 503).
    Limited,
    /// The tool let nobody in: the credentials are refused.
    Unauthorised,
    /// The tool said no.
    Refused,
    /// It was done or looked up, and its answer is not as declared.
    Unreadable,
    /// The tool's answer says that it broke (5xx), and the action only looks.
    Broken,
}

/// Why nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsure {
    /// No answer in time, after bytes had left.
    TimedOut,
    /// The connection broke after bytes had left.
    Broken,
    /// The tool's answer says that it broke (5xx).
    ServerError,
    /// We died while it was under way.
    Crashed,
}
