//! Some seconds of the real process under strace: webhooks, clicks, a simulated Slack, checkpoints, a kill, three starts.

use crate::trace::{self, Step};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use vigie::sim::{Channel, Options, Sim, User};

/// How long each start runs, and how it ends. The WAL is moved into the database every five seconds, and at the end of a
/// good stop; a killed process leaves it for the next one.
const STARTS: [(Duration, &str); 3] = [
    (Duration::from_secs(12), "TERM"),
    (Duration::from_secs(7), "KILL"),
    (Duration::from_secs(4), "TERM"),
];
const CALLERS: usize = 4;
const BETWEEN: Duration = Duration::from_millis(90);

/// The process behind strace, both gone when this is dropped.
struct Traced {
    strace: Child,
    log: PathBuf,
    port: u16,
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.signal("KILL");
        let _ = self.strace.wait();
    }
}

impl Traced {
    async fn start(sim: &Sim, folder: &Path, number: usize) -> Self {
        let port = free_port();
        let (config, log) =
            (folder.join("vigie.yaml"), folder.join(format!("strace-{number}.log")));
        std::fs::write(&config, config_of(port, &folder.join("vigie.db"))).expect("written");
        let strace = Command::new("strace")
            .args(["-f", "-y", "-qq", "-xx", "-s", "4000000", "-e", "signal=none"])
            .args(["-e", &format!("trace={}", trace::CALLS), "-o"])
            .arg(&log)
            .arg(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--config"])
            .arg(&config)
            .env("SLACK_API_URL", sim.api_url())
            .env("SLACK_BOT_TOKEN", Options::default().app.bot_token)
            .env("SLACK_APP_TOKEN", Options::default().app.app_token)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("strace is there (apt-get install strace)");
        let traced = Self { strace, log, port };
        let begun = Instant::now();
        while ask(port, "GET /readyz", "").await != Some(200) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it is never ready");
            sleep(Duration::from_millis(20)).await;
        }
        traced
    }

    /// To the process itself, the first in strace's log.
    fn signal(&self, name: &str) {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        if let Some((process, _)) = log.split_once(' ') {
            let _ = Command::new("kill").args(["-s", name, process]).stderr(Stdio::null()).status();
        }
    }

    /// What it did, once it has ended.
    fn ended(mut self, how: &str) -> Vec<Step> {
        self.signal(how);
        self.strace.wait().expect("it ends");
        let folder = self.log.parent().and_then(Path::to_str).expect("a folder with a plain name");
        trace::read(&std::fs::read_to_string(&self.log).expect("the log is text"), folder)
    }
}

fn config_of(port: u16, database: &Path) -> String {
    format!(
        "slack: {{channel: \"#soc\"}}\nstore: {{path: {}}}\nhttp: {{listen: \"127.0.0.1:{port}\"}}\n\
         roles: {{analyst: {{users: [U0ANA]}}}}\nsources: {{edr: {{type: generic, auth: none}}}}\n\
         routes: [{{name: everything}}]\n",
        database.display()
    )
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

async fn slack() -> Sim {
    let sim = Sim::start(Options::default()).await.expect("the simulated Slack listens");
    sim.add_user(User { id: "U0ANA".into(), name: "ana".into(), ..User::default() });
    sim.add_channel(Channel { id: "C0SOC".into(), name: "soc".into(), ..Channel::default() });
    sim
}

/// The steps of all starts, one after the other. `folder` keeps the database and the logs.
pub async fn lived(folder: &Path) -> Vec<Step> {
    let folder = &folder.canonicalize().expect("it is there");
    let sim = slack().await;
    let mut steps = Vec::new();
    for (number, (span, end)) in STARTS.into_iter().enumerate() {
        let traced = Traced::start(&sim, folder, number).await;
        let until = Instant::now() + span;
        let mut busy = tokio::task::JoinSet::new();
        let port = traced.port;
        for caller in 0..CALLERS {
            busy.spawn(webhooks(port, (number, caller), until));
        }
        busy.spawn(clicks(sim.clone(), until));
        busy.join_all().await;
        steps.extend(traced.ended(end));
    }
    steps
}

/// New alerts, alone and in arrays, repeated ones, resolved ones, and what is no alert.
async fn webhooks(port: u16, (start, caller): (usize, usize), until: Instant) {
    let mut number = 0;
    while Instant::now() < until {
        let alert = |n: usize, status: &str| {
            format!(
                r#"{{"id":"{start}-{caller}-{n}","title":"Malware {start}-{caller}-{n}","severity":"high","status":"{status}","hosts":["web-{n}"],"description":"{}"}}"#,
                "found by the scanner ".repeat(1 + n % 40)
            )
        };
        let (body, expected) = match number % 6 {
            0 | 1 => (alert(number, "firing"), 202),
            2 => (format!("[{},{}]", alert(number, "firing"), alert(number + 9000, "firing")), 202),
            3 => (alert(number - 1, "firing"), 202),
            4 => (alert(number - 3, "resolved"), 202),
            _ => (r#"{"nothing":"of ours"}"#.to_owned(), 422),
        };
        assert_eq!(ask(port, "POST /hooks/edr", &body).await, Some(expected), "{body}");
        number += 1;
        sleep(BETWEEN).await;
    }
}

/// One request on a connection of its own; its status, where there is an answer.
async fn ask(port: u16, what: &str, body: &str) -> Option<u16> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!(
        "{what} HTTP/1.1\r\nhost: power\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Somebody acknowledges whatever is shown, now and then.
async fn clicks(sim: Sim, until: Instant) {
    let ana = sim.by("ana");
    while Instant::now() < until {
        sleep(4 * BETWEEN).await;
        if let Some(message) =
            sim.messages("#soc").into_iter().rev().find(|m| m.thread_ts.is_none())
        {
            // One that is resolved has no such button.
            let _ = ana.click(&message, "Acknowledge").await;
        }
    }
}
