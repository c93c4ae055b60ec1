//! Tells people that alerts wait for them.

use super::say::{Earlier, Saying, beside, dropped, in_order, settled, thread_of};
use super::{Deliverer, Stuck};
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::effect::Effect;
use crate::domain::event::{Told, Way};
use crate::domain::ids::{ChannelId, MessageTs};
use crate::domain::input::{Done, Reach, Sent};
use crate::slack::outbound::Place;
use crate::slack::view;
use crate::store::outbox::Job;
use crate::store::queries;

impl Deliverer {
    pub(super) async fn notify(&self, job: &Job, told: &Told) -> Result<Vec<Done>, Stuck> {
        let parts = self.parts(job).await?;
        // What was said before a crash was said, and is recorded; nothing new is said that is no longer wanted.
        let wanted = parts
            .iter()
            .filter_map(|(row, alert)| Some((*row, alert.as_ref()?)))
            .filter(|(row, alert)| job.uncertain || is_wanted(&row.effect, alert));
        if told.how != Way::Thread {
            return self.tell(job, told, wanted.collect()).await;
        }
        let thread = thread_of(&parts);
        let wanted = wanted.filter(|(_, alert)| alert.message.as_ref() == thread);
        let done = self.tell(job, told, wanted.collect()).await?;
        Ok(beside(thread, &parts, done, self.clock.now()))
    }

    async fn tell(
        &self,
        job: &Job,
        told: &Told,
        wanted: Vec<(&Job, &Alert)>,
    ) -> Result<Vec<Done>, Stuck> {
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

    pub(in crate::engine) fn place_of(&self, told: &Told, alert: &Alert) -> Option<Place> {
        match &told.how {
            Way::Thread => alert.message.as_ref().map(Place::thread),
            Way::Channel(channel) => Some(self.place(channel)),
            Way::Dm => told.people.first().cloned().map(Place::person),
        }
    }

    pub(in crate::engine) async fn reach(&self, told: &Told) -> Reach {
        match (&told.how, told.people.as_slice()) {
            (Way::Dm, [person]) if self.outbound.do_not_disturb(person).await => {
                Reach::DoNotDisturb
            }
            _ => Reach::Delivered,
        }
    }
}

fn told_in(effect: &Effect) -> Option<&Told> {
    match effect {
        Effect::Notify { told, .. } => Some(told),
        Effect::Post { .. }
        | Effect::Update { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Line { .. }
        | Effect::Reply { .. }
        | Effect::PostRun { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Say { .. }
        | Effect::NotifyRun { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => None,
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
