//! Secrets: named in the file, kept elsewhere. A value in the file itself is refused.

use super::{Outside, command};
use crate::yaml::fields::{Fields, Shape, key, several, text};
use crate::yaml::hidden;
use crate::yaml::problem::Report;
use crate::yaml::{Node, What};
use secrecy::SecretString;

pub(super) const SHAPE: Shape = Shape {
    name: "a secret",
    keys: &[
        key("env", "name", "", "An environment variable."),
        key("file", "path", "", "A file; the newline at its end is not part of the secret."),
        key(
            "command",
            "list",
            "",
            "What a program prints; no shell is involved. It has 10 s and 64 KiB.",
        ),
    ],
    later: &[],
};
pub(super) const HOW: &str = "name where it is kept: {env: NAME}, {file: /run/secrets/name} or {command: [program, argument]}";

/// Whether secrets are fetched. A check without them, or an audit, needs none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    Fetch,
    /// Only their form is checked; whatever would hold one is empty.
    Leave,
}

/// The secret that a node names; `None` where it is wrong (said) or left alone.
pub(super) fn read(
    node: &Node,
    name: &str,
    outside: &Outside<'_>,
    report: &mut Report,
) -> Option<SecretString> {
    if !matches!(node.what, What::Map(_)) {
        let message = format!("`{name}` is a secret, and secrets do not stand in this file");
        report.wrong(node.at, message, HOW.to_owned());
        return None;
    }
    let fields = Fields::read(node, SHAPE, report)?;
    let given: Vec<_> =
        SHAPE.names().into_iter().filter_map(|key| fields.get(key).map(|n| (key, n))).collect();
    let [(kind, place)] = given[..] else {
        report.wrong(node.at, format!("`{name}` wants one place"), HOW.to_owned());
        return None;
    };
    let found = match kind {
        "env" => from_variable(text(place, "env", report)?, outside),
        "file" => from_file(text(place, "file", report)?, outside),
        _ => from_command(&words(place, report)?, outside),
    };
    match found {
        Ok(secret) => secret,
        Err(why) => {
            report.wrong(place.at, format!("`{name}`: {why}"), None);
            None
        }
    }
}

/// One secret or a list of them: a new one can be added before the old one goes.
pub(super) fn read_several(
    node: &Node,
    name: &str,
    outside: &Outside<'_>,
    report: &mut Report,
) -> Vec<SecretString> {
    if matches!(&node.what, What::List(items) if items.is_empty()) {
        report.wrong(
            node.at,
            format!("`{name}` names no secret: nobody could send"),
            HOW.to_owned(),
        );
    }
    several(node).into_iter().filter_map(|one| read(one, name, outside, report)).collect()
}

fn words<'n>(node: &'n Node, report: &mut Report) -> Option<Vec<&'n str>> {
    let What::List(items) = &node.what else {
        let hint = "each argument is an item: {command: [pass, show, vigie]}; no shell is involved";
        report.wrong(node.at, "`command` wants a list", hint.to_owned());
        return None;
    };
    let words: Option<Vec<_>> = items.iter().map(|item| text(item, "command", report)).collect();
    if items.is_empty() {
        report.wrong(node.at, "`command` is empty", None);
    }
    words.filter(|words| !words.is_empty())
}

type Found = Result<Option<SecretString>, String>;

fn keep(value: &str, from: &str) -> Found {
    let value = value.trim_end_matches(['\r', '\n']);
    if value.trim().is_empty() {
        return Err(format!("{from} is empty"));
    }
    Ok(Some(value.into()))
}

fn from_variable(name: &str, outside: &Outside<'_>) -> Found {
    if !hidden::is_name(name) {
        return Err("`env` wants the name of an environment variable".to_owned());
    }
    if outside.secrets == Secrets::Leave {
        return Ok(None);
    }
    let value =
        (outside.env)(name).ok_or_else(|| format!("the environment variable {name} is not set"))?;
    keep(&value, &format!("the environment variable {name}"))
}

fn from_file(path: &str, outside: &Outside<'_>) -> Found {
    if outside.secrets == Secrets::Leave {
        return Ok(None);
    }
    let value = std::fs::read_to_string(path)
        .map_err(|e| format!("the file {path} cannot be read: {e}"))?;
    keep(&value, &format!("the file {path}"))
}

fn from_command(words: &[&str], outside: &Outside<'_>) -> Found {
    if outside.secrets == Secrets::Leave {
        return Ok(None);
    }
    keep(&command::output(words)?, &format!("what the command {} printed", words[0]))
}
