//! `usergroups.list`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let all =
        state.usergroups.values().filter(|group| !group.disabled || args.flag("include_disabled"));
    let groups: Vec<_> = all.map(|group| group.wire(state, args.flag("include_users"))).collect();
    Ok(json!({"usergroups": groups}))
}
