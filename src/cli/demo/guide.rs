//! One line above the messages: what to try next. It unfolds as the story goes on.

use crate::sim::Sim;
use crate::store::Reader;
use crate::store::queries::{self, Interaction};
use crate::store::runs;
use std::time::Duration;

/// How often it is looked at what was done.
const LOOK: Duration = Duration::from_millis(400);
/// So many of the newest are looked at.
const MOST: usize = 50;

/// What says that a line has been followed.
#[derive(Clone, Copy)]
enum Until {
    /// Somebody did this, with this outcome; an empty action is any.
    Acted(&'static str, &'static str),
    /// A run waits for somebody's word, for nobody knows whether a step of it happened.
    InDoubt,
    /// It is the last one.
    End,
}

/// What to try, and what says that it was done.
const STEPS: [(&str, Until); 8] = [
    (
        "A critical alert waits in #soc-critical: press Acknowledge, and nobody else is woken.",
        Until::Acted("acknowledge", "done"),
    ),
    (
        "It is yours. Now be Dave, the auditor (choose him under “You are”), and press a button.",
        Until::Acted("", "denied"),
    ),
    (
        "Refused, and recorded: see “Behind the scenes”. Be Alice again, and resolve the alert.",
        Until::Acted("resolve", "done"),
    ),
    (
        "The other alert waits in #soc-alerts. Do nothing, or let 5 minutes pass “Behind the scenes”: it comes back by itself. \
         Or act on the first one: press “Isolate a host…”, and read what will be done.",
        Until::Acted("run", "done"),
    ),
    (
        "Nothing is done yet. “Stand-ins” shows the host. Be Carla, the lead, and press Approve in the alert’s thread.",
        Until::Acted("approve", "done"),
    ),
    (
        "The EDR cuts it off; “Undo…” in the thread lets it back. Now a crash in the middle: in “Stand-ins” press “Hold Jira’s next \
         answer”, start “Open a ticket…” with the project SEC, and press “Crash the bot” while it runs.",
        Until::InDoubt,
    ),
    (
        "Was the ticket opened? The bot cannot know, and guesses nothing. Look at the tickets in “Stand-ins”, and say it in the thread.",
        Until::Acted("decide_step", "done"),
    ),
    (
        "Opened once, and recorded who said so. #soc-alerts has a user to suspend and a leaked secret to revoke.",
        Until::End,
    ),
];

/// Runs until all but the last were done.
pub async fn run(sim: Sim, reader: Reader) {
    for (words, until) in STEPS {
        sim.set_prompt(words);
        while !is_done(&reader, until).await {
            tokio::time::sleep(LOOK).await;
        }
    }
}

async fn is_done(reader: &Reader, until: Until) -> bool {
    match until {
        Until::Acted(action, outcome) => acted(reader, (action, outcome)).await,
        Until::InDoubt => in_doubt(reader).await,
        Until::End => std::future::pending().await,
    }
}

async fn in_doubt(reader: &Reader) -> bool {
    let waits = |connection: &rusqlite::Connection| {
        for run in runs::unended(connection, None, MOST)? {
            if runs::load(connection, &run)?.is_some_and(|run| run.in_question().is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    };
    reader.query(waits).await.unwrap_or(false)
}

async fn acted(reader: &Reader, (action, outcome): (&str, &str)) -> bool {
    let newest = reader.query(|connection| queries::newest_interactions(connection, MOST)).await;
    // A source resolves its own alerts: that is nobody's doing.
    let is_it = |one: &Interaction| {
        one.actor.starts_with('U')
            && one.outcome == outcome
            && (action.is_empty() || one.action == action)
    };
    newest.is_ok_and(|all| all.iter().any(is_it))
}
