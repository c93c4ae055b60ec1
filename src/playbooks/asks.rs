//! `ask`: what is asked of who starts a playbook.

use super::names::Names;
use super::shapes::ASK;
use super::values::{expression, is_name};
use crate::domain::playbook::text::Template;
use crate::domain::playbook::{Ask, Field};
use crate::domain::tool::Kind;
use crate::yaml::fields::{Fields, flag, named, text};
use crate::yaml::{Node, Report, What, Word};
use serde_json::Value as Json;

const WAYS: [&str; 5] = ["text", "choose", "person", "number", "confirm"];

pub(super) fn read(node: &Node, report: &mut Report) -> Vec<Ask> {
    let asks = named(node, "ask", report);
    asks.into_iter().filter_map(|(name, node)| ask(name, node, report)).collect()
}

/// The names of the answers, with what sort of value each is; also of those that are asked wrongly.
pub(super) fn names(node: Option<&Node>, asks: &[Ask]) -> Vec<(String, Kind)> {
    let Some(What::Map(entries)) = node.map(|node| &node.what) else { return Vec::new() };
    let kind = |name: &str| asks.iter().find(|ask| ask.name == name).map_or(Kind::Any, kind);
    entries.iter().map(|(name, _)| (name.text.clone(), kind(&name.text))).collect()
}

fn kind(ask: &Ask) -> Kind {
    match ask.field {
        Field::Text { .. } | Field::Choose(_) | Field::Person => Kind::String,
        Field::Number => Kind::Number,
        Field::Confirm => Kind::Boolean,
    }
}

fn ask(name: &Word, node: &Node, report: &mut Report) -> Option<Ask> {
    is_name(&name.text, name.at, report);
    let before = report.problems.len();
    let fields = Fields::read(node, ASK, report)?;
    let ways: Vec<_> = WAYS.iter().filter_map(|way| Some((*way, fields.get(way)?))).collect();
    let [(way, value)] = ways.as_slice() else {
        // A mistyped way was told as a key that there is not.
        if report.problems.len() > before {
            return None;
        }
        let message = format!("`{}` is asked in one way: {}", name.text, WAYS.join(", "));
        report.wrong(name.at, message, "for example {text: Why}".to_owned());
        return None;
    };
    let mut flag = |key: &str| fields.get(key).and_then(|node| flag(node, key, report));
    let (required, multiline) = (flag("required"), flag("multiline"));
    if let (Some(node), true) = (fields.get("multiline"), *way != "text") {
        report.wrong(node.at, "`multiline` is for `text` only", None);
    }
    let field = match *way {
        "choose" => Field::Choose(choices(value, report)?),
        "person" => Field::Person,
        "number" => Field::Number,
        "confirm" => Field::Confirm,
        _ => Field::Text { multiline: multiline.unwrap_or(false) },
    };
    // Only a choice has something else than its label as its value.
    let label = fields.get("label").or((*way != "choose").then_some(*value));
    let label = label.and_then(|node| text(node, "label", report)).map(str::to_owned);
    Some(Ask {
        name: name.text.clone(),
        label: label.unwrap_or_else(|| titled(&name.text)),
        required: required.unwrap_or(*way == "choose"),
        field,
    })
}

/// Words as written, or an expression over the alert.
fn choices(node: &Node, report: &mut Report) -> Option<Template> {
    let What::List(items) = &node.what else {
        let names = Names::default();
        let expr = expression(node, "choose", &names, report)?;
        if let Some(kind) = names.kind(&expr).filter(|kind| !matches!(kind, Kind::List | Kind::Any))
        {
            let message = format!("`{}` is {}: `choose` wants a list", expr.text(), kind.article());
            report.wrong(
                node.at,
                message,
                "alert.hosts, or words as written: [low, high]".to_owned(),
            );
        }
        return Some(Template::Whole(expr));
    };
    if items.is_empty() {
        report.wrong(node.at, "`choose` has nothing to choose from", None);
    }
    let words: Vec<_> = items.iter().filter_map(|item| text(item, "choose", report)).collect();
    Some(Template::Plain(words.into_iter().map(Json::from).collect()))
}

/// `new_owner` as a person reads it: `New owner`.
fn titled(name: &str) -> String {
    let text = name.replace('_', " ");
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}
