//! SIGTERM in the middle of things, on the real binary: what was answered is recorded, and what is not recorded was not answered.

use crate::process::{Running, vigie};
use futures_util::poll;
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::pin::Pin;
use std::process::ChildStderr;
use std::time::{Duration, SystemTime};
use tokio::task::block_in_place;
use vigie::sim::{App, CannotAct, Channel, Delivery, Options, Sim, User};

pub const CONFIG: &str = "slack: {channel: C0SOC, timezone: UTC}\n\
    roles: {analyst: {users: [U0ANA]}}\n\
    sources: {s: {type: generic, auth: none}}\n\
    routes: [{name: everything}]\n\
    http: {listen: 127.0.0.1:0}\n";

/// The binary beside a simulated Slack.
pub struct House {
    pub folder: tempfile::TempDir,
    pub sim: Sim,
    pub serve: Running,
    log: BufReader<ChildStderr>,
    listen: String,
}

impl House {
    async fn new() -> Self {
        Self::with(CONFIG).await
    }

    /// With this config; its one person is `U0ANA`, its channel `C0SOC`.
    pub async fn with(config: &str) -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("later");
        let app =
            App { bot_token: "xoxb-bot".into(), app_token: "xapp-app".into(), ..App::default() };
        let epoch_ms = i64::try_from(since_1970.as_millis()).expect("small");
        let sim =
            Sim::start(Options { epoch_ms, app, ..Options::default() }).await.expect("a port");
        sim.add_user(User { id: "U0ANA".into(), ..User::named("ana") });
        sim.add_channel(Channel { id: "C0SOC".into(), ..Channel::named("soc") });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("vigie.yaml"), config).expect("written");
        let mut command = vigie(folder.path(), &["serve"]);
        let mut serve = Running::start(command.env("SLACK_API_URL", sim.api_url()));
        let mut log = BufReader::new(serve.0.stderr.take().expect("piped"));
        let told = block_in_place(|| Running::says(&mut log, "Vigie takes webhooks"));
        let (_, at) = told.split_once("\"listen\":\"").expect("where");
        let listen = at.split('"').next().expect("an address").to_owned();
        within(sim.until(|sim| (sim.sockets() == 2).then_some(()))).await;
        Self { folder, sim, serve, log, listen }
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("vigie.db")
    }

    /// Sends an alert; the status, or none where nothing was answered.
    fn hook(&self, title: &str) -> Option<u16> {
        Hook::begin(&self.listen, title).and_then(Hook::end)
    }

    /// The same of an alert in our own JSON.
    pub fn hook_with(&self, alert: &serde_json::Value) -> Option<u16> {
        Hook::begin_with(&self.listen, alert).and_then(Hook::end)
    }

    pub fn rows(&self, sql: &str) -> Vec<String> {
        let connection = rusqlite::Connection::open(self.database()).expect("opens");
        let mut statement = connection.prepare(sql).expect("reads");
        let rows = statement.query_map([], |row| row.get(0)).expect("reads");
        rows.collect::<Result<_, _>>().expect("reads")
    }

    /// A message with a button, everything that it led to being done.
    async fn message(&self) -> (String, String) {
        assert_eq!(block_in_place(|| self.hook("odd login")), Some(202));
        let shown = |sim: &Sim| sim.messages("C0SOC").into_iter().next();
        let message = within(self.sim.until(shown)).await;
        let idle = async {
            while !self.rows("SELECT 'waits' FROM outbox").is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(idle).await;
        (message.channel, message.ts)
    }

    /// Each socket has read whatever it was sent before this: frames are read in their order.
    async fn has_read(&self) {
        for n in 0..4 {
            let envelope = json!({"envelope_id": format!("novelty-{n}"), "type": "novelty"});
            assert!(self.sim.deliver_envelope(&envelope).await.is_acked());
        }
    }

    /// The acknowledgements of clicks.
    fn acks(&self) -> usize {
        let acks = self.sim.acks();
        acks.iter().filter(|ack| !ack.envelope_id.starts_with("novelty")).count()
    }

    /// The end of the process: its code, and what it said since it began to stop.
    fn ends(&mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        block_in_place(|| self.log.read_to_string(&mut said)).expect("text");
        (self.serve.ends(), said)
    }

    fn stopping(&mut self) {
        self.serve.signal("TERM");
        block_in_place(|| Running::says(&mut self.log, "Stopping"));
    }
}

/// What hangs for a minute hangs for ever.
async fn within<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), what).await.expect("within a minute")
}

/// A webhook whose body is being read.
struct Hook(BufReader<TcpStream>);

impl Hook {
    /// Sends an alert's head, then its body once the listener wants it.
    fn begin(listen: &str, title: &str) -> Option<Self> {
        Self::begin_with(listen, &json!({"id": title, "title": title, "severity": "high"}))
    }

    fn begin_with(listen: &str, alert: &serde_json::Value) -> Option<Self> {
        let body = alert.to_string();
        let mut stream = TcpStream::connect(listen).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("TCP");
        let head = format!(
            "POST /hooks/s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).ok()?;
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        if !line.contains(" 100 ") {
            return None;
        }
        stream.read_line(&mut line).ok()?;
        stream.get_mut().write_all(body.as_bytes()).ok()?;
        Some(Self(stream))
    }

    fn end(mut self) -> Option<u16> {
        let mut line = String::new();
        self.0.read_line(&mut line).ok()?;
        line.split(' ').nth(1)?.parse().ok()
    }
}

type Clicking = Pin<Box<dyn Future<Output = Result<Delivery, CannotAct>>>>;

impl House {
    /// A click and a webhook that are under way: while somebody else holds the database no commit ends.
    async fn at_work(&self) -> (rusqlite::Connection, Clicking, Hook) {
        let (channel, ts) = self.message().await;
        let other = rusqlite::Connection::open(self.database()).expect("opens");
        other.busy_timeout(Duration::from_secs(60)).expect("sets");
        other.execute_batch("BEGIN IMMEDIATE").expect("holds it");
        let person = self.sim.by("ana");
        let mut clicking: Clicking =
            Box::pin(
                async move { person.click((channel.as_str(), ts.as_str()), "Acknowledge").await },
            );
        assert!(poll!(&mut clicking).is_pending(), "it is sent");
        self.has_read().await;
        let hook = block_in_place(|| Hook::begin(&self.listen, "second"));
        (other, clicking, hook.expect("it is being read"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_click_and_a_webhook_whose_commit_is_under_way_at_sigterm_are_answered_and_recorded() {
    let mut house = House::new().await;
    let (other, clicking, hook) = house.at_work().await;
    house.stopping();
    other.execute_batch("ROLLBACK").expect("lets it go");
    assert_eq!(block_in_place(|| hook.end()), Some(202));
    let clicked = clicking.await.expect("the button is there");
    assert!(matches!(clicked, Delivery::Acked { .. }), "{clicked}");
    let (code, said) = house.ends();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("Stopped") && !said.contains("WARN") && !said.contains("ERROR"),
        "{said}"
    );
    assert_eq!(
        house.rows("SELECT action || ' ' || outcome FROM interactions_v1"),
        ["acknowledge done"]
    );
    assert_eq!(
        house.rows("SELECT title FROM alerts_v1 ORDER BY received_at"),
        ["odd login", "second"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_recorded_before_the_end_is_not_answered_either() {
    let mut house = House::new().await;
    let (other, clicking, hook) = house.at_work().await;
    house.stopping();
    let status = block_in_place(|| hook.end());
    assert!(status.is_none_or(|status| status == 503), "{status:?}");
    assert_eq!(clicking.await.expect("the button is there"), Delivery::TimedOut);
    let (code, said) = house.ends();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(house.acks(), 0);
    other.execute_batch("ROLLBACK").expect("lets it go");
    assert_eq!(house.rows("SELECT action FROM interactions_v1"), [""; 0]);
    assert_eq!(house.rows("SELECT title FROM alerts_v1"), ["odd login"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_clicks_and_webhooks_is_cut_between_two_and_never_within_one() {
    let mut house = House::new().await;
    let (channel, ts) = house.message().await;
    let clicking = (0..4).map(|_| {
        let (person, channel, ts) = (house.sim.by("ana"), channel.clone(), ts.clone());
        tokio::spawn(async move {
            while person
                .click((channel.as_str(), ts.as_str()), "Resolve…")
                .await
                .is_ok_and(|it| it.is_acked())
            {}
        })
    });
    let clicking: Vec<_> = clicking.collect();
    let hooking = (0..4).map(|sender| {
        let listen = house.listen.clone();
        tokio::task::spawn_blocking(move || {
            let titles = (0..).map(move |n| format!("{sender}-{n}"));
            titles
                .take_while(|title| Hook::begin(&listen, title).and_then(Hook::end) == Some(202))
                .collect::<Vec<_>>()
        })
    });
    let hooking: Vec<_> = hooking.collect();
    within(house.sim.until(|sim| (sim.acks().len() > 40).then_some(()))).await;
    house.stopping();
    let (code, said) = house.ends();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Stopped") && !said.contains("did not"), "{said}");
    for task in clicking {
        task.await.expect("no panic");
    }
    let recorded = house.rows("SELECT outcome FROM interactions_v1").len();
    assert_eq!(house.acks(), recorded, "each click is both or neither");
    let shown = house.rows("SELECT title FROM alerts_v1");
    for task in hooking {
        let answered: Vec<String> = task.await.expect("no panic");
        assert!(
            answered.iter().all(|title| shown.contains(title)),
            "answered and lost: {answered:?}"
        );
    }
}
