//! The file as a tree in which every key and value knows where it stands.
//!
//! Parsed once, strictly: budgets stop bombs, a second document and a duplicate key are refused.

use super::problem::{Report, Spot};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};
use std::fmt;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub at: Spot,
    pub what: What,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum What {
    Nothing,
    Flag(bool),
    Number(serde_json::Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Word, Node)>),
}

/// A key and its place.
#[derive(Clone, Debug)]
pub struct Word {
    pub at: Spot,
    pub text: String,
}

/// Reads the text; what is no YAML at all is one problem, for nothing after it can be trusted.
pub fn parse(text: &str, report: &mut Report) -> Option<Node> {
    let options = serde_saphyr::options! {
        with_snippet: false,
        // Found below, where all of them can be told at once.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        strict_booleans: true,
        reject_unsupported_tags: true,
        budget: Some(serde_saphyr::Budget::default()),
    };
    match serde_saphyr::from_str_with_options::<Node>(text, options) {
        Ok(node) => {
            report.hide(&node);
            duplicates(&node, report);
            Some(node)
        }
        Err(error) => {
            let at = error.location().map(Spot::from).unwrap_or_default();
            report.hide_values();
            report.wrong(at, explain(&error), tabs(text, at));
            None
        }
    }
}

fn explain(error: &serde_saphyr::Error) -> String {
    let error = error.without_snippet();
    if let serde_saphyr::Error::MultipleDocuments { .. } = error {
        return "a second document begins here (`---`): one file holds one".to_owned();
    }
    let text = error.to_string();
    let text = text.lines().next().unwrap_or_default();
    // The place stands in front already.
    let text = text.split(" at line ").next().unwrap_or(text);
    // What is quoted may be a secret that begins with `!`.
    let text = text.split('`').next().unwrap_or(text).trim_end();
    format!("this is not YAML that can be read: {text}")
}

fn tabs(text: &str, at: Spot) -> Option<String> {
    let index = usize::try_from(at.line.checked_sub(1)?).ok()?;
    let near = text.lines().skip(index.saturating_sub(1)).take(2);
    near.into_iter()
        .any(|line| line.starts_with('\t') || line.trim_start_matches(' ').starts_with('\t'))
        .then(|| "YAML is indented with spaces, not with tabs".to_owned())
}

fn duplicates(node: &Node, report: &mut Report) {
    match &node.what {
        What::Map(entries) => {
            for (index, (key, value)) in entries.iter().enumerate() {
                if let Some((first, _)) = entries[..index].iter().find(|(k, _)| k.text == key.text)
                {
                    let message = format!("the key `{}` is given twice", key.text);
                    let hint = format!("first on line {}", first.at.line);
                    report.wrong(key.at, message, hint);
                }
                duplicates(value, report);
            }
        }
        What::List(items) => items.iter().for_each(|item| duplicates(item, report)),
        What::Nothing | What::Flag(_) | What::Number(_) | What::Text(_) => {}
    }
}

impl Node {
    /// The value without its places.
    pub fn json(&self) -> serde_json::Value {
        match &self.what {
            What::Nothing => serde_json::Value::Null,
            What::Flag(flag) => (*flag).into(),
            What::Number(number) => number.clone().into(),
            What::Text(text) => text.as_str().into(),
            What::List(items) => items.iter().map(Self::json).collect(),
            What::Map(entries) => {
                entries.iter().map(|(key, value)| (key.text.clone(), value.json())).collect()
            }
        }
    }

    /// The entry of that name, where this is a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match &self.what {
            What::Map(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, v)| v),
            _ => None,
        }
    }
}

impl From<Location> for Spot {
    fn from(at: Location) -> Self {
        Self { line: at.line(), column: at.column(), width: at.span().len() }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<What>::deserialize(deserializer)?;
        Ok(Self { at: read.referenced.into(), what: read.value })
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Spanned::<String>::deserialize(deserializer)?;
        Ok(Self { at: read.referenced.into(), text: read.value })
    }
}

impl<'de> Deserialize<'de> for What {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = What;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }
    fn visit_unit<E: Error>(self) -> Result<What, E> {
        Ok(What::Nothing)
    }
    fn visit_none<E: Error>(self) -> Result<What, E> {
        Ok(What::Nothing)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<What, D::Error> {
        What::deserialize(deserializer)
    }
    fn visit_bool<E: Error>(self, flag: bool) -> Result<What, E> {
        Ok(What::Flag(flag))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<What, E> {
        Ok(What::Number(number.into()))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<What, E> {
        Ok(What::Number(number.into()))
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<What, E> {
        serde_json::Number::from_f64(number)
            .map(What::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<What, E> {
        Ok(What::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<What, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(What::List(items))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<What, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(What::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, Report) {
        let mut report = Report::new("t.yaml", text);
        (parse(text, &mut report), report)
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let (node, report) = read("a: 1\nb:\n  - {c: x, d: [true, ~]}\n");
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let node = node.expect("YAML");
        let What::Map(entries) = &node.what else { panic!("a map") };
        assert_eq!(
            (entries[1].0.at.line, entries[1].0.at.column, entries[1].0.at.width),
            (2, 1, 1)
        );
        let What::List(items) = &entries[1].1.what else { panic!("a list") };
        assert!(matches!(&items[0].get("d").expect("d").what, What::List(d) if d.len() == 2));
        let c = items[0].get("c").expect("c");
        assert_eq!((c.at.line, c.at.column, c.at.width), (3, 9, 1));
    }

    #[test]
    fn a_key_given_twice_is_told_with_both_places() {
        let (_, report) = read("a: 1\nb: 2\na: 3\nb: 4\n");
        let told: Vec<_> = report.problems.iter().map(|p| p.headline()).collect();
        assert_eq!(
            told,
            ["t.yaml:3:1: the key `a` is given twice", "t.yaml:4:1: the key `b` is given twice"]
        );
    }

    #[test]
    fn a_bomb_is_stopped() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let refs = vec![format!("*a{}", n - 1); 9].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
        }
        let (node, report) = read(&text);
        assert!(node.is_none());
        assert_eq!(report.problems.len(), 1);
    }
}
