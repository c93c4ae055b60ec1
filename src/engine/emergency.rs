//! While the store takes no writes, people are told all the same: of critical and high alerts that cannot be recorded, and of
//! what the ladder has due. Each message says that it is not recorded; nothing but paging acts.

mod saying;

use crate::clock::Clock;
use crate::domain::alert::dedup;
use crate::domain::alert::lifecycle::{Alert, apply};
use crate::domain::decide::{self, decide};
use crate::domain::event::{Entry, Event, Fact, Stream, Told, Way};
use crate::domain::ids::{AlertId, InputKey};
use crate::domain::input::{Delivery, Incoming, Input, Moment};
use crate::domain::people::{Actor, Roles, Surface};
use crate::domain::policy::Context;
use crate::domain::time::Timestamp;
use crate::domain::unrecorded::Whose;
use crate::engine::deliver::Deliverer;
use crate::engine::ledger::{Ledger, Note, Refused, Trouble};
use crate::slack::pacing::Pacing;
use crate::store::alerts;
use saying::{Operator, Saying, What};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The longest sleep while there is trouble: the ladders of what is not on disk go on.
const LOOK: Duration = Duration::from_secs(5);
/// So many alerts that are not on disk are shown one by one in one trouble; of the others their number is said.
const SHOWN: usize = 50;
/// So many more are told apart and noted; beyond them it is only counted.
const NOTED: usize = 10_000;
/// So many alerts' ladders are gone on with.
const FOLLOWED: usize = 2_000;

/// Who pages while nothing is recorded.
pub struct Emergency {
    deliverer: Arc<Deliverer>,
    ledger: Ledger,
    clock: Clock,
    pacing: Pacing,
    now: Now,
}

/// What belongs to one trouble.
#[derive(Default)]
struct Now {
    trouble: Option<Trouble>,
    /// Alerts as they would stand if what was said were recorded.
    alerts: HashMap<AlertId, Shadow>,
    /// The fingerprints of alerts that are not on disk.
    seen: HashSet<String>,
    shown: usize,
    more: u64,
    sayings: Vec<Saying>,
    operator: Operator,
}

struct Shadow {
    alert: Alert,
    whose: Whose,
    /// Not on disk: no timer knows it.
    new: bool,
}

impl Emergency {
    /// Over this ledger, with the dispatcher's means.
    pub fn new(deliverer: Arc<Deliverer>, ledger: Ledger, clock: Clock) -> Self {
        let pacing = Pacing::new(deliverer.rate());
        Self { deliverer, ledger, clock, pacing, now: Now::default() }
    }

    /// Runs until the task is dropped.
    pub async fn run(mut self) {
        let Some(mut heard) = self.ledger.listen() else { return };
        loop {
            let wait = self.turn().await;
            self.hear(&mut heard, wait).await;
        }
    }

    async fn hear(&mut self, heard: &mut mpsc::Receiver<Refused>, wait: Duration) {
        let Ok(first) = tokio::time::timeout(wait, heard.recv()).await else { return };
        let Some(first) = first else { return std::future::pending().await };
        self.begin();
        let mut next = Some(first);
        while let Some(refused) = next {
            match refused {
                Refused::Alert { key, at, incoming } => self.came(key, at, *incoming).await,
                Refused::Due(alert) => self.due(alert).await,
            }
            next = heard.try_recv().ok();
        }
    }

    /// Says what may be said now; how long until there may be more.
    async fn turn(&mut self) -> Duration {
        self.begin();
        self.over().await;
        if self.now.trouble.is_none() {
            return if self.now.operator.is_quiet() { LOOK * 6 } else { LOOK };
        }
        self.follow().await;
        self.tell_operator().await;
        self.say_next().await.min(LOOK)
    }

    /// Each trouble begins anew; what was not said of the last one is said in the ordinary way.
    fn begin(&mut self) {
        let trouble = self.ledger.trouble();
        if trouble != self.now.trouble {
            let operator = std::mem::take(&mut self.now.operator);
            self.now = Now { trouble, operator, ..Now::default() };
        }
    }

    /// An alert that could not be recorded; its source was told to send it again.
    async fn came(&mut self, key: Option<InputKey>, at: Timestamp, incoming: Incoming) {
        let fingerprint =
            dedup::fingerprint(&incoming.source, &incoming.alert.dedup_key, incoming.test);
        if self.now.seen.contains(&fingerprint) {
            return;
        }
        let of = fingerprint.clone();
        // Where the store does not even read, it counts as new: rather once too often.
        let newest =
            self.deliverer.reader.query(move |connection| alerts::newest_of(connection, &of));
        let newest = newest.await.unwrap_or_default();
        let text = serde_json::to_value(&incoming).expect("an alert is plain data");
        let id = incoming.id.clone();
        let delivery = Delivery { key: key.clone(), at, input: Input::Alert(Box::new(incoming)) };
        let decision = self.decide(newest.as_ref(), &delivery);
        let Some(Fact { event: Event::Received(received), .. }) = decision.first() else { return };
        if received.suppressed_by.is_some() {
            return;
        }
        if self.now.seen.len() >= NOTED {
            return self.count_more();
        }
        let Some(under_way) = self.ledger.enter(self.now.trouble) else { return };
        self.now.seen.insert(fingerprint.clone());
        self.ledger.note(at, Note::Alert { key, incoming: Box::new(text) }).await;
        drop(under_way);
        if self.now.shown >= SHOWN {
            return self.count_more();
        }
        self.now.shown += 1;
        let Some(alert) =
            decision.iter().fold(None, |alert, fact| apply(alert, &entry((&id, fact, at))))
        else {
            return;
        };
        self.now.sayings.push(Saying::new(&alert, What::Show));
        let whose = Whose::Newest(fingerprint);
        self.now.alerts.insert(id.clone(), Shadow { alert, whose, new: true });
        self.first_rung(&id).await;
    }

    fn count_more(&mut self) {
        self.now.more += 1;
        metrics::counter!("vigie_unrecorded_total", "what" => "not_said").increment(1);
    }

    /// Nobody knows how long it lasts: whom the ladder means first is told at once.
    async fn first_rung(&mut self, id: &AlertId) {
        let mut first = None;
        while let Some((at, Some(level))) = self.next(id) {
            if *first.get_or_insert(level) != level {
                return;
            }
            if !self.climb(id, at.max(self.clock.now())).await {
                return;
            }
        }
    }

    /// When the alert's ladder has its next step, and which rung is told then for the first time.
    fn next(&self, id: &AlertId) -> Option<(Timestamp, Option<u32>)> {
        let alert = &self.now.alerts.get(id)?.alert;
        let (policy, directory) = self.deliverer.surroundings.now();
        let context = Context { policy: &policy, directory: &directory };
        let due = decide::next(&context, alert, self.clock.now())?;
        Some((due.at, due.rung()))
    }

    /// The timer could not take this alert's step.
    async fn due(&mut self, id: AlertId) {
        if !self.now.alerts.contains_key(&id) {
            if self.now.alerts.len() >= FOLLOWED {
                return;
            }
            let of = id.clone();
            let loaded =
                self.deliverer.reader.query(move |connection| alerts::load(connection, &of));
            let Ok(Some(alert)) = loaded.await else { return };
            let whose = Whose::Alert(id.clone());
            self.now.alerts.insert(id.clone(), Shadow { alert, whose, new: false });
        }
        while self.climb(&id, self.clock.now()).await {}
    }

    /// The ladders of alerts that are not on disk.
    async fn follow(&mut self) {
        let new = self.now.alerts.iter().filter(|(_, shadow)| shadow.new);
        let ids: Vec<AlertId> = new.map(|(id, _)| id.clone()).collect();
        for id in ids {
            while self.climb(&id, self.clock.now()).await {}
        }
    }

    /// Takes the step that is due at that moment; whether there was one.
    async fn climb(&mut self, id: &AlertId, at: Timestamp) -> bool {
        let Some(shadow) = self.now.alerts.get(id) else { return false };
        let whose = shadow.whose.clone();
        let moment = Input::Moment(Moment::Due { alert: id.clone() });
        let facts = self.decide(Some(&shadow.alert), &Delivery { key: None, at, input: moment });
        let nobody = facts.iter().any(|fact| matches!(fact.event, Event::NobodyMeant { .. }));
        for fact in &facts {
            let note = match &fact.event {
                Event::Escalated { told } => {
                    Note::Reached { whose: whose.clone(), told: told.clone(), nobody }
                }
                Event::Returned { .. } => Note::Stepped { alert: id.clone() },
                _ => continue,
            };
            let Some(under_way) = self.ledger.enter(self.now.trouble) else { return false };
            self.ledger.note(self.clock.now(), note).await;
            drop(under_way);
            self.happen(id, fact);
            if let Event::Escalated { told } = &fact.event {
                self.tell(id, told);
            }
        }
        !facts.is_empty()
    }

    /// A direct message is one saying a person, as it is one effect.
    fn tell(&mut self, id: &AlertId, told: &Told) {
        let Some(shadow) = self.now.alerts.get(id) else { return };
        let alone = |person: &crate::domain::ids::UserId| Told {
            people: vec![person.clone()],
            groups: Vec::new(),
            ..told.clone()
        };
        let told: Vec<Told> = match told.how {
            Way::Dm => told.people.iter().map(alone).collect(),
            Way::Thread | Way::Channel(_) => vec![told.clone()],
        };
        let sayings = told.into_iter().map(|told| Saying::new(&shadow.alert, What::Tell(told)));
        self.now.sayings.extend(sayings);
    }

    fn decide(&self, subject: Option<&Alert>, delivery: &Delivery) -> Vec<Fact> {
        let (policy, directory) = self.deliverer.surroundings.now();
        let context = Context { policy: &policy, directory: &directory };
        decide(&context, subject, delivery).facts
    }

    /// The alert as it would stand.
    fn happen(&mut self, id: &AlertId, fact: &Fact) {
        let at = self.clock.now();
        if let Some(shadow) = self.now.alerts.get_mut(id)
            && let Some(alert) = apply(Some(shadow.alert.clone()), &entry((id, fact, at)))
        {
            shadow.alert = alert;
        }
    }
}

/// An entry that stands in no journal.
fn entry((id, fact, at): (&AlertId, &Fact, Timestamp)) -> Entry {
    Entry {
        seq: 0,
        at,
        stream: Stream::Alert(id.clone()),
        actor: Actor::System,
        roles: Roles::default(),
        via: Surface::Timer,
        event: fact.event.clone(),
        private: fact.private.clone(),
    }
}
