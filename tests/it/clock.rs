//! Somebody sets the machine's clock: nobody is told twice, nobody waits for hours, and no storm breaks loose.

use crate::world::{Page, World, critical};
use std::time::Duration;
use vigie::sim::Fault;

const MIN: Duration = Duration::from_secs(60);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const TITLE: &str = "sudo on prod-db-1";
const TOLD: &str =
    "SELECT substr(at, 12, 5), level, target FROM notifications_v1 ORDER BY seq, target";
const AS_ALWAYS: [&str; 5] =
    ["09:00 0 C0SEC", "09:05 1 U0BEA", "09:10 2 U0ANA", "09:10 2 U0BEA", "09:20 3 U0LEA"];

/// Reads what the ladder says in its time, and acknowledges.
async fn as_always(w: &World, page: &Page<'_>) {
    w.dm("bea", TITLE).await;
    page.expect_line("<@U0ANA>").await;
    w.dm("lea", TITLE).await;
    assert_eq!(w.rows(TOLD), AS_ALWAYS);
    acknowledge(w, page).await;
}

async fn acknowledge(w: &World, page: &Page<'_>) {
    w.by("ana").click(page, "Acknowledge").await;
    page.expect("*Acknowledged* by <@U0ANA>").await;
    page.expect_line("Acknowledged by @ana").await;
    w.settle_copies().await;
}

#[test]
fn a_clock_that_is_set_back_two_hours_makes_nobody_wait() {
    World::run(async |w| {
        w.alert(critical(TITLE)).await;
        let page = w.message("#sec", TITLE).await;
        w.sleep(3 * MIN).await;
        w.set_clock(-2 * HOUR_MS);
        w.sleep(18 * MIN).await;
        as_always(w, &page).await;
        assert_eq!(
            w.ask("SELECT count(*) FROM journal a JOIN journal b ON b.seq = a.seq + 1 WHERE b.at < a.at"),
            "0",
            "the journal's times do not go back"
        );
    });
}

#[test]
fn a_clock_that_is_set_back_while_the_process_is_down_makes_nobody_wait() {
    World::run(async |w| {
        w.alert(critical(TITLE)).await;
        let page = w.message("#sec", TITLE).await;
        w.sleep(6 * MIN).await;
        w.dm("bea", TITLE).await;
        w.kill().await;
        w.set_clock(-2 * HOUR_MS);
        w.start().await;
        w.sleep(16 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        w.dm("lea", TITLE).await;
        w.settle().await;
        let told = w.rows(TOLD);
        assert_eq!(
            told.iter().map(|row| &row[6..]).collect::<Vec<_>>(),
            AS_ALWAYS.map(|row| &row[6..])
        );
        acknowledge(w, &page).await;
    });
}

#[test]
fn a_clock_that_stands_still_stops_no_ladder() {
    World::run(async |w| {
        w.alert(critical(TITLE)).await;
        let page = w.message("#sec", TITLE).await;
        for _ in 0..21 * 6 {
            w.sleep(Duration::from_secs(10)).await;
            w.set_clock(-10_000);
        }
        as_always(w, &page).await;
    });
}

#[test]
fn a_clock_that_is_wrong_by_hours_does_not_hide_from_us_what_stands() {
    for by in [-2 * HOUR_MS, 2 * HOUR_MS] {
        World::run(async |w| {
            w.set_clock(by);
            w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
            w.alert(critical(TITLE)).await;
            let page = w.message("#sec", TITLE).await;
            w.settle().await;
            assert_eq!(w.count(w.slack().messages("#sec"), TITLE), 1, "it was posted twice");
            acknowledge(w, &page).await;
        });
    }
}

#[test]
fn a_clock_that_leaps_a_month_ahead_says_each_thing_once_and_may_be_set_right_again() {
    World::run(async |w| {
        w.alert(critical(TITLE)).await;
        let page = w.message("#sec", TITLE).await;
        w.sleep(MIN).await;
        w.set_clock(30 * DAY_MS);
        w.sleep(2 * MIN).await;
        w.settle().await;
        // The first two rungs, and of the lead's rung and its repeats the last alone; the daily word counts from there.
        let told = w.rows("SELECT level, target FROM notifications_v1 ORDER BY seq, target");
        assert!(told.len() <= 7, "no storm: {told:?}");
        for who in ["bea", "lea"] {
            assert!(w.slack().dms(who).len() <= 2, "{who}");
        }
        w.read_all();
        w.set_clock(-30 * DAY_MS);
        w.sleep(MIN).await;
        w.settle().await;
        w.crash().await;
        w.sleep(5 * MIN).await;
        w.settle().await;
        let after = w.rows("SELECT level, target FROM notifications_v1 ORDER BY seq, target");
        assert_eq!(after, told, "nobody is told again");
        // And the next reminder comes in its time.
        w.sleep(24 * 60 * MIN).await;
        w.settle().await;
        assert!(
            w.rows("SELECT seq FROM notifications_v1").len() > told.len(),
            "it falls not silent"
        );
        w.read_all();
        acknowledge(w, &page).await;
    });
}
