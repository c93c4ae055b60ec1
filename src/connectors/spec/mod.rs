//! A connector file, `connectors/*.yaml`: one tool, its connection and its actions, all data. Read strictly: every mistake with its
//! place and the nearest right word, all of a file at once.

mod action;
mod connection;
mod expression;
mod links;
mod request;
mod shapes;
mod values;

pub use connection::{Auth, Connection, Field, FieldKind, Login, OAuth2};
pub use shapes::reference;

use crate::domain::alert::dedup::hex;
use crate::domain::ids::{ActionName, ToolName};
use crate::domain::tool::{Action, Actions, Tool, Values};
use crate::yaml::fields::{Fields, named, text};
use crate::yaml::{self, Node, Problem, Report, nearest};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A checked connector.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The file's name, without `.yaml`.
    pub name: String,
    /// The product, for people.
    pub title: String,
    /// The vendor's page.
    pub docs: Option<String>,
    /// Whose description the operations were checked against.
    pub source: Option<String>,
    pub connection: Connection,
    pub actions: BTreeMap<ActionName, Arc<Action>>,
    /// A read that shows whether the connection works, and does no harm.
    pub test: Option<ActionName>,
    /// SHA-256 of the file, hex.
    pub print: String,
}

impl Spec {
    /// The tool that it is with a connection's plain fields.
    pub fn tool(&self, name: ToolName, fields: Values) -> Tool {
        let mut sha = Sha256::new_with_prefix(&self.print);
        for (field, value) in &fields {
            sha.update(format!("\0{field}={value}"));
        }
        let print = hex(&sha.finalize());
        let (connector, title) = (self.name.clone(), self.title.clone());
        let actions = Actions::as_checked(self.actions.clone());
        Tool { name, connector, title, print, fields, actions }
    }
}

/// Reads and checks one file. `name` is the connector's own, `file` its path for messages.
pub fn read(name: &str, file: &str, text: &str) -> Result<Spec, Vec<Problem>> {
    let mut report = Report::new(file, text);
    let spec = yaml::parse(text, &mut report).and_then(|root| tool(name, &root, &mut report));
    let (problems, _) = report.finish();
    match spec {
        Some(spec) if problems.is_empty() => Ok(Spec { print: hex(&Sha256::digest(text)), ..spec }),
        _ => Err(problems),
    }
}

fn tool(name: &str, root: &Node, report: &mut Report) -> Option<Spec> {
    let file = Fields::read(root, shapes::TOOL, report)?;
    if let Some(node) = file.want("tool", report)
        && let Some(said) = text(node, "tool", report)
        && said != name
    {
        let hint =
            format!("the file's name is the tool's: call it {said}.yaml, or write `tool: {name}`");
        report.wrong(node.at, format!("`{said}` stands in a file of another name"), hint);
    }
    let title = file.want("title", report).and_then(|node| text(node, "title", report));
    let docs = file.get("docs").and_then(|node| text(node, "docs", report));
    let source = file.get("spec").and_then(|node| source(node, report));
    let connection = file.want("connection", report);
    let connection = connection.and_then(|node| connection::read(node, report));
    // Without it, each of its fields would be unknown in every action.
    let connection = connection?;
    let mut actions = BTreeMap::new();
    let named = file.get("actions").map(|node| named(node, "actions", report)).unwrap_or_default();
    for (key, node) in &named {
        if let Some(action) = action::read(key, node, &connection.names(), report) {
            actions.insert(action.name.clone(), Arc::new(action));
        }
    }
    let all: Vec<_> = named.iter().map(|(key, _)| key.text.as_str()).collect();
    for (key, node) in &named {
        links::check((key, node), &all, &actions, report);
    }
    let test = connection.test.as_ref().and_then(|(at, name)| tried(*at, name, &actions, report));
    let request = Arc::new(request::free(&connection));
    actions.insert(request.name.clone(), request);
    Some(Spec {
        name: name.to_owned(),
        title: title?.to_owned(),
        docs: docs.map(str::to_owned),
        source,
        connection,
        actions,
        test,
        print: String::new(),
    })
}

fn source(node: &Node, report: &mut Report) -> Option<String> {
    let fields = Fields::read(node, shapes::SPEC, report)?;
    let source = fields.want("source", report)?;
    text(source, "source", report).map(str::to_owned)
}

/// The action that tries the connection: one that only looks and wants nothing.
fn tried(
    at: yaml::Spot,
    name: &str,
    actions: &BTreeMap<ActionName, Arc<Action>>,
    report: &mut Report,
) -> Option<ActionName> {
    let Some((name, action)) = actions.get_key_value(&ActionName::from(name)) else {
        let near = nearest(name, actions.keys().map(ActionName::as_str));
        let hint = near.map(|near| format!("did you mean `{near}`?"));
        report.wrong(at, format!("there is no action `{name}`"), hint);
        return None;
    };
    if action.risk != crate::domain::tool::Risk::Read || action.inputs.values().any(|i| i.required)
    {
        let hint = "`test` wants an action that only looks and needs no input".to_owned();
        report.wrong(at, format!("`{name}` cannot try the connection"), hint);
    }
    Some(name.clone())
}
