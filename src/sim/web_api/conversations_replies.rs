//! `conversations.replies`: the parent, then its replies, oldest first.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::conversations_history::Window;
use super::pages::page;
use crate::sim::state::State;
use crate::sim::state::messages::Message;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let channel = state.may_read(args)?;
    let ts = args.need("ts")?;
    let window = Window::read(args)?;
    let parent = state.message(&channel, ts);
    let replies = state.replies(&channel, ts);
    if parent.is_none() && replies.is_empty() {
        return Err("thread_not_found".into());
    }
    let inside = replies.into_iter().filter(|m| window.holds(&m.ts));
    let found: Vec<&Message> = parent.into_iter().chain(inside).collect();
    let (messages, next) = page(&found, args, (1000, 1000))?;
    let metadata = args.flag("include_all_metadata");
    let messages: Vec<_> = messages.into_iter().map(|m| m.wire(state, metadata)).collect();
    let mut answer = json!({"messages": messages, "has_more": !next.is_empty()});
    if !next.is_empty() {
        answer["response_metadata"] = super::pages::cursor(&next);
    }
    Ok(answer)
}
