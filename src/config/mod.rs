//! What `vigie.yaml` says, checked: every mistake with its place and the nearest right word, all of them at once.
//!
//! The file is parsed once into a tree that knows its places (`crate::yaml`). Each section is read from it; the fixed keys
//! also pass through the `config` crate, as the layer between their defaults and the environment (`fixed`).

mod address;
mod command;
mod environment;
mod fixed;
mod guard;
mod ladders;
mod people;
mod reference;
mod routes;
mod secret;
mod sources;
mod tls;
mod tools;
mod whom;

pub use crate::yaml::units::{Rate, duration};
pub use crate::yaml::{Place, Problem, Spot, nearest};
pub use address::SecretUrl;
pub use environment::unknown_variables;
pub use reference::reference;
pub use secret::Secrets;
pub use sources::{Auth, Source};
pub use tools::Tools;

use crate::certificate::Files;
use crate::connectors::{Library, Lines};
use crate::domain::alert::dedup::hex;
use crate::domain::alert::escalation::Ladder;
use crate::domain::ids::{EscalationName, PlaybookName, RoleName, SourceName, TeamName};
use crate::domain::input::Version;
use crate::domain::people::ChannelRef;
use crate::domain::playbook::Playbooks;
use crate::domain::policy::{Policy, Role, Route, Team};
use crate::domain::protected::{Limits, Protected};
use crate::domain::time::Timestamp;
use crate::domain::tool::Catalogue;
use crate::yaml::fields::{Fields, Shape, key};
use crate::yaml::{self, Report};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

const FILE: Shape = Shape {
    name: "vigie.yaml",
    keys: &[
        key("slack", "map", "", "The workspace, and how we speak to it."),
        key("store", "map", "", "Where everything is kept."),
        key("http", "map", "", "The listener for webhooks, health and metrics."),
        key("heartbeat", "map", "none", "Who is told that Vigie lives."),
        key("log", "map", "", "What is logged."),
        key("roles", "map by name", "", "Who may do what. Wanted."),
        key("teams", "map by name", "none", "Who answers for alerts together."),
        key("sources", "map by name", "", "Who sends alerts. Wanted."),
        key("routes", "list", "", "Where alerts go. Wanted."),
        key(
            "escalations",
            "map by name",
            "`standard`",
            "Who hears of an alert that nobody acknowledges.",
        ),
        key("schedules", "map by name", "none", "Who is on call. They do not turn yet."),
        key("tools", "map by name", "none", "What playbooks call."),
        key("protected", "map", "none", "What no playbook does something destructive to."),
        key("limits", "map", "none", "How often something destructive may be done."),
    ],
    later: &["calendars"],
};

/// Everything an installation can set.
#[derive(Clone, Debug)]
pub struct Settings {
    pub slack: Slack,
    pub store: Store,
    pub http: Http,
    /// `None` too where its address is a secret, and secrets were left alone.
    pub heartbeat: Option<Heartbeat>,
    pub log: Log,
    pub roles: BTreeMap<RoleName, Role>,
    pub teams: BTreeMap<TeamName, Team>,
    pub sources: BTreeMap<SourceName, Source>,
    pub routes: Vec<Route>,
    pub escalations: BTreeMap<EscalationName, Ladder>,
    /// The tools that are connected.
    pub catalogue: Arc<Catalogue>,
    /// Their connections, with their secrets.
    pub lines: Arc<Lines>,
    pub protected: Protected,
    pub limits: Limits,
    /// The playbooks that routes name, each with what is wrong where there is none of that name.
    pub named_playbooks: Vec<(PlaybookName, Problem)>,
    /// The playbooks that were read against this config (`with_playbooks`).
    pub playbooks: Arc<Playbooks>,
    /// The file's text, as the journal keeps it: what is a secret, or one of its kind, is covered.
    pub text: String,
    /// SHA-256 of the file, of each variable that goes before it, and of each connector and playbook in use; hex.
    pub config_hash: String,
    /// What is not wrong, but should be known.
    pub warnings: Vec<Problem>,
}

/// The workspace and how we speak to it.
#[derive(Clone, Debug)]
pub struct Slack {
    /// Where a route names no channel.
    pub channel: ChannelRef,
    /// Where people's times are told in.
    pub timezone: TimeZone,
    pub api_url: Url,
    /// How fast messages go to one channel.
    pub post_rate: Rate,
    /// `None` only where secrets were left alone.
    pub tokens: Option<Tokens>,
}

/// Slack's two tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// `xoxb-…`: the Web API.
    pub bot: SecretString,
    /// `xapp-…`: Socket Mode.
    pub app: SecretString,
}

/// Where everything is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    pub path: PathBuf,
}

/// The listener for webhooks, health and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Http {
    pub listen: SocketAddr,
    /// In bytes, after decompression.
    pub max_body: usize,
    /// The certificate, where the listener serves HTTPS itself.
    pub tls: Option<Files>,
}

/// Who is told that we live, and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    pub url: SecretUrl,
    pub every: Duration,
}

/// What is logged, and how it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug` or `trace`; `RUST_LOG` goes before it.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people on a terminal, JSON elsewhere.
    Auto,
    Human,
    Json,
}

/// What a config is read against.
#[derive(Clone, Copy)]
pub struct Outside<'a> {
    /// The environment: `|name| std::env::var(name).ok()` in `main`.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The mappings that exist, for `type:` of a source.
    pub mappings: &'a [&'a str],
    /// The connectors that exist, for `tools`.
    pub connectors: &'a Library,
    pub secrets: Secrets,
}

impl fmt::Debug for Outside<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads a file. `Err` holds everything that is wrong with it, in the file's order.
    pub fn load(path: &Path, outside: &Outside<'_>) -> Result<Self, Vec<Problem>> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|why| vec![Problem::whole(&file, format!("cannot be read: {why}"))])?;
        Self::read(&file, &text, outside)
    }

    /// Reads a text that stands, or could stand, in `file`.
    pub fn read(file: &str, text: &str, outside: &Outside<'_>) -> Result<Self, Vec<Problem>> {
        let mut report = Report::new(file, text);
        let settings = yaml::parse(text, &mut report)
            .and_then(|root| read_root(&root, text, outside, &mut report));
        let (problems, warnings) = report.finish();
        match settings {
            Some(settings) if problems.is_empty() => Ok(Self { warnings, ..settings }),
            _ => Err(problems),
        }
    }

    /// This version, as the journal keeps it.
    pub fn version(&self) -> Version {
        let roles = self.roles.iter().map(|(name, role)| (name.clone(), role.holders())).collect();
        let ladders = self.escalations.iter();
        let ladders = ladders.map(|(name, ladder)| (name.clone(), ladder.print())).collect();
        Version { hash: self.config_hash.clone(), text: self.text.clone(), roles, ladders }
    }

    /// What decisions read. `since` is when this version came into force, `of` when each of its ladders did, where that was
    /// before.
    pub fn policy(
        &self,
        since: Timestamp,
        of: impl Fn(&EscalationName, &Ladder) -> Option<Timestamp>,
    ) -> Policy {
        let ladders = self.escalations.iter();
        let ladders =
            ladders.map(|(name, ladder)| (name.clone(), of(name, ladder).unwrap_or(since)));
        Policy {
            config_hash: self.config_hash.clone(),
            since,
            ladders_since: ladders.collect(),
            timezone: self.slack.timezone.clone(),
            channel: self.slack.channel.clone(),
            roles: self.roles.clone(),
            teams: self.teams.clone(),
            routes: self.routes.clone(),
            escalations: self.escalations.clone(),
            catalogue: self.catalogue.clone(),
            playbooks: self.playbooks.clone(),
            protected: self.protected.clone(),
            limits: self.limits,
        }
    }

    /// The same with its playbooks. They are part of the version: where one of them is another, so is the config.
    pub fn with_playbooks(mut self, playbooks: Playbooks) -> Self {
        if !playbooks.0.is_empty() {
            let mut sha = Sha256::new_with_prefix(&self.config_hash);
            for (name, playbook) in &playbooks.0 {
                sha.update(format!("\0{name}={}", playbook.hash));
            }
            self.config_hash = hex(&sha.finalize());
        }
        Self { playbooks: Arc::new(playbooks), ..self }
    }
}

fn read_root(
    root: &yaml::Node,
    text: &str,
    outside: &Outside<'_>,
    report: &mut Report,
) -> Option<Settings> {
    let file = Fields::read(root, FILE, report)?;
    for (key, example) in [
        ("roles", "roles: {analyst: {users: [alice@example.com]}}"),
        ("sources", "sources: {scanner: {type: generic, auth: {bearer: {env: SCANNER_TOKEN}}}}"),
        ("routes", "routes: [{name: everything}]"),
    ] {
        if file.get(key).is_none() && root.get(key).is_none() {
            report.lacks(format!("`{key}` is missing"), format!("for example {example}"));
        }
    }
    let names = Names::of(root);
    let known = names.known();
    let fixed = fixed::Fixed::layer(root, outside, report);
    let slack = fixed.slack(report);
    let store = fixed.store(report);
    let http = fixed.http(report);
    let heartbeat = fixed.heartbeat(report);
    let log = fixed.log(report);
    let roles = file.get("roles").map(|node| people::roles(node, report)).unwrap_or_default();
    let schedules = root.get("schedules");
    let teams = file.get("teams").map(|node| people::teams(node, schedules, known, report));
    let sources = file.get("sources").map(|node| sources::read(node, outside, report));
    let routes = file.get("routes").map(|node| routes::read(node, known, report));
    let named_playbooks = routes::named(file.get("routes"), report);
    let escalations = ladders::read(file.get("escalations"), known, report);
    let tools = file.get("tools").map(|node| tools::read(node, outside, report));
    let tools = tools.unwrap_or_default();
    let protected = file.get("protected").map(|node| guard::protected(node, report));
    let limits = file.get("limits").map(|node| guard::limits(node, report));
    let config_hash = hash_of(text, outside, &tools.catalogue);
    Some(Settings {
        slack: slack?,
        store: store?,
        http: http?,
        heartbeat: heartbeat?,
        log: log?,
        roles,
        teams: teams.unwrap_or_default(),
        sources: sources.unwrap_or_default(),
        routes: routes.unwrap_or_default(),
        escalations,
        catalogue: tools.catalogue,
        lines: tools.lines,
        protected: protected.unwrap_or_default(),
        limits: limits.unwrap_or_default(),
        named_playbooks,
        playbooks: Arc::default(),
        text: report.shown(text),
        config_hash,
        warnings: Vec::new(),
    })
}

/// What was read, by its hash: the file, then each variable that goes before it, then what stands behind each tool.
fn hash_of(text: &str, outside: &Outside<'_>, catalogue: &Catalogue) -> String {
    let mut sha = Sha256::new_with_prefix(text);
    for (name, value) in environment::overrides(outside) {
        sha.update(format!("\0{name}={value}"));
    }
    for (name, tool) in &catalogue.0 {
        sha.update(format!("\0{name}={}", tool.print));
    }
    hex(&sha.finalize())
}

/// The names that the file gives, known before anything that refers to them is read.
struct Names<'n> {
    roles: Vec<&'n str>,
    teams: Vec<&'n str>,
    escalations: Vec<&'n str>,
}

impl<'n> Names<'n> {
    fn of(root: &'n yaml::Node) -> Self {
        let keys = |section: &str| match root.get(section).map(|node| &node.what) {
            Some(yaml::What::Map(entries)) => {
                entries.iter().map(|(k, _)| k.text.as_str()).collect()
            }
            _ => Vec::new(),
        };
        let mut escalations: Vec<&str> = keys("escalations");
        if !escalations.contains(&Ladder::STANDARD) {
            escalations.push(Ladder::STANDARD);
        }
        Self { roles: keys("roles"), teams: keys("teams"), escalations }
    }

    fn known(&self) -> whom::Known<'_> {
        whom::Known { roles: &self.roles, teams: &self.teams, escalations: &self.escalations }
    }
}
