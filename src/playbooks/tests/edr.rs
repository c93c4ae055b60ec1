//! An EDR and a ticket system, as their connector files would leave them.

use crate::domain::ids::ToolName;
use crate::domain::playbook::expr::Expr;
use crate::domain::tool::{
    Action, Catalogue, Entity, InDoubt, Input, Kind, Output, RequestTemplate, Risk, Tool, Use,
    Values,
};
use std::sync::Arc;

pub(super) fn catalogue() -> Catalogue {
    let find = Action {
        finds: true,
        ..action(
            "find_host",
            Risk::Read,
            &[("hostname", Kind::String, Some(Entity::Host), true)],
            &[("id", Kind::String), ("os", Kind::String)],
        )
    };
    let lift = Use { action: "lift_containment".into(), with: Default::default() };
    let device = [("device_id", Kind::String, Some(Entity::Host), true)];
    let contain = Action {
        undo: Some(lift),
        ..action("contain", Risk::Destructive, &device, &[("state", Kind::String)])
    };
    let lift = action("lift_containment", Risk::Destructive, &device, &[]);
    let issue = action(
        "create_issue",
        Risk::Write,
        &[
            ("project", Kind::String, None, true),
            ("summary", Kind::String, None, true),
            ("description", Kind::String, None, false),
            ("labels", Kind::List, None, false),
            ("priority", Kind::Integer, None, false),
        ],
        &[("key", Kind::String), ("fields", Kind::Map)],
    );
    let tools = [tool("edr", [find, contain, lift]), tool("jira", [issue])];
    Catalogue(tools.into_iter().map(|tool| (tool.name.clone(), Arc::new(tool))).collect())
}

fn tool(name: &str, actions: impl IntoIterator<Item = Action>) -> Tool {
    let actions = actions.into_iter().map(|action| (action.name.clone(), Arc::new(action)));
    Tool {
        name: ToolName::from(name),
        title: name.to_uppercase(),
        print: format!("{name}-print"),
        fields: Values::new(),
        actions: actions.collect(),
    }
}

fn action(
    name: &str,
    risk: Risk,
    inputs: &[(&str, Kind, Option<Entity>, bool)],
    outputs: &[(&str, Kind)],
) -> Action {
    let input = |&(name, kind, entity, required): &(&str, Kind, Option<Entity>, bool)| {
        let (one_of, default, says) = (Vec::new(), None, None);
        (name.to_owned(), Input { kind, required, entity, by_id: false, one_of, default, says })
    };
    let from = |name: &str| Expr::compile(&format!("body.{name}")).expect("a path");
    let output = |&(name, kind): &(&str, Kind)| {
        (name.to_owned(), Output { kind, from: from(name), optional: false })
    };
    Action {
        name: name.into(),
        title: name.replace('_', " "),
        operation: None,
        risk,
        by_method: false,
        in_doubt: InDoubt::Ask,
        inputs: inputs.iter().map(input).collect(),
        outputs: outputs.iter().map(output).collect(),
        finds: false,
        undo: None,
        identify: Vec::new(),
        verify: None,
        first: Vec::new(),
        request: RequestTemplate::default(),
        answer: Default::default(),
        pages: None,
        poll: None,
    }
}
