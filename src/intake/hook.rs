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
use tokio::sync::{Semaphore, SemaphorePermit, watch};

/// What the hooks need.
#[derive(Clone, Debug)]
pub struct Hooks {
    sources: watch::Receiver<Arc<Sources>>,
    inbox: Inbox,
    clock: Clock,
    bounds: Bounds,
    long: Arc<Semaphore>,
}

/// A body longer than this is read on a thread that may take its time.
const QUICK: usize = 64 * 1024;
/// So many long bodies are in work at once: each may become fifty times its size in memory.
const LONG: usize = 8;

impl Hooks {
    /// `sources` brings the newest; a reload of the config sends others.
    pub fn new(
        sources: watch::Receiver<Arc<Sources>>,
        inbox: Inbox,
        clock: Clock,
        bounds: Bounds,
    ) -> Self {
        Self { sources, inbox, clock, bounds, long: Arc::new(Semaphore::new(LONG)) }
    }

    /// Takes one webhook. `token` is the URL's, where it has one.
    pub async fn take(&self, name: &str, token: Option<&str>, head: &Parts, body: Body) -> Answer {
        let sources = Arc::clone(&self.sources.borrow());
        match self.read(&sources, name, token, head, body).await {
            Err(answer) => answer,
            Ok((source, reading, _room)) => {
                let test = head.headers.get("x-vigie-test").is_some_and(|value| value == "1");
                self.deliver(source.name.clone(), reading, (test, None)).await
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
    ) -> Result<(&'a Source, Reading, Option<SemaphorePermit<'_>>), Answer> {
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
        if !body::is_json_like(headers, source.mapping.is_text_plain()) {
            return refuse(body, Answer::NotJson);
        }
        let limit = self.bounds.bytes;
        let bytes = body::read(headers, body, self.bounds)
            .await
            .map_err(|why| Answer::Unread { why, limit })?;
        if source.auth.reads_body() {
            verify(&bytes)?;
        }
        let room = self.room(bytes.len()).await;
        match mapped(source, plain(headers), bytes).await {
            Ok(reading) => Ok((source, reading, room)),
            Err((unreadable, body)) => {
                let why = unreadable.to_string();
                self.inbox.keep(RefusedBody { source: source.name.clone(), why, body });
                Err(Answer::Unreadable(unreadable))
            }
        }
    }

    /// A place for a long body, kept until it is answered.
    async fn room(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        match bytes {
            0..=QUICK => None,
            _ => Some(self.long.acquire().await.expect("the semaphore is never closed")),
        }
    }

    /// Whether the config has this source.
    pub fn has(&self, source: &SourceName) -> bool {
        self.sources.borrow().get(source.as_str()).is_some()
    }

    /// Takes a body that an account of this machine sends in a source's place: its alerts are test alerts. An `Err` says in
    /// words why nothing of it was taken.
    pub async fn try_body(
        &self,
        source: &SourceName,
        body: Vec<u8>,
        by: String,
    ) -> Result<Vec<input::Answer>, String> {
        let sources = Arc::clone(&self.sources.borrow());
        let Some(source) = sources.get(source.as_str()) else {
            return Err(format!("the config has no source called {source}"));
        };
        let read = mapped(source, BTreeMap::new(), body).await;
        let reading = read.map_err(|(unreadable, _)| unreadable.to_string())?;
        match self.deliver(source.name.clone(), reading, (true, Some(by))).await {
            Answer::Taken(alerts) => Ok(alerts
                .into_iter()
                .map(|(id, outcome)| input::Answer::Alert { id, outcome })
                .collect()),
            Answer::NotWritten(why) => Err(why.to_string()),
            other => Err(other.word().to_owned()),
        }
    }

    async fn deliver(
        &self,
        source: SourceName,
        reading: Reading,
        (test, by): (bool, Option<String>),
    ) -> Answer {
        let at = self.clock.now();
        let name = reading.delivery.as_deref().map(delivery_name);
        let deliveries = reading.alerts.into_iter().enumerate().map(|(index, mapped)| Delivery {
            // A delivery that is tried is another than the real one of the same name.
            key: name.as_ref().map(|name| {
                let hook = if test { "hooktest" } else { "hook" };
                InputKey::new(format!("{hook}:{source}:{name}:{index}"))
            }),
            at,
            input: Input::Alert(Box::new(Incoming {
                id: fresh::alert_id(at),
                source: source.clone(),
                alert: mapped.alert,
                raw: mapped.raw,
                test,
                by: by.clone(),
            })),
        });
        // One that is not on disk means that the sender must send the body again: those that are get their first answer
        // then, or count as repeated.
        let answers = match self.inbox.offer_all(deliveries).await {
            Ok(answers) => answers,
            Err(why) => return Answer::NotWritten(why),
        };
        let taken = answers.into_iter().map(|answer| match answer {
            input::Answer::Alert { id, outcome } => Ok((id, outcome)),
            other => {
                tracing::error!(?other, "the writer's answer is none to an alert");
                Err(Answer::Bug)
            }
        });
        taken.collect::<Result<_, _>>().map_or_else(|answer| answer, Answer::Taken)
    }
}

/// A delivery's name as the key holds it, and with the key the journal, for ever: it is free text from outside, so only
/// its hash goes there.
fn delivery_name(said: &str) -> String {
    let mut name = dedup::hex(&Sha256::digest(said));
    name.truncate(32);
    name
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
