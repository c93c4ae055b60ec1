//! One action that speaks of another: what undoes it, how it is verified, and whose name an id stands for.

use super::{Identify, Use, Values, Verify};
use crate::domain::playbook::expr::{self, ExprError};
use crate::domain::playbook::text::NoValue;
use minijinja::Value;
use serde_json::Value as Json;

impl Use {
    /// The other action's inputs, from those of the first and from what it gave.
    pub fn inputs(&self, given: &Values, out: &Values) -> Result<Values, NoValue> {
        let scope = scope(given, out);
        self.with.iter().map(|(name, value)| Ok((name.clone(), value.value(&scope)?))).collect()
    }
}

impl Identify {
    /// The names of what an id stands for, from what the look gave. None at all is no answer: who asks must not go on.
    pub fn names(&self, given: &Values, out: &Values) -> Result<Vec<String>, ExprError> {
        let value = self.names.value(&scope(given, out))?;
        let items = match value.as_str() {
            Some(name) => vec![name.to_owned()],
            None => match value.try_iter() {
                Ok(items) => items.filter_map(|item| item.as_str().map(str::to_owned)).collect(),
                Err(_) => Vec::new(),
            },
        };
        Ok(items.into_iter().filter(|name| !name.trim().is_empty()).collect())
    }
}

impl Verify {
    /// Whether it happened, from what the look gave.
    pub fn happened(&self, given: &Values, out: &Values) -> Result<bool, ExprError> {
        self.happened.holds(&scope(given, out))
    }
}

fn scope(given: &Values, out: &Values) -> Value {
    Value::from_pairs([("in", value(given)), ("out", value(out))])
}

/// Values as one that expressions can read.
pub(super) fn value(values: &Values) -> Value {
    Value::from_pairs(values.iter().map(|(name, value)| (name.as_str(), expr::json(value))))
}

/// A value of an expression as JSON; `None` where it is missing or null.
pub fn plain(value: &Value) -> Option<Json> {
    if value.is_undefined() || value.is_none() {
        return None;
    }
    serde_json::to_value(value).ok().filter(|value| !value.is_null())
}
