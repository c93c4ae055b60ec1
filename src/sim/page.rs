//! The workspace in a browser.
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};

use super::server::{Reply, text};
use super::workspace::Workspace;

/// Answers a request for the page, for what it shows, or for an act on it.
pub async fn answer(_workspace: &Arc<Workspace>, _request: Request<Incoming>) -> Reply {
    Ok(text(StatusCode::OK, "not yet"))
}
