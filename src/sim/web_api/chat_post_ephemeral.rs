//! `chat.postEphemeral`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::content::{Content, UPDATE_TEXT, thread_ts};
use crate::sim::state::State;
use crate::sim::state::messages::Message;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let channel = state.post_target(args)?;
    let user = args.need("user")?.to_string();
    if !state.channels.get(&channel).is_some_and(|c| c.has(&user)) {
        return Err("user_not_in_channel".into());
    }
    let mut content = Content::read(args, UPDATE_TEXT)?;
    content.name(state);
    let ts = state.next_ts();
    let bot = state.options.app.bot_user.clone();
    state.whisper(Message {
        channel,
        ts: ts.clone(),
        user: bot,
        by_bot: true,
        text: content.text.unwrap_or_default(),
        blocks: content.blocks.unwrap_or_default(),
        attachments: content.attachments.unwrap_or_default(),
        thread_ts: thread_ts(args)?,
        ephemeral_to: Some(user),
        ..Message::default()
    });
    Ok(json!({"message_ts": ts}))
}
