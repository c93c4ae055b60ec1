//! Tools as an installation has them: a folder beside the config, the command line, and the page of the format.

use crate::bad_files;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use vigie::connectors::{Library, spec};

/// The tables of docs/connectors.md are the ones that a file is checked against. To write them anew:
/// `VIGIE_WRITE_DOCS=1 cargo test --test it the_page_of_the_connectors`.
#[test]
fn the_page_of_the_connectors_has_every_key_as_it_is_checked() {
    super::config::page_has("docs/connectors.md", spec::reference(), "the_page_of_the_connectors");
}

#[test]
fn each_mistake_of_a_connector_is_told_with_its_place_and_the_way_out() {
    let read = |text: &str| spec::read("edr", "edr.yaml", text).err().unwrap_or_default();
    bad_files::Kind { folder: "connectors", file: "edr.yaml", read: &read }
        .each_is_told_as_expected();
}

/// Whoever copies the example gets a connector that works.
#[test]
fn the_example_of_the_page_is_read() {
    let page = include_str!("../../docs/connectors.md");
    let example = page.split("```yaml\n# connectors/").nth(1).expect("the example");
    let (name, rest) = example.split_once(".yaml\n").expect("its name");
    let text = rest.split("```").next().expect("its end");
    let read = spec::read(name, &format!("connectors/{name}.yaml"), text);
    let told: String = read.err().iter().flatten().map(|problem| format!("{problem}\n")).collect();
    assert!(told.is_empty(), "{told}");
}

const OWN: &str = "tool: okta\ntitle: Our own Okta\nconnection:\n  fields:\n    base_url: {type: url, hosts: [\"*\"]}\n  \
                   auth: none\nactions:\n  look: {title: Look, path: /x}\n";

#[test]
fn a_folder_beside_the_config_overrides_and_adds() {
    let folder = tempfile::tempdir().expect("a folder");
    let library = Library::load(&folder.path().join("none")).expect("no folder is an empty one");
    assert_eq!(library.names().count(), Library::shipped().names().count());
    std::fs::write(folder.path().join("okta.yaml"), OWN).expect("written");
    std::fs::write(folder.path().join("door.yaml"), OWN.replace("tool: okta", "tool: door"))
        .expect("written");
    let library = Library::load(folder.path()).expect("both are good");
    assert_eq!(library.get("okta").expect("it is there").title, "Our own Okta");
    assert!(library.get("door").is_some() && library.get("jira").is_some());
    std::fs::write(folder.path().join("door.yaml"), "tool: door\n").expect("written");
    std::fs::write(folder.path().join("okta.yaml"), "titel: x\n").expect("written");
    let problems = Library::load(folder.path()).expect_err("both are bad");
    let files = |name: &str| problems.iter().any(|problem| problem.headline().contains(name));
    assert!(files("door.yaml") && files("okta.yaml:1:1"), "{problems:?}");
}

const CONFIG: &str = "
slack: {channel: \"#soc\"}
roles: {analyst: {users: [alice@example.com]}}
sources: {scanner: {type: generic, auth: none}}
routes: [{name: everything}]
tools:
  okta: {base_url: https://acme.okta.com, token: {env: OKTA_TOKEN}}
  edr: {type: crowdstrike, client_id: abc, client_secret: {env: EDR_SECRET}}
";

/// Runs the command line beside that config.
fn vigie(args: &[&str]) -> Output {
    vigie_beside(CONFIG, args)
}

fn vigie_beside(text: &str, args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("vigie.yaml");
    std::fs::write(&config, text).expect("written");
    let config = config.to_str().expect("UTF-8");
    Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["connector"])
        .args(args)
        .args(["--config", config])
        .current_dir(Path::new("/"))
        .env_clear()
        .envs([("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1")])
        .envs([("OKTA_TOKEN", "canary-okta"), ("EDR_SECRET", "canary-edr")])
        .output()
        .expect("it runs")
}

/// An Okta on this machine that lets one token in, and tells of a user with more in the name than letters.
fn okta() -> String {
    let door = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let config = CONFIG.replace(
        "https://acme.okta.com,",
        &format!("http://{}, internal: [127.0.0.1],", door.local_addr().expect("an address")),
    );
    std::thread::spawn(move || {
        for mut stream in door.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or_default();
            let request = String::from_utf8_lossy(&request[..length]).to_lowercase();
            let (status, body) = match request.contains("authorization: ssws canary-okta") {
                true => (
                    "200 OK",
                    r#"{"id": "u1", "status": "ACTIVE", "profile": {"login": "al\u001b[31mice"}}"#,
                ),
                false => ("401 Unauthorized", r#"{"errorSummary": "Invalid token provided"}"#),
            };
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
            let _ = write!(stream, "{head}content-type: application/json\r\n\r\n{body}");
        }
    });
    config
}

fn said(output: &Output) -> (Option<i32>, String) {
    let out = [output.stdout.as_slice(), &output.stderr].concat();
    let out = String::from_utf8(out).expect("UTF-8");
    assert!(!out.contains("canary"), "{out}");
    (output.status.code(), out)
}

#[test]
fn what_changes_something_is_refused_and_shown() {
    let (code, out) = said(&vigie(&["call", "okta.suspend_user", "user_id=alice@example.com"]));
    assert_eq!(code, Some(1));
    assert!(out.contains("is for a playbook") && out.contains("--dry"), "{out}");
    let (code, out) =
        said(&vigie(&["call", "okta.suspend_user", "user_id=alice@example.com", "--dry"]));
    let wanted = "POST https://acme.okta.com/api/v1/users/alice@example.com/lifecycle/suspend\n";
    assert_eq!((code, out.as_str()), (Some(0), wanted));
    let (code, out) = said(&vigie(&["call", "edr.find_host", "hostname=x' + a", "--dry"]));
    assert_eq!(code, Some(1));
    assert!(out.starts_with("refused: `hostname`"), "{out}");
    let (code, out) =
        said(&vigie(&["call", "okta.request", "method=DELETE", "path=/api/v1/users/1"]));
    assert!(code == Some(1) && out.contains("is for a playbook"), "{out}");
}

#[test]
fn a_wrong_name_is_answered_with_the_right_one() {
    for (uses, wanted) in [
        ("okat.get_user", "did you mean \"okta\"?"),
        ("okta.get_usr", "did you mean \"get_user\"?"),
        ("okta", "write it as okta.get_user"),
    ] {
        let (code, out) = said(&vigie(&["call", uses]));
        assert!(code == Some(2) && out.contains(wanted), "{uses}: {out}");
    }
    let (code, out) = said(&vigie(&["call", "okta.get_user", "userid=1"]));
    assert!(code == Some(1) && out.contains("did you mean `user_id`?"), "{out}");
}

#[test]
fn the_list_and_each_connector_are_told() {
    let (code, out) = said(&vigie(&["list"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("CrowdStrike Falcon") && out.contains("connected as edr"), "{out}");
    let (_, out) = said(&vigie(&["show", "edr"]));
    assert!(
        out.contains("crowdstrike.contain  [destructive]")
            && out.contains("undone by lift_containment"),
        "{out}"
    );
    let (_, out) = said(&vigie(&["show", "okta", "--format", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(shown["fields"]["token"]["type"], "secret");
}

#[test]
fn a_tool_is_asked_whether_it_lets_us_in() {
    let config = okta();
    let (code, out) = said(&vigie_beside(&config, &["test", "okta"]));
    assert!(code == Some(0) && out.starts_with("okta           good  login al"), "{out}");
    let wrong = config.replace("{env: OKTA_TOKEN}", "{env: EDR_SECRET}");
    let (code, out) = said(&vigie_beside(&wrong, &["test", "okta"]));
    let wanted = "okta           MEND  not done: answered 401: Invalid token provided\n";
    assert_eq!((code, out.as_str()), (Some(1), wanted));
    let (code, out) = said(&vigie_beside(&config, &["test", "oka"]));
    assert!(code == Some(2) && out.contains("did you mean \"okta\"?"), "{out}");
}

/// What a tool says reaches the terminal as text, never as its commands.
#[test]
fn a_look_is_answered_on_the_terminal() {
    let config = okta();
    let (code, out) = said(&vigie_beside(&config, &["call", "okta.get_user", "user_id=u1"]));
    assert_eq!(code, Some(0));
    assert!(out.contains("status          ACTIVE") && out.contains("al\\u{1b}[31mice"), "{out}");
    let json = ["call", "okta.get_user", "user_id=u1", "--format", "json"];
    let (_, out) = said(&vigie_beside(&config, &json));
    let called: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(called["answered"]["out"]["id"], "u1");
}
