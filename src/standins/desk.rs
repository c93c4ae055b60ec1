//! One stand-in behind its lock: the vendor's world, what was called, what goes wrong, and the time.

use super::faults::{Fault, Faults, Struck};
use super::wire::{Answer, Request};
use serde::Serialize;
use serde_json::Value;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;
use tokio::time::Instant;

/// A vendor's API over a world of its own.
pub trait Vendor: Send {
    /// Does what a request asks, and answers as the vendor does.
    fn answer(&mut self, request: &Request) -> Answer;
    /// An answer with this status, in the vendor's words; nothing is done.
    fn failed(&self, status: u16) -> Answer;
    /// Whether a request changes something, as its method and path say.
    fn changes(&self, request: &Request) -> bool;
    /// What is so at that moment, for people.
    fn state(&self, at_ms: i64) -> Value;
    /// What is kept of a call's body: all its JSON, but where that holds secrets.
    fn noted(&self, request: &Request) -> Value {
        request.json()
    }
}

/// A call that was read to its end.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    pub at_ms: i64,
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// Its JSON; null where it had none. Forms are not kept: they hold secrets.
    pub body: Value,
    /// What was answered; none where the answer was lost on purpose.
    pub status: Option<u16>,
    /// What went wrong with it on purpose.
    pub fault: Option<&'static str>,
    /// What it did, in words, where it changed something.
    pub did: Option<String>,
}

impl Call {
    /// `POST /api/v1/…`
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

pub struct Desk {
    pub addr: SocketAddr,
    epoch_ms: i64,
    started: Instant,
    world: Mutex<World>,
    revision: watch::Sender<u64>,
    /// True once it shuts down.
    stop: watch::Sender<bool>,
}

/// What stands behind the lock.
pub struct World {
    pub vendor: Box<dyn Vendor>,
    pub calls: Vec<Call>,
    pub faults: Faults,
    /// First answers by `Idempotency-Key`, where keys are honoured.
    pub keys: Option<HashMap<String, Answer>>,
}

impl Desk {
    pub fn new(vendor: Box<dyn Vendor>, addr: SocketAddr, epoch_ms: i64) -> Self {
        let world = World { vendor, calls: Vec::new(), faults: Faults::default(), keys: None };
        Self {
            addr,
            epoch_ms,
            started: Instant::now(),
            world: Mutex::new(world),
            revision: watch::Sender::new(0),
            stop: watch::Sender::new(false),
        }
    }

    /// Unix milliseconds by the tokio clock.
    pub fn now_ms(&self) -> i64 {
        self.epoch_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Looks at the world; nobody is told.
    pub fn read<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the world, then tells everybody who waits.
    pub fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.lock());
        self.revision.send_modify(|revision| *revision += 1);
        result
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub fn shut_down(&self) {
        self.stop.send_replace(true);
    }

    /// Returns once it shuts down.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`, so this cannot fail before it is told.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// What goes wrong with this call.
    pub fn fault(&self, request: &Request) -> Option<Fault> {
        let mut world = self.lock();
        let changes = world.vendor.changes(request);
        world.faults.take(Struck { line: &request.line(), changes })
    }

    /// Does it, unless the fault says that nothing is done, and notes the call.
    pub fn perform(&self, mut request: Request, fault: Option<&Fault>) -> Answer {
        request.at_ms = self.now_ms();
        self.change(|world| {
            let answer = match fault {
                Some(Fault::Status(status)) => world.vendor.failed(*status),
                Some(Fault::Limited(after)) => {
                    let seconds = after.as_millis().div_ceil(1000).to_string();
                    world.vendor.failed(429).with(hyper::header::RETRY_AFTER, seconds)
                }
                _ => world.answer(&request),
            };
            let lost = matches!(fault, Some(Fault::LoseAnswer | Fault::HalfAnswer));
            world.calls.push(Call {
                at_ms: request.at_ms,
                method: request.method.to_string(),
                path: request.path.clone(),
                query: request.query.clone(),
                body: world.vendor.noted(&request),
                status: (!lost).then_some(answer.status.as_u16()),
                fault: fault.map(Fault::name),
                did: answer.did.clone(),
            });
            answer
        })
    }

    /// A panic elsewhere must not hide the state from the test that reports it, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World {
    /// Where keys are honoured, the same key to the same call gets its first answer, and nothing is done.
    fn answer(&mut self, request: &Request) -> Answer {
        let key = request.header("idempotency-key");
        let key = (!key.is_empty()).then(|| format!("{} {key}", request.line()));
        if let Some((keys, key)) = self.keys.as_ref().zip(key.as_ref())
            && let Some(first) = keys.get(key)
        {
            return Answer { did: None, ..first.clone() };
        }
        let answer = self.vendor.answer(request);
        if let Some((keys, key)) = self.keys.as_mut().zip(key)
            && answer.did.is_some()
        {
            keys.insert(key, answer.clone());
        }
        answer
    }
}
