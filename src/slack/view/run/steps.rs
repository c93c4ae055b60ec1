//! The steps of a run, one line each: how it stands, how long it took, what came of it.

use super::Shown;
use crate::domain::ids::StepId;
use crate::domain::playbook::plan::{Act, Condition, Planned};
use crate::domain::playbook::run::event::{Fault, Finish, Skipped};
use crate::domain::playbook::run::{StepRun, StepState, Turn};
use crate::domain::tool::call::Why;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::Rich;
use crate::slack::view::words;
use serde_json::Value;

/// Of more steps than this the last ones are counted only: 25 of the longest are more than a message takes.
const MOST: usize = 20;
/// So many characters of what a tool said stand in a line.
const SAID: usize = 120;

/// Every step that will come or has come, in order.
pub fn rows(shown: &Shown<'_>) -> Vec<Rich> {
    let mut rows = Vec::new();
    let outline = shown.run.content.as_ref().map(|content| &content.outline);
    let mut seen: Vec<&StepId> = Vec::new();
    for planned in outline.into_iter().flat_map(|outline| &outline.steps) {
        if seen.contains(&&planned.step) {
            continue;
        }
        seen.push(&planned.step);
        match shown.run.step(&planned.step) {
            Some(step) => rows.extend(of(step, &named(planned))),
            None => rows.extend(to_come(planned, shown.run.is_over())),
        }
    }
    // What is done after a failure and at the end stands there once it is done.
    let later = shown.run.steps.iter().filter(|step| !seen.contains(&&step.id));
    rows.extend(later.flat_map(|step| {
        let planned = outline.and_then(|outline| {
            outline.on_failure.iter().chain(&outline.always).find(|p| p.step == step.id)
        });
        of(step, &planned.map_or_else(|| step.id.to_string(), named))
    }));
    let left = rows.len().saturating_sub(MOST);
    rows.truncate(MOST);
    if left > 0 {
        rows.push(Rich::line().text(&format!("and {left} more: Details…"), 60));
    }
    rows
}

/// What a step is called: the action's title, else what it does here.
pub fn named(planned: &Planned) -> String {
    match &planned.act {
        Act::Call(call) => call.title.clone(),
        Act::Say(_) => "Say so in the thread".to_owned(),
        Act::Change(_) => "Change the alert".to_owned(),
    }
}

fn to_come(planned: &Planned, over: bool) -> Option<Rich> {
    match (&planned.when, over) {
        (Condition::Skipped(_), _) => None,
        (_, true) => Some(Rich::line().say("–  ").text(&named(planned), 80).say(" · not done")),
        (_, false) => Some(Rich::line().say("○  ").text(&named(planned), 80)),
    }
}

fn of(step: &StepRun, name: &str) -> Vec<Rich> {
    if let Some(why) = step.skipped {
        let why = match why {
            Skipped::When => " · not wanted here",
            Skipped::Nothing => " · nothing to do it for",
        };
        return vec![Rich::line().say("–  ").text(name, 80).say(why)];
    }
    if step.turns.is_empty() {
        return vec![Rich::line().say("⏳  ").text(name, 80)];
    }
    let many = step.times > 1;
    let line = |(at, turn): (usize, &Turn)| {
        let mut line = Rich::line().say(sign(turn)).text(name, 80);
        if let Some(item) = step.items.get(at).filter(|_| many) {
            line = line.say(" · ").code(&short(item), 60);
        }
        told(line, turn)
    };
    step.turns.iter().enumerate().map(line).collect()
}

fn short(value: &Value) -> String {
    match value {
        Value::String(text) => fit(text, 60, Shape::Line),
        other => fit(&other.to_string(), 60, Shape::Line),
    }
}

fn sign(turn: &Turn) -> &'static str {
    match turn.state {
        StepState::Planned | StepState::Started => "⏳  ",
        StepState::Done => "✓  ",
        StepState::Failed if turn.again => "⏳  ",
        StepState::Failed => "✗  ",
        StepState::InDoubt if turn.checking => "⏳  ",
        StepState::InDoubt => "❓  ",
        StepState::Skipped => "–  ",
    }
}

fn told(line: Rich, turn: &Turn) -> Rich {
    let took = turn.started_at.zip(turn.finished_at).map(|(from, to)| to.since(from));
    let line = match took.filter(|_| turn.state == StepState::Done) {
        Some(took) if took.as_secs() == 0 => line.say(&format!(" · {} ms", took.as_millis())),
        Some(took) => line.say(&format!(" · {}", words::span(took))),
        None => line,
    };
    let line = match turn.state {
        StepState::Done => match turn.how {
            Some(Finish::Already) => line.say(" · it was so before"),
            Some(Finish::Verified) => line.say(" · the tool says that it happened"),
            Some(Finish::Person) => line.say(" · somebody says that it happened"),
            Some(Finish::Answered | Finish::Here) | None => line,
        },
        StepState::Failed => {
            let line = line.say(" · ").say(fault(turn));
            match turn.again {
                true => line.say(" · it is tried again"),
                false => line,
            }
        }
        StepState::InDoubt if turn.checking => line.say(" · the tool is asked whether it happened"),
        StepState::Planned | StepState::Started | StepState::InDoubt | StepState::Skipped => line,
    };
    // Why it was in doubt matters only as long as it is.
    let message = turn.message.as_ref().filter(|_| turn.state != StepState::Done);
    match (message, result(turn)) {
        (Some(message), _) => line.say(": ").text(message, SAID),
        (None, Some(result)) => line.say(" · ").code(&result, SAID),
        (None, None) => line,
    }
}

/// Outputs that say which one it is and how it stands come before others.
const TELLING: [&str; 7] = ["key", "hostname", "name", "login", "type", "status", "state"];

/// The result that matters: what says which one it is and how it stands, else the first outputs that are short words.
fn result(turn: &Turn) -> Option<String> {
    let answered = turn.answered.as_ref().filter(|_| turn.how != Some(Finish::Here))?;
    let word = |value: &Value| match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let telling = TELLING.iter().filter_map(|name| answered.out.get(*name));
    let others = answered.out.iter().filter(|(name, _)| !TELLING.contains(&name.as_str()));
    let all = telling.chain(others.map(|(_, value)| value));
    let words: Vec<String> = all.filter_map(word).take(2).collect();
    (!words.is_empty()).then(|| words.join(" · "))
}

/// Why it was not done, in a few words.
pub fn fault(turn: &Turn) -> &'static str {
    match turn.fault {
        Some(Fault::Call(why)) => match why {
            Why::NotSent => "the tool was not reached, and nothing was sent",
            Why::Egress => "it may not go there",
            Why::Limited => "the tool wants it later",
            Why::Unauthorised => "the tool refused the credentials",
            Why::Refused => "the tool said no",
            Why::Unreadable => "the answer is not as its connector says",
            Why::Broken => "the tool broke",
        },
        Some(Fault::NoValue) => "refused, a value is missing",
        Some(Fault::Protected) => "refused, it is protected",
        Some(Fault::Unknown) => "refused, nobody says what it would touch",
        Some(Fault::Limit) => "refused, the limit is reached",
        Some(Fault::ToolChanged) => "refused, it is not what was planned",
        Some(Fault::Abandoned) => "given up",
        Some(Fault::Alert) => "the alert does not take it",
        None => "failed",
    }
}
