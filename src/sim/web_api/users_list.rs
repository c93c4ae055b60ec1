//! `users.list`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use super::pages::{cursor, page};
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let all: Vec<_> = state.users.values().map(|user| user.wire(state)).collect();
    let (members, next) = page(&all, args, (1000, 1000))?;
    Ok(
        json!({"members": members, "cache_ts": state.now_ms / 1000, "response_metadata": cursor(&next)}),
    )
}
