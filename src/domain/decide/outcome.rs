//! The outcome of something that we did.

use super::{Decision, on, on_system};
use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::place;
use crate::domain::effect::Effect;
use crate::domain::event::{Event, Fact, Way};
use crate::domain::input::{Done, Outcome};
use crate::domain::policy::Context;

pub(super) fn conclude(
    context: &Context<'_>,
    subject: Option<&Alert>,
    outcome: &Outcome,
) -> Decision {
    let elsewhere = displacement(&outcome.result);
    let refused = subject.and_then(|alert| refused_in_place(context, alert, outcome));
    let event = match (&outcome.result, &outcome.effect) {
        (Done::Shown { channel, ts, how, .. }, _) => {
            let again = subject.is_some_and(|alert| alert.shown_at.is_some());
            Some(Event::Shown { channel: channel.clone(), ts: ts.clone(), how: *how, again })
        }
        (Done::Told { told, channel, ts, how, reach }, _) => Some(Event::Notified {
            told: told.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            how: *how,
            reach: *reach,
        }),
        // It is tried again and again; only what is new is told.
        (Done::Failed { why, .. }, Effect::Post { .. })
            if refused.is_none()
                && subject.is_some_and(|alert| alert.not_shown.as_ref() != Some(why)) =>
        {
            Some(Event::NotShown { why: why.clone() })
        }
        (Done::Failed { why, .. }, Effect::Update { .. })
            if place::is_gone(why) && subject.is_some_and(|a| a.message.is_some()) =>
        {
            Some(Event::MessageLost { why: why.clone() })
        }
        // They are told where it is shown next.
        (Done::Failed { .. }, Effect::Notify { .. }) if is_displaced(refused.as_deref()) => None,
        (Done::Failed { why, .. }, Effect::Notify { told, .. }) => {
            Some(Event::NotTold { told: told.clone(), why: why.clone() })
        }
        (Done::Said | Done::Dropped | Done::Again { .. } | Done::Apart, _) => None,
        (Done::Failed { .. }, _) => None,
    };
    let events = elsewhere.into_iter().chain(refused.into_iter().flatten()).chain(event);
    let facts = events.map(Fact::from).collect();
    match outcome.effect.alert() {
        Some(alert) => on(alert, facts),
        None => on_system(facts),
    }
}

/// It was shown in another channel than its own, which did not take it once more.
fn displacement(result: &Done) -> Option<Event> {
    let Done::Shown { instead: Some(displaced), .. } = result else { return None };
    let (from, why) = (displaced.from.clone(), displaced.why.clone());
    Some(Event::Displaced { from, why, to: displaced.to.clone() })
}

/// What follows where Slack refuses the place in which the alert stands, or was to stand. `None`: it refuses something else.
fn refused_in_place(context: &Context<'_>, alert: &Alert, outcome: &Outcome) -> Option<Vec<Event>> {
    let Done::Failed { why, .. } = &outcome.result else { return None };
    let of_its_place = match &outcome.effect {
        Effect::Post { .. } => true,
        Effect::Update { .. } | Effect::Line { .. } => alert.message.is_some(),
        Effect::Notify { told, .. } => told.how == Way::Thread && alert.message.is_some(),
        Effect::UpdateCopy { .. } | Effect::Reply { .. } => false,
    };
    (of_its_place && place::lies_in_the_place(why)).then(|| place::refused(context, alert, why))
}

fn is_displaced(events: Option<&[Event]>) -> bool {
    events.into_iter().flatten().any(|event| matches!(event, Event::Displaced { .. }))
}
