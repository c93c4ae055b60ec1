//! A plan in words, for a terminal.

use crate::domain::playbook::plan::{
    Act, Change, Condition, Foreseen, Outline, Planned, PlannedCall, Undo,
};
use crate::domain::tool::Catalogue;
use serde_json::Value as Json;
use std::fmt::Write as _;
use std::time::Duration;

/// `hash` names the plan.
pub(super) fn plan((outline, hash): (&Outline, &str), catalogue: &Catalogue) -> String {
    let mut text = format!("{} ({})\n", clean(&outline.title), outline.playbook);
    head(&mut text, outline);
    let _ = writeln!(text, "{:<11}{hash}", "plan");
    for (title, steps) in [
        ("", &outline.steps),
        ("where a step fails", &outline.on_failure),
        ("in the end", &outline.always),
    ] {
        if steps.is_empty() {
            continue;
        }
        text.push('\n');
        if !title.is_empty() {
            let _ = writeln!(text, "{title}:");
        }
        for (step, number) in steps.iter().zip(1..) {
            one(&mut text, (number, step), catalogue);
        }
    }
    text.trim_end().to_owned()
}

fn head(text: &mut String, outline: &Outline) {
    for (name, answer) in &outline.asked {
        let _ = writeln!(text, "{:<11}{name} = {}", "asked", shown(answer));
    }
    let _ = writeln!(text, "{:<11}{}", "risk", outline.risk.as_str());
    let approved = match &outline.approve {
        None => "nobody: it starts at once".to_owned(),
        Some(approve) => {
            let within = Duration::from_millis(approve.within_ms).as_secs();
            format!("{} of {}, within {} min", approve.quorum, approve.by, within.div_ceil(60))
        }
    };
    let _ = writeln!(text, "{:<11}{approved}", "approval");
}

fn one(text: &mut String, (number, step): (usize, &Planned), catalogue: &Catalogue) {
    let mut name = step.step.to_string();
    if let Some(item) = &step.item {
        let _ = write!(name, " for {}", shown(item));
    }
    if let Some(each) = &step.each {
        let _ = write!(name, " for each of {each}");
    }
    let what = match &step.act {
        Act::Call(call) => format!("{}  [{}]", call.uses, call.risk.as_str()),
        Act::Say(_) => "a line in the thread".to_owned(),
        Act::Change(_) => "a change of the alert".to_owned(),
    };
    let _ = writeln!(text, "{number:>2} {name}: {what}");
    match &step.when {
        Condition::Always => {}
        Condition::Skipped(when) => {
            let _ = writeln!(text, "     skipped: {when} does not hold");
            return;
        }
        Condition::If(when) => {
            let _ = writeln!(text, "     only if {when}");
        }
    }
    match &step.act {
        Act::Call(planned) => call(text, planned, catalogue),
        Act::Say(said) => {
            let _ = writeln!(text, "     {}", shown(&said.value));
        }
        Act::Change(planned) => change(text, planned),
    }
}

fn call(text: &mut String, call: &PlannedCall, catalogue: &Catalogue) {
    for (name, Foreseen { value, .. }) in &call.with {
        let _ = writeln!(text, "     {name} = {}", shown(value));
    }
    for line in requests(call, catalogue) {
        let _ = writeln!(text, "     {line}");
    }
    for touch in &call.touches {
        let _ =
            writeln!(text, "     touches {} {}", touch.entity.as_str(), shown(&touch.value.value));
    }
    match &call.undo {
        Undo::Nothing => {}
        Undo::By(uses) => {
            let _ = writeln!(text, "     taken back by {uses}");
        }
        Undo::Cannot => text.push_str("     cannot be taken back\n"),
    }
}

/// What will be sent, secrets by their names. Nothing where a value that is not known yet would decide what it looks like.
fn requests(call: &PlannedCall, catalogue: &Catalogue) -> Vec<String> {
    let Some((tool, action)) = catalogue.find(&call.uses) else { return Vec::new() };
    let with = call.with.iter().map(|(name, value)| (name.clone(), value.value.clone()));
    let requests = tool.requests(action, &with.collect()).unwrap_or_default();
    let lines = requests.iter().flat_map(|request| {
        // In an address the marks of what comes later are encoded.
        let text = request.to_string().replace("%E2%80%B9", "‹").replace("%E2%80%BA", "›");
        text.lines().map(clean).collect::<Vec<_>>()
    });
    lines.collect()
}

fn change(text: &mut String, change: &Change) {
    let Change { severity, entities, assign, resolve, note } = change;
    let mut say = |name: &str, value: String| {
        let _ = writeln!(text, "     {name} = {value}");
    };
    if let Some(severity) = severity {
        say("severity", severity.as_str().to_owned());
    }
    for (kind, value) in entities {
        say(&format!("{kind}, added"), shown(&value.value));
    }
    if let Some(person) = assign {
        say("assigned to", shown(&person.value));
    }
    if let Some(disposition) = resolve {
        say("resolved as", disposition.as_str().to_owned());
    }
    if let Some(note) = note {
        say("note", shown(&note.value));
    }
}

/// A value as one line. A terminal obeys control characters, and an alert may hold some.
pub(super) fn shown(value: &Json) -> String {
    match value {
        Json::String(text) => clean(text),
        other => clean(&other.to_string()),
    }
}

/// Text as a terminal may be shown it.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_debug().collect() } else { vec![c] })
        .collect()
}
