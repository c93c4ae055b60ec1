//! What the app must be allowed and told for this code to work. `slack-manifest.yaml` says the same to Slack.

/// The bot token's scopes, each with what it is for; `docs/slack-administrator.md` says the same, and more.
pub const SCOPES: [(&str, &str); 12] = [
    ("channels:history", "find its own messages again after a crash or a lost answer"),
    (
        "channels:read",
        "what the channels of its config are called, and whether one takes messages still",
    ),
    ("chat:write", "show alerts, bring them up to date, write in their threads"),
    ("commands", "`/vigie`"),
    ("dnd:read", "who has paused notifications"),
    ("groups:history", "find its own messages again after a crash or a lost answer"),
    (
        "groups:read",
        "what the channels of its config are called, and whether one takes messages still",
    ),
    ("im:history", "find its own messages again after a crash or a lost answer"),
    ("im:write", "open a direct message with whoever is told next"),
    ("usergroups:read", "who is in the user groups that the config gives roles to"),
    ("users:read", "who is a guest, is deactivated, or belongs to another organisation"),
    ("users:read.email", "who is meant where the config names people by e-mail address"),
];

/// What an event says has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Person,
    Groups,
    Channels,
    /// A channel that may take no more messages of ours.
    Place,
    /// Something that was said, changed or deleted.
    Message,
}

/// The events that we subscribe to; `inbound` hears these and no others (why messages: docs/adr/0004-deleted-messages.md).
pub const EVENTS: [(&str, About); 16] = [
    ("channel_archive", About::Place),
    ("channel_created", About::Channels),
    ("channel_deleted", About::Place),
    ("channel_left", About::Place),
    ("channel_rename", About::Channels),
    ("group_archive", About::Place),
    ("group_deleted", About::Place),
    ("group_left", About::Place),
    ("group_rename", About::Channels),
    ("message.channels", About::Message),
    ("message.groups", About::Message),
    ("subteam_created", About::Groups),
    ("subteam_members_changed", About::Groups),
    ("subteam_updated", About::Groups),
    ("team_join", About::Person),
    ("user_change", About::Person),
];

/// The methods that we call, each with the scopes of the bot token that it takes (docs.slack.dev, each method's page).
pub const METHODS: [(&str, &[&str]); 20] = [
    ("apps.connections.open", &[]), // the app token's connections:write
    ("auth.test", &[]),
    ("bots.info", &["users:read"]), // which app a bot token is of, for `vigie doctor`
    ("chat.postEphemeral", &["chat:write"]),
    ("chat.postMessage", &["chat:write"]),
    ("chat.update", &["chat:write"]),
    ("conversations.history", &["channels:history", "groups:history", "im:history"]),
    ("conversations.info", &["channels:read", "groups:read"]),
    ("conversations.list", &["channels:read", "groups:read"]),
    ("conversations.open", &["im:write"]),
    ("conversations.replies", &["channels:history", "groups:history", "im:history"]),
    ("dnd.info", &["dnd:read"]),
    ("dnd.teamInfo", &["dnd:read"]),
    ("usergroups.list", &["usergroups:read"]),
    ("usergroups.users.list", &["usergroups:read"]),
    ("users.info", &["users:read"]),
    ("users.list", &["users:read"]),
    ("users.lookupByEmail", &["users:read.email"]),
    ("views.open", &[]),
    ("response_url", &[]), // no method: the address of an answer
];

/// The slash commands.
pub const COMMANDS: [&str; 1] = ["/vigie"];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use std::path::Path;

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
        assert_eq!(words(&manifest, "/oauth_config/scopes/bot"), SCOPES.map(|(scope, _)| scope));
        assert_eq!(
            words(&manifest, "/settings/event_subscriptions/bot_events"),
            EVENTS.map(|(name, _)| name)
        );
        let commands = manifest["features"]["slash_commands"].as_array().expect("a list");
        let commands: Vec<_> =
            commands.iter().map(|c| c["command"].as_str().expect("a name")).collect();
        assert_eq!(commands, COMMANDS);
    }

    #[test]
    fn every_method_that_is_called_has_its_scopes_and_no_scope_is_asked_for_in_vain() {
        let mut wanted: BTreeSet<&str> =
            METHODS.iter().flat_map(|(_, scopes)| scopes.iter().copied()).collect();
        // It takes no method to be sent a command.
        wanted.insert("commands");
        assert_eq!(wanted, BTreeSet::from(SCOPES.map(|(scope, _)| scope)));
        let listed: BTreeSet<&str> = METHODS.iter().map(|(name, _)| *name).collect();
        let mut called = BTreeSet::from(["response_url".to_owned()]);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/slack");
        collect(&folder, &mut called);
        let called: BTreeSet<&str> = called.iter().map(String::as_str).collect();
        assert_eq!(called, listed);
    }

    /// The names of methods in the code's literals.
    fn collect(folder: &Path, called: &mut BTreeSet<String>) {
        const FAMILIES: [&str; 9] = [
            "apps.",
            "auth.",
            "bots.",
            "chat.",
            "conversations.",
            "dnd.",
            "usergroups.",
            "users.",
            "views.",
        ];
        for entry in std::fs::read_dir(folder).expect("a folder of src/") {
            let path = entry.expect("an entry").path();
            let name = path.to_string_lossy().into_owned();
            if path.is_dir() && !name.ends_with("tests") {
                collect(&path, called);
            }
            if !name.ends_with(".rs") || name.ends_with("tests.rs") || name.ends_with("manifest.rs")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("a source file");
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            for literal in lines.flat_map(|line| line.split('"').skip(1).step_by(2)) {
                let plain = |c: char| c.is_ascii_alphabetic() || c == '.';
                let ours = FAMILIES.iter().any(|family| literal.starts_with(family));
                if ours && literal.chars().all(plain) {
                    called.insert(literal.to_owned());
                }
            }
        }
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
