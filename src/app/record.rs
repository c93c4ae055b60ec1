//! The store, the journal and its one writer, begun: all that works without Slack.

use crate::clock::Clock;
use crate::config::Settings;
use crate::domain::ids::{BootId, JournalId, PlaybookName};
use crate::domain::input::{Answer, Delivery, Input, Moment};
use crate::domain::names::Names;
use crate::domain::people::Directory;
use crate::domain::playbook::Playbook;
use crate::domain::tool::Catalogue;
use crate::engine::handle::{self, Handler};
use crate::engine::ledger::Ledger;
use crate::engine::{Bells, Pulse, Surroundings};
use crate::fresh;
use crate::inbox::{self, Inbox};
use crate::playbooks;
use crate::slack::action_id::Signer;
use crate::slack::directory::Wanted;
use crate::store::checkpoint::Checkpointer;
use crate::store::{Reader, Writer, journal, places, queries, versions};
use anyhow::{Context as _, ensure};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A journal that says that we have started, and its writer at work.
pub(super) struct Record {
    pub(super) journal: JournalId,
    pub(super) reader: Reader,
    pub(super) inbox: Inbox,
    pub(super) bells: Bells,
    pub(super) ledger: Ledger,
    pub(super) checkpointer: Checkpointer,
    pub(super) signer: Signer,
    /// The writer's sign of life, and its end.
    pub(super) written: Pulse,
    pub(super) running: JoinHandle<Result<(), handle::Fatal>>,
    /// What the config's names were found to mean before.
    pub(super) names: Names,
    pub(super) wanted: Wanted,
    pub(super) surroundings: Surroundings,
    pub(super) directory: watch::Sender<Arc<Directory>>,
}

impl Record {
    /// Begins on an open database. What an earlier process said without record is recorded before anything else comes in.
    pub(super) async fn begin(
        writer: Writer,
        settings: &Settings,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        if let Some(last) = journal::last_time(&writer.connection)? {
            clock.not_before(last);
        }
        let boot = BootId::new(format!("boot_{}", fresh::ulid(clock.now())));
        let since = versions::config_since(&writer.connection, &settings.config_hash)?;
        let ladders = versions::ladders_since(&writer.connection, &settings.version().ladders)?;
        let since = since.unwrap_or_else(|| clock.now());
        let policy = settings.policy(since, |name, _| ladders.get(name).copied());
        let wanted = Wanted::of(&policy);
        let names = names(&writer, &wanted)?;
        let signer = Signer::new(&button_key(&writer)?);
        let (set_policy, policy) = watch::channel(Arc::new(policy));
        let directory = Directory { names: names.clone(), ..Directory::default() };
        let (set_directory, directory) = watch::channel(Arc::new(directory));
        let surroundings = Surroundings { policy, directory };
        let reader = writer.reader();
        let ledger = Ledger::open(reader.path(), clock.clone());
        let checkpointer = writer.checkpointer().context("the store")?;
        let handler = Handler::start(writer, boot.clone(), clock.clone(), surroundings.clone())
            .context("the journal")?
            .with(ledger.clone())
            .pinning(Box::new(compile))
            .changing(set_policy);
        let journal = handler.journal().clone();
        let (inbox, queue) = inbox::open();
        let (bells, written) = (Bells::default(), Pulse::new(clock.instant()));
        let running = tokio::spawn(handle::run(handler, queue, bells.clone(), written.clone()));
        started(&inbox, clock, (boot, settings)).await?;
        inbox.ping().await;
        Ok(Self {
            journal,
            reader,
            inbox,
            bells,
            ledger,
            checkpointer,
            signer,
            written,
            running,
            names,
            wanted,
            surroundings,
            directory: set_directory,
        })
    }
}

/// Hands one input to a database on which no process runs. What follows from it is done by the next one that starts; that this one
/// stopped in good order is not said, so that it looks for what an earlier one left half done.
pub async fn alone(settings: &Settings, clock: Clock, input: Input) -> anyhow::Result<Answer> {
    let path = &settings.store.path;
    ensure!(path.exists(), "{} is not there: nothing was ever recorded in it", path.display());
    let writer = Writer::open(path).context("the store")?;
    let record = Record::begin(writer, settings, &clock).await?;
    let answer = record.inbox.submit(Delivery { key: None, at: clock.now(), input }).await;
    let running = record.running;
    drop(record.inbox);
    running.await.context("the writer panicked")?.map_err(|fatal| anyhow::anyhow!("{fatal}"))?;
    answer.context("it was not recorded, and so it was not done")
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

async fn started(
    inbox: &Inbox,
    clock: &Clock,
    (boot, settings): (BootId, &Settings),
) -> anyhow::Result<()> {
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let moment = Moment::Started { boot, version, config: settings.version() };
    let delivery = Delivery { key: None, at: clock.now(), input: Input::Moment(moment) };
    inbox.submit(delivery).await.context("the journal does not take the first entry")?;
    Ok(())
}

/// A playbook of an earlier version, over the tools as they are now. What it would be refused for today is the gate's to say.
fn compile(name: &PlaybookName, text: &str, catalogue: &Catalogue) -> Option<Playbook> {
    playbooks::recall(name.as_str(), text, catalogue)
}
