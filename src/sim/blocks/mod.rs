//! Block Kit's rules for messages and views, refused in Slack's words.
use serde_json::Value;

/// Problems of a message's `blocks` and `attachments`, in Slack's words; empty: it is valid.
pub fn check_message(_message: &Value) -> Vec<String> {
    Vec::new()
}

/// Problems of a view.
pub fn check_view(_view: &Value) -> Vec<String> {
    Vec::new()
}

/// Whether a message's blocks hold more characters in all than Slack takes.
pub fn too_long(_message: &Value) -> bool {
    false
}
