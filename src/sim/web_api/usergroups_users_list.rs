//! `usergroups.users.list`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let group = state.usergroups.get(args.need("usergroup")?).ok_or("no_such_subteam")?;
    if group.disabled && !args.flag("include_disabled") {
        return Err("no_such_subteam".into());
    }
    Ok(json!({"users": group.users}))
}
