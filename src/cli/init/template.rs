//! The text of the first files. The config is for people to go on with: its comments are the next steps.

use super::answers::Answers;
use super::files::Text;
use crate::cli::manifest::MANIFEST;
use std::fmt::Write as _;

const CONFIG: &str = "vigie.yaml";
const APP: &str = "slack-manifest.yaml";
const VARIABLES: &str = ".env.example";

/// The files' names.
pub const NAMES: [&str; 3] = [CONFIG, APP, VARIABLES];

/// All of them.
pub fn files(answers: &Answers) -> [Text; 3] {
    [(CONFIG, config(answers)), (APP, manifest()), (VARIABLES, variables(answers))]
}

/// The config. A line whose `#` no space follows, or more than one, is YAML that waits for its `#` to be taken away.
pub fn config(answers: &Answers) -> String {
    let holders = match &answers.lead {
        Some(lead) => format!("\n      - {}", quoted(lead)),
        None => " []                 # nobody yet: write [carla@example.com]".to_owned(),
    };
    include_str!("vigie.yaml")
        .replace("{channel}", &quoted(&answers.channel))
        .replace("{timezone}", &quoted(&answers.timezone))
        .replace("{holders}", &holders)
        .replace("{variable}", &variable(&answers.source))
        .replace("{source}", &key(&answers.source))
}

/// The whole of it, so that a change of the config later (a user group, a private channel) needs no new approval.
fn manifest() -> String {
    format!(
        "# Vigie asks for all that any config may need, so that a later change of yours needs no new approval of the app.\n\
         # What each scope is for: docs/slack-administrator.md\n{MANIFEST}"
    )
}

fn variables(answers: &Answers) -> String {
    let source = variable(&answers.source);
    format!(
        "\
# The secrets that vigie.yaml names. Copy this file to .env, fill it in, and keep .env to yourself and out of git.
# For a shell: set -a; . ./.env; set +a      For systemd: EnvironmentFile=      For Docker: --env-file

# api.slack.com/apps, your app, OAuth & Permissions: Bot User OAuth Token. Begins with xoxb-
SLACK_BOT_TOKEN=

# Basic Information, App-Level Tokens: make one with the scope connections:write. Begins with xapp-
SLACK_APP_TOKEN=

# Yours to choose: make one with `openssl rand -hex 32`. The source sends it as Authorization: Bearer …
{source}=
"
    )
}

/// The variable that holds a source's secret: `siem` has `SIEM_HOOK_TOKEN`.
pub fn variable(source: &str) -> String {
    let mut name = String::new();
    for c in source.chars() {
        match c {
            'a'..='z' | '0'..='9' => name.push(c.to_ascii_uppercase()),
            _ if name.is_empty() || name.ends_with('_') => {}
            _ => name.push('_'),
        }
    }
    if !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        name.insert_str(0, "SOURCE_");
    }
    format!("{}_HOOK_TOKEN", name.trim_end_matches('_'))
}

/// A key as people write it, where YAML reads it as a text.
fn key(name: &str) -> String {
    const OTHERS: [&str; 8] = ["true", "false", "null", "yes", "no", "on", "off", "nan"];
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let is_plain = begins && name.len() > 1 && name.chars().all(plain) && !OTHERS.contains(&name);
    if is_plain { name.to_owned() } else { quoted(name) }
}

/// A double-quoted YAML scalar (YAML 1.2, 7.3.1): whatever is not a plain letter, digit or sign is written as an escape.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            _ if c.is_alphanumeric() => quoted.push(c),
            _ => drop(write!(quoted, "\\U{:08X}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Outside, Secrets, Settings};
    use crate::connectors::Library;

    fn read(text: &str) -> Settings {
        let nothing = |_: &str| None;
        let outside = Outside {
            env: &nothing,
            mappings: &["generic"],
            connectors: Library::shipped(),
            secrets: Secrets::Leave,
        };
        Settings::read("vigie.yaml", text, &outside).unwrap_or_else(|problems| {
            panic!("{}{text}", problems.iter().map(|p| format!("{p}\n")).collect::<String>())
        })
    }

    fn answers() -> Answers {
        Answers { lead: Some("carla@example.com".to_owned()), ..Answers::defaults() }
    }

    #[test]
    fn the_config_has_no_mistake_and_a_lead_leaves_no_warning() {
        assert_eq!(read(&config(&answers())).warnings, []);
        let leaderless = read(&config(&Answers::defaults()));
        let told: Vec<_> = leaderless.warnings.iter().map(|w| w.message.as_str()).collect();
        assert_eq!(told, ["nobody holds the role `lead`"]);
    }

    /// Whoever takes the `#` of an example away gets what it promises.
    #[test]
    fn every_example_in_the_comments_is_read() {
        let mut whole = String::new();
        let mut examples = 0;
        for line in config(&answers()).lines() {
            let (indent, rest) = line.split_at(line.len() - line.trim_start().len());
            let example = rest.strip_prefix('#').filter(|rest| {
                !rest.is_empty() && (!rest.starts_with(' ') || rest.starts_with("  "))
            });
            examples += usize::from(example.is_some());
            whole.push_str(&format!("{indent}{}\n", example.unwrap_or(rest)));
        }
        assert!(examples > 15, "{examples}");
        let settings = read(&whole);
        assert_eq!(settings.warnings, []);
        assert_eq!((settings.routes.len(), settings.teams.len(), settings.roles.len()), (2, 1, 2));
        assert_eq!(settings.escalations[&"critical".into()].rungs.len(), 3);
    }

    #[test]
    fn a_sources_variable_is_a_name_that_collides_with_none_of_ours() {
        for (source, name) in [
            ("siem", "SIEM_HOOK_TOKEN"),
            ("elastic-prod.eu", "ELASTIC_PROD_EU_HOOK_TOKEN"),
            ("3com", "SOURCE_3COM_HOOK_TOKEN"),
            ("vigie__http__listen", "VIGIE_HTTP_LISTEN_HOOK_TOKEN"),
            ("-.-", "SOURCE_HOOK_TOKEN"),
            ("x_", "X_HOOK_TOKEN"),
        ] {
            assert_eq!(variable(source), name);
        }
    }

    #[test]
    fn what_breaks_out_of_a_string_is_escaped() {
        assert_eq!(quoted("a\"b\\\nc\u{85}é"), "\"a\\\"b\\\\\\U0000000Ac\\U00000085é\"");
    }

    #[test]
    fn the_manifest_is_the_shipped_one_with_a_word_why() {
        let ours: serde_json::Value = serde_saphyr::from_str(&manifest()).expect("YAML");
        let shipped: serde_json::Value = serde_saphyr::from_str(MANIFEST).expect("YAML");
        assert_eq!(ours, shipped);
    }

    #[test]
    fn every_secret_of_the_config_has_its_variable() {
        let text = config(&answers());
        let named = text.split("env: ").skip(1).filter_map(|rest| rest.split_whitespace().next());
        let listed = variables(&answers());
        let mut count = 0;
        for name in named {
            assert!(listed.contains(&format!("\n{name}=\n")), "{name}");
            count += 1;
        }
        assert_eq!(count, 1);
        assert!(listed.contains("\nSLACK_BOT_TOKEN=\n") && listed.contains("\nSLACK_APP_TOKEN=\n"));
    }
}
