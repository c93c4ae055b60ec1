//! The HTTP listener: accepts connections and sends each request to the part of the workspace that answers it.
use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

use super::workspace::Workspace;
use super::{page, socket, web_api};

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 4 << 20;

/// The connection is to be closed without an answer.
#[derive(Debug)]
pub struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

pub type Reply = Result<Response<Body>, Dropped>;

/// Serves until the workspace shuts down.
pub async fn serve(workspace: Arc<Workspace>, listener: TcpListener) {
    loop {
        tokio::select! {
            () = workspace.stopped() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => { tokio::spawn(connection(Arc::clone(&workspace), stream)); }
                Err(error) => tracing::warn!(%error, "the simulated Slack could not accept a connection"),
            },
        }
    }
}

async fn connection(workspace: Arc<Workspace>, stream: TcpStream) {
    // Without it Nagle's wait looks like idleness, and paused time leaps over it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(|request| route(Arc::clone(&workspace), request));
    let served =
        http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::select! {
        () = workspace.stopped() => {}
        // How a client's connection ends is the client's matter.
        _ = served => {}
    }
}

async fn route(workspace: Arc<Workspace>, request: Request<Incoming>) -> Reply {
    let path = request.uri().path().to_string();
    if let Some(method) = path.strip_prefix("/api/") {
        return web_api::answer(&workspace, method, request).await;
    }
    match path.as_str() {
        "/link" | "/link/" => socket::upgrade(workspace, request).await,
        "/" | "/page/state" | "/page/act" => page::answer(&workspace, request).await,
        _ if path.starts_with("/actions/") || path.starts_with("/commands/") => {
            web_api::response_url::answer(&workspace, request).await
        }
        _ => Ok(text(StatusCode::NOT_FOUND, "there is nothing here")),
    }
}

/// A request's body; what cannot be read is as good as empty.
pub async fn body(request: Request<Incoming>) -> Vec<u8> {
    match axum::body::to_bytes(Body::new(request.into_body()), BODY_LIMIT).await {
        Ok(bytes) => bytes.to_vec(),
        Err(error) => {
            tracing::warn!(%error, "a request's body could not be read");
            Vec::new()
        }
    }
}

pub fn text(status: StatusCode, words: &str) -> Response<Body> {
    with_type(status, "text/plain; charset=utf-8", words.to_string())
}

pub fn json(status: StatusCode, value: &Value) -> Response<Body> {
    with_type(status, "application/json; charset=utf-8", value.to_string())
}

pub fn with_type(status: StatusCode, content_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
