//! The page: what one person sees, and acting through it.
use serde_json::{Value, json};

use super::{Socket, buttons, post, send, start};
use crate::sim::{Options, Sim};

async fn act(sim: &Sim, act: Value) -> Value {
    let body = act.to_string();
    send(sim, "/page/act", ("application/json", "", &body)).await.expect("an answer").body
}

async fn get(sim: &Sim, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let address = sim.page_url().trim_start_matches("http://").trim_end_matches('/').to_string();
    let mut stream = tokio::net::TcpStream::connect(&address).await.expect("it listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("it answers");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_string()).unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn it_shows_what_one_person_sees_and_takes_their_acts() {
    let sim = start(Options::default()).await;
    let ts = post(&sim, json!({"blocks": buttons()})).await["ts"].clone();
    assert!(get(&sim, "/").await.starts_with("<!doctype html>"));
    let seen = |user: &'static str| {
        let sim = sim.clone();
        async move {
            let seen = get(&sim, &format!("/page/state?user={user}")).await;
            serde_json::from_str::<Value>(&seen).expect("JSON")
        }
    };
    let alice = seen("U1").await;
    assert_eq!(alice["channels"][0]["messages"][0]["author"], "vigie");
    let (mut socket, _) = Socket::open(&sim).await;
    let click = json!({"user": "U1", "act": "click", "channel": "C1", "ts": ts, "control": "ack"});
    let hears = async {
        let click = socket.next().await.expect("a click");
        socket.ack(&click, None).await;
        click
    };
    let (became, heard) = tokio::join!(act(&sim, click), hears);
    assert_eq!(became, json!({"ok": true, "became": "acknowledged after 0 ms"}));
    assert_eq!(heard["payload"]["user"]["id"], "U1");
    let launch = json!({"user": "U1", "act": "click", "channel": "C1", "ts": ts, "control": "x"});
    assert_eq!(act(&sim, launch).await["ok"], false);
    let form = send(&sim, "/page/act", ("text/plain", "", "{}")).await.expect("an answer");
    assert_eq!(form.status, 415, "another site's form cannot act");
}
