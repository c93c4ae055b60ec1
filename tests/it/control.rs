//! Commands that write, from the machine that Vigie runs on: by roles like anybody's, and in the record under the account's name.

use crate::process::{code_and_words, vigie};
use crate::sigterm::{self, House};
use crate::world::{CONFIG, World, critical, high};
use serde_json::json;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use vigie::control::{self, Request, Response, Unreachable};
use vigie::domain::alert::{Disposition, Severity};
use vigie::domain::input::{Answer, Reception};

const HOUR: Duration = Duration::from_secs(3600);
const ACTS: &str =
    "SELECT actor, actor_roles, surface, action, outcome, reason FROM interactions_v1 ORDER BY seq";

/// The account that the tests run as holds a role.
fn with_us() -> String {
    CONFIG.replace("[U0ANA]", &format!("[U0ANA, \"os:{}\"]", control::account()))
}

async fn ask(w: &World, request: &Request) -> Vec<Answer> {
    match control::ask(&w.database(), request).await.expect("it answers") {
        Response::Decided(answers) => answers,
        Response::Not(why) => panic!("{why}"),
    }
}

fn acknowledge(alert: &str) -> Request {
    Request::Acknowledge { alert: alert.into() }
}

#[test]
fn a_listed_account_acknowledges_and_nobody_else_is_woken() {
    let us = control::account();
    World::run_with(&with_us(), async |w| {
        let alert = w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        assert_eq!(ask(w, &acknowledge(&alert)).await, [Answer::Done]);
        page.expect(&format!("*Acknowledged* by {us} (on the server)")).await;
        page.expect_line(&format!("Acknowledged by {us} (on the server)")).await;
        w.sleep(HOUR).await;
        let again = ask(w, &acknowledge(&alert)).await;
        w.settle_copies().await;
        assert!(matches!(again[..], [Answer::Refused { .. }]), "{again:?}");
        assert_eq!(
            w.rows(ACTS),
            [
                format!("os:{us} analyst cli acknowledge done -"),
                format!("os:{us} analyst cli acknowledge repeated already_acknowledged"),
            ]
        );
        assert_eq!(w.ask("SELECT acknowledged_by FROM alerts_v1"), format!("os:{us}"));
    });
}

#[test]
fn an_account_without_a_role_asks_and_a_person_confirms_in_slack() {
    let us = control::account();
    World::run(async |w| {
        let alert = w.alert(high("port scan")).await;
        let page = w.message("#soc-alerts", "port scan").await;
        let refused = ask(w, &acknowledge(&alert)).await;
        assert!(matches!(refused[..], [Answer::Refused { .. }]), "{refused:?}");
        page.expect_line(&format!("{us} (on the server) asks to acknowledge it")).await;
        assert_eq!(w.ask("SELECT state FROM alerts_v1"), "open");
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        assert_eq!(
            w.rows(ACTS),
            [
                format!("os:{us}  cli acknowledge denied not_allowed"),
                "U0ANA analyst button acknowledge done -".to_owned(),
            ]
        );
        assert_eq!(ask(w, &acknowledge("alr_nobody")).await.len(), 1, "refused, and told nobody");
    });
}

#[test]
fn it_resolves_as_the_form_does_and_nobody_closes_their_own_case() {
    let us = control::account();
    World::run_with(&with_us(), async |w| {
        let alert = w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        let resolve = |note: Option<&str>| Request::Resolve {
            alert: alert.as_str().into(),
            disposition: Disposition::FalsePositive,
            note: note.map(str::to_owned),
        };
        let refused = ask(w, &resolve(Some("  "))).await;
        assert!(format!("{refused:?}").contains("NoteRequired"), "{refused:?}");
        assert_eq!(ask(w, &resolve(Some("the auditors' scanner"))).await, [Answer::Done]);
        page.expect(&format!("by {us} (on the server)")).await;
        page.expect_line("the auditors' scanner").await;
        // Somebody resolved it: it counts as treated, as by the form.
        assert_eq!(w.ask("SELECT treated FROM alerts_v1"), "1");

        let mut own = high("odd login");
        own["users"] = json!([us]);
        let own = w.alert(own).await;
        w.message("#soc-alerts", "odd login").await;
        let refused = ask(w, &acknowledge(&own)).await;
        assert!(format!("{refused:?}").contains("OwnCase"), "{refused:?}");
    });
}

#[test]
fn a_test_alert_takes_the_whole_road_and_is_marked_wherever_it_stands() {
    let us = control::account();
    World::run(async |w| {
        let test = |source: &str| Request::TestAlert {
            source: source.into(),
            severity: Severity::Critical,
            title: "does it arrive?".to_owned(),
        };
        let answers = ask(w, &test("edr")).await;
        let [Answer::Alert { outcome: Reception::Created, .. }] = &answers[..] else {
            panic!("{answers:?}")
        };
        let page = w.message("#sec", "does it arrive?").await;
        page.expect("TEST").await;
        page.expect("not counted in reports").await;
        w.sleep(5 * Duration::from_secs(60)).await;
        let dm = w.dm("bea", "TEST").await;
        w.by("bea").click(&dm, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.settle_copies().await;
        // Another one is an alert of its own.
        ask(w, &test("edr")).await;
        let newer =
            |sim: &vigie::sim::Sim| sim.messages("#sec").into_iter().find(|m| m.unread.is_some());
        let second = w.until("the second is shown", newer).await;
        w.slack().read(&second.channel, &second.ts);
        assert_eq!(
            w.rows("SELECT source, test, actor, via FROM alerts_v1 a JOIN journal j ON j.stream = a.id AND j.kind = 'received'"),
            vec![format!("edr 1 os:{us} cli"); 2]
        );
        w.by("lea").slash("/vigie coverage").await;
        w.whisper("lea", "2 test alerts").await;

        let unknown = control::ask(&w.database(), &test("nobody")).await.expect("it answers");
        assert!(matches!(&unknown, Response::Not(why) if why.contains("nobody")), "{unknown:?}");
        w.kill().await;
        w.start().await;
        w.alert(high("a real one")).await;
        let real = w.message("#soc-alerts", "a real one").await;
        w.by("ana").click(&real, "Acknowledge").await;
        real.expect("*Acknowledged* by <@U0ANA>").await;
        real.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn a_sources_own_payload_is_read_by_its_own_mapping() {
    World::run(async |w| {
        let try_body =
            |body: &str| Request::TestBody { source: "prometheus".into(), body: body.to_owned() };
        let payload = include_str!("../data/intake/alertmanager_group.json");
        let answers = ask(w, &try_body(payload)).await;
        assert!(!answers.is_empty());
        let bad = control::ask(&w.database(), &try_body(r#"{"alerts": 7}"#)).await;
        let bad = bad.expect("it answers");
        assert!(matches!(&bad, Response::Not(why) if why.contains("alerts")), "{bad:?}");
        w.sleep(Duration::from_secs(60)).await;
        for message in w.slack().unread() {
            assert!(message.readable().contains("TEST"), "{}", message.readable());
            w.slack().read(&message.channel, &message.ts);
        }
        let untested = w.ask("SELECT count(*) FROM alerts_v1 WHERE test = 0");
        assert_eq!(untested, "0");
        let open =
            w.rows("SELECT id FROM alerts_v1 WHERE state <> 'resolved' AND suppressed_by IS NULL");
        assert!(!open.is_empty());
    });
}

#[test]
fn a_delivery_that_was_tried_does_not_stand_for_the_real_one() {
    World::run(async |w| {
        let send = async |test: &str| {
            let headers = [("idempotency-key", "inc-77"), ("x-vigie-test", test)];
            let (status, answer) = w.hook_with("edr", &high("ransomware"), &headers).await;
            assert_eq!(
                (status, &answer["alerts"][0]["outcome"]),
                (202, &json!("created")),
                "{answer}"
            );
            answer["alerts"][0]["id"].as_str().expect("an id").to_owned()
        };
        let (tried, real) = (send("1").await, send("0").await);
        assert_ne!(tried, real);
        assert_eq!(
            (send("1").await, send("0").await),
            (tried, real),
            "each repeated gets its first answer"
        );
        w.sleep(Duration::from_secs(10)).await;
        for message in w.slack().unread() {
            w.slack().read(&message.channel, &message.ts);
        }
        assert_eq!(w.rows("SELECT test, occurrences FROM alerts_v1 ORDER BY test"), ["0 1", "1 1"]);
    });
}

#[test]
fn whoever_connects_and_says_nothing_does_not_hold_up_the_end_and_nothing_comes_after_it() {
    World::run(async |w| {
        let path = control::path_of(&w.database());
        let _silent = tokio::net::UnixStream::connect(&path).await.expect("it listens");
        w.sleep(Duration::from_secs(1)).await;
        w.stop().await;
        assert_eq!(w.ask("SELECT kind FROM journal ORDER BY seq DESC LIMIT 1"), "stopped");
        w.start().await;
    });
}

#[test]
fn the_socket_is_for_its_own_account_and_does_not_trip_over_nonsense() {
    World::run(async |w| {
        let path = control::path_of(&w.database());
        let there = std::fs::symlink_metadata(&path).expect("it stands");
        assert_eq!(there.permissions().mode() & 0o777, 0o600);
        assert_eq!(there.uid(), nix::unistd::Uid::effective().as_raw());
        for nonsense in ["\n", "{}\n", "{\"ask\": \"erase\"}\n", "\u{0}"] {
            let mut stream = tokio::net::UnixStream::connect(&path).await.expect("it listens");
            stream.write_all(nonsense.as_bytes()).await.expect("sent");
            stream.shutdown().await.expect("closed");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("answered");
            assert!(answer.contains("is not understood"), "{nonsense:?}: {answer}");
        }
        // Whoever says nothing holds up nobody.
        let _silent = tokio::net::UnixStream::connect(&path).await.expect("it listens");
        assert_eq!(ask(w, &acknowledge("alr_nobody")).await.len(), 1);
        w.kill().await;
        assert!(matches!(
            control::ask(&w.database(), &acknowledge("alr_x")).await,
            Err(Unreachable::Nobody)
        ));
        // What is no socket is not ours to take away.
        std::fs::write(&path, "a note").expect("written");
        w.start().await;
        assert_eq!(std::fs::read_to_string(&path).expect("it stands"), "a note");
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_shell_whether_vigie_runs_was_killed_or_was_never_started() {
    let us = control::account();
    let config = sigterm::CONFIG.replace("[U0ANA]", &format!("[U0ANA, \"os:{us}\"]"));
    let mut house = House::with(&config).await;
    let say = |house: &House, args: &[&str]| {
        let mut command = vigie(house.folder.path(), args);
        let output = command.output().expect("it runs");
        let (code, words) = code_and_words(&output);
        (code, words + &String::from_utf8_lossy(&output.stdout))
    };
    let (code, words) = say(&house, &["test-alert", "--severity", "low"]);
    assert!(
        code == Some(0) && words.contains("shown in C0SOC") && words.contains("route everything"),
        "{code:?} {words}"
    );
    let alert = words.split(':').next().expect("an id").to_owned();

    let (code, words) = say(&house, &["ack", &alert]);
    assert_eq!((code, words.trim()), (Some(0), format!("{alert} is acknowledged").as_str()));
    let (code, words) = say(&house, &["ack", &alert]);
    assert!(
        code == Some(1) && words.contains(&format!("os:{us} acknowledged it already")),
        "{words}"
    );

    // It was killed: what it left beside the database is in nobody's way, and the lock is free.
    house.serve.signal("KILL");
    house.serve.ends();
    let (code, words) = say(&house, &["resolve", &alert, "--as", "test", "--note", "it works"]);
    assert_eq!((code, words.trim()), (Some(0), format!("{alert} is resolved").as_str()));
    let states =
        house.rows("SELECT state || ' ' || disposition || ' ' || resolved_by FROM alerts_v1");
    assert_eq!(states, [format!("resolved test os:{us}")]);
    assert_eq!(say(&house, &["audit", "verify"]).0, Some(0));

    for (args, code, part) in [
        (&["resolve", &alert, "--as", "test"][..], 1, "resolved it already"),
        (&["resolve", &alert, "--as", "nonsense"], 2, "false_positive"),
        (&["resolve", &alert], 2, "--as"),
        (&["ack"], 2, "<ALERT>"),
        (&["ack", "alr_nobody"], 1, "no alert has this id"),
        (&["ack", &alert, "--config", "nowhere.yaml"], 2, "nowhere.yaml"),
        (&["test-alert"], 2, "no Vigie runs there"),
        (&["test-alert", "--source", "t"], 2, "no source called `t`"),
        (&["test-alert", "--severity", "worst"], 2, "critical"),
        (&["test-alert", "--payload", "nowhere.json"], 2, "nowhere.json"),
    ] {
        let (got, words) = say(&house, args);
        assert!(got == Some(code) && words.contains(part), "{args:?}: {got:?} {words}");
    }
    std::fs::remove_file(house.folder.path().join("vigie.db")).expect("removed");
    let (code, words) = say(&house, &["ack", &alert]);
    assert!(code == Some(2) && words.contains("is not there"), "{words}");
}
