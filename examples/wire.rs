//! The wire alone, for OAuth 2 servers in any language: `cargo run --example wire`.
//!
//! A line on stdin is a JSON object. `{"connect": {"token_url", "client_id", "client_secret", "scope", "client_auth": "body|basic"}}`
//! makes a connection to this machine; `{"get": URL, "times": N}` sends that many requests over it at once. Each is answered by a
//! line: `{"ok": …}`, where a request's answer is `{"status", "body"}` or `{"error", "may_have_left"}`. It ends with stdin.
use anyhow::{Context as _, bail};
use futures_util::future::join_all;
use hyper::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, Write as _};
use std::time::Duration;
use vigie::clock::Clock;
use vigie::connectors::wire::{
    Auth, ClientAuth, Connection, Content, HostPattern, OAuth2, Outgoing, Outside, Redactor, Terms,
    Text, Transport,
};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let clock = Clock::real();
    let outside = Outside::of_this_machine(clock.clone()).context("the machine's certificates")?;
    let wire = Transport::new(outside, Redactor::default());
    let mut connection = None;
    for line in std::io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?).context("a line is a JSON object")?;
        let answer = if let Some(wanted) = order.get("connect") {
            connection = Some(connect(wanted)?);
            json!("connected")
        } else if let (Some(url), Some(connection)) = (order["get"].as_str(), &connection) {
            let times = order["times"].as_u64().unwrap_or(1);
            let asked = (0..times).map(|_| ask(&wire, connection, url, &clock));
            Value::from_iter(join_all(asked).await)
        } else {
            bail!("neither `connect` nor, with a connection, `get`");
        };
        writeln!(std::io::stdout(), "{}", json!({ "ok": answer }))?;
    }
    Ok(())
}

fn connect(wanted: &Value) -> anyhow::Result<Connection> {
    let text = |name: &str| wanted[name].as_str().with_context(|| format!("`{name}` is a text"));
    let client_auth = match text("client_auth")? {
        "body" => ClientAuth::Body,
        "basic" => ClientAuth::Basic,
        other => bail!("`client_auth` is body or basic, not {other}"),
    };
    let oauth2 = OAuth2 {
        token_url: Text::plain(text("token_url")?),
        client_id: Text::plain(text("client_id")?),
        client_secret: Text::secret("client_secret"),
        scope: Some(text("scope")?.to_owned()),
        audience: None,
        client_auth,
    };
    Ok(Connection::new(Terms {
        tool: "oauth2".into(),
        hosts: Vec::new(),
        internal: vec![HostPattern::exact("127.0.0.1")?, HostPattern::exact("localhost")?],
        auth: Auth::OAuth2(Box::new(oauth2)),
        secrets: BTreeMap::from([("client_secret".to_owned(), text("client_secret")?.into())]),
        rate: None,
    }))
}

async fn ask(wire: &Transport, connection: &Connection, url: &str, clock: &Clock) -> Value {
    let (headers, body) = (Vec::new(), None);
    let request = Outgoing { method: Method::GET, url: Text::plain(url), headers, body };
    match wire.send(connection, &request, clock.instant() + PATIENCE).await {
        Ok(answer) => {
            let body = match answer.content {
                Content::Json(body) => body,
                Content::Text(text) => text.into(),
                Content::Empty => Value::Null,
                Content::Unread(why) => json!({"unread": why.to_string()}),
            };
            json!({"status": answer.status, "body": body})
        }
        Err(fault) => json!({"error": fault.to_string(), "may_have_left": fault.may_have_left()}),
    }
}
