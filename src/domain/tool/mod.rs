//! What a tool can do, as its connector file says it: actions with typed inputs and outputs, how dangerous each is, and what
//! undoes it. Values only: `connectors` reads the files and makes the calls.

pub mod answer;
pub mod call;
#[cfg(test)]
pub(crate) mod call_tests;
mod fill;
pub mod input;
pub mod request;
#[cfg(test)]
mod request_tests;
pub mod uses;

pub use request::RequestTemplate;

use crate::domain::alert::words;
use crate::domain::ids::{ActionName, ToolName};
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::Template;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Values by name: what an action is given, and what it gives back.
pub type Values = BTreeMap<String, Json>;

/// The tools that playbooks can use, each by the name that it has in the config.
#[derive(Clone, Debug, Default)]
pub struct Catalogue(pub BTreeMap<ToolName, Arc<Tool>>);

/// One tool, connected: a connector file with the plain fields of its connection. Secrets are no part of it.
#[derive(Clone, Debug)]
pub struct Tool {
    pub name: ToolName,
    /// The connector file that it is of; the same as `name` unless the config says `type`.
    pub connector: String,
    /// For people: `CrowdStrike Falcon`.
    pub title: String,
    /// SHA-256 over the connector file and the connection's plain fields, hex: an approval holds for this very tool.
    pub print: String,
    /// The connection's plain fields: `base_url` and the like.
    pub fields: Values,
    pub actions: Actions,
}

/// What a tool can do, as its checked file says it. Whoever holds a tool can neither change an action of it nor put another in its
/// place, so what stands here is what `Permit::read` may believe: of a copy that claims to be harmless it takes the name alone.
///
/// ```compile_fail,E0616
/// # use vigie::domain::tool::{Risk, Tool};
/// fn disarm(tool: &mut Tool) {
///     let contain = tool.actions.0.get_mut(&"contain".into()).unwrap();
///     std::sync::Arc::make_mut(contain).risk = Risk::Read;
/// }
/// ```
#[derive(Clone, Debug)]
pub struct Actions(BTreeMap<ActionName, Arc<Action>>);

impl Actions {
    /// For `connectors::spec` alone, which has read and checked them (held by `tests/it/architecture.rs`).
    pub(crate) fn as_checked(actions: BTreeMap<ActionName, Arc<Action>>) -> Self {
        Self(actions)
    }

    /// The action of that name.
    pub fn get(&self, name: &ActionName) -> Option<&Arc<Action>> {
        self.0.get(name)
    }

    /// What its actions have only an id of, so that the tool is asked for the name.
    pub fn known_by_ids(&self) -> impl Iterator<Item = Entity> {
        self.0.values().flat_map(|action| &action.identify).map(|identify| identify.entity)
    }

    /// The names of all, in their order.
    pub fn names(&self) -> impl Iterator<Item = &ActionName> {
        self.0.keys()
    }
}

/// `tool.action`, as a playbook writes it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uses {
    pub tool: ToolName,
    pub action: ActionName,
}

/// One thing that a tool can do.
#[derive(Clone, Debug)]
pub struct Action {
    pub name: ActionName,
    pub title: String,
    /// The vendor's own name for it.
    pub operation: Option<String>,
    /// What it does at worst; `risk_of` says it of one call.
    pub risk: Risk,
    /// It is a request that a person words: with GET it only looks.
    pub by_method: bool,
    pub in_doubt: InDoubt,
    pub inputs: BTreeMap<String, Input>,
    /// The names of what it gives back.
    pub outputs: BTreeMap<String, Output>,
    /// It finds things: a playbook may say how many it expects.
    pub finds: bool,
    /// What takes its effect back.
    pub undo: Option<Use>,
    /// Who it is that an input names only by the tool's own id: asked before something dangerous is done to it.
    pub identify: Vec<Identify>,
    /// How the tool is asked whether it happened.
    pub verify: Option<Verify>,
    /// What it asks before its request, for values that the request needs. Reads, in order.
    pub first: Vec<First>,
    /// The request it makes.
    pub request: RequestTemplate,
    /// What the answer means.
    pub answer: answer::Meaning,
    /// How the rest of a long list is fetched.
    pub pages: Option<Pages>,
    /// What is asked again and again until it is finished. `out` is then of its last answer.
    pub poll: Option<Poll>,
}

/// A read that comes before an action's request. Its values are slots of the requests that follow.
#[derive(Clone, Debug)]
pub struct First {
    pub request: RequestTemplate,
    /// Over `in`, `body`, `status`, `headers`.
    pub lets: Vec<(String, Expr)>,
    /// What is said where one of them has no value. An action that finds has then found nothing.
    pub missing: Option<Template>,
    /// What it gives is secret: no later answer may repeat it to us.
    pub secret: bool,
}

/// How the pages of a list follow each other.
#[derive(Clone, Debug)]
pub struct Pages {
    pub by: PagesBy,
    /// How many are fetched at most.
    pub most: u32,
}

/// What leads to the next page.
#[derive(Clone, Debug)]
pub enum PagesBy {
    /// The header `Link` with `rel="next"`, on the same host.
    Link,
    /// A value of the answer, as the named query parameter; no value means that it was the last.
    Cursor { from: Expr, to: String },
    /// How many were found so far, as the named query parameter.
    Offset { to: String },
    /// The page's number, as the named query parameter.
    Number { to: String, start: u64 },
}

/// A read that is repeated until what was begun is finished.
#[derive(Clone, Debug)]
pub struct Poll {
    /// Over the answer of the action's request: slots of `request`.
    pub lets: Vec<(String, Expr)>,
    pub request: RequestTemplate,
    /// Over `in`, `body`, `status`, `headers`.
    pub until: Expr,
    pub every: Duration,
    pub within: Duration,
}

/// What a call does to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// It only looks.
    Read,
    /// It changes something that nobody misses at once: a ticket, a comment, sessions that are signed in again.
    Write,
    /// Somebody or something stops working: held by `protected` and `limits`.
    Destructive,
}

/// It may or may not have happened: what now?
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InDoubt {
    /// Twice is once: do it again.
    Repeat,
    /// Do it again with the same key, which the tool knows.
    Keyed,
    /// Ask the tool first.
    Verify,
    /// Ask a person.
    Ask,
}

/// What sort of value an input or output is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    List,
    Map,
    Any,
}

/// What an input names in the world; `protected` holds them by this word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entity {
    Host,
    User,
    Ip,
    Domain,
    Url,
    Hash,
    Email,
    Resource,
    Repository,
}

words! {
    Risk { Read = "read", Write = "write", Destructive = "destructive" }
    InDoubt { Repeat = "repeat", Keyed = "keyed", Verify = "verify", Ask = "ask" }
    Kind {
        String = "string", Integer = "integer", Number = "number", Boolean = "boolean", List = "list", Map = "map", Any = "any",
    }
    Entity {
        Host = "host", User = "user", Ip = "ip", Domain = "domain", Url = "url", Hash = "hash", Email = "email",
        Resource = "resource", Repository = "repository",
    }
}

/// One input of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    pub kind: Kind,
    /// Where it is not, null and what is missing are left out of the request.
    pub required: bool,
    pub entity: Option<Entity>,
    /// It names the entity by the tool's own id: `identify` says by what names people know it.
    pub by_id: bool,
    /// The only words it may be; empty where any may.
    pub one_of: Vec<String>,
    pub default: Option<Json>,
    /// What it is for, for people.
    pub says: Option<String>,
}

/// One output of an action: what of the answer it is read from. Only these are kept.
#[derive(Clone, Debug)]
pub struct Output {
    pub kind: Kind,
    /// Over `in`, `body`, `status`, `headers`, and `found` (the one that was found) where the action finds.
    pub from: Expr,
    /// It may be missing from an answer.
    pub optional: bool,
}

/// Another action of the same tool with its inputs, as `undo`, `verify` and `identify` name one. The templates see `in`, the
/// inputs of the first, and `out`, what it gave.
#[derive(Clone, Debug)]
pub struct Use {
    pub action: ActionName,
    pub with: BTreeMap<String, Template>,
}

/// How an id is known by the names that `protected` speaks of.
#[derive(Clone, Debug)]
pub struct Identify {
    pub entity: Entity,
    /// A read.
    pub look: Use,
    /// Over `out` of the look: a name, or a list of them.
    pub names: Expr,
}

/// How it is known whether it happened.
#[derive(Clone, Debug)]
pub struct Verify {
    /// A read.
    pub look: Use,
    /// Over `in` and over `out` of the look.
    pub happened: Expr,
}

impl Catalogue {
    /// The tool and the action that `uses` names.
    pub fn find(&self, uses: &Uses) -> Option<(&Arc<Tool>, &Arc<Action>)> {
        let tool = self.0.get(&uses.tool)?;
        Some((tool, tool.actions.get(&uses.action)?))
    }
}

impl Action {
    /// What this very call does to the world.
    pub fn risk_of(&self, with: &Values) -> Risk {
        let looks = with.get("method").and_then(Json::as_str) == Some("GET");
        if self.by_method && looks { Risk::Read } else { self.risk }
    }
}

impl std::fmt::Display for Uses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.tool, self.action)
    }
}

impl Uses {
    /// Reads `tool.action`.
    pub fn parse(text: &str) -> Option<Self> {
        let (tool, action) = text.split_once('.')?;
        Some(Self { tool: tool.into(), action: action.into() })
    }
}

impl Serialize for Uses {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Uses {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("tool.action is wanted"))
    }
}
