//! `vigie check`: are the config, and the sources, connectors and playbooks beside it, right? Every mistake at once, and what should be known.

use super::{Check, Env, Exit, answer, complain, playbook, sources_beside};
use crate::config::{Auth, Outside, Problem, Secrets, Settings};
use crate::connectors;
use crate::intake::mapping::{Mappings, Mistake};
use crate::playbooks::Library;
use std::fmt::Write;

/// Good if nothing is wrong; with `--strict`, if nothing is to be warned of either. A file that is not there cannot
/// be checked at all: that is an error. `told` is how many warnings were printed already, of the environment.
pub fn run(args: &Check, env: Env<'_>, told: usize) -> anyhow::Result<Exit> {
    let path = &args.config.config;
    let text = std::fs::read_to_string(path).map_err(|why| {
        anyhow::anyhow!(
            "{} cannot be read: {why}\nAnother file: vigie check --config FILE",
            path.display()
        )
    })?;
    let secrets = if args.without_secrets { Secrets::Leave } else { Secrets::Fetch };
    let (mappings, mistakes) = match Mappings::load(&sources_beside(path)) {
        Ok(mappings) => (mappings, Vec::new()),
        Err(mistakes) => (Mappings::shipped(), mistakes),
    };
    let names: Vec<&str> = mappings.names().collect();
    let (connectors, unread) = match super::connectors_beside(path) {
        Ok(connectors) => (connectors, Vec::new()),
        Err(problems) => (connectors::Library::shipped().clone(), problems),
    };
    let outside = Outside { env, mappings: &names, connectors: &connectors, secrets };
    let file = path.display().to_string();
    // Playbooks are held against the config's tools and roles: where it does not read, they have to wait.
    let read = Settings::read(&file, &text, &outside)
        .and_then(|settings| Ok((playbook::beside(path, &settings)?, settings)));
    let (exit, lines) = match read {
        Ok((library, mut settings)) if mistakes.is_empty() && unread.is_empty() => {
            settings.warnings.extend(library.warnings.iter().cloned());
            let warnings = told + settings.warnings.len();
            let exit = if args.strict && warnings > 0 { Exit::No } else { Exit::Good };
            (exit, good(&file, (&settings, &library), warnings))
        }
        Ok(_) => (Exit::No, bad(&mistakes, &unread)),
        // A tool whose connector does not read is missing from the config too: first things first.
        Err(_) if !unread.is_empty() => (Exit::No, bad(&mistakes, &unread)),
        Err(problems) => (Exit::No, bad(&mistakes, &problems)),
    };
    if exit == Exit::Good {
        answer(lines)?
    } else {
        complain(lines)
    }
    Ok(exit)
}

fn bad(mistakes: &[Mistake], problems: &[Problem]) -> String {
    let mut text = String::new();
    for mistake in mistakes {
        let _ = writeln!(text, "{mistake}\n");
    }
    for problem in problems {
        let _ = writeln!(text, "{problem}\n");
    }
    text.push_str(&counted(mistakes.len() + problems.len(), "mistake"));
    text
}

fn good(file: &str, (settings, library): (&Settings, &Library), warnings: usize) -> String {
    let mut text = String::new();
    for warning in &settings.warnings {
        let _ = writeln!(text, "warning: {warning}\n");
    }
    for (name, source) in &settings.sources {
        let auth = match source.auth {
            Auth::Bearer(_) => "bearer token",
            Auth::Token(_) => "token",
            Auth::Open => "open to anybody",
        };
        let _ = writeln!(text, "source      /hooks/{name}  ({}, {auth})", source.mapping);
    }
    for route in &settings.routes {
        let when = route.when.as_ref().map_or("everything else", |when| when.text());
        let channel = route.channel.as_ref().unwrap_or(&settings.slack.channel);
        let _ = writeln!(
            text,
            "route       {}: {when} -> {}, {}",
            route.name, channel.0, route.escalation
        );
    }
    for (name, role) in &settings.roles {
        let may: Vec<_> = role.may.iter().map(|permission| permission.as_str()).collect();
        let _ = writeln!(text, "role        {name}: may {}", may.join(", "));
    }
    for (name, tool) in &settings.catalogue.0 {
        let _ = writeln!(text, "tool        {name}: {}", tool.title);
    }
    for playbook in library.playbooks.0.values() {
        let _ = writeln!(text, "playbook    {}: {}", playbook.name, playbook.title);
    }
    let warned = match warnings {
        0 => String::new(),
        count => format!(", {}", counted(count, "warning")),
    };
    let _ = write!(text, "{file} is good{warned}");
    text
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
