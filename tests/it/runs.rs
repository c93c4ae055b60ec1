//! Playbooks as an analyst at 3 a.m. lives them: a plan, an approval, steps that show how they go, and questions where
//! nobody knows.

use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;
use vigie::standins::{Fault, Standin};

const HOST: &str = "fin-laptop-12";
const CONTAIN: &str = "POST /devices/entities/devices-actions";
const MIN: Duration = Duration::from_secs(60);

fn on_a_laptop() -> Value {
    json!({"id": "edr-1", "title": "Credential dump", "severity": "critical", "hosts": [HOST]})
}

/// Somebody starts the isolation of the alert's host; the run's message.
async fn isolate<'w>(w: &'w World, who: &str) -> Page<'w> {
    let page = w.message("#sec", "Credential dump").await;
    w.by(who).click(&page, "Isolate a host…").await;
    let form = w.by(who).form().await;
    assert!(form.readable().contains("Which host?"), "{}", form.readable());
    w.by(who).submit(json!({"ask.host": HOST, "ask.reason": "It dumps credentials"})).await;
    w.by(who).submit(json!({})).await;
    page.reply("Isolate a host").await
}

/// The same, approved.
async fn isolate_approved<'w>(w: &'w World) -> Page<'w> {
    let run = isolate(w, "ana").await;
    let wanted = w.dm("lea", "Your approval is wanted").await;
    w.by("lea").click(&wanted, "Approve").await;
    run
}

/// A playbook of the story's own takes the place of all others.
async fn with_playbook(w: &World, name: &str, text: &str) {
    w.write_playbook(name, text);
    w.read_again().await.expect("the playbook is taken up");
}

fn states(w: &World) -> Vec<String> {
    w.rows("SELECT step, attempt, state FROM steps_v1 ORDER BY step, attempt")
}

#[test]
fn an_analyst_plans_a_lead_approves_and_the_host_is_off_the_network_once() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").form().await;
        w.by("ana").submit(json!({"ask.host": HOST, "ask.reason": "It dumps credentials"})).await;
        let plan = w.by("ana").form().await.readable();
        for part in
            ["What will be done", "crowdstrike.contain", HOST, "destructive", "can be undone"]
        {
            assert!(plan.contains(part), "{part} is not in the plan:\n{plan}");
        }
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "planned");
        w.by("ana").submit(json!({})).await;
        let run = page.reply("Waits for 1 approval").await;
        assert!(tools.edr.calls().is_empty(), "nothing is done before somebody approves");

        w.by("ana").click(&run, "Approve").await;
        w.whisper("ana", "Your roles do not allow this").await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        run.expect("Done.").await;
        wanted.expect("Approved by").await;
        page.expect_line("is off the network").await;
        w.sleep(MIN).await;
        w.read_all();

        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        assert_eq!(
            w.rows("SELECT playbook, started_by, approved_by, state FROM runs_v1"),
            ["isolate-host U0ANA U0LEA done"]
        );
        assert_eq!(states(w), ["contain 1 done", "find 1 done", "step3 1 done"]);
        let acted =
            "SELECT actor, action, outcome, run_id IS NOT NULL FROM interactions_v1 ORDER BY seq";
        assert_eq!(
            w.rows(acted),
            [
                "U0ANA run_form done 0",
                "U0ANA plan_run done 1",
                "U0ANA run done 1",
                "U0ANA approve denied 1",
                "U0LEA approve done 1",
            ]
        );
        assert_eq!(w.rows("SELECT person, decision FROM approvals_v1"), ["U0LEA approved"]);
        assert_eq!(w.ask("SELECT runs FROM alerts_v1"), "1");
    });
}

#[test]
fn nobody_approves_what_they_have_started_whatever_role_they_hold() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let both = with_tools().replace("users: [U0ANA]", "users: [U0ANA, U0LEA]");
        w.alert(on_a_laptop()).await;
        w.reload_with_tools(&both).await;
        let run = isolate(w, "lea").await;
        w.by("lea").click(&run, "Approve").await;
        w.whisper("lea", "Who starts a run does not approve it").await;
        w.by("eve").click(&run, "Approve").await;
        w.whisper("eve", "Your roles do not allow this").await;
        let approve = run.button("Approve");
        w.by("lea").click(&run, "Withdraw").await;
        run.expect("Stopped by").await;
        w.by("lea").click_old(&run, &approve).await;
        assert!(tools.edr.calls().is_empty());
        let denied = "SELECT actor, action, outcome, reason FROM interactions_v1 WHERE outcome <> 'done' ORDER BY seq";
        assert_eq!(
            w.rows(denied),
            [
                "U0LEA approve denied own_run",
                "U0EVE approve denied not_allowed",
                "U0LEA approve stale run_over",
            ]
        );
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "cancelled");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_nobody_approves_in_time_is_refused_and_the_ladder_is_climbed_meanwhile() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let id = w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Acknowledge").await;
        let run = isolate(w, "ana").await;
        w.dm("lea", "Your approval is wanted").await;
        w.sleep(6 * MIN).await;
        let reminded = w.dm("bea", "Your approval is wanted").await;
        let approve = run.button("Approve");
        w.sleep(10 * MIN).await;
        run.expect("Nobody approved it in time").await;
        reminded.expect("Nobody approved it in time").await;
        w.by("lea").click_old(&run, &approve).await;
        assert!(tools.edr.calls().is_empty());
        assert_eq!(w.rows("SELECT person, decision FROM approvals_v1"), ["system lapsed"]);
        let late = format!(
            "SELECT outcome, reason FROM interactions_v1 WHERE alert_id = '{id}' AND action = 'approve'"
        );
        assert_eq!(w.rows(&late), ["stale too_late"]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn an_approval_waits_over_a_restart_and_what_was_planned_is_done_though_the_file_is_another_by_then()
 {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        let run = isolate(w, "ana").await;
        w.write_playbook(
            "isolate-host",
            "title: Another\nwho: analyst\nsteps: [{say: Nothing at all}]\n",
        );
        w.crash().await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_lost_answer_is_not_guessed_at_the_tool_is_asked_whether_it_happened() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        tools.edr.fail_next("changes", Fault::LoseAnswer);
        let run = isolate_approved(w).await;
        run.expect("the tool says that it happened").await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.calls_of(CONTAIN).len(), 1, "asked, and not done again");
        let told = "SELECT kind FROM journal WHERE stream LIKE 'run_%' AND body LIKE '%contain%' AND kind LIKE 'step.%' ORDER BY seq";
        assert_eq!(
            w.rows(told),
            ["step.opened", "step.started", "step.in_doubt", "step.decided", "step.done"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_did_not_happen_is_done_when_the_tool_says_so() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        tools.edr.fail_next("changes", Fault::Drop);
        let run = isolate_approved(w).await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        assert_eq!(
            states(w),
            ["contain 1 in_doubt", "contain 2 done", "find 1 done", "step3 1 done"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// A tool that breaks over each request, and says that nothing has happened, is not asked for ever.
#[test]
fn what_never_happens_is_asked_of_a_person_after_five_tries() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        tools.edr.fail_always("changes", Fault::Status(500));
        let run = isolate_approved(w).await;
        run.expect("may or may not have happened").await;
        assert_eq!(tools.edr.calls_of(CONTAIN).len(), 5);
        w.sleep(5 * MIN).await;
        assert_eq!(tools.edr.calls_of(CONTAIN).len(), 5);
        w.by("ana").click(&run, "Abandon").await;
        run.expect("It ended at the step `contain`").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// Nobody contains a host alone by lifting a containment and taking that back.
#[test]
fn what_nobody_had_to_approve_is_not_undone_by_something_destructive() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        let run = isolate_approved(w).await;
        run.expect("Done.").await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("lea").begin(&page, "Lift a host's isolation").await;
        w.by("lea").submit(json!({"ask.host": HOST, "ask.reason": "Made anew"})).await;
        w.by("lea").submit(json!({})).await;
        let lifted = page.reply("Lift a host's isolation").await;
        lifted.expect("Done.").await;
        assert_eq!(run.buttons(), ["Undo…", "Details…"]);
        assert_eq!(lifted.buttons(), ["Details…"]);
        assert_eq!(tools.edr.effects().len(), 2);
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// Until the run is looked at again, its timer knows only the moment of the old ladder.
#[test]
fn a_ladder_that_is_changed_while_a_run_waits_is_climbed_as_it_is_now() {
    let of_leads = with_tools().replace(
        "      - {after: 5m, dm: on_call}\n      - {after: 10m, thread: team}\n      - {after: 20m, dm: lead}\n",
        "      - {after: 4m, thread: team}\n",
    );
    let later = of_leads.replace("{after: 4m, thread: team}", "{after: 12m, thread: team}");
    let sooner = of_leads.replace("{after: 4m, thread: team}", "{after: 6m, thread: team}");
    assert!(later != of_leads && sooner != of_leads);
    World::run_with_tools(&of_leads, async |w, _| {
        w.alert(on_a_laptop()).await;
        let run = isolate(w, "ana").await;
        let told = "SELECT count(*) FROM journal WHERE kind = 'run.escalated'";
        assert_eq!(w.ask(told), "1", "whoever may approve is told at once");
        w.sleep(MIN).await;
        w.reload_with_tools(&later).await;
        w.sleep(4 * MIN).await;
        assert_eq!(w.ask(told), "1", "the old moment has gone by");
        w.reload_with_tools(&sooner).await;
        w.sleep(2 * MIN).await;
        assert_eq!(w.ask(told), "2", "the new one has come");
        w.by("lea").click(&run, "Refuse").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

const TICKET: &str = "
title: Open a ticket
who: analyst
steps:
  - {id: ticket, uses: jira.create_issue, with: {project: SEC, summary: '{{ alert.title }}'}}
  - say: 'It is {{ steps.ticket.key|default(\"there\") }}'
";

#[test]
fn a_step_that_nobody_can_ask_about_is_asked_of_a_person_who_alone_says_how_it_goes_on() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        with_playbook(w, "jira-ticket", TICKET).await;
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        tools.jira.fail_next("changes", Fault::LoseAnswer);
        w.by("ana").click(&page, "Open a ticket…").await;
        w.by("ana").submit(json!({})).await;
        let run = page.reply("may or may not have happened").await;
        assert_eq!(run.buttons(), ["It happened", "Run again", "Abandon", "Details…", "Stop"]);
        w.crash().await;
        w.sleep(4 * MIN).await;
        assert_eq!(
            tools.jira.effects().len(),
            1,
            "nobody has said anything: nothing is done twice"
        );
        let again = run.button("Run again");
        w.by("eve").click(&run, "It happened").await;
        w.whisper("eve", "Your roles do not allow this").await;
        w.by("bea").click(&run, "It happened").await;
        run.expect("somebody says that it happened").await;
        run.expect("Done.").await;
        page.expect_line("It is there").await;
        assert_eq!(tools.jira.effects().len(), 1);
        assert_eq!(w.ask("SELECT decided_by FROM steps_v1 WHERE step = 'ticket'"), "U0BEA");
        w.by("ana").click_old(&run, &again).await;
        w.whisper("ana", "decided already").await;
        assert_eq!(tools.jira.effects().len(), 1);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_crash_in_the_middle_of_a_call_is_a_question_and_never_a_second_call() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        with_playbook(w, "jira-ticket", TICKET).await;
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        tools.jira.fail_next("changes", Fault::Slow(Duration::from_secs(20)));
        w.by("ana").click(&page, "Open a ticket…").await;
        w.by("ana").submit(json!({})).await;
        tools.jira.until(|jira| (!jira.calls().is_empty()).then_some(())).await;
        w.crash().await;
        let run = page.reply("may or may not have happened").await;
        w.by("ana").click(&run, "Run again").await;
        run.expect("Done.").await;
        assert_eq!(tools.jira.effects().len(), 2, "ana wanted it again");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn of_several_matches_none_is_taken_unasked() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        // The fleet has two kiosks of one name.
        let kiosk = json!({"id": "edr-2", "title": "Credential dump", "severity": "critical", "hosts": ["kiosk-2"]});
        w.alert(kiosk).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").submit(json!({"ask.host": "kiosk-2", "ask.reason": "Odd"})).await;
        w.by("ana").submit(json!({})).await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        let run = page.reply("found 2, and one is expected").await;
        assert!(tools.edr.effects().is_empty());
        let first = run.buttons().remove(0);
        w.by("ana").click(&run, &first).await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.effects().len(), 1);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn where_nothing_matches_somebody_is_asked_and_may_give_it_up() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let gone = json!({"id": "edr-3", "title": "Credential dump", "severity": "critical", "hosts": ["no-such-host"]});
        w.alert(gone).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").submit(json!({"ask.host": "no-such-host", "ask.reason": "Odd"})).await;
        w.by("ana").submit(json!({})).await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        let run = page.reply("found nothing").await;
        assert_eq!(run.buttons(), ["Look again", "Abandon", "Details…", "Stop"]);
        w.by("ana").click(&run, "Abandon").await;
        run.expect("given up").await;
        page.expect_line("The host was not isolated").await;
        assert!(tools.edr.effects().is_empty());
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "failed");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_protected_host_is_held_though_the_call_names_only_its_id() {
    let config = with_tools() + "protected: {hosts: [\"fin-*\"]}\n";
    World::run_with_tools(&config, async |w, tools| {
        w.alert(on_a_laptop()).await;
        let run = isolate_approved(w).await;
        run.expect("refused, it is protected").await;
        assert!(tools.edr.effects().is_empty());
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "refused");
        assert_eq!(states(w), ["contain 1 failed", "find 1 done", "on_failure1 1 done"]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn the_destructive_step_beyond_the_limit_is_refused_until_the_hour_is_over() {
    let config = with_tools() + "limits: {destructive: 1/h}\n";
    World::run_with_tools(&config, async |w, tools| {
        w.alert(on_a_laptop()).await;
        isolate_approved(w).await.expect("Done.").await;
        let page = w.message("#sec", "Credential dump").await;
        w.sleep(MIN).await;
        w.read_all();
        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").submit(json!({"ask.host": HOST, "ask.reason": "Again"})).await;
        w.by("ana").submit(json!({})).await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        wanted.expect("refused, the limit is reached").await;
        assert_eq!(tools.edr.effects().len(), 1);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn one_runs_at_a_time_and_one_that_is_stopped_does_nothing_more() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        let run = isolate(w, "ana").await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("bea").click(&page, "Isolate a host…").await;
        w.whisper("bea", "runs on this alert already").await;
        w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&run, "Refuse").await;
        run.expect("Refused by").await;
        assert!(tools.edr.calls().is_empty());
        assert_eq!(w.rows("SELECT person, decision FROM approvals_v1"), ["U0LEA declined"]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_was_done_is_taken_back_by_the_same_rules() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        let run = isolate_approved(w).await;
        run.expect("Done.").await;
        assert_eq!(run.buttons(), ["Undo…", "Details…"]);
        w.by("eve").click(&run, "Undo…").await;
        w.whisper("eve", "Your roles do not allow this").await;
        w.by("ana").click(&run, "Undo…").await;
        let plan = w.by("ana").form().await.readable();
        assert!(plan.contains("crowdstrike.lift_containment"), "{plan}");
        w.by("ana").submit(json!({})).await;
        let page = w.message("#sec", "Credential dump").await;
        page.reply("Undo: Isolate a host").await.expect("Done.").await;
        assert_eq!(tools.edr.effects().len(), 2);
        w.by("ana").click(&run, "Undo…").await;
        w.whisper("ana", "This was taken back already").await;
        assert_eq!(
            w.rows("SELECT playbook, state FROM runs_v1 ORDER BY started_at"),
            ["isolate-host done", "undo-isolate-host done"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_playbook_of_its_own_accord_looks_things_up_for_each_new_alert_once() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look it up
on: alert
when: alert.hosts
steps:
  - {id: host, for_each: alert.hosts, uses: crowdstrike.find_host, with: {hostname: '{{ item }}'}, expect: any}
  - say: '{{ steps.host.items[0].hostname }} runs {{ steps.host.items[0].platform }}'
  - alert: {severity: high, ips: '{{ steps.host.items[0].local_ip }}'}
";
        with_playbook(w, "enrich", text).await;
        let id = w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        page.expect_line("fin-laptop-12 runs Windows").await;
        page.reply("started by itself").await.expect("Done.").await;
        page.expect("HIGH").await;
        w.hook("edr", &on_a_laptop()).await;
        w.sleep(MIN).await;
        w.read_all();
        assert_eq!(
            w.rows("SELECT playbook, started_by, state FROM runs_v1"),
            ["enrich system done"]
        );
        assert_eq!(w.ask(&format!("SELECT severity FROM alerts_v1 WHERE id = '{id}'")), "high");
        assert_ne!(w.ask(&format!("SELECT ips FROM alerts_v1 WHERE id = '{id}'")), "");
        assert_eq!(tools.edr.calls_of("GET /devices/queries").len(), 1, "a repeat is no new alert");
    });
}

#[test]
fn a_value_that_is_missing_stops_before_anything_is_sent() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Suspend
who: analyst
steps:
  - {id: user, uses: okta.get_user, with: {user_id: alice}, on_error: continue}
  - {id: off, uses: okta.suspend_user, with: {user_id: '{{ steps.user.id }}'}}
";
        with_playbook(w, "suspend-user", text).await;
        w.alert(
            json!({"id": "1", "title": "Credential dump", "severity": "critical", "users": ["x"]}),
        )
        .await;
        let page = w.message("#sec", "Credential dump").await;
        tools.iam.fail_always("GET", Fault::Status(404));
        w.by("ana").click(&page, "Suspend…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("Suspend").await.expect("refused, a value is missing").await;
        assert!(tools.iam.effects().is_empty());
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "refused");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn where_the_alerts_channel_is_closed_the_run_goes_along_and_can_still_be_approved() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        isolate(w, "ana").await;
        w.dm("lea", "Your approval is wanted").await;
        w.slack().archive_channel("#sec").await.expect("it can be archived");
        let moved = w.message("#soc-alerts", "Credential dump").await;
        let run = moved.reply("Waits for 1 approval").await;
        w.by("lea").click(&run, "Approve").await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_thousand_runs_at_once_end_each_in_its_order() {
    const ALERTS: usize = 500;
    World::run_with_tools(&with_tools(), async |w, tools| {
        for name in ["enrich", "leaked-secret"] {
            let text = format!(
                "title: {name}\non: alert\nsteps:\n  - {{id: one, uses: okta.get_user, with: {{user_id: m.leroy}}, on_error: continue}}\n  \
                 - {{id: two, uses: okta.get_user, with: {{user_id: m.leroy}}, on_error: continue}}\n"
            );
            w.write_playbook(name, &text);
        }
        w.read_again().await.expect("the playbooks are taken up");
        let body: Vec<Value> = (0..ALERTS)
            .map(|n| json!({"id": n.to_string(), "title": format!("alert {n}"), "severity": "low"}))
            .collect();
        for part in body.chunks(100) {
            assert_eq!(w.hook("edr", &json!(part)).await.0, 202);
        }
        let ended = "SELECT count(*) FROM runs_v1 WHERE state = 'done'";
        // A tool is asked so often a second and no more.
        for _ in 0..60 {
            if w.ask(ended) == (2 * ALERTS).to_string() {
                break;
            }
            w.sleep(MIN).await;
        }
        assert_eq!(w.ask(ended), (2 * ALERTS).to_string(), "every run ends");
        assert_eq!(tools.iam.calls().len(), 4 * ALERTS, "each step once");
        let out_of_order = "SELECT j.stream FROM journal j
             WHERE kind = 'step.started' AND json_extract(body, '$.call.step') = 'two'
               AND NOT EXISTS (SELECT 1 FROM journal k WHERE k.stream = j.stream AND k.seq < j.seq AND k.kind IN ('step.done', 'step.failed')
                               AND json_extract(k.body, '$.call.step') = 'one')";
        assert!(w.rows(out_of_order).is_empty());
        w.sleep(60 * MIN).await;
        w.read_all();
    });
}

#[test]
fn who_must_say_how_it_goes_on_is_told_at_once_and_then_up_the_ladder() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        with_playbook(w, "jira-ticket", TICKET).await;
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        tools.jira.fail_next("changes", Fault::LoseAnswer);
        w.by("ana").click(&page, "Open a ticket…").await;
        w.by("ana").submit(json!({})).await;
        let run = page.reply("may or may not have happened").await;
        let told = w.dm("ana", "Somebody must say how this goes on").await;
        w.by("ana").click(&page, "Acknowledge").await;
        w.sleep(5 * MIN).await;
        let called = w.dm("bea", "Somebody must say how this goes on").await;
        w.sleep(16 * MIN).await;
        w.dm("lea", "Somebody must say how this goes on").await;
        w.by("bea").click(&called, "It happened").await;
        for page in [&run, &told, &called] {
            page.expect("Done.").await;
        }
        assert_eq!(tools.jira.effects().len(), 1);
        w.sleep(60 * MIN).await;
        w.read_all();
        let told = "SELECT count(*) FROM journal WHERE kind = 'run.escalated'";
        assert_eq!(w.ask(told), "4", "ana, bea, the team, lea; and nobody once it was said");
    });
}

#[test]
fn a_tool_that_could_not_say_whether_it_happened_is_asked_again_by_a_press() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(on_a_laptop()).await;
        tools.edr.fail_next("changes", Fault::LoseAnswer);
        let run = isolate_approved(w).await;
        // It is asked whether it happened a moment later.
        let sent = |edr: &Standin| (!edr.calls_of(CONTAIN).is_empty()).then_some(());
        tools.edr.until(sent).await;
        tools.edr.fail_always("GET", Fault::Status(500));
        run.expect("may or may not have happened").await;
        tools.edr.heal();
        w.by("ana").click(&run, "Check now").await;
        run.expect("the tool says that it happened").await;
        run.expect("Done.").await;
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_is_under_way_when_somebody_stops_it_ends_and_nothing_comes_after_it() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look twice
who: analyst
steps:
  - {id: one, uses: crowdstrike.find_host, with: {hostname: nas-2}}
  - {id: two, uses: okta.get_user, with: {user_id: m.leroy}}
  - say: Looked
";
        with_playbook(w, "enrich", text).await;
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        tools.edr.fail_next("GET /devices/queries", Fault::Slow(Duration::from_secs(10)));
        w.by("ana").click(&page, "Look twice…").await;
        w.by("ana").submit(json!({})).await;
        let run = page.reply("Running.").await;
        w.by("ana").click(&run, "Stop").await;
        run.expect("Stopped by").await;
        w.sleep(MIN).await;
        assert_eq!(states(w), ["one 1 done"]);
        assert!(tools.iam.calls().is_empty());
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "cancelled");
        w.read_all();
    });
}
