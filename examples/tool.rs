//! One tool, for servers in any language: `cargo run --example tool -- okta`.
//!
//! The first line on stdin is its connection, `{"plain": {…}, "secrets": {…}}`; it may reach 127.0.0.1. The answer is what it can
//! do: `{"action": {"operation", "inputs"}}`. Each further line is a call, `{"action", "with"}`, and is answered by what came of it.
//! Nothing is asked of anybody: this is for servers that only play the vendor. It ends with stdin.
use anyhow::{Context as _, anyhow};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use std::time::Duration;
use vigie::clock::Clock;
use vigie::connectors::wire::{HostPattern, Outside, Redactor, Transport};
use vigie::connectors::{Client, Given, Library, Lines, connect};
use vigie::domain::ids::ToolName;
use vigie::domain::tool::call::Permit;
use vigie::domain::tool::{Action, Risk, Tool, Values};

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).context("name a connector: okta")?;
    let spec = Library::shipped().get(&name).with_context(|| format!("there is no {name}"))?;
    let mut lines = std::io::stdin().lock().lines();
    let first: Value = serde_json::from_str(&lines.next().context("a connection is wanted")??)?;
    let (tool, line) = connect(spec, &ToolName::new(&name), given(&first)?)
        .map_err(|why| anyhow!("the connection: {why}"))?;
    let clock = Clock::real();
    let wire = Transport::new(Outside::of_this_machine(clock.clone())?, Redactor::default());
    let lines_of_all = Lines::from([(tool.name.clone(), line)]);
    let client = Client::new(Arc::new(wire), Arc::new(lines_of_all), clock);
    let actions = tool.actions.iter().map(|(name, action)| (name.to_string(), shown(action)));
    say(&Value::from_iter(actions))?;
    let tool = Arc::new(tool);
    for line in lines {
        let order: Value = serde_json::from_str(&line?)?;
        let permit = permit(&tool, &order)?;
        say(&json!(client.call(&permit).await))?;
    }
    Ok(())
}

fn say(value: &Value) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{value}")?)
}

fn given(first: &Value) -> anyhow::Result<Given> {
    let secrets = first["secrets"].as_object().context("`secrets` is an object")?;
    let secret = |(name, value): (&String, &Value)| {
        (name.clone(), value.as_str().unwrap_or_default().to_owned().into())
    };
    Ok(Given {
        plain: serde_json::from_value(first["plain"].clone())?,
        secrets: secrets.iter().map(secret).collect(),
        internal: vec![HostPattern::exact("127.0.0.1")?],
        ..Given::default()
    })
}

fn shown(action: &Action) -> Value {
    json!({"operation": action.operation, "inputs": action.inputs.keys().collect::<Vec<_>>()})
}

/// The vendor is only played: whatever the action does, it does it to nobody, and counts as a look.
fn permit(tool: &Arc<Tool>, order: &Value) -> anyhow::Result<Permit> {
    let name = order["action"].as_str().context("`action` is a name")?;
    let action = tool.actions.get(&name.into()).with_context(|| format!("no action {name}"))?;
    let harmless = Action { risk: Risk::Read, ..Action::clone(action) };
    let with: Values = serde_json::from_value(order["with"].clone())?;
    Permit::read((tool.clone(), Arc::new(harmless)), with, PATIENCE).context("it looks")
}
