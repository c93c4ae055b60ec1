//! The simulator over its own wire, in paused time: a bare HTTP client and a bare WebSocket, nothing of ours.
mod api;
mod faults;
mod morphism;
mod page;
mod people;
mod sockets;

use std::collections::HashMap;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Wire;

use super::{Channel, Options, Sim, User, web_api};

const BOT: &str = "xoxb-sim";
const APP: &str = "xapp-sim";

/// A workspace with Alice, Bea and `#soc`.
async fn start(options: Options) -> Sim {
    let sim = Sim::start(options).await.expect("a loopback port is free");
    sim.add_user(User { id: "U1".into(), ..User::named("alice") });
    sim.add_user(User { id: "U2".into(), ..User::named("bea") });
    sim.add_channel(Channel { id: "C1".into(), ..Channel::named("soc") });
    sim
}

/// An HTTP answer; `None` where the connection closed without one.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HashMap<String, String>,
    body: Value,
}

async fn send(sim: &Sim, path: &str, (kind, token, body): (&str, &str, &str)) -> Option<Got> {
    let address = sim.page_url().trim_start_matches("http://").trim_end_matches('/').to_string();
    let mut stream = TcpStream::connect(&address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(k, v)| (k.to_lowercase(), v.to_string()))
        .collect();
    Some(Got { status, headers, body: serde_json::from_str(body).unwrap_or_else(|_| json!(body)) })
}

/// One Web API call with the bot's token; its body is JSON, of a method that only reads a form.
async fn call(sim: &Sim, method: &str, args: Value) -> Value {
    let (kind, body) = match web_api::reads(method) {
        false => ("application/json; charset=utf-8", args.to_string()),
        true => ("application/x-www-form-urlencoded", form(&args)),
    };
    let got = send(sim, &format!("/api/{method}"), (kind, BOT, &body)).await;
    got.expect("an answer").body
}

fn form(args: &Value) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in args.as_object().expect("an object") {
        form.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    form.finish()
}

async fn post(sim: &Sim, args: Value) -> Value {
    let mut all = json!({"channel": "C1", "text": "hello"});
    all.as_object_mut().expect("an object").extend(args.as_object().expect("an object").clone());
    call(sim, "chat.postMessage", all).await
}

fn buttons() -> Value {
    json!([{"type": "actions", "block_id": "b", "elements": [
        {"type": "button", "action_id": "ack", "text": {"type": "plain_text", "text": "Acknowledge"}, "value": "alr_1"},
        {"type": "overflow", "action_id": "more", "options": [{"text": {"type": "plain_text", "text": "Silence"}, "value": "silence"}]},
        {"type": "users_select", "action_id": "who", "placeholder": {"type": "plain_text", "text": "Assign"}},
    ]}])
}

/// A client's end of a socket.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Opens one and reads its hello.
    async fn open(sim: &Sim) -> (Self, Value) {
        let mut socket = Self::connect(&url(sim).await).await.expect("an upgrade");
        let hello = socket.next().await.expect("a hello");
        (socket, hello)
    }

    async fn connect(url: &str) -> Result<Self, String> {
        let address =
            url.trim_start_matches("ws://").split('/').next().unwrap_or_default().to_string();
        let stream = TcpStream::connect(address).await.map_err(|e| e.to_string())?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        let (socket, _) =
            tokio_tungstenite::client_async(url, stream).await.map_err(|e| e.to_string())?;
        Ok(Self(socket))
    }

    /// The next text; `None` once it is closed.
    async fn next(&mut self) -> Option<Value> {
        loop {
            match self.0.next().await? {
                Ok(Wire::Text(text)) => return Some(serde_json::from_str(&text).expect("JSON")),
                Ok(Wire::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    async fn ack(&mut self, envelope: &Value, payload: Option<Value>) {
        let mut ack = json!({"envelope_id": envelope["envelope_id"]});
        if let Some(payload) = payload {
            ack["payload"] = payload;
        }
        self.0.send(Wire::Text(ack.to_string().into())).await.expect("the socket is open");
    }
}

/// Asks for a socket's address.
async fn url(sim: &Sim) -> String {
    let got =
        send(sim, "/api/apps.connections.open", ("application/x-www-form-urlencoded", APP, ""))
            .await;
    got.expect("an answer").body["url"].as_str().expect("a url").to_string()
}
