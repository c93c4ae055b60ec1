//! Socket Mode: the upgrade of a connection with its ticket, and one task for each WebSocket.
use std::future::pending;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_util::{SinkExt, StreamExt};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE};
use hyper::upgrade::Upgraded;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, sleep, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::delivery::{Frame, Socket};
use super::happenings::Happening;
use super::server::{Reply, text};
use super::state::State;
use super::workspace::Workspace;

/// Slack warns so long before it renews a socket. (docs.slack.dev, Socket Mode)
pub const WARNING: Duration = Duration::from_secs(10);
/// At most so many sockets for one app. (same page)
const MOST: usize = 10;
const PING: Duration = Duration::from_secs(10);
/// `debug_reconnects=true` renews a socket after 360 s. (same page)
const DEBUG_LIFE: Duration = Duration::from_secs(360);
/// A ticket not used by then is refused; Slack's own span is not documented.
const TICKET_MS: i64 = 30_000;
/// How long a socket that is being closed still reads acknowledgements.
const DRAIN: Duration = Duration::from_secs(1);
/// How long a frozen socket still eats its share of payloads before Slack would notice.
const FROZEN: Duration = Duration::from_secs(60);

type Stream = WebSocketStream<TokioIo<Upgraded>>;

/// Why a socket's task ends.
type Ended = &'static str;

/// Answers an upgrade: 101 with a fresh ticket, 403 with a used, old or unknown one, nothing at all where it is to hang.
pub async fn upgrade(workspace: Arc<Workspace>, mut request: Request<Incoming>) -> Reply {
    let query = request.uri().query().unwrap_or_default().to_string();
    let (hangs, down) =
        workspace.change(|s| (std::mem::take(&mut s.faults.hang_next_upgrade), s.faults.down));
    if hangs {
        workspace.stopped().await;
    }
    if down {
        return Ok(text(StatusCode::SERVICE_UNAVAILABLE, "down"));
    }
    let field = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, v)| v.into_owned())
    };
    if !workspace.change(|state| state.use_ticket(&field("ticket").unwrap_or_default())) {
        return Ok(text(StatusCode::FORBIDDEN, "the ticket is used, expired or unknown"));
    }
    let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).cloned() else {
        return Ok(text(StatusCode::BAD_REQUEST, "this is a WebSocket"));
    };
    let life = if field("debug_reconnects").is_some_and(|v| v == "true") {
        Some(DEBUG_LIFE)
    } else {
        workspace.read(|state| state.options.refresh_sockets_after)
    };
    let upgraded = hyper::upgrade::on(&mut request);
    tokio::spawn(async move {
        match upgraded.await {
            Ok(upgraded) => run(workspace, TokioIo::new(upgraded), life).await,
            Err(error) => tracing::debug!(%error, "a WebSocket upgrade was given up"),
        }
    });
    Ok(switching(key.as_bytes()))
}

fn switching(key: &[u8]) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

impl State {
    /// Uses a ticket up; false where it was used, is too old, or never was.
    fn use_ticket(&mut self, ticket: &str) -> bool {
        self.links.remove(ticket).is_some_and(|made| self.now_ms - made <= TICKET_MS)
    }

    fn open_socket(&mut self, frames: mpsc::UnboundedSender<Frame>) -> (u64, usize) {
        let id = self.next_number();
        self.outbox.sockets.push(Socket { id, frames });
        let open = self.outbox.sockets.len();
        self.note(Happening::SocketOpened { open });
        (id, open)
    }

    fn close_socket(&mut self, id: u64, why: &str) {
        let before = self.outbox.sockets.len();
        self.outbox.sockets.retain(|socket| socket.id != id);
        let open = self.outbox.sockets.len();
        if open != before {
            self.note(Happening::SocketClosed { why: why.to_string(), open });
        }
    }
}

async fn run(workspace: Arc<Workspace>, io: TokioIo<Upgraded>, life: Option<Duration>) {
    let stream = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
    let (frames, queue) = mpsc::unbounded_channel();
    let (id, open) = workspace.change(|state| state.open_socket(frames));
    let mut link = Link { workspace, stream, queue, id };
    let why = if open > MOST {
        link.disconnect("too_many_websockets").await.unwrap_or("the client went away")
    } else {
        match link.hello(open).await {
            Ok(()) => link.live(life).await,
            Err(_) => "the client went away",
        }
    };
    let id = link.id;
    link.workspace.change(|state| state.close_socket(id, why));
}

/// One open WebSocket.
struct Link {
    workspace: Arc<Workspace>,
    stream: Stream,
    queue: mpsc::UnboundedReceiver<Frame>,
    id: u64,
}

impl Link {
    async fn hello(&mut self, open: usize) -> Result<(), Error> {
        let app_id = self.workspace.read(|state| state.options.app.id.clone());
        let hello = json!({
            "type": "hello", "num_connections": open, "connection_info": {"app_id": app_id},
            "debug_info": {"host": "applink-sim", "build_number": 1, "approximate_connection_time": 18_060},
        });
        self.send(hello.to_string()).await
    }

    async fn send(&mut self, text: String) -> Result<(), Error> {
        self.stream.send(Message::Text(text.into())).await
    }

    /// Carries frames, acknowledgements and pings until something ends it.
    async fn live(&mut self, life: Option<Duration>) -> Ended {
        let mut pings = interval_at(Instant::now() + PING, PING);
        let workspace = Arc::clone(&self.workspace);
        let ends = life.map(|life| Instant::now() + life);
        let mut warns = ends.map(|ends| ends - WARNING);
        loop {
            let done = tokio::select! {
                () = workspace.stopped() => ControlFlow::Break("Slack shut down"),
                frame = self.queue.recv() => self.obey(frame.unwrap_or(Frame::Drop)).await,
                message = self.stream.next() => self.hear(message).await,
                _ = pings.tick() => self.ping().await,
                () = until(warns) => { warns = None; self.obey(Frame::Disconnect("warning")).await }
                () = until(ends) => self.obey(Frame::Disconnect("refresh_requested")).await,
            };
            if let ControlFlow::Break(why) = done {
                return why;
            }
        }
    }

    async fn obey(&mut self, frame: Frame) -> ControlFlow<Ended> {
        let sent = match frame {
            Frame::Text(text) => self.send(text).await,
            Frame::Drop => return ControlFlow::Break("dropped"),
            Frame::Freeze => return ControlFlow::Break(self.frozen().await),
            Frame::Disconnect("warning") => self.send(farewell("warning")).await,
            Frame::Disconnect(reason) => match self.disconnect(reason).await {
                Ok(why) => return ControlFlow::Break(why),
                Err(error) => Err(error),
            },
        };
        if sent.is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break("the client went away")
        }
    }

    async fn hear(&mut self, message: Option<Result<Message, Error>>) -> ControlFlow<Ended> {
        match message {
            Some(Ok(Message::Text(text))) => self.acknowledged(&text),
            Some(Ok(Message::Close(_))) => {
                // A close is answered by a close (RFC 6455, 5.5.1), which waits to be flushed. A client that is gone needs none.
                let _ = self.stream.flush().await;
                return ControlFlow::Break("the client closed it");
            }
            Some(Err(_)) | None => return ControlFlow::Break("the client closed it"),
            Some(Ok(_)) => {}
        }
        ControlFlow::Continue(())
    }

    fn acknowledged(&self, text: &str) {
        let parsed: Option<Value> = serde_json::from_str(text).ok();
        let id = parsed.as_ref().and_then(|ack| ack["envelope_id"].as_str());
        self.workspace.change(|state| match id {
            Some(id) => {
                state.acked(id, parsed.as_ref().and_then(|ack| ack.get("payload")).cloned())
            }
            None => {
                state.note(Happening::Trouble { what: format!("not an acknowledgement: {text}") })
            }
        });
    }

    async fn ping(&mut self) -> ControlFlow<Ended> {
        if self.workspace.read(|state| state.outbox.silence_pings) {
            return ControlFlow::Continue(());
        }
        match self.stream.send(Message::Ping("Ping from applink-sim".into())).await {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break("the client went away"),
        }
    }

    /// Sends what it was given before, says why, reads the acknowledgements that are on their way, and closes.
    async fn disconnect(&mut self, reason: &'static str) -> Result<Ended, Error> {
        let id = self.id;
        self.workspace.change(|state| state.close_socket(id, reason));
        while let Ok(Frame::Text(text)) = self.queue.try_recv() {
            self.send(text).await?;
        }
        self.send(farewell(reason)).await?;
        let drained = async {
            while let Some(Ok(message)) = self.stream.next().await {
                if let Message::Text(text) = message {
                    self.acknowledged(&text);
                }
            }
        };
        // Either way the socket is done.
        let _ = timeout(DRAIN, drained).await;
        // The client may have closed it meanwhile.
        let _ = self.stream.close(None).await;
        Ok(reason)
    }

    async fn frozen(&mut self) -> Ended {
        let workspace = Arc::clone(&self.workspace);
        let thaw = sleep(FROZEN);
        tokio::pin!(thaw);
        loop {
            tokio::select! {
                () = &mut thaw => return "frozen for too long",
                () = workspace.stopped() => return "Slack shut down",
                frame = self.queue.recv() => if matches!(frame, None | Some(Frame::Drop)) { return "dropped" },
            }
        }
    }
}

fn farewell(reason: &str) -> String {
    json!({"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-sim"}})
        .to_string()
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => pending().await,
    }
}
