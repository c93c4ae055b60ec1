//! One webhook: known sender, readable body, alerts on disk; in this order, and the answer only after the last.

use super::answer::Answer;
use super::auth::Offered;
use super::body::{self, Bounds};
use super::mapping::{Reading, Request, Unreadable};
use super::{Source, Sources};
use crate::clock::Clock;
use crate::domain::alert::dedup;
use crate::domain::ids::{InputKey, SourceName};
use crate::domain::input::{self, Delivery, Incoming, Input};
use crate::fresh;
use crate::inbox::{Inbox, RefusedBody};
use axum::body::Body;
use axum::http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use axum::http::{HeaderMap, request::Parts};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;

/// What the hooks need.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// The newest sources; a reload of the config sends others.
    pub sources: watch::Receiver<Arc<Sources>>,
    pub inbox: Inbox,
    pub clock: Clock,
    pub bounds: Bounds,
}

/// A body longer than this is read on a thread that may take its time.
const QUICK: usize = 64 * 1024;

impl Hooks {
    /// Takes one webhook. `token` is the URL's, where it has one.
    pub async fn take(&self, name: &str, token: Option<&str>, head: &Parts, body: Body) -> Answer {
        let sources = Arc::clone(&self.sources.borrow());
        match self.read(&sources, name, token, head, body).await {
            Err(answer) => answer,
            Ok((source, reading)) => {
                let test = head.headers.get("x-vigie-test").is_some_and(|value| value == "1");
                self.deliver(source.name.clone(), reading, test).await
            }
        }
    }

    async fn read<'a>(
        &self,
        sources: &'a Sources,
        name: &str,
        token: Option<&str>,
        head: &Parts,
        body: Body,
    ) -> Result<(&'a Source, Reading), Answer> {
        let refuse = |body: Body, answer: Answer| {
            body::discard(&head.headers, body.into_data_stream());
            Err(answer)
        };
        let Some(source) = sources.get(name) else {
            return refuse(body, Answer::UnknownSource);
        };
        let headers = &head.headers;
        let verify = |bytes: &[u8]| {
            let offered = Offered { headers, token, body: bytes };
            source.auth.verify(&offered).map_err(Answer::Denied)
        };
        if !source.auth.reads_body()
            && let Err(denied) = verify(b"")
        {
            return refuse(body, denied);
        }
        if !body::is_json_like(headers) {
            return refuse(body, Answer::NotJson);
        }
        let limit = self.bounds.bytes;
        let bytes = body::read(headers, body, self.bounds)
            .await
            .map_err(|why| Answer::Unread { why, limit })?;
        if source.auth.reads_body() {
            verify(&bytes)?;
        }
        match mapped(source, plain(headers), bytes).await {
            Ok(reading) => Ok((source, reading)),
            Err((unreadable, body)) => {
                let why = unreadable.to_string();
                self.inbox.keep(RefusedBody { source: source.name.clone(), why, body });
                Err(Answer::Unreadable(unreadable))
            }
        }
    }

    async fn deliver(&self, source: SourceName, reading: Reading, test: bool) -> Answer {
        let at = self.clock.now();
        let name = reading.delivery.map(|named| match named.len() {
            0..=200 => named,
            _ => dedup::hex(&Sha256::digest(named)),
        });
        let deliveries = reading.alerts.into_iter().enumerate().map(|(index, mapped)| Delivery {
            key: name.as_ref().map(|name| InputKey::new(format!("hook:{source}:{name}:{index}"))),
            at,
            input: Input::Alert(Box::new(Incoming {
                id: fresh::alert_id(at),
                source: source.clone(),
                alert: mapped.alert,
                raw: mapped.raw,
                test,
            })),
        });
        let answers = futures_util::future::join_all(deliveries.map(|d| self.inbox.offer(d))).await;
        // One that is not on disk means that the sender must send the body again: those that are get their first answer
        // then, or count as repeated.
        let taken = answers.into_iter().map(|answer| match answer {
            Ok(input::Answer::Alert { id, outcome }) => Ok((id, outcome)),
            Ok(other) => {
                tracing::error!(?other, "the writer's answer is none to an alert");
                Err(Answer::Bug)
            }
            Err(why) => Err(Answer::NotWritten(why)),
        });
        taken.collect::<Result<_, _>>().map_or_else(|answer| answer, Answer::Taken)
    }
}

async fn mapped(
    source: &Source,
    headers: BTreeMap<String, String>,
    bytes: Vec<u8>,
) -> Result<Reading, (Unreadable, Vec<u8>)> {
    let (name, mapping) = (source.name.clone(), Arc::clone(&source.mapping));
    let quick = bytes.len() <= QUICK;
    let read = move || {
        let request = Request { source: name.as_str(), headers: &headers, body: &bytes };
        mapping.read(&request).map_err(|unreadable| (unreadable, bytes))
    };
    if quick {
        return read();
    }
    tokio::task::spawn_blocking(read)
        .await
        .expect("a mapping never panics (tested with arbitrary JSON)")
}

/// Headers for mappings: lower-case names, a repeated one joined, and none that carries a credential.
fn plain(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut plain = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        if [AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE].contains(name) {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        plain
            .entry(name.as_str().to_owned())
            .and_modify(|all| {
                all.push_str(", ");
                all.push_str(&value);
            })
            .or_insert_with(|| value.clone().into_owned());
    }
    plain
}
