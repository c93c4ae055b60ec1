//! Says what several rows want said in one message, unless it stands already.

use super::Deliverer;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::ids::AlertId;
use crate::domain::input::{Done, Sent};
use crate::domain::time::Timestamp;
use crate::slack::adoption::Found;
use crate::slack::failure::Failure;
use crate::slack::outbound::{MessageMark, Place};
use crate::slack::view::Message;
use crate::store::outbox::Job;
use crate::store::{StoreError, alerts};

/// How often Slack is asked for what may stand before it is posted all the same.
const LOOKS: u32 = 8;

impl Deliverer {
    /// Looks for what earlier tries may have posted since it was wanted first.
    pub(super) async fn earlier(&self, job: &Job, saying: &Saying) -> Result<Earlier, Failure> {
        if !job.uncertain {
            return Ok(Earlier::DoesNotStand);
        }
        let age = self.clock.now().since(saying.since);
        match self.outbound.find(&saying.place, &saying.marks, age).await {
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
    pub(super) async fn send(
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
    pub(super) async fn parts<'j>(
        &self,
        job: &'j Job,
    ) -> Result<Vec<(&'j Job, Option<Alert>)>, StoreError> {
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
}

/// Whether looking again is in vain.
pub(super) fn is_final(failure: &Failure) -> bool {
    matches!(failure, Failure::Rejected { .. } | Failure::BadToken { .. })
}

/// After the eighth try, about a minute, people must see the alert although it may stand twice; then every eighth, so that
/// answers that are lost on and on do not fill the channel. Where Slack says when to come back, it has not been looked at all.
pub(super) fn has_looked_enough(job: &Job, failure: &Failure) -> bool {
    let later = matches!(failure, Failure::RateLimited { .. });
    !later && job.attempts >= LOOKS && job.attempts.is_multiple_of(LOOKS)
}

/// What is to be said, where, by the marks of the rows that want it, and since when it may stand.
pub(super) struct Saying {
    pub(super) place: Place,
    pub(super) since: Timestamp,
    pub(super) marks: Vec<MessageMark>,
}

/// Whether earlier tries arrived.
pub(super) enum Earlier {
    DoesNotStand,
    /// At least some of it does.
    Stands(Found),
    /// Slack will not tell: it is posted at the risk of standing twice.
    MayStand,
}

/// What came of saying one row's part.
#[derive(Clone)]
pub(super) enum Said {
    Stands(Posted, Sent),
    Not { again: Timestamp, uncertain: bool },
}

/// The message beside which rows are said; none where the first of them has none by now.
pub(super) fn thread_of<'a>(parts: &'a [(&Job, Option<Alert>)]) -> Option<&'a Posted> {
    parts.iter().find_map(|(_, alert)| alert.as_ref()).and_then(|alert| alert.message.as_ref())
}

/// What came of rows that are said beside one message. Since they were taken from the outbox an alert's message may have
/// been lost, or have moved: its row is said there, and waits for it already.
pub(super) fn beside(
    thread: Option<&Posted>,
    parts: &[(&Job, Option<Alert>)],
    mut done: Vec<Done>,
    now: Timestamp,
) -> Vec<Done> {
    for ((row, alert), done) in parts.iter().zip(&mut done) {
        let Some(alert) = alert else { continue };
        if alert.message.is_none() || alert.message.as_ref() != thread {
            *done = Done::Again { again: now, uncertain: row.uncertain };
        }
    }
    done
}

/// None of the rows is wanted any more.
pub(super) fn dropped(job: &Job) -> Vec<Done> {
    job.all().map(|_| Done::Dropped).collect()
}

/// What came of each row: of those that were said by `done`; the others were not wanted any more.
pub(super) fn settled(
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

pub(super) fn in_order(job: &Job, wanted: &[(&Job, &Alert)], done: Vec<Done>) -> Vec<Done> {
    let of = |row: &Job| wanted.iter().position(|(other, _)| other.id == row.id);
    job.all().map(|row| of(row).map_or(Done::Dropped, |place| done[place].clone())).collect()
}
