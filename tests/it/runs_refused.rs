//! What may not be is refused whichever way somebody tries it, in words that say what to do next; each try stands in the views,
//! and no tool hears of it.

use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;
use vigie::domain::event::Action;
use vigie::domain::ids::RunId;
use vigie::slack::action_id::{OfRun, Signer};
use vigie::standins::Standins;

const HOST: &str = "fin-laptop-12";
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

fn on_a_laptop() -> Value {
    json!({"id": "edr-1", "title": "Credential dump", "severity": "critical", "hosts": [HOST]})
}

/// A run that waits for an approval: the alert's message, and the run's.
async fn waiting<'w>(w: &'w World, who: &str) -> (Page<'w>, Page<'w>) {
    let page = w.message("#sec", "Credential dump").await;
    w.by(who).click(&page, "Isolate a host…").await;
    w.by(who).form().await;
    w.by(who).submit(json!({"ask.host": HOST, "ask.reason": "It dumps credentials"})).await;
    w.by(who).submit(json!({})).await;
    let run = page.reply("Waits for").await;
    (page, run)
}

/// The alert, acknowledged: what rings from then on is the run's.
async fn acknowledged(w: &World) {
    w.alert(on_a_laptop()).await;
    let page = w.message("#sec", "Credential dump").await;
    w.by("bea").click(&page, "Acknowledge").await;
}

/// Whatever was asked of the tools, but for what lets us in.
fn calls(tools: &Standins) -> Vec<String> {
    let all = tools.all().into_iter().flat_map(|(_, tool)| tool.calls());
    all.map(|call| call.line()).filter(|line| !line.contains("/oauth2/")).collect()
}

/// What would change something.
fn changes(tools: &Standins) -> Vec<String> {
    calls(tools).into_iter().filter(|line| !line.starts_with("GET ")).collect()
}

/// No tool was asked anything, nobody's word counts, and each try is evidence.
fn nothing_was_done(w: &World, tools: &Standins, tries: &[&str]) {
    assert_eq!(calls(tools), Vec::<String>::new());
    assert_eq!(w.ask("SELECT count(*) FROM approvals_v1 WHERE decision = 'approved'"), "0");
    assert_eq!(w.rows(TRIES), tries);
}

const TRIES: &str = "SELECT actor, surface, action, outcome, reason FROM interactions_v1
                     WHERE outcome NOT IN ('done', 'repeated') ORDER BY seq";

async fn quiet(w: &World) {
    w.sleep(MIN).await;
    w.read_all();
}

#[test]
fn nobody_approves_their_own_run_by_whichever_button() {
    let config = with_tools()
        .replace("users: [U0ANA]", "users: [U0ANA, U0LEA]")
        .replace("{after: 5m, dm: on_call}", "{after: 5m, dm: [on_call, lead]}");
    World::run_with_tools(&config, async |w, tools| {
        acknowledged(w).await;
        let (_, run) = waiting(w, "lea").await;
        w.sleep(6 * MIN).await;
        let direct = w.dm("lea", "Your approval is wanted").await;
        for button in [&run, &direct] {
            w.by("lea").click(button, "Approve").await;
            w.whisper("lea", "Who starts a run does not approve it").await;
        }
        let own = "U0LEA button approve denied own_run";
        nothing_was_done(w, tools, &[own, own]);
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "waiting");
        w.by("lea").click(&direct, "Withdraw").await;
        run.expect("Stopped by").await;
        quiet(w).await;
    });
}

#[test]
fn whoever_has_not_the_role_is_refused_by_whichever_button() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        acknowledged(w).await;
        let (_, run) = waiting(w, "ana").await;
        w.dm("lea", "Your approval is wanted").await;
        w.sleep(6 * MIN).await;
        // Who is on call hears of it, and may stop it, but the word is a lead's.
        let direct = w.dm("bea", "Your approval is wanted").await;
        for button in ["Approve", "Refuse"] {
            w.by("eve").click(&run, button).await;
            w.whisper("eve", "It takes the role lead").await;
            w.by("aud").click(&run, button).await;
            w.whisper("aud", "It takes the role lead").await;
            w.by("gus").click(&run, button).await;
            w.whisper("gus", "Your roles do not allow this").await;
            w.by("lea").of_team("T0OTHER").click(&run, button).await;
            w.whisper("lea", "You belong to another workspace").await;
            w.by("bea").click(&direct, button).await;
            w.whisper("bea", "Your roles do not allow this").await;
        }
        let tries: Vec<String> = ["approve", "decline"]
            .into_iter()
            .flat_map(|action| {
                [
                    format!("U0EVE button {action} denied not_allowed"),
                    format!("U0AUD button {action} denied not_allowed"),
                    format!("U0GST button {action} denied not_allowed"),
                    format!("U0LEA button {action} denied foreign_workspace"),
                    format!("U0BEA button {action} denied not_allowed"),
                ]
            })
            .collect();
        nothing_was_done(w, tools, &tries.iter().map(String::as_str).collect::<Vec<_>>());
        w.by("bea").click(&direct, "Withdraw").await;
        run.expect("Stopped by").await;
        quiet(w).await;
    });
}

#[test]
fn an_approval_that_comes_too_late_does_nothing_by_whichever_button() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        acknowledged(w).await;
        let (_, run) = waiting(w, "ana").await;
        let direct = w.dm("lea", "Your approval is wanted").await;
        let buttons = [(&run, run.button("Approve")), (&direct, direct.button("Approve"))];
        w.sleep(16 * MIN).await;
        run.expect("Nobody approved it in time").await;
        for (page, button) in &buttons {
            w.by("lea").click_old(page, button).await;
            w.whisper("lea", "The time for an approval is over").await;
        }
        let late = "U0LEA button approve stale too_late";
        nothing_was_done(w, tools, &[late, late]);
        assert_eq!(w.rows("SELECT person, decision FROM approvals_v1"), ["system lapsed"]);
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "refused");
        quiet(w).await;
    });
}

#[test]
fn one_person_counts_once_however_often_they_approve() {
    let config = with_tools().replace("[lea@example.com]", "[lea@example.com, U0BEA]");
    World::run_with_tools(&config, async |w, tools| {
        let shipped = include_str!("../../playbooks/isolate-host.yaml");
        let two = shipped.replace("{by: lead, within: 15m}", "{by: lead, quorum: 2, within: 15m}");
        w.write_playbook("isolate-host", &two);
        w.read_again().await.expect("it is taken up");
        acknowledged(w).await;
        let (_, run) = waiting(w, "ana").await;
        let direct = w.dm("lea", "Your approval is wanted").await;
        let buttons = [(&run, run.button("Approve")), (&direct, direct.button("Approve"))];
        w.by("lea").click(&direct, "Approve").await;
        run.expect("Approved by").await;
        for (page, button) in &buttons {
            w.by("lea").click_old(page, button).await;
            w.whisper("lea", "You have approved it already").await;
        }
        assert_eq!(calls(tools), Vec::<String>::new(), "one person is not two");
        w.by("bea").click(&run, "Approve").await;
        run.expect("Done.").await;
        for (page, button) in &buttons {
            w.by("lea").click_old(page, button).await;
            w.whisper("lea", "This run is over").await;
        }
        assert_eq!(tools.edr.effects(), [format!("contain {HOST}")]);
        let said = "SELECT person, decision FROM approvals_v1 ORDER BY seq";
        assert_eq!(w.rows(said), ["U0LEA approved", "U0BEA approved"]);
        let again = "SELECT outcome, reason FROM interactions_v1 WHERE actor = 'U0LEA' AND outcome <> 'done' ORDER BY seq";
        let (once, over) = ("repeated already_approved", "stale run_over");
        assert_eq!(w.rows(again), [once, once, over, over]);
        quiet(w).await;
    });
}

/// What a button of this run carries, signed with this key.
fn approve(signer: &Signer, run: &str, plan: &str) -> String {
    let run = RunId::new(run);
    signer.sign_run(&OfRun { act: Action::ApproveRun, run: &run, plan, call: None })
}

#[test]
fn a_button_that_was_made_elsewhere_or_for_something_else_approves_nothing() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        acknowledged(w).await;
        let (_, other) = waiting(w, "ana").await;
        let of_another_run = other.button("Approve").value.expect("it carries something");
        w.by("ana").click(&other, "Withdraw").await;
        other.expect("Stopped by").await;
        quiet(w).await;
        let (alert, run) = waiting(w, "ana").await;
        let direct = w.dm("lea", "Your approval is wanted").await;
        let value = |page: &Page<'_>, label| page.button(label).value.expect("it has one");
        let good = value(&run, "Approve");
        let waits = "FROM runs_v1 WHERE state = 'waiting'";
        let (id, plan) =
            (w.ask(&format!("SELECT id {waits}")), w.ask(&format!("SELECT plan_hash {waits}")));
        assert_eq!(approve(&w.signer(), &id, &plan), good, "the key of the story is the right one");

        const FORGED: (&str, &str) = ("This button is not one of mine", "denied forged");
        let cases = [
            ("another key", approve(&Signer::new(&[9; 32]), &id, &plan), FORGED),
            ("a letter more", format!("{good}A"), FORGED),
            ("another run in it", good.replace(&id, "run_01JDGQ5R6ZK3V8W9XACEGHJKMN"), FORGED),
            ("no value", String::new(), FORGED),
            ("of another act", value(&run, "Refuse"), FORGED),
            ("of the alert", value(&alert, "Isolate a host…"), FORGED),
            (
                "of another plan",
                approve(&w.signer(), &id, &plan.replace(|c: char| c.is_ascii_digit(), "0")),
                ("This button is of another plan", "denied plan_changed"),
            ),
            (
                "of a run that there is not",
                approve(&w.signer(), "run_01JDGQ5R6ZK3V8W9XACEGHJKMN", &plan),
                ("No run has this id", "failed no_such_run"),
            ),
            ("of another run", of_another_run, ("This run is over", "stale run_over")),
        ];
        let mut tries = Vec::new();
        for (what, value, (words, reason)) in &cases {
            for page in [&run, &direct] {
                w.by("lea").click_with_value(page, "Approve", value).await;
                w.whisper("lea", words).await;
                tries.push(format!("U0LEA button approve {reason}"));
                assert_eq!(w.ask(&format!("SELECT count(*) {waits}")), "1", "{what}");
            }
        }
        let another = approve(&Signer::new(&[9; 32]), &id, &plan);
        for (button, action) in
            [("Refuse", "decline"), ("Withdraw", "cancel_run"), ("Details…", "show_run")]
        {
            w.by("lea").click_with_value(&run, button, &another).await;
            w.whisper("lea", FORGED.0).await;
            tries.push(format!("U0LEA button {action} {}", FORGED.1));
        }
        nothing_was_done(w, tools, &tries.iter().map(String::as_str).collect::<Vec<_>>());
        w.by("lea").click(&run, "Refuse").await;
        run.expect("Refused by").await;
        quiet(w).await;
    });
}

/// The forms are ways in too: who lost the role, or has nothing to do with it, starts nothing by one that is still open.
#[test]
fn a_form_that_was_open_before_the_role_was_lost_starts_nothing() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        acknowledged(w).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("eve").click(&page, "Isolate a host…").await;
        w.whisper("eve", "Your roles do not allow this").await;
        let answers = json!({"ask.host": HOST, "ask.reason": "It dumps credentials"});
        for who in ["ana", "bea"] {
            w.by(who).click(&page, "Isolate a host…").await;
            w.by(who).form().await;
        }
        w.by("ana").submit(answers.clone()).await;
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "planned");
        let nobody = with_tools()
            .replace("{users: [U0ANA], usergroups: [\"@blue-team\"]}", "{users: [U0AUD]}");
        w.reload_with_tools(&nobody).await;
        w.by("bea").submit(answers).await;
        let errors = Value::Object(w.by("bea").form().await.errors).to_string();
        assert!(errors.contains("It takes the role"), "{errors}");
        w.by("ana").submit(json!({})).await;
        w.dm("ana", "Your roles do not allow this").await;
        nothing_was_done(
            w,
            tools,
            &[
                "U0EVE button run_form denied not_allowed",
                "U0BEA modal plan_run denied not_allowed",
                "U0ANA modal run denied not_allowed",
            ],
        );
        assert_eq!(w.rows("SELECT started_by, state FROM runs_v1"), ["U0ANA planned"]);
        w.sleep(2 * HOUR).await;
        w.read_all();
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "cancelled", "what nobody starts is let go");
    });
}

/// What was rolled back is not started: neither a file that is another by then, nor one that is gone.
#[test]
fn a_plan_of_a_playbook_that_was_changed_or_withdrawn_is_not_started() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let look = "
title: Look it up
on: button
steps:
  - {id: it, uses: crowdstrike.find_host, with: {hostname: fin-laptop-12}, expect: any}
";
        w.write_playbook("a-look", look);
        w.read_again().await.expect("it is taken up");
        acknowledged(w).await;
        let page = w.message("#sec", "Credential dump").await;
        for who in ["ana", "bea"] {
            w.by(who).click(&page, "Look it up…").await;
            w.by(who).form().await;
        }
        w.write_playbook("a-look", &look.replace("fin-laptop-12", "fin-laptop-13"));
        w.read_again().await.expect("it is taken up");
        w.by("ana").submit(json!({})).await;
        w.dm("ana", "This playbook has changed since it was planned").await;
        w.remove_playbook("a-look");
        w.read_again().await.expect("it is taken up");
        w.by("bea").submit(json!({})).await;
        w.dm("bea", "This playbook is not in force any more").await;
        nothing_was_done(
            w,
            tools,
            &["U0ANA modal run stale playbook_changed", "U0BEA modal run failed no_such_playbook"],
        );
        assert_eq!(w.rows("SELECT state FROM runs_v1"), ["planned", "planned"]);
        quiet(w).await;
    });
}

/// A plan with an approval behind it is worth nothing for another tool of the same name.
#[test]
fn a_tool_that_is_elsewhere_by_then_is_not_called() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        acknowledged(w).await;
        let (_, run) = waiting(w, "ana").await;
        let direct = w.dm("lea", "Your approval is wanted").await;
        w.reload_with_tools(&with_tools().replace("base_url: \"EDR\"", "base_url: \"IAM\"")).await;
        w.by("lea").click(&direct, "Approve").await;
        run.expect("refused, it is not what was planned").await;
        assert_eq!(calls(tools), Vec::<String>::new());
        assert_eq!(w.ask("SELECT state FROM runs_v1"), "refused");
        quiet(w).await;
    });
}

const PROD_DB: &str = "3b1c5e709d4f6182a3c5e7092b4d6f81";

fn contain(device: &str) -> String {
    format!("uses: crowdstrike.contain, with: {{device_id: \"{device}\"}}")
}

fn suspend(user: &str) -> String {
    format!("uses: okta.suspend_user, with: {{user_id: \"{user}\"}}")
}

fn request(rest: &str) -> String {
    format!("uses: box.request, with: {{method: POST, {rest}}}")
}

/// The story's config with any HTTP API beside the others, and with this protected.
fn protecting(what: &str) -> String {
    let api = "\n  box: {type: http, base_url: \"EDR\", internal: [127.0.0.1]}\n";
    format!("{}{api}protected: {{{what}}}\n", with_tools().trim_end())
}

/// One step, on an alert of its own, as an analyst starts it; the run's message.
async fn one_step<'w>(w: &'w World, number: usize, step: &str) -> Page<'w> {
    let title = format!("Case {number}");
    w.write_playbook(
        "case",
        &format!("title: Do it\nwho: analyst\nsteps:\n  - {{id: it, {step}}}\n"),
    );
    w.read_again().await.expect("it is taken up");
    let hosts = json!(["1f9a3c5e7b2d4f6081a3c5e7092b4d6f"]);
    w.alert(json!({"id": title, "title": title, "severity": "low", "hosts": hosts})).await;
    let page = w.message("#soc-alerts", &title).await;
    w.by("ana").click(&page, "Do it…").await;
    w.by("ana").submit(json!({})).await;
    page.reply("Do it").await
}

#[test]
fn what_is_protected_is_held_however_it_is_named() {
    let cases = [
        ("hosts: [\"prod-db-*\"]", contain(PROD_DB)),
        ("hosts: [\"PROD-DB-1.corp.example\"]", contain(PROD_DB)),
        ("hosts: [\"10.20.0.*\"]", contain(PROD_DB)),
        ("ips: [\"10.20.0.*\"]", contain(PROD_DB)),
        ("users: [\"breakglass@*\"]", suspend("00u9breakglass0000000")),
        ("users: [\"breakglass@*\"]", suspend("breakglass@example.com")),
        ("users: [breakglass]", suspend("BreakGlass@Example.com")),
        ("emails: [\"breakglass@example.com\"]", suspend("00u9breakglass0000000")),
        ("hosts: [\"dc-*\"]", request("path: /v1/isolate, body: {host: DC-1}")),
        (
            "hosts: [\"dc-*\"]",
            request("path: /v1/isolate, body: {hosts: [{name: dc-1.corp.example}]}"),
        ),
        ("hosts: [\"dc-*\"]", request("path: /v1/isolate, body: {dc-1: true}")),
        ("hosts: [\"dc-*\"]", request("path: /v1/hosts/dc-1/isolate")),
        ("hosts: [\"dc-*\"]", request("path: /v1/hosts/DC-1.corp.example/isolate")),
        ("hosts: [\"dc-*\"]", request("path: \"/v1/hosts/dc%2D1/isolate\"")),
        ("hosts: [\"dc-*\"]", request("path: /v1/isolate, query: {filter: \"name:'dc-1'\"}")),
        ("hosts: [\"dc-*\"]", request("path: /v1/isolate, body: \"CORP\\\\dc-1\"")),
        ("ips: [10.20.0.8]", request("path: /v1/isolate, body: {at: \"https://10.20.0.8:443/\"}")),
        ("users: [\"breakglass@*\"]", request("path: /v1/lock/breakglass@example.com")),
        ("repositories: [acme/infra]", request("path: /repos/acme/infra/lock")),
        ("repositories: [acme/infra]", request("path: \"/repos/acme%2Finfra\"")),
        (
            "resources: [\"arn:aws:iam::1234:role/admin\"]",
            request("path: /v1/drop, body: {all: \"x, arn:aws:iam::1234:role/admin\"}"),
        ),
        ("ips: [\"fd00::8\"]", request("path: \"/v1/block/fd00::8\"")),
        ("users: [\"4711\"]", request("path: /v1/lock, body: {uid: 4711}")),
    ];
    World::run_with_tools(&protecting(""), async |w, tools| {
        for (number, (protected, step)) in cases.iter().enumerate() {
            w.reload_with_tools(&protecting(protected)).await;
            let run = one_step(w, number, step).await;
            let what = format!("protected: {{{protected}}} {step}");
            run.expect("refused, it is protected").await;
            assert_eq!(changes(tools), Vec::<String>::new(), "{what}");
            assert_eq!(w.rows(ENDED), [format!("refused {}", number + 1)], "{what}");
            quiet(w).await;
        }
    });
}

/// How the runs have ended, and how many each way.
const ENDED: &str = "SELECT state, count(*) FROM runs_v1 GROUP BY state";

/// The same calls pass where something else is protected: what refuses them is the name, and not that anything is protected.
#[test]
fn what_is_not_protected_is_done() {
    let protected =
        "hosts: [\"dc-*\"], ips: [10.99.0.1], users: [\"breakglass@*\"], emails: [ceo@example.com]";
    World::run_with_tools(&protecting(protected), async |w, tools| {
        for (number, step) in [
            contain(PROD_DB),
            suspend("00u3alice000000000000"),
            request("path: /v1/hosts/abcdc-1/isolate, body: {note: \"not the dc\"}"),
        ]
        .iter()
        .enumerate()
        {
            let run = one_step(w, number, step).await;
            if number < 2 {
                run.expect("Done.").await;
            } else {
                run.expect("the tool refused the credentials").await;
            }
            quiet(w).await;
        }
        assert_eq!(tools.edr.effects(), ["contain prod-db-1"]);
        assert_eq!(tools.edr.calls_of("POST /v1/hosts/abcdc-1/isolate").len(), 1, "it was asked");
        assert_eq!(tools.iam.calls_of("POST /api/v1/users/00u3alice").len(), 1);
    });
}

/// Where the tool does not say who it would be done to, nobody guesses.
#[test]
fn what_cannot_be_named_is_refused_where_something_is_protected() {
    let config = protecting("hosts: [\"dc-*\"], users: [\"breakglass@*\"]");
    World::run_with_tools(&config, async |w, tools| {
        const SOMEBODY: &str = "refused, nobody says what it would touch";
        use vigie::standins::Fault;
        for (number, status) in [500, 403, 404].into_iter().enumerate() {
            tools.edr.fail_always("GET /devices", Fault::Status(status));
            let run = one_step(w, number, &contain(PROD_DB)).await;
            run.expect(SOMEBODY).await;
            quiet(w).await;
            tools.edr.heal();
        }
        let nobody = one_step(w, 3, &contain("ffffffffffffffffffffffffffffffff")).await;
        nobody.expect(SOMEBODY).await;
        tools.iam.fail_always("GET /api/v1/users", Fault::Drop);
        one_step(w, 4, &suspend("00u3alice000000000000")).await.expect(SOMEBODY).await;
        // A tool that knows hosts by ids takes no request that somebody words: nobody can say what the ids in it are.
        let by_id = format!(
            "uses: crowdstrike.request, with: {{method: POST, path: /devices/entities/devices-actions/v2, \
             query: {{action_name: contain}}, body: {{ids: [{PROD_DB}]}}}}"
        );
        one_step(w, 5, &by_id).await.expect(SOMEBODY).await;
        assert_eq!(changes(tools), Vec::<String>::new());
        assert_eq!(w.rows(ENDED), ["refused 6"]);
        // Where only what it does not know by ids is protected, its request is made.
        w.reload_with_tools(&protecting("repositories: [\"prod-*\"]")).await;
        one_step(w, 6, &by_id).await.expect("Done.").await;
        assert_eq!(tools.edr.effects(), ["contain prod-db-1"]);
        quiet(w).await;
    });
}

#[test]
fn the_fourth_destructive_step_of_an_hour_is_refused_over_alerts_and_restarts() {
    let config = protecting("") + "limits: {destructive: 3/h}\n";
    World::run_with_tools(&config, async |w, tools| {
        let devices = [
            "1f9a3c5e7b2d4f6081a3c5e7092b4d6f",
            "2a0b4d6f8c3e507192b4d6f81a3c5e70",
            PROD_DB,
            "4c2d6f81ae507293b4d6f81a3c5e7092",
        ];
        for (number, device) in devices.iter().take(3).enumerate() {
            one_step(w, number, &contain(device)).await.expect("Done.").await;
            quiet(w).await;
        }
        w.crash().await;
        one_step(w, 3, &contain(devices[3])).await.expect("refused, the limit is reached").await;
        quiet(w).await;
        assert_eq!(tools.edr.effects().len(), 3);
        w.sleep(HOUR).await;
        one_step(w, 4, &contain(devices[3])).await.expect("Done.").await;
        assert_eq!(tools.edr.effects().last().map(String::as_str), Some("contain node-3"));
        assert_eq!(w.rows(ENDED), ["done 4", "refused 1"]);
        quiet(w).await;
    });
}

/// What is gone by the time of its step is not left out of the call: a lost filter would contain the first host of all.
#[test]
fn a_call_whose_value_is_lost_is_not_made_without_it() {
    World::run_with_tools(&protecting(""), async |w, tools| {
        let text = "
title: Do it
who: analyst
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: no-such-host}, expect: any}
  - {id: it, uses: crowdstrike.contain, with: {device_id: '{{ steps.find.id }}'}}
";
        w.write_playbook("a-lost", text);
        w.read_again().await.expect("it is taken up");
        w.alert(on_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Do it…").await;
        w.by("ana").submit(json!({})).await;
        page.reply("Do it").await.expect("refused, a value is missing").await;
        assert_eq!(changes(tools), Vec::<String>::new());
        assert_eq!(w.rows(ENDED), ["refused 1"]);
        quiet(w).await;
    });
}

/// Nobody clicked, and the same rules hold.
#[test]
fn what_starts_by_itself_is_held_by_the_same_rules() {
    let config = protecting("hosts: [\"dc-*\"]") + "limits: {destructive: 1/h}\n";
    World::run_with_tools(&config, async |w, tools| {
        let text = "
title: Cut it off
on: alert
when: alert.hosts
approve: {by: lead, within: 10m}
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: '{{ alert.hosts[0] }}'}, expect: one}
  - {id: it, uses: crowdstrike.contain, with: {device_id: '{{ steps.find.id }}'}}
";
        w.write_playbook("cut", text);
        w.read_again().await.expect("it is taken up");
        for (host, says) in [
            ("dc-1", "refused, it is protected"),
            ("no-such-host", "found nothing"),
            ("kiosk-2", "found 2, and one is expected"),
            ("laptop-7", "Done."),
            ("node-3", "refused, the limit is reached"),
        ] {
            let title = format!("Beacon on {host}");
            w.alert(json!({"id": host, "title": title, "severity": "low", "hosts": [host]})).await;
            let page = w.message("#soc-alerts", &title).await;
            let run = page.reply("started by itself").await;
            let before = changes(tools);
            w.by("ana").click(&run, "Approve").await;
            w.whisper("ana", "Your roles do not allow this").await;
            assert_eq!(changes(tools), before, "nobody has approved it");
            w.by("lea").click(&run, "Approve").await;
            run.expect(says).await;
            quiet(w).await;
        }
        assert_eq!(tools.edr.effects(), ["contain laptop-7"]);
        let by = "SELECT started_by, approved_by, state, count(*) FROM runs_v1 GROUP BY 1, 2, 3 ORDER BY 3";
        assert_eq!(
            w.rows(by),
            ["system U0LEA done 1", "system U0LEA in_doubt 2", "system U0LEA refused 2"]
        );
        // What nobody approves is not done either.
        w.alert(
            json!({"id": "last", "title": "Beacon again", "severity": "low", "hosts": ["nas-2"]}),
        )
        .await;
        let page = w.message("#soc-alerts", "Beacon again").await;
        let run = page.reply("started by itself").await;
        w.sleep(11 * MIN).await;
        run.expect("Nobody approved it in time").await;
        assert_eq!(tools.edr.effects(), ["contain laptop-7"]);
        w.read_all();
        quiet(w).await;
    });
}
