//! `views.push`: at most three views in a stack.
use super::Answer;
use super::args::Args;
use super::views_open::view;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let view = view(args, "modal")?;
    let user = state.use_trigger(args.need("trigger_id")?)?;
    state.fresh_external_id(&view)?;
    match state.stacks.get(&user).map_or(0, Vec::len) {
        0 => Err("not_found".into()),
        1 | 2 => state.show(&user, view),
        _ => Err("push_limit_reached".into()),
    }
}
