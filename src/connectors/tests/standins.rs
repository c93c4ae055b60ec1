//! Each action of the shipped connectors, called on a stand-in that speaks the vendor's wire: what is asked is taken, what is
//! answered is read.

use crate::clock::Clock;
use crate::connectors::wire::{HostPattern, Outside, Redactor, Transport};
use crate::connectors::{Client, Given, Library, Lines, connect};
use crate::domain::tool::call::{Answered, Called, Failed, Unsure, Why};
use crate::domain::tool::call_tests::permit;
use crate::domain::tool::{Tool, Values};
use crate::standins::{Edr, Fault, GitHub, Iam, Jira, Options, Standin, Standins};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LAPTOP: &str = "1f9a3c5e7b2d4f6081a3c5e7092b4d6f";

/// The four tools, connected to their stand-ins.
struct Desk {
    standins: Standins,
    client: Client,
    tools: BTreeMap<&'static str, Arc<Tool>>,
    called: Mutex<BTreeSet<String>>,
}

impl Desk {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let standins = Standins::start(Options::default()).await.expect("free ports");
        let (mut tools, mut lines) = (BTreeMap::new(), Lines::new());
        for (name, standin, plain, secret) in connections(&standins) {
            let spec = Library::shipped().get(name).expect("shipped").clone();
            let mut given = Given {
                plain: [("base_url".to_owned(), standin.url().into())].into(),
                internal: vec![HostPattern::exact("127.0.0.1").expect("a host")],
                ..Given::default()
            };
            given.plain.extend(plain);
            given.secrets.insert(secret.0.to_owned(), secret.1.into());
            let (tool, line) = connect(&spec, &name.into(), given).expect("connected");
            tools.insert(name, Arc::new(tool));
            lines.insert(name.into(), line);
        }
        let clock = Clock::real();
        let outside = Outside::of_this_machine(clock.clone()).expect("authorities");
        let transport = Arc::new(Transport::new(outside, Redactor::default()));
        let client = Client::new(transport, Arc::new(lines), clock);
        Self { standins, client, tools, called: Mutex::default() }
    }

    async fn call(&self, uses: &str, with: Json) -> Called {
        let (name, action) = uses.split_once('.').expect("tool.action");
        let tool = self.tools[name].clone();
        let action = tool.actions.get(&action.into()).expect("it has that").clone();
        let Json::Object(with) = with else { panic!("inputs are a map") };
        let with: Values = with.into_iter().collect();
        let permit = permit((tool, action), with, ("", Duration::from_secs(30)));
        self.called.lock().expect("sound").insert(uses.to_owned());
        self.client.call(&permit).await
    }

    /// What it answered; anything else is told.
    async fn done(&self, uses: &str, with: Json) -> Answered {
        match self.call(uses, with).await {
            Called::Answered(answered) => answered,
            other => panic!("{uses}: {other:?}"),
        }
    }

    async fn not_done(&self, uses: &str, with: Json) -> Failed {
        match self.call(uses, with).await {
            Called::Failed(failed) => failed,
            other => panic!("{uses}: {other:?}"),
        }
    }

    /// Nothing that the connector has was left out.
    fn all_were_called(&self, tool: &str) {
        let called = self.called.lock().expect("sound");
        let actions = self.tools[tool].actions.names().map(|action| format!("{tool}.{action}"));
        let left: Vec<String> = actions.filter(|uses| !called.contains(uses)).collect();
        assert!(left.is_empty(), "no story calls {left:?}");
    }
}

type Connected<'s> = (&'static str, &'s Standin, Vec<(String, Json)>, (&'static str, String));

fn connections(standins: &Standins) -> [Connected<'_>; 4] {
    let (edr, jira) = (Edr::example_corp(), Jira::example_corp());
    let plain = |name: &str, value: String| vec![(name.to_owned(), Json::from(value))];
    [
        (
            "crowdstrike",
            &standins.edr,
            plain("client_id", edr.client_id),
            ("client_secret", edr.client_secret),
        ),
        ("okta", &standins.iam, Vec::new(), ("token", Iam::example_corp().token)),
        ("jira", &standins.jira, plain("email", jira.email), ("token", jira.token)),
        ("github", &standins.github, Vec::new(), ("token", GitHub::example_corp().token)),
    ]
}

fn count(answered: &Answered) -> u64 {
    answered.found.as_ref().expect("it finds").count
}

#[tokio::test(start_paused = true)]
async fn a_host_by_each_action_of_falcon() {
    let desk = Desk::new().await;
    found_contained_and_let_go(&desk).await;
    alerts_and_indicators(&desk).await;
    files_and_sessions(&desk).await;
    desk.all_were_called("crowdstrike");
}

async fn found_contained_and_let_go(desk: &Desk) {
    let found = desk.done("crowdstrike.find_host", json!({"hostname": "fin-laptop-12"})).await;
    assert_eq!((count(&found), &found.out["id"]), (1, &json!(LAPTOP)));
    let two = desk.done("crowdstrike.find_host", json!({"hostname": "kiosk-2"})).await;
    let none = desk.done("crowdstrike.find_host", json!({"hostname": "nobody"})).await;
    assert_eq!((count(&two), count(&none)), (2, 0));
    let all =
        desk.not_done("crowdstrike.find_host", json!({"hostname": "x',status:'normal"})).await;
    assert_eq!(all.why, Why::Refused, "a name is no filter");

    let device = json!({"device_id": LAPTOP});
    desk.done("crowdstrike.contain", device.clone()).await;
    let host = desk.done("crowdstrike.get_host", device.clone()).await;
    assert_eq!(host.out["status"], "containment_pending");
    let again = desk.not_done("crowdstrike.contain", device.clone()).await;
    assert_eq!(again.why, Why::Refused);
    assert!(again.message.contains("already"), "{}", again.message);
    desk.done("crowdstrike.lift_containment", device).await;
    assert_eq!(
        desk.standins.edr.effects(),
        ["contain fin-laptop-12", "lift containment of fin-laptop-12"]
    );
}

async fn alerts_and_indicators(desk: &Desk) {
    assert_eq!(count(&desk.done("crowdstrike.list_hosts", json!({})).await), 8);
    let alerts = json!({"filter": "device.hostname:'fin-laptop-12'", "q": "leroy"});
    let alert = desk.done("crowdstrike.list_alerts", alerts).await.out["id"].clone();
    let change = json!({"ids": [alert], "status": "closed", "comment": "isolated", "tag": "vigie"});
    desk.done("crowdstrike.update_alert", change).await;
    let read = desk.done("crowdstrike.get_alerts", json!({"ids": [alert]})).await;
    assert_eq!(
        (&read.out["status"], &read.out["hostname"]),
        (&json!("closed"), &json!("fin-laptop-12"))
    );

    let domain =
        json!({"domain": "evil.example", "comment": "seen twice", "until": "2026-12-31T00:00:00Z"});
    let made = desk.done("crowdstrike.add_ioc", domain).await;
    let known = desk.done("crowdstrike.find_ioc", json!({"value": "evil.example"})).await;
    assert_eq!((count(&known), &known.out["id"]), (1, &made.out["id"]));
    desk.done("crowdstrike.delete_ioc", json!({"id": made.out["id"]})).await;
    let gone = desk.done("crowdstrike.delete_ioc", json!({"id": made.out["id"]})).await;
    assert!(gone.already, "it was gone before");
}

async fn files_and_sessions(desk: &Desk) {
    let file = desk.standins.edr.state()["files"][0]["id"].clone();
    desk.done("crowdstrike.release_file", json!({"id": file})).await;
    let session = desk.done("crowdstrike.rtr_session", json!({"device_id": LAPTOP})).await;
    let command = json!({"session_id": session.out["session_id"], "command": "ps", "line": "ps"});
    let said = desk.done("crowdstrike.rtr_command", command).await;
    assert!(said.out["stdout"].as_str().is_some_and(|text| text.contains("falcon-sensor")));
    let any = json!({"method": "GET", "path": "/devices/queries/devices/v1"});
    desk.done("crowdstrike.request", any).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_lost_leaves_a_doubt_that_the_look_resolves() {
    let desk = Desk::new().await;
    desk.standins.edr.fail_next("changes", Fault::LoseAnswer);
    let device = json!({"device_id": LAPTOP});
    let lost = desk.call("crowdstrike.contain", device.clone()).await;
    assert!(matches!(lost, Called::Unsure { why: Unsure::Broken, .. }), "{lost:?}");
    let look = desk.done("crowdstrike.get_host", device).await;
    assert_eq!(look.out["status"], "containment_pending");
    let calls = desk.standins.edr.calls_of("POST /devices/entities/devices-actions");
    assert_eq!(calls.len(), 1, "nobody has tried again");
}

#[tokio::test(start_paused = true)]
async fn what_the_tool_refuses_or_puts_off_has_not_happened() {
    let desk = Desk::new().await;
    let user = json!({"user_id": "j.durand@example.com"});
    desk.standins.iam.fail_next("changes", Fault::Limited(Duration::from_secs(7)));
    let limited = desk.not_done("okta.suspend_user", user.clone()).await;
    assert_eq!((limited.why, limited.retry_after_ms), (Why::Limited, Some(7000)));
    desk.standins.iam.fail_next("*", Fault::Status(401));
    let refused = desk.not_done("okta.suspend_user", user.clone()).await;
    assert_eq!(refused.why, Why::Unauthorised);
    desk.standins.iam.fail_next("*", Fault::Status(500));
    let broken = desk.call("okta.suspend_user", user).await;
    assert!(matches!(broken, Called::Unsure { why: Unsure::ServerError, .. }), "{broken:?}");
    assert_eq!(desk.standins.iam.effects(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn somebodys_account_by_each_action_of_okta() {
    let desk = Desk::new().await;
    let user = |who: &str| json!({"user_id": format!("{who}@example.com")});
    assert_eq!(desk.done("okta.whoami", json!({})).await.out["login"], "vigie@example.com");
    let found = desk.done("okta.search_users", json!({"q": "alice"})).await;
    assert_eq!((count(&found), &found.out["login"]), (1, &json!("alice@example.com")));
    desk.done("okta.suspend_user", user("j.durand")).await;
    assert_eq!(desk.done("okta.get_user", user("j.durand")).await.out["status"], "SUSPENDED");
    desk.done("okta.unsuspend_user", user("j.durand")).await;
    for action in
        ["revoke_sessions", "reset_factors", "expire_password", "reset_password", "deactivate_user"]
    {
        desk.done(&format!("okta.{action}"), user("j.durand")).await;
    }
    let member = json!({"group_id": "00g4quarantine0000000", "user_id": "00u2mleroy00000000000"});
    desk.done("okta.add_to_group", member.clone()).await;
    assert_eq!(count(&desk.done("okta.list_user_groups", user("m.leroy")).await), 3);
    desk.done("okta.remove_from_group", member).await;
    let log = json!({"since": "2026-01-01T00:00:00Z", "filter": "eventType eq \"user.lifecycle.suspend\""});
    let log = desk.done("okta.list_log_events", log).await;
    assert_eq!((count(&log), &log.out["actor"]), (1, &json!("vigie@example.com")));
    desk.done("okta.request", json!({"method": "GET", "path": "/api/v1/groups"})).await;
    assert_eq!(desk.standins.iam.effects().len(), 9);
    desk.all_were_called("okta");
}

#[tokio::test(start_paused = true)]
async fn a_ticket_by_each_action_of_jira() {
    let desk = Desk::new().await;
    assert_eq!(desk.done("jira.whoami", json!({})).await.out["name"], "Vigie Service");
    let carla =
        desk.done("jira.find_user", json!({"query": "carla"})).await.out["account_id"].clone();
    let issue = json!({
        "project": "SEC", "summary": "Isolate\nfin-laptop-12", "description": "First.\n\nSecond.", "labels": ["vigie"],
        "priority": "High", "assignee": carla,
    });
    let made = desk.done("jira.create_issue", issue).await;
    assert_eq!(made.out["key"], "SEC-1");
    desk.done("jira.create_issue", json!({"project": "SEC", "summary": "The next"})).await;
    let of = |more: Json| {
        let mut with = json!({"issue": "SEC-1"});
        with.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        with
    };
    desk.done("jira.add_comment", of(json!({"text": "contained"}))).await;
    assert_eq!(count(&desk.done("jira.get_transitions", of(json!({}))).await), 3);
    desk.done("jira.transition", of(json!({"to": "Done"}))).await;
    let nowhere = desk.not_done("jira.transition", of(json!({"to": "Gone"}))).await;
    assert!(nowhere.message.contains("cannot go to Gone"), "{}", nowhere.message);
    desk.done("jira.assign_issue", of(json!({"account_id": carla}))).await;
    desk.done("jira.add_label", of(json!({"label": "contained"}))).await;
    for _ in 0..2 {
        let link = of(json!({"url": "https://vigie.example/alr_1", "title": "The alert"}));
        desk.done("jira.add_link", link).await;
    }
    desk.done("jira.link_issues", of(json!({"other": "SEC-2"}))).await;
    let found =
        desk.done("jira.search", json!({"jql": "project = SEC AND labels = contained"})).await;
    assert_eq!((count(&found), &found.out["status"]), (1, &json!("Done")));
    let read = desk.done("jira.get_issue", of(json!({}))).await;
    assert_eq!(read.out["summary"], "Isolate fin-laptop-12");
    desk.done("jira.request", json!({"method": "GET", "path": "/rest/api/3/field"})).await;
    let ticket = &desk.standins.jira.state()["tickets"][0];
    assert_eq!(
        (&ticket["comments"], &ticket["links"], &ticket["assignee"]),
        (&json!(1), &json!(1), &json!("Carla Rossi"))
    );
    desk.all_were_called("jira");
}

#[tokio::test(start_paused = true)]
async fn a_leak_and_those_who_leave_by_each_action_of_github() {
    let desk = Desk::new().await;
    let of = |more: Json| {
        let mut with = json!({"owner": "example", "repo": "payments"});
        with.as_object_mut().expect("a map").extend(more.as_object().expect("a map").clone());
        with
    };
    let who = |who: &str| json!({"org": "example", "username": who});
    assert_eq!(desk.done("github.whoami", json!({})).await.out["login"], "vigie-bot");
    desk.done("github.revoke_credentials", of(json!({"alert": 7}))).await;
    let alert = desk.done("github.get_secret_alert", of(json!({"alert": 7}))).await;
    assert_eq!(alert.out["validity"], "inactive");
    let closed = of(json!({"alert": 7, "state": "resolved", "resolution": "revoked"}));
    assert_eq!(desk.done("github.update_secret_alert", closed).await.out["state"], "resolved");
    let dismissed = of(json!({"alert": 3, "state": "dismissed", "reason": "not_used"}));
    desk.done("github.update_dependabot_alert", dismissed).await;
    let issue = desk
        .done("github.create_issue", of(json!({"title": "Rotate", "labels": ["security"]})))
        .await;
    let number = issue.out["number"].clone();
    desk.done("github.add_comment", of(json!({"issue": number, "text": "rotated"}))).await;
    desk.done("github.close_issue", of(json!({"issue": number}))).await;
    assert_eq!(
        desk.done("github.get_issue", of(json!({"issue": number}))).await.out["state"],
        "closed"
    );
    desk.done("github.remove_collaborator", of(json!({"username": "contractor-9"}))).await;
    desk.done("github.remove_member", who("jdurand")).await;
    let membership = desk.done("github.get_membership", who("jdurand")).await;
    assert_eq!(membership.out["state"], "none");
    desk.done("github.block_user", who("contractor-9")).await;
    desk.done("github.unblock_user", who("contractor-9")).await;
    desk.done("github.request", json!({"method": "GET", "path": "/user"})).await;
    desk.all_were_called("github");
}
