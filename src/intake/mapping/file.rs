//! The shape of a file `sources/*.yaml`, as people write it. `check` makes a `Mapping` of it.

use crate::domain::alert::{Severity, Status};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

/// One file.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The product's name, for people.
    pub product: String,
    /// The vendor's page that the field names come from.
    #[serde(rename = "docs")]
    pub _docs: Option<String>,
    /// The product sends its JSON as `text/plain`; elsewhere that is refused.
    #[serde(default)]
    pub text_plain: bool,
    /// Refuse values of the wrong type and words that are not ours, rather than leave them out.
    #[serde(default)]
    pub strict: bool,
    /// The delivery's own name, for answering a repeat the same.
    pub delivery: Option<Texts>,
    /// Values with a name, over the whole body; a later one sees the earlier ones.
    #[serde(default, rename = "let")]
    pub lets: Lets,
    /// What makes a body one of this source.
    #[serde(default)]
    pub accept: Vec<Accept>,
    /// The list with the alerts; one expression a level.
    pub each: Option<Texts>,
    #[serde(default)]
    pub alert: Fields,
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// A condition that must hold, with the field to name where it does not, and why that is asked for.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    pub when: String,
    pub field: String,
    pub why: String,
}

/// Fields that replace those of `alert` where `when` holds. The first that holds counts.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    pub name: String,
    pub when: String,
    /// It belongs to the source and is no alert (a ping): accepted, and nothing is made of it.
    #[serde(default)]
    pub ignore: bool,
    #[serde(default)]
    pub alert: Fields,
}

/// What the fields of a normalised alert are read from.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    #[serde(rename = "let")]
    pub lets: Lets,
    pub accept: Vec<Accept>,
    pub id: Option<Texts>,
    pub title: Option<Texts>,
    pub description: Option<Texts>,
    pub rule: Option<Texts>,
    pub severity: Option<Lookup<Severity>>,
    pub status: Option<Lookup<Status>>,
    pub resolved: Option<String>,
    pub dedup_key: Option<Texts>,
    pub url: Option<Texts>,
    pub hosts: Option<Texts>,
    pub users: Option<Texts>,
    pub ips: Option<Texts>,
    pub domains: Option<Texts>,
    pub urls: Option<Texts>,
    pub hashes: Option<Texts>,
    pub emails: Option<Texts>,
    pub resources: Option<Texts>,
    pub repositories: Option<Texts>,
    pub tactic: Option<Texts>,
    pub technique: Option<Texts>,
    pub occurred_at: Option<Times>,
}

/// One expression or a list of them.
#[derive(Clone, Debug, Default)]
pub struct Texts(pub Vec<String>);

/// Named expressions in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub struct Lets(pub Vec<(String, String)>);

/// A word of ours, looked up: a bare expression is `{from: …}`.
#[derive(Clone, Debug)]
pub struct Lookup<T> {
    pub from: Texts,
    /// The source's words (any case) and ours.
    pub table: BTreeMap<String, T>,
    /// The lowest number and the word from there on; the first that fits counts.
    pub at_least: Vec<(f64, T)>,
    pub default: Option<T>,
}

/// Times: one or a list, of which the first that can be read counts.
#[derive(Clone, Debug, Default)]
pub struct Times(pub Vec<Time>);

/// A time and how it is written: a bare expression is RFC 3339.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    pub from: String,
    #[serde(default = "rfc3339")]
    pub format: String,
    /// For formats without an offset; default UTC.
    pub zone: Option<String>,
}

fn rfc3339() -> String {
    "rfc3339".to_owned()
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LookupTable<T> {
    from: Texts,
    #[serde(default = "BTreeMap::new")]
    table: BTreeMap<String, T>,
    #[serde(default = "Vec::new")]
    at_least: Vec<(f64, T)>,
    default: Option<T>,
}

impl<T> Lookup<T> {
    fn bare(from: Texts) -> Self {
        Self { from, table: BTreeMap::new(), at_least: Vec::new(), default: None }
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrMany::<String>::default()).map(Self)
    }
}

impl<'de> Deserialize<'de> for Times {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rules = deserializer.deserialize_any(OneOrMany::<BareOrFull>::default())?;
        Ok(Self(rules.into_iter().map(|rule| rule.0).collect()))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lookup<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Shape<T> {
            type Value = Lookup<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or {from, table, at_least, default}")
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Lookup::bare(Texts(vec![text.to_owned()])))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let full = LookupTable::deserialize(MapAccessDeserializer::new(map))?;
                let LookupTable { from, table, at_least, default } = full;
                Ok(Lookup { from, table, at_least, default })
            }
        }
        deserializer.deserialize_any(Shape(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Lets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Lets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("names with an expression each")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lets, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Lets(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

/// A value that a bare text may stand for.
trait Bare {
    fn bare(text: &str) -> Self;
}

impl Bare for String {
    fn bare(text: &str) -> Self {
        text.to_owned()
    }
}

/// What stands in a list of times.
struct BareOrFull(Time);

impl Bare for BareOrFull {
    fn bare(text: &str) -> Self {
        Self(Time { from: text.to_owned(), format: rfc3339(), zone: None })
    }
}

impl<'de> Deserialize<'de> for BareOrFull {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = BareOrFull;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an expression, or {from, format, zone}")
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(BareOrFull::bare(text))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Time::deserialize(MapAccessDeserializer::new(map)).map(BareOrFull)
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

struct OneOrMany<T>(PhantomData<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: Deserialize<'de> + Bare> Visitor<'de> for OneOrMany<T> {
    type Value = Vec<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an expression or a list of expressions")
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(vec![T::bare(text)])
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(all)
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
    }
}
