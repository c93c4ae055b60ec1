//! A run: whether it may be planned, started, approved, stopped; what comes of its calls; what its moments bring.

use super::{Decision, Subject, moment};
use crate::domain::access::{self, authorise};
use crate::domain::alert::audience::audience;
use crate::domain::alert::escalation::{self, Due, Missing, Standing};
use crate::domain::alert::lifecycle::{Alert, Mark};
use crate::domain::event::{Action, Event, Fact, Private, Stream};
use crate::domain::ids::{PlaybookName, RunId, UserId};
use crate::domain::input::{Act, Click, Who};
use crate::domain::people::Actor;
use crate::domain::playbook::plan::{self, Plan};
use crate::domain::playbook::run::advance::{Going, first_told, ours};
use crate::domain::playbook::run::event::*;
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::playbook::run::{PlanContent, Run, RunState, question};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Asked, Playbook, Trigger};
use crate::domain::policy::{Context, Permission, Whom};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// A plan that nobody starts is let go after so long.
const UNSTARTED: Duration = Duration::from_secs(60 * 60);

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

/// What a person does to a run that there is.
pub(super) fn act(
    context: &Context<'_>,
    subject: &Subject<'_>,
    click: &Click,
    now: Timestamp,
) -> Result<Facts, Refusal> {
    let run = subject.run.ok_or(Refusal::NoSuchRun)?;
    if click.plan().is_some_and(|plan| plan != run.planned.plan_hash) {
        return Err(Refusal::PlanChanged);
    }
    let wanting = Wanting { who: &click.who, now };
    match &click.act {
        Act::ShowRun => {
            authorise(context, &click.who, Permission::See, None, ())?;
            Ok(vec![asked(run, Action::ShowRun)])
        }
        Act::UndoRun { run: id } => undo(context, subject, (run, wanting), id),
        Act::StartRun => start(context, subject, (run, wanting)),
        Act::ApproveRun => approve(context, subject, (run, wanting)),
        Act::DeclineRun => decline(context, subject, (run, wanting)),
        Act::CancelRun => cancel(context, subject, (run, wanting)),
        Act::DecideStep { call, choice } => {
            decide_step(context, subject, (run, wanting), (call, *choice))
        }
        Act::Acknowledge
        | Act::Reopen
        | Act::AskResolve
        | Act::AskAssign
        | Act::Resolve { .. }
        | Act::Assign { .. }
        | Act::AskRun { .. }
        | Act::PlanRun { .. } => Err(Refusal::NoSuchRun),
    }
}

fn asked(run: &Run, action: Action) -> (Stream, Fact) {
    (Stream::Run(run.id.clone()), Event::Asked { action }.into())
}

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
fn names_nobody_asking(context: &Context<'_>, who: &Who, asked: &Asked) -> Result<(), Refusal> {
    let texts: Vec<&str> = asked.values().filter_map(serde_json::Value::as_str).collect();
    match access::is_named(context.directory, who, &texts) {
        true => Err(Refusal::OwnCase),
        false => Ok(()),
    }
}

/// The same of a run that there is: whom it is about neither starts, approves nor stops it.
fn is_not_meant(context: &Context<'_>, who: &Who, run: &Run) -> Result<(), Refusal> {
    let meant = run.content.as_ref().map(|content| content.meant());
    meant.map_or(Ok(()), |meant| names_nobody_asking(context, who, &meant))
}

/// What is recorded of a plan, with its words.
fn planned(
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

/// A new alert starts a playbook by itself: planned and started in one.
pub(super) fn trigger(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, playbook): (&RunId, &PlaybookName),
    now: Timestamp,
) -> Result<Facts, Refusal> {
    let alert = subject.alert.ok_or(Refusal::NoSuchAlert)?;
    let playbook = offered(context, alert, playbook)?;
    if subject.live.is_some() {
        return Ok(Vec::new());
    }
    let (planned, content) = planned(context, alert, (playbook, &Asked::new()), Trigger::Alert)?;
    let pinned = Pinned { playbook: playbook.clone(), catalogue: context.policy.catalogue.clone() };
    let state = Run::new(run, &planned, Some(content.clone()), &ours(now));
    let private = Some(Private::Plan(Box::new(content)));
    let first = Fact { event: Event::Run(RunEvent::Planned(Box::new(planned))), private };
    let going = Going::new((context, &pinned), &state, Some(alert), ours(now));
    let mut facts = vec![(Stream::Run(run.clone()), first)];
    facts.extend(started(context, (&state, Some(alert)), going, now));
    Ok(facts)
}

fn start(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<Facts, Refusal> {
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    may_run(context, wanting.who, (&pinned.playbook, subject.alert))?;
    is_not_meant(context, wanting.who, run)?;
    if run.state != RunState::Planned {
        return Err(if run.is_over() { Refusal::RunOver } else { Refusal::AlreadyStarted });
    }
    if let Some(other) = subject.live {
        return Err(Refusal::AlreadyRunning { run: other.clone() });
    }
    if let Some(run) = subject.undone {
        return Err(Refusal::AlreadyUndone { run: run.clone() });
    }
    let mark = Mark { by: wanting.who.actor(), at: wanting.now };
    let going = Going::new((context, pinned), run, subject.alert, mark);
    Ok(started(context, (run, subject.alert), going, wanting.now))
}

/// It is wanted: it waits for an approval, or goes on at once.
fn started(
    context: &Context<'_>,
    (run, alert): (&Run, Option<&Alert>),
    going: Going<'_>,
    now: Timestamp,
) -> Facts {
    let rule = run.planned.approval.as_ref();
    let deadline = rule.map(|rule| now + Duration::from_millis(rule.within_ms));
    let going = going.then(RunEvent::Started { deadline }, None);
    let Some(rule) = rule else { return going.facts() };
    let whom = [Whom::Role(rule.by.clone())];
    let mut people = alert.map(|alert| audience(context, alert, &whom).people).unwrap_or_default();
    people.retain(|user| !is_starter(context, run, user));
    let told = first_told(run.ladder.round + 1, "approval", people);
    match told {
        Some(told) => going.then(RunEvent::Escalated { told }, None).facts(),
        None => going.facts(),
    }
}

/// Whether this person wanted it: had it planned, or started it, under whichever account.
fn is_starter(context: &Context<'_>, run: &Run, user: &UserId) -> bool {
    [&run.planned_by, &run.by].into_iter().any(|wanted| match wanted {
        Actor::Person(starter) => context.directory.is_same_person(starter, user),
        Actor::System | Actor::Source(_) | Actor::Os(_) => false,
    })
}

/// Somebody who may say yes or no to this run, and to this plan only while it waits.
fn may_approve(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<(), Refusal> {
    let rule = run.planned.approval.as_ref().ok_or(Refusal::RunOver)?;
    let needs = || Refusal::NotAllowed { needs: vec![rule.by.clone()] };
    // The right to see is the least that anybody has here; the role is what counts, and what is told.
    authorise(context, wanting.who, Permission::See, None, ()).map_err(
        |refusal| match refusal {
            Refusal::NotAllowed { .. } => needs(),
            other => other,
        },
    )?;
    let (roles, unknown) = context.roles(wanting.who);
    if !roles.0.contains(&rule.by) {
        return Err(match unknown.is_empty() {
            true => needs(),
            false => Refusal::GroupUnknown { groups: unknown },
        });
    }
    if subject.alert.is_some_and(|alert| access::is_own(context.directory, wanting.who, alert)) {
        return Err(Refusal::OwnCase);
    }
    is_not_meant(context, wanting.who, run)?;
    match run.state {
        RunState::Waiting if run.deadline.is_some_and(|until| wanting.now >= until) => {
            Err(Refusal::TooLate)
        }
        RunState::Waiting => Ok(()),
        RunState::Planned => Err(Refusal::NotStarted),
        RunState::Refused if run.declined.is_none() => Err(Refusal::TooLate),
        RunState::Running | RunState::InDoubt => Err(Refusal::AlreadyStarted),
        RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Refused => {
            Err(Refusal::RunOver)
        }
    }
}

/// Plans what takes its effects back.
fn undo(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
    id: &RunId,
) -> Result<Facts, Refusal> {
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    let alert = subject.alert.ok_or(Refusal::NoSuchAlert)?;
    may_run(context, wanting.who, (&pinned.playbook, Some(alert)))?;
    is_not_meant(context, wanting.who, run)?;
    if !run.is_over() {
        return Err(Refusal::AlreadyStarted);
    }
    if let Some(run) = subject.undone {
        return Err(Refusal::AlreadyUndone { run: run.clone() });
    }
    let playbook = subject.undo.ok_or(Refusal::NoUndo)?;
    let (planned, content) = planned(context, alert, (playbook, &Asked::new()), Trigger::Button)?;
    // Whom the first was about does not approve its undoing either.
    let meant = run.content.as_ref().map(|content| content.meant()).unwrap_or_default();
    let content = PlanContent { undoes_for: meant, ..content };
    let planned = RunPlanned { undoes: Some(run.id.clone()), ..planned };
    let private = Some(Private::Plan(Box::new(content)));
    let event = Event::Run(RunEvent::Planned(Box::new(planned)));
    Ok(vec![(Stream::Run(id.clone()), Fact { event, private })])
}

fn approve(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<Facts, Refusal> {
    let own = match wanting.who {
        Who::Person(person) => is_starter(context, run, &person.user),
        Who::Os(name) => [&run.planned_by, &run.by].contains(&&Actor::Os(name.clone())),
    };
    may_approve(context, subject, (run, wanting))?;
    if own {
        return Err(Refusal::OwnRun);
    }
    let by = wanting.who.actor();
    let same = |mark: &Mark| match (&mark.by, &by) {
        (Actor::Person(one), Actor::Person(other)) => context.directory.is_same_person(one, other),
        (one, other) => one == other,
    };
    if run.approvals.iter().any(same) {
        return Err(Refusal::AlreadyApproved);
    }
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    let quorum = run.planned.approval.as_ref().map_or(1, |rule| rule.quorum);
    let given = u32::try_from(run.approvals.len()).unwrap_or(u32::MAX).saturating_add(1);
    let event = RunEvent::Approved { plan: run.planned.plan_hash.clone(), enough: given >= quorum };
    let mark = Mark { by, at: wanting.now };
    let going = Going::new((context, pinned), run, subject.alert, mark);
    Ok(going.then(event, None).facts())
}

fn decline(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<Facts, Refusal> {
    may_approve(context, subject, (run, wanting))?;
    let declined = RunEvent::Declined { plan: run.planned.plan_hash.clone() };
    Ok(in_its_stream(run, [declined, RunEvent::Ended { end: End::Refused }]))
}

fn cancel(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<Facts, Refusal> {
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    may_run(context, wanting.who, (&pinned.playbook, subject.alert))?;
    is_not_meant(context, wanting.who, run)?;
    match run.state {
        _ if run.cancelled.is_some() => Err(Refusal::AlreadyCancelled),
        RunState::Planned | RunState::Waiting => Ok(in_its_stream(
            run,
            [RunEvent::Cancelled {}, RunEvent::Ended { end: End::Cancelled }],
        )),
        RunState::Running | RunState::InDoubt => {
            let mark = Mark { by: wanting.who.actor(), at: wanting.now };
            let going = Going::new((context, pinned), run, subject.alert, mark);
            Ok(going.then(RunEvent::Cancelled {}, None).facts())
        }
        RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Refused => {
            Err(Refusal::RunOver)
        }
    }
}

fn decide_step(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
    (call, choice): (&CallId, Choice),
) -> Result<Facts, Refusal> {
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    may_run(context, wanting.who, (&pinned.playbook, subject.alert))?;
    is_not_meant(context, wanting.who, run)?;
    let turn = run.current(call).filter(|turn| turn.needs_a_word() && !run.is_over());
    let turn = turn.ok_or(Refusal::AlreadyDecided)?;
    let action = pinned.action_of(&call.step);
    if !question::choices(turn, action.as_deref()).contains(&choice) {
        return Err(Refusal::AlreadyDecided);
    }
    let mark = Mark { by: wanting.who.actor(), at: wanting.now };
    let going = Going::new((context, pinned), run, subject.alert, mark);
    Ok(going.then(RunEvent::StepDecided { call: call.clone(), choice }, None).facts())
}

fn in_its_stream(run: &Run, events: impl IntoIterator<Item = RunEvent>) -> Facts {
    let stream = Stream::Run(run.id.clone());
    events.into_iter().map(|event| (stream.clone(), Event::Run(event).into())).collect()
}

/// When the run next needs looking at by itself.
pub fn next(context: &Context<'_>, run: &Run, now: Timestamp) -> Option<Timestamp> {
    let unstarted = (run.state == RunState::Planned).then(|| run.planned_at + UNSTARTED);
    let deadline = run.deadline.filter(|_| run.state == RunState::Waiting);
    let rung = rung(context, run, now).map(|due| due.at);
    [unstarted, deadline, rung].into_iter().flatten().min()
}

fn rung(context: &Context<'_>, run: &Run, now: Timestamp) -> Option<Due> {
    let standing = Standing {
        state: &run.ladder,
        assigned: false,
        known: &run.planned.rungs,
        policy_since: context.policy.ladder_since(&run.planned.escalation),
        missing: if run.waits() { Missing::Anybody } else { Missing::Nobody },
    };
    escalation::next(context.policy.ladder(&run.planned.escalation), &standing, now)
}

/// A moment of the run has come.
pub(super) fn due(context: &Context<'_>, subject: &Subject<'_>, now: Timestamp) -> Decision {
    let Some(run) = subject.run else { return Decision::nothing() };
    let reached = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    let waits = run.state == RunState::Waiting;
    if run.state == RunState::Planned && reached(Some(run.planned_at + UNSTARTED)) {
        return Decision::of(in_its_stream(run, [RunEvent::Ended { end: End::Cancelled }]));
    }
    if waits && reached(run.deadline) {
        let events = [RunEvent::Lapsed {}, RunEvent::Ended { end: End::Refused }];
        return Decision::of(in_its_stream(run, events));
    }
    match (rung(context, run, now), subject.alert) {
        (Some(due), Some(alert)) if due.at <= now => {
            let events = moment::climb(context, (alert, &run.ladder), due.step);
            let told = events.into_iter().filter_map(of_a_run);
            Decision::of(in_its_stream(run, told))
        }
        _ => Decision::nothing(),
    }
}

/// The same of a run.
fn of_a_run(event: Event) -> Option<RunEvent> {
    match event {
        Event::Escalated { told } => Some(RunEvent::Escalated { told }),
        Event::NobodyMeant { round, level, rung, repeat } => {
            Some(RunEvent::NobodyMeant { round, level, rung, repeat })
        }
        _ => None,
    }
}
