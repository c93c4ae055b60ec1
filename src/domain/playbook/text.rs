//! A value with `{{ … }}` in its strings. A string that is one `{{ … }}` keeps its type.
//!
//! Only what we or a team wrote is compiled. What comes out of it is data, and is never compiled again.

mod cut;

use super::expr::{Expr, ExprError, without_nulls};
use minijinja::Value;
use minijinja::value::ValueKind;
use serde_json::Value as Json;
use std::fmt;

/// A compiled value: strings, lists and maps of them, and what is no text as it is.
#[derive(Clone, Debug)]
pub enum Template {
    Plain(Json),
    /// One `{{ … }}` and nothing else.
    Whole(Expr),
    /// Text with parts to be filled in.
    Mixed(Vec<Part>),
    List(Vec<Template>),
    Map(Vec<(String, Template)>),
}

/// A piece of a text.
#[derive(Clone, Debug)]
pub enum Part {
    Text(String),
    Expr(Expr),
}

/// Why a template has no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoValue {
    /// A name in it is not defined, or is null: the expression as written.
    Undefined(String),
    Broken(ExprError),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadText {
    /// The part that is wrong, as written.
    pub part: String,
    pub why: String,
}

impl fmt::Display for BadText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.part, self.why)
    }
}
impl std::error::Error for BadText {}

impl Template {
    /// Compiles a value as a file has it.
    pub fn compile(written: &Json) -> Result<Self, BadText> {
        match written {
            Json::String(text) => Self::text(text),
            Json::Array(items) => {
                Ok(Self::List(items.iter().map(Self::compile).collect::<Result<_, _>>()?))
            }
            Json::Object(entries) => {
                let entry =
                    |(key, value): (&String, &Json)| Ok((key.clone(), Self::compile(value)?));
                Ok(Self::Map(entries.iter().map(entry).collect::<Result<_, _>>()?))
            }
            plain => Ok(Self::Plain(plain.clone())),
        }
    }

    /// Compiles a text.
    pub fn text(text: &str) -> Result<Self, BadText> {
        let mut parts = cut::parts(text)?;
        let blank = |part: &Part| matches!(part, Part::Text(text) if text.trim().is_empty());
        let said = parts.iter().filter(|part| !blank(part)).count();
        match parts.iter().position(|part| matches!(part, Part::Expr(_))) {
            None => Ok(Self::Plain(Json::String(text.to_owned()))),
            Some(at) if said == 1 => match parts.swap_remove(at) {
                Part::Expr(expr) => Ok(Self::Whole(expr)),
                part @ Part::Text(_) => Ok(Self::Mixed(vec![part])),
            },
            Some(_) => Ok(Self::Mixed(parts)),
        }
    }

    /// The value for this scope; anything undefined or null in it is told, never an empty text.
    pub fn value(&self, scope: &Value) -> Result<Json, NoValue> {
        self.strict(&without_nulls(scope))
    }

    fn strict(&self, scope: &Value) -> Result<Json, NoValue> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            Self::Whole(expr) => json(&all_of(expr, scope)?),
            Self::Mixed(parts) => {
                let filled = parts.iter().map(|part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Expr(expr) => all_of(expr, scope).map(|value| value.to_string()),
                });
                Ok(Json::String(filled.collect::<Result<_, _>>()?))
            }
            Self::List(items) => items.iter().map(|item| item.strict(scope)).collect(),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| Ok((key.clone(), value.strict(scope)?));
                Ok(Json::Object(entries.iter().map(entry).collect::<Result<_, _>>()?))
            }
        }
    }

    /// The value where what is missing may be: `None` for all of it, an empty text in a text, and left out of a list or a map.
    pub fn value_or_missing(&self, scope: &Value) -> Result<Option<Json>, NoValue> {
        match self {
            Self::Plain(value) => Ok((!value.is_null()).then(|| value.clone())),
            Self::Whole(expr) => {
                let value = expr.value(scope).map_err(NoValue::Broken)?;
                if value.is_undefined() || value.is_none() {
                    return Ok(None);
                }
                json(&value).map(Some)
            }
            Self::Mixed(_) => self.said(scope).map(|text| Some(Json::String(text))),
            Self::List(items) => {
                let items =
                    items.iter().filter_map(|item| item.value_or_missing(scope).transpose());
                items.collect::<Result<_, _>>().map(Json::Array).map(Some)
            }
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| {
                    let value = value.value_or_missing(scope).transpose()?;
                    Some(value.map(|value| (key.clone(), value)))
                };
                let entries = entries.iter().filter_map(entry).collect::<Result<_, _>>();
                entries.map(Json::Object).map(Some)
            }
        }
    }

    /// What people read: what is missing is left empty, and a list is written with commas.
    pub fn said(&self, scope: &Value) -> Result<String, NoValue> {
        let one =
            |expr: &Expr| expr.value(scope).map(|value| read_out(&value)).map_err(NoValue::Broken);
        match self {
            Self::Plain(Json::String(text)) => Ok(text.clone()),
            Self::Whole(expr) => one(expr),
            Self::Mixed(parts) => {
                let filled = parts.iter().map(|part| match part {
                    Part::Text(text) => Ok(text.clone()),
                    Part::Expr(expr) => one(expr),
                });
                filled.collect()
            }
            Self::Plain(_) | Self::List(_) | Self::Map(_) => {
                Ok(self.value_or_missing(scope)?.map(|value| value.to_string()).unwrap_or_default())
            }
        }
    }

    /// Each expression in it.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Whole(expr) => vec![expr],
            Self::Mixed(parts) => {
                let expr = |part| match part {
                    &Part::Text(_) => None,
                    Part::Expr(expr) => Some(expr),
                };
                parts.iter().filter_map(expr).collect()
            }
            Self::List(items) => items.iter().flat_map(Self::exprs).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.exprs()).collect(),
        }
    }

    /// The names it reads, with their path: `steps.find.id`. Sorted, each once.
    pub fn names(&self) -> Vec<String> {
        let exprs = self.exprs().into_iter();
        let mut names: Vec<String> = exprs.flat_map(Expr::names).cloned().collect();
        names.sort();
        names.dedup();
        names
    }
}

fn all_of(expr: &Expr, scope: &Value) -> Result<Value, NoValue> {
    let value = expr.value_of_all(scope).map_err(NoValue::Broken)?;
    value.ok_or_else(|| NoValue::Undefined(expr.text().to_owned()))
}

fn json(value: &Value) -> Result<Json, NoValue> {
    serde_json::to_value(value).map_err(|why| NoValue::Broken(ExprError(why.to_string())))
}

fn read_out(value: &Value) -> String {
    match value.kind() {
        ValueKind::None | ValueKind::Undefined => String::new(),
        ValueKind::Seq => {
            let items = value.try_iter().into_iter().flatten();
            items.map(|item| read_out(&item)).collect::<Vec<_>>().join(", ")
        }
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests;
