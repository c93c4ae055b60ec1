//! `dnd.info`.
use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let user = args.text("user").unwrap_or(&state.options.app.bot_user);
    if !state.users.contains_key(user) {
        return Err("user_not_found".into());
    }
    Ok(state.dnd.get(user).copied().unwrap_or_default().wire(state.now_ms, true))
}
