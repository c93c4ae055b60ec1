//! `vigie playbook runs|approve|decline|cancel|decide`: which runs there are, and a person's word about one, by the same rules as
//! the buttons.

use super::{Env, Exit, Format, run as started, running::Running, shelf, standing};
use crate::cli::{Config, answer};
use crate::control::OfRun;
use crate::domain::ids::{AlertId, RunId, StepId};
use crate::domain::input::Answer;
use crate::domain::playbook::run::event::{CallId, Choice};
use crate::domain::playbook::run::{Run, RunState};
use crate::store::{Reader, runs};
use anyhow::bail;
use clap::Args;
use std::io::{IsTerminal as _, stdin};

/// So many runs are listed where nobody says otherwise.
const LISTED: usize = 50;

#[derive(Debug, Args)]
pub struct Runs {
    /// Only those of this alert: alr_…
    #[arg(long, value_name = "ID")]
    pub alert: Option<String>,
    /// Only those that stand like this
    #[arg(long, value_parser = state)]
    pub state: Option<RunState>,
    /// So many at most, the newest first
    #[arg(long, default_value_t = LISTED)]
    pub limit: usize,
    #[command(flatten)]
    pub config: Config,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Which run.
#[derive(Debug, Args)]
pub struct OneRun {
    /// The run's id: run_…
    pub run: String,
    #[command(flatten)]
    pub config: Config,
}

/// Which run, and whether its plan was seen already.
#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    pub one: OneRun,
    /// Approve it without asking
    #[arg(long)]
    pub yes: bool,
}

/// What is to come of a step.
#[derive(Debug, Args)]
pub struct Decide {
    /// The run's id: run_…
    pub run: String,
    /// The step's id
    pub step: String,
    /// happened, again, abandon, check, or take=N of those that were found
    #[arg(value_parser = choice)]
    pub choice: Choice,
    #[command(flatten)]
    pub config: Config,
}

fn state(word: &str) -> Result<RunState, String> {
    let all = || RunState::ALL.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ");
    RunState::parse(word).ok_or_else(|| format!("one of {}", all()))
}

fn choice(word: &str) -> Result<Choice, String> {
    let right = || "one of happened, again, abandon, check, take=1, take=2 …".to_owned();
    Choice::parse(word).ok_or_else(right)
}

/// The list.
pub(super) fn told(args: &Runs, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let (settings, _) = shelf(&args.config.config, env)?;
    let alert = args.alert.as_deref().map(AlertId::new);
    let reader = Reader::of(&settings.store.path)?;
    let found = reader
        .read(|connection| runs::newest(connection, (alert.as_ref(), args.state), args.limit))?;
    let text = match args.format {
        Format::Json => {
            format!("{:#}", found.iter().map(standing::json).collect::<serde_json::Value>())
        }
        Format::Text if found.is_empty() => "no run".to_owned(),
        Format::Text => {
            let one = |run: &Run| match run.waits() {
                true => format!(
                    "{}\n{}",
                    standing::head(run),
                    indented(&standing::next(run, &settings.catalogue))
                ),
                false => standing::head(run),
            };
            found.iter().map(one).collect::<Vec<_>>().join("\n")
        }
    };
    Ok((Exit::Good, text))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// Whoever approves has the plan before their eyes.
pub(super) async fn approve(args: &Approve, env: Env<'_>) -> anyhow::Result<Exit> {
    let (settings, _) = shelf(&args.one.config.config, env)?;
    let running = Running::at(&settings.store.path);
    let id = RunId::new(args.one.run.clone());
    let plan = match running.find(&id)?.filter(|run| run.state == RunState::Waiting) {
        Some(run) => {
            if !args.yes && !stdin().is_terminal() {
                bail!("nobody is at a terminal to say yes: add --yes");
            }
            started::show_plan(&run, &settings, Format::Text)?;
            if !args.yes && !started::agreed("Approve it?")? {
                crate::cli::complain(format!("{id} was not approved"));
                return Ok(Exit::No);
            }
            Some(run.planned.plan_hash)
        }
        None => None,
    };
    let answered = running.of(&id, plan, OfRun::Approve).await?;
    done(&running, (&id, "approved"), &answered)
}

pub(super) async fn decline(args: &OneRun, env: Env<'_>) -> anyhow::Result<Exit> {
    act(args, (OfRun::Decline, "refused"), env).await
}

pub(super) async fn cancel(args: &OneRun, env: Env<'_>) -> anyhow::Result<Exit> {
    act(args, (OfRun::Cancel, "stopped"), env).await
}

async fn act(args: &OneRun, (what, word): (OfRun, &str), env: Env<'_>) -> anyhow::Result<Exit> {
    let (settings, _) = shelf(&args.config.config, env)?;
    let running = Running::at(&settings.store.path);
    let id = RunId::new(args.run.clone());
    let answered = running.of(&id, None, what).await?;
    done(&running, (&id, word), &answered)
}

pub(super) async fn decide(args: &Decide, env: Env<'_>) -> anyhow::Result<Exit> {
    let (settings, _) = shelf(&args.config.config, env)?;
    let running = Running::at(&settings.store.path);
    let id = RunId::new(args.run.clone());
    let step = StepId::new(args.step.clone());
    let asked = running.find(&id)?.and_then(|run| Some(run.in_question()?.0));
    // What is not asked is refused by whoever decides, and recorded as tried.
    let call = asked.filter(|call| call.step == step);
    let call = call.unwrap_or(CallId { step, iteration: 0, attempt: 1 });
    let answered = running.of(&id, None, OfRun::Decide { call, choice: args.choice }).await?;
    done(&running, (&id, "decided"), &answered)
}

fn done(running: &Running, (id, word): (&RunId, &str), answered: &Answer) -> anyhow::Result<Exit> {
    match answered {
        Answer::Done => {
            let run = running.load(id)?;
            answer(format!(
                "{id} is {word}: {} is {} now",
                run.planned.playbook,
                run.state.as_str()
            ))?;
            Ok(Exit::Good)
        }
        other => started::refused(other),
    }
}
