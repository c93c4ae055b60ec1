//! `tools`: which tools are connected, under which name, and what their connectors want to know.

use super::{Outside, secret};
use crate::connectors::spec::{Field, FieldKind, Spec};
use crate::connectors::wire::{HostPattern, SHORTEST};
use crate::connectors::{Given, Lines, connect};
use crate::domain::ids::ToolName;
use crate::domain::tool::Catalogue;
use crate::yaml::fields::{Shape, has_value, key, named, scalar, several, text};
use crate::yaml::problem::suggest;
use crate::yaml::units::Rate;
use crate::yaml::{Node, Report, What, Word};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;
use url::{Host, Url};

pub(super) const TOOL: Shape = Shape {
    name: "a tool",
    keys: &[
        key(
            "type",
            "connector",
            "its own name",
            "One of those that Vigie brings, or a file in the folder `connectors` beside the config.",
        ),
        key(
            "internal",
            "list of hosts",
            "none",
            "Hosts inside that this tool may reach, also over http: `10.1.2.3`, `edr.corp.example`.",
        ),
        key("rate", "rate", "the connector's", "How many requests it is sent at most: `10/s`."),
        key(
            "FIELD",
            "text or secret",
            "the connector's",
            "What the connector wants to know, `base_url` and its secrets: `vigie connector show NAME`.",
        ),
    ],
    later: &[],
};

/// The tools of a config.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    pub catalogue: Arc<Catalogue>,
    pub lines: Arc<Lines>,
}

pub(super) fn read(node: &Node, outside: &Outside<'_>, report: &mut Report) -> Tools {
    let (mut catalogue, mut lines) = (Catalogue::default(), Lines::new());
    for (key, node) in named(node, "tools", report) {
        if !fits(&key.text) {
            let hint =
                "playbooks say NAME.action: small letters, digits and _, a letter first".to_owned();
            report.wrong(key.at, format!("`{}` is no name for a tool", key.text), hint);
        }
        let Some(spec) = connector(key, node, outside, report) else { continue };
        let Some(given) = given(node, &spec, outside, report) else { continue };
        let name = ToolName::from(key.text.as_str());
        match connect(&spec, &name, given) {
            Ok((tool, line)) => {
                catalogue.0.insert(name.clone(), Arc::new(tool));
                lines.insert(name, line);
            }
            Err(why) => report.wrong(key.at, format!("`{name}` cannot be connected: {why}"), None),
        }
    }
    Tools { catalogue: Arc::new(catalogue), lines: Arc::new(lines) }
}

fn fits(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    name.chars().all(fits) && name.starts_with(|c: char| c.is_ascii_lowercase())
}

/// The connector that a tool is of: its `type`, or its own name.
fn connector(
    key: &Word,
    node: &Node,
    outside: &Outside<'_>,
    report: &mut Report,
) -> Option<Arc<Spec>> {
    let (at, name) = match node.get("type") {
        Some(node) => (node.at, text(node, "type", report)?),
        None => (key.at, key.text.as_str()),
    };
    let found = outside.connectors.get(name);
    if found.is_none() {
        let known: Vec<_> = outside.connectors.names().collect();
        let hint = suggest(name, &known).map(|hint| {
            format!("{hint}; another tool is a file connectors/{name}.yaml, or `type: http`")
        });
        report.wrong(at, format!("there is no connector `{name}`"), hint);
    }
    found.cloned()
}

/// What the config says of a tool; `None` where something of it is wrong.
fn given(node: &Node, spec: &Spec, outside: &Outside<'_>, report: &mut Report) -> Option<Given> {
    let What::Map(entries) = &node.what else {
        report.wrong(node.at, "a tool wants a map: {base_url: …, token: {env: NAME}}", None);
        return None;
    };
    let before = report.problems.len();
    let fields = &spec.connection.fields;
    let mut given = Given { internal: internal(node, report), ..Given::default() };
    for (key, value) in entries {
        match (key.text.as_str(), fields.get(&key.text)) {
            ("type" | "internal", _) => {}
            ("rate", _) => given.rate = rate(value, report),
            (name, Some(field)) => {
                if has_value(key, value, report) {
                    Reading { name, field, outside }.value(value, &mut given, report);
                }
            }
            (name, None) => {
                let beside = ["type", "internal", "rate"];
                let known: Vec<_> = fields.keys().map(String::as_str).chain(beside).collect();
                report.wrong(
                    key.at,
                    format!("`{name}` is no key of {}", spec.title),
                    suggest(name, &known),
                );
            }
        }
    }
    unsaid(node, spec, &mut given, report);
    (report.problems.len() == before).then_some(given)
}

fn internal(node: &Node, report: &mut Report) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for node in node.get("internal").map(several).unwrap_or_default() {
        match text(node, "internal", report).map(HostPattern::exact) {
            Some(Ok(host)) => hosts.push(host),
            Some(Err(why)) => report.wrong(node.at, format!("`internal`: {why}"), None),
            None => {}
        }
    }
    hosts
}

/// The defaults of what the config does not say; what has none is wanted.
fn unsaid(node: &Node, spec: &Spec, given: &mut Given, report: &mut Report) {
    let fields = spec.connection.fields.iter();
    for (name, field) in fields.filter(|(name, _)| node.get(name).is_none()) {
        match &field.default {
            Some(default) => {
                given.plain.insert(name.clone(), default.clone().into());
            }
            None if field.required => {
                let message = format!("{} wants `{name}`", spec.title);
                report.wrong(node.at, message, field.says.clone());
            }
            None => {}
        }
    }
}

fn rate(node: &Node, report: &mut Report) -> Option<Rate> {
    let said = text(node, "rate", report)?;
    Rate::parse(said).map_err(|why| report.wrong(node.at, format!("`rate`: {why}"), None)).ok()
}

/// One field of a connection.
struct Reading<'a> {
    name: &'a str,
    field: &'a Field,
    outside: &'a Outside<'a>,
}

impl Reading<'_> {
    fn value(&self, node: &Node, given: &mut Given, report: &mut Report) {
        let name = self.name;
        let said = match &self.field.kind {
            FieldKind::Secret => {
                let secret = secret::read(node, name, self.outside, report);
                if secret.as_ref().is_some_and(is_short) {
                    let hint = "what a tool repeats of a longer one is taken out; have it issue one of 20 letters or so".to_owned();
                    let message = format!(
                        "`{name}` has less than {SHORTEST} letters: it could not be kept out of messages"
                    );
                    report.wrong(node.at, message, hint);
                }
                given.secrets.extend(secret.map(|secret| (name.to_owned(), secret)));
                return;
            }
            FieldKind::Url { hosts } => self.address(node, hosts, &given.internal, report),
            FieldKind::Text => self.text(node, report),
        };
        given.plain.extend(said.map(|said| (name.to_owned(), said.into())));
    }

    fn text(&self, node: &Node, report: &mut Report) -> Option<String> {
        let Some(said) = scalar(node).filter(|said| !said.trim().is_empty()) else {
            report.wrong(node.at, format!("`{}` wants a text", self.name), None);
            return None;
        };
        if !self.field.one_of.is_empty() && !self.field.one_of.contains(&said) {
            let words: Vec<_> = self.field.one_of.iter().map(String::as_str).collect();
            let message = format!("`{said}` is no value of `{}`", self.name);
            report.wrong(node.at, message, suggest(&said, &words));
        }
        Some(said)
    }

    /// An address where this tool may be: under TLS, on a host of the connector's or one that is named as inside. Nothing of it is
    /// repeated, for it may hold a password.
    fn address(
        &self,
        node: &Node,
        hosts: &[String],
        internal: &[HostPattern],
        report: &mut Report,
    ) -> Option<String> {
        let name = self.name;
        let said = text(node, name, report)?;
        let url = Url::parse(said).ok().filter(|url| matches!(url.scheme(), "https" | "http"));
        let Some((url, host)) = url.and_then(|url| Some((url.clone(), url.host_str()?.to_owned())))
        else {
            report.wrong(node.at, format!("`{name}` is no address: it begins with https://"), None);
            return None;
        };
        let mut wrong =
            |message: String, hint: Option<String>| report.wrong(node.at, message, hint);
        let inside = is_inside(&url, internal);
        if !url.username().is_empty() || url.password().is_some() {
            wrong(
                format!("`{name}` has a user or password in it: secrets have keys of their own"),
                None,
            );
        } else if url.query().is_some() || url.fragment().is_some() {
            wrong(format!("`{name}` ends before the `?` or `#`"), None);
        } else if url.scheme() == "http" && !inside {
            let hint = format!("write https://, or internal: [{host}] where that host is inside");
            wrong(format!("`{name}` would send what it knows in clear"), Some(hint));
        } else if !inside && !hosts.iter().any(|pattern| is_on(&host, pattern)) {
            let may: Vec<_> = hosts.iter().map(|host| format!("`{host}`")).collect();
            let hint =
                format!("it can be {}; a host of your own: internal: [{host}]", may.join(" or "));
            wrong(format!("`{host}` is no host of this tool"), Some(hint));
        }
        Some(said.trim_end_matches('/').to_owned())
    }
}

fn is_short(secret: &SecretString) -> bool {
    secret.expose_secret().chars().count() < SHORTEST
}

fn is_inside(url: &Url, internal: &[HostPattern]) -> bool {
    let host = url.host().map(|host: Host<&str>| host.to_string()).unwrap_or_default();
    let port = url.port_or_known_default().unwrap_or_default();
    let named = [host.clone(), format!("{host}:{port}")];
    internal.iter().any(|inside| named.contains(&inside.to_string()))
}

/// `*` is any host, `*.example.com` whatever ends so.
fn is_on(host: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some("") => true,
        Some(end) => host.len() > end.len() && host.ends_with(end),
        None => host == pattern,
    }
}
