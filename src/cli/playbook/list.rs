//! `vigie playbook list`: what can be run, by whom, and how dangerous it is.

use super::{Format, Settings};
use crate::domain::playbook::{Playbook, Trigger, What, worst};
use crate::domain::tool::{Catalogue, Risk};
use crate::playbooks::Library;
use serde_json::{Value as Json, json};
use std::fmt::Write as _;

pub(super) fn told(settings: &Settings, library: &Library, format: Format) -> String {
    match format {
        Format::Json => format!("{:#}", as_json(settings, library)),
        Format::Text => as_text(settings, library),
    }
}

fn as_json(settings: &Settings, library: &Library) -> Json {
    let playbooks = library.playbooks.0.values().map(|playbook| {
        json!({
            "name": playbook.name, "title": playbook.title, "description": playbook.description, "on": playbook.on,
            "when": playbook.when.as_ref().map(|when| when.text()), "who": playbook.who,
            "approve": playbook.approve.as_ref().map(|approve| &approve.by),
            "risk": risk(playbook, &settings.catalogue), "hash": playbook.hash,
        })
    });
    let waiting = library
        .waiting
        .iter()
        .map(|waiting| json!({"name": waiting.name, "tools": waiting.tools, "why": waiting.why}));
    json!({"playbooks": playbooks.collect::<Vec<_>>(), "waiting": waiting.collect::<Vec<_>>()})
}

fn as_text(settings: &Settings, library: &Library) -> String {
    let mut text = String::new();
    for playbook in library.playbooks.0.values() {
        let _ = writeln!(text, "{:<20} {}", playbook.name.as_str(), playbook.title);
        let _ = writeln!(text, "{:<20} {}", "", line(playbook, &settings.catalogue));
    }
    for waiting in &library.waiting {
        let tools: Vec<&str> = waiting.tools.iter().map(|tool| tool.as_str()).collect();
        let why = match &waiting.why {
            Some(why) => why.clone(),
            None => format!("not connected: {} (add it under `tools`)", tools.join(", ")),
        };
        let _ = writeln!(text, "{:<20} waits, {why}", waiting.name.as_str());
    }
    if text.is_empty() {
        text.push_str("no playbook: put one into the folder `playbooks` beside the config");
    }
    text.trim_end().to_owned()
}

fn line(playbook: &Playbook, catalogue: &Catalogue) -> String {
    let roles: Vec<&str> = playbook.who.iter().map(|role| role.as_str()).collect();
    let who = if roles.is_empty() { "any role that may run".to_owned() } else { roles.join(", ") };
    let start = match playbook.on {
        Trigger::Button => format!("button, for {who}"),
        Trigger::Alert => "each new alert".to_owned(),
    };
    let when = playbook.when.as_ref().map(|when| format!(" when {}", when.text()));
    let approve = playbook.approve.as_ref().map(|approve| format!("; {} approves", approve.by));
    let risk = risk(playbook, catalogue).as_str();
    format!("{risk}; {start}{}{}", when.unwrap_or_default(), approve.unwrap_or_default())
}

/// The worst that it may do.
fn risk(playbook: &Playbook, catalogue: &Catalogue) -> Risk {
    worst(playbook.all_steps().filter_map(|step| match &step.what {
        What::Use(call) => catalogue.find(&call.uses).map(|(_, action)| action.risk),
        What::Say(_) | What::Alert(_) => None,
    }))
}
