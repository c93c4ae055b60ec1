//! What every connector that we ship keeps to.

use crate::connectors::Library;
use crate::domain::tool::{Entity, Risk, Values};
use std::path::Path;

#[test]
fn every_file_of_the_folder_is_shipped_and_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("connectors");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .expect("connectors/")
        .map(|entry| {
            entry.expect("an entry").path().file_stem().expect("a name").display().to_string()
        })
        .collect();
    files.sort();
    let names: Vec<_> = Library::shipped().names().collect();
    assert_eq!(names, files);
}

#[test]
fn a_connection_can_be_tried_and_each_action_says_what_a_person_wants_to_know() {
    for (name, spec) in Library::shipped().all() {
        assert!(spec.test.is_some() || name == "http", "{name} has no `test`");
        for (action, what) in &spec.actions {
            let told = what.title.chars().next().is_some_and(char::is_uppercase);
            assert!(told && !what.title.ends_with('.'), "{name}.{action}: {}", what.title);
            let operation = what.operation.is_some() || action.as_str() == "request";
            assert!(operation, "{name}.{action} names no operation");
        }
    }
}

/// Whoever is contained, suspended or removed can be held by `protected`, which speaks of names.
#[test]
fn nothing_dangerous_is_done_to_somebody_whose_name_nobody_knows() {
    for (name, spec) in Library::shipped().all() {
        let dangerous = spec.actions.values().filter(|action| action.risk == Risk::Destructive);
        for action in dangerous.filter(|action| !action.by_method) {
            for (input, what) in action.inputs.iter().filter(|(_, what)| what.by_id) {
                let known = action.identify.iter().any(|one| Some(one.entity) == what.entity);
                assert!(known, "{name}.{}: whose is `{input}`?", action.name);
            }
        }
    }
    let contain =
        &Library::shipped().get("crowdstrike").expect("shipped").actions[&"contain".into()];
    assert_eq!(contain.identify[0].entity, Entity::Host);
}

/// A request can be made of every action from inputs of the right sort: no template of it stumbles.
#[test]
fn every_action_makes_its_requests() {
    for (name, spec) in Library::shipped().all() {
        let fields = spec
            .connection
            .fields
            .keys()
            .map(|field| (field.clone(), "https://x.example.com".into()));
        let tool = spec.tool(name.into(), fields.collect());
        for action in spec.actions.values() {
            for all in [true, false] {
                let given = action.inputs.iter().filter(|(_, input)| all || input.required);
                let given: Values =
                    given.map(|(name, input)| (name.clone(), sample(input))).collect();
                let requests = tool.requests(action, &given);
                let requests =
                    requests.unwrap_or_else(|why| panic!("{name}.{}: {why}", action.name));
                assert_eq!(requests.len(), action.first.len() + 1);
                for request in requests {
                    let said = request.to_string();
                    assert!(!said.contains("{{") && !said.contains("undefined"), "{said}");
                }
            }
        }
    }
}

fn sample(input: &crate::domain::tool::Input) -> serde_json::Value {
    use crate::domain::tool::Kind::*;
    use serde_json::json;
    match (input.one_of.first(), input.kind) {
        (Some(word), String) => json!(word),
        (_, String) => json!("/x"),
        (_, Integer | Number) => json!(5),
        (_, Boolean) => json!(true),
        (_, List) => json!(["a"]),
        (_, Map) => json!({"a": 1}),
        (_, Any) => json!("2026-11-28T00:00:00Z"),
    }
}
