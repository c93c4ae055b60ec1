//! The gate: whether a call may be made now. Every way in ends here, and only here a `Permit` that changes something is made.

use super::event::{CallId, Fault};
use super::{Run, scope};
use crate::domain::ids::{StepId, ToolName};
use crate::domain::playbook::plan::resolve;
use crate::domain::playbook::text::NoValue;
use crate::domain::playbook::{Call, Playbook, What};
use crate::domain::policy::Policy;
use crate::domain::protected::Protected;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::Permit;
use crate::domain::tool::request::Request;
use crate::domain::tool::{Action, Catalogue, Entity, Identify, Risk, Tool, Values};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use url::form_urlencoded;

/// The very playbook and tools that a run was planned with.
#[derive(Clone, Debug)]
pub struct Pinned {
    pub playbook: Arc<Playbook>,
    pub catalogue: Arc<Catalogue>,
}

impl Pinned {
    /// Whether a step may still begin: once somebody has stopped the run, only what is done at its end.
    pub fn may_begin(&self, run: &Run, step: &StepId) -> bool {
        run.cancelled.is_none() || self.playbook.always.iter().any(|last| last.id == *step)
    }
}

/// What the gate looks at beside the run.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    pub policy: &'a Policy,
    /// When destructive steps were started, as far back as the limit looks.
    pub destructive: &'a [Timestamp],
    pub now: Timestamp,
    /// What the ids in the call are called, once the tool was asked.
    pub names: Option<&'a [Named]>,
}

/// The names of one thing that a call would touch; none where the tool does not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub entity: Entity,
    pub names: Vec<String>,
}

/// What the gate says.
#[derive(Debug)]
pub enum Gate {
    /// It may be made; `request` is its hash.
    Go { permit: Permit, request: String },
    /// First the tool is asked who it would be done to.
    Identify(Vec<Look>),
    /// It may not; the words are for people.
    Refuse(Fault, String),
}

/// A read by which the gate learns what an id is called.
#[derive(Clone, Debug)]
pub struct Look {
    pub identify: Identify,
    /// What the call itself is given.
    pub given: Values,
    pub permit: Permit,
}

/// A call as it would be made.
pub struct Prepared<'a> {
    pub call: &'a Call,
    pub tool: Arc<Tool>,
    pub action: Arc<Action>,
    pub with: Values,
    /// Of this very call: what a person words is as dangerous as its method.
    pub risk: Risk,
}

/// Looks at a call of `run`.
pub fn admit(run: &Run, pinned: &Pinned, id: &CallId, around: &Around<'_>) -> Gate {
    let prepared = match prepare(run, pinned, id) {
        Ok(prepared) => prepared,
        Err((fault, why)) => return Gate::Refuse(fault, why),
    };
    if prepared.risk == Risk::Destructive
        && let Some(held) = hold_back(&prepared, around)
    {
        return held;
    }
    let Prepared { call, tool, action, with, .. } = prepared;
    let request = match tool.requests(&action, &with) {
        Ok(requests) => requests.iter().map(Request::hash).collect::<Vec<_>>().join(","),
        Err(why) => return Gate::Refuse(Fault::NoValue, why.to_string()),
    };
    let key = key_of(run, id);
    let permit = Permit::granted((tool, action), with, (key, call.timeout));
    Gate::Go { permit, request }
}

/// The call with its values, as the pinned playbook has it.
pub fn prepare<'a>(
    run: &Run,
    pinned: &'a Pinned,
    id: &CallId,
) -> Result<Prepared<'a>, (Fault, String)> {
    let erased = || (Fault::NoValue, "what was asked for this run was erased".to_owned());
    let content = run.content.as_ref().ok_or_else(erased)?;
    let step = pinned.playbook.step(&id.step);
    let Some(What::Use(call)) = step.map(|step| &step.what) else {
        return Err((Fault::ToolChanged, format!("the playbook has no step `{}`", id.step)));
    };
    let Some((tool, action)) = pinned.catalogue.find(&call.uses) else {
        let why = format!("`{}` is not configured any more", call.uses);
        return Err((Fault::ToolChanged, why));
    };
    if run.planned.tools.get(&call.uses.tool) != Some(&tool.print) {
        return Err((Fault::ToolChanged, changed(&call.uses.tool)));
    }
    let scope = scope::of_turn(run, content, id);
    let with = resolve(call, action, &scope).map_err(|no| (Fault::NoValue, no.to_string()))?;
    let with = action.inputs(&with).map_err(|no| (Fault::NoValue, no.to_string()))?;
    let risk = action.risk_of(&with);
    Ok(Prepared { call, tool: tool.clone(), action: action.clone(), with, risk })
}

fn changed(tool: &ToolName) -> String {
    format!("the tool `{tool}` has changed since this was planned: plan it again")
}

fn said(no: &NoValue) -> String {
    match no {
        NoValue::Undefined(text) => format!("`{text}` is not known"),
        NoValue::Broken(error) => error.to_string(),
    }
}

/// What holds a destructive call back: what it touches is protected, or cannot be named; or enough were done.
fn hold_back(prepared: &Prepared<'_>, around: &Around<'_>) -> Option<Gate> {
    let Prepared { call, tool, action, with, .. } = prepared;
    let protected = &around.policy.protected;
    let held = |(entity, name): (Option<Entity>, String)| {
        let pattern = match entity {
            Some(entity) => protected.holds(entity, &name)?,
            None => protected.holds_any(&name)?,
        };
        Some(refuse_protected(entity, &name, pattern))
    };
    if let Some(refused) = written(action, with).into_iter().find_map(held) {
        return Some(refused);
    }
    if action.by_method
        && let Some(entity) = tool.actions.known_by_ids().find(|entity| protected.has(*entity))
    {
        let why = format!(
            "{} knows a {what} by an id, and some are protected: what an id in a request that somebody words stands for cannot be asked. \
             Use an action of its own",
            tool.title,
            what = entity.as_str()
        );
        return Some(Gate::Refuse(Fault::Unknown, why));
    }
    match around.names {
        None => {
            let looks = match looks(prepared, protected) {
                Ok(looks) => looks,
                Err(why) => return Some(Gate::Refuse(Fault::Unknown, why)),
            };
            if !looks.is_empty() {
                return Some(Gate::Identify(looks));
            }
        }
        Some(named) => {
            for Named { entity, names } in named {
                if names.is_empty() {
                    let why = format!(
                        "{} does not say which {} that is, and some are protected",
                        tool.title,
                        entity.as_str()
                    );
                    return Some(Gate::Refuse(Fault::Unknown, why));
                }
                let held = |name: &String| Some((name.clone(), protected.holds(*entity, name)?));
                if let Some((name, pattern)) = names.iter().find_map(held) {
                    return Some(refuse_protected(Some(*entity), &name, pattern));
                }
            }
        }
    }
    let (most, within) = around.policy.limits.destructive?;
    let recent = around.destructive.iter().filter(|at| around.now.since(**at) < within).count();
    (recent >= usize::try_from(most).unwrap_or(usize::MAX)).then(|| {
        let why = format!(
            "{} is destructive, and {most} destructive steps were done within the last {} minutes: that is the limit",
            call.uses,
            within.as_secs() / 60
        );
        Gate::Refuse(Fault::Limit, why)
    })
}

fn refuse_protected(entity: Option<Entity>, name: &str, pattern: &str) -> Gate {
    let what = entity.map_or("value", Entity::as_str);
    Gate::Refuse(Fault::Protected, format!("the {what} {name} is protected (`{pattern}`)"))
}

fn looks(prepared: &Prepared<'_>, protected: &Protected) -> Result<Vec<Look>, String> {
    let Prepared { call, tool, action, with, .. } = prepared;
    let wanted = action.identify.iter().filter(|identify| protected.has(identify.entity));
    wanted
        .map(|identify| {
            let inputs = identify
                .look
                .inputs(with, &Values::new())
                .map_err(|no| format!("whom it touches cannot be asked: {}", said(&no)))?;
            let look = &identify.look.action;
            let permit = Permit::read(tool, look, inputs, call.timeout)
                .ok_or_else(|| format!("{}.{look} does more than look", tool.name))?;
            Ok(Look { identify: identify.clone(), given: with.clone(), permit })
        })
        .collect()
}

/// Every text in a call, with what it names where the action says so. Texts that name nothing are held against every pattern; and
/// a request that a person words may carry a name anywhere in its address or its body: there each word is looked at.
fn written(action: &Action, with: &Values) -> Vec<(Option<Entity>, String)> {
    let mut all = Vec::new();
    for (name, value) in with {
        let entity = action.inputs.get(name).and_then(|input| input.entity);
        texts(value, &mut |text| {
            all.push((entity, text.to_owned()));
            if action.by_method {
                all.extend(words(text).into_iter().map(|word| (None, word)));
            }
        });
    }
    all
}

/// The names of entries are texts too.
fn texts(value: &Json, found: &mut impl FnMut(&str)) {
    match value {
        Json::String(text) => found(text),
        Json::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Json::Object(entries) => entries.iter().for_each(|(name, value)| {
            found(name);
            texts(value, found);
        }),
        Json::Number(number) => found(&number.to_string()),
        Json::Null | Json::Bool(_) => {}
    }
}

/// Whatever in a text may be a name, as it is written and as an address means it: `/hosts/dc%2D1/isolate` names `dc-1`, and
/// `/repos/acme/infra` names `acme/infra`.
fn words(text: &str) -> Vec<String> {
    let meant = form_urlencoded::parse(text.as_bytes());
    let meant = meant.flat_map(|(name, value)| [name.into_owned(), value.into_owned()]);
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '$');
    // An ARN, and an IPv6 address, have colons.
    let in_long_name = |c: char| in_name(c) || c == ':';
    let mut all = Vec::new();
    for text in meant.chain([text.to_owned()]) {
        let words = text.split(|c| !in_name(c)).chain(text.split(|c| !in_long_name(c)));
        all.extend(words.filter(|word| !word.is_empty()).map(str::to_owned));
        let paths = text.split(|c| !in_long_name(c) && c != '/');
        all.extend(paths.flat_map(runs_of_segments));
    }
    all
}

/// So many segments of a path are at most one name.
const SEGMENTS: usize = 8;

/// Each run of several segments of a path: of `a/b/c` these are `a/b`, `a/b/c` and `b/c`.
fn runs_of_segments(path: &str) -> Vec<String> {
    let segments: Vec<&str> = path.split('/').filter(|s| !s.is_empty()).collect();
    let from = |at: usize| (at + 2..=segments.len().min(at + SEGMENTS)).map(move |to| (at, to));
    let runs = (0..segments.len()).flat_map(from);
    runs.map(|(at, to)| segments[at..to].join("/")).collect()
}

/// Names the effect, whichever try: SHA-256 of run, step and iteration, hex.
pub fn key_of(run: &Run, id: &CallId) -> String {
    let mut sha = Sha256::new();
    for part in [run.id.as_str(), id.step.as_str(), &id.iteration.to_string()] {
        sha.update((part.len() as u64).to_be_bytes());
        sha.update(part);
    }
    crate::domain::alert::dedup::hex(&sha.finalize())
}
