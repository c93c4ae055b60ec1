//! Does one outbox row, or several that one call does: renders from the newest state, sends, and says what came of each.

mod show;

use crate::clock::Clock;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::effect::{Effect, EffectId, Line, Reply, ReplyTo};
use crate::domain::event::{Told, Way};
use crate::domain::ids::{AlertId, ChannelId, JournalId, MessageTs};
use crate::domain::input::{Done, Outcome, Reach, Sent};
use crate::domain::people::ChannelRef;
use crate::domain::time::Timestamp;
use crate::engine::{Surroundings, lanes};
use crate::slack::action_id::Signer;
use crate::slack::adoption::Found;
use crate::slack::failure::Failure;
use crate::slack::outbound::{MessageMark, Outbound, Place, Replied};
use crate::slack::pacing::{self, Rate};
use crate::slack::view::{self, Look, Message};
use crate::store::outbox::Job;
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
        })
    }

    pub(super) fn place(&self, channel: &ChannelRef) -> Place {
        let (_, directory) = self.surroundings.now();
        directory.channel(channel).map_or_else(|| Place::named(channel.clone()), Place::channel)
    }

    pub(super) fn mark(&self, id: EffectId) -> MessageMark {
        MessageMark::new(format!("{}/{}", self.journal, id.0))
    }

    /// Looks for what earlier tries may have posted since it was wanted first.
    async fn earlier(&self, job: &Job, saying: &Saying) -> Result<Earlier, Failure> {
        if !job.uncertain {
            return Ok(Earlier::DoesNotStand);
        }
        // By its age: what time it was does not matter where a clock was set since.
        let wall = self.clock.wall();
        let within = (wall - self.clock.now().since(saying.since) - SKEW)..(wall + SKEW);
        match self.outbound.find(&saying.place, &saying.marks, within).await {
            Ok(found) if found.stands.iter().any(Option::is_some) => Ok(Earlier::Stands(found)),
            Ok(Found { is_all: true, .. }) => Ok(Earlier::DoesNotStand),
            Ok(Found { is_all: false, .. }) => {
                tracing::warn!(
                    "What was posted is not found in what Slack shows: a message may stand twice"
                );
                Ok(Earlier::MayStand)
            }
            Err(failure) if is_final(&failure) || has_looked_enough(job, &failure) => {
                tracing::warn!(%failure, "Slack does not tell what was posted: a message may stand twice");
                Ok(Earlier::MayStand)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Says it, unless it stands already; what came of each mark, in their order. Where only some stand, the others are tried
    /// again, now that it is known.
    async fn send(
        &self,
        job: &Job,
        saying: &Saying,
        message: impl FnOnce() -> Message,
    ) -> Result<Vec<Said>, Failure> {
        let how = match self.earlier(job, saying).await? {
            // They were looked for together, and go as what never was tried goes.
            Earlier::DoesNotStand if job.uncertain && saying.marks.len() > 1 => {
                let not = Said::Not { again: self.clock.now(), uncertain: false };
                return Ok(saying.marks.iter().map(|_| not.clone()).collect());
            }
            Earlier::DoesNotStand => Sent::Posted,
            Earlier::MayStand => Sent::PossiblyTwice,
            Earlier::Stands(Found { stands, is_all }) => {
                let absent = Said::Not { again: self.clock.now(), uncertain: !is_all };
                let adopted = |posted| Said::Stands(posted, Sent::Adopted);
                return Ok(stands.into_iter().map(|p| p.map_or(absent.clone(), adopted)).collect());
            }
        };
        let mark = saying.marks.iter().cloned().reduce(MessageMark::and);
        let mark = mark.expect("something is said");
        let posted = self.outbound.post(&saying.place, &message(), &mark).await?;
        Ok(saying.marks.iter().map(|_| Said::Stands(posted.clone(), how)).collect())
    }

    /// The alert of each row, as it stands now; `None` where there is none.
    async fn parts<'j>(&self, job: &'j Job) -> Result<Vec<(&'j Job, Option<Alert>)>, StoreError> {
        let ids: Vec<Option<AlertId>> = job.all().map(|row| row.effect.alert().cloned()).collect();
        let load = move |connection: &rusqlite::Connection| {
            let load = |id: Option<AlertId>| match id {
                Some(id) => alerts::load(connection, &id),
                None => Ok(None),
            };
            ids.into_iter().map(load).collect::<rusqlite::Result<Vec<_>>>()
        };
        Ok(job.all().zip(self.reader.query(load).await?).collect())
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
        let wanted: Vec<(&Job, &Alert)> = parts
            .iter()
            .filter_map(|(row, alert)| Some((*row, alert.as_ref()?)))
            .filter(|(_, alert)| alert.message.is_some())
            .collect();
        let lines: Vec<(&Line, &Alert)> = wanted
            .iter()
            .filter_map(|(row, alert)| match &row.effect {
                Effect::Line { line, .. } => Some((line, *alert)),
                _ => None,
            })
            .collect();
        let first = lines.first().and_then(|(line, alert)| Some((line, alert.message.as_ref()?)));
        let Some((line, thread)) = first else { return Ok(dropped(job)) };
        let saying = Saying {
            place: Place::thread(thread),
            since: lines.iter().map(|(line, _)| line.at).min().unwrap_or(line.at),
            marks: wanted.iter().map(|(row, _)| self.mark(row.id)).collect(),
        };
        let message = || self.render(|look| view::line::lines(&lines, look));
        match self.send(job, &saying, message).await {
            Ok(said) => Ok(settled(job, &wanted, said, |_, _| Done::Said)),
            Err(failure) => self.unless_moved(job, (&lines[0].1.id, thread), failure).await,
        }
    }

    async fn notify(&self, job: &Job, told: &Told) -> Result<Vec<Done>, Stuck> {
        let parts = self.parts(job).await?;
        // What was said before a crash was said, and is recorded; nothing new is said that is no longer wanted.
        let wanted: Vec<(&Job, &Alert)> = parts
            .iter()
            .filter_map(|(row, alert)| Some((*row, alert.as_ref()?)))
            .filter(|(row, alert)| job.uncertain || is_wanted(&row.effect, alert))
            .collect();
        let place = wanted.first().and_then(|(_, alert)| self.place_of(told, alert));
        let Some(place) = place else { return Ok(dropped(job)) };
        let mut since = self.wanted_at(job).await?;
        if let Some(earliest) = job.all().map(|row| row.seq).min()
            && earliest < job.seq
        {
            since = self.reader.query(move |c| queries::time_of(c, earliest)).await?;
        }
        let marks = wanted.iter().map(|(row, _)| self.mark(row.id)).collect();
        let saying = Saying { place, since, marks };
        let still: Vec<(&Told, &Alert)> = wanted
            .iter()
            .filter(|(row, alert)| is_wanted(&row.effect, alert))
            .filter_map(|(row, alert)| Some((told_in(&row.effect)?, *alert)))
            .collect();
        if still.is_empty() {
            let said = match self.earlier(job, &saying).await? {
                Earlier::DoesNotStand | Earlier::MayStand => return Ok(dropped(job)),
                Earlier::Stands(found) => found.stands,
            };
            let done = said.into_iter().zip(&wanted).map(|(posted, (row, _))| {
                let told = posted.zip(told_in(&row.effect));
                told.map_or(Done::Dropped, |(posted, told)| {
                    told_at(told, posted, Sent::Adopted, Reach::Delivered)
                })
            });
            return Ok(in_order(job, &wanted, done.collect()));
        }
        let reach = self.reach(told).await;
        let message = || match still.as_slice() {
            [(told, alert)] => self.render(|look| view::notify::notify(told, alert, look)),
            several => self.render(|look| view::digest::notify(several, look)),
        };
        let thread = wanted.first().and_then(|(row, alert)| {
            let thread = alert.message.as_ref().filter(|_| told.how == Way::Thread)?;
            Some((row.effect.alert()?, thread))
        });
        let said = match (self.send(job, &saying, message).await, thread) {
            (Ok(said), _) => said,
            (Err(failure), Some(thread)) => return self.unless_moved(job, thread, failure).await,
            (Err(failure), None) => return Err(failure.into()),
        };
        let directory = self.surroundings.now().1;
        Ok(settled(job, &wanted, said, |(row, alert), (posted, how)| match told_in(&row.effect) {
            // Whoever the message does not mention was not told by it.
            Some(told) if how == Sent::Adopted || is_wanted(&row.effect, alert) => {
                told_at(&view::notify::mentioned(told, &directory), posted, how, reach)
            }
            _ => Done::Dropped,
        }))
    }

    pub(super) fn place_of(&self, told: &Told, alert: &Alert) -> Option<Place> {
        match &told.how {
            Way::Thread => alert.message.as_ref().map(Place::thread),
            Way::Channel(channel) => Some(self.place(channel)),
            Way::Dm => told.people.first().cloned().map(Place::person),
        }
    }

    pub(super) async fn reach(&self, told: &Told) -> Reach {
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
                let saying = Saying { place, since: wanted_at, marks: vec![self.mark(job.id)] };
                self.send(job, &saying, || message).await?;
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

/// What is to be said, where, by the marks of the rows that want it, and since when it may stand.
struct Saying {
    place: Place,
    since: Timestamp,
    marks: Vec<MessageMark>,
}

/// Whether earlier tries arrived.
enum Earlier {
    DoesNotStand,
    /// At least some of it does.
    Stands(Found),
    /// Slack will not tell: it is posted at the risk of standing twice.
    MayStand,
}

/// What came of saying one row's part.
#[derive(Clone)]
enum Said {
    Stands(Posted, Sent),
    Not { again: Timestamp, uncertain: bool },
}

/// None of the rows is wanted any more.
fn dropped(job: &Job) -> Vec<Done> {
    job.all().map(|_| Done::Dropped).collect()
}

/// What came of each row: of those that were said by `done`; the others were not wanted any more.
fn settled(
    job: &Job,
    wanted: &[(&Job, &Alert)],
    said: Vec<Said>,
    done: impl Fn((&Job, &Alert), (Posted, Sent)) -> Done,
) -> Vec<Done> {
    let each = wanted.iter().zip(said).map(|(part, said)| match said {
        Said::Stands(posted, how) => done(*part, (posted, how)),
        Said::Not { again, uncertain } => Done::Again { again, uncertain },
    });
    in_order(job, wanted, each.collect())
}

fn in_order(job: &Job, wanted: &[(&Job, &Alert)], done: Vec<Done>) -> Vec<Done> {
    let of = |row: &Job| wanted.iter().position(|(other, _)| other.id == row.id);
    job.all().map(|row| of(row).map_or(Done::Dropped, |place| done[place].clone())).collect()
}

fn told_in(effect: &Effect) -> Option<&Told> {
    match effect {
        Effect::Notify { told, .. } => Some(told),
        Effect::Post { .. }
        | Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Line { .. }
        | Effect::Reply { .. } => None,
    }
}

/// Whether who is meant by a notification must still hear of it.
fn is_wanted(effect: &Effect, alert: &Alert) -> bool {
    told_in(effect).is_some_and(|told| {
        alert.waits() && alert.ladder.round == told.round && !alert.ladder.is_overtaken(told)
    })
}

fn told_at(told: &Told, posted: Posted, how: Sent, reach: Reach) -> Done {
    let (channel, ts): (ChannelId, MessageTs) = (posted.channel, posted.ts);
    Done::Told { told: told.clone(), channel, ts, how, reach }
}
