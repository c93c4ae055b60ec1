//! One socket's life: hello, envelopes and their acknowledgements, pings, and a close that loses nothing.

use crate::slack::socket::backoff::Trouble;
use crate::slack::socket::doubt::Doubt;
use crate::slack::socket::{Shared, Socket, Turn, stopped};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

/// A socket whose writes do not get through for so long is dead.
const WRITE: Duration = Duration::from_secs(5);
/// Slack wants each acknowledgement within 3 s: what is later than that need not be waited for.
const ACKNOWLEDGE: Duration = Duration::from_secs(3);
/// How long a socket that another has replaced still hears what Slack sent here before it knew.
const DRAIN: Duration = Duration::from_secs(1);
/// How long Slack may take to answer our close.
const CLOSE: Duration = Duration::from_secs(1);

pub(super) struct Session {
    turn: Turn,
    shared: Shared,
    socket: Socket,
    /// Told once, when the slot needs another socket.
    leave: Option<oneshot::Sender<Trouble>>,
    running: JoinSet<Option<String>>,
    began: Instant,
    /// Nothing is heard after this moment: then it is over.
    deadline: Instant,
    greeted: bool,
    /// Its end is near, for Slack has announced it or another socket has taken over: what still comes does not make it longer.
    departing: bool,
    doubt: Doubt,
}

/// The frames that are about the socket itself.
pub(super) enum Head {
    Hello {
        connections: Option<u64>,
    },
    Disconnect {
        reason: String,
    },
    /// An envelope, or what nobody has heard of yet.
    Other,
}

impl Head {
    /// A field of an odd shape is as good as missing: a hello that is not understood would leave us deaf.
    pub(super) fn read(text: &str) -> Self {
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let word = |field: &str| frame.get(field).and_then(Value::as_str);
        let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
        match word("type") {
            Some("hello") => {
                Self::Hello { connections: frame.get("num_connections").and_then(number) }
            }
            Some("disconnect") => {
                Self::Disconnect { reason: word("reason").unwrap_or_default().to_owned() }
            }
            Some(_) | None => Self::Other,
        }
    }
}

/// Whether a disconnect's reason is one that we know of.
#[derive(PartialEq, Eq)]
enum Reason {
    Known,
    New,
}

/// Why the socket is over.
enum End {
    Closed,
    Silent,
    Stopped,
    /// Its time to depart is over.
    Departed,
}

impl Session {
    pub(super) fn new(
        turn: Turn,
        shared: Shared,
        socket: Socket,
        leave: oneshot::Sender<Trouble>,
    ) -> Self {
        let began = Instant::now();
        let deadline = began + shared.settings.hello;
        let (leave, running) = (Some(leave), JoinSet::new());
        let (greeted, departing, doubt) = (false, false, Doubt::new(began));
        Self { turn, shared, socket, leave, running, began, deadline, greeted, departing, doubt }
    }

    pub(super) async fn run(mut self) {
        let end = self.read().await;
        let lived = self.began.elapsed();
        match end {
            End::Closed => self.leave(Trouble::Dropped { lived }),
            End::Silent => self.leave(Trouble::Silent { lived }),
            End::Stopped | End::Departed => self.finish(end).await,
        }
        // Their inputs are in the writer's hands: let them end, although their acknowledgements cannot leave any more.
        self.running.detach_all();
        self.shared.board.closed(self.turn.socket);
    }

    async fn read(&mut self) -> End {
        let mut ping = interval(self.shared.settings.ping);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ping.reset();
        let mut stop = self.shared.stop.clone();
        loop {
            let (doubted, _) = self.doubt.ripe(&self.shared.settings, self.turn.socket.0);
            // Who leaves unannounced has to hear until another has taken over.
            let retiring = self.leave.is_none() && !self.departing;
            let over = tokio::select! {
                biased;
                () = stopped(&mut stop) => Some(End::Stopped),
                Some(done) = self.running.join_next() => self.acknowledge(done).await,
                frame = self.socket.next() => self.take(frame),
                _ = ping.tick() => self.send(Message::Ping(Vec::new().into())).await,
                () = sleep_until(self.deadline) => Some(self.out_of_time()),
                () = self.turn.replaced(), if retiring => self.retire(),
                () = sleep_until(doubted), if self.greeted && self.leave.is_some() => self.renew(),
            };
            if let Some(end) = over {
                return end;
            }
        }
    }

    fn out_of_time(&self) -> End {
        if self.departing { End::Departed } else { End::Silent }
    }

    /// Another socket has taken over. What Slack sent here at that moment may not have been read yet.
    fn retire(&mut self) -> Option<End> {
        self.depart_within(DRAIN);
        None
    }

    fn depart_within(&mut self, span: Duration) {
        if !self.departing {
            self.departing = true;
            self.deadline = Instant::now() + span;
        }
    }

    fn take(&mut self, frame: Option<Result<Message, Error>>) -> Option<End> {
        let Some(Ok(frame)) = frame else { return Some(End::Closed) };
        if self.greeted && !self.departing {
            self.deadline = Instant::now() + self.shared.settings.silence;
        }
        match frame {
            Message::Text(text) => self.hear(text.as_str()),
            Message::Binary(bytes) => self.hear(&String::from_utf8_lossy(&bytes)),
            Message::Close(_) => return Some(End::Closed),
            Message::Ping(_) => self.doubt.pinged(Instant::now()),
            Message::Pong(_) | Message::Frame(_) => {}
        }
        None
    }

    fn hear(&mut self, text: &str) {
        self.doubt.heard(Instant::now());
        match Head::read(text) {
            Head::Hello { connections } => self.greet(connections),
            Head::Disconnect { reason } => {
                if self.depart(&reason) == Reason::New {
                    self.hand_on(text);
                }
            }
            Head::Other => self.hand_on(text),
        }
    }

    fn hand_on(&mut self, text: &str) {
        let (hearer, frame) = (self.shared.hearer.clone(), text.to_owned());
        self.running.spawn(async move { hearer.hear(frame).await });
    }

    fn greet(&mut self, counted: Option<u64>) {
        // Where its end is announced already, or a second hello comes, nothing new is said.
        if self.leave.is_none() || self.greeted {
            return;
        }
        self.greeted = true;
        let now = Instant::now();
        self.deadline = now + self.shared.settings.silence;
        self.turn.take_over();
        if self.shared.board.greeted(self.turn.socket, counted) > 0 {
            self.doubt.counted_ghosts(now);
        }
    }

    /// We doubt this socket. The slot opens another; this one hears until that one has taken over.
    fn renew(&mut self) -> Option<End> {
        let (_, why) = self.doubt.ripe(&self.shared.settings, self.turn.socket.0);
        self.leave(Trouble::Doubted { why, lived: self.began.elapsed() });
        None
    }

    /// Slack announces the end. The slot opens another socket; this one reads on until Slack closes it.
    fn depart(&mut self, reason: &str) -> Reason {
        let lived = self.began.elapsed();
        let (trouble, reason) = match reason {
            "too_many_websockets" => (Trouble::TooMany, Reason::Known),
            "link_disabled" => (Trouble::LinkDisabled, Reason::Known),
            "warning" | "refresh_requested" => (Trouble::Refresh { lived }, Reason::Known),
            // Whatever Slack may call it next year.
            _ => (Trouble::Refresh { lived }, Reason::New),
        };
        self.depart_within(self.shared.settings.linger);
        self.leave(trouble);
        reason
    }

    fn leave(&mut self, trouble: Trouble) {
        if let Some(leave) = self.leave.take() {
            let _ = leave.send(trouble);
        }
    }

    async fn acknowledge(&mut self, done: Result<Option<String>, JoinError>) -> Option<End> {
        match done {
            Ok(Some(ack)) => self.send(Message::text(ack)).await,
            Ok(None) => None,
            Err(error) => {
                metrics::counter!("vigie_slack_envelope_panics_total").increment(1);
                // Its words are not logged: they may quote the envelope.
                let task = error.id();
                tracing::error!(%task, "taking an envelope from Slack panicked: this is a bug of ours");
                None
            }
        }
    }

    async fn send(&mut self, message: Message) -> Option<End> {
        match timeout(WRITE, self.socket.send(message)).await {
            Ok(Ok(())) => None,
            Ok(Err(_)) => Some(End::Closed),
            Err(_) => Some(End::Silent),
        }
    }

    /// In good order: the acknowledgements under way leave, then the socket closes.
    async fn finish(&mut self, end: End) {
        let _ = timeout(ACKNOWLEDGE, async {
            while let Some(done) = self.running.join_next().await {
                if self.acknowledge(done).await.is_some() {
                    return;
                }
            }
        })
        .await;
        let _ = timeout(CLOSE, async {
            // Closed with something unread, TCP would throw away what we sent last.
            if self.socket.close(None).await.is_ok() {
                self.hear_out(end).await;
            }
        })
        .await;
    }

    /// What Slack sent before it knew of our close cannot be acknowledged any more. It is done all the same, as where a
    /// socket breaks; only who stops begins nothing.
    async fn hear_out(&mut self, end: End) {
        while let Some(Ok(frame)) = self.socket.next().await {
            if let (End::Departed, Message::Text(text)) = (&end, frame) {
                self.hand_on(text.as_str());
            }
        }
    }
}
