//! A secret that stands where none belongs is told of and never shown; and those that are kept well are found.

use secrecy::ExposeSecret;
use vigie::config::{Outside, Problem, Secrets, Settings};
use vigie::connectors::Library;

const CANARY: &str = "hunter2-canary";

fn env(name: &str) -> Option<String> {
    let value = match name {
        "SLACK_BOT_TOKEN" => "xoxb-bot",
        "SLACK_APP_TOKEN" => "xapp-app",
        "SCANNER_TOKEN" => "scanner-secret",
        "HEARTBEAT" => "https://hc.example.com/hunter2-canary",
        _ => return None,
    };
    Some(value.to_owned())
}

fn read_with(
    text: &str,
    env: &dyn Fn(&str) -> Option<String>,
    secrets: Secrets,
) -> Result<Settings, Vec<Problem>> {
    Settings::read(
        "vigie.yaml",
        text,
        &Outside { env, mappings: &["generic"], connectors: Library::shipped(), secrets },
    )
}

fn read(text: &str) -> Result<Settings, Vec<Problem>> {
    read_with(text, &env, Secrets::Fetch)
}

fn printed(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

const REST: &str = "roles: {analyst: {users: [alice@example.com]}}\nroutes: [{name: everything}]\n";
const SOURCE: &str = "sources: {s: {type: generic, auth: {bearer: {env: SCANNER_TOKEN}}}}\n";

#[test]
fn a_secret_in_the_file_is_told_of_and_not_shown() {
    for section in [
        "sources: {s: {type: generic, auth: {bearer: hunter2-canary}}}",
        "sources: {s: {typ: generic, auth: {bearer: hunter2-canary}}}",
        "sources: {s: {typ: generic, bearer: 'hunter2-canary'}}",
        "sources: {s: {type: generic, auth: hunter2-canary}}",
        "sources: {s: {type: generic, auth: {bearr: hunter2-canary}}}",
        "sources: {s: {type: generic, auth: {token: [hunter2-canary, \"hunter2-canary\"]}}}",
        "sources: {s: {type: generic, auth: {token: {env: hunter2-canary}}}}",
        "sources: {s: {type: generic, auth: {hmac: {secrets: [hunter2-canary]}}}}",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer:\n        - hunter2-canary\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: |\n        hunter2-canary\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: >-\n        hunter2-canary\n        x\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: hunter2-canary\n        on-two-lines\n",
        "slack: {bot_token: hunter2-canary}",
        "slack: {api_url: 'http://vigie:hunter2-canary@slack.example.com/'}",
        "slack: {api_url: 'htp://vigie:hunter2-canary@slack.example.com/'}",
        "heartbeat: {url: hunter2-canary}",
        "heartbeat: {ulr: x, url: 'https://hc.example.com/hunter2-canary'}",
        "heartbeat: {url: [hunter2-canary]}",
        "x: &s hunter2-canary\nsources: {s: {type: generic, auth: {bearer: *s}}}",
        // No YAML at all.
        "sources: {s: {type: generic, auth: {bearer: \"hunter2-canary}}}",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: !hunter2-canary x\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: @hunter2-canary\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer:\n        - 'hunter2-canary' x\n",
        "sources:\n  s:\n    type: generic\n    auth:\n      bearer: *hunter2-canary\n",
        "heartbeat:\n  url: https://hc.example.com/hunter2-canary: x\n",
    ] {
        let text = format!("{REST}{section}\n");
        let problems = read(&text).expect_err(section);
        let printed = printed(&problems);
        assert!(!printed.contains(CANARY), "{section}\n{printed}");
        assert!(!printed.contains("on-two-lines"), "{section}\n{printed}");
    }
}

#[test]
fn what_stands_beside_a_hidden_secret_keeps_its_place() {
    let text =
        format!("{REST}sources: {{s: {{auth: {{bearer: hunter2-canary}}, typ: generic}}}}\n");
    insta::assert_snapshot!(printed(&read(&text).expect_err("mistakes")));
}

#[test]
fn a_secret_in_a_variable_is_not_shown_either() {
    for (name, value) in [
        ("SLACK_API_URL", "http://vigie:hunter2-canary@slack.example.com/"),
        ("SLACK_API_URL", "vigie:hunter2-canary@slack.example.com"),
        ("VIGIE__HEARTBEAT__URL", "hunter2-canary"),
        ("SLACK_BOT_TOKEN", "hunter2-canary"),
        ("SLACK_APP_TOKEN", "xoxb-hunter2-canary"),
    ] {
        let env = |asked: &str| if asked == name { Some(value.to_owned()) } else { env(asked) };
        let text = format!("{REST}{SOURCE}");
        let problems = read_with(&text, &env, Secrets::Fetch).expect_err(name);
        let printed = printed(&problems);
        assert!(printed.contains(name) && !printed.contains(CANARY), "{printed}");
    }
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let text = format!("{REST}{SOURCE}slack: {{app_token: {{env: SCANNER_TOKEN}}}}\n");
    let env = |name: &str| match name {
        "SLACK_BOT_TOKEN" => Some("xoxp-1".to_owned()),
        "SLACK_APP_TOKEN" => None,
        other => env(other),
    };
    let problems = read_with(&text, &env, Secrets::Fetch).expect_err("two");
    let told: Vec<_> = problems.iter().map(Problem::headline).collect();
    assert_eq!(
        told,
        [
            "vigie.yaml:4:20: slack.app_token is none of Slack's tokens: it wants the one that begins with xapp-",
            "SLACK_BOT_TOKEN: slack.bot_token is none of Slack's tokens: it wants the one that begins with xoxb-",
        ]
    );
}

#[test]
fn the_heartbeats_address_is_a_secret_of_its_kind() {
    let config =
        |url: &str| format!("{REST}{SOURCE}heartbeat: {{every: 1m, url: {url}}} # beats\n");
    let address = "https://hc.example.com/hunter2-canary";
    let literal = read(&config(address)).expect("good, with a warning");
    assert_eq!(literal.heartbeat.as_ref().expect("one").url.expose().as_str(), address);
    assert!(!format!("{literal:?}").contains(CANARY), "{literal:?}");
    let warned = printed(&literal.warnings);
    assert!(warned.contains("`heartbeat.url` is a secret of its kind"), "{warned}");
    assert!(literal.text.contains("# beats") && !literal.text.contains(CANARY), "{}", literal.text);

    let kept = read(&config("{env: HEARTBEAT}")).expect("good");
    assert_eq!(kept.heartbeat.as_ref().expect("one").url.expose().as_str(), address);
    assert!(kept.warnings.is_empty());
    assert_eq!(kept.text, config("{env: HEARTBEAT}"), "nothing of it is a secret");
    let left = read_with(&config("{env: HEARTBEAT}"), &|_| None, Secrets::Leave).expect("good");
    assert_eq!(left.heartbeat, None);

    let wrong = read(&config("{env: SCANNER_TOKEN}")).expect_err("no address");
    assert!(printed(&wrong).contains("`heartbeat.url`: this is no address"), "{wrong:?}");
    let overridden = |name: &str| match name {
        "VIGIE__HEARTBEAT__URL" => Some("https://hc.example.com/other".to_owned()),
        other => env(other),
    };
    let other = read_with(&config("{env: NOT_SET}"), &overridden, Secrets::Fetch).expect("good");
    assert_eq!(other.heartbeat.expect("one").url.expose().path(), "/other");
    assert_eq!(other.slack.tokens.expect("fetched").bot.expose_secret(), "xoxb-bot");
}
