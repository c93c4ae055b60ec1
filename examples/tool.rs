//! One tool, for servers in any language: `cargo run --example tool -- okta`.
//!
//! The first line on stdin is its connection, `{"plain": {…}, "secrets": {…}}`; it may reach 127.0.0.1. The answer is what it can
//! do: `{"action": {"operation", "inputs"}}`. Each further line is a call, `{"action", "with"}`, and is answered by what came of it.
//! Nothing is asked of anybody: this is for servers that only play the vendor. It ends with stdin.
use anyhow::{Context as _, anyhow, bail};
use serde_json::{Value, json};
use std::io::{BufRead as _, Write as _};
use std::sync::Arc;
use vigie::clock::Clock;
use vigie::connectors::wire::{HostPattern, Outside, Redactor, Transport};
use vigie::connectors::{Client, Given, Library, Lines, connect};
use vigie::domain::ids::{RunId, ToolName};
use vigie::domain::people::ChannelRef;
use vigie::domain::playbook::plan::{self, Plan};
use vigie::domain::playbook::run::advance::ours;
use vigie::domain::playbook::run::event::{CallId, RunPlanned};
use vigie::domain::playbook::run::gate::{self, Around, Gate, Pinned};
use vigie::domain::playbook::run::{PlanContent, Run};
use vigie::domain::playbook::scope::About;
use vigie::domain::playbook::{Asked, Trigger};
use vigie::domain::policy::Policy;
use vigie::domain::time::Timestamp;
use vigie::domain::tool::call::Permit;
use vigie::domain::tool::{Action, Catalogue, Tool, Values};
use vigie::playbooks::{self, Known};

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
    let actions = tool.actions.names().filter_map(|name| Some((name, tool.actions.get(name)?)));
    let actions = actions.map(|(name, action)| (name.to_string(), shown(action)));
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

/// The vendor is only played. Whatever changes something goes as it does in truth: as the step of a playbook, through the gate.
fn permit(tool: &Arc<Tool>, order: &Value) -> anyhow::Result<Permit> {
    let name = order["action"].as_str().context("`action` is a name")?;
    let with: Values = serde_json::from_value(order["with"].clone())?;
    let catalogue = Arc::new(Catalogue([(tool.name.clone(), tool.clone())].into()));
    let step = json!({"id": "it", "uses": format!("{}.{name}", tool.name), "with": with});
    let text = json!({"title": "Play", "steps": [step]}).to_string();
    let known = Known { catalogue: &catalogue, roles: None };
    let checked = playbooks::check("play.yaml", &text, known);
    let playbook = checked.map_err(|problems| anyhow!("{problems:#?}"))?.playbook;
    let alert = json!({"title": "x", "severity": "low", "status": "firing", "dedup_key": "x"});
    let about = About { source: "edr".into(), alert: serde_json::from_value(alert)? };
    let asked = Asked::new();
    let wanted =
        plan::Wanted { playbook: &playbook, catalogue: &catalogue, about: &about, asked: &asked };
    let outline = Plan::make(&wanted)?.outline().clone();
    let planned = RunPlanned {
        playbook: playbook.name.clone(),
        playbook_hash: playbook.hash.clone(),
        plan_hash: String::new(),
        alert: None,
        test: true,
        trigger: Trigger::Button,
        risk: outline.risk,
        tools: outline.tools.clone(),
        approval: None,
        escalation: "standard".into(),
        rungs: Vec::new(),
        undoes: None,
        config_hash: String::new(),
    };
    let About { source, alert } = about;
    let undoes_for = Asked::new();
    let content =
        PlanContent { title: "Play".to_owned(), text, source, alert, outline, undoes_for };
    let now = Timestamp::from_millis(0);
    let id = RunId::new("run_01JDGQ5R6ZK3V8W9XACEGHJKMN");
    let run = Run::new(&id, &planned, Some(content), &ours(now));
    let pinned = Pinned { playbook: Arc::new(playbook), catalogue };
    let call = CallId { step: "it".into(), iteration: 0, attempt: 1 };
    let policy = policy();
    let around = Around { policy: &policy, destructive: &[], now, names: None };
    match gate::admit(&run, &pinned, &call, &around) {
        Gate::Go { permit, .. } => Ok(permit),
        other => bail!("the gate holds it: {other:?}"),
    }
}

/// Nothing is protected, for nothing is there.
fn policy() -> Policy {
    Policy {
        config_hash: String::new(),
        since: Timestamp::from_millis(0),
        ladders_since: Default::default(),
        timezone: jiff::tz::TimeZone::UTC,
        channel: ChannelRef("#soc".to_owned()),
        roles: Default::default(),
        teams: Default::default(),
        routes: Vec::new(),
        escalations: Default::default(),
        catalogue: Default::default(),
        playbooks: Default::default(),
        protected: Default::default(),
        limits: Default::default(),
    }
}
