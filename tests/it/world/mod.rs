//! The harness: the real app, its real adapters, and the simulated Slack over real sockets, in paused time.
//!
//! `World::run(async |w| …)` tells a story and ends it by asserting what must hold at the end of every story.

mod ending;
mod page;
mod payloads;
mod said;
mod tools;
mod troubles;

pub use ending::Log;
pub use page::{By, Page};
pub use payloads::{alert, critical, high};
pub use tools::with_tools;

use crate::playbooks::told_by_the_schema;
use serde_json::{Value, json};
use std::cell::{Cell, Ref, RefCell};
use std::path::PathBuf;
use std::time::Duration;
use vigie::app::{App, TakenUp};
use vigie::clock::Clock;
use vigie::config::{Outside, Secrets, Settings};
use vigie::domain::time::Timestamp;
use vigie::intake::mapping::Mappings;
use vigie::playbooks::{self, Known};
use vigie::sim::{Channel, Options, Sim, User, Usergroup};
use vigie::slack::manifest::EVENTS;
use vigie::slack::socket::Link;
use vigie::standins::Standins;

/// Wednesday, 09:00 UTC: within everybody's working hours.
pub const EPOCH_MS: i64 = 1_764_147_600_000;
/// A secret of each kind, to be found nowhere.
pub const HOOK_TOKEN: &str = "canary-hook-token-51c8";
pub const BOT_TOKEN: &str = "xoxb-canary-bot-7d02";
pub const APP_TOKEN: &str = "xapp-canary-app-e9f4";

/// The config of every story that names no other: two analysts (one by user group), a lead, an auditor.
pub const CONFIG: &str = r##"
slack: {channel: "#soc-alerts", timezone: Europe/Paris}
roles:
  analyst: {users: [U0ANA], usergroups: ["@blue-team"]}
  lead: {users: [lea@example.com]}
  auditor: {users: [U0AUD]}
teams:
  blue: {members: role(analyst), lead: role(lead), on_call: "user(U0BEA)", treated: {note: [critical]}}
sources:
  edr: {type: generic, auth: {bearer: {env: EDR_TOKEN}}}
  prometheus: {type: alertmanager, auth: {token: {env: EDR_TOKEN}}}
routes:
  - {name: critical, when: "alert.severity == 'critical'", team: blue, channel: "#sec", escalation: critical}
  - {name: the-rest, team: blue, escalation: standard}
escalations:
  critical:
    ladder:
      - {after: 5m, dm: on_call}
      - {after: 10m, thread: team}
      - {after: 20m, dm: lead}
    repeat: {last: 30m, times: 2, then: daily_to_lead}
  standard:
    ladder:
      - {after: 30m, thread: team}
    repeat: {last: 2h, times: 3, then: daily_to_lead}
"##;

/// A workspace, an app, and a folder that outlives the app.
pub struct World {
    sim: Sim,
    standins: Option<Standins>,
    app: RefCell<Option<App>>,
    folder: tempfile::TempDir,
    config: RefCell<String>,
    epoch: tokio::time::Instant,
    http: reqwest::Client,
    clock: RefCell<Clock>,
    /// By how much the machine's clock was set.
    set_millis: Cell<i64>,
    /// How often the disk began to refuse writes.
    troubles: Cell<usize>,
    /// Errors that the story is about.
    errors: RefCell<Vec<&'static str>>,
}

impl World {
    /// Tells a story in paused time and checks its end.
    pub fn run(story: impl AsyncFnOnce(&World)) {
        Self::run_with(CONFIG, story);
    }

    /// The same with another config.
    pub fn run_with(config: &str, story: impl AsyncFnOnce(&World)) {
        Self::play(config, async |world, log| {
            story(world).await;
            world.end(log).await;
        });
    }

    /// The same, where the story itself sees to its end.
    pub fn play<T>(config: &str, story: impl AsyncFnOnce(&World, &Log) -> T) -> T {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let log = Log::start();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .on_thread_start(log.on_thread())
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let world = Self::new(config).await;
            story(&world, &log).await
        })
    }

    async fn new(config: &str) -> Self {
        let options = Options {
            epoch_ms: EPOCH_MS,
            app: vigie::sim::App {
                bot_token: BOT_TOKEN.into(),
                app_token: APP_TOKEN.into(),
                ..Default::default()
            },
            // What the manifest subscribes to, each message in our channels among it.
            events: EVENTS.iter().map(|(name, _)| (*name).to_owned()).collect(),
            ..Options::default()
        };
        let sim = Sim::start(options).await.expect("the simulated Slack listens");
        populate(&sim);
        let (standins, config) = Self::connect(config).await;
        let world = Self {
            sim,
            standins,
            app: RefCell::new(None),
            folder: tempfile::tempdir().expect("a temporary folder"),
            config: RefCell::new(config),
            epoch: tokio::time::Instant::now(),
            http: reqwest::Client::builder().no_proxy().build().expect("a client"),
            clock: RefCell::new(Clock::steady(Timestamp::from_millis(EPOCH_MS))),
            set_millis: Cell::new(0),
            troubles: Cell::new(0),
            errors: RefCell::default(),
        };
        world.start().await;
        world
    }

    /// The config in force, read as the process reads it.
    pub fn settings(&self) -> Settings {
        let api = self.sim.api_url();
        let path = self.database().display().to_string();
        let env = move |name: &str| match name {
            "SLACK_API_URL" => Some(api.clone()),
            "SLACK_BOT_TOKEN" => Some(BOT_TOKEN.to_owned()),
            "SLACK_APP_TOKEN" => Some(APP_TOKEN.to_owned()),
            "EDR_TOKEN" => Some(HOOK_TOKEN.to_owned()),
            name if name.starts_with("TOOL_") => tools::secret(name),
            name if name.starts_with("CANARY_") => crate::canaries::kept(name),
            "VIGIE__STORE__PATH" => Some(path.clone()),
            "VIGIE__HTTP__LISTEN" => Some("127.0.0.1:0".to_owned()),
            _ => None,
        };
        let mappings = Mappings::shipped();
        let names: Vec<&str> = mappings.names().collect();
        let outside = Outside {
            env: &env,
            mappings: &names,
            connectors: &self.connectors(),
            secrets: Secrets::Fetch,
        };
        let settings = Settings::read("world.yaml", &self.config.borrow(), &outside)
            .unwrap_or_else(|problems| panic!("the story's config is wrong: {problems:#?}"));
        let roles: Vec<_> = settings.roles.keys().cloned().collect();
        let known = Known { catalogue: &settings.catalogue, roles: Some(&roles) };
        let folder = self.folder.path().join("playbooks");
        let library = playbooks::Library::load(&folder, known)
            .unwrap_or_else(|problems| panic!("the story's playbooks are wrong: {problems:#?}"));
        self.schema_takes_its_playbooks(&settings);
        settings.with_playbooks(library.playbooks)
    }

    /// What the check takes an editor underlines nowhere.
    fn schema_takes_its_playbooks(&self, settings: &Settings) {
        let Ok(files) = std::fs::read_dir(self.folder.path().join("playbooks")) else { return };
        let read = |file: std::io::Result<std::fs::DirEntry>| {
            std::fs::read_to_string(file.expect("an entry").path()).expect("a text")
        };
        let texts: Vec<String> = files.map(read).collect();
        let told = told_by_the_schema(texts.iter().map(String::as_str), &settings.catalogue);
        assert!(told.is_empty(), "the schema refuses what the check takes: {told:#?}");
    }

    /// A playbook of the story's own, by its file's name. It is in force from the next start, or when the config is read again.
    pub fn write_playbook(&self, name: &str, text: &str) {
        let folder = self.folder.path().join("playbooks");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(format!("{name}.yaml")), text).expect("a file");
    }

    /// It is gone when the config is read again.
    pub fn remove_playbook(&self, name: &str) {
        let file = self.folder.path().join("playbooks").join(format!("{name}.yaml"));
        std::fs::remove_file(file).expect("it was there");
    }

    /// Starts the app and waits until Slack has said hello.
    pub async fn start(&self) {
        self.launch().await;
        let mut link = self.app().link();
        let connected = link.wait_for(|link| matches!(link, Link::Connected { .. }));
        tokio::time::timeout(Duration::from_secs(30), connected)
            .await
            .unwrap_or_else(|_| panic!("Slack was not reached:\n{}", self.sim.transcript()))
            .expect("the app lives");
    }

    /// Starts the app, whether or not Slack is there.
    pub async fn launch(&self) {
        let clock = Clock::steady_from(Timestamp::from_millis(EPOCH_MS), self.epoch);
        clock.set(self.set_millis.get());
        self.clock.replace(clock.clone());
        let app = App::start(self.settings(), Mappings::shipped(), clock).await;
        let app = app.unwrap_or_else(|error| panic!("the app does not start: {error:#}"));
        self.app.replace(Some(app));
    }

    /// The process starts on another config.
    pub async fn start_with(&self, config: &str) {
        self.config.replace(config.to_owned());
        self.start().await;
    }

    /// The config is another, and is read again while the process runs.
    pub async fn reload(&self, config: &str) -> anyhow::Result<TakenUp> {
        self.config.replace(config.to_owned());
        self.read_again().await
    }

    /// The config is read again, and nothing may have changed in it.
    #[expect(clippy::await_holding_refcell_ref, reason = "no story replaces the app meanwhile")]
    pub async fn read_again(&self) -> anyhow::Result<TakenUp> {
        self.app().reload(&self.settings(), &Mappings::shipped()).await
    }

    /// The process dies where it stands, and is started again on the same file.
    pub async fn crash(&self) {
        self.kill().await;
        self.start().await;
    }

    /// The process dies where it stands.
    pub async fn kill(&self) {
        drop(self.app.take());
        // A commit that was under way ends by itself, as it does when a process is killed after its write.
        for _ in 0..1000 {
            if vigie::store::lock::Lock::take(&self.database()).expect("the lock's file").is_some()
            {
                return;
            }
            tokio::task::spawn_blocking(|| std::thread::sleep(Duration::from_millis(1)))
                .await
                .expect("sleeps");
        }
        panic!("the dead process still holds the database");
    }

    /// The process stops in good order.
    pub async fn stop(&self) {
        let app = self.app.take().expect("it runs");
        app.stop().await.expect("it stops in good order");
    }

    pub fn is_alive(&self) -> bool {
        self.app.borrow().is_some()
    }

    /// For what posts to the app by itself.
    pub fn http(&self) -> reqwest::Client {
        self.http.clone()
    }

    pub fn app(&self) -> Ref<'_, App> {
        Ref::map(self.app.borrow(), |app| app.as_ref().expect("the app runs"))
    }

    /// The simulated Slack, for faults and odd deliveries.
    pub fn slack(&self) -> &Sim {
        &self.sim
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("vigie.db")
    }

    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    /// A person's hands.
    pub fn by(&self, who: &str) -> By<'_> {
        By::new(self, who)
    }

    /// What `/readyz` says.
    pub async fn ready(&self) -> (u16, Value) {
        let url = format!("http://{}/readyz", self.app().listen());
        let answer = self.http.get(url).send().await.expect("the listener answers");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    /// The operator is told of an error in these words; any other fails the story.
    pub fn will_log(&self, words: &'static str) {
        self.errors.borrow_mut().push(words);
    }

    /// Posts a body to a source's webhook, as that source does; the status and the answer.
    pub async fn hook(&self, source: &str, body: &Value) -> (u16, Value) {
        self.hook_with(source, body, &[]).await
    }

    /// The same with further headers.
    pub async fn hook_with(
        &self,
        source: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let url = format!("http://{}/hooks/{source}", self.app().listen());
        let mut request = self.http.post(url).bearer_auth(HOOK_TOKEN).json(body);
        if source == "prometheus" {
            let url = format!("http://{}/hooks/{source}?token={HOOK_TOKEN}", self.app().listen());
            request = self.http.post(url).json(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.expect("the listener answers");
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap_or_else(|_| json!(null)))
    }

    /// Sends one alert by webhook, which must be new; its id.
    pub async fn alert(&self, body: Value) -> String {
        let (status, answer) = self.hook("edr", &body).await;
        assert_eq!(
            (status, answer["alerts"][0]["outcome"].as_str()),
            (202, Some("created")),
            "{answer}"
        );
        answer["alerts"][0]["id"].as_str().expect("an id").to_owned()
    }

    /// The message of an alert in a channel, once it is there.
    pub async fn message(&self, channel: &str, title: &str) -> Page<'_> {
        Page::find(self, channel, title).await
    }

    /// Waits for a direct message to somebody that says this.
    pub async fn dm(&self, who: &str, says: &str) -> Page<'_> {
        Page::dm(self, who, says).await
    }

    /// Waits for something that only this person is shown.
    pub async fn whisper(&self, who: &str, says: &str) {
        page::whisper(self, who, says).await;
    }

    /// The same, to press a button of it: the message, and what it says.
    pub async fn whispered(&self, who: &str, says: &str) -> (Page<'_>, String) {
        let shown = page::whisper(self, who, says).await;
        let text = shown.readable();
        (Page::of(self, shown), text)
    }

    /// Everybody looks at what is left: direct messages that were brought up to date behind their back.
    pub async fn settle_copies(&self) {
        self.sleep(Duration::from_secs(30)).await;
        for message in self.sim.unread().into_iter().filter(|message| message.edited.is_some()) {
            self.sim.read(&message.channel, &message.ts);
        }
    }

    /// Waits until `condition` gives a value; prints the conversation where it does not.
    pub async fn until<T>(&self, what: &str, condition: impl Fn(&Sim) -> Option<T>) -> T {
        let found = tokio::time::timeout(Duration::from_secs(60), self.sim.until(&condition)).await;
        found.unwrap_or_else(|_| panic!("not within a minute: {what}\n{}", self.sim.transcript()))
    }

    /// One value of the public views, as text.
    pub fn ask(&self, sql: &str) -> String {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        connection
            .query_row(sql, [], |row| row.get::<_, rusqlite::types::Value>(0))
            .map(|value| match value {
                rusqlite::types::Value::Null => "null".to_owned(),
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
            .unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Rows of the public views, each as its values joined by spaces.
    pub fn rows(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        let mut statement =
            connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|column| {
                row.get::<_, rusqlite::types::Value>(column).map(|value| match value {
                    rusqlite::types::Value::Null => "-".to_owned(),
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => format!("{other:?}"),
                })
            });
            Ok(values.collect::<Result<Vec<_>, _>>()?.join(" "))
        });
        rows.expect("reads").collect::<Result<_, _>>().expect("reads")
    }
}

fn populate(sim: &Sim) {
    let user = |id: &str, name: &str, real: &str| User {
        id: id.into(),
        name: name.into(),
        real_name: real.into(),
        email: format!("{name}@example.com"),
        ..User::default()
    };
    for (id, name, real) in [
        ("U0ANA", "ana", "Ana Silva"),
        ("U0BEA", "bea", "Bea Moreau"),
        ("U0LEA", "lea", "Lea Novak"),
        ("U0AUD", "aud", "Aude Blanc"),
        ("U0EVE", "eve", "Eve Stone"),
    ] {
        sim.add_user(user(id, name, real));
    }
    sim.add_user(User { is_restricted: true, ..user("U0GST", "gus", "Gus Guest") });
    sim.add_usergroup(Usergroup {
        id: "S0BLUE".into(),
        handle: "blue-team".into(),
        name: "Blue Team".into(),
        users: vec!["U0BEA".into()],
        ..Usergroup::default()
    });
    for (id, name) in [("C0SOC", "soc-alerts"), ("C0SEC", "sec"), ("C0LEADS", "sec-leads")] {
        sim.add_channel(Channel { id: id.into(), name: name.into(), ..Channel::default() });
    }
}
