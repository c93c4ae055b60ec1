//! What takes a run's effects back: a playbook of its own, with the very values that were used.

use super::Run;
use super::event::CallId;
use super::gate::{self, Pinned};
use crate::domain::ids::PlaybookName;
use crate::domain::tool::{Risk, Uses, Values};
use serde_json::{Value as Json, json};

/// What the playbook is called that takes back what another did.
pub fn name(of: &PlaybookName) -> PlaybookName {
    PlaybookName::new(format!("undo-{of}"))
}

/// One call that takes another one back.
struct Back {
    uses: Uses,
    with: Values,
}

/// Whether every effect of the run can be taken back, and there is one.
pub fn is_possible(run: &Run, pinned: &Pinned) -> bool {
    run.is_over()
        && run.planned.undoes.is_none()
        && backs(run, pinned).is_some_and(|all| !all.is_empty())
}

/// The playbook's text; `None` where something cannot be taken back, or there is nothing to take back.
pub fn text(run: &Run, pinned: &Pinned) -> Option<String> {
    let backs = backs(run, pinned).filter(|all| !all.is_empty())?;
    let steps: Vec<Json> = backs
        .iter()
        .enumerate()
        .map(|(index, back)| {
            let with: serde_json::Map<String, Json> = back
                .with
                .iter()
                .map(|(name, value)| (name.clone(), literal(value).into()))
                .collect();
            json!({"id": format!("undo{}", index + 1), "uses": back.uses.to_string(), "with": with})
        })
        .collect();
    let mut playbook = json!({
        "title": format!("Undo: {}", pinned.playbook.title),
        "description": format!("Takes back what {} did.", run.id),
        "on": "button",
        "steps": steps,
    });
    if !pinned.playbook.who.is_empty() {
        playbook["who"] = json!(pinned.playbook.who);
    }
    // What is destructive is approved, whichever way it goes.
    if let (Some(Risk::Destructive), Some(approve)) =
        (worst(&backs, pinned), &pinned.playbook.approve)
    {
        playbook["approve"] = json!({
            "by": approve.by,
            "quorum": approve.quorum,
            "within": format!("{}s", approve.within.as_secs()),
        });
    }
    // JSON is YAML too.
    serde_json::to_string_pretty(&playbook).ok()
}

/// Whether taking it back is no more dangerous than what nobody had to approve: who may lift a containment does not contain by it.
pub fn is_allowed(run: &Run, worst: Option<Risk>) -> bool {
    worst != Some(Risk::Destructive)
        || run.planned.approval.is_some()
        || run.planned.risk == Risk::Destructive
}

fn worst(backs: &[Back], pinned: &Pinned) -> Option<Risk> {
    backs.iter().filter_map(|back| Some(pinned.catalogue.find(&back.uses)?.1.risk)).max()
}

/// The calls that take back what was done, last first; `None` where one of the effects stays, or it may not be.
fn backs(run: &Run, pinned: &Pinned) -> Option<Vec<Back>> {
    let mut backs = Vec::new();
    for step in run.steps.iter().rev() {
        for (at, turn) in step.turns.iter().enumerate().rev() {
            let Some(uses) = turn.uses.as_ref().filter(|_| turn.has_changed_something()) else {
                continue;
            };
            let iteration = u32::try_from(at).ok()?;
            let call = CallId { step: step.id.clone(), iteration, attempt: turn.attempt };
            let prepared = gate::prepare(run, pinned, &call).ok()?;
            let undo = prepared.action.undo.as_ref()?;
            let out =
                turn.answered.as_ref().map(|answered| answered.out.clone()).unwrap_or_default();
            let with = undo.inputs(&prepared.with, &out).ok()?;
            let uses = Uses { tool: uses.tool.clone(), action: undo.action.clone() };
            backs.push(Back { uses, with });
        }
    }
    is_allowed(run, worst(&backs, pinned)).then_some(backs)
}

/// A value as an expression that is it and nothing else: braces are written so that none of them ends it.
fn literal(value: &Json) -> String {
    let text = value.to_string().replace('{', "\\u007b").replace('}', "\\u007d");
    match value {
        // In a map the braces are its own.
        Json::Object(_) | Json::Array(_) => format!("{{{{ {} | from_json }}}}", Json::from(text)),
        _ => format!("{{{{ {text} }}}}"),
    }
}
