//! `chat.update`: what is left out (blocks, attachments, metadata) stays as it was.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::content::{Content, UPDATE_TEXT};
use crate::sim::happenings::Happening;
use crate::sim::state::State;
use crate::sim::state::messages::Unread;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let mut message = state.own_message(args, "cant_update_message")?;
    let mut content = Content::read(args, UPDATE_TEXT)?;
    content.name(state);
    message.text = content.text.unwrap_or_default();
    if let Some(blocks) = content.blocks {
        message.blocks = blocks;
    }
    if let Some(attachments) = content.attachments {
        message.attachments = attachments;
    }
    if let Some(metadata) = content.metadata {
        message.metadata = Some(metadata).filter(|metadata| !metadata.is_null());
    }
    message.edited = Some(state.next_ts());
    message.unread = message.unread.or(Some(Unread::Edited));
    if let Some(kept) = state.message_mut(&message.channel, &message.ts) {
        *kept = message.clone();
    }
    let said = state.said(&message);
    state.note(Happening::Updated(said));
    state.due_message(&message, Some("message_changed"));
    let wire = message.wire(state, true);
    Ok(json!({"channel": message.channel, "ts": message.ts, "text": message.text, "message": wire}))
}
