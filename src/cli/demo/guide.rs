//! One line above the messages: what to try next. It unfolds as the story goes on.

use crate::sim::Sim;
use crate::store::Reader;
use crate::store::queries::{self, Interaction};
use std::time::Duration;

/// How often it is looked at what was done.
const LOOK: Duration = Duration::from_millis(400);

/// What to try, and the outcome of which action says that it was done: an empty action is any.
const STEPS: [(&str, Option<(&str, &str)>); 4] = [
    (
        "A critical alert waits in #soc-critical: press Acknowledge, and nobody else is woken.",
        Some(("acknowledge", "done")),
    ),
    (
        "It is yours. Now be Dave, the auditor (choose him under “You are”), and press a button.",
        Some(("", "denied")),
    ),
    (
        "Refused, and recorded: see “Behind the scenes”. Be Alice again, and resolve the alert.",
        Some(("resolve", "done")),
    ),
    (
        "The other alert waits in #soc-alerts. Do nothing, or let 5 minutes pass “Behind the scenes”: it comes back by itself.",
        None,
    ),
];

/// Runs until all but the last were done.
pub async fn run(sim: Sim, reader: Reader) {
    for (words, done) in STEPS {
        sim.set_prompt(words);
        let Some(done) = done else { return };
        while !is_done(&reader, done).await {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn is_done(reader: &Reader, (action, outcome): (&str, &str)) -> bool {
    let newest = reader.query(|connection| queries::newest_interactions(connection, 50)).await;
    // A source resolves its own alerts: that is nobody's doing.
    let is_it = |one: &Interaction| {
        one.actor.starts_with('U')
            && one.outcome == outcome
            && (action.is_empty() || one.action == action)
    };
    newest.is_ok_and(|all| all.iter().any(is_it))
}
