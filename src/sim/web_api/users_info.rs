//! `users.info`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let user = state.users.get(args.need("user")?).ok_or("user_not_found")?;
    Ok(json!({"user": user.wire(state)}))
}
