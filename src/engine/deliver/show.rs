//! Shows alerts: in their channel, and where that refuses one again and again, in the one for what others do not take.

use super::say::{Earlier, Said, Saying, dropped, settled};
use super::{Deliverer, Stuck};
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::alert::place::{self, Displaced};
use crate::domain::input::{Done, Sent};
use crate::domain::policy::Context;
use crate::slack::failure::Failure;
use crate::slack::view;
use crate::store::outbox::Job;

impl Deliverer {
    pub(super) async fn post(&self, job: &Job) -> Result<Vec<Done>, Stuck> {
        let parts = self.parts(job).await?;
        match parts.as_slice() {
            [(_, alert)] => Ok(vec![self.post_one(job, alert.as_ref()).await?]),
            several => self.post_together(job, several).await,
        }
    }

    /// What has a trouble of its own is shown by itself.
    async fn post_together(
        &self,
        job: &Job,
        parts: &[(&Job, Option<Alert>)],
    ) -> Result<Vec<Done>, Stuck> {
        let is_troubled = |alert: &Alert| alert.is_stuck() || alert.not_shown.is_some();
        let wanted: Vec<(&Job, &Alert)> = parts
            .iter()
            .filter_map(|(row, alert)| Some((*row, alert.as_ref()?)))
            .filter(|(_, alert)| alert.message.is_none() && !is_troubled(alert))
            .collect();
        let mut done = match wanted.first() {
            None => dropped(job),
            Some((_, first)) => {
                let saying = Saying {
                    place: self.place(first.place()),
                    since: wanted
                        .iter()
                        .map(|(_, a)| a.received_at)
                        .min()
                        .unwrap_or(first.received_at),
                    marks: wanted.iter().map(|(row, _)| self.mark(row.id)).collect(),
                };
                let alerts: Vec<&Alert> = wanted.iter().map(|(_, alert)| *alert).collect();
                let message = || match alerts.as_slice() {
                    [alert] => self.render(|look| view::alert::post(alert, look)),
                    several => self.render(|look| view::digest::message(several, look)),
                };
                let said = self.send(job, &saying, message).await?;
                settled(job, &wanted, said, |(_, alert), sent| shown(alert, sent, None))
            }
        };
        for ((_, alert), done) in parts.iter().zip(&mut done) {
            if alert.as_ref().is_some_and(is_troubled) {
                *done = Done::Apart;
            }
        }
        Ok(done)
    }

    async fn post_one(&self, job: &Job, alert: Option<&Alert>) -> Result<Done, Stuck> {
        let wanted = |alert: &&Alert| alert.message.is_none() || alert.is_stuck();
        let Some(alert) = alert.filter(wanted) else { return Ok(Done::Dropped) };
        if let Some(done) = self.revive(alert).await? {
            return Ok(done);
        }
        let other = self.elsewhere(alert);
        // Where it was refused before, an earlier try may have gone to the other channel.
        if let Some(displaced) = &other
            && let Some(posted) = self.earlier_in(job, alert, displaced).await?
        {
            return Ok(shown(alert, (posted, Sent::Adopted), other));
        }
        match (self.post_in(job, alert).await, other) {
            (Err(Stuck::Slack(failure)), Some(other)) if is_about_the_place(&failure) => {
                let why = failure.word().unwrap_or_default().to_owned();
                self.post_elsewhere(job, alert, (Displaced { why, ..other }, failure)).await
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
        let place = self.place(&displaced.to);
        let saying = Saying { place, since: alert.received_at, marks: vec![self.mark(job.id)] };
        Ok(match self.earlier(job, &saying).await? {
            Earlier::Stands(found) => found.stands.into_iter().flatten().next(),
            Earlier::DoesNotStand | Earlier::MayStand => None,
        })
    }

    async fn post_in(&self, job: &Job, alert: &Alert) -> Result<Done, Stuck> {
        let place = self.place(alert.place());
        let saying = Saying { place, since: alert.received_at, marks: vec![self.mark(job.id)] };
        let message = || self.render(|look| view::alert::post(alert, look));
        let said = self.send(job, &saying, message).await?.pop();
        Ok(match said.expect("one mark, one answer") {
            Said::Stands(posted, how) => shown(alert, (posted, how), None),
            Said::Not { again, uncertain } => Done::Again { again, uncertain },
        })
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
