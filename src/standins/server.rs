//! The HTTP listener of a stand-in: reads each request whole, and lets go wrong what is to go wrong.

use super::desk::Desk;
use super::faults::Fault;
use super::wire::{Answer, Content, Request};
use axum::body::Body;
use futures_util::{StreamExt as _, stream};
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::{fmt, io};
use tokio::net::{TcpListener, TcpStream};

/// The largest body that is read, in bytes.
const BODY_LIMIT: usize = 4 << 20;

/// The connection is to be closed without an answer.
#[derive(Debug)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

type Reply = Result<hyper::Response<Body>, Dropped>;

/// Serves until the stand-in shuts down.
pub async fn serve(desk: Arc<Desk>, listener: TcpListener) {
    loop {
        tokio::select! {
            () = desk.stopped() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) if !desk.change(|world| world.faults.cuts_connection()) => {
                    tokio::spawn(connection(Arc::clone(&desk), stream));
                }
                Ok(_) => {}
                Err(error) => tracing::warn!(%error, "a stand-in could not accept a connection"),
            },
        }
    }
}

async fn connection(desk: Arc<Desk>, stream: TcpStream) {
    // Without it Nagle's wait looks like idleness, and paused time leaps over it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(|request| answer(Arc::clone(&desk), request));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = desk.stopped() => {}
        // How a client's connection ends is the client's matter.
        _ = served => {}
    }
}

async fn answer(desk: Arc<Desk>, request: hyper::Request<Incoming>) -> Reply {
    let (head, body) = request.into_parts();
    let mut request = Request::of_head(&head);
    let fault = desk.fault(&request);
    if fault == Some(Fault::Drop) {
        return Err(Dropped);
    }
    // Who dies in the middle of a request has asked for nothing.
    let body = axum::body::to_bytes(Body::new(body), BODY_LIMIT).await.map_err(|_| Dropped)?;
    request.body = body.to_vec();
    let answer = match fault {
        Some(Fault::Late(by)) => {
            // In a task of its own: where nobody waits any more, this very future is dropped.
            let done = tokio::spawn(async move {
                tokio::time::sleep(by).await;
                desk.perform(request, fault.as_ref())
            });
            return done.await.map(|answer| response(&answer)).map_err(|_| Dropped);
        }
        _ => desk.perform(request, fault.as_ref()),
    };
    match fault {
        Some(Fault::LoseAnswer) => Err(Dropped),
        Some(Fault::HalfAnswer) => Ok(half(&answer)),
        Some(Fault::Slow(by)) => {
            tokio::time::sleep(by).await;
            Ok(response(&answer))
        }
        _ => Ok(response(&answer)),
    }
}

fn response(answer: &Answer) -> hyper::Response<Body> {
    let (kind, body) = match &answer.content {
        Content::Nothing => (None, String::new()),
        Content::Json(value) => (Some("application/json; charset=utf-8"), value.to_string()),
        Content::Text(text) => (Some("text/plain; charset=utf-8"), (*text).to_owned()),
    };
    let mut response = hyper::Response::new(Body::from(body));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in &answer.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.append(name, value);
        }
    }
    response
}

/// The head promises all of it, half of it leaves, and the connection is cut.
fn half(answer: &Answer) -> hyper::Response<Body> {
    let Content::Json(value) = &answer.content else { return response(answer) };
    let whole = value.to_string();
    let part = whole.as_bytes()[..whole.len() / 2].to_vec();
    let cut = stream::once(async {
        // What was written before leaves first.
        tokio::task::yield_now().await;
        Err(io::Error::other(Dropped))
    });
    let mut response = response(answer);
    *response.body_mut() = Body::from_stream(stream::once(async { Ok(part) }).chain(cut));
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    response
}
