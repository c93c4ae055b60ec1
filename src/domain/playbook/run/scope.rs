//! What the expressions of a run see: the alert as it was planned with, what was asked, and what the steps gave back.

use super::{PlanContent, Run, StepRun, StepState};
use crate::domain::ids::{AlertId, StepId};
use crate::domain::playbook::Step;
use crate::domain::playbook::scope::{Facts, Given, Scope};
use crate::domain::playbook::text::NoValue;
use crate::domain::tool::Values;
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The values for a step; `item` where it is done for each of several, `lets` what it names itself.
pub fn scope(run: &Run, content: &PlanContent, (lets, item): (&Values, Option<&Json>)) -> Value {
    let mut all: Values = run.steps.iter().flat_map(|step| step.lets.clone()).collect();
    all.extend(lets.clone());
    let given: BTreeMap<StepId, Given> =
        run.steps.iter().filter_map(|step| Some((step.id.clone(), given(step)?))).collect();
    let failure = run.failure.as_ref();
    let facts = Facts {
        id: run.id.clone(),
        playbook: run.planned.playbook.clone(),
        started_by: run.by.to_string(),
        alert: run.planned.alert.clone().unwrap_or_else(|| AlertId::new("")),
    };
    let error = failure.map(|f| (f.message.as_deref().unwrap_or_default(), &f.step));
    let scope = Scope {
        about: &content.about(),
        asked: &content.outline.asked,
        given: &given,
        lets: &all,
        item,
        error,
        run: Some(&facts),
    };
    scope.value()
}

/// The names that a step's `let` gives, for one round of it; each sees the earlier ones. The name that has no value, where one has none.
pub fn lets(
    run: &Run,
    content: &PlanContent,
    (step, item): (&Step, Option<&Json>),
) -> Result<Values, (String, NoValue)> {
    let mut lets = Values::new();
    for (name, template) in &step.lets {
        let scope = scope(run, content, (&lets, item));
        let value = template.value(&scope).map_err(|no| (name.clone(), no))?;
        lets.insert(name.clone(), value);
    }
    Ok(lets)
}

/// The values for one round of a step whose turn has come.
pub fn of_a_round(
    run: &Run,
    content: &PlanContent,
    (step, item): (&Step, Option<&Json>),
) -> Result<Value, (String, NoValue)> {
    let lets = match item {
        Some(_) => lets(run, content, (step, item))?,
        // They stand with the step, and every later one sees them.
        None => Values::new(),
    };
    Ok(scope(run, content, (&lets, item)))
}

/// What a step gave; nothing where it has failed, or was not wanted: its outputs are missing then.
fn given(step: &StepRun) -> Option<Given> {
    let done = |turn: &&super::Turn| turn.state == StepState::Done;
    let mut answers = step.turns.iter().filter(done).filter_map(|turn| turn.answered.clone());
    match step.items.is_empty() {
        true => answers.next().map(Given::One),
        false => Some(Given::Each(answers.collect())),
    }
}
