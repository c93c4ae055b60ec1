//! `dnd.teamInfo`: up to 50 people; unknown ones are left out.
use serde_json::{Map, json};

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let wanted = args.ids("users");
    if wanted.is_empty() {
        return Err(super::Refused::invalid("[ERROR] missing required field: users".into()));
    }
    if wanted.len() > 50 {
        return Err("too_many_users".into());
    }
    let known = wanted.iter().filter(|user| state.users.contains_key(*user));
    let dnd =
        |user: &String| state.dnd.get(user).copied().unwrap_or_default().wire(state.now_ms, false);
    let users: Map<_, _> = known.map(|user| (user.clone(), dnd(user))).collect();
    Ok(json!({"users": users}))
}
