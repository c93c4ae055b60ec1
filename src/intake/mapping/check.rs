//! From a file as written to a mapping that can be trusted: every expression compiles and reads only names that exist.

use super::field::{self, Strictness};
use super::file::{self, File};
use super::time::{Format, Time};
use super::{Accept, Fields, Level, Mapping, Variant};
use crate::domain::playbook::expr::{Expr, FUNCTIONS};
use std::fmt;

/// A mistake in a mapping file, with its place: `sources/okta.yaml:12:5: …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// Line and column, from 1.
    pub place: Option<(u64, u64)>,
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}
impl std::error::Error for Mistake {}

/// Reads and checks one file. `file` is its path, for messages; `name` the mapping's own.
pub fn mapping(name: &str, file: &str, text: &str) -> Result<Mapping, Mistake> {
    let options = serde_saphyr::options! { with_snippet: false };
    let shape: File = serde_saphyr::from_str_with_options(text, options)
        .map_err(|error| unreadable(file, &error))?;
    let mut checker = Checker { file, text, known: vec!["body".into(), "headers".into()] };
    checker.mapping(name, shape)
}

fn unreadable(file: &str, error: &serde_saphyr::Error) -> Mistake {
    let error = error.without_snippet();
    let place = error.location().map(|at| (at.line(), at.column()));
    let what = match error {
        serde_saphyr::Error::SerdeUnknownField { field, expected, .. } => {
            format!("unknown key {field:?}{}", perhaps(field, expected.iter().copied()))
        }
        other => {
            // saphyr ends its message with the place, which stands in front here.
            let message = other.to_string();
            match message.rfind(" at line ") {
                Some(end) if place.is_some() => message[..end].to_owned(),
                _ => message,
            }
        }
    };
    Mistake { file: file.to_owned(), place, what }
}

/// `: did you mean "title"?`, or every word where none is near.
fn perhaps<'a>(said: &str, words: impl Iterator<Item = &'a str> + Clone) -> String {
    match crate::intake::nearest(said, words.clone()) {
        Some(near) => format!(": did you mean {near:?}?"),
        None => format!("; known here: {}", words.collect::<Vec<_>>().join(", ")),
    }
}

struct Checker<'a> {
    file: &'a str,
    text: &'a str,
    /// The names that an expression may read at this point of the file.
    known: Vec<String>,
}

impl Checker<'_> {
    fn mapping(&mut self, name: &str, shape: File) -> Result<Mapping, Mistake> {
        let strictness = if shape.strict { Strictness::Strict } else { Strictness::Lenient };
        let delivery = self.texts("delivery", shape.delivery.unwrap_or_default())?;
        let lets = self.lets(shape.lets)?;
        let accept = self.accept(shape.accept)?;
        self.known.extend(["item".into(), "parent".into()]);
        let each = self.levels(shape.each.unwrap_or_default())?;
        let base_known = self.known.len();
        let base = self.fields("alert", shape.alert)?;
        let mut variants = Vec::new();
        for variant in shape.variants {
            let alert_known = self.known.len();
            variants.push(self.variant(variant, &base)?);
            self.known.truncate(alert_known);
        }
        self.known.truncate(base_known);
        let titled = |fields: &Fields| fields.title.is_some();
        if !titled(&base) && !variants.iter().any(|v: &Variant| titled(&v.fields)) {
            return Err(self.mistake("alert", "an alert needs a title: add `alert: {title: …}`"));
        }
        Ok(Mapping {
            name: name.to_owned(),
            product: shape.product,
            text_plain: shape.text_plain,
            strictness,
            delivery,
            lets,
            accept,
            each,
            base,
            variants,
        })
    }

    fn levels(&self, each: file::Texts) -> Result<Vec<Level>, Mistake> {
        each.0
            .into_iter()
            .map(|text| {
                let list = self.expr("each", &text)?;
                let is_path = text.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
                let path = text.split_once('.').map(|(_, rest)| rest);
                let path = path.filter(|_| is_path).unwrap_or_default().to_owned();
                Ok(Level { list, path })
            })
            .collect()
    }

    fn variant(&mut self, shape: file::Variant, base: &Fields) -> Result<Variant, Mistake> {
        let when = self.expr(&format!("variants.{}.when", shape.name), &shape.when)?;
        let own = self.fields(&format!("variants.{}.alert", shape.name), shape.alert)?;
        Ok(Variant { when, ignore: shape.ignore, fields: own.over(base) })
    }

    fn fields(&mut self, at: &str, shape: file::Fields) -> Result<Fields, Mistake> {
        let lets = self.lets(shape.lets)?;
        let texts = |name: &str, texts: Option<file::Texts>| {
            texts.map(|texts| self.texts(&format!("{at}.{name}"), texts)).transpose()
        };
        if shape.status.is_some() && shape.resolved.is_some() {
            return Err(self.mistake("resolved", "give `status` or `resolved`, not both"));
        }
        let resolved = |text: String| self.expr(&format!("{at}.resolved"), &text);
        Ok(Fields {
            accept: self.accept(shape.accept)?,
            id: texts("id", shape.id)?,
            title: texts("title", shape.title)?,
            description: texts("description", shape.description)?,
            rule: texts("rule", shape.rule)?,
            severity: self.lookup(&format!("{at}.severity"), shape.severity)?,
            status: self.lookup(&format!("{at}.status"), shape.status)?,
            resolved: shape.resolved.map(resolved).transpose()?,
            dedup_key: texts("dedup_key", shape.dedup_key)?,
            url: texts("url", shape.url)?,
            entities: [
                texts("hosts", shape.hosts)?,
                texts("users", shape.users)?,
                texts("ips", shape.ips)?,
                texts("domains", shape.domains)?,
                texts("urls", shape.urls)?,
                texts("hashes", shape.hashes)?,
                texts("emails", shape.emails)?,
                texts("resources", shape.resources)?,
                texts("repositories", shape.repositories)?,
            ],
            tactic: texts("tactic", shape.tactic)?,
            technique: texts("technique", shape.technique)?,
            occurred_at: shape.occurred_at.map(|times| self.times(at, times)).transpose()?,
            lets,
        })
    }

    fn times(&self, at: &str, times: file::Times) -> Result<Vec<Time>, Mistake> {
        times
            .0
            .into_iter()
            .map(|shape| {
                let format = Format::parse(&shape.format, shape.zone.as_deref())
                    .map_err(|what| self.mistake(&shape.format, &what))?;
                let from = self.expr(&format!("{at}.occurred_at"), &shape.from)?;
                Ok(Time { from, format })
            })
            .collect()
    }

    fn lookup<T: field::Word>(
        &self,
        at: &str,
        shape: Option<file::Lookup<T>>,
    ) -> Result<Option<field::Lookup<T>>, Mistake> {
        let Some(file::Lookup { from, table, at_least, default }) = shape else { return Ok(None) };
        let from = self.texts(at, from)?;
        let table = table.into_iter().map(|(key, word)| (key.to_lowercase(), word)).collect();
        Ok(Some(field::Lookup { from, table, at_least, default }))
    }

    fn accept(&self, checks: Vec<file::Accept>) -> Result<Vec<Accept>, Mistake> {
        checks
            .into_iter()
            .map(|shape| {
                let when = self.expr("accept.when", &shape.when)?;
                Ok(Accept { when, field: shape.field, why: shape.why })
            })
            .collect()
    }

    fn lets(&mut self, lets: file::Lets) -> Result<Vec<(String, Expr)>, Mistake> {
        let mut checked = Vec::new();
        for (name, text) in lets.0 {
            let expr = self.expr(&format!("let.{name}"), &text)?;
            self.known.push(name.clone());
            checked.push((name, expr));
        }
        Ok(checked)
    }

    fn texts(&self, at: &str, texts: file::Texts) -> Result<Vec<Expr>, Mistake> {
        texts.0.iter().map(|text| self.expr(at, text)).collect()
    }

    fn expr(&self, at: &str, text: &str) -> Result<Expr, Mistake> {
        let expr = Expr::compile(text)
            .map_err(|error| self.mistake(text, &format!("{at}: {error} in `{text}`")))?;
        for name in expr.names() {
            let root = name.split('.').next().unwrap_or_default();
            let known = self.known.iter().map(String::as_str);
            if !known.clone().chain(FUNCTIONS).any(|known| known == root) {
                let what = format!(
                    "{at}: unknown name `{root}` in `{text}`{} (a fixed text has quotes of its own: \"'{root}'\")",
                    perhaps(root, known)
                );
                return Err(self.mistake(text, &what));
            }
        }
        Ok(expr)
    }

    /// The place of a mistake is where the text at fault stands in the file: expressions stand there as they are.
    fn mistake(&self, at: &str, what: &str) -> Mistake {
        let place = self.text.find(at.trim()).map(|offset| {
            let before = &self.text[..offset];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            (line as u64, column as u64)
        });
        Mistake { file: self.file.to_owned(), place, what: what.to_owned() }
    }
}
