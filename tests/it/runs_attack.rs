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
fn a_round_that_the_plan_leaves_out_is_left_out() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look some up
who: analyst
steps:
  - id: host
    for_each: alert.hosts
    let: {name: '{{ item|upper }}'}
    when: item != 'prod-db-1'
    uses: crowdstrike.find_host
    with: {hostname: '{{ name }}'}
    expect: any
  - say: 'Looked at {{ steps.host.count }}'
";
        let page = with_playbook(w, "enrich", text).await;
        w.by("ana").click(&page, "Look some up…").await;
        let plan = w.by("ana").form().await.readable();
        assert!(plan.contains("does not hold"), "one round is left out:\n{plan}");
        w.by("ana").submit(json!({})).await;
        let run = page.reply("Look some up").await;
        run.expect("Done.").await;
        page.expect_line("Looked at 1").await;
        assert_eq!(tools.edr.calls_of("GET /devices/queries").len(), 1, "as it was planned");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_is_done_at_the_end_is_done_too_where_somebody_stops_the_run() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Open a ticket
who: analyst
steps:
  - {id: ticket, uses: jira.create_issue, with: {project: SEC, summary: x}}
  - say: Never said
always:
  - {id: last, uses: okta.get_user, with: {user_id: m.leroy@example.com}}
";
        let page = with_playbook(w, "jira-ticket", text).await;
        tools.jira.fail_next("changes", Fault::LoseAnswer);
        let run = begin(w, &page, "Open a ticket").await;
        run.expect("may or may not have happened").await;
        w.by("ana").click(&run, "Stop").await;
        w.by("ana").click(&run, "It happened").await;
        w.sleep(MIN).await;
        assert_eq!(state(w), "cancelled", "it ends");
        assert_eq!(tools.iam.calls().len(), 1, "whatever came of it");
        w.read_all();
    });
}

const TICKET: &str = "
title: Open a ticket
who: analyst
steps:
  - {id: ticket, uses: jira.create_issue, with: {project: SEC, summary: x}}
";

/// A config without that tool, and no playbook that speaks of it.
fn without_jira(w: &World) -> String {
    w.write_playbook("jira-ticket", "title: Another\nwho: analyst\nsteps: [{say: Nothing}]\n");
    let config = with_tools();
    let lines = config.lines().filter(|line| !line.contains("JIRA") && !line.contains("jira:"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_question_about_a_tool_that_is_no_more_can_still_be_answered() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = with_playbook(w, "jira-ticket", TICKET).await;
        tools.jira.fail_next("changes", Fault::LoseAnswer);
        let run = begin(w, &page, "Open a ticket").await;
        run.expect("may or may not have happened").await;
        w.reload_with_tools(&without_jira(w)).await;
        w.by("ana").click(&run, "Stop").await;
        w.by("ana").click(&run, "It happened").await;
        w.sleep(MIN).await;
        assert_eq!(state(w), "cancelled", "nobody is asked for ever");
        w.read_all();
    });
}

#[test]
fn what_a_tool_answers_is_kept_though_the_tool_is_no_more_by_then() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = with_playbook(w, "jira-ticket", TICKET).await;
        tools.jira.fail_next("changes", Fault::Slow(Duration::from_secs(20)));
        begin(w, &page, "Open a ticket").await;
        tools.jira.until(|jira| (!jira.calls().is_empty()).then_some(())).await;
        w.reload_with_tools(&without_jira(w)).await;
        w.sleep(MIN).await;
        assert_eq!(tools.jira.effects().len(), 1, "it was done");
        assert_eq!(w.ask("SELECT state FROM steps_v1"), "done", "and that is what is recorded");
        w.read_all();
    });
}

#[test]
fn a_crash_and_a_tool_that_is_no_more_leave_a_doubt_and_no_failure() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = with_playbook(w, "jira-ticket", TICKET).await;
        tools.jira.fail_next("changes", Fault::Slow(Duration::from_secs(20)));
        let run = begin(w, &page, "Open a ticket").await;
        tools.jira.until(|jira| (!jira.calls().is_empty()).then_some(())).await;
        w.kill().await;
        w.start_with(&World::located(&without_jira(w), tools)).await;
        run.expect("may or may not have happened").await;
        assert_eq!(w.ask("SELECT state FROM steps_v1"), "in_doubt");
        w.by("ana").click(&run, "It happened").await;
        w.sleep(MIN).await;
        assert_ne!(state(w), "in_doubt", "it can be answered");
        w.read_all();
    });
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
fn a_list_that_a_step_gives_has_the_same_end_as_one_that_is_planned() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Say it often
who: analyst
steps:
  - {for_each: 'range(300 if run.id else 0)', say: 'number {{ item }}'}
";
        let page = with_playbook(w, "enrich", text).await;
        let run = begin(w, &page, "Say it often").await;
        run.expect("at most 200").await;
        assert_eq!(w.slack().thread("C0SEC", &page.message().ts).len(), 1, "nothing was said");
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

#[test]
fn what_is_taken_back_is_what_was_done_though_a_name_means_another_thing_since() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Isolate both
who: analyst
steps:
  - {id: a, let: {name: fin-laptop-12}, uses: crowdstrike.find_host, with: {hostname: '{{ name }}'}}
  - {id: contain_a, let: {id: '{{ steps.a.id }}'}, uses: crowdstrike.contain, with: {device_id: '{{ id }}'}}
  - {id: b, uses: crowdstrike.find_host, with: {hostname: nas-2}}
  - {id: other, let: {id: '{{ steps.b.id }}'}, say: 'Left alone: {{ id }}'}
";
        let page = with_playbook(w, "isolate-host", text).await;
        let run = begin(w, &page, "Isolate both").await;
        run.expect("Done.").await;
        w.by("ana").click(&run, "Undo…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("Undo: Isolate both").await.expect("Done.").await;
        assert_eq!(
            tools.edr.effects(),
            ["contain fin-laptop-12", "lift containment of fin-laptop-12"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// A storm has each new alert looked up, and the tool answers nobody: what a person wants is done all the same.
#[test]
fn a_tool_that_answers_nobody_holds_up_no_other_and_a_storm_holds_up_no_person() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let lookup = "
title: Look it up
on: alert
when: \"'storm' in alert.hosts\"
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: nas-2}, on_error: continue}
";
        let by_hand = "
title: Look by hand
who: analyst
steps:
  - {id: user, uses: okta.get_user, with: {user_id: m.leroy}}
  - {id: session, uses: crowdstrike.rtr_session, with: {device_id: 6b1f0d7e9a2c4b3f8d5e7c6a1b0f9e8d}, on_error: continue}
  - say: Looked
";
        let approved = "
title: Isolate it
on: alert
when: \"'fin-laptop-12' in alert.hosts\"
approve: {by: lead}
steps:
  - {id: contain, uses: crowdstrike.contain, with: {device_id: 1f9a3c5e7b2d4f6081a3c5e7092b4d6f}}
";
        w.write_playbook("enrich", lookup);
        w.write_playbook("isolate-host", by_hand);
        w.write_playbook("isolate-it", approved);
        w.read_again().await.expect("they are taken up");
        tools.edr.fail_always("GET /devices/queries", Fault::Slow(Duration::from_secs(25)));
        for number in 0..100 {
            let title = format!("Beacon {number}");
            w.alert(json!({"id": number.to_string(), "title": title, "severity": "low", "hosts": ["storm"]})).await;
        }
        w.alert(json!({"id": "x", "title": "Credential dump", "severity": "critical", "hosts": ["fin-laptop-12"]}))
            .await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Look by hand…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("Look by hand").await.expect("Done.").await;
        let lasted = "SELECT unixepoch(finished_at) - unixepoch(started_at) FROM runs_v1 WHERE started_by = 'U0ANA'";
        let lasted: u32 = w.ask(lasted).parse().expect("seconds");
        assert!(lasted <= 5, "{lasted} s");
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        w.sleep(Duration::from_secs(3)).await;
        assert_eq!(tools.edr.effects(), ["contain fin-laptop-12"], "who approves does not wait");
        let under_way = tools.edr.calls_of("GET /devices/queries").len();
        assert!(under_way <= 8, "{under_way} of the storm's at once");
        w.sleep(15 * MIN).await;
        assert_eq!(w.ask("SELECT count(*) FROM runs_v1 WHERE state <> 'done'"), "0");
        w.read_all();
    });
}
