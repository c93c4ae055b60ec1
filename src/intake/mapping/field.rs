//! From a value to a field of an alert: texts, lists, words of ours, links.

use super::Trouble;
use crate::domain::alert::{Severity, Status};
use crate::domain::playbook::expr::Expr;
use minijinja::Value;
use minijinja::value::ValueKind;
use std::collections::BTreeMap;

/// Whether what cannot be read refuses the body or is left out. Our own JSON is read strictly, a vendor's is not: an alert
/// is worth more than one of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    Strict,
    Lenient,
}
use Strictness::{Lenient, Strict};

/// A word of ours that a source says in its own way.
pub trait Word: Copy + 'static {
    /// Every word, for the reader of an error.
    fn all() -> &'static [Self];
    fn word(self) -> &'static str;
    /// What it is where a source says nothing.
    fn missing() -> Self;
}

impl Word for Severity {
    fn all() -> &'static [Self] {
        Self::ALL
    }
    fn word(self) -> &'static str {
        self.as_str()
    }
    fn missing() -> Self {
        Self::Medium
    }
}

impl Word for Status {
    fn all() -> &'static [Self] {
        Self::ALL
    }
    fn word(self) -> &'static str {
        self.as_str()
    }
    fn missing() -> Self {
        Self::Firing
    }
}

/// How a word is looked up, checked.
#[derive(Clone, Debug)]
pub struct Lookup<T> {
    pub from: Vec<Expr>,
    /// Keys in lower case. Empty together with `at_least`: the source uses our own words.
    pub table: BTreeMap<String, T>,
    pub at_least: Vec<(f64, T)>,
    pub default: Option<T>,
}

impl<T: Word> Lookup<T> {
    /// The first of its values that has a word; else the default; else `Word::missing`. Only a strict mapping refuses a
    /// word that nobody knows.
    pub fn read(&self, scope: &Value, strictness: Strictness) -> Result<T, Trouble> {
        let mut unknown = None;
        for expr in &self.from {
            let Some(said) = text(expr, scope, strictness)? else { continue };
            match self.find(&said) {
                Some(word) => return Ok(word),
                None => unknown = unknown.or(Some(said)),
            }
        }
        match (self.default, unknown, strictness) {
            (Some(default), _, _) => Ok(default),
            (None, None, _) | (None, Some(_), Lenient) => Ok(T::missing()),
            (None, Some(said), Strict) => {
                let words: Vec<_> = self.words();
                Err(Trouble(format!("{} is not one of {}", shown(&said), words.join(", "))))
            }
        }
    }

    fn find(&self, said: &str) -> Option<T> {
        let said = said.to_lowercase();
        if self.table.is_empty() && self.at_least.is_empty() {
            return T::all().iter().copied().find(|word| word.word() == said);
        }
        self.table.get(&said).copied().or_else(|| {
            let number: f64 = said.parse().ok()?;
            self.at_least.iter().find(|(least, _)| number >= *least).map(|(_, word)| *word)
        })
    }

    fn words(&self) -> Vec<&str> {
        if self.table.is_empty() {
            T::all().iter().map(|word| word.word()).collect()
        } else {
            self.table.keys().map(String::as_str).collect()
        }
    }
}

/// The text of an expression's value, trimmed; `None` where it is missing, null or blank. A source that wraps its values in
/// lists (Elastic) means the first; numbers and flags become text.
pub fn text(expr: &Expr, scope: &Value, strictness: Strictness) -> Result<Option<String>, Trouble> {
    match strictness {
        Lenient => Ok(expr.value(scope).ok().and_then(|value| first_text(&value))),
        Strict => {
            let value = expr.value(scope).map_err(|error| Trouble(error.to_string()))?;
            strict_text(&value, "text")
        }
    }
}

/// The first of several expressions that gives a text.
pub fn first(
    exprs: &[Expr],
    scope: &Value,
    strictness: Strictness,
) -> Result<Option<String>, Trouble> {
    for expr in exprs {
        if let Some(found) = text(expr, scope, strictness)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// All texts of several expressions, each a text or a list of them, in order and without blanks or repeats.
pub fn list(exprs: &[Expr], scope: &Value, strictness: Strictness) -> Result<Vec<String>, Trouble> {
    let mut found = Vec::new();
    for expr in exprs {
        match (expr.value(scope), strictness) {
            (Ok(value), Lenient) => gather(&value, &mut found),
            (Ok(value), Strict) if value.kind() == ValueKind::Seq => {
                for item in value.try_iter().into_iter().flatten() {
                    found.extend(strict_text(&item, "a list of texts")?);
                }
            }
            (Ok(value), Strict) => found.extend(strict_text(&value, "a text or a list of texts")?),
            (Err(_), Lenient) => {}
            (Err(error), Strict) => return Err(Trouble(error.to_string())),
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|text| seen.insert(text.clone()));
    Ok(found)
}

/// Only a whole `http` or `https` address is a link. What would end a link early in Slack's or HTML's text is encoded.
pub fn link(text: &str) -> Option<String> {
    let parsed = url::Url::parse(text).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return None;
    }
    let plain =
        text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !"<>|\"\\".contains(c));
    Some(if plain { text.to_owned() } else { String::from(parsed).replace('|', "%7C") })
}

/// What kind of thing a value is, for the reader of an error.
pub fn kind(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "missing",
        ValueKind::None => "null",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String | ValueKind::Bytes => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map | ValueKind::Plain => "an object",
        _ => "something else",
    }
}

/// A value as it is quoted in an error: short, and on one line.
pub fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn strict_text(value: &Value, wanted: &str) -> Result<Option<String>, Trouble> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(None),
        ValueKind::String => Ok(value.as_str().and_then(said)),
        _ => Err(Trouble(format!("is {}, not {wanted}", kind(value)))),
    }
}

fn first_text(value: &Value) -> Option<String> {
    match value.kind() {
        ValueKind::String => value.as_str().and_then(said),
        ValueKind::Number => Some(number(value)),
        ValueKind::Bool => Some(value.is_true().to_string()),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().ok()?.find_map(|item| match item.kind() {
                ValueKind::String => item.as_str().and_then(said),
                ValueKind::Number => Some(number(&item)),
                _ => None,
            })
        }
        _ => None,
    }
}

/// A whole number has no `.0`, however its source wrote it: `8.0` is severity 8.
fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() && float.fract() == 0.0 && float.abs() < 1e15 => {
            format!("{float:.0}")
        }
        _ => value.to_string(),
    }
}

fn gather(value: &Value, found: &mut Vec<String>) {
    match value.kind() {
        ValueKind::String => found.extend(value.as_str().and_then(said)),
        ValueKind::Number => found.push(number(value)),
        ValueKind::Seq | ValueKind::Iterable => {
            value.try_iter().into_iter().flatten().for_each(|item| gather(&item, found));
        }
        _ => {}
    }
}

/// The text without the space around it; `None` where nothing of it can be seen.
fn said(text: &str) -> Option<String> {
    let unseen = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    (!text.chars().all(unseen)).then(|| text.trim().to_owned())
}
