//! Socket Mode: keeps sockets to Slack open, hands each envelope on, and sends its acknowledgement when the answer is there.
//!
//! Our own loop over tokio-tungstenite; why not slack-morphism's stands in `docs/adr/0002-socket-mode.md`. A slot is one of
//! the sockets that we want open. When Slack announces that it will close one, the slot opens the next while the old one
//! still reads and acknowledges: nothing falls between them. It does the same for a socket that we doubt (`doubt`).

mod backoff;
mod census;
mod doubt;
mod link;
mod session;

pub use census::count;
pub use link::Link;

use crate::slack::api::Api;
use crate::slack::failure::Failure;
use async_trait::async_trait;
use backoff::{Backoff, Trouble};
use futures_util::FutureExt;
use link::Board;
use serde_json::{Value, json};
use session::Session;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Who is given the envelopes.
#[async_trait]
pub trait Hearer: Send + Sync + 'static {
    /// Takes one frame as Slack sent it. The answer is the acknowledgement to send, once it may be sent; `None` where it
    /// must not be. Several run at once; a panic in one is caught and leaves it unacknowledged.
    async fn hear(&self, frame: String) -> Option<String>;
}

/// Where envelopes come from: the seam behind which another transport can take this one's place.
#[async_trait]
pub trait EnvelopeSource: Send + Sync {
    /// Whether we are connected, for `/readyz`.
    fn link(&self) -> watch::Receiver<Link>;
    /// How many of the sockets that Slack counts for the app are not ours; each takes some of the clicks.
    fn ghosts(&self) -> watch::Receiver<u64>;
    /// Takes no new envelopes, lets the acknowledgements under way leave, and closes. Bounded: a few seconds.
    async fn stop(&self);
}

/// How the sockets are kept.
#[derive(Clone, Copy, Debug)]
pub struct SocketSettings {
    /// How many are open at a time; Slack allows ten for each app.
    pub connections: usize,
    /// How long the WebSocket's upgrade may take.
    pub upgrade: Duration,
    /// How long Slack may take to say hello.
    pub hello: Duration,
    /// How often we ping.
    pub ping: Duration,
    /// A socket on which nothing has come for so long, not even a pong, is dead.
    pub silence: Duration,
    /// How long an announced close may take before we close the old socket ourselves.
    pub linger: Duration,
    /// A socket on which no envelope has come for so long is renewed: a new hello says that Slack still knows us.
    pub quiet: Duration,
    /// The same where Slack's own pings have stopped for so long.
    pub unpinged: Duration,
    /// How long after Slack has counted sockets that are not ours it is made to count again, by a new one of ours.
    pub recount: Duration,
}

impl Default for SocketSettings {
    fn default() -> Self {
        Self {
            connections: 2,
            upgrade: Duration::from_secs(5),
            hello: Duration::from_secs(3),
            ping: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            linger: Duration::from_secs(30),
            quiet: Duration::from_secs(3600),
            unpinged: Duration::from_secs(300),
            recount: Duration::from_secs(600),
        }
    }
}

/// The sockets, running. Dropping it lets them run on; `stop` ends them.
pub struct SocketMode {
    board: Arc<Board>,
    stop: watch::Sender<bool>,
    slots: tokio::sync::Mutex<Vec<JoinHandle<()>>>,
}

/// What every slot needs.
#[derive(Clone)]
struct Shared {
    api: Api,
    hearer: Arc<dyn Hearer>,
    settings: SocketSettings,
    board: Arc<Board>,
    stop: watch::Receiver<bool>,
}

impl SocketMode {
    /// Opens the sockets once `first` is over, for who is given the envelopes may have to learn something before; and keeps
    /// them open.
    pub fn start(
        first: impl Future<Output = ()> + Send + 'static,
        api: Api,
        hearer: Arc<dyn Hearer>,
        settings: SocketSettings,
    ) -> Self {
        // tokio-tungstenite takes the process's provider; where main has set one already, that one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (stop, stopping) = watch::channel(false);
        let board = Arc::new(Board::new());
        let shared = Shared { api, hearer, settings, board: board.clone(), stop: stopping };
        let first = first.boxed().shared();
        let slots = (0..settings.connections.max(1))
            .map(|number| {
                let (first, shared) = (first.clone(), shared.clone());
                tokio::spawn(async move {
                    let mut stop = shared.stop.clone();
                    tokio::select! {
                        () = first => {}
                        () = stopped(&mut stop) => {}
                    }
                    Slot::new(number, shared).keep().await;
                })
            })
            .collect();
        Self { board, stop, slots: tokio::sync::Mutex::new(slots) }
    }

    /// Cuts the sockets where they stand, as the end of the process would.
    pub fn abort(&self) {
        if let Ok(mut slots) = self.slots.try_lock() {
            slots.drain(..).for_each(|slot| slot.abort());
        }
    }
}

#[async_trait]
impl EnvelopeSource for SocketMode {
    fn link(&self) -> watch::Receiver<Link> {
        self.board.link()
    }

    fn ghosts(&self) -> watch::Receiver<u64> {
        self.board.ghosts()
    }

    async fn stop(&self) {
        self.stop.send_replace(true);
        for slot in self.slots.lock().await.drain(..) {
            if let Err(error) = slot.await {
                tracing::error!(%error, "a Slack socket's task ended badly");
            }
        }
    }
}

/// One of the sockets that we want open, and those that still read beside it.
struct Slot {
    number: usize,
    shared: Shared,
    sessions: JoinSet<()>,
    /// How many were opened here, and the newest of them on which Slack has said hello.
    opened: u32,
    newest: watch::Sender<u32>,
}

/// A socket's place in its slot.
struct Turn {
    socket: link::Id,
    newest: watch::Sender<u32>,
}

impl Slot {
    fn new(number: usize, shared: Shared) -> Self {
        let (sessions, newest) = (JoinSet::new(), watch::Sender::new(0));
        Self { number, shared, sessions, opened: 0, newest }
    }

    /// Keeps it filled until the process stops.
    async fn keep(mut self) {
        let mut backoff = Backoff::default();
        let mut stop = self.shared.stop.clone();
        while !*stop.borrow() {
            // Who stops closes its sockets: that is no trouble.
            let trouble = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                trouble = self.fill() => trouble,
            };
            let wait = backoff.wait(&trouble);
            self.shared.board.troubled(self.number, &trouble);
            metrics::counter!("vigie_slack_socket_ends_total", "why" => trouble.label())
                .increment(1);
            trouble.tell(self.number, wait);
            tokio::select! {
                () = stopped(&mut stop) => break,
                () = tokio::time::sleep(wait) => {}
            }
            while self.sessions.try_join_next().is_some() {}
        }
        while self.sessions.join_next().await.is_some() {}
    }

    /// Opens a socket and waits until the slot needs another; the old one may still be reading then.
    async fn fill(&mut self) -> Trouble {
        self.opened = self.opened.wrapping_add(1);
        let turn = Turn { socket: (self.number, self.opened), newest: self.newest.clone() };
        // Slack counts it before we hear that it stands.
        self.shared.board.opening();
        let socket = match open(&self.shared.api, self.shared.settings.upgrade).await {
            Ok(socket) => socket,
            Err(failure) => {
                self.shared.board.closed(turn.socket);
                return Trouble::NotOpened(failure);
            }
        };
        let (leave, left) = oneshot::channel();
        self.sessions.spawn(Session::new(turn, self.shared.clone(), socket, leave).run());
        left.await.unwrap_or(Trouble::Dropped { lived: Duration::ZERO })
    }
}

impl Turn {
    /// Slack has said hello here: those before it may go.
    fn take_over(&self) {
        self.newest.send_if_modified(|newest| {
            let first = *newest < self.socket.1;
            *newest = (*newest).max(self.socket.1);
            first
        });
    }

    /// Until another socket of the slot has taken over.
    async fn replaced(&self) {
        let mut newest = self.newest.subscribe();
        let _ = newest.wait_for(|newest| *newest > self.socket.1).await;
    }
}

/// Until the process stops; whoever dropped the sender wants that too.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn open(api: &Api, patience: Duration) -> Result<Socket, Failure> {
    let answer = api.call("apps.connections.open", &json!({})).await?;
    let url = answer.get("url").and_then(Value::as_str).ok_or_else(|| Failure::Uncertain {
        why: "apps.connections.open named no address".to_owned(),
    })?;
    let upgrade = connect_async_with_config(url, None, true);
    match tokio::time::timeout(patience, upgrade).await {
        Ok(Ok((socket, _))) => Ok(socket),
        // The address holds a ticket, and the error may hold the address.
        Ok(Err(error)) => Err(Failure::NotSent { why: upgrade_words(&error) }),
        Err(_) => Err(Failure::NotSent { why: "the WebSocket's upgrade was not answered".into() }),
    }
}

fn upgrade_words(error: &tokio_tungstenite::tungstenite::Error) -> String {
    use tokio_tungstenite::tungstenite::Error;
    match error {
        Error::Io(error) => format!("the WebSocket: {error}"),
        Error::Tls(error) => format!("the WebSocket's TLS: {error}"),
        Error::Http(answer) => format!("the WebSocket was refused: HTTP {}", answer.status()),
        _ => "the WebSocket's upgrade failed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
