//! Each word of a playbook, as whoever started it sees it: what it asks, what it tries again, what it gives up, what it changes.

use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;
use vigie::standins::Fault;

const MIN: Duration = Duration::from_secs(60);
const FIND: &str = "GET /devices/queries";

fn on_a_kiosk() -> Value {
    json!({
        "id": "edr-1", "title": "Credential dump", "severity": "high",
        "hosts": ["fin-laptop-12", "kiosk-2"], "users": ["m.leroy"],
    })
}

/// A playbook of the story's own takes the place of all others, and an alert is there for it.
async fn with_playbook<'w>(w: &'w World, text: &str) -> Page<'w> {
    w.write_playbook("enrich", text);
    w.read_again().await.expect("the playbook is taken up");
    w.alert(on_a_kiosk()).await;
    w.message("#soc-alerts", "Credential dump").await
}

/// Somebody starts what asks nothing; the run's message.
async fn begin<'w>(w: &'w World, page: &Page<'w>, title: &str) -> Page<'w> {
    w.by("ana").click(page, &format!("{title}…")).await;
    w.by("ana").submit(json!({})).await;
    page.reply(title).await
}

#[test]
fn each_way_of_asking_is_a_field_of_the_form_and_its_answer_a_value() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Ask in each way
who: analyst
ask:
  host:  {choose: alert.hosts, label: Which host?}
  depth: {choose: [quick, full], required: false}
  why:   {text: Why, required: true, multiline: true}
  owner: {person: Who owns it?}
  days:  {number: For how many days?}
  sure:  {confirm: I have called the owner, required: true}
steps:
  - say: '{{ ask.host }}, {{ ask.depth|default(\"as ever\") }}, {{ ask.why }}, {{ ask.owner }}, {{ ask.days + 1 }}, {{ ask.sure }}'
";
        let page = with_playbook(w, text).await;
        w.by("ana").click(&page, "Ask in each way…").await;
        let form = w.by("ana").form().await.readable();
        for label in
            ["Which host?", "Depth", "Why", "Who owns it?", "For how many days?", "I have called"]
        {
            assert!(form.contains(label), "{label} is asked:\n{form}");
        }
        let mut answers = json!({
            "ask.host": "kiosk-2", "ask.why": "It *dumps*", "ask.owner": "U0BEA", "ask.days": "2",
        });
        w.by("ana").submit(answers.clone()).await;
        let form = w.by("ana").form().await;
        assert!(!form.errors.is_empty(), "a box that must be ticked was not: {form:#?}");
        answers["ask.sure"] = json!(["Yes"]);
        w.by("ana").submit(answers).await;
        w.by("ana").submit(json!({})).await;
        page.expect_line("kiosk-2, as ever, It *dumps*, U0BEA, 3, True").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_did_not_happen_is_tried_again_as_often_as_the_step_says_and_no_oftener() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look it up
who: analyst
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: nas-2}, retry: {times: 2, wait: 10s}}
  - say: 'It runs {{ steps.find.platform }}'
";
        let page = with_playbook(w, text).await;
        tools.edr.fail_next(FIND, Fault::Status(500));
        let run = begin(w, &page, "Look it up").await;
        run.expect("Done.").await;
        page.expect_line("It runs Linux").await;
        let tries = "SELECT attempt, state FROM steps_v1 WHERE step = 'find' ORDER BY attempt";
        assert_eq!(w.rows(tries), ["1 failed", "2 done"]);

        tools.edr.fail_always(FIND, Fault::Status(500));
        w.by("ana").click(&page, "Look it up…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("It ended at the step `find`").await;
        assert_eq!(tools.edr.calls_of(FIND).len(), 2 + 3, "the first try, and two more");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_tool_that_wants_to_be_left_alone_is_heard_five_times_whatever_the_step_says() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look it up
who: analyst
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: nas-2}}
";
        let page = with_playbook(w, text).await;
        let wants_peace = Fault::Limited(Duration::from_secs(7));
        tools.edr.fail_next(FIND, wants_peace.clone());
        let run = begin(w, &page, "Look it up").await;
        run.expect("Done.").await;
        assert_eq!(
            w.ask("SELECT unixepoch(finished_at) - unixepoch(started_at) FROM runs_v1"),
            "7"
        );
        tools.edr.fail_always(FIND, wants_peace);
        w.by("ana").click(&page, "Look it up…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("It ended at the step `find`").await;
        assert_eq!(tools.edr.calls_of(FIND).len(), 2 + 6);
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_step_that_takes_too_long_ends_in_its_time_and_what_is_for_failures_is_told_of_it() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look it up
who: analyst
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: nas-2}, timeout: 3s}
  - say: It was found
on_failure:
  - say: 'Not found. The step {{ error.step }} failed: {{ error.message }}'
always:
  - say: 'This was {{ run.playbook }}, for {{ run.started_by }}'
";
        let page = with_playbook(w, text).await;
        tools.edr.fail_always(FIND, Fault::Slow(Duration::from_secs(10)));
        let run = begin(w, &page, "Look it up").await;
        run.expect("It ended at the step `find`").await;
        page.expect_line("Not found. The step find failed:").await;
        page.expect_line("This was enrich, for").await;
        let lasted = w.ask("SELECT unixepoch(finished_at) - unixepoch(started_at) FROM runs_v1");
        assert!(matches!(lasted.as_str(), "3" | "4"), "{lasted} s");
        w.sleep(MIN).await;
        w.read_all();
        assert!(!page.message().readable().contains("It was found"));
    });
}

#[test]
fn a_failure_that_is_let_be_leaves_its_values_out_and_the_run_goes_on() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let text = "
title: Look it up
who: analyst
steps:
  - {id: user, uses: okta.get_user, with: {user_id: '{{ alert.users[0] }}'}, on_error: continue}
  - {id: host, uses: crowdstrike.find_host, with: {hostname: nas-2}}
  - when: not steps.user.id
    say: 'Of {{ steps.user.name|default(\"somebody\") }} on {{ steps.host.hostname }} nothing is known'
  - {when: steps.user.id, say: never}
on_failure:
  - say: never
";
        let page = with_playbook(w, text).await;
        tools.iam.fail_always("GET", Fault::Status(404));
        let run = begin(w, &page, "Look it up").await;
        run.expect("Done.").await;
        page.expect_line("Of somebody on nas-2 nothing is known").await;
        w.read_all();
        assert!(!w.slack().transcript().contains("<vigie> never"), "what is left out is not said");
    });
}

#[test]
fn some_takes_the_first_of_several_any_goes_on_without_and_one_asks() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Look them up
who: analyst
steps:
  - {id: several, uses: crowdstrike.find_host, with: {hostname: kiosk-2}, expect: some}
  - {id: nowhere, uses: crowdstrike.find_host, with: {hostname: no-such-host}, expect: any}
  - say: '{{ steps.several.count }} of the first, {{ steps.nowhere.count }} of the second'
  - {id: wanted, uses: crowdstrike.find_host, with: {hostname: no-such-host}, expect: some}
";
        let page = with_playbook(w, text).await;
        let run = begin(w, &page, "Look them up").await;
        page.expect_line("2 of the first, 0 of the second").await;
        run.expect("Abandon").await;
        w.by("ana").click(&run, "Abandon").await;
        run.expect("It ended at the step `wanted`").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_playbook_re_rates_hands_over_adds_to_and_closes_its_alert_and_says_so_in_the_record() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Close it
who: analyst
when: \"'kiosk-2' in alert.hosts\"
steps:
  - alert: {severity: low, assign: bea@example.com, users: '{{ [\"j.durand\"] }}', ips: 10.1.2.3}
  - say: 'For the record'
  - alert: {resolve: {disposition: benign_true_positive, note: 'Our own scanner; {{ run.started_by }} looked.'}}
";
        let page = with_playbook(w, text).await;
        let run = begin(w, &page, "Close it").await;
        run.expect("Done.").await;
        page.expect("LOW").await;
        page.expect("10.1.2.3").await;
        page.expect("Resolved").await;
        let stands = "SELECT severity, state, resolved_by, disposition, users FROM alerts_v1";
        assert_eq!(w.rows(stands), ["low resolved U0ANA benign_true_positive m.leroy,j.durand"]);
        page.expect_line("Assigned to @bea by @ana.").await;
        page.expect_line("For the record").await;
        w.alert(json!({"id": "2", "title": "Beacon", "severity": "high", "hosts": ["web-1"]}))
            .await;
        let other = w.message("#soc-alerts", "Beacon").await;
        let buttons = other.buttons();
        assert!(!buttons.contains(&"Close it…".to_owned()), "it is for kiosk-2 alone: {buttons:?}");
        w.read_all();
    });
}

/// One that had changed it twice would close it twice in the record.
#[test]
fn a_step_sees_the_alert_as_the_step_before_has_left_it() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Change it twice
who: analyst
steps:
  - alert: {severity: low, hosts: web-1}
  - alert: {severity: high, hosts: [web-1, web-2]}
  - alert: {resolve: {disposition: duplicate}}
  - alert: {resolve: {disposition: test}}
  - {alert: {assign: bea@example.com}, on_error: continue}
";
        let page = with_playbook(w, text).await;
        let run = begin(w, &page, "Change it twice").await;
        run.expect("the alert does not take it").await;
        run.expect("Done.").await;
        assert_eq!(
            w.rows("SELECT severity, disposition, hosts FROM alerts_v1"),
            ["high duplicate fin-laptop-12,kiosk-2,web-1,web-2"]
        );
        assert_eq!(w.ask("SELECT count(*) FROM journal WHERE kind = 'resolved'"), "1");
        w.sleep(MIN).await;
        w.read_all();
    });
}
