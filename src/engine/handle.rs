//! The one writer: takes what waits, has each decided and recorded at its desk, and commits once for all of them.

use crate::clock::Clock;
use crate::domain::event::{Event, Stream};
use crate::domain::ids::{BootId, InputKey, JournalId};
use crate::domain::input::{Answer, Delivery, Input, Moment};
use crate::domain::people::{Actor, Roles};
use crate::domain::policy::{Context, Policy};
use crate::engine::desk::Desk;
use crate::engine::ledger::Ledger;
use crate::engine::pins::{Compile, Pins};
use crate::engine::{Bells, Pulse, Surroundings};
use crate::fresh;
use crate::inbox::{Item, NotWritten, Queue};
use crate::store::journal::{self, Circumstances, Head, ORIGIN};
use crate::store::{Writer, end, in_savepoint, inputs, outbox, refused};
use rusqlite::{ErrorCode, TransactionBehavior};
use std::fmt;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// At most so many inputs share a commit.
const BATCH: usize = 256;

/// The writer's state; moved into a blocking call for each batch and out again.
#[derive(Debug)]
pub struct Handler {
    writer: Writer,
    head: Head,
    boot: BootId,
    clock: Clock,
    surroundings: Surroundings,
    ledger: Ledger,
    pins: Pins,
    /// Where a changed config comes into force.
    policy: Option<watch::Sender<Arc<Policy>>>,
    /// Its first batch is written: the journal says that the process has started.
    begun: bool,
}

/// What becomes of a batch when one of its inputs cannot be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Care {
    /// Nothing of it stays. A savepoint copies each page that an input changes, which a good batch need not pay for.
    Together,
    /// A savepoint for each input: that one alone does not stay.
    Each,
}

/// Why the process cannot go on.
#[derive(Debug)]
pub enum Fatal {
    /// What is on disk is no longer sure.
    Disk(rusqlite::Error),
    /// Our next entry was to follow entry `ours`, and another process has written up to `found`.
    NotOurs { ours: i64, found: i64 },
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disk(error) => write!(
                f,
                "the disk did not confirm a write ({error}): nothing more can be promised. Look at the disk, then start \
                 again: what was answered is in the journal"
            ),
            Self::NotOurs { ours, found } => write!(
                f,
                "another process wrote to the database: the journal ends with entry {found}, ours was {ours}. Stop the other \
                 one, look with `vigie audit verify`, then start again"
            ),
        }
    }
}

impl Handler {
    /// Takes over an open database: opens the journal where it is new, and lets go of refused bodies that are too old
    /// (later ones do so as they come).
    pub fn start(
        writer: Writer,
        boot: BootId,
        clock: Clock,
        surroundings: Surroundings,
    ) -> rusqlite::Result<Self> {
        let found = journal::head(&writer.connection)?;
        let new = found.is_none();
        let head = found.unwrap_or_else(|| Head {
            journal: JournalId::new(format!("jrn_{}", fresh::ulid(clock.now()))),
            seq: 0,
            hash: ORIGIN,
        });
        let ledger = Ledger::in_memory(clock.clone());
        let policy = None;
        let mut handler = Self {
            writer,
            head,
            boot,
            clock,
            surroundings,
            ledger,
            pins: Pins::new(Box::new(|_, _, _| None)),
            policy,
            begun: false,
        };
        if new {
            handler.open_journal()?;
        }
        refused::let_go(&handler.writer.connection, handler.clock.now())?;
        Ok(handler)
    }

    /// Says in this ledger whether the store writes, and records what stands in it.
    #[must_use]
    pub fn with(self, ledger: Ledger) -> Self {
        Self { ledger, ..self }
    }

    /// Reads the playbooks of runs that were planned with an earlier version by `compile`.
    #[must_use]
    pub fn pinning(self, compile: Box<Compile>) -> Self {
        Self { pins: Pins::new(compile), ..self }
    }

    /// Brings a changed config into force here, once it is recorded. Without it the config stays as it is.
    #[must_use]
    pub fn changing(self, policy: watch::Sender<Arc<Policy>>) -> Self {
        Self { policy: Some(policy), ..self }
    }

    /// The journal's own name.
    pub fn journal(&self) -> &JournalId {
        &self.head.journal
    }

    fn open_journal(&mut self) -> rusqlite::Result<()> {
        let software = format!("vigie {}", env!("CARGO_PKG_VERSION"));
        let fact = Event::JournalOpened { journal_id: self.head.journal.clone(), software }.into();
        let transaction =
            self.writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let around = Circumstances {
            at: self.clock.now(),
            boot: &self.boot,
            actor: &Actor::System,
            roles: &Roles::default(),
            via: crate::domain::people::Surface::Timer,
            cause: None,
            salt: fresh::bytes(),
        };
        journal::append(&transaction, &mut self.head, (&Stream::System, &fact), &around)?;
        end::note(&transaction, &self.head)?;
        transaction.commit()
    }

    /// Handles one batch: after it, every answer is either on disk or `NotWritten`.
    fn batch(&mut self, items: &[Item]) -> Result<Vec<Result<Answer, NotWritten>>, Fatal> {
        if self.begun && self.ledger.has_business() && !self.catch_up()? {
            return Ok(items.iter().map(|_| Err(NotWritten::Store)).collect());
        }
        self.begun = true;
        self.write(items)
    }

    /// Whether the store writes, and all that was said while it did not is recorded. Before anything else is: else a rung that was
    /// told would be told again.
    fn catch_up(&mut self) -> Result<bool, Fatal> {
        let item = |delivery| Item::Input(delivery, oneshot::channel().0);
        let tried = self.probe();
        if !self.wrote(tried)? {
            self.ledger.reopen();
            return Ok(false);
        }
        if self.ledger.is_of_an_earlier_trouble() {
            let doubted = outbox::doubt_all(&self.writer.connection);
            if !self.wrote(doubted)? {
                return Ok(false);
            }
        }
        let Some(notes) = self.ledger.close() else { return Ok(false) };
        let keys: Vec<InputKey> = notes.iter().filter_map(|note| note.key.clone()).collect();
        let notes: Vec<Item> = notes.into_iter().map(item).collect();
        match self.commit(&notes, Care::Each) {
            Ok(answers) => {
                let refused = keys.into_iter().zip(&answers).filter(|(_, answer)| answer.is_err());
                self.ledger.end(&refused.map(|(key, _)| key).collect::<Vec<_>>());
                Ok(true)
            }
            Err(error) => {
                self.ledger.reopen();
                self.wrote::<()>(Err(error))
            }
        }
    }

    fn probe(&mut self) -> rusqlite::Result<()> {
        let transaction =
            self.writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if journal::last_writer(&transaction)?.is_none_or(|(seq, _)| seq != self.head.seq) {
            return Err(moved());
        }
        end::has_room(&transaction)?;
        end::note(&transaction, &self.head)?;
        transaction.commit()
    }

    fn wrote<T>(&mut self, tried: rusqlite::Result<T>) -> Result<bool, Fatal> {
        match tried {
            Ok(_) => Ok(true),
            Err(error) if is_lost_sync(&error) => Err(Fatal::Disk(error)),
            Err(_) => self.reload().map(|()| false),
        }
    }

    fn write(&mut self, items: &[Item]) -> Result<Vec<Result<Answer, NotWritten>>, Fatal> {
        let mut tried = self.commit(items, Care::Together);
        if let Err(error) = &tried
            && !is_about_all(error)
        {
            self.reload()?;
            tried = self.commit(items, Care::Each);
        }
        match tried {
            Ok(answers) => Ok(answers),
            Err(error) if is_lost_sync(&error) => Err(Fatal::Disk(error)),
            // Somebody holds the database, and we have waited for it: not once more for each input.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                self.ledger.begin(&error);
                Ok(items.iter().map(|_| Err(NotWritten::Store)).collect())
            }
            Err(error) => {
                tracing::warn!(%error, inputs = items.len(), "The store refused a batch; trying its inputs one by one");
                self.reload()?;
                items.iter().map(|item| self.alone(item)).collect()
            }
        }
    }

    fn alone(&mut self, item: &Item) -> Result<Result<Answer, NotWritten>, Fatal> {
        match self.commit(std::slice::from_ref(item), Care::Together) {
            Ok(mut answers) => Ok(answers.pop().unwrap_or(Err(NotWritten::Store))),
            Err(error) if is_lost_sync(&error) => Err(Fatal::Disk(error)),
            Err(error) => {
                self.reload()?;
                self.ledger.begin(&error);
                Ok(Err(NotWritten::Store))
            }
        }
    }

    /// The chain's end as it stands on disk: what a rolled-back batch had added is forgotten. Where it is neither where we
    /// left it nor of this start of ours, somebody else writes, and we can only get in each other's way.
    fn reload(&mut self) -> Result<(), Fatal> {
        let connection = &self.writer.connection;
        match journal::last_writer(connection).map_err(Fatal::Disk)? {
            Some((found, boot)) if found != self.head.seq && boot != self.boot => {
                return Err(Fatal::NotOurs { ours: self.head.seq, found });
            }
            _ => {}
        }
        if let Some(head) = journal::head(connection).map_err(Fatal::Disk)? {
            self.head = head;
        }
        Ok(())
    }

    fn commit(
        &mut self,
        items: &[Item],
        care: Care,
    ) -> rusqlite::Result<Vec<Result<Answer, NotWritten>>> {
        let (policy, directory) = self.surroundings.now();
        let context = Context { policy: &policy, directory: &directory };
        let now = self.clock.now();
        let mut head = self.head.clone();
        let transaction =
            self.writer.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // An entry that we did not write is found before anything stands on it, a row of the outbox too.
        if journal::last_writer(&transaction)?.is_none_or(|(seq, _)| seq != self.head.seq) {
            return Err(moved());
        }
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let mut moved = head.clone();
            let (boot, pins) = (&self.boot, &self.pins);
            let desk = Desk { connection: &transaction, context, boot, now, pins };
            let taken = match care {
                Care::Together => desk.take_safely(item, &mut moved),
                Care::Each => in_savepoint(&transaction, || desk.take_safely(item, &mut moved)),
            };
            match taken {
                Ok(answer) => {
                    head = moved;
                    answers.push(Ok(answer));
                }
                // Dropped, the transaction takes back whatever there was of it.
                Err(error)
                    if care == Care::Together
                        || transaction.is_autocommit()
                        || is_about_all(&error) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    tracing::error!(%error, "An input could not be recorded");
                    answers.push(Err(NotWritten::Store));
                }
            }
        }
        inputs::forget_old(&transaction, now, items.len())?;
        if head != self.head {
            end::note(&transaction, &head)?;
        }
        transaction.commit()?;
        self.head = head;
        Ok(answers)
    }
}

/// The chain does not end where we left it.
fn moved() -> rusqlite::Error {
    let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CONSTRAINT);
    rusqlite::Error::SqliteFailure(code, Some("the journal has moved on".to_owned()))
}

/// A failed fsync: the kernel may have thrown the pages away, so a retry would lie.
fn is_lost_sync(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|e| {
        matches!(
            e.extended_code,
            rusqlite::ffi::SQLITE_IOERR_FSYNC | rusqlite::ffi::SQLITE_IOERR_DIR_FSYNC
        )
    })
}

/// Whether the transaction itself is lost, and not just this input. A constraint that does not hold may mean that the
/// chain's end is not where we think it is: then no input of the batch can be recorded.
fn is_about_all(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::CannotOpen
                | ErrorCode::ConstraintViolation
        )
    )
}

/// Runs the writer until every `Inbox` is gone. An `Err` means that the process must end.
pub async fn run(
    mut handler: Handler,
    mut queue: Queue,
    bells: Bells,
    pulse: Pulse,
) -> Result<(), Fatal> {
    let (clock, ledger) = (handler.clock.clone(), handler.ledger.clone());
    while let Some(first) = queue.recv().await {
        let mut items = vec![first];
        while items.len() < BATCH
            && items.last().and_then(new_policy).is_none()
            && let Ok(item) = queue.try_recv()
        {
            items.push(item);
        }
        let begun = clock.instant();
        let worked = tokio::task::spawn_blocking(move || {
            let answers = handler.batch(&items);
            (handler, items, answers)
        });
        let (back, items, answers) = worked.await.expect("the writer does not panic");
        handler = back;
        ledger.tell();
        let answers = answers?;
        let refused = answers.iter().filter(|answer| **answer == Err(NotWritten::Store)).count();
        metrics::histogram!("vigie_commit_seconds").record(begun.elapsed().as_secs_f64());
        metrics::counter!("vigie_inputs_total", "result" => "recorded")
            .increment((answers.len() - refused) as u64);
        metrics::counter!("vigie_inputs_total", "result" => "refused").increment(refused as u64);
        pulse.beat(clock.instant(), refused == 0);
        for (item, answer) in items.iter().zip(&answers) {
            if let (Item::Input(delivery, _), Err(NotWritten::Store)) = (item, answer) {
                ledger.refused(delivery);
            }
        }
        if let (Some(Ok(_)), Some(set), Some(policy)) =
            (answers.last(), &handler.policy, items.last().and_then(new_policy))
        {
            set.send_replace(policy);
        }
        let recorded = answers.iter().any(Result::is_ok);
        reply(items, answers);
        if recorded {
            bells.outbox.notify_one();
            bells.due.notify_one();
            bells.calls.notify_one();
        }
        gather(&queue).await;
    }
    Ok(())
}

/// The config that this brings into force. It ends its batch: what comes after it is decided by it.
fn new_policy(item: &Item) -> Option<Arc<Policy>> {
    match item {
        Item::Input(
            Delivery { input: Input::Moment(Moment::Configured { policy, .. }), .. },
            _,
        ) => Some(Arc::clone(policy)),
        _ => None,
    }
}

/// Who was answered may have the next input at hand: it shares the coming commit. Ends as soon as nobody comes any more.
async fn gather(queue: &Queue) {
    let mut waiting = 0;
    loop {
        tokio::task::yield_now().await;
        match queue.len() {
            more if more > waiting && more < BATCH => waiting = more,
            _ => return,
        }
    }
}

fn reply(items: Vec<Item>, answers: Vec<Result<Answer, NotWritten>>) {
    for (item, answer) in items.into_iter().zip(answers) {
        // Who asked may have gone: what was written stays written.
        match item {
            Item::Input(_, reply) => drop(reply.send(answer)),
            Item::Ping(reply) if answer.is_ok() => drop(reply.send(())),
            Item::Try(_, reply) => drop(reply.send(answer.map(|_| ()))),
            Item::Ping(_) | Item::Refused(_) | Item::Named(_) | Item::Strange(_) => {}
        }
    }
}
