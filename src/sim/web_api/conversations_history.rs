//! `conversations.history`: newest first, without thread replies (unless they were broadcast).
use serde_json::json;

use super::args::Args;
use super::pages::page;
use super::{Answer, Refused};
use crate::sim::state::messages::Message;
use crate::sim::state::{State, ts_micros};

pub fn run(state: &mut State, args: &Args) -> Answer {
    let channel = state.may_read(args)?;
    let window = Window::read(args)?;
    let all = state.messages.get(&channel).into_iter().flatten();
    let mut found: Vec<&Message> = all
        .filter(|m| (m.thread_ts.is_none() || m.reply_broadcast) && window.holds(&m.ts))
        .collect();
    found.reverse();
    let (messages, next) = page(&found, args, (100, 999))?;
    let metadata = args.flag("include_all_metadata");
    let messages: Vec<_> = messages.into_iter().map(|m| m.wire(state, metadata)).collect();
    let mut answer = json!({
        "messages": messages, "has_more": !next.is_empty(), "pin_count": 0, "channel_actions_ts": null, "channel_actions_count": 0,
    });
    if !next.is_empty() {
        answer["response_metadata"] = super::pages::cursor(&next);
    }
    Ok(answer)
}

/// `oldest` and `latest`, in microseconds; the ends count only with `inclusive`.
pub struct Window {
    oldest: i64,
    latest: i64,
    inclusive: bool,
}

impl Window {
    pub fn read(args: &Args) -> Result<Self, Refused> {
        let end = |name: &str, word: &'static str, default: i64| match args.text(name) {
            None => Ok(default),
            Some(ts) => ts_micros(ts).ok_or(Refused::from(word)),
        };
        Ok(Self {
            oldest: end("oldest", "invalid_ts_oldest", i64::MIN)?,
            latest: end("latest", "invalid_ts_latest", i64::MAX)?,
            inclusive: args.flag("inclusive"),
        })
    }

    pub fn holds(&self, ts: &str) -> bool {
        let Some(at) = ts_micros(ts) else { return false };
        let inside = at > self.oldest && at < self.latest;
        inside || self.inclusive && (at == self.oldest || at == self.latest)
    }
}
