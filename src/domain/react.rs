//! What follows from an event? Effects, which become outbox rows in the same transaction.

mod run;

pub use run::react_run;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::{Effect, Line, Reply, ReplyTo};
use crate::domain::event::{Action, Entry, Event, Told, Way};
use crate::domain::ids::{AlertId, ChannelId};
use crate::domain::input::Sent;
use crate::domain::people::Surface;
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
        Event::Asked { action: Action::Runs } => (Some(Reply::Runs), false),
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
