//! Messages deleted, channels archived, the bot removed, people gone, names changed: the database stays the truth, and
//! somebody sees the alert.

use crate::world::{self, Page, World, critical, high};
use serde_json::json;
use std::time::Duration;
use vigie::sim::{Channel, Fault, Message, Sim};

const MIN: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const KINDS: &str = "SELECT kind FROM journal WHERE stream LIKE 'alr_%' ORDER BY seq";
const PLACES: &str = "SELECT title, channel, state FROM alerts_v1 ORDER BY title";

fn top(w: &World, channel: &str) -> Vec<Message> {
    w.slack().messages(channel).into_iter().filter(|m| m.thread_ts.is_none()).collect()
}

fn read_all(w: &World) {
    for message in w.slack().unread() {
        w.slack().read(&message.channel, &message.ts);
    }
}

#[test]
fn an_archived_channels_alert_is_shown_in_the_default_channel_and_says_why() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.slack().archive_channel("#sec").await.expect("it is there");
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        page.expect("It belongs in <#C0SEC>, which is archived: unarchive it").await;
        w.settle().await;
        assert_eq!(w.rows(KINDS), ["received", "displaced", "shown"]);
        assert_eq!(w.rows(PLACES), ["sudo on prod-db-1 C0SOC open"]);
        let refused = w.slack().calls_of("chat.postMessage").len();
        assert_eq!(refused, 2, "one is refused, one is taken");
        // The channel is mended: what comes now goes there, and what stands in the other stays.
        w.slack().unarchive_channel("#sec").await.expect("it is there");
        w.alert(critical("sudo on prod-db-2")).await;
        let second = w.message("#sec", "sudo on prod-db-2").await;
        assert!(!second.message().readable().contains("belongs"));
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect("It belongs in <#C0SEC>").await;
        page.expect_line("Acknowledged by @ana").await;
        assert_eq!((top(w, "#sec").len(), top(w, "#soc-alerts").len()), (1, 1));
    });
}

#[test]
fn each_refusal_of_the_place_leads_elsewhere_and_none_of_the_message_does() {
    for word in ["not_in_channel", "channel_not_found", "restricted_action_read_only_channel"] {
        World::run(async |w| {
            w.slack().fail_next("chat.postMessage", Fault::error(word));
            w.alert(critical("sudo on prod-db-1")).await;
            w.message("#soc-alerts", "sudo on prod-db-1").await.expect("It belongs in").await;
        });
    }
    for word in ["invalid_blocks", "msg_too_long"] {
        World::run(async |w| {
            w.slack().fail_next("chat.postMessage", Fault::error(word));
            w.alert(critical("sudo on prod-db-1")).await;
            w.sleep(MIN + SECOND).await;
            w.message("#sec", "sudo on prod-db-1").await;
            assert_eq!(w.rows(KINDS), ["received", "not_shown", "shown"], "{word}");
            assert_eq!(top(w, "#soc-alerts").len(), 0);
        });
    }
}

#[test]
fn a_crash_on_the_way_to_the_other_channel_neither_loses_nor_doubles() {
    // How far it has come when the process dies, in milliseconds; each in a world of its own.
    for moment in [0, 1, 2, 3, 5, 8, 13, 1000] {
        World::run(async |w| {
            w.slack().archive_channel("#sec").await.expect("it is there");
            w.alert(critical("sudo on prod-db-1")).await;
            w.sleep(Duration::from_millis(moment)).await;
            w.crash().await;
            w.message("#soc-alerts", "sudo on prod-db-1").await;
            w.sleep(2 * MIN).await;
            w.settle_copies().await;
            assert_eq!(top(w, "#soc-alerts").len(), 1, "crash at {moment} ms");
        });
    }
    // The other channel's answer is lost with the process.
    World::run(async |w| {
        w.slack().fail_next("chat.postMessage", Fault::error("is_archived"));
        w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
        w.slack().fail_next("conversations.history", Fault::Status(503));
        w.alert(critical("sudo on prod-db-1")).await;
        w.until("it stands", |sim| (sim.messages("#soc-alerts").len() == 1).then_some(())).await;
        w.crash().await;
        w.message("#soc-alerts", "sudo on prod-db-1").await;
        w.sleep(2 * MIN).await;
        w.settle_copies().await;
        assert_eq!((top(w, "#soc-alerts").len(), top(w, "#sec").len()), (1, 0));
        assert_eq!(
            w.ask("SELECT json_extract(body, '$.how') FROM journal WHERE kind = 'shown'"),
            "adopted"
        );
    });
}

#[test]
fn what_may_stand_in_the_other_channel_is_looked_for_there_before_its_own_takes_it_again() {
    World::run(async |w| {
        for channel in ["#sec", "#soc-alerts"] {
            w.slack().archive_channel(channel).await.expect("it is there");
        }
        w.alert(critical("sudo on prod-db-1")).await;
        w.sleep(5 * SECOND).await;
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        // Its own channel refuses it once more, and the other's answer is lost.
        w.slack().fail_next("chat.postMessage", Fault::Slow(Duration::from_millis(1)));
        w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
        w.until("it stands", |sim| (sim.messages("#soc-alerts").len() == 1).then_some(())).await;
        w.slack().unarchive_channel("#sec").await.expect("it is there");
        w.sleep(2 * MIN).await;
        w.settle().await;
        assert_eq!((top(w, "#soc-alerts").len(), top(w, "#sec").len()), (1, 0));
        read_all(w);
    });
}

#[test]
fn where_no_channel_takes_it_the_lead_gets_it_with_its_buttons() {
    World::run(async |w| {
        for channel in ["#sec", "#soc-alerts"] {
            w.slack().archive_channel(channel).await.expect("it is there");
        }
        w.alert(critical("sudo on prod-db-1")).await;
        let dm = w.dm("lea", "sudo on prod-db-1").await;
        dm.expect("No channel shows this alert").await;
        w.crash().await;
        w.sleep(3 * MIN).await;
        assert_eq!(
            w.rows("SELECT level, target, reason FROM notifications_v1"),
            ["0 U0LEA not_shown"]
        );
        let told = ["received", "displaced", "not_shown", "escalated", "notified"];
        assert_eq!(w.rows(KINDS), told, "what is tried each minute is told once");
        // The default channel is mended first.
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        w.sleep(MIN).await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        page.expect("It belongs in #sec").await;
        w.by("lea").click(&dm, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0LEA>").await;
        page.expect_line("Acknowledged by @lea").await;
        w.settle_copies().await;
        assert_eq!((top(w, "#soc-alerts").len(), w.slack().dms("lea").len()), (1, 1));
    });
}

#[test]
fn where_there_is_no_lead_who_is_on_call_gets_it() {
    let config = world::CONFIG
        .replace("lead: {users: [lea@example.com]}", "lead: {users: [nobody@example.com]}");
    World::run_with(&config, async |w| {
        w.slack().archive_channel("#soc-alerts").await.expect("it is there");
        w.alert(high("odd login")).await;
        w.dm("bea", "odd login").await.expect("No channel shows this alert").await;
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        w.sleep(MIN).await;
        w.message("#soc-alerts", "odd login").await;
    });
}

#[test]
fn a_deleted_message_is_shown_again_at_once_and_what_others_say_costs_nothing() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle().await;
        let before = w.ask("SELECT max(seq) FROM journal");
        let chat = json!({"type": "message", "channel": "C0SOC", "channel_type": "channel", "user": "U0ANA", "text": "hm", "ts": "1.1"});
        for event in [
            chat.clone(),
            json!({"subtype": "message_deleted", "deleted_ts": "1.1", "type": "message", "channel": "C0SOC", "channel_type": "channel"}),
        ] {
            let delivered = w.slack().emit_event(event).await.expect("it is subscribed to");
            assert!(delivered.is_acked(), "{delivered}");
        }
        assert_eq!(w.ask("SELECT max(seq) FROM journal"), before);
        // The one's thread has answers, so that Slack leaves a stone in its place; the other's has none.
        w.alert(high("odd mail")).await;
        for title in ["odd login", "odd mail"] {
            let gone = w.message("#soc-alerts", title).await.message();
            w.slack().delete_message(&gone.channel, &gone.ts).await.expect("it stood");
            w.sleep(2 * SECOND).await;
            let again = w.message("#soc-alerts", title).await;
            again.expect_line("Its message was gone").await;
            // Told twice that it is gone, it is not shown twice.
            let event = json!({"type": "message", "subtype": "message_deleted", "deleted_ts": gone.ts, "channel": gone.channel, "channel_type": "channel"});
            w.slack().emit_event(event).await.expect("it is subscribed to");
            w.settle().await;
            assert_eq!(
                again.message().ts,
                w.ask(&format!("SELECT message_ts FROM alerts_v1 WHERE title = '{title}'"))
            );
        }
        assert_eq!(top(w, "#soc-alerts").len(), 2);
    });
}

#[test]
fn what_is_resolved_may_be_tidied_away() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").resolve(&page, "false_positive", "known").await;
        page.expect("*Resolved*").await;
        page.expect_line("Resolved by @ana").await;
        let gone = page.message();
        w.slack().delete_message(&gone.channel, &gone.ts).await.expect("it stood");
        w.sleep(MIN).await;
        assert_eq!(top(w, "#soc-alerts").len(), 0);
    });
}

#[test]
fn a_deletion_that_nobody_told_us_of_is_found_at_the_next_change() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let gone = w.message("#soc-alerts", "odd login").await.message();
        w.settle().await;
        w.kill().await;
        w.slack().delete_message(&gone.channel, &gone.ts).await.expect("it stood");
        w.sleep(10 * MIN).await;
        w.start().await;
        w.sleep(MIN).await;
        assert_eq!(w.hook("edr", &high("odd login")).await.0, 202);
        let again = w.message("#soc-alerts", "odd login").await;
        again.expect("2 times").await;
        again.expect_line("gone").await;
    });
}

/// The first try of what is said beside a message fails. While the disk is slow with something else its second try is about to
/// begin, and somebody deletes the message.
async fn lost_under_a_second_try(w: &World, page: &Page<'_>) {
    let failed = |sim: &Sim| sim.calls().iter().any(|call| call.status == 500).then_some(());
    w.until("the first try", failed).await;
    w.threads_work().await;
    let gone = page.message();
    let slow = w.disk_waits();
    let deleted = async {
        w.threads_work().await;
        tokio::time::advance(SECOND + Duration::from_millis(2)).await;
        w.slack().delete_message(&gone.channel, &gone.ts).await
    };
    let done = async {
        w.threads_work().await;
        w.threads_work().await;
        drop(slow);
    };
    let (_, deleted, ()) = tokio::join!(w.alert(critical("ssh to prod-db-2")), deleted, done);
    deleted.expect("it stood");
    w.sleep(5 * SECOND).await;
}

#[test]
fn a_line_that_was_about_to_be_said_under_a_message_that_is_lost_is_said_under_the_next() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.slack().fail_next("chat.postMessage", Fault::Status(500));
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        lost_under_a_second_try(w, &page).await;
        let again = w.message("#sec", "sudo on prod-db-1").await;
        again.expect_line("Acknowledged by @ana").await;
        read_all(w);
    });
}

#[test]
fn who_was_about_to_be_mentioned_under_a_message_that_is_lost_is_mentioned_under_the_next() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(10 * MIN - 5 * SECOND).await;
        w.slack().fail_next("chat.postMessage", Fault::Status(500));
        lost_under_a_second_try(w, &page).await;
        let again = w.message("#sec", "sudo on prod-db-1").await;
        again.expect_line("<@U0ANA>").await;
        w.by("ana").click(&again, "Acknowledge").await;
        w.settle().await;
        read_all(w);
    });
}

#[test]
fn what_slack_says_of_the_old_place_is_not_taken_for_the_new_one() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        // A line is on its way when somebody archives the channel. It is refused when the alert stands elsewhere already, and
        // before the line's turn has come there.
        w.slack().fail_next("chat.postMessage", Fault::Late(Duration::from_millis(700)));
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        w.sleep(Duration::from_millis(1200)).await;
        w.slack().archive_channel("#sec").await.expect("it is there");
        let other = w.message("#soc-alerts", "sudo on prod-db-1").await;
        other.expect_line("Acknowledged by @ana").await;
        w.sleep(MIN).await;
        w.settle().await;
        assert_eq!(w.ask("SELECT count(*) FROM journal WHERE kind = 'not_shown'"), "0");
        read_all(w);
    });
}

#[test]
fn an_archived_channels_open_alerts_move_and_their_ladder_goes_on() {
    World::run(async |w| {
        w.sleep(MIN).await;
        for title in ["a", "b", "c"] {
            w.alert(critical(&format!("{title} sudo"))).await;
            w.message("#sec", &format!("{title} sudo")).await;
        }
        let over = w.message("#sec", "c sudo").await;
        w.by("ana").resolve(&over, "false_positive", "known").await;
        over.expect("*Resolved*").await;
        over.expect_line("Resolved by @ana").await;
        w.settle().await;
        w.slack().archive_channel("#sec").await.expect("it is there");
        w.sleep(5 * SECOND).await;
        let (a, b) =
            (w.message("#soc-alerts", "a sudo").await, w.message("#soc-alerts", "b sudo").await);
        for page in [&a, &b] {
            page.expect("It belongs in <#C0SEC>, which is archived").await;
            page.expect_line("Shown here instead of in #sec").await;
        }
        assert_eq!(
            w.rows(PLACES),
            ["a sudo C0SOC open", "b sudo C0SOC open", "c sudo C0SEC resolved"]
        );
        w.sleep(11 * MIN).await;
        for page in [&a, &b] {
            page.expect_line("<@U0ANA>").await;
        }
        let before = (top(w, "#sec").len(), top(w, "#soc-alerts").len());
        w.slack().unarchive_channel("#sec").await.expect("it is there");
        w.sleep(2 * MIN).await;
        assert_eq!(
            (top(w, "#sec").len(), top(w, "#soc-alerts").len()),
            before,
            "nothing is posted twice"
        );
        read_all(w);
    });
}

#[test]
fn a_line_that_the_channel_refuses_is_said_where_the_alert_goes() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let before = w.message("#sec", "sudo on prod-db-1").await;
        w.slack().fail_next("chat.postMessage", Fault::error("not_in_channel"));
        w.by("ana").click(&before, "Acknowledge").await;
        before.expect("*Acknowledged* by <@U0ANA>").await;
        let after = w.message("#soc-alerts", "sudo on prod-db-1").await;
        after.expect("*Acknowledged* by @ana").await;
        after.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn a_line_of_what_is_over_is_let_go_where_nobody_can_write_any_more() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").resolve(&page, "false_positive", "").await;
        let limited = Fault::RateLimited { retry_after: 20 * SECOND };
        w.slack().fail_next("chat.postMessage", limited);
        page.expect("*Resolved*").await;
        w.slack().archive_channel("#soc-alerts").await.expect("it is there");
        w.sleep(MIN).await;
        w.settle().await;
        assert_eq!(top(w, "#soc-alerts").len(), 1);
        assert_eq!(w.ask("SELECT count(*) FROM outbox"), "0");
    });
}

#[test]
fn a_channel_that_goes_by_its_name_and_by_its_id_is_paced_as_one() {
    World::run(async |w| {
        w.kill().await;
        w.forget("DELETE FROM names");
        w.slack().fail_always("conversations.list", Fault::error("fatal_error"));
        w.start().await;
        w.slack().fail_next("chat.postMessage", Fault::RateLimited { retry_after: 3 * MIN });
        for number in 0..6 {
            w.alert(high(&format!("odd login {number}"))).await;
        }
        w.until("Slack has had enough", |sim| sim.calls_of("chat.postMessage").pop()).await;
        w.slack().heal();
        let known =
            |sim: &Sim| sim.calls_of("conversations.list").pop()?.error.is_none().then_some(());
        w.sleep(MIN).await;
        w.until("Slack has told its channels", known).await;
        for number in 6..12 {
            w.alert(high(&format!("odd login {number}"))).await;
        }
        let lanes = w.rows("SELECT DISTINCT lane FROM outbox WHERE lane LIKE 'post%' ORDER BY 1");
        assert_eq!(lanes, ["post #soc-alerts", "post C0SOC"]);
        w.sleep(5 * MIN).await;
        w.settle().await;
        let posts = w.slack().calls_of("chat.postMessage");
        let times: Vec<i64> = posts.iter().map(|call| call.at - posts[0].at).collect();
        assert_eq!(times.len(), 13);
        assert!(times[1] >= 180_000, "Slack wanted to hear nothing: {times:?}");
        assert!(times.windows(2).all(|two| two[1] - two[0] >= 1_000), "one a second: {times:?}");
        read_all(w);
    });
}

#[test]
fn many_alerts_leave_a_channel_step_by_step_and_none_is_left() {
    // The ladder is far away.
    let config =
        world::CONFIG.replace("{after: 5m,", "{after: 5h,").replace("{after: 10m,", "{after: 6h,");
    World::run_with(&config.replace("{after: 20m,", "{after: 7h,"), async |w| {
        for number in 0..70 {
            w.alert(critical(&format!("sudo {number}"))).await;
        }
        w.sleep(2 * MIN).await;
        w.settle().await;
        read_all(w);
        w.slack().remove_bot_from("#sec").await.expect("it is there");
        w.sleep(2 * MIN).await;
        w.settle().await;
        let shown: String = top(w, "#soc-alerts").iter().map(Message::readable).collect();
        for number in 0..70 {
            let named = shown.matches(&format!("· sudo {number}\n")).count();
            assert_eq!(named, 1, "sudo {number} in\n{shown}");
        }
        assert!(shown.contains(" · belongs in #sec · "), "{shown}");
        assert_eq!(w.ask("SELECT count(*) FROM alerts_v1 WHERE channel = 'C0SOC'"), "70");
        let why = w.rows(
            "SELECT DISTINCT json_extract(body, '$.why') FROM journal WHERE kind = 'displaced'",
        );
        assert_eq!(why, ["not_in_channel"]);
        read_all(w);
    });
}

#[test]
fn a_channel_that_was_deleted_while_we_were_away_is_noticed_at_the_start() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        w.message("#sec", "sudo on prod-db-1").await;
        w.settle().await;
        w.kill().await;
        w.slack().delete_channel("#sec").await.expect("it is there");
        w.sleep(MIN).await;
        w.start().await;
        let page = w.message("#soc-alerts", "sudo on prod-db-1").await;
        page.expect("Slack does not find").await;
        page.expect_line("Shown here").await;
    });
}

#[test]
fn a_message_that_is_stuck_in_the_only_channel_is_not_posted_twice() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.settle().await;
        w.slack().archive_channel("#soc-alerts").await.expect("it is there");
        let dm = w.dm("lea", "odd login").await;
        dm.expect("No channel shows this alert").await;
        w.sleep(5 * MIN).await;
        w.by("lea").click(&dm, "Acknowledge").await;
        dm.expect("*Acknowledged* by <@U0LEA>").await;
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        w.sleep(2 * MIN).await;
        page.expect("*Acknowledged* by <@U0LEA>").await;
        page.expect_line("Acknowledged by @lea").await;
        assert_eq!(top(w, "#soc-alerts").len(), 1);
    });
}

#[test]
fn what_was_assigned_to_somebody_who_is_gone_is_the_teams_again() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").assign(&page, "bea").await;
        page.expect_line("bea").await;
        w.dm("bea", "odd login").await;
        w.slack().deactivate_user("bea").await.expect("bea is there");
        page.expect_line("@bea is deactivated in Slack: it is the team's again").await;
        assert_eq!(w.rows("SELECT state, assignee FROM alerts_v1"), ["open -"]);
        assert_eq!(w.ask("SELECT count(*) FROM journal WHERE kind = 'returned'"), "1");
        w.sleep(31 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn what_somebody_had_acknowledged_who_is_gone_is_open_again() {
    // The config names her by her group only.
    let config = world::CONFIG.replace("user(U0BEA)", "user(U0ANA)");
    World::run_with(&config, async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect_line("Acknowledged by @bea").await;
        // It happens while we are away, and she is in no group and no role any more.
        w.kill().await;
        w.slack().set_usergroup_members("@blue-team", &[]).await.expect("it is there");
        w.slack().deactivate_user("bea").await.expect("bea is there");
        w.start().await;
        page.expect("*Open again*").await;
        page.expect_line("@bea had acknowledged it and is deactivated in Slack").await;
        assert_eq!(
            w.rows("SELECT person, ended_by, ended_why FROM acknowledgements_v1"),
            ["U0BEA system deactivated"]
        );
        // Her late click, from a window that is still open, does nothing.
        w.by("bea").click(&page, "Acknowledge").await;
        w.settle().await;
        assert_eq!(
            w.rows("SELECT actor, outcome, reason FROM interactions_v1 ORDER BY seq DESC LIMIT 1"),
            ["U0BEA denied not_allowed"]
        );
        assert_eq!(w.rows("SELECT state, treated FROM alerts_v1"), ["open 0"]);
        w.sleep(31 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        read_all(w);
    });
}

#[test]
fn a_rung_that_means_only_people_who_are_gone_does_not_hold_up_the_next() {
    World::run(async |w| {
        w.slack().deactivate_user("bea").await.expect("bea is there");
        w.sleep(MIN).await;
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        page.expect_line("means nobody at this moment").await;
        page.expect_line("<@U0ANA>").await;
        w.settle().await;
        assert_eq!(
            w.rows("SELECT substr(at, 12, 5), level, target FROM notifications_v1 WHERE level > 0 ORDER BY seq"),
            ["09:06 1 C0SEC", "09:06 2 U0ANA"]
        );
        read_all(w);
    });
}

#[test]
fn a_renamed_channel_stays_the_one_that_was_meant_whoever_takes_its_name() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.slack().rename_channel("#sec", "security").await.expect("it is there");
        let other = Channel { id: "C0OTHER".into(), ..Channel::named("sec") };
        w.slack().add_channel(other);
        w.sleep(2 * MIN).await;
        w.alert(critical("before the restart")).await;
        w.message("C0SEC", "before the restart").await;
        w.settle().await;
        w.crash().await;
        w.alert(critical("after the restart")).await;
        w.message("C0SEC", "after the restart").await;
        w.sleep(2 * MIN).await;
        w.alert(critical("later")).await;
        w.message("C0SEC", "later").await;
        assert_eq!(top(w, "C0OTHER").len(), 0, "the name leads nowhere else");
        assert_eq!(w.rows("SELECT name, id FROM names WHERE name = '#sec'"), ["#sec C0SEC"]);
    });
}

#[test]
fn a_renamed_person_stays_the_one_who_was_meant_whoever_takes_the_name() {
    let config =
        world::CONFIG.replace("lead: {users: [lea@example.com]}", "lead: {users: [\"@lea\"]}");
    World::run_with(&config, async |w| {
        w.sleep(MIN).await;
        w.slack()
            .change_user("lea", |user| user.name = "lea.novak".into())
            .await
            .expect("lea is there");
        w.slack().change_user("eve", |user| user.name = "lea".into()).await.expect("eve is there");
        w.sleep(2 * MIN).await;
        for round in 0..2 {
            w.alert(critical(&format!("sudo {round}"))).await;
            let page = w.message("#sec", &format!("sudo {round}")).await;
            w.by("U0EVE").click(&page, "Acknowledge").await;
            w.whisper("U0EVE", "").await;
            assert_eq!(w.ask("SELECT count(*) FROM alerts_v1 WHERE state <> 'open'"), "0");
            w.sleep(21 * MIN).await;
            w.dm("U0LEA", &format!("sudo {round}")).await;
            w.settle().await;
            w.crash().await;
        }
        read_all(w);
    });
}

#[test]
fn a_name_that_the_config_no_longer_writes_is_forgotten() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        w.message("#sec", "sudo on prod-db-1").await;
        w.settle().await;
        w.stop().await;
        let connection = rusqlite::Connection::open(w.database()).expect("opens");
        connection
            .execute("INSERT INTO names (sort, name, id) VALUES ('user', '@old', 'U0OLD')", [])
            .expect("as an earlier config had it");
        drop(connection);
        w.start().await;
        assert_eq!(w.ask("SELECT count(*) FROM names WHERE name = '@old'"), "0");
        assert_eq!(w.ask("SELECT id FROM names WHERE name = '#sec'"), "C0SEC");
        read_all(w);
    });
}

#[test]
fn nobody_is_recorded_as_told_whom_no_message_mentions() {
    let many: Vec<String> = (0..320).map(|number| format!("U0X{number:04}")).collect();
    let config = world::CONFIG.replace("users: [U0ANA]", &format!("users: [{}]", many.join(", ")));
    World::run_with(&config, async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.sleep(31 * MIN).await;
        w.settle().await;
        let told = w.rows("SELECT target FROM notifications_v1 WHERE level = 1 ORDER BY target");
        assert_eq!(told.len(), 321, "the 320, and bea by her group");
        let stands = page.message();
        let lines = w.slack().thread(&stands.channel, &stands.ts);
        let said: String = lines.iter().map(|line| line.readable()).collect();
        for person in told.iter().filter(|person| *person != "U0BEA") {
            assert!(said.contains(&format!("<@{person}>")), "{person} is mentioned");
        }
        assert!(said.contains("<!subteam^S0BLUE>") && !said.contains("more"), "{said}");
        assert_eq!(lines.len(), 3, "150, 150 and 20");
        read_all(w);
    });
}
