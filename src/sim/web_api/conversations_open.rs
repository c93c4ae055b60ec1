//! `conversations.open`, for a direct message with one person.
use serde_json::json;

use super::args::Args;
use super::{Answer, Refused};
use crate::sim::state::State;
use crate::sim::state::channels::Kind;

pub fn run(state: &mut State, args: &Args) -> Answer {
    if args.has("channel") {
        let id = state.exact_channel(args)?;
        return Ok(json!({"no_op": true, "already_open": true, "channel": {"id": id}}));
    }
    let users = args.ids("users");
    let [user] = users.as_slice() else {
        return Err(Refused::invalid(
            "[ERROR] the simulator opens DMs with exactly one user".into(),
        ));
    };
    let person = state.users.get(user).ok_or("user_not_found")?;
    match (person.deleted, person.is_bot) {
        (true, _) => return Err("user_disabled".into()),
        (_, true) => return Err("cannot_dm_bot".into()),
        (false, false) => {}
    }
    let open = state.channels.values().any(|c| matches!(&c.kind, Kind::Dm(with) if with == user));
    if args.flag("prevent_creation") && !open {
        return Err("channel_not_found".into());
    }
    let id = state.dm_with(user);
    let whole = state.channels.get(&id).filter(|_| args.flag("return_im")).map(|c| c.wire(state));
    let mut answer = json!({"channel": whole.unwrap_or_else(|| json!({"id": id}))});
    if open {
        answer["no_op"] = json!(true);
        answer["already_open"] = json!(true);
    }
    Ok(answer)
}
