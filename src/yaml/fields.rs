//! Reading a map by its known keys: the unknown are refused with the nearest right word, those of later are told.

use super::problem::{Report, Spot, listed, suggest};
use super::tree::{Node, What, Word};
use std::time::Duration;

/// A key of a map, with what the reference says of it (`reference`).
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub name: &'static str,
    /// What it takes, in a word or two.
    pub takes: &'static str,
    /// What it is where it is left out; empty where it is wanted, or where there is nothing then.
    pub default: &'static str,
    pub says: &'static str,
}

/// A key: its name, what it takes, its default, and what it is for.
pub const fn key(
    name: &'static str,
    takes: &'static str,
    default: &'static str,
    says: &'static str,
) -> Key {
    Key { name, takes, default, says }
}

/// What the keys of a map may be.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// How a message calls the map: `a team`.
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Keys of the full grammar that do nothing yet.
    pub later: &'static [&'static str],
}

impl Shape {
    pub fn names(&self) -> Vec<&'static str> {
        self.keys.iter().map(|key| key.name).collect()
    }

    /// Its keys as a table in Markdown, as the docs have them.
    pub fn table(&self) -> String {
        let mut text = "| key | takes | default | |\n| --- | --- | --- | --- |\n".to_owned();
        for Key { name, takes, default, says } in self.keys {
            text.push_str(&format!("| `{name}` | {takes} | {default} | {says} |\n"));
        }
        text
    }

    fn has(&self, name: &str) -> bool {
        self.keys.iter().any(|key| key.name == name)
    }
}

/// A map that was checked against its shape.
#[derive(Debug)]
pub struct Fields<'n> {
    pub at: Spot,
    shape: Shape,
    entries: Vec<(&'n Word, &'n Node)>,
}

impl<'n> Fields<'n> {
    pub fn read(node: &'n Node, shape: Shape, report: &mut Report) -> Option<Self> {
        let What::Map(all) = &node.what else {
            let example =
                format!("a map like {{{}: …}}", shape.keys.first().map_or("key", |key| key.name));
            report.wrong(node.at, format!("{} is wanted here: {example}", shape.name), None);
            return None;
        };
        let mut entries = Vec::new();
        for (key, value) in all {
            let name = key.text.as_str();
            if shape.later.contains(&name) {
                report.warn(key.at, format!("`{name}` is not supported yet: it is ignored"), None);
            } else if !shape.has(name) {
                let message = format!("`{name}` is no key of {}", shape.name);
                report.wrong(key.at, message, suggest(name, &shape.names()));
            } else if has_value(key, value, report) {
                entries.push((key, value));
            }
        }
        Some(Self { at: node.at, shape, entries })
    }

    pub fn get(&self, key: &str) -> Option<&'n Node> {
        debug_assert!(self.shape.has(key), "{key} is missing from {:?}", self.shape);
        self.entries.iter().find(|(word, _)| word.text == key).map(|(_, node)| *node)
    }

    /// A value that has no default.
    pub fn want(&self, key: &str, report: &mut Report) -> Option<&'n Node> {
        let found = self.get(key);
        if found.is_none() {
            report.wrong(self.at, format!("{} wants `{key}`", self.shape.name), None);
        }
        found
    }
}

/// Whether a key has a value; says so where it has none, which is nearly always an unquoted `#channel`.
pub fn has_value(key: &Word, value: &Node, report: &mut Report) -> bool {
    if !matches!(value.what, What::Nothing) {
        return true;
    }
    let after = report.line(key.at).split_once(&format!("{}:", key.text)).map(|(_, after)| after);
    let comment = after.is_some_and(|after| after.trim_start().starts_with('#'));
    let hint = comment.then(|| {
        "in YAML a `#` begins a comment: write the name in quotes, \"#channel\"".to_owned()
    });
    report.wrong(key.at, format!("`{}` has no value", key.text), hint);
    false
}

/// The entries of a map whose keys are names that people choose.
pub fn named<'n>(node: &'n Node, name: &str, report: &mut Report) -> Vec<(&'n Word, &'n Node)> {
    let What::Map(all) = &node.what else {
        report.wrong(node.at, format!("`{name}` wants a map: a name, then what it is"), None);
        return Vec::new();
    };
    all.iter().filter(|(key, value)| has_value(key, value, report)).map(|(k, v)| (k, v)).collect()
}

/// One or a list.
pub fn several(node: &Node) -> Vec<&Node> {
    match &node.what {
        What::List(items) => items.iter().collect(),
        _ => vec![node],
    }
}

pub fn text<'n>(node: &'n Node, name: &str, report: &mut Report) -> Option<&'n str> {
    match &node.what {
        What::Text(text) if !text.trim().is_empty() => Some(text.trim()),
        What::Text(_) => {
            report.wrong(node.at, format!("`{name}` is empty"), None);
            None
        }
        _ => {
            report.wrong(node.at, format!("`{name}` wants a text"), None);
            None
        }
    }
}

pub fn flag(node: &Node, name: &str, report: &mut Report) -> Option<bool> {
    if let What::Flag(flag) = node.what {
        return Some(flag);
    }
    report.wrong(node.at, format!("`{name}` wants `true` or `false`"), None);
    None
}

pub fn number(node: &Node, name: &str, report: &mut Report) -> Option<u32> {
    if let What::Number(number) = &node.what
        && let Some(number) = number.as_u64().and_then(|n| u32::try_from(n).ok())
    {
        return Some(number);
    }
    report.wrong(node.at, format!("`{name}` wants a whole number"), None);
    None
}

/// A number or a text, as text: for values with a unit, where `0` needs none.
pub fn scalar(node: &Node) -> Option<String> {
    match &node.what {
        What::Text(text) => Some(text.clone()),
        What::Number(number) => Some(number.to_string()),
        What::Flag(flag) => Some(flag.to_string()),
        What::Nothing | What::List(_) | What::Map(_) => None,
    }
}

pub fn duration(node: &Node, name: &str, report: &mut Report) -> Option<Duration> {
    let read = match scalar(node) {
        Some(text) => super::units::duration(&text),
        None => Err("a duration is wanted: write it like 90s, 5m or 1h30m".to_owned()),
    };
    read.map_err(|why| report.wrong(node.at, format!("`{name}`: {why}"), None)).ok()
}

/// One of a few words.
pub fn word<'n>(
    node: &'n Node,
    name: &str,
    right: &[&str],
    report: &mut Report,
) -> Option<&'n str> {
    match &node.what {
        What::Text(text) if right.contains(&text.as_str()) => Some(text),
        _ => {
            let said = scalar(node).unwrap_or_default();
            let message = if said.is_empty() {
                format!("`{name}` wants {}", listed(right))
            } else {
                format!("`{said}` is no value of `{name}`")
            };
            report.wrong(node.at, message, suggest(&said, right));
            None
        }
    }
}
