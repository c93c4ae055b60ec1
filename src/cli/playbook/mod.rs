//! `vigie playbook …`: which playbooks there are, whether they are right, what one would do; and their runs, through the running
//! process.

mod lint;
mod list;
mod plan;
mod run;
mod running;
mod runs;
mod standing;
mod test;
mod words;

#[cfg(test)]
mod tests;

use super::{Env, Exit, Format, answer, complain, mappings_beside, settings};
use crate::config::{Place, Problem, Secrets, Settings};
use crate::connectors::Library as Connectors;
use crate::domain::ids::{PlaybookName, RoleName};
use crate::domain::playbook::{self, Playbooks};
use crate::domain::tool::Catalogue;
use crate::playbooks::{Known, Library, rehearsal};
use crate::yaml::problem::suggest;
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `vigie playbook …`
#[derive(Debug, Args)]
pub struct Playbook {
    #[command(subcommand)]
    pub command: PlaybookCommand,
}

#[derive(Debug, Subcommand)]
pub enum PlaybookCommand {
    #[command(flatten)]
    Look(Look),
    #[command(flatten)]
    Act(Act),
}

/// What only reads.
#[derive(Debug, Subcommand)]
pub enum Look {
    /// Which playbooks can run, who may run them, and which of ours wait for a tool.
    #[command(after_help = "\
Example:
  vigie playbook list --config vigie.yaml")]
    List(List),
    /// Are these files right? Each mistake with its place and the nearest right word.
    #[command(after_help = "\
Without a FILE it is the folder `playbooks` beside the config. Exits with 1 if something is wrong.

Example:
  vigie playbook lint playbooks/isolate-host.yaml")]
    Lint(Lint),
    /// What would it do for this alert? Each call in order, as far as it is known; nothing is called.
    #[command(after_help = "\
The alert is one of the database (--alert), or a file in our own JSON, as `vigie source test --format json` prints one. What an
earlier step will give stands as ‹find.id›. Exits with 1 where there is no plan, and says why.

Example:
  vigie playbook plan isolate-host --alert-file alert.json --ask host=web-1 --ask reason=beacons")]
    Plan(plan::Plan),
    /// Which runs there are, and what those that wait are waiting for.
    #[command(after_help = "\
Example:
  vigie playbook runs --state in_doubt")]
    Runs(runs::Runs),
    /// Try playbooks without any tool: cases say what the tools would answer, and what must come of it.
    #[command(after_help = "\
Without a FILE it is the folder `playbooks/tests` beside the config; the file's name is the playbook's. Nothing is called: a tool need
not be connected. Exits with 1 where something comes out otherwise.

Example:
  vigie playbook test playbooks/tests/isolate-host.yaml")]
    Test(test::Test),
    /// Print the JSON Schema, from which editors complete and explain.
    #[command(after_help = "\
Example:
  vigie playbook schema > playbook.schema.json
  then above a playbook: # yaml-language-server: $schema=playbook.schema.json")]
    Schema(Schema),
}

/// What goes through the running process.
#[derive(Debug, Subcommand)]
pub enum Act {
    /// Run it on an alert: shows the plan, asks, starts it, and says how each step went. Vigie must run.
    #[command(after_help = "\
It is by roles like a button: list the account in the config, roles: {analyst: {users: [\"os:root\"]}}. Where an approval is wanted it
waits for somebody else. Exits with 0 where it was done, with 1 where it failed, was refused or waits.

Example:
  vigie playbook run isolate-host --alert alr_01JDGQ5R6ZK3V8W9XACEGHJKMN --ask host=web-1 --ask reason=beacons")]
    Run(run::Run),
    /// Approve a run that waits. Never your own.
    #[command(after_help = "\
Example:
  vigie playbook approve run_01JDGQ5R6ZK3V8W9XACEGHJKMN")]
    Approve(runs::Approve),
    /// Refuse a run that waits: nothing of it is done.
    #[command(after_help = "\
Example:
  vigie playbook decline run_01JDGQ5R6ZK3V8W9XACEGHJKMN")]
    Decline(runs::OneRun),
    /// Stop a run: what is under way ends, nothing further is done.
    #[command(after_help = "\
Example:
  vigie playbook cancel run_01JDGQ5R6ZK3V8W9XACEGHJKMN")]
    Cancel(runs::OneRun),
    /// Say what is to come of a step in doubt.
    #[command(after_help = "\
`vigie playbook runs --state in_doubt` says what is asked. Look in the tool first.

Example:
  vigie playbook decide run_01JDGQ5R6ZK3V8W9XACEGHJKMN contain happened")]
    Decide(runs::Decide),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    pub config: super::Config,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

#[derive(Debug, Args)]
pub struct Schema {
    /// That of a file of tests
    #[arg(long)]
    pub tests: bool,
    /// The config, for tools of its own; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Lint {
    /// Playbooks; none means the folder beside the config
    pub files: Vec<PathBuf>,
    /// The config, for its tools and roles; vigie.yaml is taken where it is there
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Does what was asked.
pub async fn run(args: &Playbook, env: Env<'_>) -> anyhow::Result<Exit> {
    match &args.command {
        PlaybookCommand::Look(look) => {
            let (exit, text) = said(look, env)?;
            answer(text)?;
            Ok(exit)
        }
        PlaybookCommand::Act(Act::Run(args)) => run::run(args, env).await,
        PlaybookCommand::Act(Act::Approve(args)) => runs::approve(args, env).await,
        PlaybookCommand::Act(Act::Decline(args)) => runs::decline(args, env).await,
        PlaybookCommand::Act(Act::Cancel(args)) => runs::cancel(args, env).await,
        PlaybookCommand::Act(Act::Decide(args)) => runs::decide(args, env).await,
    }
}

/// What is found, as text.
fn said(look: &Look, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    match look {
        Look::List(args) => {
            let (settings, library) = shelf(&args.config.config, env)?;
            Ok((Exit::Good, list::told(&settings, &library, args.format)))
        }
        Look::Lint(args) => lint::run(args, env),
        Look::Plan(args) => plan::run(args, env),
        Look::Runs(args) => runs::told(args, env),
        Look::Test(args) => test::run(args, env),
        Look::Schema(Schema { tests: true, .. }) => {
            Ok((Exit::Good, format!("{:#}", rehearsal::schema())))
        }
        Look::Schema(args) => Ok((Exit::Good, format!("{:#}", schema(args, env)?))),
    }
}

/// The schema of playbooks, with the tools that we ship and those of the config.
fn schema(args: &Schema, env: Env<'_>) -> anyhow::Result<serde_json::Value> {
    let mut catalogue = Connectors::shipped().unconnected();
    if args.config.is_some() || Path::new(CONFIG).exists() {
        let own = Setting::of(args.config.as_deref(), env)?.catalogue;
        catalogue.0.extend(own.0.clone());
    }
    Ok(crate::playbooks::schema(&catalogue))
}

/// A config's settings, and the playbooks that can run with it.
fn shelf(config: &Path, env: Env<'_>) -> anyhow::Result<(Settings, Library)> {
    let mappings = mappings_beside(Some(config))?;
    let settings = settings(config, &mappings, (env, Secrets::Leave))?;
    let library = beside(config, &settings);
    let library = library.map_err(|problems| anyhow::anyhow!(super::joined(&problems)))?;
    Ok((settings, library))
}

/// The playbooks that we ship, and those in the folder `playbooks` beside the config, checked against it.
pub(super) fn beside(config: &Path, settings: &Settings) -> Result<Library, Vec<Problem>> {
    let roles: Vec<RoleName> = settings.roles.keys().cloned().collect();
    let known = Known { catalogue: &settings.catalogue, roles: Some(&roles) };
    let mut library = Library::load(&folder(config), known)?;
    library.warnings.extend(hopeless(settings, &library.playbooks));
    let unknown = unknown(settings, &library);
    if unknown.is_empty() { Ok(library) } else { Err(unknown) }
}

/// Approvals that can never be had: a role that takes its people from the config alone, and lists too few of them.
fn hopeless(settings: &Settings, playbooks: &Playbooks) -> Vec<Problem> {
    let told = |playbook: &Arc<playbook::Playbook>| {
        let rule = playbook.approve.as_ref()?;
        let role = settings.roles.get(&rule.by)?;
        let listed = role.users.len() + role.os.len();
        let wanted = usize::try_from(rule.quorum).unwrap_or(usize::MAX);
        (role.usergroups.is_empty() && listed < wanted).then(|| Problem {
            place: Place::Whole { file: format!("playbooks/{}.yaml", playbook.name) },
            message: format!(
                "it takes {} by `{}`, of whom there are {listed}: nobody can ever have it done",
                super::check::counted(wanted, "approval"),
                rule.by
            ),
            hint: Some("add people to the role, or lower `quorum`".to_owned()),
        })
    };
    playbooks.0.values().filter_map(told).collect()
}

/// The playbooks that routes name and that there are not: their alerts would be offered nothing, and nobody would know why.
fn unknown(settings: &Settings, library: &Library) -> Vec<Problem> {
    let waiting = library.waiting.iter().map(|waiting| waiting.name.as_str());
    let names: Vec<&str> =
        library.playbooks.0.keys().map(|name| name.as_str()).chain(waiting).collect();
    let named = settings.named_playbooks.iter();
    let unknown = named.filter(|(name, _)| !names.contains(&name.as_str()));
    let told = |(name, problem): &(PlaybookName, Problem)| Problem {
        hint: suggest(name.as_str(), &names),
        ..problem.clone()
    };
    unknown.map(told).collect()
}

/// The folder of a team's own playbooks.
pub(super) fn folder(config: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join("playbooks")
}

/// Where the config is taken from when nobody says.
const CONFIG: &str = "vigie.yaml";

/// What a file is checked against: the config's tools and roles; without a config ours, and any role.
struct Setting {
    config: PathBuf,
    catalogue: Arc<Catalogue>,
    roles: Option<Vec<RoleName>>,
}

impl Setting {
    fn of(named: Option<&Path>, env: Env<'_>) -> anyhow::Result<Self> {
        let usual = Path::new(CONFIG);
        let config = named.unwrap_or(usual).to_owned();
        if named.is_none() && !usual.exists() {
            complain("no vigie.yaml here: any role will do, and the tools are those that we ship");
            return Ok(Self {
                config,
                catalogue: Arc::new(Connectors::shipped().unconnected()),
                roles: None,
            });
        }
        let mappings = mappings_beside(Some(&config))?;
        let settings = settings(&config, &mappings, (env, Secrets::Leave))?;
        let roles = Some(settings.roles.keys().cloned().collect());
        Ok(Self { config, catalogue: settings.catalogue, roles })
    }

    fn known(&self) -> Known<'_> {
        Known { catalogue: &self.catalogue, roles: self.roles.as_deref() }
    }
}
