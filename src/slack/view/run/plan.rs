//! The plan of a run: each call in order, what it touches, how dangerous it is, whether it can be undone.

use super::{Shown, risk, steps};
use crate::domain::event::Action;
use crate::domain::playbook::plan::{Act, Condition, Foreseen, Planned, PlannedCall, Undo};
use crate::domain::tool::Risk;
use crate::slack::action_id::{CallbackId, OfRun};
use crate::slack::view::kit::{self, Rich, size};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::{Look, Modal, words};
use serde_json::{Value, json};

/// Of more steps than this the last ones have a line each, which names what they touch.
const MOST: usize = 25;
/// So many lines stand in the message that asks for an approval; of the others is said how dangerous they are.
const MOST_LINES: usize = 20;
/// So many characters of a value are shown.
const VALUE: usize = 100;
/// So many answers are shown.
const MOST_ANSWERS: usize = 10;

/// The form in which whoever planned it starts it.
pub fn form(shown: &Shown<'_>, look: &Look<'_>) -> Modal {
    let approval = shown.run.planned.approval.as_ref();
    let submit = if approval.is_some() { "Ask for approval" } else { "Run" };
    let mut blocks = vec![kit::header(shown.title())];
    blocks.extend(kit::rich_text(vec![Rich::rows(answers(shown))]));
    blocks.extend(details(shown));
    if let Some(rule) = approval {
        let minutes = words::span(std::time::Duration::from_millis(rule.within_ms));
        blocks.push(kit::section(
            &Mrkdwn::words("It waits for ")
                .name(words::count(rule.quorum.into(), "approval", "approvals"))
                .say(" by ")
                .name(&rule.by)
                .say(" (not yours), at most ")
                .name(minutes)
                .say(". Until then nothing is done."),
        ));
    }
    let of = OfRun {
        act: Action::StartRun,
        run: &shown.run.id,
        plan: &shown.run.planned.plan_hash,
        call: None,
    };
    Modal(json!({
        "type": "modal",
        "callback_id": CallbackId::Plan.as_str(),
        "title": kit::plain("What will be done", size::MODAL_TITLE),
        "submit": kit::plain(submit, size::MODAL_TITLE),
        "close": kit::plain("Cancel", size::MODAL_TITLE),
        "private_metadata": look.signer.sign_run(&of),
        "blocks": blocks,
    }))
}

/// The form with everything about a run.
pub fn shown(shown: &Shown<'_>, look: &Look<'_>) -> Modal {
    let mut blocks = vec![kit::header(shown.title())];
    blocks.extend(kit::rich_text(vec![Rich::rows(answers(shown))]));
    blocks.extend(kit::rich_text(vec![Rich::rows(steps::rows(shown))]));
    blocks.push(kit::section(&Mrkdwn::words("*As it was planned*")));
    blocks.extend(details(shown));
    blocks.push(kit::small(
        &format!("{} · plan {}", shown.run.id, short(&shown.run.planned.plan_hash)),
        200,
    ));
    let of = OfRun {
        act: Action::ShowRun,
        run: &shown.run.id,
        plan: &shown.run.planned.plan_hash,
        call: None,
    };
    Modal(json!({
        "type": "modal",
        "callback_id": "run",
        "title": kit::plain("Run", size::MODAL_TITLE),
        "close": kit::plain("Close", size::MODAL_TITLE),
        "private_metadata": look.signer.sign_run(&of),
        "blocks": blocks,
    }))
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

fn details(shown: &Shown<'_>) -> Vec<Value> {
    let Some(content) = &shown.run.content else {
        return vec![kit::section(&Mrkdwn::words("The words of this plan were erased."))];
    };
    let outline = &content.outline;
    let mut blocks = Vec::new();
    for (heading, all) in [
        (None, &outline.steps),
        (Some("*Only if a step fails*"), &outline.on_failure),
        (Some("*At the end, whatever comes of it*"), &outline.always),
    ] {
        if all.is_empty() {
            continue;
        }
        blocks.extend(heading.map(|heading| kit::section(&Mrkdwn::words(heading))));
        for (index, planned) in all.iter().enumerate().take(MOST) {
            blocks.extend(kit::rich_text(vec![Rich::rows(step(index + 1, planned))]));
        }
        let others: Vec<Rich> = all.iter().enumerate().skip(MOST).map(line).collect();
        let lines = others.chunks(MOST_LINES).map(|lines| vec![Rich::rows(lines.to_vec())]);
        blocks.extend(lines.filter_map(kit::rich_text));
    }
    blocks
}

/// What the plan is settled to touch: the host, the user. Each once, in its order.
pub(super) fn named(shown: &Shown<'_>) -> Vec<String> {
    let content = shown.run.content.as_ref();
    let steps = content.into_iter().flat_map(|content| &content.outline.steps);
    let touches = steps.filter_map(Planned::call).flat_map(|call| &call.touches);
    let mut named: Vec<String> = Vec::new();
    for touch in touches.filter(|touch| touch.value.settled) {
        let value = text(&touch.value);
        if !named.contains(&value) {
            named.push(value);
        }
    }
    named
}

/// What was answered to the playbook's questions: the reason above all.
pub(super) fn answers(shown: &Shown<'_>) -> Vec<Rich> {
    let Some(content) = &shown.run.content else { return Vec::new() };
    let answered = content.outline.asked.iter().filter(|(_, answer)| !answer.is_null());
    let row = |(name, answer): (&String, &Value)| {
        Rich::line().bold_text(name, 40).say(": ").text(&words_of(answer), 300)
    };
    answered.take(MOST_ANSWERS).map(row).collect()
}

/// Each step of the plan in a line, for the message that asks for an approval.
pub(super) fn rows(shown: &Shown<'_>) -> Vec<Rich> {
    let Some(content) = &shown.run.content else { return Vec::new() };
    let wanted = content.outline.steps.iter().filter(|p| !matches!(p.when, Condition::Skipped(_)));
    let wanted: Vec<&Planned> = wanted.collect();
    let (first, others) = wanted.split_at(wanted.len().min(MOST_LINES));
    let mut rows: Vec<Rich> = first.iter().copied().enumerate().map(line).collect();
    if !others.is_empty() {
        let is = |worst| move |p: &&&Planned| p.call().is_some_and(|call| call.risk == worst);
        let mut last = Rich::line().bold(&format!("and {} more", others.len()));
        for worst in [Risk::Destructive, Risk::Write] {
            let many = others.iter().filter(is(worst)).count();
            if many > 0 {
                last = last.say(&format!(" · {many} of them ")).say(risk(worst));
            }
        }
        rows.push(last.say(": Details…"));
    }
    rows
}

/// A step with what it touches, and how dangerous it is.
fn line((index, planned): (usize, &Planned)) -> Rich {
    let line = Rich::line().say(&format!("{}. ", index + 1)).text(&steps::named(planned), 80);
    let line = match &planned.each {
        Some(each) => line.say(" · for each of ").code(each, 60),
        None => line,
    };
    let Act::Call(call) = &planned.act else { return line };
    let touches = call.touches.iter();
    let line = touches.fold(line, |line, touch| line.say(" · ").code(&text(&touch.value), 60));
    match call.risk {
        Risk::Read => line,
        dangerous => line.say(" · ").say(risk(dangerous)),
    }
}

fn step(number: usize, planned: &Planned) -> Vec<Rich> {
    let first = Rich::line().bold(&format!("{number}. ")).text(&steps::named(planned), 80);
    let mut rows = vec![first];
    match &planned.act {
        Act::Call(call) => rows.extend(call_rows(call)),
        Act::Say(said) => rows.push(Rich::line().say("   says: ").code(&text(said), VALUE)),
        Act::Change(change) => {
            let mut line = Rich::line().say("  ");
            if let Some(severity) = change.severity {
                line = line.say(" severity ").say(severity.as_str());
            }
            for (kind, added) in &change.entities {
                line = line.say(" adds ").say(kind).say(" ").code(&text(added), VALUE);
            }
            if let Some(to) = &change.assign {
                line = line.say(" assigns it to ").code(&text(to), VALUE);
            }
            if let Some(what) = change.resolve {
                line = line.say(" resolves it as ").say(what.as_str());
            }
            rows.push(line);
        }
    }
    match &planned.when {
        Condition::Always => {}
        Condition::Skipped(when) => {
            rows.push(Rich::line().say("   not done: ").code(when, VALUE).say(" does not hold"));
        }
        Condition::If(when) => rows.push(Rich::line().say("   only if ").code(when, VALUE)),
    }
    if let Some(each) = &planned.each {
        rows.push(Rich::line().say("   for each of ").code(each, VALUE));
    }
    rows
}

fn call_rows(call: &PlannedCall) -> Vec<Rich> {
    let mut rows = vec![
        Rich::line().say("   ").code(&call.uses.to_string(), 80).say(" · ").say(risk(call.risk)),
    ];
    for (name, value) in &call.with {
        let line = Rich::line().say("   ").text(name, 40).say(": ").code(&text(value), VALUE);
        let touched = call.touches.iter().find(|touch| touch.input == *name);
        rows.push(match touched {
            Some(touch) => line.say(&format!(" · touches this {}", touch.entity.as_str())),
            None => line,
        });
    }
    match &call.undo {
        Undo::Nothing => {}
        Undo::By(uses) => {
            rows.push(Rich::line().say("   can be undone by ").code(&uses.to_string(), 80));
        }
        Undo::Cannot => rows.push(Rich::line().say("   cannot be undone")),
    }
    rows
}

fn text(value: &Foreseen) -> String {
    words_of(&value.value)
}

fn words_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        other => other.to_string(),
    }
}
