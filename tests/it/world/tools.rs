//! The tools of a story: stand-ins for an EDR, an IAM, a Jira and a GitHub, and a config that connects them.

use super::{CONFIG, World};
use vigie::connectors::Library;
use vigie::slack::action_id::Signer;
use vigie::standins::{Options, Standins};

/// A secret of each tool, to be found nowhere.
pub const TOOL_SECRETS: [&str; 4] = [
    "canary-edr-secret-2b7e",
    "canary-okta-token-90ad",
    "canary-jira-token-4c1f",
    "canary-github-token-77e3",
];

/// What the environment holds under a tool's name.
pub(super) fn secret(name: &str) -> Option<String> {
    if name == "TOOL_AUTHORIZATION" {
        return Some(format!("SSWS {}", TOOL_SECRETS[1]));
    }
    let number: usize = name.strip_prefix("TOOL_SECRET_")?.parse().ok()?;
    TOOL_SECRETS.get(number).map(|secret| (*secret).to_owned())
}

/// The tools of the config; `EDR`, `IAM`, `JIRA` and `GITHUB` stand for where they are.
pub const TOOLS: &str = r#"
tools:
  crowdstrike:
    {base_url: "EDR", internal: [127.0.0.1], client_id: standin-edr-client, client_secret: {env: TOOL_SECRET_0}}
  okta: {base_url: "IAM", internal: [127.0.0.1], token: {env: TOOL_SECRET_1}}
  jira:
    {base_url: "JIRA", internal: [127.0.0.1], email: vigie@example.com, token: {env: TOOL_SECRET_2}}
  github: {base_url: "GITHUB", internal: [127.0.0.1], token: {env: TOOL_SECRET_3}}
"#;

/// The story's config with tools.
pub fn with_tools() -> String {
    format!("{CONFIG}{TOOLS}")
}

impl World {
    /// Tells a story in which playbooks call tools.
    pub fn run_with_tools(config: &str, story: impl AsyncFnOnce(&World, &Standins)) {
        Self::run_with(config, async |world| {
            story(world, world.tools()).await;
        });
    }

    /// The stand-ins, for what they saw and for faults.
    pub fn tools(&self) -> &Standins {
        self.standins.as_ref().expect("the story's config has tools")
    }

    /// The config is another, of the same tools, and is read again.
    pub async fn reload_with_tools(&self, config: &str) {
        let located = Self::located(config, self.tools());
        self.reload(&located).await.expect("it is taken up");
    }

    /// A connector of the story's own, by its file's name. It is in force when the config is read again.
    pub fn write_connector(&self, name: &str, text: &str) {
        let folder = self.folder.path().join("connectors");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.yaml")), text).expect("a file");
    }

    /// Those that are shipped, and the story's own.
    pub(super) fn connectors(&self) -> Library {
        Library::load(&self.folder.path().join("connectors"))
            .unwrap_or_else(|problems| panic!("the story's connectors are wrong: {problems:#?}"))
    }

    /// What signs the buttons of this world.
    pub fn signer(&self) -> Signer {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        let sql = "SELECT value FROM meta WHERE name = 'button_key'";
        let key: [u8; 32] = connection.query_row(sql, [], |row| row.get(0)).expect("it has a key");
        Signer::new(&key)
    }

    /// Starts them where the config wants them, and says where they are.
    pub(super) async fn connect(config: &str) -> (Option<Standins>, String) {
        if !config.contains("\"EDR\"") {
            return (None, config.to_owned());
        }
        let mut options = Options { epoch_ms: super::EPOCH_MS, ..Options::default() };
        let [edr, okta, jira, github] = TOOL_SECRETS.map(str::to_owned);
        (options.edr.client_secret, options.iam.token) = (edr, okta);
        (options.jira.token, options.github.token) = (jira, github);
        let standins = Standins::start(options).await.expect("the stand-ins listen");
        (Some(standins.clone()), Self::located(config, &standins))
    }

    /// The config with the addresses in it.
    pub fn located(config: &str, standins: &Standins) -> String {
        config
            .replace("\"EDR\"", &format!("\"{}\"", standins.edr.url()))
            .replace("\"IAM\"", &format!("\"{}\"", standins.iam.url()))
            .replace("\"JIRA\"", &format!("\"{}\"", standins.jira.url()))
            .replace("\"GITHUB\"", &format!("\"{}\"", standins.github.url()))
    }
}
