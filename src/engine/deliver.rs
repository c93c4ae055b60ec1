//! Does one outbox row: renders it from the newest state, sends it, and says what came of it.

use crate::clock::Clock;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::effect::{Effect, EffectId, Line, Reply, ReplyTo};
use crate::domain::event::{Told, Way};
use crate::domain::ids::{AlertId, BootId, ChannelId, JournalId, MessageTs};
use crate::domain::input::{Done, Reach, Sent};
use crate::domain::people::ChannelRef;
use crate::domain::time::Timestamp;
use crate::engine::Surroundings;
use crate::slack::action_id::Signer;
use crate::slack::adoption::Found;
use crate::slack::failure::Failure;
use crate::slack::outbound::{MessageMark, Outbound, Place, Replied};
use crate::slack::pacing::{self, Rate};
use crate::slack::view::{self, Look, Message};
use crate::store::outbox::{self, Job};
use crate::store::{Reader, StoreError, alerts, queries};
use std::time::Duration;

/// An alert's message that Slack refuses is tried again after so long: someone may invite the bot meanwhile.
const REFUSED: Duration = Duration::from_secs(60);
/// A row whose delivery panicked is tried again after so long.
const PANICKED: Duration = Duration::from_secs(10 * 60);
/// Slack's address for an answer is dead after so long.
const REPLY_LIFE: Duration = Duration::from_secs(30 * 60);
/// So far back `/vigie coverage` looks: it must not take longer each year. The command line looks at all of it.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often Slack is asked for what may stand before it is posted all the same.
const LOOKS: u32 = 8;
/// Clocks differ: a message may be stamped a little earlier than we asked for it.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What messages are made from and sent with.
pub struct Deliverer {
    pub outbound: Outbound,
    pub reader: Reader,
    pub surroundings: Surroundings,
    pub signer: Signer,
    pub clock: Clock,
    pub boot: BootId,
    pub journal: JournalId,
    pub rate: Rate,
}

/// What came of a row, and of those that went with it.
#[derive(Debug)]
pub struct Delivered {
    pub rows: Vec<(EffectId, u32)>,
    pub done: Done,
    /// The method that Slack limited, and how long it wants to hear nothing of it.
    pub limited: Option<(&'static str, Duration)>,
    /// How long the lane rests: Slack was not to be reached, and the next of the lane would not fare better.
    pub rest: Option<Duration>,
}

/// The Web API method that an effect calls; what Slack's limits count.
pub fn method_of(effect: &Effect) -> &'static str {
    match effect {
        Effect::Post { .. } | Effect::Line { .. } | Effect::Notify { .. } => "chat.postMessage",
        Effect::Update { .. } | Effect::UpdateCopy { .. } => "chat.update",
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

    /// Does the row. Never fails: what went wrong is in the outcome.
    pub async fn deliver(&self, job: &Job) -> Delivered {
        let mut rows = vec![(job.id, job.generation)];
        let result = match &job.effect {
            Effect::Post { alert } => self.post(job, alert).await,
            Effect::Update { alert } => self.update(alert, None).await,
            Effect::UpdateCopy { alert, channel, ts } => {
                let copy = Posted { channel: channel.clone(), ts: ts.clone() };
                self.update(alert, Some(copy)).await
            }
            Effect::Line { alert, line } => self.line(job, (alert, line), &mut rows).await,
            Effect::Notify { alert, told } => self.notify(job, alert, told).await,
            Effect::Reply { to, reply } => self.reply(job, to, reply).await,
        };
        match result {
            Ok(done) => Delivered { rows, done, limited: None, rest: None },
            Err(Stuck::Slack(failure)) => self.failed(job, rows, failure),
            Err(Stuck::Store(error)) => {
                tracing::error!(%error, "A message cannot be rendered: the store does not read");
                let done = Done::Again { again: self.clock.now() + REFUSED, uncertain: false };
                Delivered { rows, done, limited: None, rest: None }
            }
        }
    }

    fn failed(&self, job: &Job, rows: Vec<(EffectId, u32)>, failure: Failure) -> Delivered {
        let now = self.clock.now();
        let alert = job.effect.alert().map(tracing::field::display);
        let limited = match &failure {
            Failure::RateLimited { method, after } => Some((*method, *after)),
            _ => None,
        };
        if limited.is_none() {
            tracing::warn!(alert, method = method_of(&job.effect), attempt = job.attempts + 1, %failure, "A call to Slack failed");
        }
        let uncertain = failure.may_have_happened();
        let wait = pacing::again(&failure, job.attempts + 1);
        let why = || failure.word().unwrap_or("unknown").to_owned();
        let done = match (&job.effect, wait) {
            // Without the right to tell someone, others must be told; it does not wait for a person to give it.
            (Effect::Notify { .. }, _) if failure.is_refusal() => {
                Done::Failed { why: why(), again: None }
            }
            (Effect::Post { .. }, None) => Done::Failed { why: why(), again: Some(now + REFUSED) },
            (_, Some(wait)) => Done::Again { again: now + wait, uncertain },
            (_, None) => Done::Failed { why: why(), again: None },
        };
        let rest = wait.filter(|_| limited.is_none());
        Delivered { rows, done, limited, rest }
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
        let done = Done::Again { again: self.clock.now() + PANICKED, uncertain: true };
        Delivered { rows: vec![(job.id, job.generation)], done, limited: None, rest: None }
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

    fn render(&self, view: impl FnOnce(&Look<'_>) -> Message) -> Message {
        let (policy, directory) = self.surroundings.now();
        view(&Look {
            directory: &directory,
            zone: &policy.timezone,
            now: self.clock.now(),
            signer: &self.signer,
        })
    }

    fn place(&self, channel: &ChannelRef) -> Place {
        let (_, directory) = self.surroundings.now();
        directory.channel(channel).map_or_else(|| Place::named(channel.clone()), Place::channel)
    }

    fn mark(&self, id: EffectId) -> MessageMark {
        MessageMark::new(format!("{}/{}", self.journal, id.0))
    }

    /// Whether an earlier try of this row may have arrived.
    fn is_uncertain(&self, job: &Job) -> bool {
        job.uncertain || job.boot != self.boot
    }

    /// Looks for what an earlier try may have posted since it was wanted first. `Refused`: Slack does not tell, so that it
    /// is posted at the risk of standing twice.
    async fn earlier(
        &self,
        job: &Job,
        place: &Place,
        since: Timestamp,
    ) -> Result<Option<Posted>, EarlierUnknown> {
        if !self.is_uncertain(job) {
            return Ok(None);
        }
        let within = (since - SKEW)..(self.clock.now() + SKEW);
        match self.outbound.find(place, &self.mark(job.id), within).await {
            Ok(Found::Stands(posted)) => Ok(Some(posted)),
            Ok(Found::DoesNotStand) => Ok(None),
            Ok(Found::CannotTell) => {
                tracing::warn!(
                    "What was posted is not found in what Slack shows: a message may stand twice"
                );
                Err(EarlierUnknown::Refused)
            }
            Err(failure) if is_final(&failure) || has_looked_enough(job, &failure) => {
                tracing::warn!(%failure, "Slack does not tell what was posted: a message may stand twice");
                Err(EarlierUnknown::Refused)
            }
            Err(failure) => Err(EarlierUnknown::Later(failure)),
        }
    }

    async fn send(
        &self,
        job: &Job,
        place: &Place,
        since: Timestamp,
        message: Message,
    ) -> Result<(Posted, Sent), Failure> {
        let how = match self.earlier(job, place, since).await {
            Ok(Some(posted)) => return Ok((posted, Sent::Adopted)),
            Ok(None) => Sent::Posted,
            Err(EarlierUnknown::Refused) => Sent::PossiblyTwice,
            Err(EarlierUnknown::Later(failure)) => return Err(failure),
        };
        let posted = self.outbound.post(place, &message, &self.mark(job.id)).await?;
        Ok((posted, how))
    }

    async fn post(&self, job: &Job, id: &AlertId) -> Result<Done, Stuck> {
        let Some(alert) = self.load(id).await?.filter(|alert| alert.message.is_none()) else {
            return Ok(Done::Dropped);
        };
        let message = self.render(|look| view::alert::post(&alert, look));
        let place = self.place(&alert.received.channel);
        let (Posted { channel, ts }, how) =
            self.send(job, &place, alert.received_at, message).await?;
        Ok(Done::Shown { channel, ts, how, as_of: alert.as_of })
    }

    async fn update(&self, id: &AlertId, copy: Option<Posted>) -> Result<Done, Stuck> {
        let Some(alert) = self.load(id).await? else { return Ok(Done::Dropped) };
        let message = match &copy {
            None => self.render(|look| view::alert::message(&alert, look)),
            Some(_) => self.render(|look| view::notify::copy(&alert, look)),
        };
        let Some(posted) = copy.or(alert.message) else { return Ok(Done::Dropped) };
        self.outbound.update(&posted, &message).await?;
        Ok(Done::Said)
    }

    /// Lines of one alert that wait together go as one post; one that may stand already goes alone.
    async fn line(
        &self,
        job: &Job,
        (id, line): (&AlertId, &Line),
        rows: &mut Vec<(EffectId, u32)>,
    ) -> Result<Done, Stuck> {
        let Some(alert) = self.load(id).await? else { return Ok(Done::Dropped) };
        let Some(thread) = alert.message.clone() else { return Ok(Done::Dropped) };
        let mut lines = vec![line.clone()];
        let mut mark = self.mark(job.id);
        if !self.is_uncertain(job) {
            let of = id.clone();
            for other in
                self.reader.query(move |connection| outbox::lines_of(connection, &of)).await?
            {
                if let Effect::Line { line, .. } = &other.effect
                    && other.id != job.id
                    && !self.is_uncertain(&other)
                {
                    lines.push(line.clone());
                    rows.push((other.id, other.generation));
                    mark = mark.and(self.mark(other.id));
                }
            }
        }
        let place = Place::thread(&thread);
        if let Err(EarlierUnknown::Later(failure)) =
            self.earlier(job, &place, line.at).await.map(|found| {
                if found.is_some() {
                    lines.clear();
                }
            })
        {
            return Err(failure.into());
        }
        if !lines.is_empty() {
            let message = self.render(|look| view::line::lines(&lines, &alert, look));
            self.outbound.post(&place, &message, &mark).await?;
        }
        Ok(Done::Said)
    }

    async fn notify(&self, job: &Job, id: &AlertId, told: &Told) -> Result<Done, Stuck> {
        let Some(alert) = self.load(id).await? else { return Ok(Done::Dropped) };
        let Some(place) = self.place_of(told, &alert) else { return Ok(Done::Dropped) };
        let wanted =
            alert.waits() && alert.ladder.round == told.round && !alert.ladder.is_overtaken(told);
        let since = self.wanted_at(job).await?;
        if !wanted {
            // What was said before a crash was said, and is recorded; nothing new is.
            return Ok(match self.earlier(job, &place, since).await {
                Ok(Some(posted)) => told_at(told, posted, Sent::Adopted, Reach::Delivered),
                Ok(None) | Err(EarlierUnknown::Refused) => Done::Dropped,
                Err(EarlierUnknown::Later(failure)) => return Err(failure.into()),
            });
        }
        let reach = self.reach(told).await;
        let message = self.render(|look| view::notify::notify(told, &alert, look));
        let (posted, how) = self.send(job, &place, since, message).await?;
        Ok(told_at(told, posted, how, reach))
    }

    fn place_of(&self, told: &Told, alert: &Alert) -> Option<Place> {
        match &told.how {
            Way::Thread => alert.message.as_ref().map(Place::thread),
            Way::Channel(channel) => Some(self.place(channel)),
            Way::Dm => told.people.first().cloned().map(Place::person),
        }
    }

    async fn reach(&self, told: &Told) -> Reach {
        match (&told.how, told.people.as_slice()) {
            (Way::Dm, [person]) if self.outbound.do_not_disturb(person).await => {
                Reach::DoNotDisturb
            }
            _ => Reach::Delivered,
        }
    }

    async fn reply(&self, job: &Job, to: &ReplyTo, reply: &Reply) -> Result<Done, Stuck> {
        let wanted_at = self.wanted_at(job).await?;
        if self.clock.now().since(wanted_at) > REPLY_LIFE {
            return Ok(Done::Dropped);
        }
        let message = self.answer(reply).await?;
        match self.outbound.reply(to, &message).await? {
            Replied::Said => {}
            Replied::OnlyByDm => {
                let place = Place::person(to.user.clone());
                self.send(job, &place, wanted_at, message).await?;
            }
        }
        Ok(Done::Said)
    }

    async fn answer(&self, reply: &Reply) -> Result<Message, StoreError> {
        Ok(match reply {
            Reply::Help => view::reply::help(),
            Reply::List => {
                let found = self.reader.query(|connection| {
                    Ok((
                        alerts::live(connection, view::reply::LISTED)?,
                        queries::live_count(connection)?,
                    ))
                });
                let (alerts, total) = found.await?;
                let items: Vec<_> = alerts.iter().map(view::reply::ListItem::from).collect();
                self.render(|look| view::reply::list(&items, total, look))
            }
            Reply::Coverage => {
                let since = self.clock.now() - LOOKED_BACK;
                let coverage = self.reader.query(move |connection| {
                    queries::coverage(connection, Some(since), view::reply::UNTREATED)
                });
                let coverage = coverage.await?;
                self.render(|look| view::reply::coverage(&coverage, look))
            }
            Reply::Show { alert } => match self.load(alert).await? {
                Some(alert) => self.render(|look| view::reply::show(&alert, look)),
                None => view::reply::help(),
            },
            Reply::Refused { refusal, alert } => {
                let alert = match alert {
                    Some(id) => self.load(id).await?,
                    None => None,
                };
                self.render(|look| view::reply::refused(refusal, alert.as_ref(), look))
            }
        })
    }
}

/// Whether looking again is in vain.
fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Rejected { .. } | Failure::BadToken { .. })
}

/// After the eighth try, about a minute, people must see the alert although it may stand twice; then every eighth, so that
/// answers that are lost on and on do not fill the channel. Where Slack says when to come back, it has not been looked at all.
fn has_looked_enough(job: &Job, failure: &Failure) -> bool {
    let later = matches!(failure, Failure::RateLimited { .. });
    !later && job.attempts >= LOOKS && job.attempts.is_multiple_of(LOOKS)
}

/// Why it is not known whether an earlier try arrived.
enum EarlierUnknown {
    /// Slack will not tell.
    Refused,
    /// Slack cannot tell now.
    Later(Failure),
}

fn told_at(told: &Told, posted: Posted, how: Sent, reach: Reach) -> Done {
    let (channel, ts): (ChannelId, MessageTs) = (posted.channel, posted.ts);
    Done::Told { told: told.clone(), channel, ts, how, reach }
}
