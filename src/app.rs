//! The composition root: builds everything from `Settings`, runs it, and stops it by name, last in first out.

mod forms;
mod gauges;
mod health;
mod hooks;
mod live;
mod parts;

use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::ids::BootId;
use crate::domain::input::{Delivery, Input, Moment};
use crate::domain::names::Names;
use crate::domain::people::Directory;
use crate::engine::handle::{self, Handler};
use crate::engine::ledger::Ledger;
use crate::engine::{Bells, Pulse, Surroundings};
use crate::fresh;
use crate::inbox::{self, Inbox};
use crate::intake::mapping::Mappings;
use crate::slack::action_id::Signer;
use crate::slack::api::{Api, ApiSettings};
use crate::slack::directory::{DirectoryReader, Keeper, Known, Wanted};
use crate::slack::outbound::Outbound;
use crate::slack::socket::{EnvelopeSource, Link, SocketMode, SocketSettings};
use crate::store::{Reader, Writer, journal, places, queries};
use anyhow::{Context as _, bail};
use health::Health;
use live::Live;
pub use live::TakenUp;
use parts::{Frame, until};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

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
        let writer = Writer::open(&settings.store.path).context("the store")?;
        let listener = bind(&settings).await?;
        if let Some(last) = journal::last_time(&writer.connection)? {
            clock.not_before(last);
        }
        let boot = BootId::new(format!("boot_{}", fresh::ulid(clock.now())));
        let since = journal::config_since(&writer.connection, &settings.config_hash)?;
        let policy = settings.policy(since.unwrap_or_else(|| clock.now()));
        let wanted = Wanted::of(&policy);
        let names = names(&writer, &wanted)?;
        let signer = Signer::new(&button_key(&writer)?);
        let (set_policy, policy) = watch::channel(Arc::new(policy));
        let directory = Directory { names: names.clone(), ..Directory::default() };
        let (publish, directory) = watch::channel(Arc::new(directory));
        let (tell_known, known) = watch::channel(Known::default());
        let surroundings = Surroundings { policy, directory };
        let reader = writer.reader();
        let ledger = Ledger::open(reader.path(), clock.clone());
        let checkpointer = writer.checkpointer().context("the store")?;
        let handler = Handler::start(writer, boot.clone(), clock.clone(), surroundings.clone())
            .context("the journal")?
            .with(ledger.clone());
        let journal = handler.journal().clone();
        let (inbox, queue) = inbox::open();
        let bells = Bells::default();
        let (stop, stopping) = watch::channel(false);
        let pulse = || Pulse::new(clock.instant());
        let (written, timed, dispatched) = (pulse(), pulse(), pulse());
        let running = tokio::spawn(handle::run(handler, queue, bells.clone(), written.clone()));
        started(&inbox, &clock, (&boot, &settings)).await?;
        // Records what an earlier process said without record, before anything else comes in.
        inbox.ping().await;

        let frame = Frame {
            clock: clock.clone(),
            bells: bells.clone(),
            reader: reader.clone(),
            inbox: inbox.clone(),
            surroundings,
            outbound: Outbound::new(api.clone(), clock.clone()),
            signer,
            known,
            stop: stopping.clone(),
        };
        let (hints, hinted) = tokio::sync::mpsc::unbounded_channel();
        let (tell_places, changed) = tokio::sync::mpsc::unbounded_channel();
        let (set_wanted, wanted) = watch::channel(wanted);
        let reader_of_slack = DirectoryReader::new(api.clone(), clock.clone()).knowing(names);
        let keeper = Keeper {
            reader: reader_of_slack,
            wanted,
            hints: hinted,
            publish,
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
            writer: written,
            ledger: ledger.clone(),
            link: socket.link(),
            ghosts: socket.ghosts(),
            config: config_health,
            stopping,
        };
        let (set_sources, sources) =
            watch::channel(Arc::new(hooks::sources(&settings, &mappings)?));
        let (listen, intake) = frame.listen(listener, &settings, (sources, health.clone()))?;
        let deliverer = frame.deliverer(journal, &settings);
        let mut tasks = vec![
            ("the checkpointer", tokio::spawn(frame.checkpoint(checkpointer))),
            ("the timer", tokio::spawn(frame.timer(timed))),
            ("the dispatcher", tokio::spawn(frame.dispatcher(deliverer.clone(), dispatched))),
            ("the emergency", tokio::spawn(frame.emergency(deliverer, ledger))),
            (
                "the gauges",
                tokio::spawn(until(frame.stop.clone(), gauges::run(reader.clone(), clock.clone()))),
            ),
            ("the directory", tokio::spawn(until(frame.stop.clone(), keeper.run()))),
            ("the departures", tokio::spawn(until(frame.stop.clone(), departures.run()))),
            ("the places", tokio::spawn(until(frame.stop.clone(), frame.places(changed).run()))),
            (
                "the probe",
                tokio::spawn(until(
                    frame.stop.clone(),
                    health::probe(health.clone(), inbox.clone()),
                )),
            ),
        ];
        if let Some(heartbeat) = settings.heartbeat.clone() {
            let beat = health::beat(heartbeat, health, inbox.clone());
            tasks.push(("the heartbeat", tokio::spawn(until(frame.stop.clone(), beat))));
        }
        let live = Live {
            started: settings,
            policy: set_policy,
            wanted: set_wanted,
            known: tell_known,
            sources: set_sources,
        };
        Ok(Self {
            listen,
            clock,
            bells,
            reader,
            inbox: Some(inbox),
            socket,
            stop,
            writer: Some(running),
            intake: Some(intake),
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
        let waits = |key| format!("{key} has changed: it counts from the next start on");
        self.config_is_ill.send_replace(taken.waiting.iter().map(waits).collect());
        Ok(taken)
    }

    /// The config on disk cannot be taken up: `/readyz` warns of that until one is.
    pub fn keep_config(&self, why: &str) {
        self.config_is_ill.send_replace(vec![format!(
            "the config on disk is not in force, the one before it is: {why}"
        )]);
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

/// The key that signs buttons: made once, kept in the database, so that buttons outlive a restart.
fn button_key(writer: &Writer) -> anyhow::Result<[u8; 32]> {
    const NAME: &str = "button_key";
    if let Some(key) = queries::secret(&writer.connection, NAME)? {
        return key
            .try_into()
            .map_err(|_| anyhow::anyhow!("the database's {NAME} is not 32 bytes"));
    }
    let key = fresh::bytes::<32>();
    queries::keep_secret(&writer.connection, NAME, &key)?;
    Ok(key)
}

/// What the config's names were found to mean before this start. What it names no longer is forgotten.
fn names(writer: &Writer, wanted: &Wanted) -> anyhow::Result<Names> {
    let mut names = Names::default();
    for meaning in places::names(&writer.connection)? {
        if wanted.names(&meaning) {
            names.learn(&meaning);
        } else {
            places::forget_name(&writer.connection, &meaning)?;
        }
    }
    Ok(names)
}

/// Takes the port before the journal says that we started: a port that is taken leaves no trace of every try.
async fn bind(settings: &Settings) -> anyhow::Result<TcpListener> {
    let address = settings.http.listen;
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("http.listen {address}: cannot listen there"))
}

async fn started(
    inbox: &Inbox,
    clock: &Clock,
    (boot, settings): (&BootId, &Settings),
) -> anyhow::Result<()> {
    let moment = Moment::Started {
        boot: boot.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: settings.version(),
    };
    let delivery = Delivery { key: None, at: clock.now(), input: Input::Moment(moment) };
    inbox.submit(delivery).await.context("the journal does not take the first entry")?;
    Ok(())
}
