//! Where a tool is and how we show who we are: the fields that the config fills in, and what is made of them.

use super::expression::{self, Scope, template, text_of};
use super::request;
use super::shapes::{AUTH, BASIC, CONNECTION, FIELD, HEADER, LOGIN, OAUTH2};
use super::values::{is_name, words};
use crate::connectors::wire::HostPattern;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::{Part, Template};
use crate::domain::tool::RequestTemplate;
use crate::domain::tool::request::Slots;
use crate::yaml::fields::{Fields, duration, flag, named, several, text, word};
use crate::yaml::units::Rate;
use crate::yaml::{Node, Report, Spot, What};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How a tool is connected, before the config says where it is.
#[derive(Clone, Debug)]
pub struct Connection {
    pub fields: BTreeMap<String, Field>,
    pub auth: Auth,
    /// Of every request.
    pub headers: Vec<(String, Template)>,
    pub rate: Option<Rate>,
    /// The action that tries it, and where that stands in the file.
    pub(super) test: Option<(Spot, String)>,
}

/// One thing that the config says of a connection.
#[derive(Clone, Debug)]
pub struct Field {
    pub kind: FieldKind,
    pub default: Option<String>,
    pub required: bool,
    pub one_of: Vec<String>,
    pub says: Option<String>,
}

/// What a field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An address, on one of these hosts; `*` lets the config choose.
    Url {
        hosts: Vec<String>,
    },
    Text,
    Secret,
}

/// How requests show who sends them. The templates see the plain fields; secrets are slots.
#[derive(Clone, Debug)]
pub enum Auth {
    None,
    Header { name: String, value: Template },
    Bearer(Template),
    Basic { user: Template, password: Template },
    OAuth2(Box<OAuth2>),
    Login(Box<Login>),
}

/// OAuth 2 client credentials.
#[derive(Clone, Debug)]
pub struct OAuth2 {
    pub token_url: Template,
    pub client_id: Template,
    pub client_secret: Template,
    pub scope: Option<Template>,
    pub audience: Option<Template>,
    /// The secret stands in the `Authorization` header, not in the form.
    pub basic: bool,
}

/// A call whose answer gives a token.
#[derive(Clone, Debug)]
pub struct Login {
    pub request: RequestTemplate,
    /// User and password, where it is let in by them.
    pub basic: Option<(Template, Template)>,
    /// Over `body`.
    pub token: Expr,
    pub lasts: Duration,
    /// The header of every request, and what stands before the token there.
    pub header: String,
    pub prefix: String,
}

/// The names that an action's templates may use of its connection, and the headers that it has from it.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    pub plain: Vec<String>,
    pub secrets: BTreeSet<String>,
    pub headers: Vec<(String, Template)>,
}

impl Names {
    /// The slots of every request.
    pub fn slots(&self) -> Slots {
        Slots { secrets: self.secrets.clone(), later: BTreeSet::from(["key".to_owned()]) }
    }

    /// What templates see of a connection alone.
    pub fn scope(&self) -> Scope<'_> {
        let slots = Slots { secrets: self.secrets.clone(), later: BTreeSet::new() };
        Scope { roots: self.plain.iter().map(String::as_str).collect(), slots, ..Scope::default() }
    }
}

impl Connection {
    pub(super) fn names(&self) -> Names {
        let (secrets, plain): (Vec<_>, Vec<_>) =
            self.fields.iter().partition(|(_, field)| field.kind == FieldKind::Secret);
        let name = |(name, _): (&String, &Field)| name.clone();
        Names {
            plain: plain.into_iter().map(name).collect(),
            secrets: secrets.into_iter().map(name).collect(),
            headers: self.headers.clone(),
        }
    }
}

pub(super) fn read(node: &Node, report: &mut Report) -> Option<Connection> {
    let map = Fields::read(node, CONNECTION, report)?;
    let mut fields = BTreeMap::new();
    for (key, node) in
        map.want("fields", report).map(|n| named(n, "fields", report)).unwrap_or_default()
    {
        if !is_name(&key.text) || RESERVED.contains(&key.text.as_str()) {
            let hint = format!("small letters, digits and _; not {}", RESERVED.join(", "));
            report.wrong(key.at, format!("`{}` is no name for a field", key.text), hint);
        }
        fields.extend(field(node, report).map(|field| (key.text.clone(), field)));
    }
    if !fields.get("base_url").is_some_and(|field| matches!(field.kind, FieldKind::Url { .. })) {
        let hint = "base_url: {type: url, hosts: [\"*.example.com\"]}".to_owned();
        report.wrong(map.at, "the connection has no field `base_url` of type `url`", hint);
    }
    let mut connection =
        Connection { fields, auth: Auth::None, headers: Vec::new(), rate: None, test: None };
    let names = connection.names();
    let headers = map.get("headers").map(|node| request::headers(node, &names.scope(), report));
    connection.headers = headers.unwrap_or_default();
    let names = connection.names();
    match map.want("auth", report) {
        Some(node) => connection.auth = auth(node, &names, report).unwrap_or(Auth::None),
        None => return Some(connection),
    }
    connection.rate = map.get("rate").and_then(|node| rate(node, report));
    let test = map.get("test");
    let test = test.and_then(|node| Some((node.at, text(node, "test", report)?.to_owned())));
    connection.test = test;
    Some(connection)
}

/// Names that mean something else in an action, or in the config beside the fields.
const RESERVED: [&str; 10] =
    ["in", "out", "body", "status", "headers", "found", "key", "type", "internal", "rate"];

fn rate(node: &Node, report: &mut Report) -> Option<Rate> {
    let said = text(node, "rate", report)?;
    Rate::parse(said).map_err(|why| report.wrong(node.at, format!("`rate`: {why}"), None)).ok()
}

fn field(node: &Node, report: &mut Report) -> Option<Field> {
    let map = Fields::read(node, FIELD, report)?;
    let kinds = ["url", "text", "secret"];
    let kind = map.get("type").and_then(|node| word(node, "type", &kinds, report));
    let default = map.get("default").and_then(|node| text(node, "default", report));
    let required = map.get("required").and_then(|node| flag(node, "required", report));
    let hosts = map.get("hosts").map(|node| words(node, report)).unwrap_or_default();
    let kind = match kind {
        Some("url") if hosts.is_empty() => {
            let hint = "hosts: [\"*.example.com\"]".to_owned();
            report.wrong(map.at, "an address says on which hosts it may be", hint);
            FieldKind::Url { hosts }
        }
        Some("url") => FieldKind::Url { hosts },
        Some("secret") => FieldKind::Secret,
        _ => FieldKind::Text,
    };
    if kind == FieldKind::Secret && default.is_some() {
        report.wrong(map.at, "a secret has no default", None);
    }
    for node in map.get("hosts").map(several).unwrap_or_default() {
        let host = text(node, "hosts", report).filter(|host| *host != "*").map(HostPattern::parse);
        if let Some(Err(why)) = host {
            report.wrong(node.at, format!("`hosts`: {why}"), None);
        }
    }
    if let (Some(node), false) = (map.get("hosts"), matches!(kind, FieldKind::Url { .. })) {
        report.wrong(node.at, "only a field of type `url` has `hosts`", None);
    }
    let says = map.get("says").and_then(|node| text(node, "says", report));
    Some(Field {
        kind,
        required: required.unwrap_or(default.is_none()),
        default: default.map(str::to_owned),
        one_of: map.get("one_of").map(|node| words(node, report)).unwrap_or_default(),
        says: says.map(str::to_owned),
    })
}

fn auth(node: &Node, names: &Names, report: &mut Report) -> Option<Auth> {
    if matches!(&node.what, What::Text(word) if word == "none") {
        return Some(Auth::None);
    }
    let map = Fields::read(node, AUTH, report)?;
    let ways = AUTH.names();
    let given: Vec<_> =
        ways.iter().filter_map(|way| map.get(way).map(|node| (*way, node))).collect();
    let [(way, inner)] = given[..] else {
        let hint = "auth: {bearer: \"{{ token }}\"}, or auth: none".to_owned();
        report.wrong(node.at, "`auth` wants one way", hint);
        return None;
    };
    let scope = names.scope();
    match way {
        "header" => {
            let (name, value) = header(inner, &scope, report)?;
            Some(Auth::Header { name, value })
        }
        "bearer" => template(inner, &scope, report).map(Auth::Bearer),
        "basic" => {
            let (user, password) = basic(inner, &scope, report)?;
            Some(Auth::Basic { user, password })
        }
        "oauth2" => oauth2(inner, &scope, report).map(|oauth2| Auth::OAuth2(Box::new(oauth2))),
        _ => login(inner, names, report).map(|login| Auth::Login(Box::new(login))),
    }
}

fn header(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<(String, Template)> {
    let map = Fields::read(node, HEADER, report)?;
    let name = map.want("name", report).and_then(|node| text(node, "name", report));
    let value = map.want("value", report).and_then(|node| template(node, scope, report));
    Some((name?.to_owned(), value?))
}

fn basic(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<(Template, Template)> {
    let map = Fields::read(node, BASIC, report)?;
    let user = map.want("user", report).and_then(|node| template(node, scope, report));
    let password = map.want("password", report).and_then(|node| template(node, scope, report));
    Some((user?, password?))
}

fn oauth2(node: &Node, scope: &Scope<'_>, report: &mut Report) -> Option<OAuth2> {
    let map = Fields::read(node, OAUTH2, report)?;
    let mut want = |name| map.want(name, report).and_then(|node| template(node, scope, report));
    let (token_url, id, secret) = (want("token_url"), want("client_id"), want("client_secret"));
    let mut may = |name| map.get(name).and_then(|node| template(node, scope, report));
    let (scope, audience) = (may("scope"), may("audience"));
    let send = map.get("send").and_then(|node| word(node, "send", &["body", "basic"], report));
    Some(OAuth2 {
        token_url: token_url?,
        client_id: id?,
        client_secret: secret?,
        scope,
        audience,
        basic: send == Some("basic"),
    })
}

fn login(node: &Node, names: &Names, report: &mut Report) -> Option<Login> {
    let map = Fields::read(node, LOGIN, report)?;
    let request = request::read(&map, &names.scope(), names, report);
    let scope = names.scope();
    let basic = map.get("basic").and_then(|node| basic(node, &scope, report));
    let seen = Scope { roots: vec!["body"], ..Scope::default() };
    let token =
        map.want("token", report).and_then(|node| expression::expr(node, "token", &seen, report));
    let lasts = map.get("lasts").and_then(|node| duration(node, "lasts", report));
    let (header, prefix) = map.want("header", report).and_then(|node| carrier(node, report))?;
    Some(Login {
        request: request?,
        basic,
        token: token?,
        lasts: lasts.unwrap_or(Duration::from_secs(15 * 60)),
        header,
        prefix,
    })
}

/// The header that carries a token: its name, and what stands before `{{ token }}`.
fn carrier(node: &Node, report: &mut Report) -> Option<(String, String)> {
    let slots = Slots { later: BTreeSet::from(["token".to_owned()]), ..Slots::default() };
    let scope = Scope { slots, ..Scope::default() };
    let map = Fields::read(node, HEADER, report)?;
    let name = map.want("name", report).and_then(|node| text(node, "name", report));
    let value = map.want("value", report)?;
    let said = text(value, "value", report)?;
    let prefix = match text_of(value.at, said, &scope, report)? {
        Template::Whole(_) => Some(String::new()),
        Template::Mixed(parts) => match parts.as_slice() {
            [Part::Text(before), Part::Expr(_)] => Some(before.clone()),
            _ => None,
        },
        _ => None,
    };
    if prefix.is_none() {
        let hint = "value: \"Bearer {{ token }}\"".to_owned();
        report.wrong(value.at, "`value` ends with the token", hint);
    }
    Some((name?.to_owned(), prefix?))
}
