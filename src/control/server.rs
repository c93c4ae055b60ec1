//! The running process's end of the control socket.

use super::{LONGEST, Request, Response, name_of, path_of};
use crate::clock::Clock;
use crate::domain::alert::{Entities, Normalised, Status};
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Binding, Click, Delivery, Incoming, Input, Who};
use crate::domain::people::Surface;
use crate::fresh;
use crate::inbox::Inbox;
use crate::intake::hook::Hooks;
use nix::unistd::Uid;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// So many are answered at once; others wait.
const AT_ONCE: usize = 8;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever asks on this machine is answered by it.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    /// What we bound, by device and inode: another may stand there by the time we go.
    bound: (u64, u64),
    answering: Answering,
}

/// With what it answers.
#[derive(Clone)]
struct Answering {
    inbox: Inbox,
    clock: Clock,
    hooks: Hooks,
}

impl Server {
    /// Listens beside this database, whose lock is ours: what a dead process left there is taken away.
    pub fn listen(
        database: &Path,
        (inbox, clock, hooks): (Inbox, Clock, Hooks),
    ) -> io::Result<Self> {
        let path = path_of(database);
        if std::fs::symlink_metadata(&path).is_ok_and(|there| there.file_type().is_socket()) {
            std::fs::remove_file(&path)?;
        }
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let bound = identity(&path)?;
        Ok(Self { listener, path, bound, answering: Answering { inbox, clock, hooks } })
    }

    /// Runs until it is dropped; the socket goes with it.
    pub async fn run(self) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        // Cut with us: nothing comes in after the journal says that we stopped.
        let mut conversations = JoinSet::new();
        loop {
            let place = Arc::clone(&room).acquire_owned().await;
            while conversations.try_join_next().is_some() {}
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "The control socket takes nobody at this moment");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let answering = self.answering.clone();
            conversations.spawn(async move {
                let _place = place;
                if let Err(error) = answering.serve(stream).await {
                    tracing::debug!(%error, "Whoever asked at the control socket has gone");
                }
            });
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|there| there == self.bound) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::symlink_metadata(path).map(|there| (there.dev(), there.ino()))
}

impl Answering {
    async fn serve(&self, mut stream: UnixStream) -> io::Result<()> {
        // The mode says the same; between binding and setting it there is a moment.
        let uid = Uid::from_raw(stream.peer_cred()?.uid());
        if !uid.is_root() && uid != Uid::effective() {
            return Ok(());
        }
        let (read, mut write) = stream.split();
        let mut line = String::new();
        let mut reader = BufReader::new(read.take(LONGEST));
        let request = reader.read_line(&mut line);
        tokio::time::timeout(PATIENCE, request).await.map_err(|_| io::ErrorKind::TimedOut)??;
        let response = match serde_json::from_str(&line) {
            Ok(request) => self.answer(request, name_of(uid)).await,
            Err(error) => Response::Not(format!(
                "the request is not understood ({error}): is this binary of the same release as the running one?"
            )),
        };
        write.write_all(&serde_json::to_vec(&response)?).await?;
        write.shutdown().await
    }

    async fn answer(&self, request: Request, name: String) -> Response {
        match request {
            Request::Acknowledge { alert } => self.act(name, alert, Act::Acknowledge).await,
            Request::Resolve { alert, disposition, note } => {
                self.act(name, alert, Act::Resolve { disposition, note }).await
            }
            Request::PlanRun { alert, playbook, asked } => {
                let run = fresh::run_id(self.clock.now());
                self.act(name, alert, Act::PlanRun { playbook, run, asked }).await
            }
            Request::OfRun { run, plan, what } => {
                let binding = match plan {
                    Some(plan) => Binding::Run { run, plan },
                    None => Binding::NamedRun { run },
                };
                self.click(name, what.act(), binding).await
            }
            Request::TestAlert { source, severity, title } => {
                if !self.hooks.has(&source) {
                    return Response::Not(format!("the config has no source called {source}"));
                }
                let id = fresh::alert_id(self.clock.now());
                let alert = Normalised { severity, ..test_alert(title, &id) };
                let raw = serde_json::to_string(&alert).unwrap_or_default();
                let incoming = Incoming { id, source, alert, raw, test: true, by: Some(name) };
                self.submit(Input::Alert(Box::new(incoming))).await
            }
            Request::TestBody { source, body } => {
                match self.hooks.try_body(&source, body.into_bytes(), name).await {
                    Ok(answers) => Response::Decided(answers),
                    Err(why) => Response::Not(why),
                }
            }
        }
    }

    async fn act(&self, name: String, alert: AlertId, act: Act) -> Response {
        self.click(name, act, Binding::Named { alert }).await
    }

    async fn click(&self, name: String, act: Act, binding: Binding) -> Response {
        let click = Click { who: Who::Os(name), via: Surface::Cli, act, binding, reply_to: None };
        self.submit(Input::Click(Box::new(click))).await
    }

    async fn submit(&self, input: Input) -> Response {
        let delivery = Delivery { key: None, at: self.clock.now(), input };
        match self.inbox.offer(delivery).await {
            Ok(answer) => Response::Decided(vec![answer]),
            Err(why) => {
                Response::Not(format!("nothing was recorded, and so nothing was done: {why}"))
            }
        }
    }
}

/// Each is an alert of its own.
fn test_alert(title: String, id: &AlertId) -> Normalised {
    Normalised {
        id: None,
        title,
        description: Some("Nothing has happened: somebody tries whether alerts arrive.".to_owned()),
        rule: Some("vigie test-alert".to_owned()),
        severity: crate::domain::alert::Severity::High,
        status: Status::Firing,
        dedup_key: id.to_string(),
        url: None,
        entities: Entities::default(),
        tactic: None,
        technique: None,
        occurred_at: None,
    }
}
