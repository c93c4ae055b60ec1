//! Hosts are found, contained once and let go; alerts and indicators.

use super::{Client, shown, start, with};
use crate::standins::{Edr, Options, Standin};
use serde_json::{Value, json};
use std::time::Duration;

const LAPTOP: &str = "1f9a3c5e7b2d4f6081a3c5e7092b4d6f";
const ACTIONS: &str = "/devices/entities/devices-actions/v2?action_name";

async fn token(edr: &Standin) -> String {
    let form = "client_id=standin-edr-client&client_secret=standin-edr-secret&grant_type=client_credentials";
    let got =
        Client { standin: edr, headers: String::new() }.send("POST", "/oauth2/token", form).await;
    let got = got.expect("an answer");
    assert_eq!((got.status, &got.body["token_type"]), (201, &json!("bearer")));
    got.body["access_token"].as_str().expect("a token").to_owned()
}

pub async fn signed_in(edr: &Standin) -> Client<'_> {
    let headers = format!("Authorization: Bearer {}\r\n", token(edr).await);
    Client { standin: edr, headers }
}

fn host(edr: &Standin, name: &str) -> Value {
    shown(edr, "hosts", ("name", name))["status"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_host_is_found_contained_after_a_moment_and_let_go() {
    let standins = start().await;
    let edr = &standins.edr;
    let client = signed_in(edr).await;
    let found = client.get("/devices/queries/devices/v1?filter=hostname:%27FIN-laptop-12%27").await;
    assert_eq!(found.body["resources"], json!([LAPTOP]));
    assert_eq!(found.body["meta"]["pagination"]["total"], 1);
    let told = client.get(&format!("/devices/entities/devices/v2?ids={LAPTOP}")).await;
    assert_eq!(told.body["resources"][0]["hostname"], "fin-laptop-12");
    assert_eq!(told.body["resources"][0]["status"], "normal");

    let taken = client.does("POST", &format!("{ACTIONS}=contain"), json!({"ids": [LAPTOP]})).await;
    assert_eq!((taken.status, &taken.body["resources"][0]["id"]), (202, &json!(LAPTOP)));
    assert_eq!(host(edr, "fin-laptop-12"), "containment_pending");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(host(edr, "fin-laptop-12"), "contained");

    let again = client.does("POST", &format!("{ACTIONS}=contain"), json!({"ids": [LAPTOP]})).await;
    assert_eq!((again.status, &again.body["errors"][0]["code"]), (409, &json!(409)));
    client.does("POST", &format!("{ACTIONS}=lift_containment"), json!({"ids": [LAPTOP]})).await;
    assert_eq!(host(edr, "fin-laptop-12"), "lift_containment_pending");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(host(edr, "fin-laptop-12"), "normal");
    assert_eq!(edr.effects(), ["contain fin-laptop-12", "lift containment of fin-laptop-12"]);
    assert_eq!(edr.calls_of("POST /devices/entities/devices-actions").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn without_a_filter_every_host_is_meant_and_one_name_may_be_two_hosts() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let count = async |query: &str| {
        let got = client.get(&format!("/devices/queries/devices/v1?{query}")).await;
        got.body["resources"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("").await, 8);
    assert_eq!(count("filter=hostname:%27kiosk-2%27").await, 2);
    assert_eq!(count("filter=hostname:%27nobody%27").await, 0);
    assert_eq!(count("limit=3&offset=6").await, 2);
    let sorted = client.get("/devices/queries/devices/v1?sort=hostname.asc&limit=1").await;
    let first = client
        .get(&format!(
            "/devices/entities/devices/v2?ids={}",
            sorted.body["resources"][0].as_str().expect("an id")
        ))
        .await;
    assert_eq!(first.body["resources"][0]["hostname"], "dc-1");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_in_falcons_words_and_nothing_is_done() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let bad = client.get("/devices/queries/devices/v1?filter=hostnam:%27x%27").await;
    assert_eq!(bad.status, 400);
    let none = client.get("/devices/entities/devices/v2").await;
    assert_eq!(
        none.body["errors"][0]["message"],
        "The 'ids' parameter must be present at least once."
    );
    let unknown = json!({"ids": [LAPTOP, "00000000000000000000000000000000"]});
    let unknown = client.does("POST", &format!("{ACTIONS}=contain"), unknown).await;
    assert_eq!((unknown.status, &unknown.body["errors"][0]["code"]), (404, &json!(404)));
    let verb = client.does("POST", &format!("{ACTIONS}=melt"), json!({"ids": [LAPTOP]})).await;
    assert_eq!(verb.status, 400);
    let stranger = Client { standin: &standins.edr, headers: "Authorization: Bearer x\r\n".into() };
    let refused = stranger.get("/devices/queries/devices/v1").await;
    assert_eq!(refused.body["errors"][0]["message"], "access denied, invalid bearer token");
    let wrong = stranger
        .send("POST", "/oauth2/token", "client_id=standin-edr-client&client_secret=x")
        .await;
    assert_eq!(wrong.expect("an answer").status, 403);
    assert_eq!(standins.edr.effects(), Vec::<String>::new());
    assert_eq!(host(&standins.edr, "fin-laptop-12"), "normal");
}

#[tokio::test(start_paused = true)]
async fn a_token_ends() {
    let mut edr = Edr::example_corp();
    edr.token_life = Duration::from_secs(60);
    let standins = with(Options { edr, ..Options::default() }).await;
    let client = signed_in(&standins.edr).await;
    assert_eq!(client.get("/devices/queries/devices/v1").await.status, 200);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(client.get("/devices/queries/devices/v1").await.status, 401);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_closed_with_a_comment() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let query = "/alerts/queries/alerts/v2?sort=created_timestamp.desc&q";
    assert_eq!(
        client.get(&format!("{query}=nothing%20says%20this")).await.body["resources"],
        json!([])
    );
    let found = client.get(&format!("{query}=leroy&filter=status:%27new%27")).await;
    let id = found.body["resources"][0].clone();
    let change = json!({"composite_ids": [id], "action_parameters": [
        {"name": "update_status", "value": "closed"}, {"name": "append_comment", "value": "isolated"},
    ]});
    assert_eq!(client.does("PATCH", "/alerts/entities/alerts/v3", change).await.status, 200);
    let bad = json!({"composite_ids": [id], "action_parameters": [{"name": "append_comment", "value": "x"}, {"name": "update_status", "value": "gone"}]});
    assert_eq!(client.does("PATCH", "/alerts/entities/alerts/v3", bad).await.status, 400);
    let told =
        client.does("POST", "/alerts/entities/alerts/v2", json!({"composite_ids": [id]})).await;
    let alert = &told.body["resources"][0];
    assert_eq!(
        (&alert["status"], &alert["comments"][0]["value"]),
        (&json!("closed"), &json!("isolated"))
    );
    assert_eq!(alert["comments"].as_array().map(Vec::len), Some(1), "the bad change did nothing");
}

#[tokio::test(start_paused = true)]
async fn an_indicator_is_blocked_once_and_forgotten() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let one = json!({"indicators": [{"type": "domain", "value": "evil.example", "action": "detect", "severity": "high", "platforms": ["windows"], "applied_globally": true}]});
    let made = client.does("POST", "/iocs/entities/indicators/v1", one.clone()).await;
    assert_eq!(made.status, 201);
    let again = client.does("POST", "/iocs/entities/indicators/v1", one).await;
    assert!(
        again.body["errors"][0]["message"]
            .as_str()
            .is_some_and(|words| words.starts_with("Duplicate"))
    );
    let found = client.get("/iocs/queries/indicators/v1?filter=value:%27evil.example%27").await;
    let id = found.body["resources"][0].as_str().expect("one").to_owned();
    let gone =
        client.does("DELETE", &format!("/iocs/entities/indicators/v1?ids={id}"), Value::Null).await;
    assert_eq!((gone.status, &gone.body["resources"]), (200, &json!([id])));
    assert_eq!(standins.edr.state()["indicators"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn falcon_prevents_hashes_only() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let one = json!({"type": "domain", "value": "evil.example", "action": "prevent", "severity": "high", "platforms": ["windows"], "applied_globally": true});
    let refused =
        client.does("POST", "/iocs/entities/indicators/v1", json!({"indicators": [one]})).await;
    assert_eq!(refused.body["errors"][0]["message"], "Action prevent is for hashes only");
}

#[tokio::test(start_paused = true)]
async fn a_host_answers_a_command_after_a_moment_and_a_silent_one_does_not() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let sessions = "/real-time-response/entities/sessions/v1";
    let mut ids = Vec::new();
    for _ in 0..2 {
        let open = client.does("POST", sessions, json!({"device_id": LAPTOP})).await;
        assert_eq!(open.status, 201);
        ids.push(open.body["resources"][0]["session_id"].clone());
    }
    assert_eq!(ids[0], ids[1], "the session that is open is given again");
    let command = "/real-time-response/entities/command/v1";
    let run = json!({"session_id": ids[0], "base_command": "ps", "command_string": "ps"});
    let run = client.does("POST", command, run).await;
    let request = run.body["resources"][0]["cloud_request_id"].as_str().expect("an id").to_owned();
    let status = format!("{command}?cloud_request_id={request}&sequence_id=0");
    let early = client.get(&status).await.body["resources"][0].clone();
    assert_eq!((&early["complete"], &early["stdout"]), (&json!(false), &json!("")));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let late = client.get(&status).await.body["resources"][0].clone();
    assert!(
        late["complete"] == true
            && late["stdout"].as_str().is_some_and(|text| text.contains("m.leroy"))
    );
    let silent = json!({"device_id": "6b1f0d7e9a2c4b3f8d5e7c6a1b0f9e8d"});
    let silent = client.does("POST", sessions, silent).await;
    assert_eq!(silent.body["errors"][0]["message"], "could not establish sensor comms");
    assert_eq!(standins.edr.effects(), ["open a session on fin-laptop-12", "run ps"]);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_released_from_quarantine_once_and_put_back() {
    let standins = start().await;
    let client = signed_in(&standins.edr).await;
    let id = standins.edr.state()["files"][0]["id"].clone();
    let path = "/quarantine/entities/quarantined-files/v1";
    for action in ["release", "release", "unrelease"] {
        let done = client.does("PATCH", path, json!({"ids": [id], "action": action})).await;
        assert_eq!(done.status, 200);
    }
    assert_eq!(standins.edr.effects(), ["released: procdump64.exe", "quarantined: procdump64.exe"]);
    assert_eq!(
        client.does("PATCH", path, json!({"ids": ["x"], "action": "release"})).await.status,
        404
    );
}
