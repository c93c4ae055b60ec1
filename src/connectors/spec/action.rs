//! One action of a connector file, by itself; what it says of other actions is looked at in `links`.

use super::connection::Names;
use super::expression::{Scope, expr, template};
use super::shapes::{ACTION, FIRST, IDENTIFY, PAGINATE, POLL, USE, VERIFY};
use super::values::{entity, inputs, is_name, outputs};
use super::{request, request::names_of};
use crate::domain::playbook::expr::Expr;
use crate::domain::tool::answer::Meaning;
use crate::domain::tool::request::{Method, Target};
use crate::domain::tool::{
    Action, First, Identify, InDoubt, Input, Output, Pages, PagesBy, Poll, RequestTemplate, Risk,
    Use, Verify,
};
use crate::yaml::fields::{Fields, Shape, duration, flag, named, number, several, text, word};
use crate::yaml::{Node, Report, What, Word};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a poll may take at most: the engine's attempts are not longer either.
const LONGEST_POLL: Duration = Duration::from_secs(15 * 60);

/// What an action's parts are read against.
struct Reading<'a> {
    names: &'a Names,
    inputs: &'a BTreeMap<String, Input>,
}

pub(super) fn read(key: &Word, node: &Node, names: &Names, report: &mut Report) -> Option<Action> {
    well_named(key, report);
    let node = &without_nothing(node, "undo");
    let map = Fields::read(node, ACTION, report)?;
    let title = map.want("title", report).and_then(|node| text(node, "title", report));
    let operation = map.get("operation").and_then(|node| text(node, "operation", report));
    let inputs = inputs(map.get("in"), report);
    let reading = Reading { names, inputs: &inputs };
    let mut scope = reading.request();
    let first = reading.first(map.get("first"), &mut scope, report);
    let request = reading.itself(&map, &scope, report);
    let answer = meaning(&map, &reading.answer(), report);
    let mut seen = reading.answer();
    if answer.found.is_some() {
        seen.roots.push("found");
    }
    let outputs = outputs(map.get("out"), &seen, report);
    let listed = answer.found.is_some();
    let pages = map.get("paginate").and_then(|node| pages(node, listed, &reading.answer(), report));
    let poll = map.get("poll").and_then(|node| reading.poll(node, report));
    let links = reading.links(&map, &outputs, report);
    let request = request?;
    let (risk, in_doubt) = danger(&map, &request.target, report);
    Some(Action {
        name: key.text.as_str().into(),
        title: title?.to_owned(),
        operation: operation.map(str::to_owned),
        risk: risk?,
        by_method: false,
        in_doubt: in_doubt?,
        finds: answer.found.is_some(),
        inputs,
        outputs,
        undo: links.undo,
        identify: links.identify,
        verify: links.verify,
        first,
        request,
        answer,
        pages,
        poll,
    })
}

fn well_named(key: &Word, report: &mut Report) {
    if !is_name(&key.text) || key.text == "request" {
        let hint = "a verb in small letters, such as contain or revoke_sessions; `request` is there by itself".to_owned();
        report.wrong(key.at, format!("`{}` is no name for an action", key.text), hint);
    }
}

/// The same map without a key that is null: `undo: null` says that nothing takes it back.
fn without_nothing(node: &Node, name: &str) -> Node {
    let mut node = node.clone();
    if let What::Map(entries) = &mut node.what {
        entries.retain(|(key, value)| key.text != name || !matches!(value.what, What::Nothing));
    }
    node
}

/// What it does to the world, and what to do when nobody knows. What is not GET has to say the first, and what does not only look
/// the second: a wrong guess does something twice, or to somebody who must not be touched.
fn danger(
    map: &Fields<'_>,
    target: &Target,
    report: &mut Report,
) -> (Option<Risk>, Option<InDoubt>) {
    let words: Vec<_> = Risk::ALL.iter().map(|risk| risk.as_str()).collect();
    let gets = matches!(target, Target::Fixed { method: Method::Get, .. });
    let risk = match map.get("risk") {
        Some(node) => word(node, "risk", &words, report).and_then(Risk::parse),
        None if gets => Some(Risk::Read),
        None => {
            let hint = "risk: read where it only looks, write, or destructive where somebody or something stops working";
            report.wrong(map.at, "what is not GET says its `risk`", hint.to_owned());
            None
        }
    };
    let words: Vec<_> = InDoubt::ALL.iter().map(|way| way.as_str()).collect();
    let in_doubt = match (map.get("in_doubt"), risk) {
        (Some(node), _) => word(node, "in_doubt", &words, report).and_then(InDoubt::parse),
        // A look may be repeated.
        (None, Some(Risk::Read)) => Some(InDoubt::Repeat),
        (None, None) => None,
        (None, Some(_)) => {
            let hint = "may it have happened and nobody knows: repeat (twice is once), keyed, verify or ask";
            report.wrong(map.at, "what does not only look says `in_doubt`", hint.to_owned());
            None
        }
    };
    (risk, in_doubt)
}

fn meaning(map: &Fields<'_>, scope: &Scope<'_>, report: &mut Report) -> Meaning {
    let mut ok = Vec::new();
    for node in map.get("ok").map(several).unwrap_or_default() {
        match number(node, "ok", report).and_then(|status| u16::try_from(status).ok()) {
            Some(status) if (100..600).contains(&status) => ok.push(status),
            Some(_) => report.wrong(node.at, "`ok` wants a status such as 204", None),
            None => {}
        }
    }
    let mut read = |name| map.get(name).and_then(|node| expr(node, name, scope, report));
    Meaning { ok, already: read("already"), found: read("found"), error: read("error") }
}

fn pages(node: &Node, listed: bool, scope: &Scope<'_>, report: &mut Report) -> Option<Pages> {
    if !listed {
        report.wrong(node.at, "only an action with `found` has pages", None);
    }
    let map = Fields::read(node, PAGINATE, report)?;
    let ways = ["link", "cursor", "offset", "page"];
    let by = map.want("by", report).and_then(|node| word(node, "by", &ways, report))?;
    let most = map.get("most").and_then(|node| number(node, "most", report)).unwrap_or(5);
    if !(1..=50).contains(&most) {
        report.wrong(map.at, "`most` wants a number from 1 to 50", None);
    }
    let to = if by == "link" { map.get("to") } else { map.want("to", report) };
    let to = to.and_then(|node| text(node, "to", report)).map(str::to_owned);
    let by = match by {
        "link" => PagesBy::Link,
        "cursor" => {
            let from = map.want("from", report).and_then(|node| expr(node, "from", scope, report));
            PagesBy::Cursor { from: from?, to: to? }
        }
        "offset" => PagesBy::Offset { to: to? },
        _ => {
            let start = map.get("start").and_then(|node| number(node, "start", report));
            PagesBy::Number { to: to?, start: start.unwrap_or(1).into() }
        }
    };
    Some(Pages { by, most })
}

/// What an action says of others.
#[derive(Default)]
struct Links {
    undo: Option<Use>,
    verify: Option<Verify>,
    identify: Vec<Identify>,
}

impl<'a> Reading<'a> {
    /// What a request's templates see.
    fn request(&self) -> Scope<'a> {
        let plain = self.names.plain.iter().map(String::as_str);
        Scope {
            roots: plain.chain(["in"]).collect(),
            inputs: names_of(self.inputs),
            outputs: Vec::new(),
            slots: self.names.slots(),
        }
    }

    /// The request that the action is for.
    fn itself(
        &self,
        map: &Fields<'_>,
        scope: &Scope<'_>,
        report: &mut Report,
    ) -> Option<RequestTemplate> {
        let mut request = request::read(map, scope, self.names, report)?;
        let auth = map.get("auth").and_then(|node| word(node, "auth", &["none"], report));
        request.anonymous = auth.is_some();
        Some(request)
    }

    fn answer(&self) -> Scope<'a> {
        let plain = self.names.plain.iter().map(String::as_str);
        let answer = ["in", "body", "status", "headers"];
        let roots = plain.chain(answer).collect();
        Scope { roots, inputs: names_of(self.inputs), ..Scope::default() }
    }

    /// The reads before it. What each gives is a slot of those after it.
    fn first(&self, node: Option<&Node>, scope: &mut Scope<'a>, report: &mut Report) -> Vec<First> {
        let mut all = Vec::new();
        for node in node.map(several).unwrap_or_default() {
            let Some(map) = Fields::read(node, FIRST, report) else { continue };
            let request = request::read(&map, scope, self.names, report);
            let lets =
                map.want("let", report).map(|node| self.lets(node, report)).unwrap_or_default();
            scope.slots.later.extend(lets.iter().map(|(name, _)| name.clone()));
            let missing =
                map.get("missing").and_then(|node| template(node, &self.answer(), report));
            let secret = map.get("secret").and_then(|node| flag(node, "secret", report));
            let secret = secret.unwrap_or_default();
            all.extend(request.map(|request| First { request, lets, missing, secret }));
        }
        all
    }

    fn lets(&self, node: &Node, report: &mut Report) -> Vec<(String, Expr)> {
        let mut lets = Vec::new();
        for (key, node) in named(node, "let", report) {
            let taken =
                self.names.plain.contains(&key.text) || self.names.secrets.contains(&key.text);
            if !is_name(&key.text) || taken || ["in", "key"].contains(&key.text.as_str()) {
                report.wrong(key.at, format!("`{}` is no name for a value here", key.text), None);
            }
            let value = expr(node, "let", &self.answer(), report);
            lets.extend(value.map(|value| (key.text.clone(), value)));
        }
        lets
    }

    fn poll(&self, node: &Node, report: &mut Report) -> Option<Poll> {
        let map = Fields::read(node, POLL, report)?;
        let lets = map.get("let").map(|node| self.lets(node, report)).unwrap_or_default();
        let mut scope = self.request();
        scope.slots.later.extend(lets.iter().map(|(name, _)| name.clone()));
        let request = request::read(&map, &scope, self.names, report);
        let until =
            map.want("until", report).and_then(|node| expr(node, "until", &self.answer(), report));
        let every = map.get("every").and_then(|node| duration(node, "every", report));
        let within = map.get("for").and_then(|node| duration(node, "for", report));
        let (every, within) =
            (every.unwrap_or(Duration::from_secs(2)), within.unwrap_or(Duration::from_secs(60)));
        if every < Duration::from_millis(100) || within > LONGEST_POLL {
            report.wrong(map.at, "a poll asks at most every 100ms, and for at most 15m", None);
        }
        Some(Poll { lets, request: request?, until: until?, every, within })
    }

    fn links(
        &self,
        map: &Fields<'_>,
        outputs: &BTreeMap<String, Output>,
        report: &mut Report,
    ) -> Links {
        let given = Scope { roots: vec!["in"], inputs: names_of(self.inputs), ..Scope::default() };
        let mut with_out = given.clone();
        with_out.roots.push("out");
        with_out.outputs = outputs.keys().map(String::as_str).collect();
        let undo = map.get("undo").and_then(|node| used(node, USE, &with_out, report));
        let verify = map.get("verify").and_then(|node| {
            let look = used(node, VERIFY, &given, report);
            let happened = judged(node, VERIFY, "happened", &given, report);
            Some(Verify { look: look?, happened: happened? })
        });
        let mut identify = Vec::new();
        for node in map.get("identify").map(several).unwrap_or_default() {
            let look = used(node, IDENTIFY, &given, report);
            let names = judged(node, IDENTIFY, "names", &given, report);
            let entity = node.get("entity").and_then(|node| entity(node, report));
            if let (Some(entity), Some(look), Some(names)) = (entity, look, names) {
                identify.push(Identify { entity, look, names });
            }
        }
        Links { undo, verify, identify }
    }
}

/// Another action and its inputs. Whether they exist is `links`' to say.
fn used(node: &Node, shape: Shape, scope: &Scope<'_>, report: &mut Report) -> Option<Use> {
    let map = Fields::read(node, shape, report)?;
    let uses = map.want("uses", report).and_then(|node| text(node, "uses", report));
    let mut with = BTreeMap::new();
    for (key, node) in map.get("with").map(|node| named(node, "with", report)).unwrap_or_default() {
        with.extend(template(node, scope, report).map(|value| (key.text.clone(), value)));
    }
    Some(Use { action: uses?.into(), with })
}

/// An expression over `in`, and over `out` of an action that is known only when all are read.
fn judged(
    node: &Node,
    shape: Shape,
    name: &str,
    scope: &Scope<'_>,
    report: &mut Report,
) -> Option<Expr> {
    let Some(value) = node.get(name) else {
        report.wrong(node.at, format!("{} wants `{name}`", shape.name), None);
        return None;
    };
    let mut scope = scope.clone();
    scope.roots.push("out");
    // Its outputs are looked at in `links`.
    let known = value_names(value);
    scope.outputs = known.iter().map(String::as_str).collect();
    expr(value, name, &scope, report)
}

fn value_names(node: &Node) -> Vec<String> {
    let text = crate::yaml::fields::scalar(node).unwrap_or_default();
    let names = Expr::compile(&text).map(|expr| expr.names().to_vec()).unwrap_or_default();
    let below = names.iter().filter_map(|name| name.strip_prefix("out."));
    below.map(|name| name.split('.').next().unwrap_or_default().to_owned()).collect()
}
