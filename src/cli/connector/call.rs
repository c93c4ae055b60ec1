//! Asking a tool something from the command line, and seeing what a call would send.

use super::{Call, Test};
use crate::cli::{Env, Exit, Format};
use crate::clock::Clock;
use crate::config::{Secrets, Settings, nearest};
use crate::connectors::Client;
use crate::connectors::wire::{Outside, Redactor, Transport};
use crate::domain::ids::ToolName;
use crate::domain::tool::call::{Called, Permit};
use crate::domain::tool::request::Request;
use crate::domain::tool::{Action, Kind, Tool, Uses, Values};
use anyhow::{Context as _, bail};
use serde_json::{Value as Json, json};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

/// How long one call from here may take.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn call(args: &Call, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let secrets = if args.dry { Secrets::Leave } else { Secrets::Fetch };
    let settings = args.at.settings(env, secrets)?;
    let (tool, action) = find(&settings, &args.uses)?;
    let with = inputs(&action, &args.with);
    let requests = match tool.requests(&action, &with) {
        Ok(requests) => requests,
        Err(why) => return Ok((Exit::No, format!("refused: {why}"))),
    };
    if args.dry {
        return Ok((Exit::Good, shown(&requests, args.at.format)));
    }
    let Some(permit) = Permit::read(&tool, &action.name, with, PATIENCE) else {
        let text = format!(
            "refused: {} changes something, and is for a playbook with whoever has to approve it (docs/playbooks.md).\n\
             With --dry it is shown what it would send.",
            args.uses
        );
        return Ok((Exit::No, text));
    };
    let called = client(&settings)?.call(&permit).await;
    Ok((exit(&called), said(&called, args.at.format)))
}

/// Asks each tool its harmless question.
pub(super) async fn test(args: &Test, env: Env<'_>) -> anyhow::Result<(Exit, String)> {
    let settings = args.at.settings(env, Secrets::Fetch)?;
    let wanted =
        |name: &ToolName| args.name.as_deref().is_none_or(|wanted| wanted == name.as_str());
    let tools: Vec<_> = settings.catalogue.0.iter().filter(|(name, _)| wanted(name)).collect();
    if tools.is_empty() {
        match &args.name {
            Some(name) => bail!("{}", unknown(&settings, name)),
            None => bail!("the config has no tools: add one under `tools`"),
        }
    }
    let client = client(&settings)?;
    let mut results = Vec::new();
    for (name, tool) in tools {
        results.push((name, asked(&settings, &client, (name, tool)).await));
    }
    let bad =
        results.iter().any(|(_, called)| called.as_ref().is_some_and(|c| exit(c) == Exit::No));
    let text = results_said(&results, args.at.format);
    Ok((if bad { Exit::No } else { Exit::Good }, text))
}

/// What a tool says to the harmless question that its connector names; `None` where it names none.
pub(in crate::cli) async fn asked(
    settings: &Settings,
    client: &Client,
    (name, tool): (&ToolName, &Arc<Tool>),
) -> Option<Called> {
    let test = settings.lines.get(name)?.test.as_ref()?;
    let permit = Permit::read(tool, test, Values::new(), PATIENCE)?;
    Some(client.call(&permit).await)
}

fn results_said(results: &[(&ToolName, Option<Called>)], format: Format) -> String {
    let line = |(name, called): &(&ToolName, Option<Called>)| line(name, called.as_ref());
    let one = |(name, called): &(&ToolName, Option<Called>)| {
        let good = called.as_ref().map(|called| exit(called) == Exit::Good);
        json!({"tool": name, "good": good, "answer": called})
    };
    match format {
        Format::Text => results.iter().map(line).collect::<Vec<_>>().join("\n"),
        Format::Json => {
            format!("{:#}", json!({"tools": results.iter().map(one).collect::<Vec<_>>()}))
        }
    }
}

fn line(name: &ToolName, called: Option<&Called>) -> String {
    match called {
        None => format!(
            "{name:<14} nothing harmless to ask: try vigie connector call {name}.request method=GET path=/"
        ),
        Some(Called::Answered(answered)) => {
            let out: Vec<_> =
                answered.out.iter().map(|(k, v)| format!("{k} {}", plainly(v))).collect();
            format!("{:<14} good  {}", name.as_str(), out.join(", "))
        }
        Some(called) => format!("{:<14} MEND  {}", name.as_str(), why(called)),
    }
}

/// Calls as the bot makes them.
pub(in crate::cli) fn client(settings: &Settings) -> anyhow::Result<Client> {
    let clock = Clock::real();
    let outside = Outside::of_this_machine(clock.clone());
    let outside = outside.context("the authorities that this machine trusts cannot be read")?;
    let transport = Arc::new(Transport::new(outside, Redactor::default()));
    Ok(Client::new(transport, settings.lines.clone(), clock))
}

fn find(settings: &Settings, text: &str) -> anyhow::Result<(Arc<Tool>, Arc<Action>)> {
    let uses = Uses::parse(text).with_context(|| format!("{text:?}: write it as okta.get_user"))?;
    if let Some((tool, action)) = settings.catalogue.find(&uses) {
        return Ok((tool.clone(), action.clone()));
    }
    let Some(tool) = settings.catalogue.0.get(&uses.tool) else {
        bail!("{}", unknown(settings, uses.tool.as_str()));
    };
    let actions = tool.actions.names().map(|action| action.as_str());
    match nearest(uses.action.as_str(), actions) {
        Some(near) => {
            bail!("{} has no action {:?}: did you mean {near:?}?", uses.tool, uses.action.as_str())
        }
        None => bail!(
            "{} has no action {:?}: vigie connector show {} names them",
            uses.tool,
            uses.action.as_str(),
            uses.tool
        ),
    }
}

fn unknown(settings: &Settings, name: &str) -> String {
    let tools: Vec<_> = settings.catalogue.0.keys().map(ToolName::as_str).collect();
    match nearest(name, tools.iter().copied()) {
        Some(near) => format!("the config has no tool {name:?}: did you mean {near:?}?"),
        None if tools.is_empty() => {
            format!("the config has no tool {name:?}: add it under `tools`")
        }
        None => format!("the config has no tool {name:?}; there are {}", tools.join(", ")),
    }
}

fn inputs(action: &Action, given: &[(String, String)]) -> Values {
    let read = |(name, text): &(String, String)| {
        let kind = action.inputs.get(name).map_or(Kind::String, |input| input.kind);
        (name.clone(), kind.read(text))
    };
    given.iter().map(read).collect()
}

fn shown(requests: &[Request], format: Format) -> String {
    match format {
        Format::Text => requests.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n\n"),
        Format::Json => {
            let one = |request: &Request| json!({"request": request.to_string(), "hash": request.hash(), "method": request.method});
            format!("{:#}", json!({"requests": requests.iter().map(one).collect::<Vec<_>>()}))
        }
    }
}

fn exit(called: &Called) -> Exit {
    match called {
        Called::Answered(_) => Exit::Good,
        Called::Failed(_) | Called::Unsure { .. } => Exit::No,
    }
}

fn said(called: &Called, format: Format) -> String {
    if format == Format::Json {
        return format!("{:#}", json!(called));
    }
    let Called::Answered(answered) = called else { return why(called) };
    let mut text = String::new();
    let items = match &answered.found {
        Some(found) => {
            let more = if found.more { " at least" } else { "" };
            let _ = writeln!(text, "found{more} {}", found.count);
            found.items.iter().collect()
        }
        None => vec![&answered.out],
    };
    for item in items {
        for (name, value) in item {
            let _ = writeln!(text, "  {name:<15} {}", plainly(value));
        }
        text.push('\n');
    }
    text.trim_end().to_owned()
}

pub(in crate::cli) fn why(called: &Called) -> String {
    match called {
        Called::Answered(_) => String::new(),
        Called::Failed(failed) => format!("not done: {}", failed.message.escape_debug()),
        Called::Unsure { message, .. } => format!("nobody knows: {}", message.escape_debug()),
    }
}

/// A value on one line. What a tool says is no command for a terminal.
fn plainly(value: &Json) -> String {
    match value {
        Json::String(text) => text.escape_debug().to_string(),
        other => other.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
    }
}
