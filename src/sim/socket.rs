//! Socket Mode: one task for each WebSocket.
use std::time::Duration;

/// Slack warns so long before it renews a socket. (docs.slack.dev, Socket Mode)
pub const WARNING: Duration = Duration::from_secs(10);
