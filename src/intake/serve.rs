//! The listener: takes connections within bounds, and lets those in work end when it stops.
//!
//! Against slow senders: a connection must send a request's head within `HEAD`, also the next one of a kept-alive
//! connection; a body is bounded by `body::Bounds`; more than `MOST` connections wait in the kernel's queue. Against those who
//! ask and never read: an answer of which nothing is taken for `TAKING` ends the connection.
//! Against those who open a connection and shake no hands: `tls`.

use super::http::{Http, Peer, router};
use super::impatient::Impatient;
use super::tls::Tls;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// For a request's line and headers, and for the silence between two requests.
const HEAD: Duration = Duration::from_secs(20);
/// For the peer to take some part of an answer.
const TAKING: Duration = Duration::from_secs(20);
/// Bytes of a request's line and headers.
const HEAD_BYTES: usize = 64 * 1024;
/// Connections at once.
const MOST: usize = 512;
/// For requests in work, when the listener stops.
const GRACE: Duration = Duration::from_secs(10);

/// Serves until `shutdown` ends; then takes no more connections, and returns when those in work are answered (at most ten
/// seconds later).
pub async fn serve(
    listener: TcpListener,
    http: Http,
    tls: Option<Tls>,
    shutdown: impl Future<Output = ()>,
) {
    let room = Arc::new(Semaphore::new(MOST));
    let (stop, stopping) = watch::channel(());
    let house = House { router: router(http), tls, stopping };
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            guest = accept(&listener, &room) => {
                connections.spawn(connection(guest, house.clone()));
            }
        }
    }
    drop(listener);
    drop(stop);
    drop(house);
    let all_answered = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE, all_answered).await.is_err() {
        tracing::warn!("webhooks in work were cut off; their senders will send them again");
    }
}

/// What each connection has of the listener.
#[derive(Clone)]
struct House {
    router: Router,
    tls: Option<Tls>,
    stopping: watch::Receiver<()>,
}

/// A connection that was taken, and its place.
struct Guest {
    stream: TcpStream,
    peer: SocketAddr,
    room: OwnedSemaphorePermit,
}

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Guest {
    let room = Arc::clone(room).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Only a speed-up, and the connection works without.
                let _ = stream.set_nodelay(true);
                return Guest { stream, peer, room };
            }
            Err(error) => {
                // No file handles left, or a peer that went away: neither gets better by trying at once.
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn connection(guest: Guest, mut house: House) {
    let Guest { stream, peer, room: _room } = guest;
    let stream = Impatient::new(stream, TAKING);
    match house.tls.take() {
        None => converse(stream, peer, house).await,
        Some(tls) => {
            let shaken = tokio::select! {
                shaken = tls.handshake(stream) => shaken,
                _ = house.stopping.changed() => None,
            };
            if let Some(stream) = shaken {
                converse(stream, peer, house).await;
            }
        }
    }
}

async fn converse<T>(stream: T, peer: SocketAddr, house: House)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let House { router, mut stopping, .. } = house;
    let service = TowerToHyperService::new(router.layer(Extension(Peer(peer))));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = stopping.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
