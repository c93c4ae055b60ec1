//! `vigie demo`: a local Slack, the bot against it over real HTTP and WebSocket, and a few alerts. No account, no network.

use super::manifest::MANIFEST;
use super::signals::Signals;
use super::{Demo, Exit};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Outside, Secrets, Settings};
use crate::intake::mapping::Mappings;
use crate::sim::{Channel, Options, Sim, Team, User, Usergroup};
use anyhow::Context as _;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The bearer token of the demo's sources; the listener is on loopback only.
const TOKEN: &str = "demo";

const CONFIG: &str = include_str!("demo.yaml");

/// The page's port where none is asked for, and how many are tried from there on.
const PORT: u16 = 4040;
const TRIES: u16 = 50;

/// Runs until Ctrl-C, SIGTERM or a closed terminal, or until the disk can no longer be trusted.
pub async fn run(args: Demo) -> anyhow::Result<Exit> {
    // First of all: what ends the demo must find somebody who cleans up.
    let mut signals = Signals::hear()?;
    let scratch = Scratch::new(args.keep.as_deref())?;
    let clock = Clock::real();
    let sim = local_slack(args.port, &clock).await?;
    populate(&sim);
    let mut app = App::start(settings(&sim, &scratch.folder)?, Mappings::shipped(), clock).await?;
    introduce(&sim, &app, &scratch);
    if !args.no_open {
        open_browser(&sim.page_url());
    }
    let telling = tokio::spawn(tell(sim.clone()));
    let hook = format!("http://{}/hooks/", app.listen());
    let story = tokio::spawn(story(hook));
    let failed = tokio::select! {
        _ = signals.next() => None,
        error = app.failed() => Some(error),
    };
    story.abort();
    telling.abort();
    if let Some(error) = failed {
        return Err(error);
    }
    // A terminal that was closed takes no word any more.
    let _ = super::answer("\nStopping.");
    app.stop().await?;
    sim.shutdown();
    Ok(Exit::Good)
}

/// Slack, on the port that was asked for; else on the first free one.
async fn local_slack(port: Option<u16>, clock: &Clock) -> anyhow::Result<Sim> {
    let manifest: Value = serde_saphyr::from_str(MANIFEST).context("the manifest")?;
    let on = async |port: u16| {
        let options = Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            epoch_ms: clock.now().as_millis(),
            team: Team { name: "Example Corp".to_owned(), ..Team::default() },
            ..Options::default()
        };
        Sim::start(options.with_manifest(&manifest)).await
    };
    if let Some(port) = port {
        let hint = "try another, or 0: the system chooses";
        return on(port).await.with_context(|| format!("cannot listen on port {port} ({hint})"));
    }
    for port in PORT..PORT + TRIES {
        match on(port).await {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            started => return started.with_context(|| format!("cannot listen on port {port}")),
        }
    }
    anyhow::bail!("no port is free from {PORT} to {}: name one with --port", PORT + TRIES - 1)
}

/// Where the demo's database is; removed at the end unless it was asked for.
struct Scratch {
    folder: PathBuf,
    kept: bool,
}

impl Scratch {
    fn new(keep: Option<&Path>) -> anyhow::Result<Self> {
        let folder = match keep {
            Some(folder) => folder.to_owned(),
            None => std::env::temp_dir().join(format!("vigie-demo-{}", std::process::id())),
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, kept: keep.is_some() })
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

fn settings(sim: &Sim, folder: &Path) -> anyhow::Result<Settings> {
    let api = sim.api_url();
    let database = folder.join("vigie.db").display().to_string();
    let env = move |name: &str| match name {
        "SLACK_API_URL" => Some(api.clone()),
        "SLACK_BOT_TOKEN" => Some("xoxb-sim".to_owned()),
        "SLACK_APP_TOKEN" => Some("xapp-sim".to_owned()),
        "DEMO_TOKEN" => Some(TOKEN.to_owned()),
        "VIGIE__STORE__PATH" => Some(database.clone()),
        _ => None,
    };
    let mappings = Mappings::shipped();
    let names: Vec<&str> = mappings.names().collect();
    let outside = Outside { env: &env, mappings: &names, secrets: Secrets::Fetch };
    Settings::read("the demo's config", CONFIG, &outside).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!(lines.join("\n"))
    })
}

fn populate(sim: &Sim) {
    let user = |id: &str, name: &str, (real_name, title): (&str, &str)| User {
        id: id.into(),
        name: name.into(),
        real_name: real_name.into(),
        title: title.into(),
        email: format!("{name}@example.com"),
        ..User::default()
    };
    let people = [
        ("U0ALICE", "alice", ("Alice Martin", "Analyst: acknowledges, assigns, resolves")),
        ("U0BOB", "bob", ("Bob Chen", "Analyst, on call: is told first")),
        (
            "U0CARLA",
            "carla",
            ("Carla Rossi", "Lead: all that analysts may, and hears of what they leave"),
        ),
        ("U0DAVE", "dave", ("Dave Okoro", "Auditor: may look, and act on nothing")),
    ];
    for (id, name, words) in people {
        sim.add_user(user(id, name, words));
    }
    sim.add_usergroup(Usergroup {
        id: "S0BLUE".into(),
        handle: "blue-team".into(),
        name: "Blue Team".into(),
        users: vec!["U0ALICE".into(), "U0BOB".into()],
        ..Usergroup::default()
    });
    for (id, name) in
        [("C0SOC", "soc-alerts"), ("C0CRIT", "soc-critical"), ("C0LEADS", "sec-leads")]
    {
        sim.add_channel(Channel { id: id.into(), name: name.into(), ..Channel::default() });
    }
}

fn introduce(sim: &Sim, app: &App, scratch: &Scratch) {
    let page = sim.page_url();
    let hook = app.listen();
    let database = scratch.folder.join("vigie.db");
    let told = format!(
        "Vigie's demo: a local Slack with the bot in it. Nothing leaves this machine.\n\n\
         \x20 the page        {page}\n\
         \x20 send an alert   curl -s -H 'Authorization: Bearer {TOKEN}' -H 'Content-Type: application/json' \\\n\
         \x20                   -d '{{\"title\":\"My first alert\",\"severity\":\"high\",\"hosts\":[\"laptop-7\"]}}' http://{hook}/hooks/soc\n\
         \x20 the record      sqlite3 {} 'select * from interactions_v1'\n\
         \x20 over SSH        ssh -L {port}:127.0.0.1:{port} HOST\n\
         \x20 stop            Ctrl-C\n\n\
         Open the page, look into #soc-critical, and acknowledge. Whoever does not is told again within a minute.\n",
        database.display(),
        port = page.rsplit(':').next().unwrap_or_default().trim_end_matches('/'),
    );
    // Where nobody reads it, the demo runs all the same.
    let _ = super::answer(told);
}

/// The conversation, as it happens.
async fn tell(sim: Sim) {
    use std::io::Write as _;
    let mut happenings = sim.subscribe();
    loop {
        match happenings.recv().await {
            // A reader that has gone away is no reason to stop.
            Ok(happening) => drop(writeln!(std::io::stdout(), "{happening}")),
            Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
        }
    }
}

/// A few alerts of several products: one critical, one that repeats, one that its source resolves.
async fn story(hooks: String) {
    let client = reqwest::Client::builder().no_proxy().build();
    let Ok(client) = client else { return };
    let send = async |source: &str, body: &Value| {
        let sent =
            client.post(format!("{hooks}{source}")).bearer_auth(TOKEN).json(body).send().await;
        if let Err(error) = sent {
            tracing::warn!(error = %error.without_url(), "The demo could not send its alert");
        }
    };
    let wait = |seconds| tokio::time::sleep(Duration::from_secs(seconds));
    wait(1).await;
    send("soc", &impossible_travel()).await;
    wait(3).await;
    send("soc", &credential_dump()).await;
    wait(4).await;
    send("prometheus", &shell_in_container("firing")).await;
    wait(8).await;
    send("soc", &impossible_travel()).await;
    wait(20).await;
    send("prometheus", &shell_in_container("resolved")).await;
}

fn impossible_travel() -> Value {
    json!({
        "id": "okta-7f31", "title": "Impossible travel: Lyon, then Singapore 40 minutes later",
        "severity": "high", "rule": "impossible-travel", "users": ["j.durand@example.com"],
        "ips": ["203.0.113.54", "198.51.100.23"], "tactic": "Initial Access", "technique": "T1078",
        "description": "Two sign-ins with the same session, from networks 10,800 km apart.",
        "url": "https://idp.example.com/admin/events/okta-7f31",
    })
}

fn credential_dump() -> Value {
    json!({
        "id": "edr-9913", "title": "Credential dump: lsass.exe was read by procdump64.exe",
        "severity": "critical", "rule": "lsass-access", "hosts": ["fin-laptop-12"], "users": ["CORP\\m.leroy"],
        "hashes": ["9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
        "tactic": "Credential Access", "technique": "T1003.001",
        "description": "procdump64.exe -ma lsass.exe C:\\Temp\\l.dmp, started by powershell.exe.",
        "url": "https://edr.example.com/detections/9913",
    })
}

fn shell_in_container(status: &str) -> Value {
    json!({
        "version": "4", "receiver": "soc", "status": status, "groupKey": "{}", "externalURL": "http://alertmanager.example.com",
        "alerts": [{
            "status": status, "fingerprint": "f05dfde826fb0e06", "startsAt": "2026-11-25T01:07:33Z",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://prometheus.example.com/graph",
            "labels": {"alertname": "TerminalShellInContainer", "severity": "warning", "instance": "node-3:9100",
                       "pod": "payments-6d9"},
            "annotations": {"summary": "A shell was spawned in payments-6d9 by root"},
        }],
    })
}

/// Best effort: the address is printed all the same.
fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    let _ = std::process::Command::new(program)
        .arg(url)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
}
