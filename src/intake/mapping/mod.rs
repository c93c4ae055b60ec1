//! How a product's webhook becomes alerts: a mapping is data (`sources/*.yaml`), and this reads a body through it.

mod check;
mod field;
mod file;
mod library;
mod reading;
#[cfg(test)]
mod tests;
mod time;

pub use check::Mistake;
pub use library::Mappings;

use crate::domain::alert::{Normalised, Severity, Status};
use crate::domain::playbook::expr::Expr;
use field::{Lookup, Strictness};
use std::collections::BTreeMap;
use std::fmt;
use time::Time;

/// A webhook's request, as far as a mapping looks at it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The source's name, which goes into the default dedup key.
    pub source: &'a str,
    /// By lower-case name; never those that carry credentials.
    pub headers: &'a BTreeMap<String, String>,
    pub body: &'a [u8],
}

/// What a body says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The delivery's own name, where the source gives one.
    pub delivery: Option<String>,
    pub alerts: Vec<Mapped>,
}

/// One alert, with the part of the body that it was read from, as JSON text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapped {
    pub alert: Normalised,
    pub raw: String,
}

/// Why a body is not an alert of its source. The whole body is refused: the sender is told at once, and nothing is half taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// `severity`, `[2].severity`, `alerts[0].labels`; `body` for the whole.
    pub field: String,
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.why)
    }
}
impl std::error::Error for Unreadable {}

/// Why a value cannot be read, before it is known which field of which item it is.
#[derive(Debug)]
struct Trouble(String);

/// A checked mapping.
#[derive(Clone, Debug)]
pub struct Mapping {
    name: String,
    product: String,
    text_plain: bool,
    strictness: Strictness,
    delivery: Vec<Expr>,
    lets: Vec<(String, Expr)>,
    accept: Vec<Accept>,
    each: Vec<Level>,
    base: Fields,
    variants: Vec<Variant>,
}

#[derive(Clone, Debug)]
struct Accept {
    when: Expr,
    field: String,
    why: String,
}

/// One level of fan-out; `path` is how an error calls the list (`alerts`), empty for the body itself.
#[derive(Clone, Debug)]
struct Level {
    list: Expr,
    path: String,
}

#[derive(Clone, Debug)]
struct Variant {
    when: Expr,
    ignore: bool,
    /// The base's fields under the variant's own.
    fields: Fields,
}

#[derive(Clone, Debug, Default)]
struct Fields {
    lets: Vec<(String, Expr)>,
    accept: Vec<Accept>,
    id: Option<Vec<Expr>>,
    title: Option<Vec<Expr>>,
    description: Option<Vec<Expr>>,
    rule: Option<Vec<Expr>>,
    severity: Option<Lookup<Severity>>,
    status: Option<Lookup<Status>>,
    resolved: Option<Expr>,
    dedup_key: Option<Vec<Expr>>,
    url: Option<Vec<Expr>>,
    /// In the order of `Entities::kinds`.
    entities: [Option<Vec<Expr>>; 9],
    tactic: Option<Vec<Expr>>,
    technique: Option<Vec<Expr>>,
    occurred_at: Option<Vec<Time>>,
}

impl Fields {
    /// These fields, and the base's where these say nothing. `lets` stay their own: the base's are in scope already.
    fn over(self, base: &Self) -> Self {
        let closes = self.status.is_some() || self.resolved.is_some();
        let base = base.clone();
        let mut entities = base.entities;
        for (under, over) in entities.iter_mut().zip(self.entities) {
            if over.is_some() {
                *under = over;
            }
        }
        Self {
            lets: self.lets,
            accept: base.accept.into_iter().chain(self.accept).collect(),
            id: self.id.or(base.id),
            title: self.title.or(base.title),
            description: self.description.or(base.description),
            rule: self.rule.or(base.rule),
            severity: self.severity.or(base.severity),
            status: self.status.or(base.status.filter(|_| !closes)),
            resolved: self.resolved.or(base.resolved.filter(|_| !closes)),
            dedup_key: self.dedup_key.or(base.dedup_key),
            url: self.url.or(base.url),
            entities,
            tactic: self.tactic.or(base.tactic),
            technique: self.technique.or(base.technique),
            occurred_at: self.occurred_at.or(base.occurred_at),
        }
    }
}

impl Mapping {
    /// Its name: the file's, without `.yaml`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the product sends its JSON as `text/plain`.
    pub fn is_text_plain(&self) -> bool {
        self.text_plain
    }

    /// The product's name, for people.
    pub fn product(&self) -> &str {
        &self.product
    }
}
