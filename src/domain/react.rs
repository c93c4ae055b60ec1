//! What follows from an event? Effects, which become outbox rows in the same transaction.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::{Effect, Line, Reply, ReplyTo};
use crate::domain::event::{Action, Entry, Event, Private, Told, Way};
use crate::domain::ids::{AlertId, ChannelId};
use crate::domain::input::Sent;
use crate::domain::people::Surface;
use crate::domain::playbook::run::Run;
use crate::domain::playbook::run::event::{Finish, RunEvent};
use crate::domain::refusal::{InteractionOutcome, Refusal};

/// The effects of `entry`. `before` and `after` are the alert without and with it; `reply_to` is where who asked can be
/// answered.
pub fn react(
    entry: &Entry,
    before: Option<&Alert>,
    after: Option<&Alert>,
    reply_to: Option<&ReplyTo>,
) -> Vec<Effect> {
    let Some(alert) = after else { return answer(entry, None, reply_to) };
    match &entry.event {
        Event::Received(received) if received.suppressed_by.is_some() => Vec::new(),
        Event::Received(_) => vec![Effect::Post { alert: alert.id.clone() }],
        Event::Repeated { .. } => {
            let worse = before.is_some_and(|before| alert.severity < before.severity);
            let mut effects = refresh(alert);
            if worse {
                effects.push(line(entry, alert));
            }
            effects
        }
        // What was found after a crash was rendered from a state that we no longer know.
        Event::Shown { how, .. } if *how != Sent::Posted => {
            vec![Effect::Update { alert: alert.id.clone() }]
        }
        Event::Escalated { told } => notify(told, alert),
        // Nobody may look at buttons that no longer fit.
        // What was said without record said so, and had no buttons.
        Event::Notified { told, channel, ts, how, .. }
            if told.how != Way::Thread && (!alert.waits() || *how == Sent::Unrecorded) =>
        {
            vec![Effect::UpdateCopy {
                alert: alert.id.clone(),
                channel: channel.clone(),
                ts: ts.clone(),
            }]
        }
        Event::Ceased {}
        | Event::Acknowledged {}
        | Event::Reopened { .. }
        | Event::Assigned { .. }
        | Event::Returned { .. }
        | Event::Resolved { .. } => {
            let mut effects = refresh(alert);
            effects.push(line(entry, alert));
            effects
        }
        Event::SeveritySet { .. } | Event::EntitiesAdded {} => {
            let mut effects = refresh(alert);
            effects.push(line(entry, alert));
            effects
        }
        Event::Triggered { playbook } => {
            vec![Effect::Trigger { alert: alert.id.clone(), playbook: playbook.clone() }]
        }
        Event::Refused { refusal: Refusal::NotAllowed { .. }, .. } if entry.via == Surface::Cli => {
            vec![line(entry, alert)]
        }
        Event::Asked { .. } | Event::Refused { .. } => answer(entry, Some(alert), reply_to),
        Event::NotTold { .. } | Event::NobodyMeant { .. } => vec![line(entry, alert)],
        Event::HolderGone { .. } => {
            let mut effects = refresh(alert);
            effects.push(line(entry, alert));
            effects
        }
        // One that waits for its first message, or that is stuck, has its post in the outbox already.
        Event::MessageLost { .. } | Event::Displaced { .. } | Event::NotShown { .. } => {
            place_anew(entry, before, alert)
        }
        Event::JournalOpened { .. }
        | Event::Started { .. }
        | Event::Configured { .. }
        | Event::Stopped {}
        | Event::Shown { .. }
        | Event::CeaseConfirmed {}
        | Event::EscalatedUnrecorded { .. }
        | Event::Notified { .. }
        | Event::Run(_) => Vec::new(),
    }
}

/// The effects of an entry of a run. `before` and `after` are the run without and with it.
pub fn react_run(
    entry: &Entry,
    before: Option<&Run>,
    after: &Run,
    reply_to: Option<&ReplyTo>,
) -> Vec<Effect> {
    let Event::Run(event) = &entry.event else { return answer_of_a_run(entry, after, reply_to) };
    let Some(alert) = &after.planned.alert else { return call_of(event, after) };
    let (run, alert) = (|| after.id.clone(), || alert.clone());
    match event {
        // What nobody has started is shown to who planned it, in a form.
        RunEvent::Planned(_) => Vec::new(),
        RunEvent::Started { .. } => vec![Effect::PostRun { run: run(), alert: alert() }],
        RunEvent::CallWanted { .. } => {
            let mut effects = call_of(event, after);
            effects.extend(refresh_run(after, &alert()));
            effects
        }
        RunEvent::StepDone { call, how: Finish::Here } => {
            let (step, iteration) = (call.step.clone(), call.iteration);
            let says = says_something(entry);
            let say = says.then(|| Effect::Say { run: run(), alert: alert(), step, iteration });
            say.into_iter().chain(refresh_run(after, &alert())).collect()
        }
        RunEvent::Escalated { told } => notify_of_run(told, after, &alert()),
        RunEvent::Shown { how, .. } => {
            // What was found after a crash was rendered from a state that we no longer know.
            let old =
                (*how != Sent::Posted).then(|| Effect::UpdateRun { run: run(), alert: alert() });
            old.into_iter().collect()
        }
        RunEvent::MessageLost { .. } => vec![Effect::PostRun { run: run(), alert: alert() }],
        RunEvent::Notified { posted, .. } if !after.waits() => vec![Effect::UpdateRunCopy {
            run: run(),
            alert: alert(),
            channel: posted.channel.clone(),
            ts: posted.ts.clone(),
        }],
        RunEvent::Approved { .. }
        | RunEvent::Declined { .. }
        | RunEvent::Lapsed {}
        | RunEvent::Cancelled {}
        | RunEvent::StepOpened { .. }
        | RunEvent::StepSkipped { .. }
        | RunEvent::StepStarted { .. }
        | RunEvent::StepDone { .. }
        | RunEvent::StepFailed { .. }
        | RunEvent::StepInDoubt { .. }
        | RunEvent::StepDecided { .. }
        | RunEvent::Ended { .. } => {
            // A plan that was let go was never shown.
            let shown = before.is_some_and(|before| before.started_at.is_some());
            if shown { refresh_run(after, &alert()) } else { Vec::new() }
        }
        RunEvent::Notified { .. } | RunEvent::NotTold { .. } | RunEvent::NobodyMeant { .. } => {
            Vec::new()
        }
    }
}

fn call_of(event: &RunEvent, run: &Run) -> Vec<Effect> {
    let RunEvent::CallWanted { call, after, purpose } = event else { return Vec::new() };
    let (run, call) = (run.id.clone(), call.clone());
    vec![Effect::Call { run, call, purpose: *purpose, after: *after }]
}

fn says_something(entry: &Entry) -> bool {
    match &entry.private {
        Some(Private::Answered(answered)) => answered.out.contains_key("text"),
        _ => false,
    }
}

/// Everything that shows the run, brought up to date.
fn refresh_run(run: &Run, alert: &AlertId) -> Vec<Effect> {
    let copies = run.copies.iter().map(|copy| Effect::UpdateRunCopy {
        run: run.id.clone(),
        alert: alert.clone(),
        channel: copy.channel.clone(),
        ts: copy.ts.clone(),
    });
    let own = Effect::UpdateRun { run: run.id.clone(), alert: alert.clone() };
    std::iter::once(own).chain(copies).collect()
}

fn notify_of_run(told: &Told, run: &Run, alert: &AlertId) -> Vec<Effect> {
    each(told)
        .into_iter()
        .map(|told| Effect::NotifyRun { run: run.id.clone(), alert: alert.clone(), told })
        .collect()
}

fn answer_of_a_run(entry: &Entry, run: &Run, reply_to: Option<&ReplyTo>) -> Vec<Effect> {
    let Event::Refused { action, refusal } = &entry.event else { return Vec::new() };
    if let (Refusal::NotAllowed { .. }, Surface::Cli, Some(alert)) =
        (refusal, entry.via, &run.planned.alert)
    {
        return vec![line_of(entry, alert)];
    }
    if entry.via == Surface::Modal && action.is_sent_by_a_form() {
        return Vec::new();
    }
    let reply = Reply::Refused { refusal: refusal.clone(), alert: run.planned.alert.clone() };
    let reply = reply_to.map(|to| Effect::Reply { to: to.clone(), reply });
    // Whoever pressed a button that no longer fits looks at an old message.
    let late =
        matches!(refusal.outcome(), InteractionOutcome::Stale | InteractionOutcome::Repeated);
    let updates = run.planned.alert.as_ref().filter(|_| late && run.started_at.is_some());
    reply.into_iter().chain(updates.into_iter().flat_map(|alert| refresh_run(run, alert))).collect()
}

/// Its message stood, and is to stand elsewhere, or anew.
fn place_anew(entry: &Entry, before: Option<&Alert>, alert: &Alert) -> Vec<Effect> {
    let Some(before) = before.filter(|before| before.message.is_some()) else { return Vec::new() };
    let post = (!before.is_stuck()).then(|| Effect::Post { alert: alert.id.clone() });
    // Stuck, it has no thread that takes a line.
    let line = (!alert.is_stuck()).then(|| line(entry, alert));
    post.into_iter().chain(line).collect()
}

/// Everything that shows the alert, brought up to date.
fn refresh(alert: &Alert) -> Vec<Effect> {
    if alert.received.suppressed_by.is_some() {
        return Vec::new();
    }
    let id = || alert.id.clone();
    let copies = alert.copies.iter().map(|copy| Effect::UpdateCopy {
        alert: id(),
        channel: copy.channel.clone(),
        ts: copy.ts.clone(),
    });
    std::iter::once(Effect::Update { alert: id() }).chain(copies).collect()
}

fn line(entry: &Entry, alert: &Alert) -> Effect {
    line_of(entry, &alert.id)
}

fn line_of(entry: &Entry, alert: &AlertId) -> Effect {
    let line = Line { at: entry.at, actor: entry.actor.clone(), event: entry.event.clone() };
    Effect::Line { alert: alert.clone(), line }
}

fn notify(told: &Told, alert: &Alert) -> Vec<Effect> {
    let effect = |told| Effect::Notify { alert: alert.id.clone(), told };
    each(told).into_iter().map(effect).collect()
}

/// A direct message is one effect a person, so that one who cannot be reached holds up nobody.
fn each(told: &Told) -> Vec<Told> {
    match told.how {
        Way::Dm => told
            .people
            .iter()
            .map(|person| Told { people: vec![person.clone()], groups: Vec::new(), ..told.clone() })
            .collect(),
        Way::Thread | Way::Channel(_) => vec![told.clone()],
    }
}

fn answer(entry: &Entry, alert: Option<&Alert>, reply_to: Option<&ReplyTo>) -> Vec<Effect> {
    let id = alert.map(|alert| alert.id.clone());
    let (reply, late) = match &entry.event {
        Event::Asked { action: Action::Help } => (Some(Reply::Help), false),
        Event::Asked { action: Action::List } => (Some(Reply::List), false),
        Event::Asked { action: Action::Coverage } => (Some(Reply::Coverage), false),
        Event::Asked { action: Action::Show } => {
            (id.clone().map(|alert| Reply::Show { alert }), false)
        }
        Event::Refused { action, refusal } => {
            let late = matches!(
                refusal.outcome(),
                InteractionOutcome::Stale | InteractionOutcome::Repeated
            );
            let said = entry.via == Surface::Modal && action.is_sent_by_a_form();
            let reply = || Reply::Refused { refusal: refusal.clone(), alert: id.clone() };
            ((!said).then(reply), late)
        }
        _ => (None, false),
    };
    let reply = reply.zip(reply_to).map(|(reply, to)| Effect::Reply { to: to.clone(), reply });
    let pressed_in = reply_to.and_then(|to| to.channel.as_ref());
    let updates = alert.filter(|_| late).into_iter().flat_map(|alert| old(alert, pressed_in));
    reply.into_iter().chain(updates).collect()
}

/// Whoever pressed a button that no longer fits looks at an old message: that is brought up to date, and the alert's own.
fn old(alert: &Alert, pressed_in: Option<&ChannelId>) -> Vec<Effect> {
    let is_there = |effect: &Effect| match effect {
        Effect::UpdateCopy { channel, .. } => Some(channel) == pressed_in,
        _ => true,
    };
    refresh(alert).into_iter().filter(is_there).collect()
}
