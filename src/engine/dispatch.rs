//! Does what was decided: takes outbox rows lane by lane, at Slack's pace, and hands each outcome back as an input.

use crate::clock::Clock;
use crate::domain::effect::{Effect, EffectId};
use crate::domain::ids::InputKey;
use crate::domain::input::{Delivery, Done, Input, Outcome};
use crate::engine::deliver::{Deliverer, method_of};
use crate::engine::{Bells, Pulse};
use crate::inbox::{Inbox, NotWritten};
use crate::slack::pacing::Pacing;
use crate::store::outbox::{self, Job};
use crate::store::{Reader, StoreError};
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// So many calls to Slack at a time.
const AT_ONCE: usize = 32;
/// The longest sleep between two looks.
const LONGEST: Duration = Duration::from_secs(30);
/// After this long an outcome that could not be written is offered again; its lane waits.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything the dispatcher works with.
pub struct Dispatcher {
    pub deliverer: Arc<Deliverer>,
    pub reader: Reader,
    pub inbox: Inbox,
    pub clock: Clock,
    pub bells: Bells,
    pub pacing: Pacing,
    busy: HashSet<String>,
    /// Lanes that rest until a moment, because Slack was not to be reached.
    resting: HashMap<String, Instant>,
    /// How many calls of a lane in a row did not reach Slack.
    troubles: HashMap<String, u32>,
    calls: JoinSet<Called>,
}

/// A call that ended, with what Slack said of its pace.
struct Called {
    lane: String,
    limited: Option<(&'static str, Duration)>,
    rest: Option<Duration>,
    /// Whether what came of it is on disk.
    recorded: bool,
}

impl Dispatcher {
    /// A dispatcher that has not started.
    pub fn new(
        deliverer: Deliverer,
        reader: Reader,
        inbox: Inbox,
        (clock, bells): (Clock, Bells),
    ) -> Self {
        let pacing = Pacing::new(deliverer.rate());
        Self {
            deliverer: Arc::new(deliverer),
            reader,
            inbox,
            clock,
            bells,
            pacing,
            busy: HashSet::new(),
            resting: HashMap::new(),
            troubles: HashMap::new(),
            calls: JoinSet::new(),
        }
    }

    /// Runs until it is told to stop; calls under way may end then. What is cut is looked for after the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, pulse: Pulse) {
        let bell = self.bells.outbox.clone();
        while !*stop.borrow() {
            // Noted before the look: a row that is written while we look rings through.
            let rung = bell.notified();
            let launched = self.launch().await;
            pulse.beat(self.clock.instant(), launched.is_ok());
            let wait = match launched {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(%error, "The outbox cannot be read");
                    PAUSE
                }
            };
            tokio::select! {
                () = rung => {}
                () = tokio::time::sleep(wait.min(LONGEST)) => {}
                Some(called) = self.calls.join_next() => self.returned(called),
                _ = stop.wait_for(|stop| *stop) => {}
            }
            while let Some(called) = self.calls.try_join_next() {
                self.returned(called);
            }
        }
        while self.calls.join_next().await.is_some() {}
    }

    /// Starts what may go now; how long until something else may.
    async fn launch(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let instant = self.clock.instant();
        self.resting.retain(|_, until| *until > instant);
        let mut busy = self.busy.clone();
        busy.extend(self.resting.keys().cloned());
        let (mut jobs, later) = self
            .reader
            .query(move |connection| {
                let free = outbox::lanes(connection)?.into_iter();
                let mut jobs = Vec::new();
                for lane in free.filter(|lane| !busy.contains(lane)) {
                    jobs.extend(outbox::next_of(connection, &lane, now)?);
                }
                Ok((jobs, outbox::next_time(connection, now)?))
            })
            .await?;
        let mut wait = later.map_or(LONGEST, |later| later.since(now));
        for until in self.resting.values() {
            wait = wait.min(until.saturating_duration_since(instant));
        }
        // Where not all can go at once, the worst go first.
        jobs.sort_by_key(|job| (job.priority, job.id));
        let room = AT_ONCE.saturating_sub(self.busy.len());
        let mut chosen = Vec::new();
        for job in jobs {
            let pause = self.pacing.wait(method_of(&job.effect), &job.lane, self.clock.instant());
            if !pause.is_zero() {
                wait = wait.min(pause);
            } else if chosen.len() < room {
                chosen.push(job);
            }
        }
        if !self.note_tries(&mut chosen).await {
            wait = wait.min(PAUSE);
        }
        for job in chosen {
            self.start(job);
        }
        Ok(wait)
    }

    /// Has it on disk that these are about to be tried, so that after a crash only they are looked for in Slack. False where
    /// the store does not write: then paging goes on, and the rest waits.
    async fn note_tries(&self, jobs: &mut Vec<Job>) -> bool {
        let posts = jobs.iter().filter(|job| is_looked_for(&job.effect));
        let rows: Vec<EffectId> = posts.flat_map(Job::all).map(|job| job.id).collect();
        if rows.is_empty() {
            return true;
        }
        let noted = self.inbox.note_tries(rows).await;
        if noted.is_err() {
            jobs.retain(|job| pages(&job.effect));
        }
        noted.is_ok()
    }

    fn start(&mut self, job: Job) {
        let method = method_of(&job.effect);
        self.pacing.sent(method, &job.lane, self.clock.instant());
        self.busy.insert(job.lane.clone());
        let (deliverer, inbox, clock) =
            (self.deliverer.clone(), self.inbox.clone(), self.clock.clone());
        self.calls.spawn(async move {
            let delivered = match AssertUnwindSafe(deliverer.deliver(&job)).catch_unwind().await {
                Ok(delivered) => delivered,
                Err(_) => deliverer.panicked(&job),
            };
            let attempts = job.all().map(|row| row.attempts);
            let reports =
                delivered.outcomes.into_iter().zip(attempts).map(|(outcome, attempts)| {
                    let (id, generation) = outcome.row;
                    let key = InputKey::new(format!("outbox:{}:{generation}:{attempts}", id.0));
                    report(&inbox, &clock, (key, outcome))
                });
            let recorded = join_all(reports).await.into_iter().all(|recorded| recorded);
            let (limited, rest) = (delivered.limited, delivered.rest);
            Called { lane: job.lane, limited, rest, recorded }
        });
    }

    fn returned(&mut self, called: Result<Called, tokio::task::JoinError>) {
        match called {
            Ok(Called { lane, limited, rest, recorded }) => {
                if let Some((method, after)) = limited {
                    self.pacing.limited((method, &lane), after, self.clock.instant());
                }
                // Where the writer has ended the row still stands: until the process has ended too, it would be done again.
                if recorded {
                    self.busy.remove(&lane);
                }
                self.rest(lane, rest);
            }
            Err(error) => tracing::error!(%error, "An outcome's report panicked; its lane is shut"),
        }
    }
}

impl Dispatcher {
    /// One call that is lost says nothing of the next; two in a row say that Slack is away, and the lane rests.
    fn rest(&mut self, lane: String, rest: Option<Duration>) {
        let Some(rest) = rest else {
            self.troubles.remove(&lane);
            return;
        };
        let troubles = self.troubles.entry(lane.clone()).or_default();
        *troubles += 1;
        if *troubles > 1 {
            self.resting.insert(lane, self.clock.instant() + rest);
        }
    }
}

/// Whether what an earlier try may have posted is looked for: these make a message that people would read twice.
fn is_looked_for(effect: &Effect) -> bool {
    match effect {
        Effect::Post { .. }
        | Effect::Line { .. }
        | Effect::Notify { .. }
        | Effect::Reply { .. } => true,
        Effect::Update { .. } | Effect::UpdateCopy { .. } => false,
    }
}

/// Whether somebody must hear of it even while the store does not write.
fn pages(effect: &Effect) -> bool {
    match effect {
        Effect::Post { .. } | Effect::Notify { .. } => true,
        Effect::Line { .. }
        | Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Reply { .. } => false,
    }
}

/// What was done is done: its outcome is offered until the store takes it. False where there is no writer any more.
async fn report(inbox: &Inbox, clock: &Clock, (key, outcome): (InputKey, Outcome)) -> bool {
    let ended = match &outcome.result {
        Done::Shown { .. } | Done::Told { .. } | Done::Said => "done",
        Done::Dropped => "dropped",
        Done::Again { .. } | Done::Apart => "again",
        Done::Failed { .. } => "failed",
    };
    metrics::counter!("vigie_effects_total", "outcome" => ended).increment(1);
    loop {
        let (key, input) = (Some(key.clone()), Input::Outcome(outcome.clone()));
        let delivery = Delivery { key, at: clock.now(), input };
        match inbox.submit(delivery).await {
            Ok(_) => return true,
            Err(NotWritten::Stopping) => return false,
            Err(NotWritten::Store | NotWritten::Behind { .. }) => tokio::time::sleep(PAUSE).await,
        }
    }
}
