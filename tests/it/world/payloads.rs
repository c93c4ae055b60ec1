//! Alerts as a source sends them.

use serde_json::{Value, json};

/// An alert of this severity; its title is its key.
pub fn alert(severity: &str, title: &str) -> Value {
    json!({"id": title, "title": title, "severity": severity, "hosts": ["prod-db-1"], "rule": "sudo"})
}

/// A critical one.
pub fn critical(title: &str) -> Value {
    alert("critical", title)
}

/// A high one.
pub fn high(title: &str) -> Value {
    alert("high", title)
}
