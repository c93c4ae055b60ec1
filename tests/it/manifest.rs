//! `slack-manifest.yaml` is what Slack takes: small rules here, the official schema where it is at hand.

use serde_json::Value;
use std::path::Path;
use vigie::slack::manifest::SCOPES;

fn manifest() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("slack-manifest.yaml");
    let text = std::fs::read_to_string(path).expect("the manifest");
    serde_saphyr::from_str(&text).expect("YAML")
}

#[test]
fn the_manifest_keeps_to_slacks_limits() {
    let manifest = manifest();
    let name = manifest["display_information"]["name"].as_str().expect("a name");
    assert!(name.chars().count() <= 35);
    assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
    assert_eq!(manifest["settings"]["interactivity"]["is_enabled"], true);
    let commands = manifest["features"]["slash_commands"].as_array().expect("commands");
    assert!(commands.iter().any(|command| command["command"] == "/vigie"));
    let scopes = manifest["oauth_config"]["scopes"]["bot"].as_array().expect("scopes");
    let mut unlike = scopes.clone();
    unlike.sort_by_key(Value::to_string);
    unlike.dedup();
    assert_eq!(unlike.len(), scopes.len(), "a scope is given twice");
}

#[test]
fn the_administrators_page_says_what_each_scope_is_for_and_names_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/slack-administrator.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut told: Vec<(&str, &str)> = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        told.extend(cells[1].split('`').skip(1).step_by(2).map(|scope| (scope, cells[2])));
    }
    told.sort_unstable();
    assert_eq!(told.iter().map(|(scope, _)| *scope).collect::<Vec<_>>(), SCOPES.map(|(s, _)| s));
    for ((scope, why), (_, short)) in told.iter().zip(SCOPES) {
        assert!(why.starts_with(short), "{scope}: the page says {why:?}, the code {short:?}");
    }
}

/// slackapi/manifest-schema, kept beside the repository; `VIGIE_MANIFEST_SCHEMA` names another copy.
#[test]
fn the_manifest_fits_slacks_own_schema() {
    let beside =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/slack-manifest.schema.json");
    let path = std::env::var_os("VIGIE_MANIFEST_SCHEMA").map_or(beside, Into::into);
    let Ok(schema) = std::fs::read_to_string(&path) else {
        eprintln!("not checked against the schema: it is not at hand");
        return;
    };
    let schema: Value = serde_json::from_str(&schema).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let wrong: Vec<_> = validator
        .iter_errors(&manifest())
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
