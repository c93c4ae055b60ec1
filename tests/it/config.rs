//! One bad file per mistake, each with what is said of it; and good files, with what they mean.

use crate::bad_files;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::time::Duration;
use vigie::config::{Auth, Outside, Problem, Secrets, Settings};
use vigie::connectors::Library;
use vigie::domain::alert::escalation::Acknowledge;
use vigie::domain::event::Way;
use vigie::domain::people::{ChannelRef, UserRef};
use vigie::domain::policy::Whom;

const MAPPINGS: [&str; 3] = ["generic", "github", "elastic-security"];

fn env(name: &str) -> Option<String> {
    let value = match name {
        "SLACK_BOT_TOKEN" => "xoxb-bot",
        "SLACK_APP_TOKEN" => "xapp-app",
        "SCANNER_TOKEN" => "scanner-secret\n",
        "ELASTIC_HOOK_TOKEN" => "elastic-secret",
        "EMPTY" => "",
        _ => return None,
    };
    Some(value.to_owned())
}

fn outside<'a>(env: &'a dyn Fn(&str) -> Option<String>) -> Outside<'a> {
    Outside { env, mappings: &MAPPINGS, connectors: Library::shipped(), secrets: Secrets::Fetch }
}

/// The good files, by name.
fn goods() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/good");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    files
}

fn read(text: &str) -> Result<Settings, Vec<Problem>> {
    Settings::read("vigie.yaml", text, &outside(&env))
}

fn good(name: &str) -> Settings {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/good").join(name);
    Settings::load(&path, &outside(&env)).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|p| format!("{p}\n")).collect::<String>())
    })
}

#[test]
fn each_mistake_is_told_with_its_place_and_the_way_out() {
    let read = |text: &str| read(text).err().unwrap_or_default();
    bad_files::Kind { folder: "config", file: "vigie.yaml", read: &read }
        .each_is_told_as_expected();
}

#[test]
fn the_smallest_config_has_a_default_for_everything_else() {
    let settings = good("minimal.yaml");
    assert_eq!(settings.slack.channel, ChannelRef("#soc-alerts".into()));
    assert_eq!(settings.slack.api_url.as_str(), "https://slack.com/api/");
    assert_eq!(settings.slack.post_rate.interval(), Duration::from_secs(1));
    assert_eq!(settings.store.path, Path::new("vigie.db"));
    assert_eq!((settings.http.listen.port(), settings.http.max_body), (8080, 1 << 20));
    assert_eq!(settings.heartbeat, None);
    assert_eq!(settings.config_hash.len(), 64);
    assert!(settings.warnings.is_empty(), "{:?}", settings.warnings);
    let tokens = settings.slack.tokens.as_ref().expect("fetched");
    assert_eq!(tokens.bot.expose_secret(), "xoxb-bot");
    let Auth::Bearer(secrets) = &settings.sources[&"scanner".into()].auth else {
        panic!("a bearer token")
    };
    assert_eq!(secrets[0].expose_secret(), "scanner-secret");
    assert!(!format!("{settings:?}").contains("scanner-secret"));
}

#[test]
fn a_ladder_is_sorted_and_a_rung_with_several_ways_becomes_several() {
    let settings = good("seconds.yaml");
    let ladder = &settings.escalations[&"fast".into()];
    let told: Vec<_> = ladder
        .rungs
        .iter()
        .map(|r| (r.level, r.after.as_secs(), r.how.clone(), r.whom.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (1, 0, Way::Dm, vec![Whom::OnCall]),
            (2, 1, Way::Dm, vec![Whom::Role("analyst".into()), Whom::Lead]),
            (2, 1, Way::Thread, vec![Whom::Team]),
            (3, 3, Way::Channel(ChannelRef("#sec-leads".into())), vec![]),
        ]
    );
    assert_eq!(ladder.acknowledge, Acknowledge::One, "`each` is told to be not built yet");
    assert_eq!((ladder.repeat.every, ladder.repeat.times), (Duration::from_secs(2), 3));
    assert!(settings.escalations.contains_key(&"standard".into()));
}

/// The sample of the design with its one source that is refused today taken out; whatever is not built yet is told.
#[test]
fn the_full_grammar_is_read_and_what_is_not_built_yet_is_told() {
    let settings = good("design.yaml");
    let team = &settings.teams[&"blue".into()];
    assert_eq!(team.on_call, [Whom::User(UserRef("alice@example.com".into()))]);
    assert_eq!(team.treated.within, Some(Duration::from_secs(4 * 60 * 60)));
    assert_eq!(settings.routes.len(), 2);
    assert_eq!(settings.escalations[&"critical".into()].rungs.len(), 5);
    let told: String = settings.warnings.iter().map(|w| format!("{}\n", w.message)).collect();
    insta::assert_snapshot!(told);
}

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_defaults() {
    let text = std::fs::read_to_string(&goods()[2]).expect("a good file");
    let env = |name: &str| match name {
        "VIGIE__STORE__PATH" => Some("/data/vigie.db".to_owned()),
        "VIGIE__HTTP__LISTEN" => Some("localhost:0".to_owned()),
        "SLACK_API_URL" => Some("http://127.0.0.1:9000/api".to_owned()),
        other => env(other),
    };
    let settings = Settings::read("vigie.yaml", &text, &outside(&env)).expect("good");
    assert_eq!(settings.store.path, Path::new("/data/vigie.db"));
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:0");
    assert_eq!(settings.slack.api_url.as_str(), "http://127.0.0.1:9000/api");
    assert_eq!(settings.slack.channel, ChannelRef("C0SOC123".into()));
    assert_eq!(settings.http.max_body, 1 << 20);
}

#[test]
fn what_is_wrong_in_the_environment_names_the_variable() {
    let text = std::fs::read_to_string(&goods()[1]).expect("a good file");
    let env = |name: &str| match name {
        "VIGIE__HTTP__LISTEN" => Some("everywhere".to_owned()),
        "SLACK_BOT_TOKEN" => Some("xapp-swapped".to_owned()),
        "SLACK_APP_TOKEN" => None,
        other => env(other),
    };
    let problems = Settings::read("vigie.yaml", &text, &outside(&env)).expect_err("three mistakes");
    let told: String = problems.iter().map(|p| format!("{}\n", p.headline())).collect();
    assert!(!told.contains("xapp-swapped"));
    insta::assert_snapshot!(told);
}

#[test]
fn a_variable_that_names_no_setting_is_told_with_the_right_name() {
    let names = ["VIGIE__HTTP__LISEN", "HOME", "VIGIE__SLACK__BOT_TOKEN", "VIGIE__X"];
    let told = vigie::config::unknown_variables(names.map(str::to_owned));
    let hints: Vec<_> =
        told.iter().map(|problem| (problem.headline(), problem.hint.as_deref())).collect();
    let message = "the environment variable names no setting: it does nothing";
    let told = |name: &str, hint| (format!("{name}: {message}"), hint);
    assert_eq!(
        hints,
        [
            told("VIGIE__HTTP__LISEN", Some("did you mean VIGIE__HTTP__LISTEN?")),
            told("VIGIE__SLACK__BOT_TOKEN", Some("did you mean SLACK_BOT_TOKEN?")),
            told("VIGIE__X", None),
        ]
    );
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let text = std::fs::read_to_string(&goods()[1]).expect("a good file");
    let env = |name: &str| match name {
        "SLACK_API_URL" | "VIGIE__STORE__PATH" => Some(String::new()),
        "VIGIE__HTTP__LISTEN" | "VIGIE__HEARTBEAT__URL" => Some(" ".to_owned()),
        other => env(other),
    };
    let settings = Settings::read("vigie.yaml", &text, &outside(&env)).expect("good");
    assert_eq!(settings.slack.api_url.as_str(), "https://slack.com/api/");
    assert_eq!(settings.store.path, Path::new("vigie.db"));
    assert_eq!(settings.http.listen.port(), 8080);
}

/// What the design shows, with the mappings that are shipped today: each thing that is not there yet is told as such.
#[test]
fn the_sample_of_the_design_says_what_comes_later() {
    let design = std::fs::read_to_string(&goods()[0]).expect("the sample");
    let github = "sources:\n  github:  {type: github, auth: {hmac: {preset: github, secrets: [{env: GITHUB_HOOK_SECRET}]}}}\n";
    let text = design.replacen("sources:\n", github, 1);
    let outside = Outside { mappings: &["alertmanager", "generic"], ..outside(&env) };
    let problems = Settings::read("vigie.yaml", &text, &outside).expect_err("it cannot run yet");
    let told: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "the mapping `github` comes with a later release",
            "`hmac` comes with a later release",
            "the mapping `elastic-security` comes with a later release",
        ]
    );
}

#[test]
fn without_secrets_a_config_can_be_checked_anywhere() {
    let text = std::fs::read_to_string(&goods()[1]).expect("a good file");
    let nothing = |_: &str| None;
    let outside = Outside { secrets: Secrets::Leave, ..outside(&nothing) };
    let settings = Settings::read("vigie.yaml", &text, &outside).expect("no secret is asked for");
    assert!(settings.slack.tokens.is_none());
    assert!(
        matches!(&settings.sources[&"scanner".into()].auth, Auth::Bearer(none) if none.is_empty())
    );
}

#[test]
fn a_problem_is_printed_with_its_line_and_a_mark() {
    let text = "roles:\n  analyst: {users: [alice@example.com]}\nteams:\n  blue: {membres: x}\n";
    let problems = read(text).expect_err("mistakes");
    insta::assert_snapshot!(problems.iter().map(|p| format!("{p}\n")).collect::<String>());
}

/// Whoever copies an example from the docs gets a config that works: each block is read over the smallest one.
#[test]
fn every_example_of_the_docs_is_read() {
    let docs = include_str!("../../docs/configuration.md");
    let blocks: Vec<_> =
        docs.split("```yaml\n").skip(1).filter_map(|b| b.split("```").next()).collect();
    let outside = Outside { secrets: Secrets::Leave, ..outside(&env) };
    let minimal = [
        ("roles", "  analyst: {users: alice@example.com}\n  lead: {users: carla@example.com}\n"),
        ("teams", "  blue: {members: role(analyst)}\n"),
        ("sources", "  s: {type: generic, auth: none}\n"),
        ("escalations", "  critical: {ladder: [{after: 5m, dm: lead}]}\n"),
        ("routes", "  - name: everything\n"),
    ];
    let sections = blocks.iter().filter(|block| !block.starts_with("bearer"));
    assert!(sections.clone().count() > 8);
    for block in sections {
        let mut text = (*block).to_owned();
        for (key, example) in minimal {
            if !text.lines().any(|line| line == format!("{key}:")) {
                text.push_str(&format!("{key}:\n{example}"));
            }
        }
        let problems = Settings::read("docs", &text, &outside).err().unwrap_or_default();
        let told: String = problems.iter().map(|problem| format!("{problem}\n")).collect();
        assert!(told.is_empty(), "{told}");
    }
}

/// The tables of docs/configuration.md are the ones that the config is checked against. To write them anew:
/// `VIGIE_WRITE_DOCS=1 cargo test --test it the_page_of_the_config`.
#[test]
fn the_page_of_the_config_has_every_key_as_it_is_checked() {
    page_has("docs/configuration.md", vigie::config::reference(), "the_page_of_the_config");
}

/// A page has each of these tables between its marks, as it is. `test` writes it anew.
pub(crate) fn page_has(name: &str, mut tables: Vec<(String, String)>, test: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let page = std::fs::read_to_string(&path).expect("the page");
    let mut written = String::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once("<!-- keys: ") {
        let (place, after) = after.split_once(" -->\n").expect("the mark ends");
        let (_, after) = after.split_once("<!-- end -->").expect("the table ends");
        let at = tables.iter().position(|(of, _)| of == place);
        let (_, table) =
            tables.remove(at.unwrap_or_else(|| panic!("no keys of {place}, or twice")));
        written.push_str(&format!("{before}<!-- keys: {place} -->\n\n{table}\n<!-- end -->"));
        rest = after;
    }
    written.push_str(rest);
    let missing: Vec<_> = tables.iter().map(|(place, _)| place).collect();
    assert!(missing.is_empty(), "no place in the page for the keys of {missing:?}");
    if std::env::var_os("VIGIE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).expect("written");
    }
    assert!(page == written, "the page is behind: VIGIE_WRITE_DOCS=1 cargo test --test it {test}");
}
