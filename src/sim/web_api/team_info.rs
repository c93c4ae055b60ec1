//! `team.info`.
use serde_json::json;

use super::Answer;
use super::args::Args;
use crate::sim::state::State;

pub fn run(state: &mut State, _args: &Args) -> Answer {
    let team = &state.options.team;
    Ok(json!({"team": {
        "id": team.id, "name": team.name, "domain": team.domain, "email_domain": "", "url": format!("https://{}.slack.com/", team.domain),
        "icon": {"image_default": true},
    }}))
}
