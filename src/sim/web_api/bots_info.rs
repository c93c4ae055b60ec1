//! `bots.info`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let app = &state.options.app;
    if args.text("bot").is_some_and(|bot| bot != app.bot_id) {
        return Err("bot_not_found".into());
    }
    let updated = state.options.epoch_ms / 1000;
    Ok(json!({"bot": {
        "id": app.bot_id, "deleted": false, "name": app.name, "updated": updated, "app_id": app.id,
        "user_id": app.bot_user, "icons": {},
    }}))
}
