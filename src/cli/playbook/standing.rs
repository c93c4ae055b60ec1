//! A run as it stands, in words for a terminal and as JSON: its steps, what came of each, and what is asked of whom.

use super::words::{clean, shown};
use crate::domain::playbook::run::event::{Choice, Doubt, Finish};
use crate::domain::playbook::run::{Run, RunState, StepRun, StepState, Turn, question};
use crate::domain::tool::{Action, Catalogue};
use crate::slack::view::run::steps::fault;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// One line: which run, of what, and how it stands.
pub(super) fn head(run: &Run) -> String {
    let alert = run.planned.alert.as_ref().map(ToString::to_string).unwrap_or_default();
    format!(
        "{}  {:<9} {:<20} {alert}  by {}",
        run.id,
        run.state.as_str(),
        run.planned.playbook,
        run.by
    )
}

/// Whether nothing more comes of it by itself.
pub(super) fn rests(run: &Run) -> bool {
    run.is_over() || run.waits() || run.state == RunState::Planned
}

/// Each turn that has come to its end, or that somebody is asked about: a name for it, and its line.
pub(super) fn steps(run: &Run) -> Vec<(String, String)> {
    run.steps.iter().flat_map(of).collect()
}

fn of(step: &StepRun) -> Vec<(String, String)> {
    if step.skipped.is_some() {
        return vec![(step.id.to_string(), format!("  {}: not wanted", step.id))];
    }
    let ended = step.turns.iter().enumerate();
    let ended = ended.filter(|(_, turn)| turn.is_settled() || turn.needs_a_word());
    ended
        .map(|(at, turn)| {
            let item = step.items.get(at).map(|item| format!(" for {}", shown(item)));
            let line = format!("  {}{}: {}", step.id, item.unwrap_or_default(), came_of(turn));
            (format!("{} {at} {} {}", step.id, turn.attempt, turn.state.as_str()), line)
        })
        .collect()
}

fn came_of(turn: &Turn) -> String {
    let how = match turn.state {
        StepState::Done => match turn.how {
            Some(Finish::Already) => "it was so before",
            Some(Finish::Verified) => "done, the tool says",
            Some(Finish::Person) => "done, somebody says",
            Some(Finish::Answered | Finish::Here) | None => "done",
        },
        StepState::Failed => fault(turn),
        StepState::InDoubt => match turn.doubt {
            Some(Doubt::NoneFound) => "found nothing, and one is wanted",
            Some(Doubt::SeveralFound) => "found several, and one is wanted",
            Some(Doubt::Unsure(_)) | None => "it may or may not have happened",
        },
        StepState::Planned | StepState::Started | StepState::Skipped => turn.state.as_str(),
    };
    match (&turn.message, given(turn)) {
        (Some(message), _) => format!("{how}: {}", clean(message)),
        (None, Some(given)) => format!("{how}, {given}"),
        (None, None) => how.to_owned(),
    }
}

/// What it gave, or said.
fn given(turn: &Turn) -> Option<String> {
    let answered = turn.answered.as_ref().filter(|_| turn.state == StepState::Done)?;
    let values = answered.out.iter().filter(|(_, value)| !value.is_null());
    let pairs: Vec<String> =
        values.map(|(name, value)| format!("{name} = {}", shown(value))).collect();
    (!pairs.is_empty()).then(|| pairs.join(", "))
}

/// How it ended, or what it waits for and what can be typed then.
pub(super) fn next(run: &Run, catalogue: &Catalogue) -> String {
    let id = &run.id;
    match run.state {
        RunState::Planned => format!("{id} is planned, and nobody has started it"),
        RunState::Waiting => {
            let rule = run.planned.approval.as_ref();
            let by = rule.map_or_else(String::new, |rule| format!(" by {}", rule.by));
            let until = run.deadline.map(|at| format!(", until {at}")).unwrap_or_default();
            let wanted = rule.map_or(1, |rule| rule.quorum);
            let given = u32::try_from(run.approvals.len()).unwrap_or(wanted);
            let wanted = wanted.saturating_sub(given);
            format!(
                "{id} waits for an approval{by} ({wanted} wanted{until}); nothing is done before. In Slack, or by another account:\n  \
                 vigie playbook approve {id}\n  vigie playbook decline {id}"
            )
        }
        RunState::Running => format!("{id} runs"),
        RunState::InDoubt => asked(run, catalogue),
        RunState::Done => format!("{id} is done"),
        RunState::Failed => format!("{id} failed{}", at(run)),
        RunState::Refused if run.declined.is_some() => {
            format!("{id} was refused by a person; nothing was done")
        }
        RunState::Refused if run.failure.is_none() => {
            format!("{id} was refused: nobody approved it in time")
        }
        RunState::Refused => format!("{id} was refused{}", at(run)),
        RunState::Cancelled => format!("{id} was stopped"),
    }
}

fn at(run: &Run) -> String {
    let failure = run.failure.as_ref();
    failure.map(|failure| format!(" at the step {}", failure.step)).unwrap_or_default()
}

/// What somebody is asked, and what can be answered.
fn asked(run: &Run, catalogue: &Catalogue) -> String {
    let id = &run.id;
    let Some((call, turn)) = run.in_question() else {
        return format!("{id}: the tool is asked whether a step happened");
    };
    let mut text = format!("{id} waits for somebody's word about {}:", call.step);
    for choice in question::choices(turn, action(turn, catalogue)) {
        let what = match choice {
            Choice::Take(at) => format!("  take={}  {}", at + 1, found(turn, at)),
            Choice::Check => "  check  the tool is asked".to_owned(),
            Choice::Happened => "  happened  it is done".to_owned(),
            Choice::Again => "  again  it is tried once more".to_owned(),
            Choice::Abandon => "  abandon  it is given up".to_owned(),
        };
        text.push('\n');
        text.push_str(&what);
    }
    format!("{text}\nIn the alert's thread, or:\n  vigie playbook decide {id} {} …", call.step)
}

fn action<'a>(turn: &Turn, catalogue: &'a Catalogue) -> Option<&'a Action> {
    let (_, action) = catalogue.find(turn.uses.as_ref()?)?;
    Some(action.as_ref())
}

/// One of several that were found.
fn found(turn: &Turn, at: u32) -> String {
    let found = turn.answered.as_ref().and_then(|answered| answered.found.as_ref());
    let item = found.and_then(|found| found.items.get(usize::try_from(at).ok()?));
    let values = item.into_iter().flatten().filter(|(_, value)| !value.is_null()).take(4);
    values.map(|(name, value)| format!("{name} {}", shown(value))).collect::<Vec<_>>().join(", ")
}

/// The run without its steps, for programs.
pub(super) fn head_json(run: &Run) -> Json {
    let approved: Vec<String> = run.approvals.iter().map(|mark| mark.by.to_string()).collect();
    json!({
        "run": run.id, "playbook": run.planned.playbook, "alert": run.planned.alert, "state": run.state,
        "plan": run.planned.plan_hash, "started_by": run.by.to_string(), "approved_by": approved,
        "planned_at": run.planned_at.to_string(), "started_at": run.started_at.map(|at| at.to_string()),
        "finished_at": run.finished_at.map(|at| at.to_string()),
    })
}

/// All of it, for programs.
pub(super) fn json(run: &Run) -> Json {
    let mut all = head_json(run);
    let steps = run.steps.iter().flat_map(|step| {
        let turn = |(iteration, turn): (usize, &Turn)| {
            json!({
                "step": step.id, "iteration": iteration, "attempt": turn.attempt, "uses": turn.uses,
                "risk": turn.risk, "state": turn.state, "how": turn.how, "fault": turn.fault, "doubt": turn.doubt,
                "message": turn.message, "answered": turn.answered, "took_ms": took(turn).map(|t| t.as_millis()),
            })
        };
        let skipped = step.skipped.map(|why| json!({"step": step.id, "state": "skipped", "why": why}));
        skipped.into_iter().chain(step.turns.iter().enumerate().map(turn)).collect::<Vec<_>>()
    });
    all["steps"] = steps.collect();
    all["asked"] = run.in_question().map_or(Json::Null, |(call, _)| json!(call));
    all
}

fn took(turn: &Turn) -> Option<Duration> {
    turn.started_at.zip(turn.finished_at).map(|(from, to)| to.since(from))
}
