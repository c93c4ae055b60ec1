//! `auth.test`: who the token is.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let (team, app) = (&state.options.team, &state.options.app);
    if args.token.as_deref() == Some(&app.app_token) {
        let id = app.app_token_of.as_ref().unwrap_or(&app.id);
        return Ok(json!({"app_name": app.name, "app_id": id}));
    }
    Ok(json!({
        "url": format!("https://{}.slack.com/", team.domain), "team": team.name, "user": app.name, "team_id": team.id,
        "user_id": app.bot_user, "bot_id": app.bot_id, "is_enterprise_install": false,
    }))
}
