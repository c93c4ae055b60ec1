//! The bot of the demo, which may crash and be started again.

use super::{TOKEN, tools};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Outside, Secrets, Settings};
use crate::connectors::Library;
use crate::intake::mapping::Mappings;
use crate::playbooks::{self, Known};
use crate::sim::Sim;
use crate::standins::Standins;
use crate::store::lock::Lock;
use anyhow::Context as _;
use jiff::tz::TimeZone;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

const CONFIG: &str = include_str!("demo.yaml");

/// So often it is looked whether the dead bot's last commit has ended.
const LOOK: Duration = Duration::from_millis(20);
const LOOKS: u32 = 250;

pub struct Bot {
    slack: String,
    config: String,
    database: PathBuf,
    clock: Clock,
    listen: SocketAddr,
    app: Option<App>,
}

impl Bot {
    /// Against this Slack and these tools.
    pub async fn start(
        (sim, standins): (&Sim, &Standins),
        database: PathBuf,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let listen = super::ports::on(0);
        let (slack, config) = (sim.api_url(), tools::located(CONFIG, standins));
        let mut bot = Self { slack, config, database, clock, listen, app: None };
        bot.begin().await?;
        Ok(bot)
    }

    async fn begin(&mut self) -> anyhow::Result<()> {
        let app = App::start(self.settings()?, Mappings::shipped(), self.clock.clone()).await?;
        // Once it is known, it stays: whoever sends alerts goes on after a crash.
        self.listen = app.listen();
        self.app = Some(app);
        Ok(())
    }

    /// It dies where it stands, and another begins on the same file.
    pub async fn crash(&mut self) -> anyhow::Result<()> {
        self.app = None;
        // A commit that was under way ends by itself, as it does when a process is killed after its write.
        for _ in 0..LOOKS {
            if Lock::take(&self.database)?.is_some() {
                return self.begin().await;
            }
            tokio::time::sleep(LOOK).await;
        }
        anyhow::bail!("the dead bot still holds its database")
    }

    pub fn app(&self) -> &App {
        self.app.as_ref().expect("it runs, but for a moment within crash")
    }

    pub async fn failed(&mut self) -> anyhow::Error {
        match &mut self.app {
            Some(app) => app.failed().await,
            None => std::future::pending().await,
        }
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        match self.app {
            Some(app) => app.stop().await,
            None => Ok(()),
        }
    }

    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Where sources send.
    pub fn hooks(&self) -> String {
        format!("http://{}/hooks/", self.listen)
    }

    /// A line that sends an alert.
    pub fn curl(&self) -> String {
        format!(
            "curl -s -H 'Authorization: Bearer {TOKEN}' -H 'Content-Type: application/json' \\\n\
             \x20 -d '{{\"title\":\"My first alert\",\"severity\":\"high\",\"hosts\":[\"laptop-7\"]}}' {}soc",
            self.hooks()
        )
    }

    /// A line that reads the record.
    pub fn sqlite(&self) -> String {
        format!("sqlite3 -readonly {} 'select * from interactions_v1'", self.database.display())
    }

    fn settings(&self) -> anyhow::Result<Settings> {
        let (api, listen) = (self.slack.clone(), self.listen.to_string());
        let database = self.database.display().to_string();
        // The page speaks in the reader's time; so does the bot.
        let zone = TimeZone::system().iana_name().map(str::to_owned);
        let env = move |name: &str| match name {
            "SLACK_API_URL" => Some(api.clone()),
            "SLACK_BOT_TOKEN" => Some("xoxb-sim".to_owned()),
            "SLACK_APP_TOKEN" => Some("xapp-sim".to_owned()),
            "DEMO_TOKEN" => Some(TOKEN.to_owned()),
            "VIGIE__SLACK__TIMEZONE" => zone.clone(),
            "VIGIE__STORE__PATH" => Some(database.clone()),
            "VIGIE__HTTP__LISTEN" => Some(listen.clone()),
            other => tools::secret(other),
        };
        let mappings = Mappings::shipped();
        let names: Vec<&str> = mappings.names().collect();
        let outside = Outside {
            env: &env,
            mappings: &names,
            connectors: Library::shipped(),
            secrets: Secrets::Fetch,
        };
        let settings = Settings::read("the demo's config", &self.config, &outside)
            .map_err(|problems| {
                let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
                anyhow::anyhow!(lines.join("\n"))
            })
            .context("the demo's config")?;
        let roles: Vec<_> = settings.roles.keys().cloned().collect();
        let known = Known { catalogue: &settings.catalogue, roles: Some(&roles) };
        let playbooks = playbooks::Library::shipped(known).playbooks;
        Ok(settings.with_playbooks(playbooks))
    }
}
