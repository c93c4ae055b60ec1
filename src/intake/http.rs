//! The HTTP interface (`DESIGN` §5): `POST /hooks/{source}`, `GET /healthz`, `GET /readyz`, `GET /metrics`.

use super::answer::{Answer, said};
use super::hook::Hooks;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http::Uri};
use serde_json::json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// How the process is. Each list holds reasons in words; an empty one is good news.
pub trait Health: Send + Sync {
    /// Which loops no longer advance: the process should be started again.
    fn stuck(&self) -> Vec<String>;
    /// What keeps alerts from being taken or shown: Slack is away, the store cannot write.
    fn unready(&self) -> Vec<String>;
    /// What a person should mend although alerts are taken and shown.
    fn warnings(&self) -> Vec<String>;
}

/// All that the HTTP interface serves.
#[derive(Clone)]
pub struct Http {
    pub hooks: Hooks,
    pub health: Arc<dyn Health>,
    /// The metrics in Prometheus' text format.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
}

/// The peer of a connection, for the log.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The routes.
pub fn router(http: Http) -> Router {
    Router::new()
        .route("/hooks/{source}", post(hook))
        .route("/hooks/{source}/{token}", post(hook))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .method_not_allowed_fallback(wrong_method)
        .fallback(no_such_page)
        .with_state(http)
}

async fn hook(
    State(http): State<Http>,
    path: Result<Path<HashMap<String, String>>, PathRejection>,
    peer: Option<Extension<Peer>>,
    request: Request,
) -> Response {
    let (head, body) = request.into_parts();
    // A path that is not UTF-8 names no source of ours.
    let Path(path) = path.unwrap_or_else(|_| Path(HashMap::new()));
    let name = path.get("source").map(String::as_str).unwrap_or_default();
    let in_query = query_token(&head.uri);
    let token = path.get("token").map(String::as_str).or(in_query.as_deref());

    let answer = http.hooks.take(name, token, &head, body).await;
    // What a stranger puts into the URL is neither a label nor a line of the log.
    let source = if answer == Answer::UnknownSource { "unknown" } else { name };
    let labels = [("source", source.to_owned()), ("outcome", answer.word().to_owned())];
    metrics::counter!("vigie_hooks_total", &labels).increment(1);
    if !matches!(answer, Answer::Taken(_)) {
        let field = match &answer {
            Answer::Unreadable(unreadable) => unreadable.field.as_str(),
            _ => "",
        };
        let peer = peer.map(|Extension(Peer(address))| address.to_string()).unwrap_or_default();
        tracing::warn!(source, peer, outcome = answer.word(), field, "a webhook was refused");
    }
    answer.into_response()
}

fn query_token(uri: &Uri) -> Option<Cow<'_, str>> {
    url::form_urlencoded::parse(uri.query()?.as_bytes())
        .find(|(name, _)| name == "token")
        .map(|(_, token)| token)
}

async fn healthz(State(http): State<Http>) -> Response {
    report(&http.health.stuck(), "live", &[])
}

async fn readyz(State(http): State<Http>) -> Response {
    let mut reasons = http.health.stuck();
    reasons.extend(http.health.unready());
    report(&reasons, "ready", &http.health.warnings())
}

/// What is good says so alone; else why not, and what to mend all the same.
fn report(reasons: &[String], good: &str, warnings: &[String]) -> Response {
    let (code, mut told) = match reasons {
        [] => (StatusCode::OK, json!({"status": good})),
        reasons => {
            let status = format!("not {good}");
            (StatusCode::SERVICE_UNAVAILABLE, json!({"status": status, "reasons": reasons}))
        }
    };
    if !warnings.is_empty() {
        told["warnings"] = json!(warnings);
    }
    said(code, &told)
}

async fn metrics(State(http): State<Http>) -> Response {
    // https://prometheus.io/docs/instrumenting/exposition_formats/
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], (http.metrics)()).into_response()
}

async fn wrong_method(uri: Uri) -> Response {
    let hint = if uri.path().starts_with("/hooks/") {
        "send alerts with POST"
    } else {
        "read this page with GET"
    };
    said(StatusCode::METHOD_NOT_ALLOWED, &json!({"error": "wrong method", "hint": hint}))
}

async fn no_such_page() -> Response {
    let hint = "alerts go to POST /hooks/NAME; there are also /healthz, /readyz and /metrics";
    said(StatusCode::NOT_FOUND, &json!({"error": "no such page", "hint": hint}))
}
