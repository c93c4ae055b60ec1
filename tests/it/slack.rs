//! Slack in its moods: what it refuses, limits and loses, and what a person sees of it.

use crate::world::{self, World, critical, high};
use serde_json::json;
use std::time::Duration;
use vigie::sim::{Dnd, Fault, Message};

const SEC: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);

#[test]
fn a_form_that_comes_too_late_keeps_its_note_and_says_so() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        let (ana, bea) = (w.by("ana"), w.by("bea"));
        ana.click(&page, "Resolve…").await;
        ana.form().await;
        bea.resolve(&page, "test", "a drill").await;
        page.expect("*Resolved* by <@U0BEA>").await;
        page.expect_line("Resolved by @bea").await;
        ana.submit(json!({"disposition": "false_positive", "note": "an hour's work"})).await;
        let words = ana.form().await.errors["note"].to_string();
        assert!(words.contains("resolved meanwhile"), "{words}");
        w.sleep(MIN).await;
        assert!(w.slack().ephemerals("ana").is_empty(), "it is said once, in the form");
        assert_eq!(
            w.rows("SELECT actor, surface, outcome, reason FROM interactions_v1 WHERE action = 'resolve' ORDER BY seq"),
            ["U0BEA modal done -", "U0ANA modal repeated already_resolved"]
        );
        w.settle_copies().await;
    });
}

#[test]
fn an_old_button_in_a_direct_message_is_brought_up_to_date_too() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        let direct = w.dm("bea", "sudo on prod-db-1").await;
        assert!(direct.message().readable().contains("/archives/C0SEC/p"), "a link to its thread");
        // Neither message is changed when ana takes it.
        for _ in 0..2 {
            w.slack().fail_next("chat.update", Fault::error("edit_window_closed"));
        }
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect_line("Acknowledged by @ana").await;
        w.by("bea").click(&direct, "Acknowledge").await;
        w.whisper("bea", "Acknowledged already").await;
        direct.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
    });
}

#[test]
fn a_limit_on_one_channel_holds_up_no_other() {
    World::run(async |w| {
        let retry_after = Duration::from_secs(30);
        w.slack().fail_next("chat.postMessage", Fault::RateLimited { retry_after });
        w.alert(high("odd login")).await;
        w.until("the limit is met", |sim| sim.calls_of("chat.postMessage").first().map(|_| ()))
            .await;
        w.alert(critical("sudo on prod-db-1")).await;
        w.sleep(2 * SEC).await;
        assert_eq!(w.slack().messages("#sec").len(), 1, "{}", w.slack().transcript());
        assert_eq!(w.slack().messages("#soc-alerts").len(), 0);
        w.message("#sec", "sudo on prod-db-1").await;
        w.message("#soc-alerts", "odd login").await;
    });
}

#[test]
fn an_alert_is_shown_within_minutes_although_history_does_not_answer() {
    for fault in [Fault::Status(503), Fault::Status(501)] {
        World::run(async |w| {
            w.slack().fail_always("conversations.history", fault.clone());
            w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
            w.alert(high("odd login")).await;
            w.sleep(3 * MIN).await;
            for message in w.slack().messages("#soc-alerts") {
                w.slack().read(&message.channel, &message.ts);
            }
            assert_eq!(
                w.ask("SELECT json_extract(body, '$.how') FROM journal WHERE kind = 'shown'"),
                "possibly_twice"
            );
            w.settle_copies().await;
        });
    }
}

#[test]
fn an_answer_that_goes_by_direct_message_stands_once() {
    World::run(async |w| {
        w.slack().fail_always("response_url", Fault::error("expired_url"));
        w.slack().fail_always("chat.postEphemeral", Fault::error("missing_scope"));
        w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
        w.by("lea").slash("/vigie help").await;
        w.sleep(5 * MIN).await;
        w.dm("lea", "/vigie list").await;
        let told: Vec<Message> = w.slack().dms("lea");
        assert_eq!(told.len(), 1, "{}", w.slack().transcript());
        let calls = w.slack().calls_of("chat.postMessage");
        assert_eq!(calls[0].body["unfurl_links"], false);
        assert_eq!(calls[0].body["metadata"]["event_type"], "vigie");
    });
}

#[test]
fn who_is_in_do_not_disturb_is_not_among_those_who_are_available() {
    let config =
        world::CONFIG.replace("{after: 5m, dm: on_call}", "{after: 5m, dm: team.available}");
    World::run_with(&config, async |w| {
        let night = Dnd { enabled: true, next_start: 1, next_end: 9_999_999_999, ..Dnd::default() };
        w.slack().set_dnd("bea", night).expect("she is there");
        w.sleep(6 * MIN).await;
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(6 * MIN).await;
        w.dm("ana", "sudo on prod-db-1").await;
        assert!(w.slack().dms("bea").is_empty());
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_handle_that_a_guest_has_taken_gives_them_nothing() {
    let config = world::CONFIG.replace("users: [U0ANA]", "users: [\"@gus\", ana]");
    World::run_with(&config, async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("gus").click(&page, "Acknowledge").await;
        w.whisper("gus", "uest").await;
        assert_eq!(
            w.rows("SELECT actor, actor_roles, reason FROM interactions_v1"),
            ["U0GST  guest"],
            "the role is not theirs either"
        );
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn strangers_are_strangers_from_the_first_second() {
    World::run(async |w| {
        w.kill().await;
        w.slack().fail_next("usergroups.list", Fault::Hang(9 * SEC));
        w.start().await;
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").of_team("T0THEIRS").click(&page, "Acknowledge").await;
        w.whisper("ana", "workspace").await;
        assert_eq!(
            w.rows("SELECT outcome, reason FROM interactions_v1"),
            ["denied foreign_workspace"]
        );
    });
}
