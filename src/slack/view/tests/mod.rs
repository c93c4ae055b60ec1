//! Every view in every state as a snapshot, and every view under hostile text.

mod as_text;
mod hostile;
mod runs;
mod sample;
mod snapshots;

pub use snapshots::every_refusal;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::Line;
use crate::slack::view::{Message, Modal, checks};
use serde_json::{Value, json};
use slackblocks::{MessagePayload, ModalView};

/// What is wrong with a message, by our checks and by `slackblocks`.
fn faults(message: &Message) -> Vec<String> {
    let mut wrong = checks::message(&message.arguments());
    let payload = json!({
        "channel": "C0SOC",
        "text": message.text,
        "blocks": message.blocks,
        "attachments": message.attachments,
    });
    wrong.extend(MessagePayload::try_from(payload).err().map(|e| format!("slackblocks: {e}")));
    wrong
}

/// Lines of one alert's thread.
fn of<'a>(lines: &'a [Line], alert: &'a Alert) -> Vec<(&'a Line, &'a Alert)> {
    lines.iter().map(|line| (line, alert)).collect()
}

/// The same for a form.
fn modal_faults(modal: &Modal) -> Vec<String> {
    let mut wrong = checks::modal(&modal.0);
    wrong.extend(ModalView::try_from(modal.0.clone()).err().map(|e| format!("slackblocks: {e}")));
    wrong
}

/// Mentions of anybody but these.
fn strangers(value: &Value, known: &[&str]) -> Vec<String> {
    checks::mentions(value).into_iter().filter(|id| !known.contains(&id.as_str())).collect()
}
