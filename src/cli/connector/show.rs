//! What connectors there are, and what one of them is.

use super::Show;
use crate::cli::Format;
use crate::config::{Settings, nearest};
use crate::connectors::Library;
use crate::connectors::spec::{Field, FieldKind, Spec};
use crate::domain::tool::{Action, Input, Risk};
use anyhow::bail;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::sync::Arc;

pub(super) fn list(library: &Library, settings: Option<&Settings>, format: Format) -> String {
    let tools = |spec: &Spec| -> Vec<&str> {
        let tools = settings.map(|settings| &settings.catalogue.0).into_iter().flatten();
        tools
            .filter(|(_, tool)| tool.connector == spec.name)
            .map(|(name, _)| name.as_str())
            .collect()
    };
    match format {
        Format::Json => {
            let one = |(name, spec): (&str, &Arc<Spec>)| {
                json!({
                    "name": name, "title": spec.title, "tools": tools(spec),
                    "actions": spec.actions.keys().collect::<Vec<_>>(),
                })
            };
            format!("{:#}", json!({"connectors": library.all().map(one).collect::<Vec<_>>()}))
        }
        Format::Text => {
            let mut text = String::new();
            for (name, spec) in library.all() {
                let actions = crate::cli::check::counted(spec.actions.len(), "action");
                let connected = match tools(spec).as_slice() {
                    [] => "not connected".to_owned(),
                    tools => format!("connected as {}", tools.join(", ")),
                };
                let _ = writeln!(text, "{name:<14} {:<20} {actions:<11} {connected}", spec.title);
            }
            text.push_str(
                "\nvigie connector show NAME says what one wants to know, and what it can do.",
            );
            text
        }
    }
}

pub(super) fn one(
    library: &Library,
    settings: Option<&Settings>,
    args: &Show,
) -> anyhow::Result<String> {
    let tool = settings.and_then(|settings| settings.catalogue.0.get(&args.name.as_str().into()));
    let name = tool.map_or(args.name.as_str(), |tool| tool.connector.as_str());
    let Some(spec) = library.get(name) else {
        match nearest(name, library.names()) {
            Some(near) => bail!("there is no connector {name:?}: did you mean {near:?}?"),
            None => bail!("there is no connector {name:?}: vigie connector list names them"),
        }
    };
    Ok(match args.at.format {
        Format::Json => format!("{:#}", as_json(spec)),
        Format::Text => as_text(spec),
    })
}

fn as_text(spec: &Spec) -> String {
    let mut text = format!("{}\n", spec.title);
    for (name, said) in [("docs", &spec.docs), ("checked against", &spec.source)] {
        if let Some(said) = said {
            let _ = writeln!(text, "{name}: {said}");
        }
    }
    let _ = writeln!(text, "\nin the config, below tools.{}:", spec.name);
    for (name, field) in &spec.connection.fields {
        let _ = writeln!(text, "  {name:<15} {}", field_line(field));
    }
    for action in spec.actions.values() {
        let _ = writeln!(text, "\n{}.{}  [{}]", spec.name, action.name, action.risk.as_str());
        let _ = writeln!(text, "  {}", action.title);
        for (name, input) in &action.inputs {
            let _ = writeln!(text, "    {name:<15} {}", input_line(input));
        }
        if !action.outputs.is_empty() {
            let names: Vec<_> = action.outputs.keys().map(String::as_str).collect();
            let gives = if action.finds { "finds" } else { "gives" };
            let _ = writeln!(text, "  {gives} {}", names.join(", "));
        }
        if let Some(undo) = &action.undo {
            let _ = writeln!(text, "  undone by {}", undo.action);
        }
        if action.risk != Risk::Read {
            let _ = writeln!(
                text,
                "  where nobody knows whether it happened: {}",
                action.in_doubt.as_str()
            );
        }
    }
    text.trim_end().to_owned()
}

fn field_line(field: &Field) -> String {
    let kind = match &field.kind {
        FieldKind::Url { hosts } => format!("address on {}", hosts.join(", ")),
        FieldKind::Text => "text".to_owned(),
        FieldKind::Secret => "secret, such as {env: NAME}".to_owned(),
    };
    let default = match &field.default {
        Some(default) => format!(", {default} where it is left out"),
        None if !field.required => ", may be left out".to_owned(),
        None => String::new(),
    };
    let says = field.says.iter().map(|says| format!(". {says}"));
    format!("{kind}{default}{}", says.collect::<String>())
}

fn input_line(input: &Input) -> String {
    let mut line = input.kind.as_str().to_owned();
    if let Some(entity) = input.entity {
        let id = if input.by_id { "'s id" } else { "" };
        let _ = write!(line, ", {}{id}", entity.as_str());
    }
    if !input.one_of.is_empty() {
        let _ = write!(line, ", one of {}", input.one_of.join(", "));
    }
    match &input.default {
        Some(default) => {
            let _ = write!(line, ", default {default}");
        }
        None if input.required => line.push_str(", wanted"),
        None => {}
    }
    input.says.iter().fold(line, |line, says| format!("{line}. {says}"))
}

fn as_json(spec: &Spec) -> Json {
    let fields = spec.connection.fields.iter().map(|(name, field)| {
        let (kind, hosts) = match &field.kind {
            FieldKind::Url { hosts } => ("url", Some(hosts)),
            FieldKind::Text => ("text", None),
            FieldKind::Secret => ("secret", None),
        };
        let value = json!({
            "type": kind, "hosts": hosts, "default": field.default, "required": field.required, "says": field.says,
        });
        (name.clone(), value)
    });
    json!({
        "name": spec.name, "title": spec.title, "docs": spec.docs, "source": spec.source,
        "fields": fields.collect::<serde_json::Map<_, _>>(),
        "actions": spec.actions.values().map(|action| action_json(action)).collect::<Vec<_>>(),
    })
}

fn action_json(action: &Action) -> Json {
    let inputs = action.inputs.iter().map(|(name, input)| {
        let value = json!({
            "type": input.kind, "required": input.required, "entity": input.entity, "by_id": input.by_id,
            "one_of": input.one_of, "default": input.default, "says": input.says,
        });
        (name.clone(), value)
    });
    let outputs = action.outputs.iter();
    let outputs = outputs.map(|(name, output)| (name.clone(), json!({"type": output.kind})));
    json!({
        "name": action.name, "title": action.title, "operation": action.operation, "risk": action.risk,
        "in_doubt": action.in_doubt, "finds": action.finds,
        "undo": action.undo.as_ref().map(|undo| &undo.action),
        "in": inputs.collect::<serde_json::Map<_, _>>(), "out": outputs.collect::<serde_json::Map<_, _>>(),
    })
}
