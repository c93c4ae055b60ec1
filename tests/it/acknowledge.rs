//! An alert is shown, somebody takes it, and the record says who, when and in which role.

use crate::world::{World, alert, critical, high};
use serde_json::json;
use std::time::Duration;

const SEC: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn acknowledged_in_time_nobody_else_is_woken() {
    World::run(async |w| {
        let id = w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        assert_eq!(page.buttons(), ["Acknowledge", "Resolve…"]);
        w.sleep(4 * MIN).await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA> 10:04, after 4 min").await;
        page.expect_line("Acknowledged by @ana").await;
        assert_eq!(page.buttons(), ["Resolve…"]);
        w.sleep(8 * HOUR).await;
        assert_eq!(w.rows("SELECT target, level FROM notifications_v1"), ["C0SEC 0"]);
        assert_eq!(
            w.rows(
                "SELECT actor, actor_roles, surface, action, outcome, alert_id FROM interactions_v1"
            ),
            [format!("U0ANA analyst button acknowledge done {id}")]
        );
        assert_eq!(
            w.rows("SELECT state, acknowledged_by, acknowledged_at, treated FROM alerts_v1"),
            ["acknowledged U0ANA 2025-11-26T09:04:00.000Z 1"]
        );
    });
}

#[test]
fn acknowledged_a_moment_before_the_reminder_fires() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN - Duration::from_millis(1)).await;
        w.by("ana").click(&page, "Acknowledge").await;
        w.sleep(HOUR).await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        assert_eq!(w.ask("SELECT count(*) FROM notifications_v1 WHERE level > 0"), "0");
    });
}

#[test]
fn two_analysts_click_at_the_same_instant() {
    World::run(async |w| {
        w.alert(high("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        let (ana, bea) = (w.by("ana"), w.by("bea"));
        tokio::join!(ana.click(&page, "Acknowledge"), bea.click(&page, "Acknowledge"));
        page.expect("*Acknowledged* by").await;
        page.expect_line("Acknowledged by").await;
        let outcomes = w.rows("SELECT outcome FROM interactions_v1 ORDER BY seq");
        assert_eq!(outcomes, ["done", "repeated"]);
        let late = w.ask("SELECT actor FROM interactions_v1 WHERE outcome = 'repeated'");
        w.whisper(if late == "U0BEA" { "bea" } else { "ana" }, "Acknowledged already").await;
        assert_eq!(w.ask("SELECT count(*) FROM acknowledgements_v1"), "1");
    });
}

#[test]
fn acknowledged_reopened_and_acknowledged_by_the_same_person() {
    World::run(async |w| {
        w.alert(high("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        let ana = w.by("ana");
        ana.click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.sleep(SEC).await;
        ana.choose(&page, "Reopen").await;
        page.expect("*Open again*").await;
        page.expect_line("Reopened by @ana").await;
        w.sleep(SEC).await;
        ana.click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        assert_eq!(
            w.rows("SELECT person, ended_by, ended_why FROM acknowledgements_v1 ORDER BY seq"),
            ["U0ANA U0ANA reopened", "U0ANA - -"]
        );
        assert_eq!(
            w.rows("SELECT action, outcome FROM interactions_v1 ORDER BY seq"),
            ["acknowledge done", "reopen done", "acknowledge done"]
        );
        // The first who did, and when, stays.
        assert_eq!(w.ask("SELECT acknowledged_at FROM alerts_v1"), "2025-11-26T09:00:00.000Z");
    });
}

#[test]
fn resolved_through_the_form_which_wants_a_note_for_a_critical() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        let ana = w.by("ana");
        ana.click(&page, "Resolve…").await;
        ana.submit(json!({"disposition": "false_positive", "note": " "})).await;
        assert!(ana.form().await.errors.contains_key("note"), "the form stays open and says why");
        ana.submit(
            json!({"disposition": "false_positive", "note": "the backup job, see *SEC-12*"}),
        )
        .await;
        page.expect("*Resolved* by <@U0ANA>").await;
        page.expect_line("Resolved by @ana").await;
        w.sleep(8 * HOUR).await;
        assert_eq!(
            w.rows("SELECT state, resolved_by, disposition, note, treated FROM alerts_v1"),
            ["resolved U0ANA false_positive the backup job, see *SEC-12* 1"]
        );
        assert_eq!(
            w.rows("SELECT surface, action, outcome, reason FROM interactions_v1 ORDER BY seq"),
            [
                "button resolve_form done -",
                "modal resolve failed note_required",
                "modal resolve done -"
            ]
        );
    });
}

#[test]
fn a_stale_button_explains_itself() {
    World::run(async |w| {
        w.alert(high("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        let old = page.value("ack");
        w.by("ana").resolve(&page, "test", "").await;
        page.expect("*Resolved* by <@U0ANA>").await;
        page.expect_line("Resolved by @ana").await;
        w.by("ana").click(&page, "Reopen").await;
        page.expect("*Open again*").await;
        page.expect_line("Reopened by @ana").await;
        w.by("bea").click_with_value(&page, "Acknowledge", &old).await;
        w.whisper("bea", "earlier").await;
        w.by("bea")
            .click_with_value(&page, "Acknowledge", &old.replace("acknowledge", "resolve"))
            .await;
        w.whisper("bea", "not").await;
        let last = "SELECT outcome, reason FROM interactions_v1 WHERE actor = 'U0BEA' ORDER BY seq";
        assert_eq!(w.rows(last), ["stale stale", "denied forged"]);
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
    });
}

#[test]
fn the_same_envelope_twice_is_one_click() {
    World::run(async |w| {
        w.alert(high("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        w.settle().await;
        w.slack().repeat_next();
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.sleep(MIN).await;
        assert_eq!(w.rows("SELECT outcome FROM interactions_v1"), ["done"]);
        // Events about our own messages are acknowledged too, each once.
        let acks = w.slack().acks();
        let of = |id: &str| acks.iter().filter(|ack| ack.envelope_id == id).count();
        let twice = acks.iter().filter(|ack| of(&ack.envelope_id) == 2).count();
        assert_eq!(twice, 2, "both deliveries were acknowledged");
    });
}

#[test]
fn the_same_webhook_five_times_at_once_is_one_alert_seen_five_times() {
    World::run(async |w| {
        let body = high("sudo on prod-db-1");
        let send = || w.hook("edr", &body);
        let answers = tokio::join!(send(), send(), send(), send(), send());
        let outcomes = [answers.0, answers.1, answers.2, answers.3, answers.4]
            .map(|(status, answer)| format!("{status} {}", answer["alerts"][0]["outcome"]));
        let created = outcomes.iter().filter(|o| *o == "202 \"created\"").count();
        let repeated = outcomes.iter().filter(|o| *o == "202 \"repeated\"").count();
        assert_eq!((created, repeated), (1, 4), "{outcomes:?}");
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        page.expect("5 times").await;
        assert_eq!(w.ask("SELECT occurrences FROM alerts_v1"), "5");
        assert_eq!(w.slack().messages("#soc-alerts").len(), 1);
    });
}

#[test]
fn a_delivery_that_names_itself_gets_its_first_answer_again() {
    World::run(async |w| {
        let headers = [("Idempotency-Key", "delivery-1")];
        let first = w.hook_with("edr", &high("sudo on prod-db-1"), &headers).await;
        let second = w.hook_with("edr", &high("sudo on prod-db-1"), &headers).await;
        assert_eq!(first, second);
        w.message("#soc-alerts", "sudo on prod-db-1").await;
        assert_eq!(w.ask("SELECT occurrences FROM alerts_v1"), "1");
    });
}

#[test]
fn a_resolved_from_the_source_closes_it_and_a_new_firing_is_a_new_alert() {
    World::run(async |w| {
        let first = w.alert(high("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        let mut over = high("sudo on prod-db-1");
        over["status"] = json!("resolved");
        let (status, answer) = w.hook("edr", &over).await;
        assert_eq!(
            (status, &answer["alerts"][0]),
            (202, &json!({"id": first, "outcome": "resolved"}))
        );
        page.expect("source").await;
        page.expect_line("edr").await;
        w.sleep(8 * HOUR).await;
        assert_eq!(w.ask("SELECT count(*) FROM notifications_v1 WHERE level > 0"), "0");
        let second = w.alert(high("sudo on prod-db-1")).await;
        w.message("#soc-alerts", &format!("came before as `{first}`")).await;
        assert_eq!(
            w.ask(&format!("SELECT previous_alert FROM alerts_v1 WHERE id = '{second}'")),
            first
        );
        assert_eq!(w.ask(&format!("SELECT treated FROM alerts_v1 WHERE id = '{first}'")), "0");
    });
}

#[test]
fn resolved_before_we_ever_heard_of_it_is_kept_and_not_shown() {
    World::run(async |w| {
        let mut over = alert("low", "disk full");
        over["status"] = json!("resolved");
        let (status, answer) = w.hook("edr", &over).await;
        assert_eq!((status, answer["alerts"][0]["outcome"].as_str()), (202, Some("suppressed")));
        w.sleep(HOUR).await;
        assert_eq!(w.slack().messages("#soc-alerts").len(), 0);
        assert_eq!(
            w.rows("SELECT state, suppressed_by FROM alerts_v1"),
            ["resolved resolved_before_seen"]
        );
    });
}
