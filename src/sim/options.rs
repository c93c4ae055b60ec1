//! What a simulated workspace is made of when it starts: addresses, tokens, scopes, subscriptions, rates.
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;

/// Everything a [`super::Sim`] is started with. `Options::default()` is one workspace with one app installed.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// "Now" at the start, in unix milliseconds. From then on the tokio clock moves it.
    pub epoch_ms: i64,
    pub team: Team,
    pub app: App,
    /// What the bot token may do; a method that needs another scope answers `missing_scope`.
    pub scopes: Vec<String>,
    /// Event types the app subscribed to (`message.channels`, `app_home_opened` …); others are not sent.
    pub events: Vec<String>,
    /// Slash commands of the app; empty: every command is ours.
    pub commands: Vec<SlashCommand>,
    /// Whether the app has a Home tab.
    pub home_tab: bool,
    /// Seeds ids and secrets, so that two runs are alike.
    pub seed: u64,
    /// Limit of `chat.postMessage` per channel; none by default.
    pub post_rate: Option<Rate>,
    /// Slack renews every socket after about five hours, with a warning 10 s ahead; never by default.
    pub refresh_sockets_after: Option<Duration>,
    /// Further pages shown beside the simulator's own.
    pub panels: Vec<Panel>,
}

/// The workspace, and the organisation a person on Enterprise Grid belongs to.
#[derive(Clone, Debug)]
pub struct Team {
    pub id: String,
    pub domain: String,
    pub name: String,
    pub enterprise_id: String,
}

/// The installed app with its bot user.
#[derive(Clone, Debug)]
pub struct App {
    pub id: String,
    pub name: String,
    pub bot_user: String,
    pub bot_id: String,
    pub bot_token: String,
    pub app_token: String,
    /// What the app token may do.
    pub app_scopes: Vec<String>,
    /// The app that the app token is of, where somebody took another app's.
    pub app_token_of: Option<String>,
}

/// A slash command, as the manifest has it and the message field offers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
pub struct SlashCommand {
    /// With its slash.
    pub command: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub usage_hint: String,
}

/// A token bucket: `burst` calls at once, then one per `every`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub burst: u32,
    pub every: Duration,
}

/// A page shown beside the conversation.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Panel {
    pub title: String,
    pub url: String,
}

/// The scopes a chatops bot of our kind asks for.
const SCOPES: &[&str] = &[
    "chat:write",
    "commands",
    "im:write",
    "channels:read",
    "groups:read",
    "channels:history",
    "groups:history",
    "im:history",
    "users:read",
    "users:read.email",
    "usergroups:read",
    "dnd:read",
];

/// The events such a bot subscribes to; `message.*` is not among them.
const EVENTS: &[&str] = &[
    "app_home_opened",
    "channel_archive",
    "channel_unarchive",
    "channel_rename",
    "channel_shared",
    "channel_left",
    "group_archive",
    "group_unarchive",
    "group_rename",
    "group_left",
    "member_joined_channel",
    "member_left_channel",
    "subteam_created",
    "subteam_updated",
    "subteam_members_changed",
    "user_change",
];

impl Options {
    /// What an app has that was made from this manifest: its scopes, the events it hears, its slash commands and
    /// tabs.
    pub fn with_manifest(mut self, manifest: &Value) -> Self {
        let texts = |list: &Value| -> Vec<String> {
            let all = list.as_array().into_iter().flatten();
            all.filter_map(Value::as_str).map(ToOwned::to_owned).collect()
        };
        self.scopes = texts(&manifest["oauth_config"]["scopes"]["bot"]);
        self.events = texts(&manifest["settings"]["event_subscriptions"]["bot_events"]);
        self.home_tab =
            manifest["features"]["app_home"]["home_tab_enabled"].as_bool().unwrap_or_default();
        let commands = manifest["features"]["slash_commands"].as_array().into_iter().flatten();
        self.commands =
            commands.filter_map(|command| serde_json::from_value(command.clone()).ok()).collect();
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            epoch_ms: 1_732_500_000_000,
            team: Team::default(),
            app: App::default(),
            scopes: SCOPES.iter().map(ToString::to_string).collect(),
            events: EVENTS.iter().map(ToString::to_string).collect(),
            commands: Vec::new(),
            home_tab: true,
            seed: 1,
            post_rate: None,
            refresh_sockets_after: None,
            panels: Vec::new(),
        }
    }
}

impl Default for Team {
    fn default() -> Self {
        Self {
            id: "T0SIM".into(),
            domain: "sim".into(),
            name: "Simulated workspace".into(),
            enterprise_id: "E0SIM".into(),
        }
    }
}

impl Default for App {
    fn default() -> Self {
        Self {
            id: "A0SIM".into(),
            name: "vigie".into(),
            bot_user: "U0BOT".into(),
            bot_id: "B0BOT".into(),
            bot_token: "xoxb-sim".into(),
            app_token: "xapp-sim".into(),
            app_scopes: vec!["connections:write".into()],
            app_token_of: None,
        }
    }
}
