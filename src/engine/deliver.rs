//! Does one outbox row, or several that one call does: renders from the newest state, sends, and says what came of each.

mod answer;
mod run;
mod say;
mod show;
mod tell;

use crate::clock::Clock;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::effect::{Effect, EffectId, Line};
use crate::domain::ids::{AlertId, JournalId};
use crate::domain::input::{Done, Outcome};
use crate::domain::people::ChannelRef;
use crate::domain::time::Timestamp;
use crate::engine::{Surroundings, lanes};
use crate::slack::action_id::Signer;
use crate::slack::failure::Failure;
use crate::slack::outbound::{MessageMark, Outbound, Place};
use crate::slack::pacing::{self, Rate};
use crate::slack::view::{self, Look, Message, OnOffer};
use crate::store::outbox::Job;
use crate::store::{Reader, StoreError, alerts, queries};
use say::{Saying, beside, dropped, settled, thread_of};
use std::time::Duration;

/// An alert's message that Slack refuses is tried again after so long: someone may invite the bot meanwhile.
const REFUSED: Duration = Duration::from_secs(60);
/// A row whose delivery panicked is tried again after so long.
const PANICKED: Duration = Duration::from_secs(10 * 60);

/// What messages are made from and sent with.
pub struct Deliverer {
    pub outbound: Outbound,
    pub reader: Reader,
    pub surroundings: Surroundings,
    pub signer: Signer,
    pub clock: Clock,
    pub journal: JournalId,
    pub rate: Rate,
}

/// What came of a row, and of each that went with it.
#[derive(Debug)]
pub struct Delivered {
    pub outcomes: Vec<Outcome>,
    /// The method that Slack limited, and how long it wants to hear nothing of it.
    pub limited: Option<(&'static str, Duration)>,
    /// How long the lane rests: Slack was not to be reached, and the next of the lane would not fare better.
    pub rest: Option<Duration>,
}

impl Delivered {
    /// `done` has one for each row, in their order.
    fn of(job: &Job, done: Vec<Done>) -> Self {
        let outcome = |(job, result): (&Job, Done)| Outcome {
            row: (job.id, job.generation),
            effect: job.effect.clone(),
            result,
        };
        let outcomes = job.all().zip(done).map(outcome).collect();
        Self { outcomes, limited: None, rest: None }
    }

    fn all(job: &Job, done: &Done) -> Self {
        Self::of(job, job.all().map(|_| done.clone()).collect())
    }
}

/// The Web API method that an effect calls; what Slack's limits count.
pub fn method_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Post { .. }
        | Effect::Line { .. }
        | Effect::Notify { .. }
        | Effect::PostRun { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. } => "chat.postMessage",
        Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. } => "chat.update",
        // Nothing of Slack's.
        Effect::Trigger { .. } | Effect::Call { .. } => "",
        Effect::Reply { to, .. } if to.response_url.is_some() => "response_url",
        Effect::Reply { .. } => "chat.postEphemeral",
    }
}

/// Why a row was not done.
enum Stuck {
    Slack(Failure),
    Store(StoreError),
}
impl From<Failure> for Stuck {
    fn from(failure: Failure) -> Self {
        Self::Slack(failure)
    }
}
impl From<StoreError> for Stuck {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Deliverer {
    /// How fast posts may follow one another in a channel.
    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Does the row, and those that go with it. Never fails: what went wrong is in the outcomes.
    pub async fn deliver(&self, job: &Job) -> Delivered {
        let done = match &job.effect {
            Effect::Post { .. } => self.post(job).await,
            Effect::Update { alert } => self.update(job, alert).await,
            Effect::UpdateCopy { channel, ts, .. } => {
                let copy = Posted { channel: channel.clone(), ts: ts.clone() };
                self.update_copy(&copy).await.map(|done| vec![done])
            }
            Effect::Line { .. } => self.lines(job).await,
            Effect::Notify { told, .. } => self.notify(job, told).await,
            Effect::Reply { to, reply } => self.reply(job, to, reply).await.map(|done| vec![done]),
            Effect::PostRun { .. }
            | Effect::UpdateRun { .. }
            | Effect::UpdateRunCopy { .. }
            | Effect::Say { .. }
            | Effect::NotifyRun { .. }
            | Effect::Trigger { .. }
            | Effect::Call { .. } => self.of_a_run(job).await.map(|done| vec![done]),
        };
        match done {
            Ok(done) => Delivered::of(job, done),
            Err(Stuck::Slack(failure)) => self.failed(job, &failure),
            Err(Stuck::Store(error)) => {
                tracing::error!(%error, "A message cannot be rendered: the store does not read");
                let again = self.clock.now() + REFUSED;
                Delivered::all(job, &Done::Again { again, uncertain: job.uncertain })
            }
        }
    }

    fn failed(&self, job: &Job, failure: &Failure) -> Delivered {
        let now = self.clock.now();
        let alert = job.effect.alert().map(tracing::field::display);
        let limited = match failure {
            Failure::RateLimited { method, after } => Some((*method, *after)),
            _ => None,
        };
        if limited.is_none() {
            tracing::warn!(alert, method = method_of(&job.effect), attempt = job.attempts + 1, %failure, "A call to Slack failed");
        }
        let uncertain = job.uncertain || failure.may_have_happened();
        let wait = pacing::again(failure, job.attempts + 1);
        let why = || failure.word().unwrap_or("unknown").to_owned();
        let done = match (&job.effect, wait) {
            // One of them may be why: alone, the others pass.
            _ if !job.with.is_empty() && failure.is_about_content() => Done::Apart,
            // It goes where the alert is shown next, or is let go with the decision.
            (effect, None) if lanes::needs_message(effect) && show::is_about_the_place(failure) => {
                Done::Failed { why: why(), again: Some(now) }
            }
            // Without the right to tell someone, others must be told; it does not wait for a person to give it.
            (Effect::Notify { .. }, _) if failure.is_refusal() => {
                Done::Failed { why: why(), again: None }
            }
            (Effect::Post { .. }, None) => Done::Failed { why: why(), again: Some(now + REFUSED) },
            (_, Some(wait)) => Done::Again { again: now + wait, uncertain },
            (_, None) => Done::Failed { why: why(), again: None },
        };
        let rest = wait.filter(|_| limited.is_none());
        Delivered { limited, rest, ..Delivered::all(job, &done) }
    }

    /// What comes of a row whose delivery panicked: a defect of ours, which must not silence the lane.
    pub fn panicked(&self, job: &Job) -> Delivered {
        metrics::counter!("vigie_delivery_panics_total").increment(1);
        let alert = job.effect.alert().map(tracing::field::display);
        tracing::error!(
            alert,
            row = job.id.0,
            "A delivery panicked: it rests, and the others go on"
        );
        if !job.with.is_empty() {
            return Delivered::all(job, &Done::Apart);
        }
        let again = self.clock.now() + PANICKED;
        Delivered::all(job, &Done::Again { again, uncertain: true })
    }

    async fn load(&self, id: &AlertId) -> Result<Option<Alert>, StoreError> {
        let id = id.clone();
        self.reader.query(move |connection| alerts::load(connection, &id)).await
    }

    /// Nothing of the row can be older in Slack.
    async fn wanted_at(&self, job: &Job) -> Result<Timestamp, StoreError> {
        let seq = job.seq;
        self.reader.query(move |connection| queries::time_of(connection, seq)).await
    }

    pub(super) fn render(&self, view: impl FnOnce(&Look<'_>) -> Message) -> Message {
        let (policy, directory) = self.surroundings.now();
        view(&Look {
            directory: &directory,
            zone: &policy.timezone,
            now: self.clock.now(),
            signer: &self.signer,
            offered: OnOffer(Some(&policy)),
        })
    }

    pub(super) fn place(&self, channel: &ChannelRef) -> Place {
        let (_, directory) = self.surroundings.now();
        directory.channel(channel).map_or_else(|| Place::named(channel.clone()), Place::channel)
    }

    pub(super) fn mark(&self, id: EffectId) -> MessageMark {
        MessageMark::new(format!("{}/{}", self.journal, id.0))
    }

    /// Brings the message of the job's alert up to date; all its rows are about that message.
    async fn update(&self, job: &Job, id: &AlertId) -> Result<Vec<Done>, Stuck> {
        let Some(posted) = self.load(id).await?.and_then(|alert| alert.message) else {
            return Ok(dropped(job));
        };
        let named = self.named_in(&posted).await?;
        let message = match named.as_slice() {
            [] => return Ok(dropped(job)),
            [alert] => self.render(|look| view::alert::message(alert, look)),
            several => {
                let several: Vec<&Alert> = several.iter().collect();
                self.render(|look| view::digest::message(&several, look))
            }
        };
        match self.outbound.update(&posted, &message).await {
            Ok(()) => Ok(job.all().map(|_| Done::Said).collect()),
            Err(failure) => self.unless_moved(job, (id, &posted), failure).await,
        }
    }

    /// Slack refused something at a message. Where the alert's message stands elsewhere by now, that says nothing of the new
    /// one: it is tried there.
    async fn unless_moved(
        &self,
        job: &Job,
        (id, tried): (&AlertId, &Posted),
        failure: Failure,
    ) -> Result<Vec<Done>, Stuck> {
        let stands = self.load(id).await?.and_then(|alert| alert.message);
        if failure.word().is_some() && stands.as_ref() != Some(tried) {
            let again = Done::Again { again: self.clock.now(), uncertain: false };
            return Ok(job.all().map(|_| again.clone()).collect());
        }
        Err(failure.into())
    }

    async fn update_copy(&self, copy: &Posted) -> Result<Done, Stuck> {
        let named = self.named_in(copy).await?;
        let message = match named.as_slice() {
            [] => return Ok(Done::Dropped),
            [alert] => self.render(|look| view::notify::copy(alert, look)),
            several => {
                let several: Vec<&Alert> = several.iter().collect();
                self.render(|look| view::digest::copy(&several, look))
            }
        };
        self.outbound.update(copy, &message).await?;
        Ok(Done::Said)
    }

    /// The alerts that a message of ours names, as they stand now.
    async fn named_in(&self, posted: &Posted) -> Result<Vec<Alert>, StoreError> {
        let posted = posted.clone();
        self.reader.query(move |connection| alerts::named_in(connection, &posted)).await
    }

    async fn lines(&self, job: &Job) -> Result<Vec<Done>, Stuck> {
        let parts = self.parts(job).await?;
        let done = match thread_of(&parts) {
            Some(thread) => self.lines_in(thread, job, &parts).await?,
            None => dropped(job),
        };
        Ok(beside(thread_of(&parts), &parts, done, self.clock.now()))
    }

    async fn lines_in(
        &self,
        thread: &Posted,
        job: &Job,
        parts: &[(&Job, Option<Alert>)],
    ) -> Result<Vec<Done>, Stuck> {
        let wanted: Vec<(&Job, &Alert)> = parts
            .iter()
            .filter_map(|(row, alert)| Some((*row, alert.as_ref()?)))
            .filter(|(_, alert)| alert.message.as_ref() == Some(thread))
            .collect();
        let lines: Vec<(&Line, &Alert)> = wanted
            .iter()
            .filter_map(|(row, alert)| match &row.effect {
                Effect::Line { line, .. } => Some((line, *alert)),
                _ => None,
            })
            .collect();
        let Some((line, alert)) = lines.first() else { return Ok(dropped(job)) };
        let saying = Saying {
            place: Place::thread(thread),
            since: lines.iter().map(|(line, _)| line.at).min().unwrap_or(line.at),
            marks: wanted.iter().map(|(row, _)| self.mark(row.id)).collect(),
        };
        let message = || self.render(|look| view::line::lines(&lines, look));
        match self.send(job, &saying, message).await {
            Ok(said) => Ok(settled(job, &wanted, said, |_, _| Done::Said)),
            Err(failure) => self.unless_moved(job, (&alert.id, thread), failure).await,
        }
    }
}
