//! The tools of a case: stand-ins in this process, which outlive the bot's and count what it does to them.

use vigie::standins::{Call, Options, Standins};

/// The host that is contained, by its name.
pub const HOST: &str = "fin-laptop-12";
/// A secret of each tool, to be found nowhere.
pub const TOOL_SECRETS: [&str; 4] = [
    "canary-edr-secret-2b7e",
    "canary-okta-token-90ad",
    "canary-jira-token-4c1f",
    "canary-github-token-77e3",
];

/// What is contained by.
const CONTAIN: &str = "POST /devices/entities/devices-actions/v2";

const CONFIG: &str = r#"
tools:
  crowdstrike: {base_url: "EDR", internal: [127.0.0.1], client_id: standin-edr-client, client_secret: {env: TOOL_SECRET_0}}
  okta: {base_url: "IAM", internal: [127.0.0.1], token: {env: TOOL_SECRET_1}}
  jira: {base_url: "JIRA", internal: [127.0.0.1], email: vigie@example.com, token: {env: TOOL_SECRET_2}}
  github: {base_url: "GITHUB", internal: [127.0.0.1], token: {env: TOOL_SECRET_3}}
"#;

/// Stand-ins for an EDR, an IAM, a ticket system and a forge.
pub struct Tools(Standins);

impl Tools {
    pub async fn new(epoch_ms: i64) -> Self {
        let mut options = Options { epoch_ms, ..Options::default() };
        let [edr, iam, jira, github] = TOOL_SECRETS.map(str::to_owned);
        (options.edr.client_secret, options.iam.token) = (edr, iam);
        (options.jira.token, options.github.token) = (jira, github);
        Self(Standins::start(options).await.expect("the stand-ins listen"))
    }

    /// The config, with the tools and where they are.
    pub fn config(&self, config: &str) -> String {
        let urls =
            self.0.all().map(|(name, tool)| (format!("\"{}\"", name.to_uppercase()), tool.url()));
        let fill =
            |text: String, (name, url): (String, String)| text.replace(&name, &format!("{url:?}"));
        urls.into_iter().fold(format!("{config}{CONFIG}"), fill)
    }

    /// The environment that the config speaks of.
    pub fn secrets() -> impl Iterator<Item = (String, &'static str)> {
        TOOL_SECRETS
            .into_iter()
            .enumerate()
            .map(|(at, secret)| (format!("TOOL_SECRET_{at}"), secret))
    }

    /// Each time that somebody had a host contained, whether or not that changed anything.
    pub fn containments(&self) -> Vec<Call> {
        let mut calls = self.0.edr.calls_of(CONTAIN);
        calls.retain(|call| call.query.contains(&("action_name".to_owned(), "contain".to_owned())));
        calls
    }

    /// Whether the host is off the network, or about to be.
    pub fn is_contained(&self) -> bool {
        let state = self.0.edr.state();
        let mut hosts = state["hosts"].as_array().into_iter().flatten();
        hosts.any(|host| {
            let off = ["contained", "containment_pending"]
                .contains(&host["status"].as_str().unwrap_or_default());
            host["name"] == HOST && off
        })
    }
}
