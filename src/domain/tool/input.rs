//! Whether an action can be called with what it is given: every name known, every value of its sort, nothing wanted left out.

use super::{Action, Input, Kind, Values};
use serde_json::Value as Json;
use std::fmt;

/// Why an action cannot be called like this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputError {
    /// The input's name.
    pub name: String,
    /// What is wrong with it, and what would be right.
    pub what: String,
}

impl InputError {
    pub(super) fn new(name: &str, what: impl Into<String>) -> Self {
        Self { name: name.to_owned(), what: what.into() }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` {}", self.name, self.what)
    }
}
impl std::error::Error for InputError {}

impl Action {
    /// The inputs of a call: what is given, checked, with the defaults of what is not. Null counts as not given.
    pub fn inputs(&self, given: &Values) -> Result<Values, InputError> {
        if let Some(name) = given.keys().find(|name| !self.inputs.contains_key(*name)) {
            return Err(InputError::new(name, self.unknown(name)));
        }
        let mut inputs = Values::new();
        for (name, input) in &self.inputs {
            let value = given.get(name).filter(|value| !value.is_null());
            let value = value.or(input.default.as_ref());
            match value {
                Some(value) => {
                    input.check(value).map_err(|what| InputError::new(name, what))?;
                    inputs.insert(name.clone(), value.clone());
                }
                None if input.required => return Err(InputError::new(name, "is missing")),
                None => {}
            }
        }
        Ok(inputs)
    }

    fn unknown(&self, name: &str) -> String {
        let near = nearest(name, self.inputs.keys().map(String::as_str));
        let known = || self.inputs.keys().map(|name| format!("`{name}`")).collect::<Vec<_>>();
        match near {
            Some(near) => format!("is no input of `{}`: did you mean `{near}`?", self.name),
            None if self.inputs.is_empty() => format!("is too much: `{}` has no inputs", self.name),
            None => format!("is no input of `{}`: it has {}", self.name, known().join(", ")),
        }
    }
}

/// The right word that someone may have meant: at most a third of its letters differ.
fn nearest<'a>(word: &str, right: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    right
        .map(|right| (strsim::damerau_levenshtein(&word.to_lowercase(), right), right))
        .filter(|(distance, right)| *distance <= (right.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, right)| right)
}

impl Input {
    /// Whether it can have this value; else what would be right.
    pub fn check(&self, value: &Json) -> Result<(), String> {
        if !self.kind.fits(value) {
            return Err(format!("is {}, and {} is wanted", kind_of(value), self.kind.article()));
        }
        let blank = match value {
            Json::String(text) => text.trim().is_empty(),
            Json::Array(items) => items.is_empty(),
            _ => false,
        };
        if self.required && blank {
            return Err("is empty".to_owned());
        }
        let said = match value {
            Json::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        let strange =
            said.iter().find(|word| !self.one_of.iter().any(|one| word.as_str() == Some(one)));
        match strange {
            Some(word) if !self.one_of.is_empty() => {
                let words: Vec<_> = self.one_of.iter().map(|word| format!("`{word}`")).collect();
                Err(format!("is {word}, and can be {}", words.join(", ")))
            }
            _ => Ok(()),
        }
    }
}

impl Kind {
    /// Whether a value is of this sort. Null never is.
    pub fn fits(self, value: &Json) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Map => value.is_object(),
            Self::Any => !value.is_null(),
        }
    }

    /// The value that a word of a command line stands for: `5` is a number where one is wanted, a text where a text is.
    pub fn read(self, text: &str) -> Json {
        let plain = || Json::String(text.to_owned());
        match self {
            Self::String => plain(),
            Self::List if !text.trim_start().starts_with('[') => {
                Json::Array(text.split(',').map(|item| item.trim().into()).collect())
            }
            _ => serde_json::from_str(text).unwrap_or_else(|_| plain()),
        }
    }

    /// What it is, for people: `a whole number`.
    pub fn article(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Integer => "a whole number",
            Self::Number => "a number",
            Self::Boolean => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
            Self::Any => "a value",
        }
    }
}

/// What sort of value it is, for the reader of an error.
pub(super) fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "missing",
        Json::Bool(_) => "true or false",
        Json::Number(_) => "a number",
        Json::String(_) => "a text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a map",
    }
}
