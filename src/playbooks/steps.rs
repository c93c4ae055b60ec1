//! Steps: each is one thing (`uses`, `say` or `alert`), and sees what the ones before it gave.

use super::calls;
use super::names::{Gives, Names, OURS};
use super::shapes::{CHANGE, RESOLVE, STEP};
use super::values::{expression, is_name, prose, template};
use crate::domain::alert::{Disposition, Severity};
use crate::domain::ids::StepId;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::Template;
use crate::domain::playbook::{AlertChange, OnError, Resolve, Step, What as Does};
use crate::domain::tool::{Action, Catalogue, Kind};
use crate::yaml::fields::{Fields, named, text, word};
use crate::yaml::{Node, Report, Spot, What};
use std::sync::Arc;

const THINGS: [&str; 3] = ["uses", "say", "alert"];

/// What steps are read with: it learns of each step for those that come after it.
pub(super) struct Reader<'a> {
    pub catalogue: &'a Catalogue,
    pub names: Names,
    pub report: &'a mut Report,
    ids: Vec<String>,
}

/// The ids that the steps of a file have, in its order; what has none gets one.
pub(super) fn ids(sections: &[(&str, Option<&Node>)]) -> Vec<String> {
    let of = |(section, node): &(&str, Option<&Node>)| {
        let items = match node.map(|node| &node.what) {
            Some(What::List(items)) => items.as_slice(),
            _ => &[],
        };
        let given = |item: &Node| match item.get("id").map(|id| &id.what) {
            Some(What::Text(id)) => Some(id.trim().to_owned()),
            _ => None,
        };
        let each = items.iter().zip(1..);
        each.map(|(item, number)| given(item).unwrap_or_else(|| default_id(section, number)))
            .collect::<Vec<_>>()
    };
    sections.iter().flat_map(of).collect()
}

fn default_id(section: &str, number: usize) -> String {
    let word = if section == "steps" { "step" } else { section };
    format!("{word}{number}")
}

impl<'a> Reader<'a> {
    pub fn new(catalogue: &'a Catalogue, names: Names, report: &'a mut Report) -> Self {
        Self { catalogue, names, report, ids: Vec::new() }
    }

    /// The steps under one key.
    pub fn section(&mut self, key: &str, node: &Node) -> Vec<Step> {
        let What::List(items) = &node.what else {
            let hint = "each begins with a dash: - uses: crowdstrike.contain".to_owned();
            self.report.wrong(node.at, format!("`{key}` wants a list of steps"), hint);
            return Vec::new();
        };
        if items.is_empty() {
            self.report.wrong(node.at, format!("`{key}` has no step"), None);
        }
        let each = items.iter().zip(1..);
        each.filter_map(|(item, number)| self.step(item, default_id(key, number))).collect()
    }

    fn step(&mut self, node: &Node, default: String) -> Option<Step> {
        let before = self.report.problems.len();
        let fields = Fields::read(node, STEP, self.report)?;
        // Which one it was to be stands in a key that was mistyped, and was told.
        let told = self.report.problems.len() > before;
        let id = self.id(&fields, default);
        let for_each = fields.get("for_each").and_then(|node| self.list(node));
        let outside = self.names.clone();
        self.names.item = fields.get("for_each").is_some();
        let lets = fields.get("let").map(|node| self.lets(node)).unwrap_or_default();
        let when =
            fields.get("when").and_then(|node| expression(node, "when", &self.names, self.report));
        let does = self.does(&fields, told);
        let gives = match (&does, self.names.item) {
            (None, _) => Gives::Unknown,
            (Some((Does::Use(_), _)), true) => Gives::Each,
            (Some((Does::Use(_), None)), false) => Gives::Unknown,
            (Some((Does::Use(_), Some(action))), false) => Gives::One(action.clone()),
            (Some((Does::Say(_) | Does::Alert(_), _)), _) => Gives::Nothing,
        };
        if self.names.item {
            // What a round calls by a name is the round's own.
            self.names = outside;
        }
        self.names.done.push((id.clone(), gives));
        let on_error = fields.get("on_error");
        let on_error =
            on_error.and_then(|node| word(node, "on_error", &["stop", "continue"], self.report));
        let on_error = if on_error == Some("continue") { OnError::Continue } else { OnError::Stop };
        Some(Step { id: StepId::new(id), when, lets, for_each, what: does?.0, on_error })
    }

    fn id(&mut self, fields: &Fields<'_>, default: String) -> String {
        let Some(node) = fields.get("id") else {
            self.ids.push(default.clone());
            return default;
        };
        let Some(id) = text(node, "id", self.report) else { return default };
        is_name(id, node.at, self.report);
        if self.ids.iter().any(|known| known == id) {
            self.report.wrong(node.at, format!("the step `{id}` is given twice"), None);
        }
        self.ids.push(id.to_owned());
        id.to_owned()
    }

    fn list(&mut self, node: &Node) -> Option<Expr> {
        let expr = expression(node, "for_each", &self.names, self.report)?;
        let kind = self.names.kind(&expr).filter(|kind| !matches!(kind, Kind::List | Kind::Any));
        if let Some(kind) = kind {
            let message =
                format!("`{}` is {}: `for_each` wants a list", expr.text(), kind.article());
            self.report.wrong(node.at, message, "for example alert.hosts".to_owned());
        }
        Some(expr)
    }

    fn lets(&mut self, node: &Node) -> Vec<(String, Template)> {
        let mut lets = Vec::new();
        for (name, value) in named(node, "let", self.report) {
            is_name(&name.text, name.at, self.report);
            if OURS.contains(&name.text.as_str()) {
                let message = format!("`{}` is a name of ours: take another", name.text);
                self.report.wrong(name.at, message, None);
            }
            if let Some(template) = template(value, &self.names, self.report) {
                lets.push((name.text.clone(), template));
            }
            self.names.lets.push(name.text.clone());
        }
        lets
    }

    fn does(&mut self, fields: &Fields<'_>, told: bool) -> Option<(Does, Option<Arc<Action>>)> {
        let things: Vec<_> = THINGS.iter().filter(|key| fields.get(key).is_some()).collect();
        let [thing] = things.as_slice() else {
            if things.is_empty() && told {
                return None;
            }
            let message =
                if things.is_empty() { "a step does something" } else { "a step does one thing" };
            let hint = "give it one of `uses`, `say` and `alert`".to_owned();
            self.report.wrong(fields.at, message, hint);
            return None;
        };
        if **thing != "uses" {
            self.only_for_calls(fields);
        }
        let node = fields.get(thing)?;
        match **thing {
            "uses" => {
                let (call, action) =
                    calls::read(fields, (self.catalogue, &self.names), self.report)?;
                Some((Does::Use(Box::new(call)), action))
            }
            "say" => Some((Does::Say(prose(node, "say", &self.names, self.report)?), None)),
            _ => Some((Does::Alert(self.change(node)?), None)),
        }
    }

    fn only_for_calls(&mut self, fields: &Fields<'_>) {
        for key in ["with", "expect", "retry", "timeout"] {
            if let Some(node) = fields.get(key) {
                self.report.wrong(node.at, format!("`{key}` is for steps with `uses`"), None);
            }
        }
    }

    fn change(&mut self, node: &Node) -> Option<AlertChange> {
        let (names, report) = (&self.names, &mut *self.report);
        let fields = Fields::read(node, CHANGE, report)?;
        let severities: Vec<_> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
        let severity =
            fields.get("severity").and_then(|node| word(node, "severity", &severities, report));
        let mut entities = Vec::new();
        for kind in crate::domain::alert::Entities::default().kinds().map(|(kind, _)| kind) {
            let Some(node) = fields.get(kind) else { continue };
            if let Some(template) = template(node, names, report) {
                entities.push((kind.to_owned(), template));
            }
        }
        let assign = fields.get("assign").and_then(|node| prose(node, "assign", names, report));
        let resolve = fields.get("resolve").and_then(|node| resolve(node, names, report));
        let change =
            AlertChange { severity: severity.and_then(Severity::parse), entities, assign, resolve };
        self.says_something(node.at, &change);
        Some(change)
    }

    fn says_something(&mut self, at: Spot, change: &AlertChange) {
        let AlertChange { severity, entities, assign, resolve } = change;
        let nothing =
            severity.is_none() && entities.is_empty() && assign.is_none() && resolve.is_none();
        if nothing && self.report.problems.is_empty() {
            self.report.wrong(at, "`alert` changes nothing", None);
        }
    }
}

fn resolve(node: &Node, names: &Names, report: &mut Report) -> Option<Resolve> {
    let fields = Fields::read(node, RESOLVE, report)?;
    let right: Vec<_> = Disposition::ALL.iter().map(|disposition| disposition.as_str()).collect();
    let disposition = fields.want("disposition", report);
    let disposition = disposition.and_then(|node| word(node, "disposition", &right, report));
    let note = fields.get("note").and_then(|node| prose(node, "note", names, report));
    Some(Resolve { disposition: Disposition::parse(disposition?)?, note })
}
