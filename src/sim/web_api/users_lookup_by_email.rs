//! `users.lookupByEmail`: deactivated people are not found.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let email = args.need("email")?;
    let found =
        state.users.values().find(|user| !user.deleted && user.email.eq_ignore_ascii_case(email));
    let user = found.ok_or("users_not_found")?;
    Ok(json!({"user": user.wire(state)}))
}
