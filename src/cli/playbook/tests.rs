//! What `vigie playbook` says of a small installation.

use super::super::config_file::ConfigFile;
use super::{Exit, Playbook, PlaybookCommand, said};
use crate::connectors::Library as Connectors;
use crate::domain::playbook::plan::{Plan, Wanted};
use crate::domain::playbook::scope::About;
use crate::domain::time::Timestamp;
use crate::domain::tool::Catalogue;
use crate::playbooks::{Known, Library, check};
use clap::Parser;
use std::path::Path;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    playbook: Playbook,
}

const CONFIG: &str = "\
roles:
  analyst: {users: [alice@example.com]}
sources:
  edr: {type: generic, auth: none}
routes:
  - name: everything
";
const CLOSE: &str = "\
title: Close as noise
when: alert.severity != 'critical'
who: analyst
approve: {by: analyst}
ask:
  why: {text: Why, required: true}
  days: {number: Days}
steps:
  - alert: {severity: low, resolve: {disposition: false_positive, note: '{{ ask.why }}'}}
  - say: 'Closed: {{ ask.why }}, for {{ ask.days }} days, by {{ run.started_by }}'
  - say: 'about {{ item }}: {{ alert.title }}'
    for_each: alert.hosts
    when: item != 'web-2'
on_failure:
  - say: '{{ error.message }}'
";

/// A folder with a config, one playbook and an alert.
fn installation() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    std::fs::create_dir(folder.path().join("playbooks")).expect("made");
    write("vigie.yaml", CONFIG);
    write("playbooks/close.yaml", CLOSE);
    write("wrong.yaml", "title: T\nsteps: [{sya: x}]\n");
    write(
        "alert.json",
        r#"{"title": "Noise\u001b[2J", "severity": "low", "hosts": ["web-1", "web-2"]}"#,
    );
    folder
}

fn run(line: &str) -> (Option<Exit>, String) {
    run_in(installation().path(), line)
}

fn run_in(folder: &Path, line: &str) -> (Option<Exit>, String) {
    let here = folder.display().to_string();
    let words = line.replace("HERE", &here);
    let args = Line::parse_from(std::iter::once("vigie").chain(words.split(' ')));
    let PlaybookCommand::Look(look) = &args.playbook.command else { panic!("only reads") };
    let (exit, text) = match said(look, &|_| None) {
        Ok((exit, text)) => (Some(exit), text),
        Err(why) => (None, format!("{why:#}")),
    };
    (exit, text.replace(&here, "HERE"))
}

#[test]
fn the_list_says_what_can_be_run_and_what_waits_for_a_tool() {
    let (exit, text) = run("list --config HERE/vigie.yaml");
    assert_eq!(exit, Some(Exit::Good));
    assert!(text.contains("close                Close as noise"), "{text}");
    assert!(
        text.contains(
            "read; button, for analyst when alert.severity != 'critical'; analyst approves"
        ),
        "{text}"
    );
    assert!(text.contains("isolate-host         waits, not connected: crowdstrike"), "{text}");
    let (_, json) = run("list --config HERE/vigie.yaml --format json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["playbooks"][0]["name"], "close");
}

#[test]
fn lint_tells_each_mistake_and_says_no() {
    let (exit, text) = run("lint --config HERE/vigie.yaml HERE/wrong.yaml");
    assert_eq!(exit, Some(Exit::No));
    assert!(text.starts_with("HERE/wrong.yaml:2:10: `sya` is no key of a step"), "{text}");
    assert!(
        text.contains("did you mean `say`?") && text.ends_with("1 playbook, 1 mistake"),
        "{text}"
    );
    let (_, json) = run("lint --config HERE/vigie.yaml --format json HERE/wrong.yaml");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        (&json["mistakes"][0]["line"], &json["mistakes"][0]["column"]),
        (&2.into(), &10.into())
    );
    assert_eq!(
        run("lint --config HERE/vigie.yaml"),
        (Some(Exit::Good), "1 playbook, no mistake".to_owned())
    );
}

#[test]
fn a_route_that_names_a_playbook_that_there_is_not_is_told_with_its_place() {
    let folder = installation();
    let with = |names: &str| {
        let routes = format!("- {{name: everything, playbooks: {names}}}");
        let config = CONFIG.replace("- name: everything", &routes);
        std::fs::write(folder.path().join("vigie.yaml"), config).expect("written");
        run_in(folder.path(), "list --config HERE/vigie.yaml")
    };
    // One of ours whose tool is not connected waits: that is no mistake.
    for good in ["[close, isolate-host]", "[]"] {
        assert_eq!(with(good).0, Some(Exit::Good), "{good}");
    }
    let (exit, said) = with("[close, isolate-hots]");
    assert_eq!(exit, None);
    for part in
        ["vigie.yaml:6:43: there is no playbook `isolate-hots`", "did you mean `isolate-host`?"]
    {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn cases_are_tried_from_the_command_line_though_no_tool_is_connected() {
    let folder = installation();
    std::fs::create_dir(folder.path().join("playbooks/tests")).expect("made");
    let file = folder.path().join("playbooks/tests/close.yaml");
    let good = "\
- name: it is closed
  alert: {severity: low, hosts: [web-1]}
  ask: {why: tuned, days: 3}
  says: ['Closed: tuned, for 3 days, by os:starter', 'about web-1: An alert']
  ends: done
";
    std::fs::write(&file, good).expect("written");
    let (exit, said) = run_in(folder.path(), "test --config HERE/vigie.yaml");
    let wanted = "HERE/playbooks/tests/close.yaml\n  ok   it is closed\n1 case";
    assert_eq!((exit, said.as_str()), (Some(Exit::Good), wanted));
    std::fs::write(&file, good.replace("tuned, for 3", "tuned, for 4")).expect("written");
    let (exit, said) = run_in(folder.path(), "test --config HERE/vigie.yaml");
    assert_eq!(exit, Some(Exit::No));
    assert!(
        said.contains("  NOT  it is closed") && said.contains("4:9: it says something else"),
        "{said}"
    );
    assert!(said.ends_with("1 case, 1 not as it should be"), "{said}");
    let (_, json) = run_in(folder.path(), "test --config HERE/vigie.yaml --format json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json[0]["cases"][0]["problems"][0]["line"], 4);
    std::fs::rename(&file, folder.path().join("playbooks/tests/clsoe.yaml")).expect("renamed");
    let (exit, said) = run_in(folder.path(), "test --config HERE/vigie.yaml");
    assert_eq!(exit, Some(Exit::No));
    assert!(
        said.contains("there is no playbook `clsoe`") && said.contains("did you mean `close`?"),
        "{said}"
    );
}

#[test]
fn a_plan_is_shown_step_by_step() {
    let (exit, text) = run(
        "plan close --config HERE/vigie.yaml --alert-file HERE/alert.json --ask why=tuned --ask days=3",
    );
    assert_eq!(exit, Some(Exit::Good), "{text}");
    let hash = text
        .split("plan       ")
        .nth(1)
        .and_then(|rest| rest.get(..64))
        .expect("a hash")
        .to_owned();
    insta::assert_snapshot!(text.replace(&hash, "HASH"));
}

#[test]
fn where_there_is_no_plan_it_says_why() {
    for (more, said) in [
        ("--ask days=3", "no plan: Why (`why`) is wanted."),
        ("--ask why=x --ask who=y", "no plan: It does not ask for `who`."),
    ] {
        let answer = run(&format!(
            "plan close --config HERE/vigie.yaml --alert-file HERE/alert.json {more}"
        ));
        assert_eq!(answer, (Some(Exit::No), said.to_owned()));
    }
    for (playbook, said) in [
        ("clsoe", "there is no playbook clsoe: did you mean close?"),
        ("isolate-host", "isolate-host cannot run here: not connected: crowdstrike"),
    ] {
        let line = format!("plan {playbook} --config HERE/vigie.yaml --alert-file HERE/alert.json");
        assert_eq!(run(&line), (None, said.to_owned()));
    }
    let (exit, said) = run(
        "plan close --config HERE/vigie.yaml --alert-file HERE/alert.json --ask why=x --ask days=many",
    );
    assert_eq!((exit, said.as_str()), (None, "`days` wants a number"));
}

/// The playbook that we ship, with the tool that it wants: an approver sees what will be sent, and no secret.
#[test]
fn a_plan_shows_the_very_requests() {
    let text = Library::texts().find(|(name, _)| *name == "isolate-host").expect("shipped").1;
    let spec = Connectors::shipped().get("crowdstrike").expect("shipped");
    let base = serde_json::json!("https://api.crowdstrike.com");
    let tool = spec.tool("crowdstrike".into(), [("base_url".to_owned(), base)].into());
    let catalogue = Catalogue([(tool.name.clone(), tool.into())].into());
    let known = Known { catalogue: &catalogue, roles: None };
    let playbook = check("isolate-host.yaml", text, known).expect("shipped, and right").playbook;
    let alert = serde_json::json!({
        "title": "Malware", "severity": "critical", "status": "firing", "dedup_key": "m", "hosts": ["web-1"],
    });
    let alert = serde_json::from_value(alert).expect("an alert");
    let about = About { source: "edr".into(), alert };
    let asked = serde_json::json!({"host": "web-1", "reason": "beacons"});
    let asked = serde_json::from_value(asked).expect("answers");
    let wanted =
        Wanted { playbook: &playbook, catalogue: &catalogue, about: &about, asked: &asked };
    let plan = Plan::make(&wanted).expect("a plan");
    let text = super::words::plan((plan.outline(), plan.hash()), &catalogue);
    insta::assert_snapshot!(text.replace(plan.hash(), "HASH"));
}

fn tokens(name: &str) -> Option<String> {
    match name {
        "SLACK_BOT_TOKEN" => Some("xoxb-1".to_owned()),
        "SLACK_APP_TOKEN" => Some("xapp-1".to_owned()),
        _ => None,
    }
}

/// Another step is another config: the journal says which was in force. One that is wrong is told with its place.
#[test]
fn a_playbook_is_part_of_the_config_that_is_in_force() {
    let folder = installation();
    let file = folder.path().join("playbooks/close.yaml");
    let mut config = ConfigFile::new(&folder.path().join("vigie.yaml"), &tokens);
    let (first, _) = config.read().expect("good");
    assert!(
        first
            .policy(Timestamp::from_millis(0), |_, _| None)
            .playbooks
            .0
            .contains_key(&"close".into())
    );
    std::fs::write(&file, CLOSE.replace("severity: low", "severity: info")).expect("written");
    let (second, _) = config.read().expect("good");
    assert_ne!(first.config_hash, second.config_hash);
    std::fs::write(&file, CLOSE.replace("severity: low", "severity: lwo")).expect("written");
    let why = config.read().map(|_| ()).expect_err("a word that there is not").to_string();
    assert!(why.contains("close.yaml:9:23: `lwo` is no value of `severity`"), "{why}");
    let (exit, said) = run_in(folder.path(), "list --config HERE/vigie.yaml");
    assert!(exit.is_none() && said.contains("did you mean `low`?"), "{said}");
}
