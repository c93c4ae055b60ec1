//! Who may do what: denied by default, and every refusal is in the record with what the person was at that moment.

use crate::world::{self, World, high};
use serde_json::json;
use std::time::Duration;
use vigie::sim::Fault;

#[test]
fn a_person_without_a_role_is_refused_and_told_what_to_do() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("aud").click(&page, "Acknowledge").await;
        w.whisper("aud", "analyst").await;
        w.by("eve").click(&page, "Resolve…").await;
        w.whisper("eve", "analyst").await;
        w.by("ana").of_team("T0THEIRS").click(&page, "Acknowledge").await;
        w.whisper("ana", "workspace").await;
        assert_eq!(
            w.rows("SELECT actor, actor_roles, action, outcome, reason FROM interactions_v1 ORDER BY seq"),
            [
                "U0AUD auditor acknowledge denied not_allowed",
                "U0EVE  resolve_form denied not_allowed",
                "U0ANA analyst acknowledge denied foreign_workspace",
            ]
        );
        assert_eq!(w.ask("SELECT state FROM alerts_v1"), "open");
    });
}

#[test]
fn a_guest_is_refused_whatever_the_config_says() {
    let config = world::CONFIG.replace("users: [U0ANA]", "users: [U0ANA, U0GST]");
    World::run_with(&config, async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("gus").click(&page, "Acknowledge").await;
        w.whisper("gus", "uest").await;
        assert_eq!(
            w.rows("SELECT actor, outcome, reason FROM interactions_v1"),
            ["U0GST denied guest"]
        );
    });
}

#[test]
fn a_click_on_enterprise_grid_has_no_team_and_counts() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").on_grid().click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn nobody_closes_their_own_case() {
    World::run(async |w| {
        let mut body = high("odd login");
        body["users"] = json!(["CORP\\ana"]);
        w.alert(body).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").click(&page, "Acknowledge").await;
        w.whisper("ana", "about you").await;
        w.by("bea").assign(&page, "ana").await;
        assert!(w.by("bea").form().await.errors.contains_key("assignee"));
        assert_eq!(
            w.rows("SELECT actor, outcome, reason FROM interactions_v1 WHERE outcome <> 'done' ORDER BY seq"),
            ["U0ANA denied own_case", "U0BEA failed assignee_may_not"]
        );
    });
}

#[test]
fn a_group_that_slack_cannot_tell_lets_nobody_in_and_is_paged_all_the_same() {
    World::run(async |w| {
        for method in ["usergroups.list", "usergroups.users.list"] {
            w.slack().fail_always(method, Fault::error("missing_scope"));
        }
        w.crash().await;
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("bea").click(&page, "Acknowledge").await;
        w.whisper("bea", "blue-team").await;
        assert_eq!(w.ask("SELECT reason FROM interactions_v1"), "group_unknown");
        // Those who are listed by name are told in the thread.
        w.sleep(Duration::from_secs(31 * 60)).await;
        page.expect_line("<@U0ANA>").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn what_we_do_not_know_is_acknowledged_and_kept() {
    World::run(async |w| {
        let strange = json!({"envelope_id": "e-1", "type": "interactive", "accepts_response_payload": false,
                             "payload": {"type": "hologram", "user": {"id": "U0ANA"}}});
        assert!(w.slack().deliver_envelope(&strange).await.is_acked());
        let odd = json!({"envelope_id": "e-2", "type": "telepathy", "payload": null});
        assert!(w.slack().deliver_envelope(&odd).await.is_acked());
        assert!(w.slack().deliver_raw("this is no JSON"));
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn commands_answer_only_who_asked() {
    World::run(async |w| {
        let id = w.alert(high("odd login")).await;
        w.message("#soc-alerts", "odd login").await;
        let lea = w.by("lea");
        lea.slash("/vigie").await;
        w.whisper("lea", "/vigie list").await;
        lea.slash("/vigie list").await;
        w.whisper("lea", "odd login").await;
        lea.slash(&format!("/vigie show {id}")).await;
        w.whisper("lea", "odd login").await;
        lea.slash("/vigie coverage").await;
        w.whisper("lea", "received").await;
        lea.slash("/vigie lst").await;
        w.whisper("lea", "list").await;
        lea.slash("/vigie show alr_01JDGQ5R6ZK3V8W9XACEGHJKMN").await;
        w.whisper("lea", "No alert has this id").await;
        w.by("eve").slash("/vigie list").await;
        w.whisper("eve", "not").await;
        assert_eq!(
            w.rows("SELECT actor, surface, action, outcome FROM interactions_v1 ORDER BY seq"),
            [
                "U0LEA slash help done",
                "U0LEA slash list done",
                "U0LEA slash show done",
                "U0LEA slash coverage done",
                "U0LEA slash unknown_command failed",
                "U0LEA slash show failed",
                "U0EVE slash list denied",
            ]
        );
    });
}
