//! Says what a run wants said: its message in the alert's thread, brought up to date; its lines; and who is wanted for it.

use super::say::{Said, Saying};
use super::{Deliverer, Stuck};
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::effect::Effect;
use crate::domain::event::Told;
use crate::domain::ids::{AlertId, RunId, StepId};
use crate::domain::input::Done;
use crate::domain::playbook::run::Run;
use crate::slack::outbound::Place;
use crate::slack::view::run::Shown;
use crate::slack::view::run::message as view;
use crate::slack::view::{Look, Message, line};
use crate::store::outbox::Job;
use crate::store::{StoreError, alerts, runs};

impl Deliverer {
    pub(super) async fn of_a_run(&self, job: &Job) -> Result<Done, Stuck> {
        let (Some(id), Some(alert)) = (job.effect.run(), job.effect.alert()) else {
            return Ok(Done::Dropped);
        };
        let (Some(run), Some(alert)) = self.run(id, alert).await? else { return Ok(Done::Dropped) };
        match &job.effect {
            Effect::PostRun { .. } => self.post_run(job, (&run, &alert)).await,
            Effect::UpdateRun { .. } => match run.message.clone() {
                // The alert is shown elsewhere by now: people look there.
                Some(_) if alert.message.is_some() && alert.message != run.beside => {
                    Ok(Done::Failed { why: "message_not_found".to_owned(), again: None })
                }
                Some(posted) => self.update_run(&posted, (&run, &alert), view::message).await,
                None => Ok(Done::Dropped),
            },
            Effect::UpdateRunCopy { channel, ts, .. } => {
                let posted = Posted { channel: channel.clone(), ts: ts.clone() };
                self.update_run(&posted, (&run, &alert), view::copy).await
            }
            Effect::Say { step, iteration, .. } => {
                self.say_of_run(job, (&run, &alert), (step, *iteration)).await
            }
            Effect::NotifyRun { told, .. } => self.notify_of_run(job, told, (&run, &alert)).await,
            Effect::Post { .. }
            | Effect::Update { .. }
            | Effect::UpdateCopy { .. }
            | Effect::Line { .. }
            | Effect::Notify { .. }
            | Effect::Reply { .. }
            | Effect::Trigger { .. }
            | Effect::Call { .. } => Ok(Done::Dropped),
        }
    }

    async fn run(
        &self,
        run: &RunId,
        alert: &AlertId,
    ) -> Result<(Option<Run>, Option<Alert>), StoreError> {
        let (run, alert) = (run.clone(), alert.clone());
        let load = move |connection: &rusqlite::Connection| {
            Ok((runs::load(connection, &run)?, alerts::load(connection, &alert)?))
        };
        self.reader.query(load).await
    }

    fn render_run(
        &self,
        (run, alert): (&Run, &Alert),
        view: impl FnOnce(&Shown<'_>, &Look<'_>) -> Message,
    ) -> Message {
        let (policy, _) = self.surroundings.now();
        let shown = Shown { run, alert: Some(alert), catalogue: &policy.catalogue };
        self.render(|look| view(&shown, look))
    }

    async fn post_run(&self, job: &Job, of: (&Run, &Alert)) -> Result<Done, Stuck> {
        let (run, alert) = of;
        let Some(thread) = alert.message.as_ref().filter(|_| run.message.is_none()) else {
            return Ok(Done::Dropped);
        };
        let message = || self.render_run(of, view::post);
        Ok(match self.say_in(job, Place::thread(thread), run, message).await? {
            Said::Stands(posted, how) => Done::RunShown { posted, beside: thread.clone(), how },
            Said::Not { again, uncertain } => Done::Again { again, uncertain },
        })
    }

    async fn say_in(
        &self,
        job: &Job,
        place: Place,
        run: &Run,
        message: impl FnOnce() -> Message,
    ) -> Result<Said, Stuck> {
        let since = run.started_at.unwrap_or(run.planned_at);
        let saying = Saying { place, since, marks: vec![self.mark(job.id)] };
        Ok(self.send(job, &saying, message).await?.pop().expect("one mark, one answer"))
    }

    async fn update_run(
        &self,
        posted: &Posted,
        of: (&Run, &Alert),
        view: impl FnOnce(&Shown<'_>, &Look<'_>) -> Message,
    ) -> Result<Done, Stuck> {
        self.outbound.update(posted, &self.render_run(of, view)).await?;
        Ok(Done::Said)
    }

    /// What a step wants said. Its words stand with the run.
    async fn say_of_run(
        &self,
        job: &Job,
        (run, alert): (&Run, &Alert),
        (step, iteration): (&StepId, u32),
    ) -> Result<Done, Stuck> {
        let turn = run.step(step).and_then(|step| step.turns.get(usize::try_from(iteration).ok()?));
        let said = turn.and_then(|turn| turn.answered.as_ref()?.out.get("text")?.as_str());
        let (Some(said), Some(thread)) = (said, &alert.message) else { return Ok(Done::Dropped) };
        let message = || self.render(|_| line::said(said, alert));
        Ok(match self.say_in(job, Place::thread(thread), run, message).await? {
            Said::Stands(..) => Done::Said,
            Said::Not { again, uncertain } => Done::Again { again, uncertain },
        })
    }

    async fn notify_of_run(
        &self,
        job: &Job,
        told: &Told,
        of: (&Run, &Alert),
    ) -> Result<Done, Stuck> {
        let (run, alert) = of;
        let wanted = run.waits() && run.ladder.round == told.round;
        let Some(place) = self.place_of(told, alert).filter(|_| wanted || job.uncertain) else {
            return Ok(Done::Dropped);
        };
        let reach = self.reach(told).await;
        let message = || self.render_run(of, |shown, look| view::notify(told, shown, look));
        Ok(match self.say_in(job, place, run, message).await? {
            Said::Stands(Posted { channel, ts }, how) => {
                Done::Told { told: told.clone(), channel, ts, how, reach }
            }
            Said::Not { again, uncertain } => Done::Again { again, uncertain },
        })
    }
}
