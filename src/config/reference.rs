//! The reference of the config's keys, made from the shapes that the config is checked against, so that it cannot be behind them.

use super::environment::variable;
use super::{FILE, fixed, guard, ladders, people, routes, secret, sources, tls, tools};
use crate::yaml::fields::{Key, Shape};
use std::fmt::Write as _;

/// Each map of the config: where it stands, and its keys as a table in Markdown. In the order of `docs/configuration.md`, whose
/// tables they are.
pub fn reference() -> Vec<(String, String)> {
    let fixed = fixed::SECTIONS.map(|(name, shape)| (name, shape, Some(name)));
    let rest = [
        ("roles.NAME", people::ROLE),
        ("teams.NAME", people::TEAM),
        ("teams.NAME.treated", people::TREATED),
        ("sources.NAME", sources::SOURCE),
        ("sources.NAME.auth", sources::AUTH),
        ("tools.NAME", tools::TOOL),
        ("protected", guard::PROTECTED),
        ("limits", guard::LIMITS),
        ("routes[]", routes::ROUTE),
        ("escalations.NAME", ladders::ESCALATION),
        ("escalations.NAME.ladder[]", ladders::RUNG),
        ("escalations.NAME.repeat", ladders::REPEAT),
    ];
    let rest = rest.map(|(place, shape)| (place, shape, None));
    [("vigie.yaml", FILE, None), ("SECRET", secret::SHAPE, None)]
        .into_iter()
        .chain(fixed)
        .chain([("http.tls", tls::SHAPE, Some("http.tls"))])
        .chain(rest)
        .map(|(place, shape, section)| (place.to_owned(), table(&shape, section)))
        .collect()
}

/// `section` is the fixed section whose keys have names in the environment.
fn table(shape: &Shape, section: Option<&str>) -> String {
    let mut text = section.map_or_else(|| shape.table(), |section| fixed_table(shape, section));
    if !shape.later.is_empty() {
        let later: Vec<String> = shape.later.iter().map(|key| format!("`{key}`")).collect();
        let _ = writeln!(text, "\nNot yet, and ignored with a warning: {}.", later.join(", "));
    }
    text
}

fn fixed_table(shape: &Shape, section: &str) -> String {
    let mut text =
        "| key | takes | default | environment | |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for key in shape.keys {
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            key.name,
            key.takes,
            literal(key.default),
            environment(section, key),
            key.says
        );
    }
    text
}

fn literal(default: &str) -> String {
    if default.is_empty() { String::new() } else { format!("`{default}`") }
}

fn environment(section: &str, key: &Key) -> String {
    let full = format!("{section}.{}", key.name);
    match full.as_str() {
        "slack.bot_token" => "`SLACK_BOT_TOKEN`".to_owned(),
        "slack.app_token" => "`SLACK_APP_TOKEN`".to_owned(),
        "slack.api_url" => format!("`SLACK_API_URL`, `{}`", variable(&full)),
        "http.tls" => String::new(),
        _ => format!("`{}`", variable(&full)),
    }
}
