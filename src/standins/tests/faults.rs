//! What goes wrong on purpose, and what has become of the call then.

use super::edr::signed_in;
use super::{Client, Got, shown, start};
use crate::standins::{Fault, Standin};
use serde_json::{Value, json};
use std::time::Duration;

const OKTA: &str = "Authorization: SSWS standin-okta-token\r\n";
const SUSPEND: &str = "/api/v1/users/j.durand/lifecycle/suspend";

fn okta(iam: &Standin) -> Client<'_> {
    Client { standin: iam, headers: OKTA.into() }
}

async fn suspend(iam: &Standin) -> Option<Got> {
    okta(iam).send("POST", SUSPEND, "").await
}

fn status(iam: &Standin) -> Value {
    shown(iam, "users", ("login", "j.durand@example.com"))["status"].clone()
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_lost_and_what_was_asked_is_done() {
    let iam = start().await.iam;
    iam.fail_next("changes", Fault::LoseAnswer);
    assert_eq!(okta(&iam).get("/api/v1/users/j.durand").await.status, 200, "a look is not meant");
    assert!(suspend(&iam).await.is_none());
    assert_eq!(status(&iam), "SUSPENDED");
    let call = iam.calls_of("POST").pop().expect("it was read");
    assert_eq!((call.status, call.fault), (None, Some("lose_answer")));
    assert_eq!(
        suspend(&iam).await.expect("an answer").status,
        400,
        "the second time it is refused"
    );
    assert_eq!(iam.effects(), ["suspend j.durand@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_none() {
    let iam = start().await.iam;
    iam.fail_next("POST /api/v1/users", Fault::HalfAnswer);
    assert!(suspend(&iam).await.is_none());
    assert_eq!(status(&iam), "SUSPENDED");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_read_is_not_done() {
    let iam = start().await.iam;
    for target in ["*", "POST"] {
        iam.fail_next(target, Fault::Drop);
        assert!(suspend(&iam).await.is_none());
        assert_eq!((status(&iam), iam.calls().len()), (json!("ACTIVE"), 0), "{target}");
    }
    assert_eq!(suspend(&iam).await.expect("an answer").status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_status_is_told_in_the_vendors_words_and_nothing_is_done() {
    let standins = start().await;
    let iam = &standins.iam;
    iam.fail_next("*", Fault::Status(500));
    let got = suspend(iam).await.expect("an answer");
    assert_eq!((got.status, &got.body["errorCode"]), (500, &json!("E0000009")));
    iam.fail_next("*", Fault::Limited(Duration::from_millis(1500)));
    let got = suspend(iam).await.expect("an answer");
    assert_eq!((got.status, got.headers["retry-after"].as_str()), (429, "2"));
    assert_eq!((status(iam), iam.effects().len()), (json!("ACTIVE"), 0));

    let client = signed_in(&standins.edr).await;
    standins.edr.fail_next("GET /devices", Fault::Status(503));
    let got = client.get("/devices/queries/devices/v1").await;
    assert_eq!((got.status, &got.body["errors"][0]["code"]), (503, &json!(503)));
}

#[tokio::test(start_paused = true)]
async fn a_slow_one_has_done_it_before_it_answers_and_a_late_one_does_it_though_nobody_waits() {
    let iam = start().await.iam;
    iam.fail_always("changes", Fault::Slow(Duration::from_secs(20)));
    let impatient = tokio::time::timeout(Duration::from_secs(10), suspend(&iam)).await;
    assert!(impatient.is_err());
    assert_eq!(status(&iam), "SUSPENDED");

    iam.heal();
    iam.fail_next("*", Fault::Late(Duration::from_secs(20)));
    let unsuspend = okta(&iam);
    let unsuspend = unsuspend.send("POST", "/api/v1/users/j.durand/lifecycle/unsuspend", "");
    assert!(tokio::time::timeout(Duration::from_secs(10), unsuspend).await.is_err());
    assert_eq!(status(&iam), "SUSPENDED");
    tokio::time::sleep(Duration::from_secs(11)).await;
    assert_eq!(status(&iam), "ACTIVE");
}

#[tokio::test(start_paused = true)]
async fn the_same_key_is_one_effect_where_keys_are_honoured_and_two_where_they_are_not() {
    let jira = start().await.jira;
    let headers = format!("{}Idempotency-Key: run-1-ticket\r\n", super::jira::BASIC);
    let client = Client { standin: &jira, headers };
    let create = async || {
        client.does("POST", "/rest/api/3/issue", super::jira::issue("Twice?")).await.body["key"]
            .clone()
    };
    assert_eq!((create().await, create().await), (json!("SEC-1"), json!("SEC-2")));
    jira.honour_keys();
    assert_eq!((create().await, create().await), (json!("SEC-3"), json!("SEC-3")));
    assert_eq!(jira.effects(), ["create SEC-1", "create SEC-2", "create SEC-3"]);
    assert_eq!(jira.calls().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_dies_in_the_middle_of_a_request_has_asked_for_nothing() {
    use tokio::io::AsyncWriteExt as _;
    let iam = start().await.iam;
    let address = iam.url().trim_start_matches("http://").to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("connects");
    let head = format!("POST {SUSPEND} HTTP/1.1\r\nHost: x\r\n{OKTA}Content-Length: 10\r\n\r\n{{");
    stream.write_all(head.as_bytes()).await.expect("writes");
    drop(stream);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((status(&iam), iam.calls().len()), (json!("ACTIVE"), 0));
}

#[tokio::test(start_paused = true)]
async fn from_outside_the_same_can_be_seen_and_ordered() {
    let standins = start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async { axum::serve(listener, crate::standins::routes(standins)).await });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let order = async |body: Value| {
        let sent = http.post(format!("http://{address}/faults")).json(&body).send().await;
        sent.expect("an answer").status().as_u16()
    };
    let state = async || -> Value {
        let got = http.get(format!("http://{address}/state")).send().await.expect("an answer");
        got.json().await.expect("JSON")
    };
    assert_eq!(order(json!({"tool": "iam", "to": "changes", "fault": "lose_answer"})).await, 200);
    assert_eq!(order(json!({"tool": "iam", "fault": {"slow": 0.5}, "always": true})).await, 200);
    assert_eq!(order(json!({"tool": "sap", "fault": "drop"})).await, 404);
    assert_eq!(order(json!({"tool": "iam", "fault": "melt"})).await, 422);
    let iam = state().await[1].clone();
    assert_eq!(
        (&iam["name"], &iam["next"], &iam["always"]),
        (&json!("iam"), &json!(["lose_answer"]), &json!(["slow"]))
    );
    let url = format!("{}{SUSPEND}", iam["url"].as_str().expect("an address"));
    let lost = http.post(url).header("authorization", "SSWS standin-okta-token").send().await;
    assert!(lost.is_err());
    let calls =
        http.get(format!("http://{address}/calls?tool=iam")).send().await.expect("an answer");
    let calls: Value = calls.json().await.expect("JSON");
    assert_eq!(
        (&calls[0]["did"], &calls[0]["status"]),
        (&json!("suspend j.durand@example.com"), &Value::Null)
    );
    assert_eq!(order(json!({"tool": "iam", "heal": true})).await, 200);
    assert_eq!(state().await[1]["always"], json!([]));
}
