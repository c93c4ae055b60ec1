//! Which lane an effect goes in, and how soon: one channel's posts follow one another, and criticals go first.

use crate::domain::alert::Severity;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::Effect;
use crate::domain::event::Way;

/// A lane's name and the effect's place in it; smaller goes first.
pub fn place(effect: &Effect, alert: Option<&Alert>) -> (String, i64) {
    let channel = || alert.map_or("", |alert| alert.place().0.as_str());
    let (lane, kind) = match effect {
        Effect::Post { .. } => (format!("post {}", channel()), 0),
        Effect::Notify { told, .. } => match &told.how {
            Way::Thread => (format!("post {}", channel()), 1),
            Way::Channel(other) => (format!("post {}", other.0), 1),
            Way::Dm => {
                (format!("dm {}", told.people.first().map_or("", |person| person.as_str())), 1)
            }
        },
        Effect::Line { .. } => (format!("post {}", channel()), 2),
        Effect::Update { .. } => (format!("update {}", channel()), 0),
        Effect::UpdateCopy { channel, .. } => (format!("update {channel}"), 1),
        Effect::Reply { to, .. } => (format!("reply {}", to.user), 0),
    };
    (lane, alert.map_or(0, |alert| urgency(alert.severity)) + kind)
}

/// What an alert's severity adds to the place of its effects; the kinds of effect fit between two severities.
pub fn urgency(severity: Severity) -> i64 {
    severity as i64 * 10
}

/// Whether it can only be done once the alert's message stands.
pub fn needs_message(effect: &Effect) -> bool {
    match effect {
        Effect::Notify { told, .. } => told.how == Way::Thread,
        Effect::Line { .. } | Effect::Update { .. } => true,
        Effect::Post { .. } | Effect::UpdateCopy { .. } | Effect::Reply { .. } => false,
    }
}
