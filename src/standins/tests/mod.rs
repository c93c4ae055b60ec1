//! The stand-ins over their own wire, in paused time: a bare HTTP client, nothing of ours.

mod edr;
mod faults;
mod github;
mod iam;
mod jira;

use super::{Options, Standin, Standins};
use serde_json::Value;
use std::collections::HashMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn start() -> Standins {
    with(Options::default()).await
}

async fn with(options: Options) -> Standins {
    Standins::start(options).await.expect("loopback ports are free")
}

/// An HTTP answer.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HashMap<String, String>,
    body: Value,
}

/// What somebody with these headers gets; `None` where the connection ended before a whole answer.
struct Client<'s> {
    standin: &'s Standin,
    headers: String,
}

impl Client<'_> {
    async fn get(&self, path: &str) -> Got {
        self.send("GET", path, "").await.expect("an answer")
    }

    async fn does(&self, method: &str, path: &str, body: Value) -> Got {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(method, path, &body).await.expect("an answer")
    }

    async fn send(&self, method: &str, path: &str, body: &str) -> Option<Got> {
        let address = self.standin.url().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address).await.ok()?;
        stream.set_nodelay(true).ok()?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            self.headers,
            body.len()
        );
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let mut headers = HashMap::<String, String>::new();
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            let known = headers.entry(name.to_lowercase()).or_default();
            known.push_str(if known.is_empty() { "" } else { ", " });
            known.push_str(value);
        }
        let promised = headers.get("content-length").and_then(|length| length.parse().ok());
        let whole = promised.is_none_or(|length: usize| length == body.len());
        let json = serde_json::from_str(body).unwrap_or_else(|_| body.into());
        whole.then_some(Got { status, headers, body: json })
    }
}

/// What is shown of one thing of a list: the one whose `name` is `is`.
fn shown(standin: &Standin, list: &str, (name, is): (&str, &str)) -> Value {
    let state = standin.state();
    let found = state[list].as_array().expect("a list").iter().find(|one| one[name] == is).cloned();
    found.unwrap_or_else(|| panic!("there is no {is} in {state}"))
}
