//! The JSON Schema of a test file (draft 2020-12), made from the shapes that it is read by.

use super::shapes::{ANSWER, CASE, FAILS, WORD};
use crate::domain::alert::Normalised;
use crate::yaml::fields::{Key, Shape};
use serde_json::{Map, Value as Json, json};

/// The schema. Put it above a test file: `# yaml-language-server: $schema=playbook-tests.schema.json`.
pub fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tests of a Vigie playbook",
        "description": "What a playbook does, case by case, when the tools answer like this.",
        "type": "array",
        "minItems": 1,
        "items": object(&CASE, &["name", "ends"]),
    })
}

fn object(shape: &Shape, wanted: &[&str]) -> Json {
    let properties: Map<String, Json> =
        shape.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let mut schema = json!({
        "type": "object", "additionalProperties": false, "required": wanted, "properties": properties,
    });
    if shape.name == ANSWER.name {
        let one = |key: &str| json!({"required": [key]});
        schema["oneOf"] =
            ["out", "found", "already", "fails", "unsure"].map(one).into_iter().collect();
    }
    schema
}

fn property(key: &Key) -> Json {
    let list = |items: Json| json!({"type": "array", "items": items});
    let mut property = match key.name {
        "alert" => json!({"type": "object", "propertyNames": {"enum": Normalised::NAMES}}),
        "ask" | "with" | "out" => json!({"type": "object"}),
        "answers" => list(object(&ANSWER, &["uses"])),
        "decide" => list(object(&WORD, &["step", "choice"])),
        "fails" => object(&FAILS, &["why"]),
        "found" => list(json!({"type": "object"})),
        "says" => list(json!({"type": "string"})),
        "already" => json!({"const": true}),
        "uses" => json!({"type": "string", "pattern": r"^[^.\s]+\.[^.\s]+$"}),
        "choice" => {
            json!({"type": "string", "pattern": "^(happened|again|abandon|check|take=[1-9][0-9]*)$"})
        }
        "ends" | "unsure" => json!({"enum": words(key.takes)}),
        "why" => json!({"enum": words(key.says)}),
        _ => json!({"type": "string", "pattern": r"\S"}),
    };
    property["description"] = key.says.into();
    property
}

/// The words between backticks.
fn words(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
