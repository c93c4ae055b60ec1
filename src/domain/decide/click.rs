//! A click: may this person, and does it still fit how the alert stands?

use super::Subject;
use super::plan::{self, Facts, Wanted, Wanting};
use crate::domain::access::{self, Authorised, authorise};
use crate::domain::alert::State;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Action, Event, Fact, Private, Stream};
use crate::domain::ids::{PlaybookName, RunId, UserId};
use crate::domain::input::{Act, Binding, Click};
use crate::domain::playbook::Asked;
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;

fn permission_of(act: &Act) -> Permission {
    match act {
        Act::Acknowledge => Permission::Acknowledge,
        Act::Reopen => Permission::Reopen,
        Act::AskResolve | Act::Resolve { .. } => Permission::Resolve,
        Act::AskAssign | Act::Assign { .. } => Permission::Assign,
        Act::ShowRun => Permission::See,
        Act::AskRun { .. }
        | Act::PlanRun { .. }
        | Act::StartRun
        | Act::ApproveRun
        | Act::DeclineRun
        | Act::CancelRun
        | Act::DecideStep { .. }
        | Act::UndoRun { .. } => Permission::Run,
    }
}

pub(super) fn act(
    context: &Context<'_>,
    subject: &Subject<'_>,
    click: &Click,
    now: Timestamp,
) -> Result<Facts, Refusal> {
    let life = match click.binding {
        Binding::Good { life, .. } => Some(life),
        Binding::Named { .. } => None,
        Binding::Run { .. } | Binding::NamedRun { .. } | Binding::Forged => {
            return Err(Refusal::Forged);
        }
    };
    let permission = permission_of(&click.act);
    let act = authorise(context, &click.who, permission, subject.alert, &click.act)?;
    let alert = subject.alert.ok_or(Refusal::NoSuchAlert)?;
    if life.is_some_and(|life| life != alert.life) {
        return Err(Refusal::Stale);
    }
    let wanting = Wanting { who: &click.who, now };
    match act.get() {
        Act::AskRun { playbook, run } => ask(context, subject, (wanting, alert), (playbook, run)),
        Act::PlanRun { playbook, run, asked } => {
            plan::plan_it(context, subject, (wanting, Wanted { run, playbook, asked }))
        }
        _ => {
            let facts = carry_out(context, alert, act)?;
            let stream = Stream::Alert(alert.id.clone());
            Ok(facts.into_iter().map(|fact| (stream.clone(), fact)).collect())
        }
    }
}

/// What a playbook asks is asked; where it asks nothing, it is planned at once.
fn ask(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (wanting, alert): (Wanting<'_>, &Alert),
    (playbook, run): (&PlaybookName, &RunId),
) -> Result<Facts, Refusal> {
    let found = plan::offered(context, alert, playbook)?;
    plan::may_run(context, wanting.who, (found, Some(alert)))?;
    if let Some(run) = subject.live {
        return Err(Refusal::AlreadyRunning { run: run.clone() });
    }
    if found.ask.is_empty() {
        let asked = Asked::new();
        return plan::plan_it(context, subject, (wanting, Wanted { run, playbook, asked: &asked }));
    }
    let asked = Event::Asked { action: Action::RunForm };
    Ok(vec![(Stream::Alert(alert.id.clone()), asked.into())])
}

fn carry_out(
    context: &Context<'_>,
    alert: &Alert,
    act: Authorised<&Act>,
) -> Result<Vec<Fact>, Refusal> {
    match act.get() {
        Act::Acknowledge => match alert.state {
            State::Open => Ok(vec![Event::Acknowledged {}.into()]),
            State::Acknowledged => Err(already_acknowledged(alert)),
            State::Resolved => Err(Refusal::Stale),
        },
        Act::Reopen => match alert.state {
            // It was never shown: reopened, it would wait where nobody looks.
            _ if alert.received.suppressed_by.is_some() => Err(Refusal::Stale),
            State::Open => Err(Refusal::AlreadyOpen),
            from @ (State::Acknowledged | State::Resolved) => {
                Ok(vec![Event::Reopened { from }.into()])
            }
        },
        Act::AskResolve => {
            not_resolved(alert)?;
            Ok(vec![Event::Asked { action: Action::ResolveForm }.into()])
        }
        Act::AskAssign => {
            not_resolved(alert)?;
            Ok(vec![Event::Asked { action: Action::AssignForm }.into()])
        }
        Act::Resolve { disposition, note } => {
            not_resolved(alert)?;
            let note = note.as_ref().map(|note| note.trim()).filter(|note| !note.is_empty());
            if note.is_none() && alert.received.treated.note.contains(&alert.severity) {
                return Err(Refusal::NoteRequired);
            }
            let private = note.map(|note| Private::Note { note: note.to_owned() });
            Ok(vec![Fact { event: Event::Resolved { disposition: Some(*disposition) }, private }])
        }
        Act::Assign { to } => assign(context, alert, to),
        Act::AskRun { .. }
        | Act::PlanRun { .. }
        | Act::StartRun
        | Act::ApproveRun
        | Act::DeclineRun
        | Act::CancelRun
        | Act::DecideStep { .. }
        | Act::UndoRun { .. }
        | Act::ShowRun => Err(Refusal::Forged),
    }
}

fn assign(context: &Context<'_>, alert: &Alert, to: &UserId) -> Result<Vec<Fact>, Refusal> {
    not_resolved(alert)?;
    if alert.assignee.as_ref() == Some(to) {
        return Err(Refusal::AlreadyAssigned { to: to.clone() });
    }
    let may = access::holds(context, to, Permission::Acknowledge).is_ok()
        && access::is_one_of_us(context.directory, to);
    if !may || access::is_subject(context.directory, (to, None), alert) {
        return Err(Refusal::AssigneeMayNot { to: to.clone() });
    }
    Ok(vec![Event::Assigned { to: to.clone() }.into()])
}

fn not_resolved(alert: &Alert) -> Result<(), Refusal> {
    match &alert.resolved {
        Some(end) => Err(Refusal::AlreadyResolved { by: end.mark.by.to_string(), at: end.mark.at }),
        None => Ok(()),
    }
}

fn already_acknowledged(alert: &Alert) -> Refusal {
    match &alert.holder {
        Some(mark) => Refusal::AlreadyAcknowledged { by: mark.by.to_string(), at: mark.at },
        None => Refusal::Stale,
    }
}
