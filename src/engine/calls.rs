//! Makes the calls of runs: takes what waits, asks the writer whether it may be made now, makes it, and hands in what came
//! of it.
//!
//! Nothing leaves before the writer has it on disk that it is about to (`Answer::Call`), and only the writer's gate makes what is
//! needed for a call (`Permit`).

use crate::clock::Clock;
use crate::connectors::Client;
use crate::domain::effect::{Effect, EffectId};
use crate::domain::ids::{InputKey, RunId};
use crate::domain::input::*;
use crate::domain::playbook::run::event::{CallId, Purpose};
use crate::domain::playbook::run::gate::{Look, Named};
use crate::domain::tool::call::{Called, Permit, Unsure};
use crate::engine::unwritten::{Beyond, Unwritten};
use crate::engine::{Bells, Pulse, lanes};
use crate::fresh;
use crate::inbox::Inbox;
use crate::store::outbox::{self, Job};
use crate::store::{Reader, StoreError};
use futures_util::FutureExt;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// So many calls at a time.
const AT_ONCE: usize = 64;
/// So many of one tool: one that does not answer holds up no other.
const OF_A_TOOL: usize = 16;
/// So many of these that nobody has asked for: a storm's lookups hold up nobody who contains a host.
const BY_ITSELF: usize = 8;
/// The longest sleep between two looks.
const LONGEST: Duration = Duration::from_secs(30);
/// After this long what could not be read, or written, is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// What sorts behind every lane of calls.
const BEHIND: &str = "\u{7f}";

/// Everything that the caller works with.
pub struct Caller {
    /// The tools as they are connected now.
    pub tools: watch::Receiver<Client>,
    pub reader: Reader,
    pub inbox: Inbox,
    pub clock: Clock,
    pub bells: Bells,
}

/// What one call needs of it.
#[derive(Clone)]
struct Line {
    tools: watch::Receiver<Client>,
    inbox: Inbox,
    clock: Clock,
    unwritten: Unwritten,
}

impl Caller {
    /// Runs until it is told to stop. A call under way then has a few seconds; what is cut is in doubt after the next start.
    pub async fn run(self, mut stop: watch::Receiver<bool>, pulse: Pulse) {
        let bell = self.bells.calls.clone();
        let line = Line {
            tools: self.tools.clone(),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            unwritten: Unwritten::default(),
        };
        let mut offering = JoinSet::new();
        offering.spawn(line.unwritten.clone().run(self.inbox.clone(), bell.clone()));
        let (mut busy, mut calls) = (HashSet::new(), JoinSet::new());
        while !*stop.borrow() {
            // Noted before the look: a row that is written while we look rings through.
            let rung = bell.notified();
            let room = AT_ONCE.saturating_sub(busy.len());
            let found = self.look((&busy, room), line.unwritten.beyond()).await;
            pulse.beat(self.clock.instant(), found.is_ok());
            let wait = match found {
                Ok((jobs, wait)) => {
                    for job in jobs {
                        busy.insert(job.lane.clone());
                        let line = line.clone();
                        calls.spawn(async move { (job.lane.clone(), line.take(job).await) });
                    }
                    wait
                }
                Err(error) => {
                    tracing::error!(%error, "What tools are to do cannot be read");
                    PAUSE
                }
            };
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(wait.min(LONGEST)) => {}
                Some(ended) = calls.join_next() => free(&mut busy, ended),
                _ = stop.wait_for(|stop| *stop) => {}
            }
            while let Some(ended) = calls.try_join_next() {
                free(&mut busy, ended);
            }
        }
        while calls.join_next().await.is_some() {}
        line.unwritten.drained().await;
    }

    /// What may go now, and how long until something else may.
    async fn look(
        &self,
        (busy, room): (&HashSet<String>, usize),
        beyond: Beyond,
    ) -> Result<(Vec<Job>, Duration), StoreError> {
        let (now, busy) = (self.clock.now(), busy.clone());
        let (jobs, later) = self
            .reader
            .query(move |connection| {
                let lanes = outbox::lanes(connection, lanes::CALLS, BEHIND)?.into_iter();
                let mut jobs: Vec<Job> = Vec::new();
                let mut places = Places::of(&busy);
                for lane in lanes.filter(|lane| !busy.contains(lane)) {
                    if jobs.len() == room {
                        break;
                    }
                    if !places.are_free_for(&lane) {
                        continue;
                    }
                    // A call whose outcome waits for the store is not made again.
                    let ready = |job| beyond.ready(job, now);
                    if let Some(job) = outbox::next_of(connection, &lane, now, ready)? {
                        places.take(&lane);
                        jobs.push(job);
                    }
                }
                Ok((jobs, outbox::next_time(connection, now)?))
            })
            .await?;
        Ok((jobs, later.map_or(LONGEST, |later| later.since(now))))
    }
}

/// How many calls of each tool are under way: all of them, and those that nobody has asked for.
#[derive(Default)]
struct Places(HashMap<String, (usize, usize)>);

impl Places {
    fn of(busy: &HashSet<String>) -> Self {
        let mut places = Self::default();
        busy.iter().for_each(|lane| places.take(lane));
        places
    }

    fn take(&mut self, lane: &str) {
        let Some(caller) = lanes::Caller::of(lane) else { return };
        let (all, by_themselves) = self.0.entry(caller.tool.to_owned()).or_default();
        *all += 1;
        *by_themselves += usize::from(caller.by_itself);
    }

    fn are_free_for(&self, lane: &str) -> bool {
        let Some(caller) = lanes::Caller::of(lane) else { return true };
        let (all, by_themselves) = self.0.get(caller.tool).copied().unwrap_or_default();
        all < OF_A_TOOL && (!caller.by_itself || by_themselves < BY_ITSELF)
    }
}

/// A lane whose outcome is not on disk stays shut: until the process has ended too, it would be called again.
fn free(busy: &mut HashSet<String>, ended: Result<(String, bool), tokio::task::JoinError>) {
    match ended {
        Ok((lane, true)) => drop(busy.remove(&lane)),
        Ok((_, false)) => {}
        Err(error) => tracing::error!(%error, "A call's report panicked; its run is shut"),
    }
}

impl Line {
    /// Does one row; whether what came of it is on disk.
    async fn take(&self, job: Job) -> bool {
        let result = match &job.effect {
            Effect::Trigger { .. } => {
                let run = fresh::run_id(self.clock.now());
                Done::Triggered { run }
            }
            Effect::Call { run, call, purpose, .. } => {
                match self.call(job.id, (run, call, *purpose)).await {
                    Ok(done) => done,
                    // The writer does not take it now: nothing has left, and it is tried again.
                    Err(NotNow) => {
                        tokio::time::sleep(PAUSE).await;
                        return true;
                    }
                }
            }
            _ => Done::Dropped,
        };
        crate::engine::dispatch::count(&result);
        let key = InputKey::new(format!("call:{}:{}:{}", job.id.0, job.generation, job.attempts));
        let outcome = Outcome { row: (job.id, job.generation), effect: job.effect, result };
        self.unwritten.report(&self.inbox, &self.clock, (key, outcome)).await
    }

    async fn call(
        &self,
        row: EffectId,
        (run, call, purpose): (&RunId, &CallId, Purpose),
    ) -> Result<Done, NotNow> {
        let due = CallDue { run: run.clone(), call: call.clone(), purpose, names: None };
        let mut cleared = self.clear(due.clone()).await?;
        if let Some(Clearance::Identify(looks)) = cleared.as_ref().map(Cleared::get) {
            let mut names = Vec::new();
            for look in looks {
                names.push(self.name(look).await);
            }
            cleared = self.clear(CallDue { names: Some(names), ..due }).await?;
        }
        let Some(cleared) = cleared else { return Ok(Done::Dropped) };
        let Clearance::Go(permit) = cleared.get() else { return Ok(Done::Dropped) };
        Ok(Done::Called(Box::new(self.make(row, permit).await)))
    }

    async fn clear(&self, due: CallDue) -> Result<Option<Cleared>, NotNow> {
        let input = Input::Moment(Moment::CallDue(Box::new(due)));
        let delivery = Delivery { key: None, at: self.clock.now(), input };
        match self.inbox.submit(delivery).await {
            Ok(Answer::Call(cleared)) => Ok(Some(cleared)),
            Ok(_) => Ok(None),
            Err(_) => Err(NotNow),
        }
    }

    fn tools(&self) -> Client {
        self.tools.borrow().clone()
    }

    /// The names of what an id means; none where the tool does not tell.
    async fn name(&self, look: &Look) -> Named {
        let named = |names| Named { entity: look.identify.entity, names };
        // A panic names nobody: then the gate refuses.
        let tools = self.tools();
        let looked = AssertUnwindSafe(tools.call(&look.permit)).catch_unwind().await;
        let Ok(Called::Answered(answered)) = looked else { return named(Vec::new()) };
        named(look.identify.names(&look.given, &answered.out).unwrap_or_default())
    }

    /// A panic is a defect of ours, and nobody knows whether it happened.
    async fn make(&self, row: EffectId, permit: &Permit) -> Called {
        let begun = self.clock.instant();
        let uses = format!("{}.{}", permit.tool().name, permit.action().name);
        let tools = self.tools();
        let called = AssertUnwindSafe(tools.call(permit)).catch_unwind().await;
        metrics::histogram!("vigie_tool_call_seconds", "action" => uses.clone())
            .record(begun.elapsed().as_secs_f64());
        called.unwrap_or_else(|_| {
            tracing::error!(row = row.0, action = uses, "A call to a tool panicked");
            let message =
                "I broke while it was under way: whoever runs me finds it in the log.".to_owned();
            Called::Unsure { why: Unsure::Crashed, message }
        })
    }
}

/// The writer cannot take it.
struct NotNow;
