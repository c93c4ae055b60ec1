//! `conversations.members`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::pages::{cursor, page};
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let id = state.may_see(args)?;
    let members = state.channels.get(&id).map(|c| c.members.clone()).unwrap_or_default();
    let (members, next) = page(&members, args, (100, 1000))?;
    Ok(json!({"members": members, "response_metadata": cursor(&next)}))
}
