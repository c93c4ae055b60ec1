//! Outcomes that the store does not take yet: kept in order and offered again, so that what else is on disk goes on being sent.

use crate::clock::Clock;
use crate::domain::effect::{Effect, EffectId};
use crate::domain::ids::InputKey;
use crate::domain::input::{Delivery, Done, Input, Outcome};
use crate::domain::time::Timestamp;
use crate::inbox::{Inbox, NotWritten};
use crate::store::outbox::Job;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// After this long the oldest is offered again.
const PAUSE: Duration = Duration::from_secs(1);
/// So many are kept; whoever brings one more waits with it, and its lane with them.
const ROOM: usize = 1024;

/// The outcomes that wait. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Unwritten {
    waiting: Arc<Mutex<VecDeque<Waiting>>>,
    room: Arc<Semaphore>,
    changed: Arc<Notify>,
}

#[derive(Clone, Debug)]
struct Waiting {
    key: InputKey,
    at: Timestamp,
    outcome: Outcome,
}

/// What is known of rows beyond what is on disk.
#[derive(Clone, Debug, Default)]
pub struct Beyond(HashMap<EffectId, Tried>);

/// The tries of a row that are not on disk.
#[derive(Clone, Copy, Debug)]
struct Tried {
    times: u32,
    uncertain: bool,
    alone: bool,
    /// When it may be tried again; `None` where it is done.
    again: Option<Timestamp>,
}

impl Default for Unwritten {
    fn default() -> Self {
        Self {
            waiting: Arc::default(),
            room: Arc::new(Semaphore::new(ROOM)),
            changed: Arc::default(),
        }
    }
}

impl Unwritten {
    /// Hands an outcome in. True when it is on disk, or kept here: either way its lane may go on. False where there is no
    /// writer any more.
    pub async fn report(
        &self,
        inbox: &Inbox,
        clock: &Clock,
        (key, outcome): (InputKey, Outcome),
    ) -> bool {
        let waiting = Waiting { key, at: clock.now(), outcome };
        // One behind another: a row's later try must not overtake an earlier one.
        if self.lock().is_empty() {
            match inbox.submit(waiting.delivery()).await {
                Ok(_) => return true,
                Err(NotWritten::Stopping) => return false,
                Err(NotWritten::Store | NotWritten::Behind { .. }) => {}
            }
        }
        self.room.acquire().await.expect("the semaphore is never closed").forget();
        self.lock().push_back(waiting);
        self.changed.notify_waiters();
        true
    }

    /// Offers what waits until the task is dropped; `bell` is rung when rows are free again.
    pub async fn run(self, inbox: Inbox, bell: Arc<Notify>) {
        loop {
            // Noted before the look: what is added meanwhile rings through.
            let changed = self.changed.notified();
            let first = self.lock().front().cloned();
            let Some(first) = first else {
                changed.await;
                continue;
            };
            match inbox.submit(first.delivery()).await {
                Ok(_) => {
                    self.lock().pop_front();
                    self.room.add_permits(1);
                    self.changed.notify_waiters();
                    bell.notify_one();
                }
                Err(NotWritten::Stopping) => return,
                Err(NotWritten::Store | NotWritten::Behind { .. }) => {
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    /// Waits until nothing waits.
    pub async fn drained(&self) {
        loop {
            let changed = self.changed.notified();
            if self.lock().is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// What the next look at the outbox must know of its rows.
    pub fn beyond(&self) -> Beyond {
        let mut rows: HashMap<EffectId, Tried> = HashMap::new();
        for waiting in self.lock().iter() {
            let outcome = &waiting.outcome;
            let (again, doubt) = match &outcome.result {
                Done::Again { again, uncertain } => (Some(*again), *uncertain),
                Done::Apart => (Some(waiting.at), false),
                Done::Failed { again, .. } => (*again, false),
                Done::Shown { .. }
                | Done::Told { .. }
                | Done::Said
                | Done::RunShown { .. }
                | Done::Called(_)
                | Done::Triggered { .. }
                | Done::Dropped => (None, false),
            };
            let before = rows.get(&outcome.row.0).copied();
            let times = before.map_or(0, |tried| tried.times) + 1;
            let uncertain = doubt || before.is_some_and(|tried| tried.uncertain);
            let alone = outcome.result == Done::Apart || before.is_some_and(|tried| tried.alone);
            rows.insert(outcome.row.0, Tried { times, uncertain, alone, again });
        }
        Beyond(rows)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().expect("nothing panics while it is held")
    }
}

impl Waiting {
    fn delivery(&self) -> Delivery {
        let input = Input::Outcome(self.outcome.clone());
        Delivery { key: Some(self.key.clone()), at: self.at, input }
    }
}

impl Beyond {
    /// The row as it stands in truth, where it may go now. While outcomes wait only people are told and alerts shown: the
    /// rest has time.
    pub fn ready(&self, mut job: Job, now: Timestamp) -> Option<Job> {
        if !self.0.is_empty() && !pages(&job.effect) {
            return None;
        }
        if let Some(tried) = self.0.get(&job.id) {
            tried.again.filter(|again| *again <= now)?;
            job.attempts += tried.times;
            job.uncertain |= tried.uncertain;
            job.alone |= tried.alone;
        }
        Some(job)
    }

    /// When the earliest row that is to be tried again may go.
    pub fn next_time(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.values().filter_map(|tried| tried.again).filter(|again| *again > now).min()
    }
}

/// Whether somebody must hear of it even while the store does not write.
pub(super) fn pages(effect: &Effect) -> bool {
    match effect {
        Effect::Post { .. } | Effect::Notify { .. } => true,
        Effect::Line { .. }
        | Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Reply { .. }
        | Effect::PostRun { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::AlertId;
    use crate::domain::input::Answer;
    use crate::inbox::{self, Item, Queue};

    fn job(id: i64, effect: Effect) -> Job {
        Job {
            id: EffectId(id),
            effect,
            lane: "post #sec".to_owned(),
            priority: 0,
            generation: 1,
            attempts: 0,
            uncertain: false,
            seq: 1,
            alone: false,
            with: Vec::new(),
        }
    }

    fn alert() -> AlertId {
        "alr_01JDGQ5R6ZK3V8W9XACEGHJKMN".into()
    }

    fn post(id: i64) -> Job {
        job(id, Effect::Post { alert: alert() })
    }

    fn outcome(id: i64, result: Done) -> (InputKey, Outcome) {
        let outcome = Outcome { row: (EffectId(id), 1), effect: post(id).effect, result };
        (InputKey::new(format!("outbox:{id}")), outcome)
    }

    /// Answers the next input.
    async fn answer(queue: &mut Queue, answer: Result<Answer, NotWritten>) -> InputKey {
        let Some(Item::Input(delivery, reply)) = queue.recv().await else { panic!("an input") };
        reply.send(answer).expect("it is waited for");
        delivery.key.expect("an outcome has its key")
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_written_is_kept_and_offered_again_in_order() {
        let (inbox, mut queue) = inbox::open();
        let (unwritten, clock) = (Unwritten::default(), Clock::steady(Timestamp::from_millis(0)));
        let bell = Arc::new(Notify::new());
        let refusing = async { answer(&mut queue, Err(NotWritten::Store)).await };
        let first = outcome(1, Done::Said);
        let (_, refused) = tokio::join!(unwritten.report(&inbox, &clock, first), refusing);
        assert_eq!(refused.as_str(), "outbox:1");
        unwritten.report(&inbox, &clock, outcome(2, Done::Said)).await;
        assert_eq!(queue.len(), 0, "the second waits behind the first");
        tokio::spawn(unwritten.clone().run(inbox, bell.clone()));
        assert_eq!(answer(&mut queue, Err(NotWritten::Store)).await.as_str(), "outbox:1");
        for key in ["outbox:1", "outbox:2"] {
            assert_eq!(answer(&mut queue, Ok(Answer::Done)).await.as_str(), key);
        }
        unwritten.drained().await;
        bell.notified().await;
        assert!(unwritten.beyond().ready(post(1), clock.now()).is_some(), "nothing is held");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_is_kept_than_there_is_room_for() {
        let (inbox, mut queue) = inbox::open();
        let (unwritten, clock) = (Unwritten::default(), Clock::steady(Timestamp::from_millis(0)));
        let refusing = async { answer(&mut queue, Err(NotWritten::Store)).await };
        let _ = tokio::join!(unwritten.report(&inbox, &clock, outcome(0, Done::Said)), refusing);
        for id in 1..i64::try_from(ROOM).expect("small") {
            unwritten.report(&inbox, &clock, outcome(id, Done::Said)).await;
        }
        let more = unwritten.report(&inbox, &clock, outcome(-1, Done::Said));
        let waited = tokio::time::timeout(Duration::from_secs(3600), more).await;
        assert!(waited.is_err(), "its lane waits");
    }

    #[tokio::test]
    async fn only_people_and_first_messages_go_on_and_a_row_that_is_done_does_not() {
        let (unwritten, now) = (Unwritten::default(), Timestamp::from_millis(1000));
        let update = || job(9, Effect::Update { alert: alert() });
        assert!(unwritten.beyond().ready(update(), now).is_some());
        let hold = |id, result| {
            let (key, outcome) = outcome(id, result);
            unwritten.lock().push_back(Waiting { key, at: now, outcome });
        };
        let again = |seconds, uncertain| Done::Again {
            again: now + Duration::from_secs(seconds),
            uncertain,
        };
        hold(1, Done::Said);
        hold(2, again(0, true));
        hold(2, again(0, false));
        hold(3, again(5, false));
        let beyond = unwritten.beyond();
        assert!(beyond.ready(update(), now).is_none(), "an update has time");
        assert!(beyond.ready(post(1), now).is_none(), "it is done");
        let second = beyond.ready(post(2), now).expect("it may go again");
        assert_eq!((second.attempts, second.uncertain), (2, true));
        assert!(beyond.ready(post(3), now).is_none(), "not yet");
        assert!(beyond.ready(post(4), now).is_some(), "nothing holds it");
        assert_eq!(beyond.next_time(now), Some(now + Duration::from_secs(5)));
    }
}
