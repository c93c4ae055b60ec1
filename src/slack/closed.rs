//! What Slack has closed for a while (`Retry-After`): nothing of it is sent before its time, whoever in the house wants it.
//!
//! The dispatcher plans by `pacing`; but calls on the way to a post (looking for it, opening direct messages) and the directory's
//! are others', and another lane may start between an answer and what the dispatcher learns of it.

use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A method; of posts, in one channel: Slack counts them by channel.
pub(super) type Place = (&'static str, Option<String>);

/// The windows that are open.
#[derive(Debug, Default)]
pub(super) struct Closed(Mutex<HashMap<Place, Instant>>);

/// Where Slack counts this call.
pub(super) fn place(method: &'static str, arguments: &Value) -> Place {
    let channel = match method {
        "chat.postMessage" | "chat.postEphemeral" => arguments.get("channel"),
        _ => None,
    };
    (method, channel.and_then(Value::as_str).map(str::to_owned))
}

impl Closed {
    /// How long it must still wait, where it must.
    pub(super) fn left(&self, place: &Place) -> Option<Duration> {
        let until = self.lock().get(place).copied()?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Slack has just said so.
    pub(super) fn close(&self, place: Place, after: Duration) {
        let (now, mut windows) = (Instant::now(), self.lock());
        windows.retain(|_, until| *until > now);
        let until = windows.entry(place).or_insert(now);
        *until = (*until).max(now + after);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
