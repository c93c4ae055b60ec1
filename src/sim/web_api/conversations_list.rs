//! `conversations.list`: private channels only where the bot is a member.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::pages::{cursor, page};
use crate::sim::state::State;
use crate::sim::state::channels::{Channel, Kind};

pub fn run(state: &mut State, args: &Args) -> Answer {
    let mut types = args.ids("types");
    if types.is_empty() {
        types.push("public_channel".into());
    }
    for kind in &types {
        match kind.as_str() {
            "public_channel" => state.need_scope("channels:read")?,
            "private_channel" => state.need_scope("groups:read")?,
            "im" => state.need_scope("im:read")?,
            "mpim" => state.need_scope("mpim:read")?,
            _ => return Err("invalid_types".into()),
        }
    }
    let bot = &state.options.app.bot_user;
    let wanted = |channel: &&Channel| match channel.kind {
        Kind::Public => types.iter().any(|t| t == "public_channel"),
        Kind::Private => types.iter().any(|t| t == "private_channel") && channel.has(bot),
        Kind::Dm(_) => types.iter().any(|t| t == "im"),
    };
    let live = |channel: &&Channel| !(args.flag("exclude_archived") && channel.archived);
    let all: Vec<_> =
        state.channels.values().filter(wanted).filter(live).map(|c| c.wire(state)).collect();
    let (channels, next) = page(&all, args, (100, 1000))?;
    Ok(json!({"channels": channels, "response_metadata": cursor(&next)}))
}
