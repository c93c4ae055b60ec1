//! What stands behind the conversation, on a page of its own: send an alert, let time pass, take Slack away, crash the bot, and
//! read what was recorded.

use super::TOKEN;
use super::bot::Bot;
use crate::clock::Clock;
use crate::sim::{Panel, Sim};
use crate::store::{Reader, due, journal, queries};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

const PAGE: &str = include_str!("behind.html");
/// No more time passes at once.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What the page asks of whoever runs the bot.
#[derive(Debug)]
pub enum Wish {
    /// So much time passes.
    Skip(Duration),
    Crash,
}

/// Sends a wish, with who wants to hear that it was done.
pub type Wishes = mpsc::Sender<(Wish, oneshot::Sender<()>)>;

/// All that the page works with.
#[derive(Clone)]
pub struct Behind {
    sim: Sim,
    slack_is_down: Arc<AtomicBool>,
    reader: Reader,
    clock: Clock,
    hooks: String,
    curl: String,
    sqlite: String,
    http: reqwest::Client,
    wishes: Wishes,
}

impl Behind {
    pub fn new(sim: &Sim, bot: &Bot, wishes: Wishes) -> anyhow::Result<Self> {
        Ok(Self {
            sim: sim.clone(),
            slack_is_down: Arc::default(),
            reader: bot.app().reader(),
            clock: bot.clock(),
            hooks: bot.hooks(),
            curl: bot.curl(),
            sqlite: bot.sqlite(),
            http: reqwest::Client::builder().no_proxy().build()?,
            wishes,
        })
    }

    async fn wish(&self, wish: Wish) -> Result<(), Refused> {
        let (done, heard) = oneshot::channel();
        self.wishes.send((wish, done)).await.map_err(|_| Refused::stopping())?;
        heard.await.map_err(|_| Refused::stopping())
    }

    /// When the next step of a ladder is due.
    async fn next(&self) -> Result<Option<Duration>, Refused> {
        let now = self.clock.now();
        let (passed, next) =
            self.reader.query(move |connection| due::passed(connection, now)).await?;
        Ok(if passed.is_empty() { next.map(|next| next.since(now)) } else { Some(Duration::ZERO) })
    }
}

/// Where Slack's page finds it.
pub fn panel(address: SocketAddr) -> Panel {
    Panel { title: "Behind the scenes".to_owned(), url: format!("http://{address}/") }
}

/// Runs until it is cut; `tools` is the page of the stand-ins.
pub async fn serve(listener: TcpListener, behind: Behind, tools: Router) {
    let routes = Router::new()
        .route("/", get(async || Html(PAGE)))
        .route("/record", get(record))
        .route("/alert", post(alert))
        .route("/time", post(time))
        .route("/slack", post(slack))
        .route("/crash", post(crash))
        .with_state(behind)
        .nest(super::tools::PATH, tools)
        .layer(middleware::from_fn(from_here));
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::warn!(%error, "Behind the scenes nobody answers any more");
    }
}

/// Why nothing was done, in words.
struct Refused(StatusCode, String);

impl Refused {
    fn stopping() -> Self {
        Self(StatusCode::SERVICE_UNAVAILABLE, "the demo is stopping".to_owned())
    }
}

impl<E: std::error::Error> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

impl axum::response::IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

type Answer = Result<Json<Value>, Refused>;

/// Another site's page may have a name that leads to this machine: only who asks for this machine by its own is answered.
async fn from_here(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.and_then(|host| host.rsplit_once(':')).map_or(host, |(name, _)| Some(name));
    match name {
        Some("127.0.0.1" | "localhost" | "[::1]") => next.run(request).await,
        _ => (StatusCode::FORBIDDEN, "ask for 127.0.0.1").into_response(),
    }
}

/// The newest interactions as they are written, the chain's end, and what comes next.
async fn record(State(behind): State<Behind>) -> Answer {
    let read = |connection: &rusqlite::Connection| {
        Ok((queries::newest_interactions(connection, 30)?, journal::head(connection)?))
    };
    let (interactions, head) = behind.reader.query(read).await?;
    let head = head
        .map(|head| json!({"seq": head.seq, "hash": crate::domain::alert::dedup::hex(&head.hash)}));
    Ok(Json(json!({
        "interactions": interactions, "head": head, "sqlite": behind.sqlite, "curl": behind.curl,
        "next_seconds": behind.next().await?.map(|next| next.as_secs()),
        "slack_is_down": behind.slack_is_down.load(Ordering::Relaxed),
    })))
}

/// Sends the body to the bot's webhook as a source does; its status and answer.
async fn alert(State(behind): State<Behind>, Json(body): Json<Value>) -> Answer {
    let url = format!("{}soc", behind.hooks);
    let sent = behind.http.post(url).bearer_auth(TOKEN).json(&body).send().await?;
    let status = sent.status().as_u16();
    let answer: Value = sent.json().await.unwrap_or_default();
    Ok(Json(json!({"status": status, "answer": answer})))
}

/// `{"seconds": 300}`, or without it as long as until the next step of a ladder.
async fn time(State(behind): State<Behind>, Json(body): Json<Value>) -> Answer {
    let span = match body["seconds"].as_u64() {
        Some(seconds) => Some(Duration::from_secs(seconds).min(LONGEST)),
        None => behind.next().await?.map(|next| next + Duration::from_secs(1)),
    };
    if let Some(span) = span {
        behind.wish(Wish::Skip(span)).await?;
    }
    Ok(Json(json!({"skipped_seconds": span.map(|span| span.as_secs())})))
}

/// `{"down": true}`: Slack is away until `{"down": false}`.
async fn slack(State(behind): State<Behind>, Json(body): Json<Value>) -> Answer {
    let down = body["down"].as_bool().unwrap_or_default();
    behind.slack_is_down.store(down, Ordering::Relaxed);
    behind.sim.set_down(down);
    Ok(Json(json!({"slack_is_down": down})))
}

/// The bot dies where it stands, and is started again.
async fn crash(State(behind): State<Behind>, Json(_): Json<Value>) -> Answer {
    behind.wish(Wish::Crash).await?;
    Ok(Json(json!({"crashed": true})))
}
