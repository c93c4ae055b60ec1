//! `vigie test-alert`: does an alert arrive? It takes the road of every alert and is marked as a test wherever it stands.

use super::{Config, Env, Exit, answer, complain, mappings_beside, settings};
use crate::clock::Clock;
use crate::config::{Secrets, Settings, nearest};
use crate::control::{self, Request, Response};
use crate::domain::alert::Severity;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::{AlertId, SourceName};
use crate::domain::input::{Answer, Reception};
use crate::store::{Reader, alerts};
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;

/// How long Slack may take to show it, and how often it is looked.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(100);

/// What kind of alert.
#[derive(Clone, Debug, Args)]
pub struct TestAlert {
    /// As which source of the config; the first one, where none is named.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// How bad: routes and ladders look at it.
    #[arg(long, default_value = "high", value_parser = severity)]
    pub severity: Severity,
    /// What it says.
    #[arg(long, default_value = "Test: does an alert arrive?")]
    pub title: String,
    /// A body as the source sends it: it is read by the source's own mapping.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["severity", "title"])]
    pub payload: Option<PathBuf>,
    #[command(flatten)]
    pub config: Config,
}

fn severity(word: &str) -> Result<Severity, String> {
    let all = || Severity::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    Severity::parse(word).ok_or_else(|| format!("one of {}", all()))
}

/// Sends it through the running process, and waits until Slack shows it.
pub async fn run(args: TestAlert, env: Env<'_>) -> anyhow::Result<Exit> {
    let mappings = mappings_beside(Some(&args.config.config))?;
    let settings = settings(&args.config.config, &mappings, (env, Secrets::Leave))?;
    let source = source(&settings, args.source.as_deref())?;
    let request = match &args.payload {
        None => Request::TestAlert { source, severity: args.severity, title: args.title },
        Some(file) => {
            let body = std::fs::read_to_string(file);
            let body = body.with_context(|| format!("{} cannot be read", file.display()))?;
            Request::TestBody { source, body }
        }
    };
    let begun = Clock::real().instant();
    let asked = control::ask(&settings.store.path, &request).await;
    let answers = match asked.with_context(|| format!("{}", settings.store.path.display()))? {
        Response::Decided(answers) => answers,
        Response::Not(why) => {
            complain(format!("not taken: {why}"));
            return Ok(Exit::No);
        }
    };
    let mut exit = Exit::Good;
    for answer in answers {
        let Answer::Alert { id, outcome } = answer else {
            bail!("an answer that is none to an alert")
        };
        if !follow(&settings, (&id, outcome), begun).await? {
            exit = Exit::No;
        }
    }
    Ok(exit)
}

fn source(settings: &Settings, named: Option<&str>) -> anyhow::Result<SourceName> {
    let mut names = settings.sources.keys();
    match named {
        None => names.next().cloned().context("the config has no source"),
        Some(named) => match names.find(|name| name.as_str() == named) {
            Some(name) => Ok(name.clone()),
            None => {
                let near = nearest(named, settings.sources.keys().map(SourceName::as_str));
                let near = near.map(|near| format!(": did you mean `{near}`?")).unwrap_or_default();
                bail!("the config has no source called `{named}`{near}")
            }
        },
    }
}

/// Tells where it went, once it is shown; whether it is.
async fn follow(
    settings: &Settings,
    (id, outcome): (&AlertId, Reception),
    begun: Instant,
) -> anyhow::Result<bool> {
    let reader = Reader::of(&settings.store.path)?;
    let load = || -> anyhow::Result<Alert> {
        let loaded = reader.read(|connection| alerts::load(connection, id))?;
        loaded.with_context(|| format!("{id} is not in the database"))
    };
    let mut alert = load()?;
    while alert.message.is_none() && outcome != Reception::Suppressed && begun.elapsed() < PATIENCE
    {
        tokio::time::sleep(LOOK).await;
        alert = load()?;
    }
    let received = &alert.received;
    let team = received.team.as_ref().map(|team| format!(", team {team}")).unwrap_or_default();
    answer(format!(
        "{id}: a test alert, {}\n  route {}{team}, escalation {}",
        match outcome {
            Reception::Created => "on disk",
            Reception::Repeated => "the same as one before, counted there",
            Reception::Resolved => "says that one before is over",
            Reception::Suppressed => "kept and not shown",
        },
        received.route,
        received.escalation
    ))?;
    match &alert.message {
        Some(message) => {
            let after = begun.elapsed().as_secs_f64();
            answer(format!("  shown in {} after {after:.1} s", message.channel))?;
        }
        None if outcome == Reception::Suppressed => {}
        None => complain(format!(
            "  not shown within {} s: `/readyz` and the log say why; `vigie doctor` looks for the cause",
            PATIENCE.as_secs()
        )),
    }
    Ok(alert.message.is_some() || outcome == Reception::Suppressed)
}
