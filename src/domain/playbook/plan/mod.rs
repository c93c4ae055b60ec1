//! What a playbook would do for this alert, before anything is done: each call in order, as far as it can be known.
//!
//! Only `Plan::make` makes a `Plan`. What is kept of one is its `Outline`, which can be read back and shown, but never run: to
//! run it, make the plan again, and see that its hash is the same.

mod answers;
mod foresee;
mod outline;
mod refusal;

pub use answers::{Choices, choices};
pub use outline::{
    Act, Approval, Change, Condition, Foreseen, Outline, Planned, PlannedCall, Touch, Undo,
};
pub use refusal::PlanRefusal;

use super::scope::About;
use super::text::NoValue;
use super::{Approve, Asked, Call, Playbook, worst};
use crate::domain::tool::{Action, Catalogue, Values};
use foresee::Sight;
use minijinja::Value;

/// At most so many items of one `for_each`, and so many calls in all: nobody reads, or means, more.
pub const MOST_CALLS: usize = 200;

/// A checked plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    outline: Outline,
    hash: String,
}

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub playbook: &'a Playbook,
    pub catalogue: &'a Catalogue,
    pub about: &'a About,
    /// The answers to what the playbook asks.
    pub asked: &'a Asked,
}

impl Plan {
    /// Makes it, or says why it cannot be.
    pub fn make(wanted: &Wanted<'_>) -> Result<Self, PlanRefusal> {
        let Wanted { playbook, about, .. } = wanted;
        if let Some(when) = &playbook.when
            && !when.holds(&about.value()).map_err(PlanRefusal::broken_when)?
        {
            return Err(PlanRefusal::NotForThisAlert { when: when.text().to_owned() });
        }
        let asked = answers::checked(wanted)?;
        let mut sight = Sight::new(wanted, &asked);
        let steps = sight.steps(&playbook.steps)?;
        let on_failure = sight.aside(&playbook.on_failure)?;
        let always = sight.aside(&playbook.always)?;
        let all = || steps.iter().chain(&on_failure).chain(&always);
        let risk = worst(all().filter_map(Planned::risk));
        let tools = all().filter_map(Planned::call);
        let tools = tools.filter_map(|call| {
            let tool = wanted.catalogue.0.get(&call.uses.tool)?;
            Some((tool.name.clone(), tool.print.clone()))
        });
        let outline = Outline {
            playbook: playbook.name.clone(),
            playbook_hash: playbook.hash.clone(),
            title: playbook.title.clone(),
            tools: tools.collect(),
            asked,
            approve: playbook.approve.as_ref().map(Approval::of),
            risk,
            steps,
            on_failure,
            always,
        };
        let hash = outline.hash();
        Ok(Self { outline, hash })
    }

    /// What it is, to be kept and shown.
    pub fn outline(&self) -> &Outline {
        &self.outline
    }

    /// Names this very plan: SHA-256 over the playbook, the tools, what was asked, and each call; hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

impl Approval {
    fn of(approve: &Approve) -> Self {
        let within_ms = u64::try_from(approve.within.as_millis()).unwrap_or(u64::MAX);
        Self { by: approve.by.clone(), quorum: approve.quorum, within_ms }
    }
}

/// What a call is given when its turn comes. Something that is missing refuses it, unless the input may be left out.
pub fn resolve(call: &Call, action: &Action, scope: &Value) -> Result<Values, Unresolved> {
    let mut values = Values::new();
    for (name, template) in &call.with {
        match template.value(scope) {
            Ok(value) => {
                values.insert(name.clone(), value);
            }
            Err(NoValue::Undefined(_)) if may_be_left_out(action, name) => {}
            Err(why) => return Err(Unresolved { input: name.clone(), why }),
        }
    }
    Ok(values)
}

/// The input that has no value, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    pub input: String,
    pub why: NoValue,
}

fn may_be_left_out(action: &Action, input: &str) -> bool {
    action.inputs.get(input).is_some_and(|input| !input.required)
}

impl std::fmt::Display for Unresolved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.why {
            NoValue::Undefined(expr) => {
                write!(f, "`{}` has no value: `{expr}` is missing", self.input)
            }
            NoValue::Broken(why) => write!(f, "`{}` has no value: {why}", self.input),
        }
    }
}
impl std::error::Error for Unresolved {}
