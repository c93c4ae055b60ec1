//! `apps.connections.open`: hands out the address of a WebSocket with a ticket that works once.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, _args: &Args) -> Answer {
    let ticket = format!("{}-{}", state.secret(), state.secret());
    let url = format!(
        "ws://{}/link?ticket={ticket}&app_id={}",
        state.options.listen, state.options.app.id
    );
    state.links.insert(ticket, state.now_ms);
    Ok(json!({"url": url}))
}
