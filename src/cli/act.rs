//! `vigie ack` and `vigie resolve`: what the buttons do, from the machine that Vigie runs on. For the night on which Slack is away.

use super::{Config, Env, Exit, answer, complain, mappings_beside, refusal, settings};
use crate::app;
use crate::clock::Clock;
use crate::config::{Secrets, Settings};
use crate::control::{self, Request, Response, Unreachable};
use crate::domain::alert::Disposition;
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Answer, Binding, Click, Input, Who};
use crate::domain::people::Surface;
use anyhow::{Context as _, bail};
use clap::Args;

/// Which alert.
#[derive(Clone, Debug, Args)]
pub struct Acknowledge {
    /// The alert's id: alr_…
    pub alert: String,
    #[command(flatten)]
    pub config: Config,
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
    pub config: Config,
}

fn disposition(word: &str) -> Result<Disposition, String> {
    let all = || Disposition::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    Disposition::parse(word).ok_or_else(|| format!("one of {}", all()))
}

pub async fn acknowledge(args: Acknowledge, env: Env<'_>) -> anyhow::Result<Exit> {
    let request = Request::Acknowledge { alert: AlertId::new(args.alert.clone()) };
    act((&args.config, env), &request, (&args.alert, "acknowledged")).await
}

pub async fn resolve(args: Resolve, env: Env<'_>) -> anyhow::Result<Exit> {
    let alert = AlertId::new(args.alert.clone());
    let request = Request::Resolve { alert, disposition: args.disposition, note: args.note };
    act((&args.config, env), &request, (&args.alert, "resolved")).await
}

async fn act(
    (config, env): (&Config, Env<'_>),
    request: &Request,
    (alert, done): (&str, &str),
) -> anyhow::Result<Exit> {
    let mappings = mappings_beside(Some(&config.config))?;
    let settings = settings(&config.config, &mappings, (env, Secrets::Leave))?;
    let decided = match control::ask(&settings.store.path, request).await {
        Ok(Response::Decided(answers)) => answers,
        Ok(Response::Not(why)) => bail!("{why}"),
        Err(Unreachable::Nobody) => vec![alone(&settings, request).await?],
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

/// No process runs: the lock is taken for the moment.
async fn alone(settings: &Settings, request: &Request) -> anyhow::Result<Answer> {
    let (alert, act) = match request.clone() {
        Request::Acknowledge { alert } => (alert, Act::Acknowledge),
        Request::Resolve { alert, disposition, note } => {
            (alert, Act::Resolve { disposition, note })
        }
        Request::TestAlert { .. } | Request::TestBody { .. } => bail!("no Vigie runs there"),
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
