//! A case's house: a simulated workspace, a folder, and the bot as a process of its own, traced or not.

use crate::points::{Point, Shape};
use crate::tools::Tools;
use std::fs::File;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;
use vigie::sim::{App, Channel, Options, Sim, User};

/// A secret of each kind, to be found nowhere.
pub const SECRETS: [&str; 3] =
    ["canary-hook-token-51c8", "xoxb-canary-bot-7d02", "xapp-canary-app-e9f4"];
pub const PEOPLE: [&str; 3] = ["ana", "bea", "lea"];
pub const CHANNELS: [&str; 2] = ["soc-alerts", "sec"];
/// For whatever takes milliseconds where the machine has nothing else to do.
pub const LONG: Duration = Duration::from_secs(60);

/// One worker and one blocking thread, so that a call's number means the same in each run.
const THREADS: [(&str, &str); 2] = [("TOKIO_WORKER_THREADS", "1"), ("VIGIE_BLOCKING_THREADS", "1")];

/// A ladder in milliseconds, so that its rungs fall into the story.
const CONFIG: &str = r##"
slack: {channel: "#soc-alerts", timezone: Europe/Paris, post_rate: 1000/s}
http: {listen: "127.0.0.1:0"}
log: {format: json}
roles:
  analyst: {users: [U0ANA, U0BEA]}
  lead: {users: [U0LEA]}
teams:
  blue: {members: role(analyst), lead: role(lead), on_call: "user(U0BEA)"}
sources:
  edr: {type: generic, auth: {bearer: {env: EDR_TOKEN}}}
  prometheus: {type: alertmanager, auth: {bearer: {env: EDR_TOKEN}}}
routes:
  - {name: critical, when: "alert.severity == 'critical'", team: blue, channel: "#sec", escalation: critical}
  - {name: the-rest, team: blue, escalation: standard}
escalations:
  critical:
    ladder:
      - {after: 300ms, dm: on_call}
      - {after: 500ms, thread: team}
      - {after: 700ms, dm: lead}
    repeat: {last: 1h, times: 1, then: daily_to_lead}
  standard:
    ladder:
      - {after: 1h, thread: team}
"##;

/// Slack, tools and a disk, which outlive the process.
pub struct House {
    pub sim: Sim,
    /// Where a playbook is run.
    pub tools: Option<Tools>,
    folder: PathBuf,
}

/// How a life of the bot is watched.
#[derive(Clone, Copy, Debug)]
pub enum Watched<'p> {
    Not,
    /// Its calls are written down.
    Counted,
    /// Something happens at this point.
    Struck(&'p Point),
}

/// A running process. It is killed where a case leaves it.
pub struct Bot {
    pid: u32,
    log: PathBuf,
    ended: watch::Receiver<Option<ExitStatus>>,
    /// Where webhooks are taken; none where it ended before.
    pub address: Option<String>,
}

impl House {
    /// A house in a new folder.
    pub async fn new(folder: PathBuf, shape: Shape) -> Self {
        let app =
            App { bot_token: SECRETS[1].into(), app_token: SECRETS[2].into(), ..App::default() };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let epoch_ms =
            now.expect("after 1970").as_millis().try_into().expect("before the year 292 million");
        let sim =
            Sim::start(Options { app, epoch_ms, ..Options::default() }).await.expect("listens");
        for name in PEOPLE {
            let id = format!("U0{}", name.to_uppercase());
            sim.add_user(User { id, name: name.into(), real_name: name.into(), ..User::default() });
        }
        for name in CHANNELS {
            sim.add_channel(Channel { name: name.into(), ..Channel::default() });
        }
        std::fs::create_dir_all(&folder).expect("a folder");
        let folder = folder.canonicalize().expect("it is there");
        let tools = match shape {
            Shape::Run => Some(Tools::new(epoch_ms, &folder).await),
            Shape::Fresh | Shape::Late | Shape::Again => None,
        };
        let config = tools.as_ref().map_or(CONFIG.to_owned(), |tools| tools.config(CONFIG));
        std::fs::write(folder.join("vigie.yaml"), config).expect("writes");
        Self { sim, tools, folder }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file of the database: `""`, `"-wal"`, `"-shm"`, `".lock"`.
    pub fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("vigie.db{ending}"))
    }

    /// What was written down of a watched life.
    pub fn trace(&self) -> String {
        let bytes = std::fs::read(self.folder.join("trace")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// A command of the binary, as an operator types it.
    pub fn vigie(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vigie"));
        command.args(args);
        self.surround(&mut command);
        command
    }

    /// Starts the bot under this name and waits until it takes webhooks, or has ended.
    pub async fn start(&self, life: &str, watched: Watched<'_>) -> Bot {
        let mut command = match watched {
            Watched::Not => self.vigie(&["serve"]),
            Watched::Counted | Watched::Struck(_) => self.strace(watched),
        };
        let log = self.folder.join(format!("{life}.log"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
        command.stderr(File::create(&log).expect("a log"));
        let mut process = command.spawn().expect("it starts");
        let pid = process.id().expect("it was not waited for");
        let (tell, ended) = watch::channel(None);
        tokio::spawn(async move { tell.send_replace(process.wait().await.ok()) });
        let mut bot = Bot { pid, log, ended, address: None };
        bot.address = bot.listens().await;
        bot
    }

    /// With `-D` strace stays in the background, and the process that is started is the bot itself.
    fn strace(&self, watched: Watched<'_>) -> Command {
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-qq", "-o"]).arg(self.folder.join("trace"));
        match watched {
            Watched::Struck(point) => {
                command.args(point.arguments());
                for ending in point.kind.files {
                    command.arg("-P").arg(self.file(ending));
                }
            }
            Watched::Counted | Watched::Not => {
                command.args(["-y", "--seccomp-bpf", "-e"]).arg(crate::points::counted());
            }
        }
        command.arg(env!("CARGO_BIN_EXE_vigie")).arg("serve");
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        command.current_dir(&self.folder).env_clear().env("PATH", "/usr/bin:/bin").envs(THREADS);
        command.env("SLACK_API_URL", self.sim.api_url()).env("EDR_TOKEN", SECRETS[0]);
        command.env("SLACK_BOT_TOKEN", SECRETS[1]).env("SLACK_APP_TOKEN", SECRETS[2]);
        command.envs(self.tools.iter().flat_map(|_| Tools::secrets()));
        command.env("VIGIE__STORE__PATH", self.file("")).env("TMPDIR", &self.folder);
    }
}

impl Bot {
    async fn listens(&self) -> Option<String> {
        loop {
            let line = self.log().lines().find_map(|line| {
                let said: serde_json::Value = serde_json::from_str(line).ok()?;
                said["listen"].as_str().map(str::to_owned)
            });
            if line.is_some() || self.ended().is_some() {
                return line;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// What it said on standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// How it ended, once it has.
    pub fn ended(&self) -> Option<ExitStatus> {
        *self.ended.borrow()
    }

    /// Whether it was struck dead.
    pub fn was_killed(&self) -> bool {
        self.ended().is_some_and(|status| status.signal() == Some(9))
    }

    /// Returns when it has ended.
    pub async fn end(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.map(|status| *status);
        status.ok().flatten().expect("the process is waited for")
    }

    /// Sends it a signal; one who has ended does not hear it.
    pub async fn signal(&self, name: &str) {
        if self.ended().is_none() {
            let pid = self.pid.to_string();
            let _ =
                Command::new("kill").args(["-s", name, &pid]).stderr(Stdio::null()).status().await;
        }
    }

    /// Asks it to stop, and kills it where it does not: then there is no status.
    pub async fn stop(&self) -> Option<ExitStatus> {
        self.signal("TERM").await;
        let ended = tokio::time::timeout(LONG, self.end()).await.ok();
        if ended.is_none() {
            self.signal("KILL").await;
            self.end().await;
        }
        ended
    }
}
