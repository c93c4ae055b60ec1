//! `conversations.info`.
use serde_json::json;

use super::args::Args;
use super::{Answer, Refused};
use crate::sim::state::State;
use crate::sim::state::channels::Kind;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let id = state.may_see(args)?;
    let channel = state.channels.get(&id).ok_or("channel_not_found")?;
    Ok(json!({"channel": channel.wire(state)}))
}

impl State {
    /// A channel whose existence the bot may know of, with the scope of its kind.
    pub(super) fn may_see(&self, args: &Args) -> Result<String, Refused> {
        let id = self.exact_channel(args)?;
        let channel = self.channels.get(&id).ok_or("channel_not_found")?;
        if channel.kind == Kind::Private && !channel.has(&self.options.app.bot_user) {
            return Err("channel_not_found".into());
        }
        self.need_scope(&format!("{}:read", channel.family()))?;
        Ok(id)
    }
}
