//! More alerts than a channel can take: each is named, the worst first, at Slack's pace, and can be acknowledged.

use crate::world::{By, Page, World, alert};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use vigie::sim::{Fault, Message, User};

const SECOND: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);

/// One channel for all; the ladder mentions the team in the thread, then writes to who is on call.
const CONFIG: &str = r##"
slack: {channel: "#soc-alerts", timezone: Europe/Paris}
roles:
  analyst: {users: [U0ANA], usergroups: ["@blue-team"]}
  lead: {users: [lea@example.com]}
teams:
  blue: {members: role(analyst), lead: role(lead), on_call: "user(U0BEA)"}
sources:
  edr: {type: generic, auth: {bearer: {env: EDR_TOKEN}}}
routes:
  - {name: everything, team: blue, escalation: storm}
escalations:
  storm:
    ladder:
      - {after: 30m, thread: team}
      - {after: 40m, dm: on_call}
    repeat: {last: 2h, times: 1, then: daily_to_lead}
"##;

fn storm(count: usize) -> Vec<Value> {
    let severity = |n: usize| if n % 100 == 99 { "critical" } else { "medium" };
    (0..count).map(|n| alert(severity(n), &format!("beacon {n} on host-{n}"))).collect()
}

fn top(w: &World) -> Vec<Message> {
    let messages = w.slack().messages("#soc-alerts");
    messages.into_iter().filter(|message| message.thread_ts.is_none()).collect()
}

/// In how many messages of the channel each alert is named.
fn named(w: &World, alerts: &[Value]) -> BTreeMap<usize, usize> {
    let texts: Vec<String> = top(w).iter().map(Message::readable).collect();
    let mut times = BTreeMap::new();
    for alert in alerts {
        let title = format!("{} ", alert["title"].as_str().expect("a title"));
        let found =
            texts.iter().filter(|text| format!("{text} ").replace('\n', " ").contains(&title));
        *times.entry(found.count()).or_default() += 1;
    }
    times
}

/// Everybody reads everything.
fn read_all(w: &World) {
    for message in w.slack().unread() {
        w.slack().read(&message.channel, &message.ts);
    }
}

async fn settled(w: &World) {
    w.settle().await;
    read_all(w);
}

#[test]
fn a_storm_is_shown_worst_first_at_slacks_pace_with_each_alert_named_once() {
    World::run_with(CONFIG, async |w| {
        let begun = w.slack().now_ms();
        let alerts = storm(400);
        for some in alerts.chunks(40) {
            assert_eq!(w.hook("edr", &json!(some)).await.0, 202);
            w.sleep(SECOND).await;
        }
        w.until("all are named", |_| (named(w, &alerts).get(&1) == Some(&400)).then_some(())).await;
        let posts: Vec<i64> = top(w).iter().map(|m| seconds(&m.ts) - begun / 1000).collect();
        assert!(posts.len() < 60, "{} messages for 400 alerts", posts.len());
        for window in posts.windows(5) {
            assert!(window[4] - window[0] >= 2, "one a second after a burst of three: {posts:?}");
        }
        let first = top(w).iter().position(|m| m.readable().contains("beacon 99 ")).expect("shown");
        assert!(
            posts[first] <= 8,
            "it came after 2 s, and is shown {} s after the first",
            posts[first]
        );
        settled(w).await;
        assert_eq!(
            w.ask("SELECT count(DISTINCT message_ts) FROM alerts_v1 WHERE shown_at IS NOT NULL"),
            posts.len().to_string()
        );
    });
}

fn seconds(ts: &str) -> i64 {
    ts.split('.').next().and_then(|s| s.parse().ok()).expect("a time stamp")
}

/// The first message that shows several alerts.
async fn digest(w: &World) -> Page<'_> {
    w.message("#soc-alerts", "Acknowledge all").await
}

async fn acknowledge_all(w: &World, who: &By<'_>, page: &Page<'_>) {
    let label = page.buttons().into_iter().find(|l| l.starts_with("Acknowledge all"));
    who.click(page, &label.expect("it can be acknowledged as a whole")).await;
    w.sleep(SECOND).await;
}

#[test]
fn what_shares_a_message_is_acknowledged_one_by_one_or_all_at_once() {
    World::run_with(CONFIG, async |w| {
        assert_eq!(w.hook("edr", &json!(storm(28))).await.0, 202);
        w.sleep(30 * SECOND).await;
        let page = digest(w).await;
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("acknowledged by @ana").await;
        page.expect_line("Acknowledged by @ana").await;
        acknowledge_all(w, &w.by("bea"), &page).await;
        page.expect("acknowledged by @bea").await;
        assert!(!page.message().readable().contains("Acknowledge all"), "none is left");
        let by = "SELECT acknowledged_by, count(*) FROM alerts_v1 GROUP BY 1 ORDER BY 1";
        assert_eq!(w.rows(by), ["- 8", "U0ANA 1", "U0BEA 19"]);
        let done = "SELECT actor, count(*) FROM interactions_v1 WHERE outcome = 'done' GROUP BY 1";
        assert_eq!(w.rows(done), ["U0ANA 1", "U0BEA 19"]);
        // One line says what one press did.
        settled(w).await;
        let lines = w.slack().thread("#soc-alerts", &page.message().ts);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        // Its next step stands beside each.
        w.by("ana").click(&page, "Resolve…").await;
        w.by("ana").submit(json!({"disposition": "benign_true_positive", "note": "drill"})).await;
        page.expect("resolved by @ana").await;
        settled(w).await;
    });
}

#[test]
fn who_may_not_acknowledge_one_may_not_acknowledge_all_and_is_told_once() {
    World::run_with(CONFIG, async |w| {
        assert_eq!(w.hook("edr", &json!(storm(28))).await.0, 202);
        w.sleep(30 * SECOND).await;
        let page = digest(w).await;
        acknowledge_all(w, &w.by("eve"), &page).await;
        settled(w).await;
        assert_eq!(w.ask("SELECT count(*) FROM alerts_v1 WHERE state = 'open'"), "28");
        let denied = "SELECT outcome, count(*) FROM interactions_v1 GROUP BY 1";
        assert_eq!(w.rows(denied), ["denied 20"], "each is evidence");
        assert_eq!(w.slack().ephemerals("eve").len(), 1);
    });
}

#[test]
fn whoever_has_not_acknowledged_hears_of_many_alerts_in_one_message() {
    World::run_with(CONFIG, async |w| {
        assert_eq!(w.hook("edr", &json!(storm(28))).await.0, 202);
        w.sleep(30 * SECOND).await;
        let page = digest(w).await;
        w.sleep(30 * MIN).await;
        settled(w).await;
        let thread = w.slack().thread("#soc-alerts", &page.message().ts);
        assert_eq!(thread.len(), 1, "one mention names them all: {thread:#?}");
        let said = thread[0].readable();
        assert!(said.contains("<@U0ANA>") && said.contains("20 alerts wait"), "{said}");
        w.sleep(10 * MIN).await;
        settled(w).await;
        let dms = w.slack().dms("bea");
        assert!(dms.len() <= 5, "{} direct messages for 28 alerts", dms.len());
        let text: String = dms.iter().map(Message::readable).collect();
        for n in 0..28 {
            assert!(text.contains(&format!("beacon {n} ")), "{n} is named to bea: {text}");
        }
        let told =
            "SELECT level, target, count(*) FROM notifications_v1 WHERE level > 0 GROUP BY 1, 2";
        assert_eq!(w.rows(told), ["1 U0ANA 28", "1 U0BEA 28", "2 U0BEA 28"]);
        // A direct message for many is a copy of each: it changes with them.
        acknowledge_all(w, &w.by("bea"), &page).await;
        w.sleep(MIN).await;
        let text: String = w.slack().dms("bea").iter().map(Message::readable).collect();
        assert!(text.contains("acknowledged by @bea"), "{text}");
        settled(w).await;
    });
}

#[test]
fn a_crash_or_a_lost_answer_in_a_storm_names_no_alert_twice() {
    for moment in [0, 400, 3_000, 3_001, 4_002] {
        World::run_with(CONFIG, async |w| {
            let alerts = storm(120);
            assert_eq!(w.hook("edr", &json!(alerts)).await.0, 202);
            w.sleep(Duration::from_millis(moment)).await;
            w.slack().fail_next("chat.postMessage", Fault::LoseResponse);
            w.crash().await;
            w.sleep(MIN).await;
            assert_eq!(named(w, &alerts), BTreeMap::from([(1, 120)]), "crash at {moment} ms");
            settled(w).await;
        });
    }
}

#[test]
fn one_message_that_slack_refuses_does_not_hold_up_those_that_would_share_it() {
    World::run_with(CONFIG, async |w| {
        let alerts = storm(40);
        w.slack().set_down(true);
        assert_eq!(w.hook("edr", &json!(alerts)).await.0, 202);
        w.sleep(SECOND).await;
        w.slack().set_down(false);
        w.slack().fail_next("chat.postMessage", Fault::error("invalid_blocks"));
        w.sleep(3 * MIN).await;
        assert_eq!(named(w, &alerts), BTreeMap::from([(1, 40)]));
        assert!(top(w).len() >= 20, "those that were refused together go alone");
        settled(w).await;
    });
}

#[test]
fn a_lost_message_of_many_loses_none_of_them() {
    World::run_with(CONFIG, async |w| {
        let alerts = storm(28);
        assert_eq!(w.hook("edr", &json!(alerts)).await.0, 202);
        w.sleep(30 * SECOND).await;
        let message = digest(w).await.message();
        w.slack().delete_message(&message.channel, &message.ts).await.expect("it stands");
        w.sleep(MIN).await;
        assert_eq!(named(w, &alerts), BTreeMap::from([(1, 28)]), "each stands again, and once");
        settled(w).await;
    });
}

#[test]
fn where_not_all_can_be_told_at_once_the_worst_alert_goes_first() {
    let many: Vec<String> = (0..60).map(|number| format!("U0A{number:02}")).collect();
    let config = CONFIG
        .replace("users: [U0ANA]", &format!("users: [{}]", many.join(", ")))
        .replace("thread: team", "dm: team");
    World::run_with(&config, async |w| {
        for id in &many {
            w.slack().add_user(User { id: id.clone(), name: id.to_lowercase(), ..User::default() });
        }
        w.alert(alert("medium", "beacon 1 on host-1")).await;
        w.message("#soc-alerts", "beacon 1").await;
        w.sleep(29 * MIN).await;
        w.slack().set_down(true);
        w.sleep(2 * MIN).await;
        // Sixty people wait to be told of the one, and nobody has seen the other.
        w.alert(alert("critical", "beacon 99 on host-99")).await;
        w.sleep(MIN).await;
        w.slack().set_down(false);
        w.sleep(5 * MIN).await;
        w.settle().await;
        let posts = w.slack().calls_of("chat.postMessage").into_iter();
        let good: Vec<_> = posts.filter(|call| call.error.is_none()).collect();
        let at = |title: &str| good.iter().position(|call| call.body.to_string().contains(title));
        assert!(good.len() > 60);
        assert!(
            at("beacon 99").is_some_and(|at| at <= 32),
            "it came {:?}th of {}",
            at("beacon 99"),
            good.len()
        );
        read_all(w);
    });
}
