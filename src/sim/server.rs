//! The HTTP listener.
use std::sync::Arc;

use tokio::net::TcpListener;

use super::workspace::Workspace;

/// Serves until the workspace shuts down.
pub async fn serve(workspace: Arc<Workspace>, listener: TcpListener) {
    let _ = listener;
    workspace.stopped().await;
}
