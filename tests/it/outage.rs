//! Slack away, answers lost, the process dead: nothing that was answered is lost, nothing is said twice.

use crate::world::{self, World, critical, high};
use std::time::Duration;
use vigie::sim::Fault;

const SECOND: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[test]
fn slack_is_down_for_an_hour_and_comes_back() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.slack().set_down(true);
        w.sleep(MIN).await;
        w.alert(high("first")).await;
        w.sleep(10 * MIN).await;
        w.alert(critical("second")).await;
        for _ in 0..5 {
            assert_eq!(w.hook("edr", &high("first")).await.0, 202);
        }
        w.sleep(48 * MIN).await;
        w.slack().set_down(false);
        let second = w.message("#sec", "second").await;
        let first = w.message("#soc-alerts", "first").await;
        first.expect("6 times").await;
        // What came due meanwhile is said once, now.
        w.dm("bea", "second").await;
        second.expect_line("<@U0ANA>").await;
        w.dm("lea", "second").await;
        first.expect_line("<@U0ANA>").await;
        w.by("ana").click(&second, "Acknowledge").await;
        second.expect("*Acknowledged* by <@U0ANA>").await;
        second.expect_line("Acknowledged by @ana").await;
        w.by("ana").click(&first, "Acknowledge").await;
        first.expect("*Acknowledged* by <@U0ANA>").await;
        first.expect_line("Acknowledged by @ana").await;
        w.sleep(8 * HOUR).await;
        w.settle_copies().await;
        assert_eq!(
            w.slack().messages("#soc-alerts").iter().filter(|m| m.thread_ts.is_none()).count(),
            1
        );
    });
}

#[test]
fn an_answer_that_is_lost_leads_to_no_second_message() {
    World::run(async |w| {
        for fault in [Fault::LoseResponse, Fault::DropConnection] {
            w.slack().fail_next("chat.postMessage", fault);
        }
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.sleep(MIN).await;
        let top = |m: &&vigie::sim::Message| m.thread_ts.is_none();
        assert_eq!(w.slack().messages("#soc-alerts").iter().filter(top).count(), 1);
        w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.sleep(MIN).await;
        assert_eq!(w.slack().messages("#soc-alerts").len(), 2, "one message and one line");
    });
}

#[test]
fn after_a_crash_only_what_was_under_way_is_looked_for() {
    World::run(async |w| {
        let titles: Vec<String> = (0..9).map(|n| format!("odd login {n}")).collect();
        for title in &titles {
            w.alert(high(title)).await;
        }
        // One post a second after the burst: most of them still wait for their turn.
        w.sleep(3 * SECOND).await;
        w.crash().await;
        for title in &titles {
            w.message("#soc-alerts", title).await;
        }
        let looks = w.slack().calls_of("conversations.history").len();
        assert!(looks <= 1, "{looks} looks, and one lane has one call under way");
        assert_eq!(w.slack().messages("#soc-alerts").len(), titles.len());
    });
}

#[test]
fn where_history_is_refused_it_is_said_that_it_may_stand_twice() {
    World::run(async |w| {
        w.slack().fail_always("conversations.history", Fault::error("missing_scope"));
        w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
        w.alert(high("odd login")).await;
        w.message("#soc-alerts", "odd login").await;
        w.until("it is posted again", |sim| (sim.messages("#soc-alerts").len() == 2).then_some(()))
            .await;
        for message in w.slack().messages("#soc-alerts") {
            w.slack().read(&message.channel, &message.ts);
        }
        w.sleep(MIN).await;
        assert_eq!(
            w.ask("SELECT json_extract(body, '$.how') FROM journal WHERE kind = 'shown'"),
            "possibly_twice"
        );
        w.settle_copies().await;
    });
}

#[test]
fn where_history_never_answers_people_see_the_alert_although_it_may_stand_twice() {
    let limited = Fault::RateLimited { retry_after: 10 * SECOND };
    for (fault, times) in [(Fault::Status(503), 2), (limited, 1)] {
        World::run(async |w| {
            for _ in 0..12 {
                w.slack().fail_next("conversations.history", fault.clone());
            }
            w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
            w.alert(high("odd login")).await;
            w.sleep(10 * MIN).await;
            w.settle().await;
            // Limited, it has not been looked at all: it is looked for until Slack lets us.
            assert_eq!(w.slack().messages("#soc-alerts").len(), times, "{fault:?}");
            w.read_all();
        });
    }
}

#[test]
fn a_rate_limit_is_kept_to() {
    World::run(async |w| {
        w.slack().fail_next(
            "chat.postMessage",
            Fault::RateLimited { retry_after: Duration::from_secs(30) },
        );
        w.alert(high("odd login")).await;
        w.sleep(Duration::from_secs(29)).await;
        assert_eq!(w.slack().calls_of("chat.postMessage").len(), 1, "nothing within Retry-After");
        w.message("#soc-alerts", "odd login").await;
    });
}

#[test]
fn what_slack_limits_for_one_is_called_for_nobody() {
    World::run(async |w| {
        let minute = Fault::RateLimited { retry_after: MIN };
        w.slack().fail_next("conversations.open", minute);
        w.alert(high("first")).await;
        let first = w.message("#soc-alerts", "first").await;
        w.alert(high("second")).await;
        let second = w.message("#soc-alerts", "second").await;
        w.by("ana").assign(&first, "bea").await;
        w.sleep(Duration::from_secs(1)).await;
        w.by("ana").assign(&second, "lea").await;
        w.sleep(Duration::from_secs(58)).await;
        assert_eq!(w.slack().calls_of("conversations.open").len(), 1, "nothing within Retry-After");
        w.dm("bea", "first").await;
        w.dm("lea", "second").await;
        for (page, who) in [(first, "bea"), (second, "lea")] {
            page.expect_line(who).await;
            w.by(who).click(&page, "Acknowledge").await;
            page.expect("*Acknowledged*").await;
            page.expect_line(&format!("Acknowledged by @{who}")).await;
        }
        w.settle_copies().await;
    });
}

#[test]
fn a_channel_that_refuses_the_bot_loses_nothing() {
    World::run(async |w| {
        w.slack().archive_channel("#soc-alerts").await.expect("it is there");
        w.alert(high("odd login")).await;
        w.dm("lea", "odd login").await;
        w.sleep(10 * MIN).await;
        assert_eq!(
            w.rows("SELECT shown_at, channel FROM alerts_v1"),
            ["- -"],
            "no id of a channel is known"
        );
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        w.message("#soc-alerts", "odd login").await;
        assert_eq!(w.ask("SELECT count(*) FROM journal WHERE kind = 'not_shown'"), "1");
    });
}

#[test]
fn what_was_missed_in_an_outage_is_said_once() {
    let config = world::CONFIG.replace("{after: 10m, thread: team}", "{after: 10m, dm: on_call}");
    World::run_with(&config, async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.slack().set_down(true);
        // The lead's rung at 20 minutes, and its repeats at 50 and 80.
        w.sleep(100 * MIN).await;
        w.slack().set_down(false);
        w.sleep(MIN).await;
        w.settle().await;
        let dms = w.slack().dms("lea");
        assert_eq!(dms.len(), 1, "one direct message stands for all that were missed");
        for message in [dms, w.slack().dms("bea")].concat() {
            w.slack().read(&message.channel, &message.ts);
        }
        assert_eq!(
            w.rows("SELECT level, reason FROM notifications_v1 WHERE target = 'U0LEA'"),
            ["3 repeated"]
        );
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_message_that_somebody_deletes_is_shown_again() {
    World::run(async |w| {
        let id = w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        let old = page.value("ack");
        let gone = page.message();
        w.slack().delete_message(&gone.channel, &gone.ts).await.expect("it stood");
        w.sleep(MIN).await;
        assert_eq!(w.hook("edr", &high("odd login")).await.0, 202);
        let again = w.message("#soc-alerts", "odd login").await;
        again.expect("2 times").await;
        again.expect_line("gone").await;
        assert_eq!(again.value("ack"), old, "it is the same alert");
        w.by("ana").click(&again, "Acknowledge").await;
        again.expect("*Acknowledged* by <@U0ANA>").await;
        again.expect_line("Acknowledged by @ana").await;
        assert_eq!(
            w.rows("SELECT level, reason FROM notifications_v1 ORDER BY seq"),
            ["0 received", "0 shown_again"]
        );
        let now = again.message().ts;
        assert_eq!(w.rows("SELECT id, message_ts FROM alerts_v1"), [format!("{id} {now}")]);
    });
}

#[test]
fn where_there_will_be_no_thread_people_are_told_by_themselves() {
    World::run(async |w| {
        w.slack().archive_channel("#soc-alerts").await.expect("it is there");
        w.alert(high("odd login")).await;
        w.sleep(31 * MIN).await;
        for who in ["lea", "ana", "bea"] {
            w.dm(who, "odd login").await;
        }
        w.slack().unarchive_channel("#soc-alerts").await.expect("it is there");
        w.sleep(2 * MIN).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_crash_at_any_moment_loses_nothing_and_says_nothing_twice() {
    // How far the story has come when the process dies, in milliseconds; each in a world of its own.
    for moment in [0, 1, 2, 3, 5, 8, 13, 300_000, 600_000, 600_001] {
        World::run(async |w| {
            let id = w.alert(critical("sudo on prod-db-1")).await;
            w.sleep(Duration::from_millis(moment)).await;
            w.crash().await;
            let page = w.message("#sec", "sudo on prod-db-1").await;
            w.sleep(12 * MIN).await;
            w.dm("bea", "sudo on prod-db-1").await;
            page.expect_line("<@U0ANA>").await;
            w.by("ana").click(&page, "Acknowledge").await;
            w.crash().await;
            page.expect("*Acknowledged* by <@U0ANA>").await;
            page.expect_line("Acknowledged by @ana").await;
            w.sleep(HOUR).await;
            w.settle_copies().await;
            let top = |m: &&vigie::sim::Message| m.thread_ts.is_none();
            assert_eq!(
                w.slack().messages("#sec").iter().filter(top).count(),
                1,
                "crash at {moment} ms"
            );
            assert_eq!(w.rows("SELECT id, state FROM alerts_v1"), [format!("{id} acknowledged")]);
        });
    }
}
