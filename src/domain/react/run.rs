//! What follows from an entry of a run: its message, its calls, its lines, and who is wanted for it.

use super::{each, line_of};
use crate::domain::effect::{Effect, Reply, ReplyTo};
use crate::domain::event::{Entry, Event, Private, Told};
use crate::domain::ids::AlertId;
use crate::domain::input::Sent;
use crate::domain::people::Surface;
use crate::domain::playbook::run::event::{Finish, RunEvent};
use crate::domain::playbook::run::{Run, RunState};
use crate::domain::refusal::{InteractionOutcome, Refusal};

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
            // What was found after a crash was rendered from a state that we no longer know. And what happened while it was
            // being posted found no message to bring up to date: only a run that waits from its start has surely not gone on.
            let still = after.state == RunState::Waiting && after.approvals.is_empty();
            let old = *how != Sent::Posted || !still;
            let update = old.then(|| Effect::UpdateRun { run: run(), alert: alert() });
            update.into_iter().collect()
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
