//! A plan as it is kept, shown and hashed.

use crate::domain::alert::dedup::hex;
use crate::domain::alert::{Disposition, Severity};
use crate::domain::ids::{PlaybookName, RoleName, StepId, ToolName};
use crate::domain::playbook::{Asked, OnError};
use crate::domain::tool::{Entity, Risk, Uses};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// All that a plan says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    pub playbook: PlaybookName,
    pub playbook_hash: String,
    pub title: String,
    /// The tools it calls, each with its print: another address of a tool is another plan.
    pub tools: BTreeMap<ToolName, String>,
    pub asked: Asked,
    /// Whose word it takes; `None` where it starts at once.
    pub approve: Option<Approval>,
    /// The worst of all calls.
    pub risk: Risk,
    pub steps: Vec<Planned>,
    /// Done only where a step fails.
    pub on_failure: Vec<Planned>,
    pub always: Vec<Planned>,
}

/// Whose word it takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    pub by: RoleName,
    pub quorum: u32,
    pub within_ms: u64,
}

/// One step, or one round of a `for_each`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Planned {
    pub step: StepId,
    /// Which round of its `for_each`, from 0.
    pub round: Option<usize>,
    /// What it is done for, where its `for_each` is known.
    pub item: Option<Json>,
    /// The `for_each` whose items are not known yet.
    pub each: Option<String>,
    pub when: Condition,
    pub on_error: OnError,
    pub act: Act,
}

/// Whether it will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    Always,
    /// It does not hold for this alert.
    Skipped(String),
    /// Earlier steps decide: the expression.
    If(String),
}

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    Call(Box<PlannedCall>),
    Say(Foreseen),
    Change(Box<Change>),
}

/// A call, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCall {
    pub uses: Uses,
    /// What the action is called, for people.
    pub title: String,
    pub risk: Risk,
    /// What it is given; an input that may be left out, and has no value, is.
    pub with: BTreeMap<String, Foreseen>,
    pub touches: Vec<Touch>,
    pub undo: Undo,
}

/// A value that is known, or the place where it will come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Foreseen {
    /// What an earlier step gives stands in it as ‹find.id›.
    pub value: Json,
    /// Whether all of it is known.
    pub settled: bool,
}

/// Something in the world that a call names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    pub entity: Entity,
    pub input: String,
    pub value: Foreseen,
}

/// Whether it can be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// It only looks.
    Nothing,
    By(Uses),
    Cannot,
}

/// How it changes the alert.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    pub severity: Option<Severity>,
    pub entities: BTreeMap<String, Foreseen>,
    pub assign: Option<Foreseen>,
    pub resolve: Option<Disposition>,
    pub note: Option<Foreseen>,
}

impl Planned {
    /// The call that it makes, where it makes one.
    pub fn call(&self) -> Option<&PlannedCall> {
        match &self.act {
            Act::Call(call) => Some(call),
            Act::Say(_) | Act::Change(_) => None,
        }
    }

    /// How dangerous its call is, where it may be made.
    pub fn risk(&self) -> Option<Risk> {
        match self.when {
            Condition::Skipped(_) => None,
            Condition::Always | Condition::If(_) => self.call().map(|call| call.risk),
        }
    }
}

impl Outline {
    /// The hash of the plan that it was kept from.
    pub fn hash(&self) -> String {
        let mut text = "vigie/plan/1\0".to_owned();
        let all = serde_json::to_value(self).expect("a plan is plain data");
        canonical(&all, &mut text);
        hex(&Sha256::digest(text))
    }
}

/// JSON with sorted keys and no blanks: the same value is the same text, however it was built.
fn canonical(value: &Json, text: &mut String) {
    match value {
        Json::Object(entries) => {
            let sorted: BTreeMap<_, _> = entries.iter().collect();
            text.push('{');
            for (key, value) in sorted {
                text.push_str(&Json::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Json::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}
