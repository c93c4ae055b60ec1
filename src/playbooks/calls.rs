//! `uses` and `with`: the action of a tool that a step calls, and what it is given.

use super::names::Names;
use super::shapes::RETRY;
use super::values::template;
use crate::domain::playbook::text::Template;
use crate::domain::playbook::{Call, Expect, Retry};
use crate::domain::tool::{Action, Catalogue, Input, Kind, Uses};
use crate::yaml::fields::{Fields, duration, named, number, text, word};
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Report, What, Word, hidden};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an attempt may take where nobody said.
const TIMEOUT: Duration = Duration::from_secs(30);
const MOST_RETRIES: u32 = 10;

/// Reads the call of a step; the action is `None` where it is not known, which is told.
pub(super) fn read(
    fields: &Fields<'_>,
    (catalogue, names): (&Catalogue, &Names),
    report: &mut Report,
) -> Option<(Call, Option<Arc<Action>>)> {
    let node = fields.get("uses")?;
    let found = uses(node, (catalogue, names.remembered), report);
    let action = found.as_ref().and_then(|(_, action)| action.clone());
    let before = report.problems.len();
    let with = fields.get("with").map(|node| with(node, action.as_deref(), names, report));
    let with = with.unwrap_or_default();
    // A mistyped input would be told twice.
    if let Some(action) = action.as_ref().filter(|_| report.problems.len() == before) {
        wanted(node, action, &with, report);
    }
    let call = Call {
        uses: found?.0,
        expect: expect(fields, action.as_deref(), report),
        retry: fields.get("retry").and_then(|node| retry(node, report)).unwrap_or(NEVER),
        timeout: timeout(fields, report),
        with,
    };
    Some((call, action))
}

const NEVER: Retry = Retry { times: 0, wait: Duration::from_secs(1) };

/// The action that is named; `None` where it is not known, which is told.
pub(super) fn uses(
    node: &Node,
    (catalogue, remembered): (&Catalogue, bool),
    report: &mut Report,
) -> Option<(Uses, Option<Arc<Action>>)> {
    let said = text(node, "uses", report)?;
    let Some(uses) = Uses::parse(said) else {
        let hint = "for example crowdstrike.contain".to_owned();
        report.wrong(node.at, format!("`{said}` is no tool.action"), hint);
        return None;
    };
    let Some(tool) = catalogue.0.get(&uses.tool) else {
        if remembered {
            return Some((uses, None));
        }
        let tools: Vec<&str> = catalogue.0.keys().map(|name| name.as_str()).collect();
        let none = "no tool is connected: add it under `tools` in vigie.yaml".to_owned();
        let hint = suggest(uses.tool.as_str(), &tools).unwrap_or(none);
        report.wrong(node.at, format!("there is no tool `{}`", uses.tool), hint);
        return Some((uses, None));
    };
    let action = tool.actions.get(&uses.action).cloned();
    if action.is_none() {
        let actions: Vec<&str> = tool.actions.names().map(|name| name.as_str()).collect();
        let message = format!("`{}` has no action `{}`", uses.tool, uses.action);
        report.wrong(node.at, message, suggest(uses.action.as_str(), &actions));
    }
    Some((uses, action))
}

fn with(
    node: &Node,
    action: Option<&Action>,
    names: &Names,
    report: &mut Report,
) -> BTreeMap<String, Template> {
    let mut with = BTreeMap::new();
    for (name, node) in named(node, "with", report) {
        secret(name, node, report);
        if let Some(action) = action {
            match action.inputs.get(&name.text) {
                Some(input) => value(node, (&name.text, input), names, report),
                None => {
                    let inputs: Vec<&str> = action.inputs.keys().map(String::as_str).collect();
                    let message = format!("`{}` is no input of `{}`", name.text, action.name);
                    report.wrong(name.at, message, suggest(&name.text, &inputs));
                }
            }
        }
        if let Some(template) = template(node, names, report) {
            with.insert(name.text.clone(), template);
        }
    }
    with
}

/// A literal where a secret would stand. What a playbook says is shown in plans, and kept in the journal.
fn secret(name: &Word, node: &Node, report: &mut Report) {
    let literal = matches!(&node.what, What::Text(text) if !text.contains("{{"));
    if literal && hidden::names_a_secret(&name.text) {
        let message = format!("`{}`: a secret has no place in a playbook", name.text);
        let hint =
            "it would stand in plans and in the journal: keep it with the tool, in vigie.yaml";
        report.warn(name.at, message, hint.to_owned());
    }
}

/// Whether an input can have this value, where that is plain.
fn value(node: &Node, (name, input): (&str, &Input), names: &Names, report: &mut Report) {
    // Its own mistakes are told by who keeps it.
    let mut silent = Report::new("", "");
    let given = match template(node, names, &mut silent) {
        Some(Template::Plain(value)) => match input.check(&value) {
            Ok(()) => return,
            Err(why) => why,
        },
        Some(Template::Whole(expr)) => match names.kind(&expr) {
            Some(kind) if !may_be(kind, input.kind) => {
                format!("is {}, and {} is wanted", kind.article(), input.kind.article())
            }
            _ => return,
        },
        Some(Template::Mixed(_)) if !may_be(Kind::String, input.kind) => {
            format!("is a text, and {} is wanted", input.kind.article())
        }
        Some(Template::List(_)) if !may_be(Kind::List, input.kind) => {
            format!("is a list, and {} is wanted", input.kind.article())
        }
        Some(Template::Map(_)) if !may_be(Kind::Map, input.kind) => {
            format!("is a map, and {} is wanted", input.kind.article())
        }
        _ => return,
    };
    report.wrong(node.at, format!("`{name}` {given}"), None);
}

fn may_be(kind: Kind, wanted: Kind) -> bool {
    let number = |kind| matches!(kind, Kind::Integer | Kind::Number);
    kind == wanted || kind == Kind::Any || wanted == Kind::Any || (number(kind) && number(wanted))
}

fn wanted(node: &Node, action: &Action, with: &BTreeMap<String, Template>, report: &mut Report) {
    let required =
        action.inputs.iter().filter(|(_, input)| input.required && input.default.is_none());
    for (name, _) in required.filter(|(name, _)| !with.contains_key(*name)) {
        let hint = format!("add it: with: {{{name}: …}}");
        report.wrong(node.at, format!("`{}` wants `{name}`", action.name), hint);
    }
}

/// Where the file says nothing, an action that finds must find one: the first of several is never taken for it.
fn expect(fields: &Fields<'_>, action: Option<&Action>, report: &mut Report) -> Expect {
    let finds = action.is_some_and(|action| action.finds);
    let Some(node) = fields.get("expect") else {
        return if finds { Expect::One } else { Expect::Any };
    };
    if let Some(action) = action.filter(|action| !action.finds) {
        let message = format!("`{}` finds nothing: `expect` is for actions that find", action.name);
        report.wrong(node.at, message, None);
    }
    match word(node, "expect", &["one", "some", "any"], report) {
        Some("some") => Expect::Some,
        Some("any") => Expect::Any,
        _ => Expect::One,
    }
}

fn retry(node: &Node, report: &mut Report) -> Option<Retry> {
    let fields = Fields::read(node, RETRY, report)?;
    let times = fields.want("times", report)?;
    let count = number(times, "times", report)?;
    if count > MOST_RETRIES {
        report.wrong(times.at, format!("`times` is at most {MOST_RETRIES}"), None);
    }
    let wait = fields.get("wait").and_then(|node| duration(node, "wait", report));
    Some(Retry { times: count, wait: wait.unwrap_or(NEVER.wait) })
}

fn timeout(fields: &Fields<'_>, report: &mut Report) -> Duration {
    let Some(node) = fields.get("timeout") else { return TIMEOUT };
    let span = duration(node, "timeout", report).unwrap_or(TIMEOUT);
    if span.is_zero() {
        report.wrong(node.at, "`timeout` is nothing: no call can be made in it", None);
    }
    span
}
