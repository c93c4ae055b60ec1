//! An EDR and a ticket system, as connector files have them.

use crate::connectors::spec;
use crate::domain::ids::ToolName;
use crate::domain::tool::{Catalogue, Values};
use serde_json::json;
use std::sync::Arc;

const EDR: &str = r#"
tool: edr
title: An EDR
connection: {fields: {base_url: {type: url, hosts: [edr.example.com]}}, auth: none}
actions:
  find_host:
    title: Find a host
    path: /hosts
    query: {name: "{{ in.hostname }}"}
    in: {hostname: {required: true, entity: host}}
    found: body.hosts
    out: {id: found.id, os: {from: found.os, optional: true}}
  contain:
    title: Take a host off the network
    method: POST
    path: /hosts/{device_id}/contain
    in: {device_id: {required: true, entity: host, by: name}}
    risk: destructive
    in_doubt: repeat
    undo: {uses: lift_containment, with: {device_id: "{{ in.device_id }}"}}
    out: {state: body.state}
  lift_containment:
    title: Let it back
    method: POST
    path: /hosts/{device_id}/lift
    in: {device_id: {required: true, entity: host, by: name}}
    risk: write
    in_doubt: repeat
    undo: null
  sign_in:
    title: Sign in as a tester
    method: POST
    path: /sessions
    body: {password: "{{ in.password }}"}
    in: {password: {required: true}}
    risk: write
    in_doubt: repeat
    undo: null
"#;

const JIRA: &str = r#"
tool: jira
title: Tickets
connection: {fields: {base_url: {type: url, hosts: [jira.example.com]}}, auth: none}
actions:
  create_issue:
    title: Open a ticket
    method: POST
    path: /issue
    body:
      project: "{{ in.project }}"
      summary: "{{ in.summary }}"
      description: "{{ in.description }}"
      labels: "{{ in.labels }}"
      priority: "{{ in.priority }}"
    in:
      project: {required: true}
      summary: {required: true}
      description: {}
      labels: {type: list}
      priority: {type: integer}
    risk: write
    in_doubt: ask
    undo: null
    out: {key: body.key, fields: {type: map, from: body.fields}}
"#;

pub(super) fn catalogue() -> Catalogue {
    let tools = [("edr", EDR), ("jira", JIRA)].map(|(name, text)| {
        let told = |problems: Vec<_>| {
            problems.iter().map(|problem: &crate::yaml::Problem| format!("{problem}\n")).collect()
        };
        let spec = spec::read(name, "test", text)
            .map_err(told)
            .unwrap_or_else(|why: String| panic!("{why}"));
        let base = json!(format!("https://{name}.example.com"));
        let fields = Values::from([("base_url".to_owned(), base)]);
        (ToolName::from(name), Arc::new(spec.tool(name.into(), fields)))
    });
    Catalogue(tools.into())
}
