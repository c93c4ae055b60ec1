//! Expressions and templates of a connector file: each compiles, and reads only names that exist.

use crate::domain::playbook::expr::{Expr, FUNCTIONS};
use crate::domain::playbook::text::{Part, Template};
use crate::domain::tool::request::Slots;
use crate::yaml::fields::scalar;
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Report, Spot, What};
use serde_json::Value as Json;

/// The names that an expression may read.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    pub roots: Vec<&'a str>,
    /// What stands below `in`.
    pub inputs: Vec<&'a str>,
    /// What stands below `out`.
    pub outputs: Vec<&'a str>,
    pub slots: Slots,
}

impl<'a> Scope<'a> {
    fn known(&self) -> Vec<&str> {
        let slots = self.slots.secrets.iter().chain(&self.slots.later).map(String::as_str);
        self.roots.iter().copied().chain(slots).collect()
    }

    /// Whether an expression is a slot and nothing else.
    fn is_slot(&self, expr: &Expr) -> bool {
        let text = expr.text().trim();
        self.slots.secrets.contains(text) || self.slots.later.contains(text)
    }
}

/// A bare expression: `body.resources`.
pub(super) fn expr(
    node: &Node,
    name: &str,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<Expr> {
    let Some(text) = scalar(node).filter(|text| !text.trim().is_empty()) else {
        report.wrong(node.at, format!("`{name}` wants an expression"), None);
        return None;
    };
    if text.contains("{{") {
        let message = format!("`{name}` is a bare expression, without {{{{ }}}}");
        report.wrong(node.at, message, None);
        return None;
    }
    match Expr::compile(&text) {
        Ok(expr) => names(node.at, &expr, scope, report).then_some(expr),
        Err(why) => {
            report.wrong(node.at, format!("`{name}`: {why}"), None);
            None
        }
    }
}

/// A value whose texts may have `{{ … }}` in them.
pub(super) fn template(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<Template> {
    match &node.what {
        What::Text(text) => text_of(node.at, text, scope, report),
        What::List(items) => {
            let items: Vec<_> = items.iter().map(|item| template(item, scope, report)).collect();
            items.into_iter().collect::<Option<_>>().map(Template::List)
        }
        What::Map(entries) => {
            let entries: Vec<_> = entries
                .iter()
                .map(|(key, item)| Some((key.text.clone(), template(item, scope, report)?)))
                .collect();
            entries.into_iter().collect::<Option<_>>().map(Template::Map)
        }
        What::Nothing | What::Flag(_) | What::Number(_) => Some(Template::Plain(plain(node))),
    }
}

/// A text with `{{ … }}` in it.
pub(super) fn text_of(
    at: Spot,
    text: &str,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<Template> {
    let template = match Template::text(text) {
        Ok(template) => template,
        Err(why) => {
            report.wrong(at, why.to_string(), None);
            return None;
        }
    };
    let exprs: Vec<&Expr> = match &template {
        Template::Whole(expr) => vec![expr],
        Template::Mixed(parts) => exprs(parts).collect(),
        Template::Plain(_) | Template::List(_) | Template::Map(_) => Vec::new(),
    };
    let known = exprs.into_iter().filter(|expr| !names(at, expr, scope, report)).count() == 0;
    known.then_some(template)
}

fn exprs(parts: &[Part]) -> impl Iterator<Item = &Expr> {
    parts.iter().filter_map(|part| match part {
        Part::Expr(expr) => Some(expr),
        Part::Text(_) => None,
    })
}

/// Whether each name of an expression exists; says which does not.
pub(super) fn names(at: Spot, expr: &Expr, scope: &Scope<'_>, report: &mut Report) -> bool {
    if scope.is_slot(expr) {
        return true;
    }
    let before = report.problems.len();
    for name in expr.names() {
        let mut parts = name.split('.');
        let (root, below) = (parts.next().unwrap_or_default(), parts.next());
        let inner = match root {
            "in" => Some(&scope.inputs),
            "out" => Some(&scope.outputs),
            _ => None,
        };
        if scope.slots.secrets.contains(root) || scope.slots.later.contains(root) {
            let message = format!(
                "`{root}` is filled in as the request leaves: it stands alone, as {{{{ {root} }}}}"
            );
            report.wrong(at, message, None);
        } else if !scope.roots.contains(&root) && !FUNCTIONS.contains(&root) {
            let hint = match scope.inputs.contains(&root) {
                true => Some(format!("an input is read as `in.{root}`")),
                false => suggest(root, &scope.known()),
            };
            report.wrong(at, format!("there is no `{root}` here"), hint);
        } else if let (Some(inner), Some(below)) = (inner, below)
            && !inner.contains(&below)
        {
            let noun = if root == "in" { "input" } else { "output" };
            report.wrong(at, format!("there is no {noun} `{below}`"), suggest(below, inner));
        }
    }
    report.problems.len() == before
}

/// A value as it is written.
pub(super) fn plain(node: &Node) -> Json {
    match &node.what {
        What::Nothing => Json::Null,
        What::Flag(flag) => Json::Bool(*flag),
        What::Number(number) => Json::Number(number.clone()),
        What::Text(text) => Json::String(text.clone()),
        What::List(items) => items.iter().map(plain).collect(),
        What::Map(entries) => Json::Object(
            entries.iter().map(|(key, item)| (key.text.clone(), plain(item))).collect(),
        ),
    }
}
