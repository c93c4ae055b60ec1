//! `vigie ack` and `vigie resolve`: what the buttons do, from the machine that Vigie runs on. For the night on which Slack is away.

use super::{Database, Env, Exit, answer, complain, mappings_beside, refusal, settings};
use crate::app;
use crate::clock::Clock;
use crate::config::{Secrets, Settings};
use crate::control::{self, Request, Response, Unreachable};
use crate::domain::alert::Disposition;
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Answer, Binding, Click, Input, Who};
use crate::domain::people::Surface;
use crate::store::StoreError;
use anyhow::{Context as _, bail};
use clap::Args;
use std::path::Path;
use std::time::Duration;

/// So often, and after so long, it is asked again where a process has the database and does not answer.
const TRIES: u32 = 25;
const AGAIN: Duration = Duration::from_millis(200);

/// Which alert.
#[derive(Clone, Debug, Args)]
pub struct Acknowledge {
    /// The alert's id: alr_…
    pub alert: String,
    #[command(flatten)]
    pub database: Database,
}

/// Which alert, and what it was.
#[derive(Clone, Debug, Args)]
pub struct Resolve {
    /// The alert's id: alr_…
    pub alert: String,
    /// What it turned out to be.
    #[arg(long = "as", value_name = "DISPOSITION", value_parser = disposition)]
    pub disposition: Disposition,
    /// What you found and did; some severities want one.
    #[arg(long)]
    pub note: Option<String>,
    #[command(flatten)]
    pub database: Database,
}

fn disposition(word: &str) -> Result<Disposition, String> {
    let all = || Disposition::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    Disposition::parse(word).ok_or_else(|| format!("one of {}", all()))
}

pub async fn acknowledge(args: Acknowledge, env: Env<'_>) -> anyhow::Result<Exit> {
    let request = Request::Acknowledge { alert: AlertId::new(args.alert.clone()) };
    act((&args.database, env), &request, (&args.alert, "acknowledged")).await
}

pub async fn resolve(args: Resolve, env: Env<'_>) -> anyhow::Result<Exit> {
    let alert = AlertId::new(args.alert.clone());
    let request = Request::Resolve { alert, disposition: args.disposition, note: args.note };
    act((&args.database, env), &request, (&args.alert, "resolved")).await
}

async fn act(
    (database, env): (&Database, Env<'_>),
    request: &Request,
    (alert, done): (&str, &str),
) -> anyhow::Result<Exit> {
    let path = database.path(env)?;
    let decided = match control::ask(&path, request).await {
        Ok(Response::Decided(answers)) => answers,
        Ok(Response::Not(why)) => bail!("{why}"),
        Err(Unreachable::Nobody) => vec![without_answer((database, env), &path, request).await?],
        Err(unreachable) => bail!("{unreachable}"),
    };
    match decided.first() {
        Some(Answer::Done) => {
            answer(format!("{alert} is {done}"))?;
            Ok(Exit::Good)
        }
        Some(Answer::Refused { refusal }) => {
            complain(refusal::words(refusal, &control::account()));
            Ok(Exit::No)
        }
        other => bail!("an answer that is none to this: {other:?}"),
    }
}

/// Nobody answers: either no process runs, or one that starts or stops has the database for a moment.
async fn without_answer(
    (database, env): (&Database, Env<'_>),
    path: &Path,
    request: &Request,
) -> anyhow::Result<Answer> {
    let mappings = mappings_beside(Some(&database.config))?;
    let mut settings = settings(&database.config, &mappings, (env, Secrets::Leave))?;
    settings.store.path = path.to_owned();
    for _ in 0..TRIES {
        match alone(&settings, request).await {
            Err(error) if is_locked(&error) => tokio::time::sleep(AGAIN).await,
            done => return done,
        }
        if let Ok(Response::Decided(mut answers)) = control::ask(path, request).await
            && let Some(answer) = answers.pop()
        {
            return Ok(answer);
        }
    }
    bail!(
        "a Vigie has {} and does not answer at {}: it starts or stops; try again",
        path.display(),
        control::path_of(path).display()
    )
}

fn is_locked(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(StoreError::Locked { .. })))
}

/// No process runs: the lock is taken for the moment.
async fn alone(settings: &Settings, request: &Request) -> anyhow::Result<Answer> {
    let (alert, act) = match request.clone() {
        Request::Acknowledge { alert } => (alert, Act::Acknowledge),
        Request::Resolve { alert, disposition, note } => {
            (alert, Act::Resolve { disposition, note })
        }
        Request::TestAlert { .. }
        | Request::TestBody { .. }
        | Request::PlanRun { .. }
        | Request::OfRun { .. } => bail!("no Vigie runs there"),
    };
    let click = Click {
        who: Who::Os(control::account()),
        via: Surface::Cli,
        act,
        binding: Binding::Named { alert },
        reply_to: None,
    };
    let input = Input::Click(Box::new(click));
    let answered = app::alone(settings, Clock::real(), input).await;
    answered.context("no Vigie answers there, and its database cannot be written to from here")
}
