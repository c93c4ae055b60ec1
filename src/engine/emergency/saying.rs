//! One message that is not recorded: rendered when its turn comes, sent at the channel's pace, noted when it stands.

use super::Emergency;
use crate::domain::alert::Severity;
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::event::{Event, Fact, Told, Way};
use crate::domain::ids::{AlertId, RoleName, UserId};
use crate::domain::input::{Reach, Sent};
use crate::domain::time::Timestamp;
use crate::domain::unrecorded::Heard;
use crate::engine::ledger::{Note, Trouble};
use crate::slack::failure::Failure;
use crate::slack::outbound::{MessageMark, Place};
use crate::slack::pacing;
use crate::slack::view::{self, Message};
use std::time::Duration;
use tokio::time::Instant;

const POST: &str = "chat.postMessage";
/// So long the trouble must last before Slack hears of it: a moment's hold of the database is nobody's business.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message that is to be said.
pub(super) struct Saying {
    alert: AlertId,
    severity: Severity,
    what: What,
    since: Timestamp,
    tries: u32,
    uncertain: bool,
    not_before: Option<Instant>,
}

pub(super) enum What {
    Show,
    Tell(Told),
}

/// What was said to who looks after Vigie.
#[derive(Default)]
pub(super) struct Operator {
    /// Where it stands, and of which trouble it tells.
    posted: Option<(Posted, Trouble)>,
    more: Option<(Posted, u64)>,
    tried: Option<u64>,
    counted: Option<Instant>,
}

impl Operator {
    /// Whether nothing of it waits to be brought up to date.
    pub(super) fn is_quiet(&self) -> bool {
        self.posted.is_none()
    }
}

impl Saying {
    pub(super) fn new(alert: &Alert, what: What) -> Self {
        Self {
            alert: alert.id.clone(),
            severity: alert.severity,
            what,
            since: alert.received_at,
            tries: 0,
            uncertain: false,
            not_before: None,
        }
    }
}

impl Emergency {
    /// Says the worst that may be said now; how long until the next may be.
    pub(super) async fn say_next(&mut self) -> Duration {
        let now = self.clock.instant();
        let mut wait = Duration::MAX;
        let mut next: Option<(usize, Severity)> = None;
        for (index, saying) in self.now.sayings.iter().enumerate() {
            let Some(place) = self.place(saying) else { continue };
            let rests =
                saying.not_before.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
            let pause = self.pacing.wait(POST, place.lane(), now).max(rests);
            if !pause.is_zero() {
                wait = wait.min(pause);
            } else if next.is_none_or(|(_, severity)| saying.severity < severity) {
                next = Some((index, saying.severity));
            }
        }
        let Some((index, _)) = next else { return wait };
        let saying = self.now.sayings.remove(index);
        self.say(saying).await;
        Duration::ZERO
    }

    /// Where it goes; nowhere yet, where its thread's message is still to come.
    fn place(&self, saying: &Saying) -> Option<Place> {
        let alert = &self.now.alerts.get(&saying.alert)?.alert;
        match &saying.what {
            What::Show => Some(self.deliverer.place(&alert.received.channel)),
            What::Tell(told) => self.deliverer.place_of(told, alert),
        }
    }

    async fn say(&mut self, saying: Saying) {
        let Some(place) = self.place(&saying) else { return };
        let Some(shadow) = self.now.alerts.get(&saying.alert) else { return };
        let Some(_under_way) = self.ledger.enter(self.now.trouble) else { return };
        let (alert, whose) = (shadow.alert.clone(), shadow.whose.clone());
        let message = self.deliverer.render(|look| match &saying.what {
            What::Show => view::unrecorded::alert(&alert, look),
            What::Tell(told) => view::unrecorded::told(told, &alert, look),
        });
        let reach = match &saying.what {
            What::Show => Reach::Delivered,
            What::Tell(told) => self.deliverer.reach(told).await,
        };
        self.pacing.sent(POST, place.lane(), self.clock.instant());
        let posted = match self.post(&saying, &place, &message).await {
            Ok(posted) => posted,
            Err(failure) => return self.failed(saying, &place, &failure),
        };
        let at = self.clock.now();
        let Posted { channel, ts } = posted.clone();
        let (note, event, what) = match saying.what {
            What::Show => {
                let event = Event::Shown { channel, ts, how: Sent::Unrecorded, again: false };
                (Note::Shown { whose, posted }, event, "shown")
            }
            What::Tell(told) => {
                let how = Sent::Unrecorded;
                let heard =
                    Heard { told: told.clone(), channel: channel.clone(), ts: ts.clone(), reach };
                let event = Event::Notified { told, channel, ts, how, reach };
                (Note::Heard { whose, heard }, event, "told")
            }
        };
        metrics::counter!("vigie_unrecorded_total", "what" => what).increment(1);
        self.ledger.note(at, note).await;
        self.happen(&saying.alert, &Fact::from(event));
    }

    /// Posts it, unless an earlier try whose answer was lost stands.
    async fn post(
        &self,
        saying: &Saying,
        place: &Place,
        message: &Message,
    ) -> Result<Posted, Failure> {
        let mark = self.mark_of(saying);
        if saying.uncertain {
            let age = self.clock.now().since(saying.since);
            let marks = std::slice::from_ref(&mark);
            if let Ok(found) = self.deliverer.outbound.find(place, marks, age).await
                && let Some(posted) = found.stands.into_iter().flatten().next()
            {
                return Ok(posted);
            }
        }
        self.deliverer.outbound.post(place, message, &mark).await
    }

    fn mark_of(&self, saying: &Saying) -> MessageMark {
        let what = match &saying.what {
            What::Show => "shown".to_owned(),
            What::Tell(told) => {
                let people: Vec<&str> = told.people.iter().map(UserId::as_str).collect();
                format!("{}/{}/{}/{}", told.round, told.rung.0, told.repeat, people.join("+"))
            }
        };
        MessageMark::new(format!("{}/unrecorded/{}/{what}", self.deliverer.journal, saying.alert))
    }

    fn failed(&mut self, mut saying: Saying, place: &Place, failure: &Failure) {
        let now = self.clock.instant();
        saying.tries += 1;
        saying.uncertain |= failure.may_have_happened();
        if let Failure::RateLimited { method, after } = failure {
            self.pacing.limited((method, place.lane()), *after, now);
        } else {
            tracing::warn!(alert = %saying.alert, attempt = saying.tries, %failure, "What is not recorded could not be said");
        }
        if let Some(wait) = pacing::again(failure, saying.tries) {
            saying.not_before = Some(now + wait);
            return self.now.sayings.push(saying);
        }
        // Slack refuses it. Without the alert's message there is no thread: those people are told by themselves.
        if let What::Show = saying.what {
            let why = failure.word().unwrap_or("unknown").to_owned();
            self.happen(&saying.alert, &Fact::from(Event::NotShown { why }));
            for waiting in self.now.sayings.iter_mut().filter(|other| other.alert == saying.alert) {
                if let What::Tell(told) = &mut waiting.what
                    && told.how == Way::Thread
                {
                    told.how = Way::Dm;
                }
            }
        }
    }

    /// Tells who looks after Vigie, once it has lasted: in the default channel and the leads by themselves.
    pub(super) async fn tell_operator(&mut self) {
        let Some(trouble) = self.now.trouble else { return };
        let lasted = self.clock.now().since(trouble.since) >= PATIENCE;
        if lasted && self.now.operator.tried != Some(trouble.number) {
            self.now.operator.tried = Some(trouble.number);
            let message =
                self.deliverer.render(|look| view::unrecorded::operator(trouble.since, look));
            let channel = self.default_place();
            let mut posted = None;
            for (index, place) in std::iter::once(channel).chain(self.leads()).enumerate() {
                let name = format!("{}/trouble/{}/{index}", self.deliverer.journal, trouble.since);
                match self.deliverer.outbound.post(&place, &message, &MessageMark::new(name)).await
                {
                    Ok(place) if index == 0 => posted = Some(place),
                    Ok(_) => {}
                    Err(failure) => {
                        tracing::warn!(%failure, "That the disk takes no writes could not be said in Slack")
                    }
                }
            }
            self.now.operator.posted = posted.map(|posted| (posted, trouble));
        }
        self.tell_more().await;
    }

    /// How many alerts are not said one by one.
    async fn tell_more(&mut self) {
        let (now, count) = (self.clock.instant(), self.now.more);
        let said = self.now.operator.more.as_ref().map_or(0, |(_, said)| *said);
        let lately = self
            .now
            .operator
            .counted
            .is_some_and(|at| now.saturating_duration_since(at) < PATIENCE);
        if count == 0 || count == said || lately {
            return;
        }
        self.now.operator.counted = Some(now);
        let message = self.deliverer.render(|look| view::unrecorded::more(count, look));
        let outbound = &self.deliverer.outbound;
        let sent = match &self.now.operator.more {
            Some((posted, _)) => outbound.update(posted, &message).await.map(|()| posted.clone()),
            None => {
                let name = format!("{}/more/{}", self.deliverer.journal, self.clock.now());
                outbound.post(&self.default_place(), &message, &MessageMark::new(name)).await
            }
        };
        match sent {
            Ok(posted) => self.now.operator.more = Some((posted, count)),
            Err(failure) => {
                tracing::warn!(%failure, "How many more alerts came in could not be said")
            }
        }
    }

    /// Where the trouble is over, the message that told of it says so.
    pub(super) async fn over(&mut self) {
        let now = self.now.trouble;
        let past = |(_, told): &mut (Posted, Trouble)| Some(*told) != now;
        if now.is_none() {
            self.now.operator.more = None;
        }
        let Some((posted, trouble)) = self.now.operator.posted.take_if(past) else { return };
        let message = self.deliverer.render(|look| view::unrecorded::over(trouble.since, look));
        if let Err(failure) = self.deliverer.outbound.update(&posted, &message).await {
            tracing::warn!(%failure, "That the disk takes writes again could not be said in Slack");
        }
    }

    fn default_place(&self) -> Place {
        let (policy, _) = self.deliverer.surroundings.now();
        self.deliverer.place(&policy.channel)
    }

    /// The people whom the config lists as leads.
    fn leads(&self) -> Vec<Place> {
        let (policy, directory) = self.deliverer.surroundings.now();
        let lead = policy.roles.get(&RoleName::from("lead"));
        let listed = lead.into_iter().flat_map(|role| &role.users);
        listed.filter_map(|user| directory.user(user)).map(Place::person).collect()
    }
}
