//! Block Kit's rules for messages and views, refused in Slack's words.
//!
//! What may stand where, and how long, is data in `shapes`; here is the walk over it. The wording of the problems is
//! Slack's where it is known from its answers; for duplicates and too few items it is ours.
mod shapes;

use std::collections::HashSet;

use serde_json::{Map, Value};

use shapes::{Field, Rule};

/// A message's blocks hold about so many characters in all; undocumented, seen in practice.
const MESSAGE_TEXT: usize = 13_200;
const MESSAGE_BLOCKS: usize = 50;
const VIEW_BLOCKS: usize = 100;

/// Problems of a message's `blocks` and `attachments`, in Slack's words; empty: it is valid.
pub fn check_message(message: &Value) -> Vec<String> {
    let mut check = Check::default();
    if let Some(blocks) = message.get("blocks").filter(|blocks| !blocks.is_null()) {
        check.blocks(blocks, "/blocks", (shapes::MESSAGE, MESSAGE_BLOCKS));
    }
    for (at, attachment) in message["attachments"].as_array().into_iter().flatten().enumerate() {
        if let Some(blocks) = attachment.get("blocks") {
            check.blocks(
                blocks,
                &format!("/attachments/{at}/blocks"),
                (shapes::MESSAGE, MESSAGE_BLOCKS),
            );
        }
    }
    check.problems
}

/// Problems of a modal or a home.
pub fn check_view(view: &Value) -> Vec<String> {
    let mut check = Check::default();
    let shape = match view["type"].as_str() {
        Some("modal") => shapes::MODAL,
        Some("home") => shapes::HOME,
        _ => {
            check.problem("must be a valid enum value", "/view/type");
            return check.problems;
        }
    };
    check.object(view, shape, "/view");
    if let Some(blocks) = view.get("blocks") {
        check.blocks(blocks, "/view/blocks", (shapes::VIEW, VIEW_BLOCKS));
    }
    let asks =
        view["blocks"].as_array().into_iter().flatten().any(|block| block["type"] == "input");
    if asks && view["type"] == "modal" && view.get("submit").is_none_or(Value::is_null) {
        check.problem("missing required field: submit", "/view");
    }
    check.problems
}

/// Whether a message's blocks hold more characters in all than Slack takes.
pub fn too_long(message: &Value) -> bool {
    text_length(message) > MESSAGE_TEXT
}

fn text_length(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(text_length).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| field_length(key, value)).sum(),
        _ => 0,
    }
}

fn field_length(key: &str, value: &Value) -> usize {
    match value {
        Value::String(text) if key == "text" => text.chars().count(),
        other => text_length(other),
    }
}

/// One walk: what was found wrong, and which ids were seen.
#[derive(Default)]
struct Check {
    problems: Vec<String>,
    block_ids: HashSet<String>,
    action_ids: HashSet<String>,
}

impl Check {
    fn problem(&mut self, what: &str, at: &str) {
        self.problems.push(format!("[ERROR] {what} [json-pointer:{at}]"));
    }

    fn blocks(&mut self, blocks: &Value, at: &str, (allowed, most): (&[&str], usize)) {
        let Some(items) = blocks.as_array() else { return self.problem("must be an array", at) };
        if items.len() > most {
            self.problem(&format!("no more than {most} items allowed"), at);
        }
        for (index, block) in items.iter().enumerate() {
            let at = format!("{at}/{index}");
            self.typed(block, allowed, &at);
            self.once(block, "block_id", &at);
        }
        if items.iter().filter(|block| block["type"] == "table").count() > 1 {
            self.problem("only_one_table_allowed", at);
        }
    }

    /// An object whose `type` names its shape and is among those allowed here.
    fn typed(&mut self, item: &Value, allowed: &[&str], at: &str) {
        if !item.is_object() {
            return self.problem("must provide an object", at);
        }
        let Some(kind) = item["type"].as_str() else {
            return self.problem("missing required field: type", at);
        };
        match shapes::of(kind).filter(|_| allowed.contains(&kind)) {
            Some(shape) => self.object(item, shape, at),
            None => {
                return self.problem(&format!("unsupported type: {kind}"), &format!("{at}/type"));
            }
        }
        self.one_of(item, kind, at);
        if kind != "plain_text" && kind != "mrkdwn" {
            self.once(item, "action_id", at);
        }
    }

    /// Rules that join several fields.
    fn one_of(&mut self, item: &Value, kind: &str, at: &str) {
        let wanted: &[&str] = match kind {
            "section" => &["text", "fields"],
            "static_select" | "multi_static_select" => &["options", "option_groups"],
            "image" => &["image_url", "slack_file"],
            _ => return,
        };
        if wanted.iter().all(|field| item.get(field).is_none_or(Value::is_null)) {
            self.problem(&format!("missing required field: {}", wanted.join(" or ")), at);
        }
    }

    fn once(&mut self, item: &Value, key: &str, at: &str) {
        let Some(id) = item[key].as_str() else { return };
        let seen = if key == "block_id" { &mut self.block_ids } else { &mut self.action_ids };
        if !seen.insert(id.to_string()) {
            self.problem(&format!("duplicate {key}: {id}"), &format!("{at}/{key}"));
        }
    }

    fn object(&mut self, object: &Value, shape: &[Field], at: &str) {
        let Some(fields) = object.as_object() else {
            return self.problem("must provide an object", at);
        };
        self.unknown(fields, shape, at);
        for (name, required, rule) in shape {
            match fields.get(*name) {
                Some(value) => self.rule(value, rule, &format!("{at}/{name}")),
                None if *required => self.problem(&format!("missing required field: {name}"), at),
                None => {}
            }
        }
    }

    fn unknown(&mut self, fields: &Map<String, Value>, shape: &[Field], at: &str) {
        let own = |key: &str| key == "type" || shape.iter().any(|(name, ..)| *name == key);
        for key in fields.keys().filter(|key| !own(key)) {
            self.problem(&format!("invalid additional property: {key}"), at);
        }
    }

    fn rule(&mut self, value: &Value, rule: &Rule, at: &str) {
        match rule {
            Rule::Any => {}
            Rule::Bool if value.is_boolean() => {}
            Rule::Bool => self.problem("must be a boolean", at),
            Rule::Number if value.is_number() => {}
            Rule::Number => self.problem("must be a number", at),
            Rule::Str(min, max) => self.string(value, (*min, *max), at),
            Rule::Url => self.url(value, at),
            Rule::OneOf(words) if value.as_str().is_some_and(|word| words.contains(&word)) => {}
            Rule::OneOf(_) => self.problem("must be a valid enum value", at),
            Rule::Plain(max) => self.text(value, (&["plain_text"], *max), at),
            Rule::Text(max) => self.text(value, (&["plain_text", "mrkdwn"], *max), at),
            Rule::Object(shape) => self.object(value, shape, at),
            Rule::Typed(allowed) => self.typed(value, allowed, at),
            Rule::List(inner, min, max) => self.list(value, inner, (*min, *max), at),
        }
    }

    fn string(&mut self, value: &Value, (min, max): (usize, usize), at: &str) {
        let Some(text) = value.as_str() else { return self.problem("must be a string", at) };
        let count = text.chars().count();
        if count < min {
            self.problem(&format!("must be more than {} characters", min - 1), at);
        }
        if count > max {
            self.problem(&format!("must be less than {} characters", max + 1), at);
        }
    }

    fn url(&mut self, value: &Value, at: &str) {
        self.string(value, (1, 3000), at);
        if value.as_str().is_some_and(|text| url::Url::parse(text).is_err()) {
            self.problem("must be a valid url", at);
        }
    }

    fn text(&mut self, value: &Value, (kinds, max): (&[&str], usize), at: &str) {
        if !value.is_object() {
            return self.problem("must provide an object", at);
        }
        if !value["type"].as_str().is_some_and(|kind| kinds.contains(&kind)) {
            return self.problem("must be a valid enum value", &format!("{at}/type"));
        }
        let shape = if value["type"] == "mrkdwn" { shapes::MRKDWN } else { shapes::PLAIN_TEXT };
        self.object(value, shape, at);
        if value["text"].is_string() {
            self.string(&value["text"], (0, max), &format!("{at}/text"));
        }
    }

    fn list(&mut self, value: &Value, inner: &Rule, (min, max): (usize, usize), at: &str) {
        let Some(items) = value.as_array() else { return self.problem("must be an array", at) };
        if items.len() < min {
            self.problem(&format!("no fewer than {min} items allowed"), at);
        }
        if items.len() > max {
            self.problem(&format!("no more than {max} items allowed"), at);
        }
        for (index, item) in items.iter().enumerate() {
            self.rule(item, inner, &format!("{at}/{index}"));
        }
    }
}

#[cfg(test)]
mod tests;
