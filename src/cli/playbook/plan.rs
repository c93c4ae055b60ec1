//! `vigie playbook plan`: what a playbook would do for one alert.

use super::{Env, Exit, Format, Setting, shelf, words};
use crate::config::{Settings, nearest};
use crate::domain::alert::Normalised;
use crate::domain::ids::{AlertId, PlaybookName};
use crate::domain::playbook::plan::{self, Wanted};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Asked, Field, Playbook};
use crate::intake::mapping::{Mappings, Request};
use crate::playbooks::{Library, check};
use crate::store::{Reader, alerts};
use anyhow::{Context as _, bail};
use clap::Args;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("about").required(true))]
pub struct Plan {
    /// A playbook's name, or its file
    pub playbook: String,
    /// The alert in our own JSON: title, severity, hosts …
    #[arg(long, value_name = "FILE", group = "about")]
    pub alert_file: Option<PathBuf>,
    /// An alert of the database: alr_…
    #[arg(long, value_name = "ID", group = "about")]
    pub alert: Option<String>,
    /// The answer to something that is asked; may be repeated
    #[arg(long = "ask", value_name = "NAME=ANSWER", value_parser = said)]
    pub asked: Vec<(String, String)>,
    #[command(flatten)]
    pub config: super::super::Config,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

pub(super) fn said(text: &str) -> Result<(String, String), String> {
    let (name, said) = text.split_once('=').ok_or("an answer is written name=answer")?;
    Ok((name.trim().to_owned(), said.to_owned()))
}

pub(super) fn run(args: &Plan, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let (settings, playbook) = found(args, env)?;
    let about = match (&args.alert_file, &args.alert) {
        (Some(file), _) => from_file(file)?,
        (None, Some(id)) => from_database(&settings, id)?,
        (None, None) => bail!("which alert? --alert-file FILE or --alert ID"),
    };
    let asked = asked(&playbook, &args.asked)?;
    let catalogue = settings.catalogue.as_ref();
    let made =
        plan::Plan::make(&Wanted { playbook: &playbook, catalogue, about: &about, asked: &asked });
    Ok(match (made, args.format) {
        (Ok(plan), Format::Text) => {
            (Exit::Good, words::plan((plan.outline(), plan.hash()), catalogue))
        }
        (Ok(plan), Format::Json) => {
            (Exit::Good, format!("{:#}", json!({"hash": plan.hash(), "plan": plan.outline()})))
        }
        (Err(refusal), Format::Text) => (Exit::No, format!("no plan: {refusal}")),
        (Err(refusal), Format::Json) => {
            (Exit::No, format!("{:#}", json!({"refused": refusal.to_string()})))
        }
    })
}

/// The config, and the playbook of that name or in that file.
fn found(args: &Plan, env: Env<'_>) -> anyhow::Result<(Settings, Arc<Playbook>)> {
    let (settings, library) = shelf(&args.config.config, env)?;
    if args.playbook.ends_with(".yaml") {
        let text = std::fs::read_to_string(&args.playbook)
            .with_context(|| format!("{} cannot be read", args.playbook))?;
        let setting = Setting::of(Some(&args.config.config), env)?;
        let checked = check(&args.playbook, &text, setting.known())
            .map_err(|problems| anyhow::anyhow!(super::super::joined(&problems)))?;
        return Ok((settings, Arc::new(checked.playbook)));
    }
    let playbook = named(&library, &args.playbook)?;
    Ok((settings, playbook))
}

/// The playbook of that name, where it can run here.
pub(super) fn named(library: &Library, name: &str) -> anyhow::Result<Arc<Playbook>> {
    if let Some(playbook) = library.playbooks.0.get(&PlaybookName::from(name)) {
        return Ok(playbook.clone());
    }
    if let Some(waiting) = library.waiting.iter().find(|waiting| waiting.name.as_str() == name) {
        let tools: Vec<&str> = waiting.tools.iter().map(|tool| tool.as_str()).collect();
        bail!("{name} cannot run here: not connected: {}", tools.join(", "));
    }
    let names: Vec<&str> = library.playbooks.0.keys().map(PlaybookName::as_str).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => bail!("there is no playbook {name}: did you mean {near}?"),
        None => bail!("there is no playbook {name}: see `vigie playbook list`"),
    }
}

/// Read as `generic` reads it, or as we print it.
fn from_file(file: &Path) -> anyhow::Result<About> {
    let body = std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mappings = Mappings::shipped();
    let generic = mappings.get("generic").context("`generic` is shipped")?;
    let request = Request { source: "generic", headers: &BTreeMap::new(), body: &body };
    let reading =
        generic.read(&request).map_err(|why| anyhow::anyhow!("{}: {why}", file.display()))?;
    let mut alerts: Vec<Normalised> =
        reading.alerts.into_iter().map(|mapped| mapped.alert).collect();
    if alerts.len() != 1 {
        bail!("{} holds {} alerts: a plan is for one", file.display(), alerts.len());
    }
    Ok(About { source: "generic".into(), alert: alerts.remove(0) })
}

fn from_database(settings: &Settings, id: &str) -> anyhow::Result<About> {
    let id = AlertId::parse(id).with_context(|| format!("{id} is no alert's id: alr_…"))?;
    let alert =
        Reader::of(&settings.store.path)?.read(|connection| alerts::load(connection, &id))?;
    let alert = alert.with_context(|| format!("no alert has the id {id}"))?;
    About::of(&alert)
        .with_context(|| format!("the words of {id} were erased: nothing can be planned for it"))
}

/// Answers as the form would give them.
pub(super) fn asked(playbook: &Playbook, given: &[(String, String)]) -> anyhow::Result<Asked> {
    let mut asked = Asked::new();
    for (name, said) in given {
        let field = playbook.ask.iter().find(|ask| ask.name == *name).map(|ask| &ask.field);
        let value: Json = match field {
            Some(Field::Number) => serde_json::from_str(said)
                .ok()
                .filter(Json::is_number)
                .with_context(|| format!("`{name}` wants a number"))?,
            Some(Field::Confirm) => matches!(said.as_str(), "true" | "yes").into(),
            _ => said.as_str().into(),
        };
        asked.insert(name.clone(), value);
    }
    Ok(asked)
}
