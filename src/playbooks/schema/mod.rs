//! The JSON Schema of a playbook (draft 2020-12), from which editors complete and explain. It is made from the shapes that the
//! check uses, so that no key is missing from it, and from the tools' actions. A name in an expression that another place of the
//! file declares (`steps.ID`, `ask.NAME`) only the check can know.

mod calls;

use super::names::OURS;
use super::shapes::{APPROVE, ASK, CHANGE, PLAYBOOK, RESOLVE, RETRY, STEP};
use crate::domain::alert::{Disposition, Severity};
use crate::domain::tool::Catalogue;
use crate::yaml::fields::{Key, Shape};
use serde_json::{Map, Value as Json, json};

/// The schema of playbooks that use these tools. Put it above one: `# yaml-language-server: $schema=playbook.schema.json`.
pub fn schema(catalogue: &Catalogue) -> Json {
    let mut schema = object("playbook", &PLAYBOOK);
    let about = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Vigie playbook",
        "description": "What is done about an alert, step by step, when somebody presses its button or an alert comes.",
    });
    let named = [
        ("approve", &APPROVE),
        ("question", &ASK),
        ("step", &STEP),
        ("retry", &RETRY),
        ("change", &CHANGE),
        ("resolve", &RESOLVE),
    ];
    let mut definitions: Map<String, Json> =
        named.into_iter().map(|(name, shape)| (name.to_owned(), object(name, shape))).collect();
    definitions.insert("value".to_owned(), values());
    let step = &mut definitions["step"];
    step["properties"]["uses"]["allOf"] = json!([calls::names(catalogue)]);
    step["allOf"] = calls::each(catalogue).into();
    let all = schema.as_object_mut().expect("an object schema is a map");
    all.extend(about.as_object().cloned().unwrap_or_default());
    all.insert("$defs".to_owned(), definitions.into());
    schema
}

fn object(name: &str, shape: &Shape) -> Json {
    let properties: Map<String, Json> =
        shape.keys.iter().map(|key| (key.name.to_owned(), property(name, key))).collect();
    let mut schema =
        json!({"type": "object", "additionalProperties": false, "properties": properties});
    let more = match name {
        "playbook" => json!({
            "required": ["title", "steps"],
            // There is nobody to ask.
            "if": {"properties": {"on": {"const": "alert"}}, "required": ["on"]},
            "then": {"properties": {"ask": {"additionalProperties": {
                "properties": {"required": {"const": false}},
                "if": {"required": ["choose"]}, "then": {"required": ["required"]},
            }}}},
        }),
        "approve" => json!({"required": ["by"]}),
        "retry" => json!({"required": ["times"]}),
        "resolve" => json!({"required": ["disposition"]}),
        "change" => json!({"minProperties": 1}),
        "question" => json!({
            "oneOf": one_of(&["text", "choose", "person", "number", "confirm"]),
            "dependentRequired": {"multiline": ["text"]},
        }),
        _ => json!({
            "oneOf": one_of(&["uses", "say", "alert"]),
            "dependentRequired": {"with": ["uses"], "expect": ["uses"], "retry": ["uses"], "timeout": ["uses"]},
        }),
    };
    schema
        .as_object_mut()
        .expect("made above")
        .extend(more.as_object().cloned().unwrap_or_default());
    schema
}

fn one_of(keys: &[&str]) -> Vec<Json> {
    keys.iter().map(|key| json!({"required": [key]})).collect()
}

/// What a key takes, with what an editor shows of it.
fn property(of: &str, key: &Key) -> Json {
    let takes = match (of, key.name) {
        ("playbook", "on") => json!({"enum": ["button", "alert"]}),
        ("playbook", "who") => {
            json!({"anyOf": [text(), {"type": "array", "items": text(), "minItems": 1}]})
        }
        ("playbook", "approve") => json!({"$ref": "#/$defs/approve"}),
        ("playbook", "ask") => by_name(json!({"$ref": "#/$defs/question"})),
        ("playbook", "steps" | "on_failure" | "always") => {
            json!({"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}})
        }
        ("question", "choose") => {
            json!({"anyOf": [expression(), {"type": "array", "items": text(), "minItems": 1}]})
        }
        ("step", "id") => json!({"type": "string", "pattern": NAME}),
        ("step", "uses") => json!({"type": "string", "pattern": r"^[^.\s]+\.[^.\s]+$"}),
        ("step", "with") => json!({"type": "object"}),
        ("step", "say") | ("resolve", "note") => json!({"allOf": [text(), filled()]}),
        ("step", "let") => json!({
            "type": "object", "propertyNames": {"pattern": NAME, "not": {"enum": OURS}},
            "additionalProperties": value(),
        }),
        ("step", "timeout") => {
            json!({"allOf": [by_word(key.takes), {"pattern": "[1-9]", "not": {"const": 0}}]})
        }
        ("step", "expect") => json!({"enum": ["one", "some", "any"]}),
        ("step", "on_error") => json!({"enum": ["stop", "continue"]}),
        ("step", "retry") => json!({"$ref": "#/$defs/retry"}),
        ("step", "alert") => json!({"$ref": "#/$defs/change"}),
        ("retry", "times") => json!({"type": "integer", "minimum": 0, "maximum": 10}),
        ("change", "severity") => words(Severity::ALL.iter().map(|word| word.as_str())),
        ("change", "resolve") => json!({"$ref": "#/$defs/resolve"}),
        ("resolve", "disposition") => words(Disposition::ALL.iter().map(|word| word.as_str())),
        _ => by_word(key.takes),
    };
    let mut property = takes.as_object().cloned().unwrap_or_default();
    let default =
        if key.default.is_empty() { String::new() } else { format!(" Default: {}.", key.default) };
    property.insert("description".to_owned(), format!("{}{default}", key.says).into());
    property.into()
}

fn by_word(takes: &str) -> Json {
    match takes {
        "expression" => expression(),
        "duration" => {
            json!({"type": ["string", "integer"], "pattern": "^ *(0|([0-9]+(ms|s|m|min|h|d))+) *$", "maximum": 0})
        }
        "whole number" => json!({"type": "integer", "minimum": 1}),
        "flag" => json!({"type": "boolean"}),
        "value" => value(),
        _ => text(),
    }
}

const NAME: &str = "^[a-z][a-z0-9_]*$";

fn text() -> Json {
    json!({"type": "string", "pattern": r"\S"})
}

/// A bare expression; `true` and `false` are ones too.
fn expression() -> Json {
    json!({"type": ["string", "boolean"], "pattern": r"^\s*(?!\{\{)\S"})
}

fn by_name(of: Json) -> Json {
    json!({"type": "object", "additionalProperties": of, "propertyNames": {"pattern": NAME}})
}

fn words<'a>(words: impl Iterator<Item = &'a str>) -> Json {
    json!({"enum": words.collect::<Vec<_>>()})
}

/// Any value; in its texts only `{{ … }}` is filled in.
fn value() -> Json {
    json!({"$ref": "#/$defs/value"})
}

fn values() -> Json {
    json!({"anyOf": [
        {"type": ["number", "boolean", "null"]},
        filled(),
        {"type": "array", "items": value()},
        {"type": "object", "additionalProperties": value()},
    ]})
}

/// A text whose every `{{` is closed, with no block and no `~`, and with maps of maps at most in an expression.
fn filled() -> Json {
    let quoted = r#"'(\\[\s\S]|[^'\\])*'|"(\\[\s\S]|[^"\\])*""#;
    let plain = format!(r#"{quoted}|[^'"{{}}~]"#);
    let map = |inside: &str| format!(r"{plain}|\{{({inside})*\}}");
    let inside = map(&map(&plain));
    json!({"type": "string", "pattern": format!(r"^([^{{]|\{{(?![{{%#])|\{{\{{({inside})*\}}\}})*$")})
}
