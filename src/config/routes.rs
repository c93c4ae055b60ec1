//! `routes`: which team, channel and ladder an alert gets. The first whose `when` holds takes it.

use super::whom::{self, Known};
use crate::domain::alert::escalation::Ladder;
use crate::domain::alert::{Entities, Normalised, Severity, Status, routing};
use crate::domain::ids::{PlaybookName, RouteName, TeamName};
use crate::domain::people::ChannelRef;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::literals::{Never, never};
use crate::domain::policy::Route;
use crate::domain::time::Timestamp;
use crate::yaml::fields::{Fields, Shape, key, several, text};
use crate::yaml::problem::{Problem, Report, suggest};
use crate::yaml::{Node, What};

pub(super) const ROUTE: Shape = Shape {
    name: "a route",
    keys: &[
        key("name", "name", "", "Stands in the journal and in reports."),
        key("when", "expression", "every alert", "Which alerts it takes, below."),
        key("team", "team", "none", "Who answers for them."),
        key("channel", "channel", "`slack.channel`", "Where they are shown."),
        key(
            "escalation",
            "escalation",
            "`standard`",
            "Who hears of them when nobody acknowledges.",
        ),
        key(
            "playbooks",
            "list",
            "all that fit",
            "Which playbooks are offered for its alerts, by name; `[]` offers none.",
        ),
    ],
    later: &["continue"],
};

pub(super) fn read(node: &Node, known: Known<'_>, report: &mut Report) -> Vec<Route> {
    let What::List(items) = &node.what else {
        let hint = "each begins with a dash: - {name: everything}";
        report.wrong(node.at, "`routes` wants a list", hint.to_owned());
        return Vec::new();
    };
    if items.is_empty() {
        report.wrong(node.at, "at least one route is needed", "- {name: everything}".to_owned());
    }
    let mut routes: Vec<Route> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let Some(route) = route(item, known, report) else { continue };
        if routes.iter().any(|earlier| earlier.name == route.name) {
            report.wrong(item.at, format!("the route `{}` is given twice", route.name), None);
        }
        let last = index + 1 == items.len();
        match (&route.when, last) {
            (Some(_), true) => {
                let message = "the last route has a `when`: what no route takes goes to `slack.channel`, with no team";
                report.warn(item.at, message, "add one without: - {name: the-rest}".to_owned());
            }
            (None, false) => {
                let message =
                    format!("`{}` takes every alert: no route below it is reached", route.name);
                report.warn(item.at, message, None);
            }
            _ => {}
        }
        routes.push(route);
    }
    routes
}

fn route(node: &Node, known: Known<'_>, report: &mut Report) -> Option<Route> {
    let fields = Fields::read(node, ROUTE, report)?;
    let name = fields.want("name", report).and_then(|node| text(node, "name", report));
    let when = fields.get("when").and_then(|node| condition(node, report));
    let mut one_of = |key: &str, right: &[&str]| {
        let node = fields.get(key)?;
        let name = text(node, key, report)?;
        if right.contains(&name) {
            return Some(name);
        }
        let noun = if key == "team" { "team" } else { "escalation" };
        let hint = match suggest(name, right) {
            None => Some(format!("no {noun} is defined: add it under `{noun}s`")),
            hint => hint,
        };
        report.wrong(node.at, format!("there is no {noun} `{name}`"), hint);
        None
    };
    let team = one_of("team", known.teams).map(TeamName::from);
    let escalation = one_of("escalation", known.escalations).unwrap_or(Ladder::STANDARD).into();
    let channel = fields.get("channel").and_then(|node| channel(node, "channel", report));
    let playbooks = fields.get("playbooks").map(|node| playbooks(node, report));
    Some(Route { name: RouteName::from(name?), when, team, channel, escalation, playbooks })
}

/// Each playbook that a route names, and what is to be said where there is none of that name: that is known when they were read.
pub(super) fn named(node: Option<&Node>, report: &Report) -> Vec<(PlaybookName, Problem)> {
    let routes = node.map(several).unwrap_or_default();
    let named = routes.into_iter().filter_map(|route| route.get("playbooks"));
    named
        .flat_map(several)
        .filter_map(|node| match &node.what {
            What::Text(name) => {
                let name = name.trim();
                let message = format!("there is no playbook `{name}`");
                Some((PlaybookName::from(name), report.problem(node.at, message)))
            }
            _ => None,
        })
        .collect()
}

fn playbooks(node: &Node, report: &mut Report) -> Vec<PlaybookName> {
    let names = several(node).into_iter().filter_map(|node| text(node, "playbooks", report));
    names.map(PlaybookName::from).collect()
}

pub(super) fn channel(node: &Node, name: &str, report: &mut Report) -> Option<ChannelRef> {
    let said = text(node, name, report)?;
    whom::channel(said).map_err(|why| report.wrong(node.at, why, None)).ok()
}

/// A route's condition: it compiles, its names exist, and it can be evaluated. A typo here would lose alerts silently.
fn condition(node: &Node, report: &mut Report) -> Option<Expr> {
    let said = match &node.what {
        What::Flag(flag) => flag.to_string(),
        _ => text(node, "when", report)?.to_owned(),
    };
    if said.trim_start().starts_with("{{") {
        let hint = "write alert.severity == 'critical'";
        report.wrong(node.at, "`when` is a bare expression, without {{ }}", hint.to_owned());
        return None;
    }
    let expr = match Expr::compile(&said) {
        Ok(expr) => expr,
        Err(why) => {
            report.wrong(node.at, format!("`when`: {why}"), None);
            return None;
        }
    };
    let before = report.problems.len();
    names(node, &expr, report);
    for Never { name, word, right } in never(&said) {
        let message = format!("`{name}` is never `{word}`");
        report.wrong(node.at, message, suggest(word, &right));
    }
    if report.problems.len() == before
        && let Err(why) = expr.value(&routing::scope("source", &sample()))
    {
        report.wrong(node.at, format!("`when` cannot be evaluated: {why}"), None);
    }
    Some(expr)
}

fn names(node: &Node, expr: &Expr, report: &mut Report) {
    const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];
    let fields = fields();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    for name in expr.names() {
        let mut path = name.split('.');
        match (path.next().unwrap_or_default(), path.next()) {
            ("source", _) | ("alert", None) => {}
            (function, None) if FUNCTIONS.contains(&function) => {}
            ("alert", Some(field)) if fields.contains(&field) => {}
            ("alert", Some(field)) => {
                let hint = suggest(field, &fields);
                report.wrong(node.at, format!("an alert has no `{field}`"), hint);
            }
            (other, _) => {
                let hint = if fields.contains(&other) {
                    Some(format!("did you mean `alert.{other}`?"))
                } else {
                    suggest(other, &["alert", "source"])
                };
                report.wrong(node.at, format!("there is no `{other}` in `when`"), hint);
            }
        }
    }
}

/// The names of a normalised alert, as expressions see them.
pub(super) fn fields() -> Vec<String> {
    let sample = serde_json::to_value(sample()).expect("an alert is plain data");
    sample.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

/// An alert that has everything.
fn sample() -> Normalised {
    let text = || Some("x".to_owned());
    let mut entities = Entities::default();
    for (_, list) in entities.kinds_mut() {
        list.push("x".to_owned());
    }
    Normalised {
        id: text(),
        title: "x".to_owned(),
        description: text(),
        rule: text(),
        severity: Severity::Critical,
        status: Status::Firing,
        dedup_key: "x".to_owned(),
        url: text(),
        entities,
        tactic: text(),
        technique: text(),
        occurred_at: Some(Timestamp::from_millis(0)),
    }
}
