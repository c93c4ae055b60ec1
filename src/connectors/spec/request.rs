//! The requests of a connector file: a path whose values stay segments, a query, headers, and a body of one kind.

use super::connection::{Connection, Names};
use super::expression::{Scope, template, text_of};
use crate::domain::ids::ActionName;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::{Part, Template};
use crate::domain::tool::answer::Meaning;
use crate::domain::tool::request::{BodyTemplate, Method, Target};
use crate::domain::tool::{Action, InDoubt, Input, Kind, Output, RequestTemplate, Risk};
use crate::yaml::fields::{Fields, named, text, word};
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Report};
use std::collections::BTreeMap;

/// Headers that are not for an action to set: ours, and those of `auth`.
const OURS: [&str; 8] = [
    "host",
    "authorization",
    "cookie",
    "content-length",
    "transfer-encoding",
    "connection",
    "accept-encoding",
    "content-type",
];

/// Reads the keys of a request from a map that may have others beside them.
pub(super) fn read(
    fields: &Fields<'_>,
    scope: &Scope<'_>,
    names: &Names,
    report: &mut Report,
) -> Option<RequestTemplate> {
    let method = fields.get("method").and_then(|node| method(node, report)).unwrap_or(Method::Get);
    let path = fields.want("path", report).and_then(|node| path(node, scope, report));
    let query = fields.get("query").map(|node| pairs(node, "query", scope, report));
    let own = fields.get("headers").map(|node| headers(node, scope, report)).unwrap_or_default();
    let mut headers = names.headers.clone();
    headers.retain(|(name, _)| !own.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
    headers.extend(own);
    let body = body(fields, scope, report);
    Some(RequestTemplate {
        target: Target::Fixed { method, base: base_url(), path: path? },
        query: query.unwrap_or_default(),
        headers,
        body,
        slots: scope.slots.clone(),
        anonymous: false,
    })
}

fn base_url() -> Template {
    Template::Whole(Expr::compile("base_url").expect("a name is an expression"))
}

pub(super) fn method(node: &Node, report: &mut Report) -> Option<Method> {
    let words: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
    word(node, "method", &words, report).and_then(Method::parse)
}

/// `/api/v1/users/{user_id}`: `{name}` stands for an input or a field, `{{ … }}` for an expression.
fn path(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<Vec<Vec<Part>>> {
    let said = text(node, "path", report)?;
    let wrong = |report: &mut Report, message: &str| {
        let hint = "write /api/v1/users/{user_id}/sessions; what follows a `?` goes into `query`";
        report.wrong(node.at, message.to_owned(), hint.to_owned());
    };
    let Some(below) = said.strip_prefix('/') else {
        wrong(report, "`path` begins with a slash");
        return None;
    };
    let mut segments = Vec::new();
    for segment in split(below) {
        if let Some(name) = unknown(segment, scope) {
            let slots = scope.slots.later.iter().map(String::as_str);
            let known: Vec<_> =
                scope.inputs.iter().chain(&scope.roots).copied().chain(slots).collect();
            let hint = suggest(name, &known);
            report.wrong(node.at, format!("there is no `{name}` for the path"), hint);
            return None;
        }
        let parts = match text_of(node.at, &written(segment, scope), scope, report)? {
            Template::Plain(value) => {
                vec![Part::Text(value.as_str().unwrap_or_default().to_owned())]
            }
            Template::Whole(expr) => vec![Part::Expr(expr)],
            Template::Mixed(parts) => parts,
            Template::List(_) | Template::Map(_) => Vec::new(),
        };
        if let Some(why) = parts.iter().find_map(|part| odd(part, scope)) {
            wrong(report, why);
            return None;
        }
        segments.push(parts);
    }
    Some(segments)
}

/// Why a part cannot stand in a path.
fn odd(part: &Part, scope: &Scope<'_>) -> Option<&'static str> {
    match part {
        Part::Text(text) => text
            .contains(['?', '#', '\\', ' ', '%', '{', '}'])
            .then_some("`path` has a sign in it that no path has"),
        Part::Expr(expr) => scope
            .slots
            .secrets
            .contains(expr.text().trim())
            .then_some("a secret is no part of an address: it would stand in logs"),
    }
}

/// A path at its slashes, but for those within `{{ … }}`.
fn split(path: &str) -> Vec<&str> {
    let (mut segments, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, letter) in path.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            '/' if depth == 0 => {
                segments.push(&path[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&path[start..]);
    segments
}

/// `{name}` as the expression that it stands for.
fn written(segment: &str, scope: &Scope<'_>) -> String {
    let mut text = segment.to_owned();
    for input in &scope.inputs {
        text = replaced(&text, input, &format!("in.{input}"));
    }
    let slots = scope.slots.later.iter().map(String::as_str);
    for root in scope.roots.iter().copied().chain(slots) {
        text = replaced(&text, root, root);
    }
    text
}

/// A name in single braces that nothing has.
fn unknown<'s>(segment: &'s str, scope: &Scope<'_>) -> Option<&'s str> {
    let written = written(segment, scope);
    let name = segment.split_once('{')?.1.split('}').next()?;
    let left = written.contains(&format!("{{{name}}}")) && !written.contains("{{");
    left.then_some(name)
}

/// Single braces alone: those of `{{name}}` stay.
fn replaced(text: &str, name: &str, expr: &str) -> String {
    let wanted = format!("{{{name}}}");
    let mut parts = text.split(wanted.as_str()).peekable();
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let doubled = all.ends_with('{') && part.starts_with('}');
        all.push_str(&if doubled { wanted.clone() } else { format!("{{{{ {expr} }}}}") });
        all.push_str(part);
    }
    all
}

fn pairs(
    node: &Node,
    name: &str,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Vec<(String, Template)> {
    let mut pairs = Vec::new();
    for (key, node) in named(node, name, report) {
        pairs.extend(template(node, scope, report).map(|value| (key.text.clone(), value)));
    }
    pairs
}

pub(super) fn headers(
    node: &Node,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Vec<(String, Template)> {
    for (key, _) in named(node, "headers", report) {
        if OURS.contains(&key.text.to_lowercase().as_str()) {
            let hint = "who we are is said by `connection.auth`, the rest is written as the request leaves";
            let message = format!("the header `{}` is not for a file to set", key.text);
            report.wrong(key.at, message, hint.to_owned());
        }
    }
    pairs(node, "headers", scope, report)
}

fn body(fields: &Fields<'_>, scope: &Scope<'_>, report: &mut Report) -> BodyTemplate {
    match (fields.get("body"), fields.get("form")) {
        (None, None) => BodyTemplate::None,
        (Some(node), None) => {
            template(node, scope, report).map_or(BodyTemplate::None, BodyTemplate::Json)
        }
        (None, Some(node)) => BodyTemplate::Form(pairs(node, "form", scope, report)),
        (Some(_), Some(node)) => {
            report.wrong(node.at, "a request has one body: `body` or `form`", None);
            BodyTemplate::None
        }
    }
}

/// The action that every tool has: any request to its own hosts, destructive unless it only looks.
pub(super) fn free(connection: &Connection) -> Action {
    Action {
        name: ActionName::from("request"),
        title: "Any request to this tool".to_owned(),
        operation: None,
        risk: Risk::Destructive,
        by_method: true,
        in_doubt: InDoubt::Ask,
        inputs: free_inputs(),
        outputs: free_outputs(),
        finds: false,
        undo: None,
        identify: Vec::new(),
        verify: None,
        first: Vec::new(),
        request: RequestTemplate {
            target: Target::Free { base: base_url() },
            query: Vec::new(),
            headers: connection.headers.clone(),
            body: BodyTemplate::None,
            slots: connection.names().slots(),
            anonymous: false,
        },
        answer: Meaning::default(),
        pages: None,
        poll: None,
    }
}

fn free_inputs() -> BTreeMap<String, Input> {
    let input = |kind, required, one_of: &[&str], says: &str| Input {
        kind,
        required,
        entity: None,
        by_id: false,
        one_of: one_of.iter().map(|word| (*word).to_owned()).collect(),
        default: None,
        says: Some(says.to_owned()),
    };
    let methods: Vec<_> = Method::ALL.iter().map(|method| method.as_str()).collect();
    let inputs = [
        (
            "method",
            input(Kind::String, true, &methods, "GET only looks; the others count as destructive"),
        ),
        ("path", input(Kind::String, true, &[], "Below the tool's own address, from the slash on")),
        ("query", input(Kind::Map, false, &[], "The query's parameters")),
        ("body", input(Kind::Any, false, &[], "The body, as JSON")),
    ];
    inputs.map(|(name, input)| (name.to_owned(), input)).into()
}

fn free_outputs() -> BTreeMap<String, Output> {
    let compiled = |text| Expr::compile(text).expect("a name is an expression");
    let output = |kind, from, optional| Output { kind, from: compiled(from), optional };
    let outputs = [
        ("status", output(Kind::Integer, "status", false)),
        ("body", output(Kind::Any, "body", true)),
    ];
    outputs.map(|(name, output)| (name.to_owned(), output)).into()
}

/// The inputs' names, as scopes want them.
pub(super) fn names_of(inputs: &BTreeMap<String, Input>) -> Vec<&str> {
    inputs.keys().map(String::as_str).collect()
}
