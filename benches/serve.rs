//! The real binary beside a simulated Slack: start, the demo's first alert, idle memory, a click's acknowledgement, webhooks from 64 connections.
//!
//! `cargo bench --bench serve`. The database is on the disk of this folder; the simulated Slack and the callers share the
//! machine with the bot.
#![expect(clippy::print_stdout, reason = "its numbers are its answer")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vigie::sim::{Channel, Delivery, Options, Sim, User};

const ALERTS: u32 = 30_000;
const CONNECTIONS: u32 = 64;
const CLICKS: u32 = 500;
const BETWEEN_CLICKS: Duration = Duration::from_millis(20);
const STARTS: usize = 9;
const TOKEN: &str = "bench-token";

/// The bot, killed when the bench ends in whatever way.
struct Bot {
    process: Child,
    port: u16,
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Bot {
    /// Starts it on its own database, and says how long it took to be ready.
    async fn start(sim: &Sim, folder: &Path, name: &str) -> (Self, Duration) {
        let port = free_port();
        let config = folder.join(format!("{name}.yaml"));
        std::fs::write(&config, config_of(port, &folder.join(format!("{name}.db"))))
            .expect("writes");
        let begun = Instant::now();
        let process = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--config"])
            .arg(&config)
            .env("SLACK_API_URL", sim.api_url())
            .env("SLACK_BOT_TOKEN", Options::default().app.bot_token)
            .env("SLACK_APP_TOKEN", Options::default().app.app_token)
            .env("BENCH_TOKEN", TOKEN)
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .spawn()
            .expect("the bot starts");
        let bot = Self { process, port };
        while bot.get("/readyz").await != Some(200) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never ready");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (bot, begun.elapsed())
    }

    async fn get(&self, path: &str) -> Option<u16> {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).await.ok()?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: bench\r\n\r\n");
        exchange(&mut connection, request.as_bytes(), &mut Vec::new()).await
    }

    /// Resident memory, in MiB: `VmRSS` of /proc/PID/status.
    fn resident(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        let kib: f64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
        kib / 1024.0
    }
}

fn config_of(port: u16, database: &Path) -> String {
    format!(
        r##"
slack: {{channel: "#soc"}}
store: {{path: {}}}
http: {{listen: "127.0.0.1:{port}"}}
roles:
  analyst: {{users: [U0ANA]}}
sources:
  edr: {{type: generic, auth: {{bearer: {{env: BENCH_TOKEN}}}}}}
routes:
  - {{name: everything, escalation: standard}}
"##,
        database.display()
    )
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// One request and its answer on a connection that is kept; the status, or nothing where the connection broke.
async fn exchange(connection: &mut TcpStream, request: &[u8], buffer: &mut Vec<u8>) -> Option<u16> {
    connection.write_all(request).await.ok()?;
    buffer.clear();
    loop {
        if connection.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(buffer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok()
            })
            .unwrap_or(0);
        if body.len() >= length {
            return head.split(' ').nth(1)?.parse().ok();
        }
    }
}

fn hook(number: u32) -> Vec<u8> {
    let body = format!(
        r#"{{"id":"detection-{number}","title":"A shell was spawned by the web server on web-{number}","severity":"high","rule":"shell-from-web-server","hosts":["web-{number}"],"users":["www-data"],"ips":["192.0.2.7"],"url":"https://edr.example.com/detections/{number}"}}"#
    );
    format!(
        "POST /hooks/edr HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// Alerts a second, each answered 202 after its commit.
async fn webhooks(port: u16, first: u32) -> f64 {
    let begun = Instant::now();
    let callers: Vec<_> = (0..CONNECTIONS)
        .map(|caller| {
            tokio::spawn(async move {
                let mut connection =
                    TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
                connection.set_nodelay(true).expect("sets");
                let mut buffer = Vec::new();
                for number in (caller..ALERTS).step_by(CONNECTIONS as usize) {
                    let status =
                        exchange(&mut connection, &hook(first + number), &mut buffer).await;
                    assert_eq!(status, Some(202), "alert {number}");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("every alert was taken");
    }
    f64::from(ALERTS) / begun.elapsed().as_secs_f64()
}

/// How long each click waited for its acknowledgement, shortest first.
async fn clicks(sim: &Sim, bot: &Bot) -> Vec<Duration> {
    let mut connection = TcpStream::connect(("127.0.0.1", bot.port)).await.expect("connects");
    assert_eq!(exchange(&mut connection, &hook(0), &mut Vec::new()).await, Some(202));
    let message = loop {
        if let Some(message) = sim.messages("#soc").into_iter().next() {
            break message;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    let ana = sim.by("ana");
    let mut waits = Vec::new();
    let mut pace = tokio::time::interval(BETWEEN_CLICKS);
    for _ in 0..CLICKS {
        pace.tick().await;
        // Each is recorded, and opens a form beside its acknowledgement; the button stays.
        match ana.click(&message, "Resolve…").await {
            Ok(Delivery::Acked { after, .. }) => waits.push(after),
            other => panic!("a click was not acknowledged: {other:?}"),
        }
    }
    waits.sort();
    waits
}

/// From the demo's start to its first alert on the page.
async fn demo(folder: &Path) -> Duration {
    let begun = Instant::now();
    let mut process = Command::new(env!("CARGO_BIN_EXE_vigie"))
        .args(["demo", "--no-open", "--port", "0", "--keep"])
        .arg(folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo starts");
    let mut told = BufReader::new(process.stdout.take().expect("piped"));
    let _demo = Bot { process, port: 0 };
    let mut line = String::new();
    let port: u16 = loop {
        line.clear();
        assert!(told.read_line(&mut line).expect("text") > 0, "the demo ended");
        if let Some((_, url)) = line.split_once("the page") {
            break url
                .trim()
                .trim_end_matches('/')
                .rsplit(':')
                .next()
                .expect("a port")
                .parse()
                .expect("a number");
        }
    };
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    let request = format!("GET /page/state?user=alice HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n\r\n");
    let mut seen = Vec::new();
    loop {
        exchange(&mut connection, request.as_bytes(), &mut seen).await.expect("the page answers");
        if String::from_utf8_lossy(&seen).contains("Impossible travel") {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "no alert comes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)].as_secs_f64() * 1000.0
}

async fn slack() -> Sim {
    let sim = Sim::start(Options::default()).await.expect("the simulated Slack listens");
    let ana = User { id: "U0ANA".into(), name: "ana".into(), ..User::default() };
    sim.add_user(ana);
    sim.add_channel(Channel { id: "C0SOC".into(), name: "soc".into(), ..Channel::default() });
    sim
}

#[tokio::main]
async fn main() {
    // Another bench's filter, or `cargo test --benches`, is no reason to run for half a minute.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let home = tempfile::tempdir_in(".").expect("a folder on the disk that is measured");
    let folder = home.path().canonicalize().expect("an absolute path");
    let sim = slack().await;
    let mut starts = Vec::new();
    for number in 0..STARTS {
        starts.push(Bot::start(&sim, &folder, &format!("start-{number}")).await.1);
    }
    starts.sort();
    println!(
        "start to ready, a new database    {:>6.0} ms (median of {STARTS}; wanted: 300 or less)",
        percentile(&starts, 50)
    );

    let demo = demo(&folder.join("demo")).await;
    println!(
        "demo's start to its first alert   {:>6.0} ms, of which its story waits 1,000 (wanted: 5,000 or less)",
        demo.as_secs_f64() * 1000.0
    );

    let (bot, _) = Bot::start(&sim, &folder, "life").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    println!("idle memory                       {:>6.1} MiB (wanted: 30 or less)", bot.resident());
    let waits = clicks(&sim, &bot).await;
    println!(
        "a click's acknowledgement at 50/s {:>6.2} ms median, {:.2} ms p99 (wanted: 5 or less)",
        percentile(&waits, 50),
        percentile(&waits, 99)
    );
    let rate = webhooks(bot.port, 1).await;
    println!(
        "webhooks, {CONNECTIONS} connections          {rate:>6.0} alerts/s, each on disk before its 202 (wanted: 3000 or more)"
    );
    println!("memory after {ALERTS} alerts         {:>6.1} MiB", bot.resident());
    drop(bot);
    let (bot, ready) = Bot::start(&sim, &folder, "life").await;
    println!("start to ready, {ALERTS} open alerts  {:>6.0} ms", ready.as_secs_f64() * 1000.0);
    drop(bot);
}
