//! Runs under attack: what somebody could do to have a run do more than was planned, hang for ever, or forget what it did.

use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;
use vigie::standins::Fault;

const MIN: Duration = Duration::from_secs(60);

fn on_two_hosts() -> Value {
    json!({
        "id": "edr-1", "title": "Credential dump", "severity": "critical",
        "hosts": ["fin-laptop-12", "prod-db-1"],
    })
}

/// A playbook of the story's own takes the place of all others, and an alert is there for it.
async fn with_playbook<'w>(w: &'w World, name: &str, text: &str) -> Page<'w> {
    w.write_playbook(name, text);
    w.read_again().await.expect("the playbook is taken up");
    w.alert(on_two_hosts()).await;
    w.message("#sec", "Credential dump").await
}

/// Somebody starts what asks nothing; the run's message.
async fn begin<'w>(w: &'w World, page: &Page<'w>, title: &str) -> Page<'w> {
    w.by("ana").click(page, &format!("{title}…")).await;
    w.by("ana").submit(json!({})).await;
    page.reply(title).await
}

fn state(w: &World) -> String {
    w.ask("SELECT state FROM runs_v1 ORDER BY started_at DESC")
}

#[test]
fn who_is_meant_by_a_run_does_not_stop_it() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Suspend somebody
who: analyst
approve: {by: lead, within: 15m}
ask: {whom: {person: Whom?, required: true}}
steps:
  - say: '{{ ask.whom }} is suspended'
";
        let page = with_playbook(w, "isolate-host", text).await;
        w.by("ana").click(&page, "Suspend somebody…").await;
        w.by("ana").submit(json!({"ask.whom": "U0BEA"})).await;
        w.by("ana").submit(json!({})).await;
        let run = page.reply("Waits for 1 approval").await;
        w.by("bea").click(&run, "Withdraw").await;
        w.sleep(Duration::from_secs(5)).await;
        assert_eq!(state(w), "waiting", "bea cannot stop what is to be done to bea");
        w.by("ana").click(&run, "Withdraw").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_a_step_cannot_take_is_said_in_the_form() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Look it up
who: analyst
ask: {name: {text: Name, required: true}}
steps:
  - {uses: crowdstrike.find_host, with: {hostname: '{{ ask.name|replace(\"x\", \"\") }}'}}
";
        let page = with_playbook(w, "enrich", text).await;
        w.by("ana").click(&page, "Look it up…").await;
        w.by("ana").submit(json!({"ask.name": "xxx"})).await;
        let form = w.by("ana").form().await;
        assert!(!form.errors.is_empty(), "{form:#?}");
        w.sleep(MIN).await;
        w.read_all();
    });
}
