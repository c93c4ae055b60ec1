//! The outcome of something that we did.

use super::{Decision, Subject, call, on, on_system, run};
use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::alert::place;
use crate::domain::effect::Effect;
use crate::domain::event::{Action, Event, Fact, Stream, Way};
use crate::domain::ids::{ChannelId, MessageTs, PlaybookName, RunId};
use crate::domain::input::{Done, Outcome};
use crate::domain::playbook::run::Run;
use crate::domain::playbook::run::event::RunEvent;
use crate::domain::policy::Context;
use crate::domain::time::Timestamp;

pub(super) fn conclude(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (outcome, now): (&Outcome, Timestamp),
) -> Decision {
    match (&outcome.effect, &outcome.result) {
        (Effect::Call { call, purpose, .. }, Done::Called(called)) => {
            call::ended(context, subject, (call, *purpose), (called, now))
        }
        (Effect::Trigger { playbook, .. }, Done::Triggered { run }) => {
            triggered(context, subject, (run, playbook), now)
        }
        (effect, _) if effect.run().is_some() => {
            // Where the thread is refused, the alert is shown elsewhere, and what stands beside it goes with it.
            let refused = subject
                .alert
                .and_then(|alert| Some((alert, refused_in_place(context, alert, outcome)?)));
            match refused {
                Some((alert, events)) => {
                    on(&alert.id, events.into_iter().map(Fact::from).collect())
                }
                None => of_a_run(subject.run, outcome),
            }
        }
        _ => of_an_alert(context, subject.alert, outcome),
    }
}

/// A playbook that starts by itself: what keeps it from that is recorded with the alert.
fn triggered(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (id, playbook): (&RunId, &PlaybookName),
    now: Timestamp,
) -> Decision {
    match run::trigger(context, subject, (id, playbook), now) {
        Ok(facts) => Decision::of(facts),
        Err(refusal) => {
            let event = Event::Refused { action: Action::StartRun, refusal };
            match subject.alert {
                Some(alert) => on(&alert.id, vec![event.into()]),
                None => on_system(vec![event.into()]),
            }
        }
    }
}

/// What came of something that was said of a run.
fn of_a_run(run: Option<&Run>, outcome: &Outcome) -> Decision {
    let Some(run) = run else { return on_system(Vec::new()) };
    let stands =
        |channel: &ChannelId, ts: &MessageTs| Posted { channel: channel.clone(), ts: ts.clone() };
    let event = match (&outcome.result, &outcome.effect) {
        (Done::RunShown { posted, beside, how }, _) => {
            let (posted, beside) = (posted.clone(), beside.clone());
            Some(RunEvent::Shown { posted, beside, how: *how, again: run.beside.is_some() })
        }
        (Done::Told { told, channel, ts, how, reach }, _) => Some(RunEvent::Notified {
            told: told.clone(),
            posted: stands(channel, ts),
            how: *how,
            reach: *reach,
        }),
        (Done::Failed { why, .. }, Effect::UpdateRun { .. })
            if (place::is_gone(why) || place::lies_in_the_place(why)) && run.message.is_some() =>
        {
            Some(RunEvent::MessageLost { why: why.clone() })
        }
        (Done::Failed { why, again: None }, Effect::NotifyRun { told, .. }) => {
            Some(RunEvent::NotTold { told: told.clone(), why: why.clone() })
        }
        _ => None,
    };
    let facts = event.map(|event| Event::Run(event).into()).into_iter().collect();
    Decision::in_stream(Stream::Run(run.id.clone()), facts)
}

fn of_an_alert(context: &Context<'_>, subject: Option<&Alert>, outcome: &Outcome) -> Decision {
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
        (
            Done::Said
            | Done::Dropped
            | Done::Again { .. }
            | Done::Apart
            | Done::RunShown { .. }
            | Done::Called(_)
            | Done::Triggered { .. },
            _,
        ) => None,
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
        Effect::Update { .. }
        | Effect::Line { .. }
        | Effect::PostRun { .. }
        | Effect::Say { .. } => alert.message.is_some(),
        Effect::Notify { told, .. } | Effect::NotifyRun { told, .. } => {
            told.how == Way::Thread && alert.message.is_some()
        }
        Effect::UpdateCopy { .. }
        | Effect::Reply { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Trigger { .. }
        | Effect::Call { .. } => false,
    };
    (of_its_place && place::lies_in_the_place(why)).then(|| place::refused(context, alert, why))
}

fn is_displaced(events: Option<&[Event]>) -> bool {
    events.into_iter().flatten().any(|event| matches!(event, Event::Displaced { .. }))
}
