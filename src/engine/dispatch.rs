//! Does what was decided: takes outbox rows lane by lane, at Slack's pace, and hands each outcome back as an input.

use crate::clock::Clock;
use crate::domain::effect::{Effect, EffectId};
use crate::domain::ids::InputKey;
use crate::domain::input::Done;
use crate::domain::people::ChannelRef;
use crate::engine::deliver::{Deliverer, method_of};
use crate::engine::unwritten::{Unwritten, pages};
use crate::engine::{Bells, Pulse, lanes};
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
/// After this long an outbox that could not be read is looked at again.
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
    /// Outcomes that the store does not take yet.
    unwritten: Unwritten,
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
        deliverer: Arc<Deliverer>,
        reader: Reader,
        inbox: Inbox,
        (clock, bells): (Clock, Bells),
    ) -> Self {
        let pacing = Pacing::new(deliverer.rate());
        Self {
            deliverer,
            reader,
            inbox,
            clock,
            bells,
            pacing,
            busy: HashSet::new(),
            resting: HashMap::new(),
            troubles: HashMap::new(),
            calls: JoinSet::new(),
            unwritten: Unwritten::default(),
        }
    }

    /// Runs until it is told to stop; calls under way may end then. What is cut is looked for after the next start.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>, pulse: Pulse) {
        let bell = self.bells.outbox.clone();
        let mut offering = JoinSet::new();
        offering.spawn(self.unwritten.clone().run(self.inbox.clone(), bell.clone()));
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
        self.unwritten.drained().await;
    }

    /// Starts what may go now; how long until something else may.
    async fn launch(&mut self) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let instant = self.clock.instant();
        self.resting.retain(|_, until| *until > instant);
        let mut busy = self.busy.clone();
        busy.extend(self.resting.keys().cloned());
        let beyond = self.unwritten.beyond();
        let (mut jobs, later) = self
            .reader
            .query(move |connection| {
                let free = outbox::lanes(connection, "", lanes::CALLS)?.into_iter();
                let mut jobs = Vec::new();
                for lane in free.filter(|lane| !busy.contains(lane)) {
                    let ready = |job| beyond.ready(job, now);
                    jobs.extend(outbox::next_of(connection, &lane, now, ready)?);
                }
                let later = outbox::next_time(connection, now)?;
                Ok((jobs, later.into_iter().chain(beyond.next_time(now)).min()))
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
            let (method, instant) = (method_of(&job.effect), self.clock.instant());
            let lanes = self.paced_as(&job.lane);
            let pauses = lanes.iter().map(|lane| self.pacing.wait(method, lane, instant));
            let pause = pauses.max().unwrap_or_default();
            if !pause.is_zero() {
                wait = wait.min(pause);
            } else if chosen.len() < room {
                // Here and not when it goes, so that the next of these sees it.
                lanes.iter().for_each(|lane| self.pacing.sent(method, lane, instant));
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
        match self.inbox.note_tries(rows).await {
            Ok(()) => true,
            // Nobody would ever know of what is sent now: the next process would send it again.
            Err(NotWritten::Stopping) => {
                jobs.clear();
                false
            }
            Err(NotWritten::Store | NotWritten::Behind { .. }) => {
                jobs.retain(|job| pages(&job.effect));
                false
            }
        }
    }

    /// Before Slack has told its id a channel's lane goes by its name, and then by its id: to Slack it is one channel.
    fn paced_as(&self, lane: &str) -> Vec<String> {
        let Some(channel) = lane.strip_prefix("post ") else { return vec![lane.to_owned()] };
        let (_, directory) = self.deliverer.surroundings.now();
        let all = directory.also_written(&ChannelRef(channel.to_owned()));
        all.into_iter().map(|channel| format!("post {channel}")).collect()
    }

    fn start(&mut self, job: Job) {
        self.busy.insert(job.lane.clone());
        let (deliverer, inbox, clock) =
            (self.deliverer.clone(), self.inbox.clone(), self.clock.clone());
        let unwritten = self.unwritten.clone();
        self.calls.spawn(async move {
            let delivered = match AssertUnwindSafe(deliverer.deliver(&job)).catch_unwind().await {
                Ok(delivered) => delivered,
                Err(_) => deliverer.panicked(&job),
            };
            let attempts = job.all().map(|row| row.attempts);
            let reports =
                delivered.outcomes.into_iter().zip(attempts).map(|(outcome, attempts)| {
                    count(&outcome.result);
                    let (id, generation) = outcome.row;
                    let key = InputKey::new(format!("outbox:{}:{generation}:{attempts}", id.0));
                    unwritten.report(&inbox, &clock, (key, outcome))
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
                    let now = self.clock.instant();
                    self.pacing.limited((method, &lane), after, now);
                    for other in self.paced_as(&lane) {
                        self.pacing.limited_too((method, &other), after, now);
                    }
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
        | Effect::Reply { .. }
        | Effect::PostRun { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. } => true,
        Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => false,
    }
}

pub(super) fn count(result: &Done) {
    let ended = match result {
        Done::Shown { .. }
        | Done::Told { .. }
        | Done::Said
        | Done::RunShown { .. }
        | Done::Called(_)
        | Done::Triggered { .. } => "done",
        Done::Dropped => "dropped",
        Done::Again { .. } | Done::Apart => "again",
        Done::Failed { .. } => "failed",
    };
    metrics::counter!("vigie_effects_total", "outcome" => ended).increment(1);
}
