//! Playbooks from the machine that Vigie runs on: by roles like a button, in the record under the account's name, and told step by
//! step on the terminal.

use crate::process::vigie;
use crate::sigterm::{self, House};
use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;
use vigie::control::{self, OfRun, Request, Response};
use vigie::domain::ids::RunId;
use vigie::domain::input::{Answer, Form};
use vigie::domain::playbook::run::event::{CallId, Choice};
use vigie::sim::User;
use vigie::standins::{Fault, Options, Standins};

const HOST: &str = "fin-laptop-12";
const MIN: Duration = Duration::from_secs(60);
const TRIED: &str = "SELECT actor, surface, action, outcome, reason FROM interactions_v1 WHERE action NOT IN ('acknowledge') ORDER BY seq";

fn on_a_laptop() -> Value {
    json!({"id": "edr-1", "title": "Credential dump", "severity": "critical", "hosts": [HOST]})
}

/// The account that the tests run as holds these roles.
fn with_us(roles: &[&str]) -> String {
    let us = format!("\"os:{}\"", control::account());
    let mut config = with_tools();
    for (role, listed) in [("analyst", "users: [U0ANA"), ("lead", "users: [lea@example.com")] {
        if roles.contains(&role) {
            config = config.replace(listed, &format!("{listed}, {us}"));
        }
    }
    config
}

async fn ask(w: &World, request: &Request) -> Answer {
    match control::ask(&w.database(), request).await.expect("it answers") {
        Response::Decided(mut answers) => answers.pop().expect("one answer"),
        Response::Not(why) => panic!("{why}"),
    }
}

fn isolation_of(alert: &str) -> Request {
    let asked = json!({"host": HOST, "reason": "It dumps credentials"});
    Request::PlanRun {
        alert: alert.into(),
        playbook: "isolate-host".into(),
        asked: serde_json::from_value(asked).expect("answers"),
    }
}

async fn planned(w: &World, alert: &str) -> RunId {
    match ask(w, &isolation_of(alert)).await {
        Answer::Form { form: Form::Plan { run }, .. } => run,
        other => panic!("{other:?}"),
    }
}

fn of(run: &RunId, what: OfRun) -> Request {
    Request::OfRun { run: run.clone(), plan: None, what }
}

fn code(answer: Answer) -> &'static str {
    match answer {
        Answer::Refused { refusal } => refusal.code(),
        Answer::Done => "done",
        other => panic!("{other:?}"),
    }
}

/// A run by the account, until it waits for its approval; and its message.
async fn started<'w>(w: &'w World, alert: &str) -> (RunId, Page<'w>) {
    let page = w.message("#sec", "Credential dump").await;
    let run = planned(w, alert).await;
    assert_eq!(code(ask(w, &of(&run, OfRun::Start)).await), "done");
    let shown = page.reply("Waits for 1 approval").await;
    w.dm("lea", "Your approval is wanted").await;
    (run, shown)
}

#[test]
fn an_account_plans_and_starts_and_a_lead_approves_in_slack() {
    let us = control::account();
    World::run_with_tools(&with_us(&["analyst"]), async |w, tools| {
        let alert = w.alert(on_a_laptop()).await;
        let (_, shown) = started(w, &alert).await;
        assert!(tools.edr.calls().is_empty(), "nothing is done before somebody approves");
        w.by("lea").click(&shown, "Approve").await;
        shown.expect("Done.").await;
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        assert_eq!(
            w.rows("SELECT started_by, approved_by, state FROM runs_v1"),
            [format!("os:{us} U0LEA done")]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn whoever_holds_both_roles_does_not_approve_their_own_run_from_the_shell_either() {
    let us = control::account();
    World::run_with_tools(&with_us(&["analyst", "lead"]), async |w, tools| {
        let alert = w.alert(on_a_laptop()).await;
        let (run, _) = started(w, &alert).await;
        assert_eq!(code(ask(w, &of(&run, OfRun::Approve)).await), "own_run");
        let other = Request::OfRun {
            run: run.clone(),
            plan: Some("another".to_owned()),
            what: OfRun::Decline,
        };
        assert_eq!(code(ask(w, &other).await), "plan_changed");
        assert_eq!(code(ask(w, &of(&run, OfRun::Decline)).await), "done");
        assert_eq!(code(ask(w, &of(&run, OfRun::Cancel)).await), "run_over");
        assert!(tools.edr.calls().is_empty());
        let tried: Vec<String> = w.rows(TRIED).split_off(2);
        assert_eq!(
            tried,
            [
                format!("os:{us} cli approve denied own_run"),
                format!("os:{us} cli decline denied plan_changed"),
                format!("os:{us} cli decline done -"),
                format!("os:{us} cli cancel_run stale run_over"),
            ]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// The same person at a shell and in Slack are one to an approval, whichever comes first: who is called so there is the account.
#[test]
fn whoever_started_a_run_from_the_shell_does_not_approve_it_in_slack() {
    let us = control::account();
    let config = with_us(&["analyst", "lead"])
        .replace("users: [U0ANA", "users: [U0US, U0ANA")
        .replace("users: [lea@example.com", "users: [U0US, lea@example.com");
    World::run_with_tools(&config, async |w, tools| {
        w.slack().add_user(User { id: "U0US".into(), ..User::named(&us) });
        let alert = w.alert(on_a_laptop()).await;
        let (run, shown) = started(w, &alert).await;
        w.by(&us).click(&shown, "Approve").await;
        w.whisper(&us, "Who starts a run does not approve it").await;
        assert_eq!(code(ask(w, &of(&run, OfRun::Cancel)).await), "done");
        let page = w.message("#sec", "Credential dump").await;
        w.by(&us).click(&page, "Isolate a host…").await;
        w.by(&us).submit(json!({"ask.host": HOST, "ask.reason": "It dumps credentials"})).await;
        w.by(&us).submit(json!({})).await;
        let newest = "SELECT id FROM runs_v1 WHERE started_by = 'U0US' AND state = 'waiting'";
        page.reply("Waits for 1 approval").await;
        let run = RunId::from(w.ask(newest).as_str());
        assert_eq!(code(ask(w, &of(&run, OfRun::Approve)).await), "own_run");
        assert!(tools.edr.calls().is_empty());
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn an_account_without_a_role_asks_in_the_thread_and_nothing_is_planned_or_approved() {
    let us = control::account();
    World::run_with_tools(&with_tools(), async |w, tools| {
        let alert = w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        assert_eq!(code(ask(w, &isolation_of(&alert)).await), "not_allowed");
        page.expect_line(&format!("{us} (on the server) asks to run a playbook on it")).await;
        assert_eq!(w.ask("SELECT count(*) FROM runs_v1"), "0");

        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").submit(json!({"ask.host": HOST, "ask.reason": "x"})).await;
        w.by("ana").submit(json!({})).await;
        let shown = page.reply("Waits for 1 approval").await;
        w.dm("lea", "Your approval is wanted").await;
        let run = RunId::new(w.ask("SELECT id FROM runs_v1"));
        let decide = OfRun::Decide {
            call: CallId { step: "find".into(), iteration: 0, attempt: 1 },
            choice: Choice::Happened,
        };
        for (what, says) in [
            (OfRun::Approve, "asks to approve a run of it"),
            (OfRun::Cancel, "asks to stop a run of it"),
            (decide, "asks to say how a run of it goes on"),
        ] {
            assert_eq!(code(ask(w, &of(&run, what)).await), "not_allowed");
            page.expect_line(says).await;
        }
        assert_eq!(code(ask(w, &of(&RunId::new("run_no"), OfRun::Approve)).await), "no_such_run");
        w.by("ana").click(&shown, "Withdraw").await;
        shown.expect("Stopped by").await;
        assert!(tools.edr.calls().is_empty());
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_step_in_doubt_is_decided_from_the_shell_with_an_answer_that_is_one() {
    World::run_with_tools(&with_us(&["analyst"]), async |w, tools| {
        let kiosk = json!({"id": "2", "title": "Credential dump", "severity": "critical", "hosts": ["kiosk-2"]});
        let alert = w.alert(kiosk).await;
        let page = w.message("#sec", "Credential dump").await;
        let asked = json!({"host": "kiosk-2", "reason": "odd"});
        let request = Request::PlanRun {
            alert: alert.as_str().into(),
            playbook: "isolate-host".into(),
            asked: serde_json::from_value(asked).expect("answers"),
        };
        let Answer::Form { form: Form::Plan { run }, .. } = ask(w, &request).await else {
            panic!("no plan")
        };
        assert_eq!(code(ask(w, &of(&run, OfRun::Start)).await), "done");
        let wanted = w.dm("lea", "Your approval is wanted").await;
        w.by("lea").click(&wanted, "Approve").await;
        let shown = page.reply("found 2, and one is expected").await;
        let decide = |choice| OfRun::Decide {
            call: CallId { step: "find".into(), iteration: 0, attempt: 1 },
            choice,
        };
        // It looks only: that it happened says nothing.
        for wrong in [Choice::Happened, Choice::Take(2)] {
            assert_eq!(code(ask(w, &of(&run, decide(wrong))).await), "already_decided");
        }
        assert!(tools.edr.effects().is_empty());
        assert_eq!(code(ask(w, &of(&run, decide(Choice::Take(1)))).await), "done");
        shown.expect("Done.").await;
        assert_eq!(tools.edr.effects().len(), 1);
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// The binary, a simulated Slack, and an EDR.
struct Shell {
    house: House,
    tools: Standins,
    _secrets: tempfile::TempDir,
}

impl Shell {
    async fn open() -> Self {
        let tools = Standins::start(Options::default()).await.expect("the stand-ins listen");
        let secrets = tempfile::tempdir().expect("a folder");
        let options = Options::default();
        let secret = |name: &str, value: &str| {
            let path = secrets.path().join(name);
            std::fs::write(&path, value).expect("written");
            path.display().to_string()
        };
        let (edr, jira) =
            (secret("edr", &options.edr.client_secret), secret("jira", &options.jira.token));
        let us = control::account();
        let config = sigterm::CONFIG.replace(
            "{analyst: {users: [U0ANA]}}",
            &format!(
                "{{analyst: {{users: [U0ANA, \"os:{us}\"]}}, lead: {{users: [\"os:{us}\"]}}}}"
            ),
        );
        let connected = format!(
            "tools:\n  \
             crowdstrike: {{base_url: \"{}\", internal: [127.0.0.1], client_id: standin-edr-client, client_secret: {{file: {edr}}}}}\n  \
             jira: {{base_url: \"{}\", internal: [127.0.0.1], email: vigie@example.com, token: {{file: {jira}}}}}\n",
            tools.edr.url(),
            tools.jira.url(),
        );
        let house = House::with(&(config + &connected)).await;
        Self { house, tools, _secrets: secrets }
    }

    /// Code, standard output, standard error. The runtime goes on meanwhile: the EDR lives in it.
    async fn say(&self, args: &[&str]) -> (Option<i32>, String, String) {
        let mut command = vigie(self.house.folder.path(), args);
        let output = tokio::task::spawn_blocking(move || command.output().expect("it runs"));
        let output = output.await.expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }

    fn alert(&self) -> String {
        let sent = tokio::task::block_in_place(|| self.house.hook_with(&on_a_laptop()));
        assert_eq!(sent, Some(202));
        self.house.rows("SELECT id FROM alerts_v1").remove(0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_terminal_shows_the_very_requests_then_each_step_and_exits_by_how_it_ended() {
    let mut shell = Shell::open().await;
    let alert = shell.alert();
    let run = |playbook: &'static str| {
        ["playbook", "run", playbook, "--alert"].map(str::to_owned).to_vec()
    };
    let words = |playbook, more: &[&str]| {
        let mut all = run(playbook);
        all.push(alert.clone());
        all.extend(["--ask", "host=fin-laptop-12", "--ask", "reason=odd"].map(str::to_owned));
        all.extend(more.iter().map(|word| (*word).to_owned()));
        all
    };
    let say = async |shell: &Shell, args: Vec<String>| {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        shell.say(&args).await
    };

    // Nobody is there to say yes: nothing is even planned.
    let (code, _, why) = say(&shell, words("lift-containment", &[])).await;
    assert!(code == Some(2) && why.contains("add --yes"), "{code:?} {why}");
    assert_eq!(shell.house.rows("SELECT count(*) || '' FROM runs_v1"), ["0"]);

    let (code, told, why) = say(&shell, words("isolate-host", &["--yes"])).await;
    assert_eq!(code, Some(1), "it waits: {told}{why}");
    for part in [
        "POST",
        "/devices/entities/devices-actions",
        "waits for an approval by lead",
        "vigie playbook approve run_",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let id = shell.house.rows("SELECT id FROM runs_v1").remove(0);
    let (code, _, why) = shell.say(&["playbook", "approve", &id, "--yes"]).await;
    assert!(code == Some(1) && why.contains("who started a run does not approve it"), "{why}");
    let (_, listed, _) = shell.say(&["playbook", "runs", "--state", "waiting"]).await;
    assert!(listed.contains(&id) && listed.contains("waits for an approval"), "{listed}");
    let (code, told, _) = shell.say(&["playbook", "cancel", &id]).await;
    assert_eq!(
        (code, told.trim()),
        (Some(0), format!("{id} is stopped: isolate-host is cancelled now").as_str())
    );
    let (code, listed, _) = shell.say(&["playbook", "runs", "--state", "waiting"]).await;
    assert_eq!((code, listed.trim()), (Some(0), "no run"));
    assert!(shell.tools.edr.effects().is_empty());

    let ticket =
        ["playbook", "run", "jira-ticket", "--alert", &alert, "--ask", "project=SEC", "--yes"];
    let (code, told, why) = shell.say(&[&ticket[..], &["--format", "json"]].concat()).await;
    let told: Value = serde_json::from_str(&told).expect("JSON alone on standard output");
    assert_eq!((code, &told["state"]), (Some(0), &json!("done")), "{told:#} {why}");
    assert_eq!(told["steps"][0]["uses"], "jira.create_issue");
    assert!(
        why.contains("POST") && why.contains("/rest/api/3/issue"),
        "the plan is for people: {why}"
    );

    // What cannot be told is asked, and the terminal says what can be answered.
    shell.tools.jira.fail_next("changes", Fault::LoseAnswer);
    let (code, told, _) = shell.say(&ticket).await;
    assert!(code == Some(1) && told.contains("happened  it is done"), "{code:?} {told}");
    let id = shell.house.rows("SELECT id FROM runs_v1 WHERE state = 'in_doubt'").remove(0);
    for (args, code, part) in [
        (
            vec!["playbook", "decide", &id, "link", "happened"],
            1,
            "nothing is asked about this step",
        ),
        (vec!["playbook", "decide", &id, "ticket", "take=0"], 2, "take=1"),
        (vec!["playbook", "decide", &id, "ticket", "happened"], 0, "is decided"),
        (vec!["playbook", "decide", &id, "ticket", "happened"], 1, "nothing is asked"),
        (
            vec!["playbook", "run", "isolate-hots", "--alert", "alr_x", "--yes"],
            2,
            "did you mean isolate-host?",
        ),
        (vec!["playbook", "run", "enrich", "--alert", "alr_x", "--yes"], 2, "not connected: okta"),
        (
            vec!["playbook", "run", "isolate-host", "--alert", "alr_x", "--yes"],
            1,
            "no alert has this id",
        ),
        (vec!["playbook", "runs", "--state", "gone"], 2, "one of planned"),
        (vec!["playbook", "approve", "run_x"], 1, "no run has this id"),
    ] {
        let (got, told, why) = shell.say(&args).await;
        assert!(got == Some(code) && (told + &why).contains(part), "{args:?}: {got:?} {why}");
    }

    shell.house.serve.signal("KILL");
    shell.house.serve.ends();
    let (code, _, why) = say(&shell, words("lift-containment", &["--yes"])).await;
    assert!(code == Some(2) && why.contains("wants a running bot"), "{code:?} {why}");
    let (code, listed, _) = shell.say(&["playbook", "runs", "--alert", &alert]).await;
    assert_eq!((code, listed.lines().count()), (Some(0), 3), "{listed}");
}

/// An approval from the shell is held by the deadline, and counts once.
#[test]
fn an_approval_from_the_shell_comes_in_time_and_once() {
    let us = format!("\"os:{}\"", control::account());
    let config =
        with_tools().replace("users: [lea@example.com", &format!("users: [lea@example.com, {us}"));
    World::run_with_tools(&config, async |w, tools| {
        let two = include_str!("../../playbooks/isolate-host.yaml")
            .replace("{by: lead, within: 15m}", "{by: lead, quorum: 2, within: 15m}");
        w.write_playbook("isolate-host", &two);
        w.read_again().await.expect("it is taken up");
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Isolate a host…").await;
        w.by("ana").submit(json!({"ask.host": HOST, "ask.reason": "It dumps credentials"})).await;
        w.by("ana").submit(json!({})).await;
        let shown = page.reply("Waits for 2 approvals").await;
        let run = RunId::from(w.ask("SELECT id FROM runs_v1").as_str());
        assert_eq!(code(ask(w, &of(&run, OfRun::Approve)).await), "done");
        assert_eq!(code(ask(w, &of(&run, OfRun::Approve)).await), "already_approved");
        w.sleep(16 * MIN).await;
        shown.expect("Nobody approved it in time").await;
        assert_ne!(code(ask(w, &of(&run, OfRun::Approve)).await), "done", "it is too late");
        assert!(tools.edr.effects().is_empty());
        w.sleep(MIN).await;
        w.read_all();
    });
}
