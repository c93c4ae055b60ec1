//! Shows an alert: in its channel, and where that refuses it again and again, in the one for what others do not take.

use super::{Deliverer, EarlierUnknown, Stuck};
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::alert::place::{self, Displaced};
use crate::domain::ids::AlertId;
use crate::domain::input::{Done, Sent};
use crate::domain::policy::Context;
use crate::slack::failure::Failure;
use crate::slack::view;
use crate::store::outbox::Job;

impl Deliverer {
    pub(super) async fn post(&self, job: &Job, id: &AlertId) -> Result<Done, Stuck> {
        let wanted = |alert: &Alert| alert.message.is_none() || alert.is_stuck();
        let Some(alert) = self.load(id).await?.filter(wanted) else { return Ok(Done::Dropped) };
        if let Some(done) = self.revive(&alert).await? {
            return Ok(done);
        }
        let other = self.elsewhere(&alert);
        // Where it was refused before, an earlier try may have gone to the other channel.
        if let Some(displaced) = &other
            && let Some(posted) = self.earlier_in(job, &alert, displaced).await?
        {
            return Ok(shown(&alert, (posted, Sent::Adopted), other));
        }
        match (self.post_in(job, &alert).await, other) {
            (Err(Stuck::Slack(failure)), Some(other)) if is_about_the_place(&failure) => {
                let why = failure.word().unwrap_or_default().to_owned();
                self.post_elsewhere(job, &alert, (Displaced { why, ..other }, failure)).await
            }
            (done, _) => done,
        }
    }

    /// A message that is stuck where nobody can write is brought up to date as soon as somebody can again: it is not posted
    /// twice.
    async fn revive(&self, alert: &Alert) -> Result<Option<Done>, Stuck> {
        let Some(stands) = alert.message.clone() else { return Ok(None) };
        let message = self.render(|look| view::alert::message(alert, look));
        match self.outbound.update(&stands, &message).await {
            Ok(()) => Ok(Some(shown(alert, (stands, Sent::Adopted), None))),
            Err(failure) if failure.word().is_some_and(place::is_gone) => Ok(None),
            Err(failure) if is_about_the_place(&failure) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Where else it can be shown: at once where no channel took it before. The first time it goes there by the journal.
    fn elsewhere(&self, alert: &Alert) -> Option<Displaced> {
        let why = alert.not_shown.clone()?;
        let (policy, directory) = self.surroundings.now();
        let to = place::fallback(&Context { policy: &policy, directory: &directory }, alert)?;
        Some(Displaced { from: alert.received.channel.clone(), why, to })
    }

    async fn earlier_in(
        &self,
        job: &Job,
        alert: &Alert,
        displaced: &Displaced,
    ) -> Result<Option<Posted>, Stuck> {
        match self.earlier(job, &self.place(&displaced.to), alert.received_at).await {
            Ok(found) => Ok(found),
            Err(EarlierUnknown::Refused) => Ok(None),
            Err(EarlierUnknown::Later(failure)) => Err(failure.into()),
        }
    }

    async fn post_in(&self, job: &Job, alert: &Alert) -> Result<Done, Stuck> {
        let message = self.render(|look| view::alert::post(alert, look));
        let place = self.place(alert.place());
        let sent = self.send(job, &place, alert.received_at, message).await?;
        Ok(shown(alert, sent, None))
    }

    /// Where the other refuses it too, the first channel's word is what counts.
    async fn post_elsewhere(
        &self,
        job: &Job,
        alert: &Alert,
        (other, refusal): (Displaced, Failure),
    ) -> Result<Done, Stuck> {
        let there = Alert { displaced: Some(other.clone()), ..alert.clone() };
        match self.post_in(job, &there).await {
            Ok(Done::Shown { channel, ts, how, as_of, .. }) => {
                Ok(Done::Shown { channel, ts, how, as_of, instead: Some(other) })
            }
            Err(Stuck::Slack(failure)) if is_about_the_place(&failure) => Err(refusal.into()),
            done => done,
        }
    }
}

fn shown(alert: &Alert, (posted, how): (Posted, Sent), instead: Option<Displaced>) -> Done {
    let Posted { channel, ts } = posted;
    Done::Shown { channel, ts, how, as_of: alert.as_of, instead }
}

pub(super) fn is_about_the_place(failure: &Failure) -> bool {
    failure.word().is_some_and(place::lies_in_the_place)
}
