//! Whoever has not acknowledged hears about it again, once for each rung, and never after an acknowledgement.

use crate::world::{self, World, critical, high};
use serde_json::json;
use std::time::Duration;
use vigie::sim::Fault;

const MIN: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const TOLD: &str = "SELECT substr(at, 12, 5), level, target, reach, reason FROM notifications_v1 ORDER BY seq, target";

#[test]
fn not_acknowledged_it_climbs_the_ladder_and_repeats_and_never_falls_silent() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        w.dm("bea", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        w.sleep(10 * MIN).await;
        w.dm("lea", "sudo on prod-db-1").await;
        w.sleep(30 * MIN).await;
        w.dm("lea", "sudo on prod-db-1").await;
        w.sleep(30 * MIN).await;
        w.dm("lea", "sudo on prod-db-1").await;
        w.sleep(24 * HOUR).await;
        w.dm("lea", "sudo on prod-db-1").await;
        w.sleep(24 * HOUR).await;
        let last = w.dm("lea", "sudo on prod-db-1").await;
        w.settle().await;
        assert_eq!(
            w.rows(TOLD),
            [
                "09:00 0 C0SEC delivered received",
                "09:05 1 U0BEA delivered not_acknowledged",
                "09:10 2 U0ANA delivered not_acknowledged",
                "09:10 2 U0BEA delivered not_acknowledged",
                "09:20 3 U0LEA delivered not_acknowledged",
                "09:50 3 U0LEA delivered repeated",
                "10:20 3 U0LEA delivered repeated",
                "10:20 4 U0LEA delivered repeated",
                "10:20 4 U0LEA delivered repeated",
            ]
        );
        // The lead acknowledges from the direct message: every copy says so.
        w.by("lea").click(&last, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0LEA>").await;
        page.expect_line("Acknowledged by @lea").await;
        last.expect("Acknowledged").await;
        for message in [w.slack().dms("lea"), w.slack().dms("bea")].concat() {
            w.until("each copy says so", |sim| {
                sim.message(&message.channel, &message.ts)
                    .filter(|m| m.readable().contains("Acknowledged"))
            })
            .await;
            w.slack().read(&message.channel, &message.ts);
        }
        w.sleep(25 * HOUR).await;
    });
}

#[test]
fn the_ladder_goes_on_across_a_crash_and_tells_nobody_twice() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(6 * MIN).await;
        w.dm("bea", "sudo on prod-db-1").await;
        w.kill().await;
        w.sleep(20 * MIN).await;
        w.start().await;
        page.expect_line("<@U0ANA>").await;
        w.dm("lea", "sudo on prod-db-1").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.sleep(HOUR).await;
        w.settle_copies().await;
        assert_eq!(
            w.rows(TOLD)[1..].iter().map(|row| &row[6..]).collect::<Vec<_>>(),
            [
                "1 U0BEA delivered not_acknowledged",
                "2 U0ANA delivered not_acknowledged",
                "2 U0BEA delivered not_acknowledged",
                "3 U0LEA delivered not_acknowledged",
            ]
        );
    });
}

#[test]
fn at_the_start_every_open_alerts_next_step_is_found_again() {
    World::run(async |w| {
        let many: Vec<_> = (0..300).map(|n| high(&format!("odd login {n}"))).collect();
        assert_eq!(w.hook("edr", &json!(many)).await.0, 202);
        w.sleep(MIN).await;
        w.settle().await;
        w.kill().await;
        w.forget("DELETE FROM due");
        w.start().await;
        w.sleep(10 * SECOND).await;
        assert_eq!(w.rows("SELECT count(*) FROM due"), ["300"]);
        w.read_all();
    });
}

#[test]
fn assigning_is_not_acknowledging_and_a_silent_assignee_gives_it_back() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.by("ana").assign(&page, "bea").await;
        page.expect("<@U0BEA>").await;
        page.expect_line("bea").await;
        w.dm("bea", "odd login").await;
        w.sleep(29 * MIN).await;
        assert_eq!(w.rows("SELECT state, assignee FROM alerts_v1"), ["open U0BEA"]);
        w.sleep(2 * MIN).await;
        page.expect_line("bea").await;
        assert_eq!(w.rows("SELECT state, assignee FROM alerts_v1"), ["open -"]);
        w.sleep(30 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_rung_of_two_ways_is_one_rung_and_tells_each_person_once() {
    let config =
        world::CONFIG.replace("{after: 5m, dm: on_call}", "{after: 5m, dm: on_call, thread: team}");
    World::run_with(&config, async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        w.dm("bea", "sudo on prod-db-1").await;
        page.expect_line("<@U0ANA>").await;
        w.settle().await;
        let told = "SELECT level, target FROM notifications_v1 WHERE level > 0 ORDER BY target";
        assert_eq!(w.rows(told), ["1 U0ANA", "1 U0BEA"]);
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_direct_message_that_arrives_while_somebody_acknowledges_says_who() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN - SECOND).await;
        w.slack().fail_next("chat.postMessage", Fault::Slow(5 * SECOND));
        let dm = w.dm("bea", "sudo on prod-db-1").await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        dm.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle().await;
        w.read_all();
    });
}

#[test]
fn who_is_in_do_not_disturb_does_not_hold_up_the_next_rung() {
    World::run(async |w| {
        let night = vigie::sim::Dnd {
            snooze_until: Some(4_000_000_000),
            enabled: true,
            ..Default::default()
        };
        w.slack().set_dnd("bea", night).expect("bea is there");
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(5 * MIN).await;
        w.dm("bea", "sudo on prod-db-1").await;
        page.expect_line("<@U0ANA>").await;
        w.settle().await;
        assert_eq!(
            w.rows(TOLD)[1..3],
            [
                "09:05 1 U0BEA do_not_disturb not_acknowledged",
                "09:05 2 U0ANA delivered not_acknowledged"
            ]
        );
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}
