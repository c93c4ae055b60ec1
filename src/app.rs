//! The composition root: builds everything from `Settings`, runs it, and stops it by name, last in first out.

mod forms;
mod gauges;
mod health;
mod hooks;
mod live;
mod parts;
mod record;
mod tools;

use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::input::{Delivery, Input, Moment};
use crate::engine::handle;
use crate::engine::{Bells, Pulse};
use crate::inbox::Inbox;
use crate::intake::body::Bounds;
use crate::intake::hook::Hooks;
use crate::intake::mapping::Mappings;
use crate::intake::tls::Tls;
use crate::slack::api::{Api, ApiSettings};
use crate::slack::directory::{DirectoryReader, Keeper, Known};
use crate::slack::outbound::Outbound;
use crate::slack::socket::{EnvelopeSource, Link, SocketMode, SocketSettings};
use crate::store::{Reader, Writer};
use anyhow::{Context as _, bail};
use health::Health;
use live::Live;
pub use live::TakenUp;
use parts::{Frame, until};
use record::Record;
pub use record::alone;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tools::Connecting;

/// Clicks are not taken before it is known which workspace is ours, or this has passed.
const FIRST_WORD: Duration = Duration::from_secs(3);
/// How long a step of stopping may take.
const STEP: Duration = Duration::from_secs(5);

/// A running Vigie.
pub struct App {
    listen: SocketAddr,
    clock: Clock,
    bells: Bells,
    reader: Reader,
    inbox: Option<Inbox>,
    socket: SocketMode,
    stop: watch::Sender<bool>,
    writer: Option<JoinHandle<Result<(), handle::Fatal>>>,
    intake: Option<JoinHandle<()>>,
    tls: Option<Tls>,
    tasks: Vec<(&'static str, JoinHandle<()>)>,
    live: Live,
    config_is_ill: watch::Sender<Vec<String>>,
}

impl App {
    /// Builds and starts everything. The journal is open and the listener bound when this returns; Slack may come later.
    pub async fn start(
        settings: Settings,
        mappings: Mappings,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let api = api_of(&settings)?;
        let tls = settings.http.tls.clone().map(|files| Tls::open(files, clock.clone()));
        let tls = tls.transpose()?;
        let writer = Writer::open(&settings.store.path).context("the store")?;
        let listener = bind(&settings).await?;
        let record = Record::begin(writer, &settings, &clock).await?;
        let (reader, inbox) = (record.reader.clone(), record.inbox.clone());
        let (stop, stopping) = watch::channel(false);
        let pulse = || Pulse::new(clock.instant());
        let (timed, dispatched, called) = (pulse(), pulse(), pulse());
        let (tell_known, known) = watch::channel(Known::default());
        let frame = Frame {
            clock: clock.clone(),
            bells: record.bells.clone(),
            reader: reader.clone(),
            inbox: inbox.clone(),
            surroundings: record.surroundings.clone(),
            outbound: Outbound::new(api.clone(), clock.clone()),
            signer: record.signer.clone(),
            known,
            stop: stopping.clone(),
        };
        let (hints, hinted) = tokio::sync::mpsc::unbounded_channel();
        let (tell_places, changed) = tokio::sync::mpsc::unbounded_channel();
        let (set_wanted, wanted) = watch::channel(record.wanted.clone());
        let reader_of_slack = DirectoryReader::new(api.clone(), clock.clone());
        let keeper = Keeper {
            reader: reader_of_slack.knowing(record.names.clone()),
            wanted,
            hints: hinted,
            publish: record.directory.clone(),
            known: tell_known.clone(),
            inbox: inbox.clone(),
        };
        let departures = frame.departures(hints.clone());
        let hearer = Arc::new(frame.inbound(hints, tell_places));
        let first = frame.known(Known::Workspace, FIRST_WORD);
        let socket = SocketMode::start(first, api, hearer, SocketSettings::default());
        let (config_is_ill, config_health) = watch::channel(Vec::new());
        let health = Health {
            clock: clock.clone(),
            timer: timed.clone(),
            dispatcher: dispatched.clone(),
            caller: called.clone(),
            writer: record.written.clone(),
            ledger: record.ledger.clone(),
            tls: tls.clone(),
            link: socket.link(),
            ghosts: socket.ghosts(),
            config: config_health,
            stopping,
        };
        let (set_sources, sources) =
            watch::channel(Arc::new(hooks::sources(&settings, &mappings)?));
        let bounds = Bounds { bytes: settings.http.max_body, ..Bounds::default() };
        let hooks = Hooks::new(sources, inbox.clone(), clock.clone(), bounds);
        let control = frame.control(&settings, hooks.clone());
        let (listen, intake) = frame.listen(listener, hooks, (health.clone(), tls.clone()))?;
        let (connecting, tools) = Connecting::begin(&settings, &clock)?;
        let deliverer = frame.deliverer(record.journal.clone(), &settings);
        let mut tasks = vec![
            ("the checkpointer", tokio::spawn(frame.checkpoint(record.checkpointer))),
            ("the timer", tokio::spawn(frame.timer(timed))),
            ("the dispatcher", tokio::spawn(frame.dispatcher(deliverer.clone(), dispatched))),
            ("the caller", tokio::spawn(frame.caller(tools, called))),
            ("the emergency", tokio::spawn(frame.emergency(deliverer, record.ledger))),
            (
                "the gauges",
                tokio::spawn(until(frame.stop.clone(), gauges::run(reader.clone(), clock.clone()))),
            ),
            ("the directory", tokio::spawn(until(frame.stop.clone(), keeper.run()))),
            ("the departures", tokio::spawn(until(frame.stop.clone(), departures.run()))),
            ("the control socket", tokio::spawn(until(frame.stop.clone(), control))),
            ("the places", tokio::spawn(until(frame.stop.clone(), frame.places(changed).run()))),
            (
                "the probe",
                tokio::spawn(until(
                    frame.stop.clone(),
                    health::probe(health.clone(), inbox.clone()),
                )),
            ),
        ];
        if let Some(tls) = tls.clone() {
            let follow = async move { tls.follow().await };
            tasks.push(("the certificate", tokio::spawn(until(frame.stop.clone(), follow))));
        }
        if let Some(heartbeat) = settings.heartbeat.clone() {
            let beat = health::beat(heartbeat, health, inbox.clone());
            tasks.push(("the heartbeat", tokio::spawn(until(frame.stop.clone(), beat))));
        }
        let live = Live {
            started: settings,
            policy: record.surroundings.policy,
            wanted: set_wanted,
            known: tell_known,
            sources: set_sources,
            connecting,
        };
        Ok(Self {
            listen,
            clock,
            bells: record.bells,
            reader,
            inbox: Some(record.inbox),
            socket,
            stop,
            writer: Some(record.running),
            intake: Some(intake),
            tls,
            tasks,
            live,
            config_is_ill,
        })
    }

    /// Where webhooks are taken.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether Slack is connected.
    pub fn link(&self) -> watch::Receiver<Link> {
        self.socket.link()
    }

    /// The way in, for what acts from within the process (the demo).
    pub fn inbox(&self) -> Inbox {
        self.inbox.clone().expect("it is there until the app stops")
    }

    /// For what reads (the demo's panels, tests).
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Brings a config that was read again into force, as far as a running process can. An `Err` leaves the one before.
    pub async fn reload(
        &self,
        settings: &Settings,
        mappings: &Mappings,
    ) -> anyhow::Result<TakenUp> {
        let taken = self.live.take(settings, mappings, (&self.inbox(), &self.clock)).await?;
        if let Some(tls) = &self.tls {
            tls.look().await;
        }
        let waits = |key| format!("{key} has changed: it counts from the next start on");
        self.config_is_ill.send_replace(taken.waiting.iter().map(waits).collect());
        Ok(taken)
    }

    /// The config on disk cannot be taken up: `/readyz` warns of that until one is.
    pub fn keep_config(&self) {
        let words = "the config on disk is not in force, the one before it is: the log and `vigie check` say why";
        self.config_is_ill.send_replace(vec![words.to_owned()]);
    }

    /// Runs policy time ahead, for the demo's fast-forward, and lets the timer look again.
    pub fn skip(&self, span: Duration) {
        self.clock.set(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
        self.bells.due.notify_one();
        self.bells.outbox.notify_one();
    }

    /// Returns only when the writer has ended by itself: the process must end too.
    pub async fn failed(&mut self) -> anyhow::Error {
        match &mut self.writer {
            Some(writer) => match writer.await {
                Ok(Ok(())) => anyhow::anyhow!("the writer has stopped"),
                Ok(Err(fatal)) => anyhow::anyhow!("{fatal}"),
                Err(error) => anyhow::anyhow!("the writer panicked: {error}"),
            },
            None => std::future::pending().await,
        }
    }

    /// Stops in good order: nothing new comes in, what is under way ends, the journal says so.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.send_replace(true);
        if let Some(intake) = self.intake.take() {
            step("the listener", intake).await;
        }
        if tokio::time::timeout(STEP, self.socket.stop()).await.is_err() {
            tracing::warn!("Slack's sockets did not close in time");
        }
        // What was cut may have done more than is on disk: the journal must not say that it stopped in good order, for the
        // next start would look for nothing.
        let mut cut = false;
        for (name, task) in self.tasks.drain(..).rev() {
            cut |= !step(name, task).await;
        }
        if let Some(inbox) = self.inbox.take()
            && !cut
        {
            let input = Input::Moment(Moment::Stopping);
            if inbox.submit(Delivery { key: None, at: self.clock.now(), input }).await.is_err() {
                tracing::warn!("The journal does not say that we stopped");
            }
        }
        match self.writer.take() {
            Some(writer) => match tokio::time::timeout(STEP, writer).await {
                Ok(Ok(Ok(()))) => Ok(()),
                Ok(Ok(Err(fatal))) => bail!("{fatal}"),
                Ok(Err(error)) => bail!("the writer panicked: {error}"),
                Err(_) => bail!("the writer did not end in time"),
            },
            None => Ok(()),
        }
    }
}

/// Whatever was not stopped is cut, as a crash would.
impl Drop for App {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        self.socket.abort();
        self.tasks.drain(..).for_each(|(_, task)| task.abort());
        self.intake.take().into_iter().for_each(|task| task.abort());
        self.writer.take().into_iter().for_each(|task| task.abort());
    }
}

/// Whether it stopped by itself.
async fn step(name: &str, mut task: JoinHandle<()>) -> bool {
    let stopped = tokio::time::timeout(STEP, &mut task).await.is_ok();
    if !stopped {
        tracing::warn!(task = name, "A part did not stop in time; it is cut");
        task.abort();
    }
    stopped
}

fn api_of(settings: &Settings) -> anyhow::Result<Api> {
    let tokens = settings.slack.tokens.clone().context("Slack's tokens were not read")?;
    let url = settings.slack.api_url.as_str();
    Ok(Api::new(ApiSettings::new(url, tokens.bot, tokens.app))?)
}

/// Takes the port before the journal says that we started: a port that is taken leaves no trace of every try.
async fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.http.listen;
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("http.listen {address}: cannot listen there"))
}
