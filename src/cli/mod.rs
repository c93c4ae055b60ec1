//! The command line: one file a subcommand. Answers go to standard output, what went wrong to standard error.

pub mod act;
pub mod audit;
pub mod backup;
pub mod check;
mod config_file;
pub mod connector;
pub mod coverage;
pub mod demo;
pub mod doctor;
pub mod init;
pub mod kept;
pub mod manifest;
pub mod playbook;
mod print;
mod refusal;
pub mod restore;
pub mod serve;
mod signals;
pub mod source;
pub mod test_alert;

pub use print::{answer, complain};

use crate::clock::Clock;
use crate::config::{Log, Outside, Problem, Secrets, Settings};
use crate::intake::mapping::Mappings;
use crate::{connectors, metrics, telemetry};
use clap::{Args, Parser, Subcommand};
use config_file::ConfigFile;
use std::path::{Path, PathBuf};
use tokio::runtime::Runtime;

/// How a command ended. What could not run at all is an error, and exits with 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Good,
    /// 1: it ran, and the answer is no.
    No,
}

/// The environment, as commands see it: only `main` knows where it comes from.
pub type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// Vigie: the lookout. Security alerts become Slack messages that somebody must acknowledge.
#[derive(Debug, Parser)]
#[command(
    version,
    max_term_width = 100,
    after_help = "\
Begin here:
  vigie demo      see it work, without a Slack account
  vigie init      write a first config, the Slack app's manifest, and what secrets are wanted
  vigie check     is the config right?
  vigie doctor    do Slack, the disk and the hooks work, and what is to be mended?
  vigie serve     run it

Exit codes: 0 good; 1 the answer is no; 2 could not run."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

/// What can be asked.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the bot: hear webhooks and Slack, show alerts, escalate.
    #[command(after_help = "\
Needs SLACK_BOT_TOKEN (xoxb-…) and SLACK_APP_TOKEN (xapp-…), and the secrets that the config names.
On SIGTERM what was begun is finished. A config that changes is taken up while it runs, at once or at SIGHUP; one with a
mistake is told of in the log, and the one before stays in force.

Example:
  SLACK_BOT_TOKEN=xoxb-… SLACK_APP_TOKEN=xapp-… vigie serve --config vigie.yaml")]
    Serve(Config),

    /// See everything work on this machine: a local Slack with a page in the browser, no account needed.
    #[command(after_help = "\
Example:
  vigie demo --port 4040 --no-open")]
    Demo(Demo),

    /// Write a first config, the Slack app's manifest and the list of secrets. Nothing is written over.
    #[command(after_help = "\
On a terminal it asks what no flag says; Enter takes the default. It says what to type next.

Example, without questions:
  vigie init --yes --dir soc --channel '#soc-alerts' --lead carla@example.com")]
    Init(init::Init),

    /// Try everything that has to hold (tokens, scopes, channels, people, hooks, disk) and say what to mend.
    #[command(after_help = "\
It changes nothing and posts nothing, beside a running bot too. Exits with 1 if something is to be mended, with 2 if the
config does not read.

Example, with the address that sources send to:
  vigie doctor --config vigie.yaml --url https://hooks.example.com")]
    Doctor(doctor::Doctor),

    /// Check the config: each mistake with its place and the nearest right word.
    #[command(after_help = "\
Example, in a pipeline where the secrets are not at hand:
  vigie check --config vigie.yaml --without-secrets")]
    Check(Check),

    /// Try a source's mapping on a payload.
    Source(source::Source),

    /// Look at the tools and what they can do, ask one something, and try whether they let us in.
    Connector(connector::Connector),

    /// Look at the playbooks, check them, see what one would do, run one, and say how a run goes on.
    Playbook(playbook::Playbook),

    /// Acknowledge an alert from this machine, also while Slack is away.
    #[command(after_help = "\
The account that runs it needs a role that may: roles: {analyst: {users: [\"os:root\"]}}. Without one the attempt is recorded, and the
alert's thread asks whoever may to do it.

Example:
  vigie ack alr_01JDGQ5R6ZK3V8W9XACEGHJKMN")]
    Ack(act::Acknowledge),

    /// Resolve an alert from this machine.
    #[command(after_help = "\
Example:
  vigie resolve alr_01JDGQ5R6ZK3V8W9XACEGHJKMN --as false_positive --note 'the scanner of the audit'")]
    Resolve(act::Resolve),

    /// Send an alert that is marked as a test, and wait until Slack shows it.
    #[command(after_help = "\
It is routed, shown and escalated like any other, so somebody may be told; reports do not count it. Vigie must run.

Example:
  vigie test-alert --severity critical
  vigie test-alert --source prometheus --payload alertmanager.json")]
    TestAlert(test_alert::TestAlert),

    /// Look into the journal.
    #[command(subcommand)]
    Audit(Audit),

    /// Copy the database into one file that was verified. Works beside a running bot.
    #[command(after_help = "\
Lines that were said without record go along as FILE.emergency: keep both.

Example:
  vigie backup /backups/vigie-monday.db --config vigie.yaml")]
    Backup(Backup),

    /// Put a backup in the database's place. The bot must not run; the database from before is kept aside.
    #[command(after_help = "\
Exits with 1 where something would be lost, and says what: then --yes is wanted.

Example:
  vigie restore /backups/vigie-monday.db --config vigie.yaml")]
    Restore(Restore),

    /// Is every alert accounted for? received = shown + suppressed + pending.
    #[command(after_help = "\
Exits with 1 if the sum is wrong or an alert was not treated as its team's policy says.

Example, for the last day:
  vigie coverage --db vigie.db --since 24h")]
    Coverage(Coverage),

    /// Print the Slack app's manifest.
    #[command(after_help = "\
Example:
  vigie manifest > manifest.yaml
  then api.slack.com/apps, Create New App, From a manifest")]
    Manifest,
}

/// Look into the journal.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check that nobody changed the journal and that the tables say what it says. Works beside a running bot.
    #[command(after_help = "\
Example:
  vigie audit verify --db vigie.db")]
    Verify(Database),

    /// Make the tables anew from the journal. The bot must not run.
    #[command(after_help = "\
Example:
  vigie audit rebuild --config vigie.yaml")]
    Rebuild(Database),
}

/// Where the config is.
#[derive(Clone, Debug, Args)]
pub struct Config {
    /// The config file.
    #[arg(long, short, value_name = "FILE", default_value = "vigie.yaml")]
    pub config: PathBuf,
}

/// How the demo runs.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// The port of the page; 0 lets the system choose. Default: the first free one from 4040 on.
    #[arg(long)]
    pub port: Option<u16>,
    /// Do not open the browser.
    #[arg(long)]
    pub no_open: bool,
    /// Keep the demo's files in this folder; else they go when it ends.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

/// How strictly a config is checked.
#[derive(Clone, Debug, Args)]
pub struct Check {
    #[command(flatten)]
    pub config: Config,
    /// Do not fetch secrets: check only their form.
    #[arg(long)]
    pub without_secrets: bool,
    /// Count warnings as mistakes.
    #[arg(long)]
    pub strict: bool,
}

/// Which database.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// The config that names the database.
    #[arg(long, short, value_name = "FILE", default_value = "vigie.yaml")]
    pub config: PathBuf,
    /// The database itself; no config is needed then.
    #[arg(long, value_name = "FILE")]
    pub db: Option<PathBuf>,
}

/// What is copied, and where to.
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// The file to be made.
    #[arg(value_name = "FILE")]
    pub to: PathBuf,
    #[command(flatten)]
    pub database: Database,
    /// Replace FILE where it stands already.
    #[arg(long)]
    pub force: bool,
}

/// What is put back, and in whose place.
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// What `vigie backup` made.
    #[arg(value_name = "FILE")]
    pub from: PathBuf,
    #[command(flatten)]
    pub database: Database,
    /// Go on although something is lost.
    #[arg(long)]
    pub yes: bool,
}

/// Which alerts.
#[derive(Clone, Debug, Args)]
pub struct Coverage {
    #[command(flatten)]
    pub database: Database,
    /// Only alerts of this last while: 24h, 7d.
    #[arg(long, value_name = "SPAN", value_parser = crate::config::duration)]
    pub since: Option<std::time::Duration>,
    /// How the answer looks.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// How an answer looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
}

/// The mappings that we ship, and those in the folder `sources/` beside the config.
fn mappings_beside(config: Option<&Path>) -> anyhow::Result<Mappings> {
    let Some(config) = config else { return Ok(Mappings::shipped()) };
    Mappings::load(&sources_beside(config)).map_err(|mistakes| anyhow::anyhow!(joined(&mistakes)))
}

/// The connectors that we ship, and those in the folder `connectors/` beside the config.
fn connectors_beside(config: &Path) -> Result<connectors::Library, Vec<Problem>> {
    connectors::Library::load(&connector_folder(config))
}

/// The folder of a team's own connectors.
fn connector_folder(config: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join("connectors")
}

/// The folder of a team's own mappings.
fn sources_beside(config: &Path) -> PathBuf {
    config.parent().unwrap_or(Path::new("")).join("sources")
}

/// A config's settings, or everything that is wrong with it.
fn settings(
    file: &Path,
    mappings: &Mappings,
    (env, secrets): (Env<'_>, Secrets),
) -> anyhow::Result<Settings> {
    let names: Vec<&str> = mappings.names().collect();
    let read = connectors_beside(file).and_then(|connectors| {
        let outside = Outside { env, mappings: &names, connectors: &connectors, secrets };
        Settings::load(file, &outside)
    });
    read.map_err(|problems| anyhow::anyhow!("{}\n\nTry `vigie check`.", joined(&problems)))
}

fn joined(lines: &[impl std::fmt::Display]) -> String {
    lines.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Database {
    /// How it was named, for a line that is to name it again.
    fn flag(&self) -> String {
        match &self.db {
            Some(database) => format!("--db {}", database.display()),
            None => format!("--config {}", self.config.display()),
        }
    }

    /// The file meant: the one named, or the config's.
    fn path(&self, env: Env<'_>) -> anyhow::Result<PathBuf> {
        if let Some(database) = &self.db {
            return Ok(database.clone());
        }
        let mappings = mappings_beside(Some(&self.config))?;
        Ok(settings(&self.config, &mappings, (env, Secrets::Leave))?.store.path)
    }
}

/// Does what was asked. `unknown` holds what is to be said of variables that name no setting.
///
/// No async function itself: all that it leads to would be compiled once more for whoever calls it.
pub fn run(
    runtime: &Runtime,
    cli: Cli,
    (env, unknown): (Env<'static>, &[Problem]),
) -> anyhow::Result<Exit> {
    runtime.block_on(asked(cli, env, unknown))
}

async fn asked(cli: Cli, env: Env<'static>, unknown: &[Problem]) -> anyhow::Result<Exit> {
    unknown.iter().for_each(|problem| complain(format!("warning: {problem}")));
    match cli.command {
        Command::Serve(args) => {
            let mut file = ConfigFile::new(&args.config, env);
            let (settings, mappings) = file.read()?;
            telemetry::start(&settings.log, env("RUST_LOG").as_deref());
            metrics::start();
            serve::run(file, settings, mappings).await
        }
        Command::Demo(args) => {
            telemetry::start(
                &Log { level: "warn".to_owned(), ..Log::default() },
                env("RUST_LOG").as_deref(),
            );
            metrics::start();
            demo::run(args).await
        }
        Command::Init(args) => init::run(&args),
        Command::Doctor(args) => doctor::run(&args, env).await,
        Command::Check(args) => check::run(&args, env, unknown.len()),
        Command::Source(args) => source::run(&args, env),
        Command::Connector(args) => connector::run(args, env).await,
        Command::Playbook(args) => playbook::run(&args, env).await,
        Command::Ack(args) => act::acknowledge(args, env).await,
        Command::Resolve(args) => act::resolve(args, env).await,
        Command::TestAlert(args) => test_alert::run(args, env).await,
        Command::Audit(Audit::Verify(args)) => audit::verify_journal(&args.path(env)?),
        Command::Audit(Audit::Rebuild(args)) => audit::rebuild(&args.path(env)?),
        Command::Backup(args) => backup::run(&args, &args.database.path(env)?),
        Command::Restore(args) => {
            restore::run(&args, &args.database.path(env)?, Clock::real().now())
        }
        Command::Coverage(args) => {
            let since = args.since.map(|span| Clock::real().now() - span);
            coverage::run(&args.database.path(env)?, since, args.format)
        }
        Command::Manifest => manifest::run(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example() {
        fn look(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            if command.has_subcommands() {
                command.get_subcommands().for_each(|inner| look(inner, &path));
            } else {
                let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(help.contains("Example") && help.contains("vigie "), "{path}");
            }
        }
        look(&Cli::command(), "");
    }
}
