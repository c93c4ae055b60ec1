//! `chat.getPermalink`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let channel = state.exact_channel(args)?;
    let ts = args.need("message_ts")?;
    let message = state.message(&channel, ts).ok_or("message_not_found")?;
    let mut link = format!(
        "https://{}.slack.com/archives/{channel}/p{}",
        state.options.team.domain,
        ts.replace('.', "")
    );
    if let Some(parent) = &message.thread_ts {
        link.push_str(&format!("?thread_ts={parent}&cid={channel}"));
    }
    Ok(json!({"channel": channel, "permalink": link}))
}
