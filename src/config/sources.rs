//! `sources`: whose webhooks are heard, and how each proves who it is.

use super::Outside;
use super::secret;
use crate::domain::ids::SourceName;
use crate::yaml::fields::{Fields, Shape, key, named, text};
use crate::yaml::problem::{Report, suggest};
use crate::yaml::{Node, What};
use secrecy::SecretString;
use std::collections::BTreeMap;

pub(super) const SOURCE: Shape = Shape {
    name: "a source",
    keys: &[
        key(
            "type",
            "mapping",
            "",
            "The mapping that reads the payload: one of those that Vigie brings, or a file in the folder `sources` beside the config.",
        ),
        key("auth", "map or `none`", "", "How a sender shows who it is. It has no default."),
    ],
    later: &["expect"],
};
pub(super) const AUTH: Shape = Shape {
    name: "`auth`",
    keys: &[
        key("bearer", "secrets", "", "`Authorization: Bearer …`"),
        key("token", "secrets", "", "The token alone, for products that cannot send that header."),
    ],
    later: &[],
};
/// Mappings that the documents name and that are not shipped yet.
const LATER: [&str; 2] = ["elastic-security", "github"];
const WAYS: &str = "say auth: {bearer: {env: NAME}}, auth: {token: {env: NAME}}, or auth: none where anybody may send";

/// A configured source; its name is the last part of `/hooks/{source}`.
#[derive(Clone, Debug)]
pub struct Source {
    /// The mapping that reads its payloads, `sources/*.yaml`: `generic`, `elastic-security`.
    pub mapping: String,
    pub auth: Auth,
}

/// How a webhook proves where it comes from. Each list holds every secret that is good now; an empty one lets nobody in.
#[derive(Clone, Debug)]
pub enum Auth {
    /// `Authorization: Bearer SECRET`.
    Bearer(Vec<SecretString>),
    /// The secret in the product's own header, or as `?token=`.
    Token(Vec<SecretString>),
    /// Anybody may send: only where the file says so in so many words.
    Open,
}

pub(super) fn read(
    node: &Node,
    outside: &Outside<'_>,
    report: &mut Report,
) -> BTreeMap<SourceName, Source> {
    let mut sources = BTreeMap::new();
    for (key, node) in named(node, "sources", report) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
        if !key.text.chars().all(fits) || key.text.is_empty() {
            let hint = "it stands in the address /hooks/{source}: small letters, digits, - and _";
            report.wrong(
                key.at,
                format!("`{}` is no name for a source", key.text),
                hint.to_owned(),
            );
        }
        let Some(fields) = Fields::read(node, SOURCE, report) else { continue };
        let mapping = mapping(&fields, outside, report);
        let auth = match fields.get("auth") {
            Some(node) => auth(node, outside, report),
            None => {
                let message =
                    format!("the source `{}` does not say how it proves who it is", key.text);
                report.wrong(key.at, message, WAYS.to_owned());
                None
            }
        };
        if matches!(auth, Some(Auth::Open)) {
            let message = format!("anybody who reaches us may send alerts as `{}`", key.text);
            report.warn(key.at, message, None);
        }
        if let (Some(mapping), Some(auth)) = (mapping, auth) {
            sources.insert(SourceName::from(key.text.as_str()), Source { mapping, auth });
        }
    }
    sources
}

fn mapping(fields: &Fields<'_>, outside: &Outside<'_>, report: &mut Report) -> Option<String> {
    let node = fields.want("type", report)?;
    let name = text(node, "type", report)?;
    if outside.mappings.contains(&name) {
        return Some(name.to_owned());
    }
    if LATER.contains(&name) {
        let hint = format!(
            "until then `generic`, where the product can send its JSON, or a mapping of your own: sources/{name}.yaml"
        );
        report.wrong(node.at, format!("the mapping `{name}` comes with a later release"), hint);
    } else {
        let hint = suggest(name, outside.mappings);
        report.wrong(node.at, format!("there is no mapping `{name}`"), hint);
    }
    None
}

fn auth(node: &Node, outside: &Outside<'_>, report: &mut Report) -> Option<Auth> {
    match &node.what {
        What::Text(word) if word == "none" => return Some(Auth::Open),
        What::Text(_) => {
            // A secret may stand here: it is not repeated.
            report.wrong(node.at, "`auth` has no such value", WAYS.to_owned());
            return None;
        }
        _ => {}
    }
    if let Some(hmac) = node.get("hmac") {
        let hint = "supported are bearer, token and none; until then let a proxy check the signature and add a bearer token";
        report.wrong(hmac.at, "`hmac` comes with a later release", hint.to_owned());
        return None;
    }
    let fields = Fields::read(node, AUTH, report)?;
    let secrets =
        |node, name, report: &mut Report| secret::read_several(node, name, outside, report);
    match (fields.get("bearer"), fields.get("token")) {
        (Some(node), None) => Some(Auth::Bearer(secrets(node, "bearer", report))),
        (None, Some(node)) => Some(Auth::Token(secrets(node, "token", report))),
        _ => {
            report.wrong(node.at, "`auth` wants one way", WAYS.to_owned());
            None
        }
    }
}
