//! A click: may this person, and does it still fit how the alert stands?

use crate::domain::access::{self, Authorised, authorise};
use crate::domain::alert::State;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Action, Event, Fact, Private};
use crate::domain::ids::UserId;
use crate::domain::input::{Act, Binding, Click};
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;

fn permission_of(act: &Act) -> Permission {
    match act {
        Act::Acknowledge => Permission::Acknowledge,
        Act::Reopen => Permission::Reopen,
        Act::AskResolve | Act::Resolve { .. } => Permission::Resolve,
        Act::AskAssign | Act::Assign { .. } => Permission::Assign,
    }
}

pub(super) fn act(
    context: &Context<'_>,
    subject: Option<&Alert>,
    click: &Click,
) -> Result<Vec<Fact>, Refusal> {
    let life = match click.binding {
        Binding::Good { life, .. } => Some(life),
        Binding::Named { .. } => None,
        Binding::Forged => return Err(Refusal::Forged),
    };
    let permission = permission_of(&click.act);
    let act = authorise(context, &click.who, permission, subject, &click.act)?;
    let alert = subject.ok_or(Refusal::NoSuchAlert)?;
    if life.is_some_and(|life| life != alert.life) {
        return Err(Refusal::Stale);
    }
    carry_out(context, alert, act)
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
