//! Answers who asked: rendered from the newest state, for their eyes only.

use super::say::Saying;
use super::{Deliverer, Stuck};
use crate::domain::effect::{Reply, ReplyTo};
use crate::domain::input::Done;
use crate::slack::outbound::{Place, Replied};
use crate::slack::view::{self, Message};
use crate::store::outbox::Job;
use crate::store::{StoreError, alerts, queries, runs};
use std::time::Duration;

/// Slack's address for an answer is dead after so long.
const REPLY_LIFE: Duration = Duration::from_secs(30 * 60);
/// So far back `/vigie coverage` looks: it must not take longer each year. The command line looks at all of it.
const LOOKED_BACK: Duration = Duration::from_secs(30 * 24 * 60 * 60);

impl Deliverer {
    pub(super) async fn reply(
        &self,
        job: &Job,
        to: &ReplyTo,
        reply: &Reply,
    ) -> Result<Done, Stuck> {
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

    pub(super) async fn answer(&self, reply: &Reply) -> Result<Message, StoreError> {
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
            Reply::Runs => {
                let found = self.reader.query(|connection| {
                    Ok((
                        runs::going_on(connection, view::run::list::LISTED)?,
                        runs::count(connection)?,
                    ))
                });
                let (runs, total) = found.await?;
                let runs: Vec<_> = runs.iter().map(|(run, alert)| (run, alert.as_ref())).collect();
                self.render(|look| view::run::list::list(&runs, total, look))
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
