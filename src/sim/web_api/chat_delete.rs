//! `chat.delete`, of the bot's own messages.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let message = state.own_message(args, "cant_delete_message")?;
    state.remove_message(&message.channel, &message.ts);
    state.due_message(&message, Some("message_deleted"));
    Ok(json!({"channel": message.channel, "ts": message.ts}))
}
