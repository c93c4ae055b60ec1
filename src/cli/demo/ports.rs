//! Which ports the demo listens on: the one that was asked for, else the first free ones from 4040 on.

use anyhow::Context as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// The page's port where none is asked for, and how many are tried from there on.
const FIRST: u16 = 4040;
const TRIES: u16 = 50;

pub fn on(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Listens by `listen` on the first port from `from` on that is free.
pub async fn first_free<T>(
    from: u16,
    listen: impl AsyncFn(SocketAddr) -> std::io::Result<T>,
) -> anyhow::Result<T> {
    for port in from..=from.saturating_add(TRIES - 1) {
        match listen(on(port)).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            started => return started.with_context(|| format!("cannot listen on port {port}")),
        }
    }
    anyhow::bail!("no port is free from {from} on: name one with --port")
}

/// Slack's own.
pub async fn page<T>(
    asked: Option<u16>,
    listen: impl AsyncFn(SocketAddr) -> std::io::Result<T>,
) -> anyhow::Result<T> {
    let Some(port) = asked else { return first_free(FIRST, listen).await };
    let hint = "try another, or 0: the system chooses";
    listen(on(port)).await.with_context(|| format!("cannot listen on port {port} ({hint})"))
}

/// That of what stands behind it: the next one, so that both can be named in a line for SSH.
pub async fn beside(asked: Option<u16>) -> anyhow::Result<TcpListener> {
    match asked.unwrap_or(FIRST) {
        // There is no next one: the system chooses.
        0 | u16::MAX => Ok(TcpListener::bind(on(0)).await?),
        port => first_free(port + 1, TcpListener::bind).await,
    }
}
