//! The disk takes no writes: nothing is acknowledged, and people are told all the same, marked and written down afterwards.

use crate::process::{code_and_words, folder, vigie};
use crate::two_instances::{count, serve};
use crate::world::{World, alert, critical, high};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use vigie::sim::Fault;

const SECOND: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const TOLD: &str =
    "SELECT substr(at, 12, 5), level, target, reason FROM notifications_v1 ORDER BY seq, target";
const MARKED: &str = "Not recorded: Vigie cannot write to its disk";

fn is_blank(w: &World) -> bool {
    let file = vigie::store::emergency::path_of(&w.database());
    std::fs::read(file).expect("it stands").iter().all(|byte| *byte == 0)
}

#[test]
fn the_ladder_goes_on_marked_as_not_recorded_and_is_written_down_afterwards() {
    World::run(async |w| {
        w.alert(critical("sudo on prod-db-1")).await;
        let page = w.message("#sec", "sudo on prod-db-1").await;
        w.sleep(4 * MIN).await;
        w.disk_refuses();
        w.sleep(2 * MIN).await;
        let bea = w.dm("bea", MARKED).await;
        assert_eq!(bea.buttons(), [""; 0], "a click could not be kept");
        let outage = w.message("#soc-alerts", "cannot write to its disk").await;
        w.dm("lea", "cannot write to its disk").await;
        w.sleep(5 * MIN).await;
        page.expect_line("<@U0ANA>").await;
        assert!(!is_blank(w), "what was said stands in the emergency file");
        assert_eq!(w.rows(TOLD).len(), 1, "nothing of it is in the database");
        w.disk_takes();
        w.sleep(15 * SECOND).await;
        outage.expect("writes to its disk again").await;
        bea.expect("nobody has it").await;
        w.sleep(10 * MIN).await;
        w.dm("lea", "sudo on prod-db-1").await;
        assert_eq!(
            w.rows(TOLD),
            [
                "09:00 0 C0SEC received",
                "09:05 1 U0BEA not_recorded",
                "09:10 2 U0ANA not_recorded",
                "09:10 2 U0BEA not_recorded",
                "09:20 3 U0LEA not_acknowledged",
            ]
        );
        assert!(is_blank(w), "what stands in the journal is forgotten there");
        w.by("bea").click(&bea, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0BEA>").await;
        page.expect_line("Acknowledged by @bea").await;
        w.sleep(HOUR).await;
        w.settle_copies().await;
    });
}

#[test]
fn an_alert_that_cannot_be_recorded_is_refused_and_said_at_once_and_only_once() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.disk_refuses();
        for _ in 0..5 {
            let (status, answer) = w.hook("edr", &critical("sudo on prod-db-1")).await;
            assert_eq!(status, 503, "{answer}");
            w.sleep(10 * SECOND).await;
        }
        let page = w.message("#sec", MARKED).await;
        page.expect("sudo on prod-db-1").await;
        assert_eq!(page.buttons(), [""; 0]);
        let bea = w.dm("bea", "sudo on prod-db-1").await;
        assert!(bea.message().readable().contains(MARKED));
        w.message("#soc-alerts", "cannot write to its disk").await;
        w.dm("lea", "cannot write to its disk").await;
        w.disk_takes();
        w.sleep(15 * SECOND).await;
        let (status, answer) = w.hook("edr", &critical("sudo on prod-db-1")).await;
        assert_eq!((status, answer["alerts"][0]["outcome"].as_str()), (202, Some("repeated")));
        page.expect("Seen 2 times").await;
        assert!(page.buttons().contains(&"Acknowledge".to_owned()));
        assert!(!page.message().readable().contains(MARKED), "it is recorded now");
        w.settle_copies().await;
        assert!(!bea.message().readable().contains(MARKED));
        assert_eq!(
            w.rows("SELECT substr(received_at, 12, 8), substr(shown_at, 12, 5), occurrences FROM alerts_v1"),
            ["09:01:00 09:01 2"]
        );
        assert_eq!(w.rows(TOLD), ["09:01 0 C0SEC not_recorded", "09:01 1 U0BEA not_recorded"]);
        assert_eq!(w.count(w.slack().messages("#sec"), "sudo on prod-db-1"), 1);
        assert_eq!(w.count(w.slack().dms("bea"), "sudo on prod-db-1"), 1);
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn a_crash_in_the_middle_tells_nobody_again() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.disk_refuses();
        assert_eq!(w.hook("edr", &critical("sudo on prod-db-1")).await.0, 503);
        let page = w.message("#sec", MARKED).await;
        let bea = w.dm("bea", "sudo on prod-db-1").await;
        w.sleep(10 * SECOND).await;
        w.kill().await;
        w.disk_takes();
        w.start().await;
        page.expect("nobody has it").await;
        bea.expect("nobody has it").await;
        assert_eq!(w.rows(TOLD), ["09:01 0 C0SEC not_recorded", "09:01 1 U0BEA not_recorded"]);
        assert_eq!(w.slack().messages("#sec").len(), 1);
        assert_eq!(w.slack().dms("bea").len(), 1);
        assert!(is_blank(w));
        // Folded in twice it would be there twice.
        w.crash().await;
        assert_eq!(w.ask("SELECT count(*) FROM journal WHERE kind = 'received'"), "1");
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
        w.settle_copies().await;
    });
}

#[test]
fn nothing_but_paging_acts_while_nothing_can_be_recorded() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.sleep(MIN).await;
        w.disk_refuses();
        w.by("ana").click_in_vain(&page, "Acknowledge").await;
        w.by("ana").click_in_vain(&page, "Resolve…").await;
        w.by("ana").slash_in_vain("/vigie list").await;
        for severity in ["medium", "low", "info"] {
            assert_eq!(w.hook("edr", &alert(severity, "a scan")).await.0, 503);
        }
        w.sleep(5 * SECOND).await;
        assert!(w.slack().open_view("ana").is_none(), "no form is opened");
        assert!(w.slack().ephemerals("ana").is_empty());
        assert_eq!(w.slack().messages("#soc-alerts").len(), 1, "nothing else is said");
        assert!(!page.message().readable().contains("Acknowledged"));
        w.disk_takes();
        w.sleep(15 * SECOND).await;
        assert_eq!(w.ask("SELECT count(*) FROM interactions_v1"), "0");
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn a_line_that_is_on_disk_waits_until_it_can_be_recorded_that_it_was_said() {
    World::run(async |w| {
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        let limited = Fault::RateLimited { retry_after: 20 * SECOND };
        w.slack().fail_next("chat.postMessage", limited);
        w.by("ana").click(&page, "Acknowledge").await;
        page.expect("*Acknowledged* by <@U0ANA>").await;
        w.sleep(5 * SECOND).await;
        w.disk_refuses();
        w.sleep(25 * SECOND).await;
        let thread = page.message();
        assert!(w.slack().thread(&thread.channel, &thread.ts).is_empty(), "it was said");
        w.disk_takes();
        page.expect_line("Acknowledged by @ana").await;
    });
}

#[test]
fn what_is_on_disk_is_shown_although_no_outcome_can_be_written() {
    for crash in [false, true] {
        World::run(async |w| {
            w.sleep(MIN).await;
            let titles = ["first", "second", "third"];
            for title in titles {
                w.alert(high(title)).await;
            }
            // One a second may be posted.
            w.disk_refuses();
            for title in titles {
                w.message("#soc-alerts", title).await;
            }
            w.sleep(10 * SECOND).await;
            if crash {
                w.kill().await;
            }
            w.disk_takes();
            if crash {
                w.start().await;
            }
            w.sleep(15 * SECOND).await;
            w.settle().await;
            assert_eq!(w.slack().messages("#soc-alerts").len(), 3, "crash: {crash}");
            assert_eq!(w.ask("SELECT count(*) FROM alerts_v1 WHERE shown_at IS NOT NULL"), "3");
            w.read_all();
        });
    }
}

#[test]
fn a_storm_that_cannot_be_recorded_is_cut_short_and_says_so() {
    World::run(async |w| {
        w.sleep(MIN).await;
        w.disk_refuses();
        for number in 0..60 {
            assert_eq!(w.hook("edr", &critical(&format!("alert {number}"))).await.0, 503);
        }
        w.sleep(3 * MIN).await;
        assert_eq!(w.count(w.slack().messages("#sec"), "alert "), 50);
        let more = w.message("#soc-alerts", "10 more alerts").await;
        assert!(more.message().readable().contains("Not recorded"));
        w.disk_takes();
        w.sleep(2 * MIN).await;
        // Those that were not said one by one are shown in the ordinary way.
        w.settle().await;
        let shown: String =
            w.slack().messages("#sec").iter().map(|m| m.readable() + "\n").collect();
        for number in 0..60 {
            assert!(shown.contains(&format!("alert {number}\n")), "{number} in\n{shown}");
        }
        assert_eq!(w.ask("SELECT count(*) FROM alerts_v1"), "60");
        w.read_all();
    });
}

/// The real binary, told by an error and not by a signal where a file may not grow.
fn without_signal(folder: &Path) -> Command {
    let plain = vigie(folder, &[]);
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; exec {} serve", env!("CARGO_BIN_EXE_vigie"));
    command.args(["-c", &script]).current_dir(folder).env_clear();
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// No file of the process may be written beyond so many bytes: as if the disk were full, but for the room that was taken before.
fn limit(pid: u32, bytes: &str) {
    let (pid, size) = (pid.to_string(), format!("--fsize={bytes}:"));
    let set = Command::new("prlimit").args(["--pid", &pid, &size]).status();
    assert!(set.expect("prlimit is there").success());
}

/// Waits until the emergency file holds a line.
fn noted(folder: &Path) {
    let file = vigie::store::emergency::path_of(&folder.join("vigie.db"));
    for _ in 0..1000 {
        if std::fs::read(&file).expect("it stands").first() != Some(&0) {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("nothing is noted");
}

#[test]
fn a_full_disk_answers_503_says_so_once_and_loses_nothing_when_there_is_room_again() {
    let folder = folder();
    let mut serving = serve(&mut without_signal(folder.path()));
    for title in ["one", "two", "three"] {
        assert_eq!(serving.alert(title).0, 202);
    }
    limit(serving.process.id(), "16384");
    for _ in 0..5 {
        let (status, answer) = serving.alert("on the full disk");
        assert_eq!(status, 503, "{answer}");
        assert!(answer.to_lowercase().contains("retry-after: 30"), "{answer}");
    }
    let (status, words) = serving.ask("GET /readyz", "");
    assert!(status == 503 && words.contains("has not taken writes since"), "{words}");
    assert_eq!(count(folder.path(), "SELECT count(*) FROM alerts_v1"), 3);
    noted(folder.path());
    limit(serving.process.id(), "unlimited");
    assert_eq!(serving.alert("with room again").0, 202);
    serving.process.signal("TERM");
    assert_eq!(serving.process.ends(), Some(0));
    let mut words = String::new();
    serving.log.read_to_string(&mut words).expect("text");
    assert_eq!(words.matches("Vigie cannot write to its disk").count(), 1, "{words}");
    assert_eq!(words.matches("Vigie writes to its disk again").count(), 1, "{words}");
    let titles =
        "SELECT count(*) FROM alerts_v1 WHERE title IN ('on the full disk', 'with room again')";
    assert_eq!(count(folder.path(), titles), 2, "the emergency file had the first");
    let verify = vigie(folder.path(), &["audit", "verify"]).output().expect("it runs");
    assert_eq!(verify.status.code(), Some(0), "{}", code_and_words(&verify).1);
}
