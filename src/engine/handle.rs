//! The one writer: takes what waits, decides and records each in its own savepoint, and commits once for all of them.

use crate::clock::Clock;
use crate::domain::alert::dedup;
use crate::domain::alert::lifecycle::{Alert, apply};
use crate::domain::decide::{self, Decision, decide};
use crate::domain::effect::{Effect, EffectId};
use crate::domain::event::{Entry, Event, Fact, Stream};
use crate::domain::ids::{BootId, JournalId};
use crate::domain::input::*;
use crate::domain::people::{Actor, Roles};
use crate::domain::policy::Context;
use crate::domain::react::react;
use crate::domain::time::Timestamp;
use crate::engine::{Bells, Pulse, Surroundings, lanes};
use crate::fresh;
use crate::inbox::{Item, NotWritten, Queue, RefusedBody};
use crate::store::journal::{self, Circumstances, Head, ORIGIN};
use crate::store::{Writer, alerts, due, end, in_savepoint, inputs, outbox, projections, refused};
use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    /// Takes over an open database: opens the journal where it is new, takes over what is left to do, and lets go of
    /// refused bodies that are too old (later ones do so as they come).
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
        let mut handler = Self { writer, head, boot, clock, surroundings };
        if new {
            handler.open_journal()?;
        }
        handler.take_over()?;
        refused::let_go(&handler.writer.connection, handler.clock.now())?;
        Ok(handler)
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

    /// Takes over what the process before this one left to do.
    fn take_over(&mut self) -> rusqlite::Result<()> {
        if journal::ended_well(&self.writer.connection)? {
            outbox::adopt(&self.writer.connection, &self.boot)?;
        }
        Ok(())
    }

    /// Handles one batch: after it, every answer is either on disk or `NotWritten`.
    fn batch(&mut self, items: &[Item]) -> Result<Vec<Result<Answer, NotWritten>>, Fatal> {
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
                tracing::error!(%error, inputs = items.len(), "The database is held by somebody else: a batch is not recorded");
                Ok(items.iter().map(|_| Err(NotWritten::Store)).collect())
            }
            Err(error) => {
                tracing::error!(%error, inputs = items.len(), "The store refused a batch; trying its inputs one by one");
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
                tracing::error!(%error, "The store refused an input: it is not recorded and will not be answered");
                self.reload()?;
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
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let mut moved = head.clone();
            let desk = Desk { connection: &transaction, context, boot: &self.boot, now };
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

/// Where one input is worked on: inside its savepoint, at one moment, under one policy.
struct Desk<'a> {
    connection: &'a Connection,
    context: Context<'a>,
    boot: &'a BootId,
    now: Timestamp,
}

impl Desk<'_> {
    fn take(&self, item: &Item, head: &mut Head) -> rusqlite::Result<Answer> {
        match item {
            Item::Input(delivery, _) => self.handle(delivery, head),
            Item::Refused(RefusedBody { source, why, body }) => {
                let refused = refused::Refused { source: source.as_str(), why, body };
                refused::keep(self.connection, self.now, &refused)?;
                Ok(Answer::Done)
            }
            // An empty transaction would commit on a full disk too.
            Item::Ping(_) => end::note(self.connection, head).map(|()| Answer::Done),
        }
    }

    /// A panic is a defect of ours in one input: it is not recorded, and the others are.
    fn take_safely(&self, item: &Item, head: &mut Head) -> rusqlite::Result<Answer> {
        let taken = catch_unwind(AssertUnwindSafe(|| self.take(item, head)));
        taken.unwrap_or_else(|_| {
            metrics::counter!("vigie_writer_panics_total").increment(1);
            Err(rusqlite::Error::ToSqlConversionFailure("recording an input panicked".into()))
        })
    }

    fn handle(&self, delivery: &Delivery, head: &mut Head) -> rusqlite::Result<Answer> {
        if let Some(key) = &delivery.key
            && let Some(first) = inputs::seen(self.connection, key)?
        {
            return Ok(first);
        }
        if let Input::Outcome(outcome) = &delivery.input
            && !self.settle(outcome)?
        {
            return Ok(Answer::Done);
        }
        let subject = self.subject(&delivery.input)?;
        let decision = decide(&self.context, subject.as_ref(), delivery);
        self.record(delivery, &decision, subject, head)?;
        let answer = decide::answer(&delivery.input, &decision);
        if let Some(key) = &delivery.key {
            inputs::remember(self.connection, key, (head.seq, delivery.at), &answer)?;
        }
        Ok(answer)
    }

    /// Brings the outbox up to date with an outcome; false where its row is gone, so that it was told before.
    fn settle(&self, outcome: &Outcome) -> rusqlite::Result<bool> {
        let mut stood = false;
        for &(id, generation) in &outcome.rows {
            stood |= outbox::stands(self.connection, id)?;
            self.settle_row((id, generation), outcome)?;
        }
        if let (Done::Shown { as_of, .. }, Some(alert)) = (&outcome.result, outcome.effect.alert())
        {
            outbox::update_is_done(self.connection, alert, *as_of)?;
        }
        Ok(stood)
    }

    fn settle_row(&self, row: (EffectId, u32), outcome: &Outcome) -> rusqlite::Result<()> {
        match (&outcome.result, &outcome.effect) {
            (Done::Again { again, uncertain }, _) => {
                outbox::postpone(self.connection, row.0, (*again, *uncertain))
            }
            // An alert's message is never given up: the bot may be invited, the channel unarchived.
            (Done::Failed { again: Some(again), .. }, Effect::Post { .. }) => {
                outbox::postpone(self.connection, row.0, (*again, false))
            }
            _ => outbox::finish(self.connection, row),
        }
    }

    fn subject(&self, input: &Input) -> rusqlite::Result<Option<Alert>> {
        let id = match input {
            Input::Alert(incoming) => {
                let fingerprint =
                    dedup::fingerprint(&incoming.source, &incoming.alert.dedup_key, incoming.test);
                return alerts::newest_of(self.connection, &fingerprint);
            }
            Input::Click(click) => match &click.binding {
                Binding::Good { alert, .. } => alert,
                Binding::Forged => return Ok(None),
            },
            Input::Command(command) => match &command.verb {
                Verb::Show { alert } => alert,
                Verb::Help | Verb::List | Verb::Coverage | Verb::Unknown { .. } => return Ok(None),
            },
            Input::Moment(Moment::Due { alert }) => alert,
            Input::Moment(Moment::Started { .. } | Moment::Stopping) => return Ok(None),
            Input::Outcome(outcome) => match (outcome.effect.alert(), &outcome.result) {
                (Some(alert), Done::Shown { .. } | Done::Told { .. } | Done::Failed { .. }) => {
                    alert
                }
                _ => return Ok(None),
            },
        };
        alerts::load(self.connection, id)
    }

    /// Appends the facts, folds them, and writes down what follows from them.
    fn record(
        &self,
        delivery: &Delivery,
        decision: &Decision,
        subject: Option<Alert>,
        head: &mut Head,
    ) -> rusqlite::Result<()> {
        let actor = delivery.input.actor();
        let roles = match &actor {
            Actor::Person(user) => self.context.roles_of(user).0,
            Actor::System | Actor::Source(_) | Actor::Os(_) => Roles::default(),
        };
        // A new firing of a resolved alert has a subject, but its stream is another.
        let mut state = subject.filter(|alert| decision.stream == Stream::Alert(alert.id.clone()));
        for fact in &decision.facts {
            let around = Circumstances {
                at: delivery.at,
                boot: self.boot,
                actor: &actor,
                roles: &roles,
                via: delivery.input.via(),
                cause: delivery.key.as_ref().map(|key| key.as_str()),
                salt: fresh::bytes(),
            };
            state =
                self.record_one((&decision.stream, fact), &around, (state, &delivery.input), head)?;
        }
        let moment = matches!(delivery.input, Input::Moment(_));
        if let Stream::Alert(id) = &decision.stream
            && (moment || !decision.facts.is_empty())
        {
            let next =
                state.as_ref().and_then(|alert| decide::next(&self.context, alert, self.now));
            due::set(self.connection, id, next.map(|due| due.at))?;
        }
        Ok(())
    }

    fn record_one(
        &self,
        fact: (&Stream, &Fact),
        around: &Circumstances<'_>,
        (before, input): (Option<Alert>, &Input),
        head: &mut Head,
    ) -> rusqlite::Result<Option<Alert>> {
        let entry = journal::append(self.connection, head, fact, around)?;
        let after = match &entry.stream {
            Stream::Alert(_) => apply(before.clone(), &entry),
            Stream::System => None,
        };
        projections::project(self.connection, &entry, after.as_ref())?;
        self.rearrange(&entry, before.as_ref(), after.as_ref())?;
        let effects = react(&entry, before.as_ref(), after.as_ref(), input.reply_to());
        for (index, effect) in effects.iter().enumerate() {
            let (lane, priority) = lanes::place(effect, after.as_ref());
            let needs_message = lanes::needs_message(effect);
            let stands = after.as_ref().is_some_and(|alert| alert.message.is_some());
            let new = outbox::New {
                effect,
                lane,
                priority,
                needs_message,
                parked: needs_message && !stands,
                seq: entry.seq,
                index,
                boot: self.boot,
            };
            outbox::want(self.connection, &new)?;
        }
        Ok(after)
    }

    /// What waits already follows the alert: beside its message, and as urgent as it has become.
    fn rearrange(
        &self,
        entry: &Entry,
        before: Option<&Alert>,
        after: Option<&Alert>,
    ) -> rusqlite::Result<()> {
        let (Some(before), Some(after)) = (before, after) else { return Ok(()) };
        match &entry.event {
            Event::Shown { .. } => outbox::unpark(self.connection, &after.id)?,
            Event::MessageLost { .. } => outbox::park(self.connection, &after.id)?,
            _ => {}
        }
        if after.severity < before.severity {
            let by = lanes::urgency(before.severity) - lanes::urgency(after.severity);
            outbox::hurry(self.connection, &after.id, by)?;
        }
        Ok(())
    }
}

/// Runs the writer until every `Inbox` is gone. An `Err` means that the process must end.
pub async fn run(
    mut handler: Handler,
    mut queue: Queue,
    bells: Bells,
    pulse: Pulse,
) -> Result<(), Fatal> {
    let clock = handler.clock.clone();
    while let Some(first) = queue.recv().await {
        let mut items = vec![first];
        while items.len() < BATCH
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
        let answers = answers?;
        let refused = answers.iter().filter(|answer| **answer == Err(NotWritten::Store)).count();
        metrics::histogram!("vigie_commit_seconds").record(begun.elapsed().as_secs_f64());
        metrics::counter!("vigie_inputs_total", "result" => "recorded")
            .increment((answers.len() - refused) as u64);
        metrics::counter!("vigie_inputs_total", "result" => "refused").increment(refused as u64);
        pulse.beat(clock.instant(), refused == 0);
        let recorded = answers.iter().any(Result::is_ok);
        reply(items, answers);
        if recorded {
            bells.outbox.notify_one();
            bells.due.notify_one();
        }
        gather(&queue).await;
    }
    Ok(())
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
            Item::Ping(_) => {}
            Item::Refused(_) => {}
        }
    }
}
