//! What an action says of others, and what its danger asks of it: checked when all actions of the file are read.

use super::request::names_of;
use crate::domain::ids::ActionName;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::{Part, Template};
use crate::domain::tool::request::BodyTemplate;
use crate::domain::tool::{Action, Entity, InDoubt, Risk, Use};
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Report, Spot, Word};
use std::collections::BTreeMap;
use std::sync::Arc;

type Actions = BTreeMap<ActionName, Arc<Action>>;

/// `all` are the file's actions as they are written, also those that could not be read.
pub(super) fn check(
    (key, node): (&Word, &Node),
    all: &[&str],
    actions: &Actions,
    report: &mut Report,
) {
    let Some(action) = actions.get(&ActionName::from(key.text.as_str())) else { return };
    let links = Links { node, all, actions };
    if let Some(undo) = &action.undo {
        links.used("undo", undo, None, report);
    }
    if let Some(verify) = &action.verify {
        links.used("verify", &verify.look, Some(("happened", &verify.happened)), report);
    }
    for identify in &action.identify {
        links.used("identify", &identify.look, Some(("names", &identify.names)), report);
    }
    links.doubt(action, report);
    links.named(action, report);
}

struct Links<'a> {
    node: &'a Node,
    all: &'a [&'a str],
    actions: &'a Actions,
}

impl Links<'_> {
    fn at(&self, keys: [&str; 2]) -> Spot {
        let outer = self.node.get(keys[0]).unwrap_or(self.node);
        outer.get(keys[1]).unwrap_or(outer).at
    }

    /// The other action exists and gets what it needs; a look only looks, and its outputs are those that are read.
    fn used(&self, key: &str, other: &Use, read: Option<(&str, &Expr)>, report: &mut Report) {
        let name = other.action.as_str();
        let Some(action) = self.actions.get(&other.action) else {
            if !self.all.contains(&name) {
                let message = format!("there is no action `{name}` in this file");
                report.wrong(self.at([key, "uses"]), message, suggest(name, self.all));
            }
            return;
        };
        for given in other.with.keys().filter(|given| !action.inputs.contains_key(*given)) {
            let message = format!("`{}` has no input `{given}`", action.name);
            report.wrong(
                self.at([key, "with"]),
                message,
                suggest(given, &names_of(&action.inputs)),
            );
        }
        let wanted =
            action.inputs.iter().filter(|(_, input)| input.required && input.default.is_none());
        for (wanted, _) in wanted.filter(|(wanted, _)| !other.with.contains_key(*wanted)) {
            report.wrong(
                self.at([key, "with"]),
                format!("`{}` wants `{wanted}`", action.name),
                None,
            );
        }
        let Some((judge, expr)) = read else { return };
        if action.risk != Risk::Read {
            let message = format!("`{}` does not only look: `{key}` wants a read", action.name);
            report.wrong(self.at([key, "uses"]), message, None);
        }
        let known: Vec<_> = action.outputs.keys().map(String::as_str).collect();
        for name in expr.names() {
            let below = name.strip_prefix("out.").and_then(|name| name.split('.').next());
            if let Some(below) = below.filter(|below| !known.contains(below)) {
                let message = format!("`{}` gives no `{below}`", action.name);
                report.wrong(self.at([key, judge]), message, suggest(below, &known));
            }
        }
    }

    /// Each way out of doubt has what it needs.
    fn doubt(&self, action: &Action, report: &mut Report) {
        let at = self.at(["in_doubt", ""]);
        match (action.in_doubt, &action.verify) {
            (InDoubt::Verify, None) => {
                let hint =
                    "verify: {uses: get_host, with: {…}, happened: \"out.status == 'contained'\"}";
                report.wrong(at, "`in_doubt: verify` wants `verify`", hint.to_owned());
            }
            (InDoubt::Keyed, _) if !keyed(action) => {
                let hint =
                    "headers: {Idempotency-Key: \"{{ key }}\"}, or wherever this tool takes it";
                report.wrong(
                    at,
                    "`in_doubt: keyed` wants `{{ key }}` in the request",
                    hint.to_owned(),
                );
            }
            _ => {}
        }
    }

    /// A destructive action can be held by `protected` only where the names of what it touches are known.
    fn named(&self, action: &Action, report: &mut Report) {
        if action.risk != Risk::Destructive {
            return;
        }
        let nameable = [Entity::Host, Entity::User, Entity::Resource, Entity::Repository];
        let inputs = self.node.get("in");
        for (name, input) in &action.inputs {
            let node = inputs.and_then(|inputs| inputs.get(name));
            let Some((node, entity)) = node.zip(input.entity) else { continue };
            if nameable.contains(&entity) && node.get("by").is_none() {
                let hint =
                    "by: name, or by: id with `identify`: what is protected is protected by name"
                        .to_owned();
                report.wrong(node.at, format!("`{name}` says whether it is an id or a name"), hint);
            }
            let identified = action.identify.iter().any(|identify| identify.entity == entity);
            if input.by_id && !identified {
                let hint = format!(
                    "identify: {{entity: {}, uses: a_read, with: {{…}}, names: out.name}}",
                    entity.as_str()
                );
                report.wrong(node.at, format!("`{name}` is an id: `identify` says whose"), hint);
            }
        }
    }
}

/// Whether the key of the effect stands in the request.
fn keyed(action: &Action) -> bool {
    let is_key = |expr: &Expr| expr.text().trim() == "key";
    fn any(template: &Template, is: &dyn Fn(&Expr) -> bool) -> bool {
        match template {
            Template::Plain(_) => false,
            Template::Whole(expr) => is(expr),
            Template::Mixed(parts) => {
                parts.iter().any(|part| matches!(part, Part::Expr(expr) if is(expr)))
            }
            Template::List(items) => items.iter().any(|item| any(item, is)),
            Template::Map(entries) => entries.iter().any(|(_, item)| any(item, is)),
        }
    }
    let request = &action.request;
    let pairs = request.query.iter().chain(&request.headers).map(|(_, template)| template);
    let body = match &request.body {
        BodyTemplate::None => Vec::new(),
        BodyTemplate::Json(template) => vec![template],
        BodyTemplate::Form(pairs) => pairs.iter().map(|(_, template)| template).collect(),
    };
    pairs.chain(body).any(|template| any(template, &is_key))
}
