//! The config changes while Vigie runs: it comes into force whole, or not at all, and the journal says when.

use crate::process::{Running, folder, vigie};
use crate::two_instances::{Serving, count, serve};
use crate::world::{CONFIG, World, critical, high};
use serde_json::json;
use std::io::Read as _;
use std::time::Duration;
use vigie::sim::Fault;

const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const TOLD: &str =
    "SELECT substr(at, 12, 5), level, target FROM notifications_v1 WHERE level > 0 ORDER BY seq";

/// The config of every story, but for this.
fn but(from: &str, to: &str) -> String {
    assert!(CONFIG.contains(from), "{from:?} stands in the config");
    CONFIG.replace(from, to)
}

#[test]
fn who_is_given_a_role_may_act_at_once_and_who_loses_it_is_refused() {
    World::run(async |w| {
        w.alert(high("port scan")).await;
        w.alert(high("strange login")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        w.by("eve").click(&page, "Acknowledge").await;
        w.whisper("eve", "analyst").await;

        // By her address, which nobody has asked Slack about before.
        let taken = w.reload(&but("[U0ANA]", "[eve@example.com]")).await.expect("it is good");
        assert_eq!((taken.changed, taken.waiting), (true, vec![]));
        w.by("eve").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0EVE>").await;
        page.expect_line("Acknowledged by @eve").await;
        let other = w.message("#soc-alerts", "strange login").await;
        w.by("ana").click(&other, "Acknowledge").await;
        w.whisper("ana", "analyst").await;
        assert_eq!(
            w.rows("SELECT kind, actor, via FROM journal WHERE kind IN ('started', 'configured') ORDER BY seq"),
            ["started system timer", "configured system timer"]
        );
        let kept =
            w.ask("SELECT content FROM private JOIN journal USING (seq) WHERE kind = 'configured'");
        assert!(kept.contains(r#""analyst":["eve@example.com","@blue-team"]"#), "{kept}");

        // The same once more is nothing new.
        let taken = w.reload(&but("[U0ANA]", "[eve@example.com]")).await.expect("it is good");
        assert_eq!(
            (taken.changed, w.ask("SELECT count(*) FROM journal WHERE kind = 'configured'")),
            (false, "1".to_owned())
        );
        w.by("bea").click(&other, "Acknowledge").await;
        other.expect("*Acknowledged* by <@U0BEA>").await;
        other.expect_line("Acknowledged by @bea").await;
    });
}

#[test]
fn a_ladder_that_changes_counts_for_what_waits_already_and_says_nothing_late() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(MIN).await;
        // Was due after five minutes; and a rung that would have been told already, had it stood here, is not told late.
        let sooner = but(
            "{after: 5m, dm: on_call}",
            "{after: 30s, dm: lead}\n      - {after: 2m, dm: on_call}",
        );
        w.reload(&sooner).await.expect("it is good");
        w.sleep(2 * MIN).await;
        w.dm("bea", "sudo on prod-db-1").await;
        assert_eq!(w.rows(TOLD), ["09:02 2 U0BEA"]);

        // After a crash the config is as old as it was.
        w.crash().await;
        w.sleep(MIN).await;
        assert_eq!(w.rows(TOLD), ["09:02 2 U0BEA"]);
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
        w.sleep(HOUR).await;
    });
}

#[test]
fn a_rung_that_came_with_a_change_is_told_also_where_it_was_due_while_vigie_was_down() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(MIN).await;
        let sooner = but("{after: 5m, dm: on_call}", "{after: 2m, dm: on_call}");
        w.reload(&sooner).await.expect("it is good");
        w.kill().await;
        w.sleep(2 * MIN).await;
        w.start().await;
        let dm = w.dm("bea", "sudo on prod-db-1").await;
        w.by("bea").click(&dm, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
    });
}

#[test]
fn what_else_changes_in_the_config_silences_no_ladder() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(25 * MIN).await;
        // The last rung, told already, is another; and then somebody works on the config for hours.
        let edited = but("{after: 20m, dm: lead}", "{after: 20m, dm: [lead, on_call]}");
        w.reload(&edited).await.expect("it is good");
        for change in 0..8 {
            w.reload(&format!("{edited}# {change}\n")).await.expect("it is good");
            w.sleep(20 * MIN).await;
        }
        // Down, with another comment meanwhile, it knows since when its ladders stand.
        w.kill().await;
        w.start_with(&format!("{edited}# the last\n")).await;
        w.sleep(MIN).await;
        let told = w.rows("SELECT substr(at, 12, 5), level, target FROM notifications_v1 WHERE target = 'U0LEA' ORDER BY seq");
        assert_eq!(told, ["09:20 3 U0LEA", "09:55 3 U0LEA", "10:25 3 U0LEA"]);
        for message in w.slack().unread() {
            w.slack().read(&message.channel, &message.ts);
        }
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_late_rung_is_not_lost_by_another_change_while_vigie_was_down() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(3 * MIN).await;
        let sooner = but("{after: 5m, dm: on_call}", "{after: 4m, dm: on_call}");
        w.reload(&sooner).await.expect("it is good");
        w.kill().await;
        w.sleep(4 * MIN).await;
        w.start_with(&format!("{sooner}# a comment\n")).await;
        let dm = w.dm("bea", "sudo on prod-db-1").await;
        w.by("bea").click(&dm, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
    });
}

#[test]
fn what_is_recorded_after_a_changed_config_is_decided_by_it() {
    World::run(async |w| {
        w.alert(high("port scan")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        // Whom it names is asked for first, and Slack takes its time.
        w.slack().fail_next("users.lookupByEmail", Fault::Slow(Duration::from_secs(20)));
        let config = but("[U0ANA]", "[eve@example.com]");
        let act = async {
            w.sleep(Duration::from_secs(2)).await;
            w.by("ana").click(&page, "Acknowledge").await;
        };
        let (taken, ()) = tokio::join!(w.reload(&config), act);
        taken.expect("it is good");
        assert_eq!(
            w.rows("SELECT kind, actor_roles FROM journal WHERE kind IN ('acknowledged', 'configured') ORDER BY seq"),
            ["acknowledged analyst", "configured "]
        );
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.sleep(MIN).await;
    });
}

#[test]
fn a_source_comes_and_goes_and_its_secret_changes() {
    World::run(async |w| {
        assert_eq!(w.hook("scanner", &json!({"title": "Port scan"})).await.0, 404);
        let with =
            but("  edr:", "  scanner: {type: generic, auth: {bearer: {env: EDR_TOKEN}}}\n  edr:");
        w.reload(&with).await.expect("it is good");
        assert_eq!(w.hook("scanner", &json!({"title": "Port scan"})).await.0, 202);
        let page = w.message("#soc-alerts", "Port scan").await;
        let elsewhere = with.replace(
            "scanner: {type: generic, auth: {bearer: {env: EDR_TOKEN}}}",
            "scanner: {type: generic, auth: {bearer: {env: SLACK_BOT_TOKEN}}}",
        );
        w.reload(&elsewhere).await.expect("it is good");
        assert_eq!(w.hook("scanner", &json!({"title": "Port scan"})).await.0, 401);
        w.reload(CONFIG).await.expect("it is good");
        assert_eq!(w.hook("scanner", &json!({"title": "Port scan"})).await.0, 404);
        w.by("bea").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
    });
}

#[test]
fn what_can_only_be_set_at_a_start_is_said_and_waits_for_it() {
    World::run(async |w| {
        let slower = but("timezone: Europe/Paris", "timezone: UTC, post_rate: 1/m");
        let taken = w.reload(&slower).await.expect("it is good");
        assert_eq!((taken.changed, taken.waiting), (true, vec!["slack.post_rate"]));
        let (status, ready) = w.ready().await;
        assert_eq!(status, 200);
        assert!(
            ready["warnings"][0].as_str().is_some_and(|w| w.contains("slack.post_rate")),
            "{ready}"
        );
        w.reload(CONFIG).await.expect("it is good");
        assert_eq!(w.ready().await.1, json!({"status": "ready"}));
    });
}

#[test]
fn what_cannot_be_recorded_does_not_come_into_force() {
    World::run(async |w| {
        w.alert(high("port scan")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        w.disk_refuses();
        let refused = w.reload(&but("[U0ANA]", "[U0EVE]")).await.expect_err("the disk is full");
        assert!(format!("{refused:#}").contains("the journal does not take"), "{refused:#}");
        let outage = w.message("#soc-alerts", "cannot write to its disk").await;
        w.dm("lea", "cannot write to its disk").await;
        w.disk_takes();
        w.sleep(15 * Duration::from_secs(1)).await;
        outage.expect("writes to its disk again").await;
        w.by("eve").click(&page, "Acknowledge").await;
        w.whisper("eve", "analyst").await;
        w.reload(&but("[U0ANA]", "[U0EVE]")).await.expect("it takes it now");
        w.by("eve").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0EVE>").await;
        page.expect_line("Acknowledged by @eve").await;
        w.sleep(MIN).await;
    });
}

#[test]
fn a_new_name_is_waited_for_also_while_slack_is_being_asked_about_the_names_of_before() {
    World::run(async |w| {
        w.alert(high("port scan")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        w.slack().fail_next("usergroups.list", Fault::Slow(Duration::from_secs(2)));
        // Slack is asked every five minutes.
        w.sleep(5 * MIN + Duration::from_secs(1)).await;
        w.slack().fail_next("users.lookupByEmail", Fault::Slow(Duration::from_secs(1)));
        w.reload(&but("[U0ANA]", "[eve@example.com]")).await.expect("it is good");
        w.by("eve").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0EVE>").await;
        page.expect_line("Acknowledged by @eve").await;
    });
}

#[test]
fn where_slack_does_not_answer_the_config_comes_into_force_all_the_same() {
    World::run(async |w| {
        w.slack().fail_next("users.lookupByEmail", Fault::Status(500));
        w.reload(&but("[U0ANA]", "[eve@example.com]")).await.expect("it is good");
        w.sleep(MIN).await;
        w.alert(high("port scan")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        w.by("eve").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0EVE>").await;
        page.expect_line("Acknowledged by @eve").await;
    });
}

#[test]
fn the_file_is_read_again_when_it_changes_or_at_sighup_and_a_broken_one_takes_nothing_down() {
    let folder = folder();
    let config = folder.path().join("vigie.yaml");
    let write = |text: &str| std::fs::write(&config, text).expect("written");
    let first = std::fs::read_to_string(&config).expect("it stands");
    let mut serving = serve(&mut vigie(folder.path(), &["serve"]));
    let answer = |serving: &Serving, source: &str| {
        serving.ask(&format!("POST /hooks/{source}"), r#"{"title": "Port scan"}"#).0
    };
    assert_eq!((answer(&serving, "s"), answer(&serving, "t")), (202, 404));

    write(&first.replace("generic", "genric"));
    Running::says(&mut serving.log, "the one before stays in force: vigie.yaml:2:");
    assert_eq!(answer(&serving, "s"), 202);
    let ready = serving.ask("GET /readyz", "").1;
    assert!(ready.contains("is not in force") && !ready.contains("did you mean"), "{ready}");

    write(&first.replace("sources: {", "sources: {t: {type: generic, auth: none}, "));
    Running::says(&mut serving.log, "A changed config is in force");
    assert_eq!((answer(&serving, "s"), answer(&serving, "t")), (202, 202));
    assert!(!serving.ask("GET /readyz", "").1.contains("is not in force"));

    // A mapping beside the config is a part of it.
    let ours = folder.path().join("sources/ours.yaml");
    std::fs::create_dir(ours.with_file_name("")).expect("made");
    std::fs::write(&ours, "not: a mapping\n").expect("written");
    let mistake = Running::says(&mut serving.log, "the one before stays in force");
    assert!(mistake.contains("ours.yaml"), "{mistake}");
    std::fs::remove_file(&ours).expect("removed");
    Running::says(&mut serving.log, "was read again");
    serving.process.signal("HUP");
    Running::says(&mut serving.log, "was read again");
    std::fs::rename(&config, folder.path().join("away")).expect("renamed");
    Running::says(&mut serving.log, "cannot be read");
    std::fs::rename(folder.path().join("away"), &config).expect("renamed");
    Running::says(&mut serving.log, "was read again");
    let metrics = serving.ask("GET /metrics", "").1;
    assert!(metrics.contains("vigie_config_last_reload_successful 1"), "{metrics}");

    serving.process.signal("TERM");
    Running::says(&mut serving.log, "Stopped");
    assert_eq!(serving.process.ends(), Some(0));
    let configured = "SELECT count(*) FROM journal WHERE kind = 'configured'";
    assert_eq!(count(folder.path(), configured), 1);
}

#[test]
fn a_stop_does_not_wait_for_whom_a_changed_config_names() {
    let folder = folder();
    let config = folder.path().join("vigie.yaml");
    // A Slack that takes calls and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let slack = format!("http://{}/api/", silent.local_addr().expect("an address"));
    let mut serving = serve(
        vigie(folder.path(), &["serve"]).env("SLACK_API_URL", slack).env("RUST_LOG", "vigie=debug"),
    );
    let text = std::fs::read_to_string(&config).expect("it stands");
    std::fs::write(&config, text.replace("alice@", "bob@")).expect("written");
    Running::says(&mut serving.log, "Reading the config again");
    serving.process.signal("TERM");
    let mut rest = String::new();
    serving.log.read_to_string(&mut rest).expect("text");
    assert_eq!(serving.process.ends(), Some(0));
    assert!(rest.contains("Stopped") && !rest.contains("is in force"), "{rest}");
}
