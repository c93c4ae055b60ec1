//! A run that is not there yet: who may have it planned, for which alert, and what is recorded of its plan.

use super::Subject;
use crate::domain::access::{self, authorise};
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Event, Fact, Private, Stream};
use crate::domain::ids::{PlaybookName, RunId};
use crate::domain::input::Who;
use crate::domain::playbook::plan::{self, Plan};
use crate::domain::playbook::run::PlanContent;
use crate::domain::playbook::run::event::*;
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Asked, Playbook, Trigger};
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// Who wants something, when.
#[derive(Clone, Copy)]
pub(super) struct Wanting<'a> {
    pub who: &'a Who,
    pub now: Timestamp,
}

/// A run that is to be planned.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub run: &'a RunId,
    pub playbook: &'a PlaybookName,
    pub asked: &'a Asked,
}

/// All that has happened, each in its stream.
pub(super) type Facts = Vec<(Stream, Fact)>;

/// Whether they may run this playbook on this alert: the right to, a role that the playbook names, and not their own case.
pub(super) fn may_run(
    context: &Context<'_>,
    who: &Who,
    (playbook, alert): (&Playbook, Option<&Alert>),
) -> Result<(), Refusal> {
    authorise(context, who, Permission::Run, alert, ())?;
    if playbook.who.is_empty() {
        return Ok(());
    }
    let (roles, unknown) = context.roles(who);
    if playbook.who.iter().any(|role| roles.0.contains(role)) {
        return Ok(());
    }
    match unknown.is_empty() {
        true => Err(Refusal::NotAllowed { needs: playbook.who.clone() }),
        false => Err(Refusal::GroupUnknown { groups: unknown }),
    }
}

/// The playbook of that name, where it is offered for this alert.
pub(super) fn offered<'a>(
    context: &'a Context<'_>,
    alert: &Alert,
    name: &PlaybookName,
) -> Result<&'a Arc<Playbook>, Refusal> {
    let playbook = context.policy.playbooks.0.get(name).ok_or(Refusal::NoSuchPlaybook)?;
    match context.policy.offers(alert, playbook) {
        true => Ok(playbook),
        false => Err(Refusal::NotForThisAlert),
    }
}

/// Plans a run. Nothing of it is done until it is started.
pub(super) fn plan_it(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (wanting, wanted): (Wanting<'_>, Wanted<'_>),
) -> Result<Facts, Refusal> {
    let alert = subject.alert.ok_or(Refusal::NoSuchAlert)?;
    let playbook = offered(context, alert, wanted.playbook)?;
    may_run(context, wanting.who, (playbook, Some(alert)))?;
    names_nobody_asking(context, wanting.who, wanted.asked)?;
    let (event, content) = planned(context, alert, (playbook, wanted.asked), Trigger::Button)?;
    let private = Some(Private::Plan(Box::new(content)));
    let stream = Stream::Run(wanted.run.clone());
    let event = Event::Run(RunEvent::Planned(Box::new(event)));
    Ok(vec![(stream, Fact { event, private })])
}

/// Nobody has done to themselves, or undone, what they ask for: `suspend alice` is not for Alice to start or approve.
pub(super) fn names_nobody_asking(
    context: &Context<'_>,
    who: &Who,
    asked: &Asked,
) -> Result<(), Refusal> {
    let texts: Vec<&str> = asked.values().filter_map(serde_json::Value::as_str).collect();
    match access::is_named(context.directory, who, &texts) {
        true => Err(Refusal::OwnCase),
        false => Ok(()),
    }
}

/// What is recorded of a plan, with its words.
pub(super) fn planned(
    context: &Context<'_>,
    alert: &Alert,
    (playbook, asked): (&Arc<Playbook>, &Asked),
    trigger: Trigger,
) -> Result<(RunPlanned, PlanContent), Refusal> {
    let about = About::of(alert).ok_or(Refusal::Erased)?;
    let catalogue = &context.policy.catalogue;
    let plan = Plan::make(&plan::Wanted { playbook, catalogue, about: &about, asked }).map_err(
        |refusal| Refusal::NotPlanned { why: refusal.code().to_owned(), at: refusal.at() },
    )?;
    let outline = plan.outline().clone();
    let ladder = context.policy.ladder(&alert.received.escalation);
    let event = RunPlanned {
        playbook: playbook.name.clone(),
        playbook_hash: playbook.hash.clone(),
        plan_hash: plan.hash().to_owned(),
        alert: Some(alert.id.clone()),
        test: alert.received.test,
        trigger,
        risk: outline.risk,
        tools: outline.tools.clone(),
        approval: playbook.approve.as_ref().map(|approve| ApprovalRule {
            by: approve.by.clone(),
            quorum: approve.quorum,
            within_ms: u64::try_from(approve.within.as_millis()).unwrap_or(u64::MAX),
        }),
        escalation: alert.received.escalation.clone(),
        rungs: ladder.keys(),
        undoes: None,
        config_hash: context.policy.config_hash.clone(),
    };
    let title = playbook.title.clone();
    let (text, About { source, alert }) = (playbook.text.to_string(), about);
    let undoes_for = Asked::new();
    Ok((event, PlanContent { title, text, source, alert, outline, undoes_for }))
}
