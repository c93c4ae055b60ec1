//! What the expressions of a run see: the alert as it was planned with, what was asked, and what the steps gave back.

use super::event::CallId;
use super::{PlanContent, Run, StepRun, StepState};
use crate::domain::ids::{AlertId, StepId};
use crate::domain::playbook::scope::{Facts, Given, Scope};
use crate::domain::tool::Values;
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// The values for a turn that has come: with the names of its step and of those before it, never of those after it, for it is
/// looked at again when it is undone.
pub fn of_turn(run: &Run, content: &PlanContent, call: &CallId) -> Value {
    let at = run.steps.iter().position(|step| step.id == call.step);
    let until = at.map_or(run.steps.len(), |at| at + 1);
    let mut lets = names(&run.steps[..until]);
    let round = usize::try_from(call.iteration).unwrap_or(usize::MAX);
    let step = at.map(|at| &run.steps[at]);
    lets.extend(step.and_then(|step| step.rounds.get(round)).cloned().unwrap_or_default());
    values(run, content, (lets, step.and_then(|step| step.items.get(round))))
}

/// The values for a step whose turn comes; `item` where it is done for each of several, `lets` what it names itself.
pub fn scope(run: &Run, content: &PlanContent, (lets, item): (&Values, Option<&Json>)) -> Value {
    let mut all = names(&run.steps);
    all.extend(lets.clone());
    values(run, content, (all, item))
}

fn names(steps: &[StepRun]) -> Values {
    steps.iter().flat_map(|step| step.lets.clone()).collect()
}

fn values(run: &Run, content: &PlanContent, (all, item): (Values, Option<&Json>)) -> Value {
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

/// What a step gave; nothing where it has failed, or was not wanted: its outputs are missing then.
fn given(step: &StepRun) -> Option<Given> {
    let done = |turn: &&super::Turn| turn.state == StepState::Done;
    let mut answers = step.turns.iter().filter(done).filter_map(|turn| turn.answered.clone());
    match step.items.is_empty() {
        true => answers.next().map(Given::One),
        false => Some(Given::Each(answers.collect())),
    }
}
