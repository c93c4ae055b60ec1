//! What the app must be allowed and told for this code to work. `slack-manifest.yaml` says the same to Slack.

/// The bot token's scopes, each with what needs it.
pub const SCOPES: [&str; 12] = [
    "channels:history", // adoption: finding what was posted
    "channels:read",    // directory: names of channels
    "chat:write",       // outbound
    "commands",         // the slash command
    "dnd:read",         // reach
    "groups:history",   // adoption, in private channels
    "groups:read",      // directory, private channels
    "im:history",       // adoption, in direct messages
    "im:write",         // outbound: opening direct messages
    "usergroups:read",  // directory: who is in a group
    "users:read",       // directory: who is a guest, or gone
    "users:read.email", // directory: who an e-mail address is
];

/// The events that we subscribe to: each makes the directory look again.
pub const EVENTS: [&str; 8] = [
    "channel_created",
    "channel_rename",
    "group_rename",
    "subteam_created",
    "subteam_members_changed",
    "subteam_updated",
    "team_join",
    "user_change",
];

/// The slash commands.
pub const COMMANDS: [&str; 1] = ["/vigie"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn manifest() -> Value {
        let text = include_str!("../../slack-manifest.yaml");
        serde_saphyr::from_str(text).expect("the manifest is YAML")
    }

    fn words<'a>(manifest: &'a Value, pointer: &str) -> Vec<&'a str> {
        let list = manifest.pointer(pointer).and_then(Value::as_array).expect("a list");
        list.iter().map(|word| word.as_str().expect("a word")).collect()
    }

    #[test]
    fn the_manifest_asks_for_what_the_code_uses_and_no_more() {
        let manifest = manifest();
        assert_eq!(words(&manifest, "/oauth_config/scopes/bot"), SCOPES);
        assert_eq!(words(&manifest, "/settings/event_subscriptions/bot_events"), EVENTS);
        let commands = manifest["features"]["slash_commands"].as_array().expect("a list");
        let commands: Vec<_> =
            commands.iter().map(|c| c["command"].as_str().expect("a name")).collect();
        assert_eq!(commands, COMMANDS);
    }

    #[test]
    fn the_manifest_switches_on_what_we_listen_by() {
        let manifest = manifest();
        assert_eq!(manifest["settings"]["socket_mode_enabled"], true);
        assert_eq!(manifest["settings"]["interactivity"]["is_enabled"], true);
        let name = manifest["display_information"]["name"].as_str().expect("a name");
        assert!(name.len() <= 35, "Slack's limit");
    }
}
