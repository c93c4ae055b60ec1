//! The inputs and outputs of an action.

use super::expression::{Scope, expr, plain};
use super::shapes::{INPUT, OUTPUT};
use crate::domain::tool::{Entity, Input, Kind, Output};
use crate::yaml::fields::{Fields, flag, named, several, text, word};
use crate::yaml::{Node, Report, What};
use std::collections::BTreeMap;

pub(super) fn inputs(node: Option<&Node>, report: &mut Report) -> BTreeMap<String, Input> {
    let mut inputs = BTreeMap::new();
    for (key, node) in node.map(|node| named(node, "in", report)).unwrap_or_default() {
        if !is_name(&key.text) {
            let hint =
                "a name has small letters, digits and _, and begins with a letter".to_owned();
            report.wrong(key.at, format!("`{}` is no name for an input", key.text), hint);
        }
        inputs.extend(input(node, report).map(|input| (key.text.clone(), input)));
    }
    inputs
}

fn input(node: &Node, report: &mut Report) -> Option<Input> {
    let fields = Fields::read(node, INPUT, report)?;
    let kind = fields.get("type").and_then(|node| kind(node, report)).unwrap_or(Kind::String);
    let required = fields.get("required").and_then(|node| flag(node, "required", report));
    let entity = fields.get("entity").and_then(|node| entity(node, report));
    let by = fields.get("by").and_then(|node| word(node, "by", &["id", "name"], report));
    let one_of = fields.get("one_of").map(|node| words(node, report)).unwrap_or_default();
    let says = fields.get("says").and_then(|node| text(node, "says", report));
    let input = Input {
        kind,
        required: required.unwrap_or(false),
        entity,
        by_id: by == Some("id"),
        one_of,
        default: fields.get("default").map(plain),
        says: says.map(str::to_owned),
    };
    if let (Some(default), Some(node)) = (&input.default, fields.get("default"))
        && let Err(why) = input.check(default)
    {
        report.wrong(node.at, format!("the default {why}"), None);
    }
    Some(input)
}

pub(super) fn outputs(
    node: Option<&Node>,
    scope: &Scope<'_>,
    report: &mut Report,
) -> BTreeMap<String, Output> {
    let mut outputs = BTreeMap::new();
    for (key, node) in node.map(|node| named(node, "out", report)).unwrap_or_default() {
        outputs.extend(output(node, scope, report).map(|output| (key.text.clone(), output)));
    }
    outputs
}

/// An expression alone is a text that must be there.
fn output(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<Output> {
    if !matches!(node.what, What::Map(_)) {
        let from = expr(node, "out", scope, report)?;
        return Some(Output { kind: Kind::String, from, optional: false });
    }
    let fields = Fields::read(node, OUTPUT, report)?;
    let kind = fields.get("type").and_then(|node| kind(node, report)).unwrap_or(Kind::String);
    let optional = fields.get("optional").and_then(|node| flag(node, "optional", report));
    let from = fields.want("from", report).and_then(|node| expr(node, "from", scope, report))?;
    Some(Output { kind, from, optional: optional.unwrap_or(false) })
}

fn kind(node: &Node, report: &mut Report) -> Option<Kind> {
    let words: Vec<_> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    word(node, "type", &words, report).and_then(Kind::parse)
}

pub(super) fn entity(node: &Node, report: &mut Report) -> Option<Entity> {
    let words: Vec<_> = Entity::ALL.iter().map(|entity| entity.as_str()).collect();
    word(node, "entity", &words, report).and_then(Entity::parse)
}

/// A word or a list of them.
pub(super) fn words(node: &Node, report: &mut Report) -> Vec<String> {
    let words = several(node).into_iter().filter_map(|item| text(item, "one_of", report));
    words.map(str::to_owned).collect()
}

/// Whether something can be read by this name in an expression.
pub(super) fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.chars().all(fits) && text.starts_with(|c: char| c.is_ascii_lowercase())
}
