//! What each action of a tool is given, so that an editor completes it and underlines what is missing.

use super::{text, value};
use crate::domain::tool::{Action, Catalogue, Input, Kind, Uses};
use serde_json::{Map, Value as Json, json};

/// The names of all actions: `tool.action`.
pub(super) fn names(catalogue: &Catalogue) -> Json {
    let names: Vec<Json> = actions(catalogue)
        .map(|(uses, action)| json!({"const": uses, "description": action.title}))
        .collect();
    json!({"type": "string", "oneOf": names})
}

/// For each action what its step may be, beside what every step may.
pub(super) fn each(catalogue: &Catalogue) -> Vec<Json> {
    actions(catalogue)
        .map(|(uses, action)| {
            let is = json!({"properties": {"uses": {"const": uses}}, "required": ["uses"]});
            json!({"if": is, "then": step(action)})
        })
        .collect()
}

fn actions(catalogue: &Catalogue) -> impl Iterator<Item = (String, &Action)> {
    catalogue.0.iter().flat_map(|(name, tool)| {
        tool.actions.names().filter_map(move |action| {
            let uses = Uses { tool: name.clone(), action: action.clone() };
            Some((uses.to_string(), tool.actions.get(action)?.as_ref()))
        })
    })
}

fn step(action: &Action) -> Json {
    let wanted: Vec<&str> = action
        .inputs
        .iter()
        .filter(|(_, input)| input.required && input.default.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    let inputs: Map<String, Json> =
        action.inputs.iter().map(|(name, input)| (name.clone(), given(input))).collect();
    let with = json!({"properties": inputs, "required": wanted, "additionalProperties": false});
    let mut properties = json!({"with": with});
    if !action.finds {
        properties["expect"] = false.into();
    }
    let required = if wanted.is_empty() { vec![] } else { vec!["with"] };
    json!({"properties": properties, "required": required})
}

/// A value that is plainly right, or one that is computed.
fn given(input: &Input) -> Json {
    let plain = match input.kind {
        Kind::String if !input.one_of.is_empty() => json!({"enum": input.one_of}),
        Kind::String if input.required => text(),
        Kind::String => json!({"type": "string"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::List => json!({"type": "array", "minItems": u8::from(input.required)}),
        Kind::Map => json!({"type": "object"}),
        Kind::Any => json!({"not": {"type": "null"}}),
    };
    let computed = match input.kind {
        // A part of a text may be.
        Kind::String | Kind::Any => r"\{\{",
        _ => r"^\s*\{\{[\s\S]*\}\}\s*$",
    };
    let mut given = json!({
        "anyOf": [plain, {"type": "string", "pattern": computed}], "allOf": [value()],
    });
    if let Some(says) = &input.says {
        given["description"] = says.clone().into();
    }
    given
}
