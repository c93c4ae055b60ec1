//! `chat.postMessage`.
use std::time::Duration;

use super::args::Args;
use super::content::{Content, POST_TEXT, posted, thread_ts};
use super::{Answer, Refused};
use crate::sim::state::State;
use crate::sim::state::messages::Message;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let channel = state.post_target(args)?;
    let mut content = Content::read(args, POST_TEXT)?;
    let thread_ts = thread_ts(args)?;
    state.spend(&channel)?;
    content.name(state);
    let message = Message {
        channel,
        ts: state.next_ts(),
        user: state.options.app.bot_user.clone(),
        by_bot: true,
        text: content.text.unwrap_or_default(),
        blocks: content.blocks.unwrap_or_default(),
        attachments: content.attachments.unwrap_or_default(),
        metadata: content.metadata.filter(|metadata| !metadata.is_null()),
        reply_broadcast: args.flag("reply_broadcast") && thread_ts.is_some(),
        thread_ts,
        ..Message::default()
    };
    let message = state.post(message);
    state.due_message(&message, None);
    posted(state, &message)
}

impl State {
    /// Takes one post from a channel's budget.
    fn spend(&mut self, channel: &str) -> Result<(), Refused> {
        let Some(rate) = self.options.post_rate else { return Ok(()) };
        let every = i64::try_from(rate.every.as_millis()).unwrap_or(i64::MAX).max(1);
        let due = self.post_budget.get(channel).copied().unwrap_or(self.now_ms).max(self.now_ms);
        let ahead = due - self.now_ms - every * i64::from(rate.burst.max(1) - 1);
        if ahead > 0 {
            return Err(Refused::rate_limited(Duration::from_millis(ahead.unsigned_abs())));
        }
        self.post_budget.insert(channel.to_string(), due + every);
        Ok(())
    }
}
