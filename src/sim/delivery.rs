//! Envelopes on their way to the app: which socket gets one, who waits for its acknowledgement, what is sent again.
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

use super::happenings::Happening;
use super::state::State;
use super::workspace::Workspace;

/// Everything must be acknowledged within 3 s. (docs.slack.dev, Socket Mode)
pub const DEADLINE: Duration = Duration::from_secs(3);
/// An event not acknowledged comes again after these. (docs.slack.dev, Events API, "Retries")
const RETRIES: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(300)];

/// What became of something sent to the app.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// Acknowledged, with this payload, so long after it was sent.
    Acked { payload: Option<Value>, after: Duration },
    /// Not acknowledged within 3 s; for a click or a command the person sees a warning.
    TimedOut,
    /// No socket was open.
    NoSocket,
}

/// An envelope's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Interactive,
    SlashCommands,
    EventsApi,
}

/// One acknowledgement as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Ack {
    pub envelope_id: String,
    pub payload: Option<Value>,
    /// Unix milliseconds.
    pub at: i64,
    /// False where nobody waited any more: late, a second one, or of an unknown envelope.
    pub in_time: bool,
}

/// What a socket's task is told.
#[derive(Debug)]
pub enum Frame {
    Text(String),
    /// A `disconnect` frame with this reason; the socket closes unless it is a `warning`.
    Disconnect(&'static str),
    /// The TCP connection goes without a word.
    Drop,
    /// The socket goes on existing but neither reads nor writes.
    Freeze,
}

#[derive(Debug)]
pub struct Socket {
    pub id: u64,
    pub frames: mpsc::UnboundedSender<Frame>,
}

/// The sockets, and the envelopes that wait for an answer.
#[derive(Debug, Default)]
pub struct Outbox {
    pub sockets: Vec<Socket>,
    waiting: HashMap<String, oneshot::Sender<Option<Value>>>,
    turn: usize,
    pub repeat_next: bool,
    pub silence_pings: bool,
    pub acks: Vec<Ack>,
}

impl Delivery {
    pub fn is_acked(&self) -> bool {
        matches!(self, Self::Acked { .. })
    }

    /// The acknowledgement's payload.
    pub fn payload(&self) -> Option<&Value> {
        match self {
            Self::Acked { payload, .. } => payload.as_ref(),
            Self::TimedOut | Self::NoSocket => None,
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acked { after, .. } => write!(f, "acknowledged after {} ms", after.as_millis()),
            Self::TimedOut => write!(f, "not acknowledged within 3 s"),
            Self::NoSocket => write!(f, "no socket was open"),
        }
    }
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Interactive => "interactive",
            Self::SlashCommands => "slash_commands",
            Self::EventsApi => "events_api",
        }
    }
}

impl Outbox {
    /// Sends one text to the next socket in turn; false where none is open.
    pub fn send(&mut self, text: &str) -> bool {
        while !self.sockets.is_empty() {
            self.turn = (self.turn + 1) % self.sockets.len();
            if self.sockets[self.turn].frames.send(Frame::Text(text.to_string())).is_ok() {
                return true;
            }
            self.sockets.remove(self.turn);
        }
        false
    }

    /// Tells every socket the same thing.
    pub fn tell_all(&self, frame: impl Fn() -> Frame) {
        for socket in &self.sockets {
            // A socket whose task has ended is about to be taken off the list by it.
            let _ = socket.frames.send(frame());
        }
    }
}

impl State {
    /// Sends an envelope (twice, if asked to) and says who will get its acknowledgement; `None`: no socket is open.
    fn send_envelope(&mut self, envelope: &Value) -> Option<oneshot::Receiver<Option<Value>>> {
        let text = envelope.to_string();
        if !self.outbox.send(&text) {
            return None;
        }
        if std::mem::take(&mut self.outbox.repeat_next) {
            self.outbox.send(&text);
        }
        let (answer, answered) = oneshot::channel();
        let id = envelope["envelope_id"].as_str().unwrap_or_default();
        self.outbox.waiting.insert(id.to_string(), answer);
        Some(answered)
    }

    /// An acknowledgement has come in.
    pub fn acked(&mut self, envelope_id: &str, payload: Option<Value>) {
        let waiting = self.outbox.waiting.remove(envelope_id);
        let in_time = waiting.is_some_and(|answer| answer.send(payload.clone()).is_ok());
        if !in_time {
            self.note(Happening::StrayAck { envelope_id: envelope_id.to_string() });
        }
        let at = self.now_ms;
        self.outbox.acks.push(Ack { envelope_id: envelope_id.to_string(), payload, at, in_time });
    }

    fn new_envelope_id(&mut self) -> String {
        let (a, b) = (self.secret(), self.secret());
        format!("{}-{}-4{}-a{}-{}", &a[..8], &a[8..12], &a[13..], &b[..3], &b[4..])
    }
}

impl Workspace {
    /// Delivers one envelope to one socket and waits for its acknowledgement.
    pub async fn deliver(&self, kind: Kind, payload: Value) -> Delivery {
        let id = self.change(State::new_envelope_id);
        let envelope = json!({
            "envelope_id": id, "payload": payload, "type": kind.name(), "accepts_response_payload": kind != Kind::EventsApi,
        });
        self.deliver_envelope(&envelope).await
    }

    /// Delivers an envelope as it is.
    pub async fn deliver_envelope(&self, envelope: &Value) -> Delivery {
        let started = Instant::now();
        let Some(answered) = self.change(|state| state.send_envelope(envelope)) else {
            return Delivery::NoSocket;
        };
        match timeout(DEADLINE, answered).await {
            Ok(Ok(payload)) => Delivery::Acked { payload, after: started.elapsed() },
            // The sender is gone only when the same envelope id was delivered again by hand.
            Ok(Err(_)) | Err(_) => Delivery::TimedOut,
        }
    }

    /// Delivers an event that the app subscribed to, and again in the background until it is acknowledged.
    /// Answers what became of the first attempt; `None`: the app did not subscribe.
    pub async fn emit(self: &Arc<Self>, event: Value) -> Option<Delivery> {
        if !self.read(|state| state.subscribed(&event)) {
            return None;
        }
        let payload = self.change(|state| state.event_callback(event));
        let first = self.attempt(&payload, 0).await;
        if !first.is_acked() {
            tokio::spawn(Arc::clone(self).retry(payload));
        }
        Some(first)
    }

    async fn retry(self: Arc<Self>, payload: Value) {
        for (attempt, pause) in (1..).zip(RETRIES) {
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stopped() => return,
            }
            if self.attempt(&payload, attempt).await.is_acked() {
                return;
            }
        }
    }

    async fn attempt(&self, payload: &Value, attempt: u32) -> Delivery {
        let id = self.change(State::new_envelope_id);
        let mut envelope = json!({
            "envelope_id": id, "payload": payload, "type": Kind::EventsApi.name(), "accepts_response_payload": false,
            "retry_attempt": attempt, "retry_reason": "",
        });
        if attempt > 0 {
            envelope["retry_reason"] = json!("timeout");
        }
        let delivery = self.deliver_envelope(&envelope).await;
        let kind = payload["event"]["type"].as_str().unwrap_or_default().to_string();
        self.change(|state| {
            state.note(Happening::Event { kind, attempt, delivery: delivery.clone() })
        });
        delivery
    }
}
