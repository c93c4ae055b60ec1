//! The environment's names: Slack's own, and ours for every fixed key.

use super::Outside;
use super::fixed::defaults;
use crate::yaml::problem::{Place, Problem, nearest};

pub(super) const SLACK_API_URL: &str = "SLACK_API_URL";
pub(super) const SLACK_BOT_TOKEN: &str = "SLACK_BOT_TOKEN";
pub(super) const SLACK_APP_TOKEN: &str = "SLACK_APP_TOKEN";

/// The environment's name of a fixed key: `http.listen` is `VIGIE__HTTP__LISTEN`.
pub(super) fn variable(key: &str) -> String {
    format!("VIGIE__{}", key.replace('.', "__").to_uppercase())
}

/// Variables that begin like ours but name no key, each with the right name: mistyped, they would do nothing.
pub fn unknown_variables(names: impl IntoIterator<Item = String>) -> Vec<Problem> {
    let right: Vec<_> = defaults().map(|(key, _)| variable(&key)).collect();
    let strange = |name: &String| name.starts_with("VIGIE__") && !right.contains(name);
    let told = |name: String| {
        let hint = match name.as_str() {
            "VIGIE__SLACK__BOT_TOKEN" => Some(SLACK_BOT_TOKEN),
            "VIGIE__SLACK__APP_TOKEN" => Some(SLACK_APP_TOKEN),
            other => nearest(other, right.iter().map(String::as_str)),
        };
        let hint = hint.map(|right| format!("did you mean {right}?"));
        let message = "the environment variable names no setting: it does nothing".to_owned();
        Problem { place: Place::Variable(name), message, hint }
    };
    names.into_iter().filter(strange).map(told).collect()
}

/// A variable's value; an empty one counts as unset, as a line `SLACK_API_URL=` of a file of variables means it.
pub(super) fn given(name: &str, outside: &Outside<'_>) -> Option<String> {
    (outside.env)(name).filter(|value| !value.trim().is_empty())
}

/// The variables that go before the file, with their values, in a fixed order.
pub(super) fn overrides(outside: &Outside<'_>) -> Vec<(String, String)> {
    let names = defaults().map(|(key, _)| variable(&key));
    let names = names.chain([SLACK_API_URL.to_owned()]);
    names.filter_map(|name| given(&name, outside).map(|value| (name, value))).collect()
}
