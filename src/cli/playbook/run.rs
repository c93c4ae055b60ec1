//! `vigie playbook run`: plans a playbook for an alert, shows the plan, and starts it; then says how each step went.

use super::{Env, Exit, Format, plan, running, shelf, standing, words};
use crate::cli::{answer, complain};
use crate::config::Settings;
use crate::control::{OfRun, Request};
use crate::domain::ids::{AlertId, RunId};
use crate::domain::input::{Answer, Form};
use crate::domain::playbook::run::{Run as State, RunState};
use anyhow::bail;
use clap::Args;
use running::Running;
use std::collections::BTreeSet;
use std::io::{BufRead as _, IsTerminal as _, Write as _, stderr, stdin};

#[derive(Debug, Args)]
pub struct Run {
    /// The playbook's name
    pub playbook: String,
    /// The alert: alr_…
    #[arg(long, value_name = "ID")]
    pub alert: String,
    /// The answer to something that is asked; may be repeated
    #[arg(long = "ask", value_name = "NAME=ANSWER", value_parser = plan::said)]
    pub asked: Vec<(String, String)>,
    /// Start it without asking
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub config: crate::cli::Config,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

pub(super) async fn run(args: &Run, env: Env<'_>) -> anyhow::Result<Exit> {
    if !args.yes && !stdin().is_terminal() {
        bail!(
            "nobody is at a terminal to say yes: add --yes, or look at it with `vigie playbook plan`"
        );
    }
    let (settings, library) = shelf(&args.config.config, env)?;
    let playbook = plan::named(&library, &args.playbook)?;
    let asked = plan::asked(&playbook, &args.asked)?;
    let running = Running::at(&settings.store.path);
    let alert = AlertId::new(args.alert.clone());
    let planned = Request::PlanRun { alert, playbook: playbook.name.clone(), asked };
    let id = match running.ask(&planned).await? {
        Answer::Form { form: Form::Plan { run }, .. } => run,
        other => return refused(&other),
    };
    let state = running.load(&id)?;
    show_plan(&state, &settings, args.format)?;
    if !args.yes && !agreed("Start it?")? {
        running.of(&id, None, OfRun::Cancel).await?;
        complain(format!("{id} was not started"));
        return Ok(Exit::No);
    }
    let plan = Some(state.planned.plan_hash);
    match running.of(&id, plan, OfRun::Start).await? {
        Answer::Done => follow(&running, &id, (&settings, args.format)).await,
        other => refused(&other),
    }
}

/// The very requests, before anybody says yes. Programs get the run's end only.
pub(super) fn show_plan(run: &State, settings: &Settings, format: Format) -> anyhow::Result<()> {
    let Some(content) = &run.content else { bail!("the words of {} were erased", run.id) };
    let plan = (&content.outline, run.planned.plan_hash.as_str());
    let text = words::plan(plan, &settings.catalogue);
    match format {
        Format::Text => answer(format!("{text}\n"))?,
        Format::Json => complain(format!("{text}\n")),
    }
    Ok(())
}

/// Asks on the terminal; whatever is not yes is no.
pub(super) fn agreed(question: &str) -> anyhow::Result<bool> {
    let mut to = stderr().lock();
    write!(to, "{question} [y/N] ").and_then(|()| to.flush())?;
    let mut line = String::new();
    stdin().lock().read_line(&mut line)?;
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// What is no good answer to what was asked.
pub(super) fn refused(answer: &Answer) -> anyhow::Result<Exit> {
    let Answer::Refused { refusal } = answer else {
        bail!("an answer that is none to this: {answer:?}")
    };
    complain(crate::cli::refusal::words(refusal, &crate::control::account()));
    Ok(Exit::No)
}

/// Says how each step went, until it ends or waits for somebody.
async fn follow(
    running: &Running,
    id: &RunId,
    (settings, format): (&Settings, Format),
) -> anyhow::Result<Exit> {
    let mut told = BTreeSet::new();
    let tell = |run: &State| -> anyhow::Result<()> {
        for (name, line) in standing::steps(run) {
            if format == Format::Text && told.insert(name) {
                answer(line)?;
            }
        }
        Ok(())
    };
    let run = running.follow(id, tell).await?;
    match format {
        Format::Json => answer(format!("{:#}", standing::json(&run)))?,
        Format::Text => answer(standing::next(&run, &settings.catalogue))?,
    }
    Ok(if run.state == RunState::Done { Exit::Good } else { Exit::No })
}
