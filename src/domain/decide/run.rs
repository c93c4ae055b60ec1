//! A run: whether it may be started, approved, stopped, taken back, and what its moments bring.

use super::plan::{Facts, Wanting, may_run, names_nobody_asking, offered, planned};
use super::{Decision, Subject, moment};
use crate::domain::access::{self, authorise};
use crate::domain::alert::audience::audience;
use crate::domain::alert::escalation::{self, Due, Missing, Standing};
use crate::domain::alert::lifecycle::{Alert, Mark};
use crate::domain::event::{Action, Event, Fact, Private, Stream};
use crate::domain::ids::{PlaybookName, RunId};
use crate::domain::input::{Act, Click, Who};
use crate::domain::people::Actor;
use crate::domain::playbook::run::advance::{Going, first_told, ours};
use crate::domain::playbook::run::event::*;
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::playbook::run::{PlanContent, Run, RunState, question};
use crate::domain::playbook::{Asked, Trigger};
use crate::domain::policy::{Context, Permission, Whom};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use std::time::Duration;

/// A plan that nobody starts is let go after so long.
const UNSTARTED: Duration = Duration::from_secs(60 * 60);

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

/// Whom it is about neither starts, approves nor stops it.
fn is_not_meant(context: &Context<'_>, who: &Who, run: &Run) -> Result<(), Refusal> {
    let meant = run.content.as_ref().map(|content| content.meant());
    meant.map_or(Ok(()), |meant| names_nobody_asking(context, who, &meant))
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
    is_in_force(context, run)?;
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

/// What was changed or rolled back since it was planned is not started. What takes another run back follows from that run,
/// whatever became of its playbook.
fn is_in_force(context: &Context<'_>, run: &Run) -> Result<(), Refusal> {
    if run.planned.undoes.is_some() {
        return Ok(());
    }
    let playbooks = &context.policy.playbooks.0;
    let playbook = playbooks.get(&run.planned.playbook).ok_or(Refusal::NoSuchPlaybook)?;
    match playbook.hash == run.planned.playbook_hash {
        true => Ok(()),
        false => Err(Refusal::PlaybookChanged),
    }
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
    people.retain(|user| {
        let is = |actor| access::is_person(context.directory, (user, None), actor);
        !wanted_it(run).into_iter().any(is)
    });
    let told = first_told(run.ladder.round + 1, "approval", people);
    match told {
        Some(told) => going.then(RunEvent::Escalated { told }, None).facts(),
        None => going.facts(),
    }
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

/// Who had it planned, and who started it.
fn wanted_it(run: &Run) -> [&Actor; 2] {
    [&run.planned_by, &run.by]
}

fn approve(
    context: &Context<'_>,
    subject: &Subject<'_>,
    (run, wanting): (&Run, Wanting<'_>),
) -> Result<Facts, Refusal> {
    may_approve(context, subject, (run, wanting))?;
    let are_they = |actor| access::is_actor(context.directory, wanting.who, actor);
    if wanted_it(run).into_iter().any(are_they) {
        return Err(Refusal::OwnRun);
    }
    if run.approvals.iter().any(|mark| are_they(&mark.by)) {
        return Err(Refusal::AlreadyApproved);
    }
    let pinned = subject.pinned.ok_or(Refusal::NoSuchPlaybook)?;
    let quorum = run.planned.approval.as_ref().map_or(1, |rule| rule.quorum);
    let given = u32::try_from(run.approvals.len()).unwrap_or(u32::MAX).saturating_add(1);
    let event = RunEvent::Approved { plan: run.planned.plan_hash.clone(), enough: given >= quorum };
    let mark = Mark { by: wanting.who.actor(), at: wanting.now };
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
    let looked_at = || Decision::in_stream(Stream::Run(run.id.clone()), Vec::new());
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
            let facts = in_its_stream(run, told);
            if facts.is_empty() { looked_at() } else { Decision::of(facts) }
        }
        // A changed ladder has another moment: it is to be noted, or this one would come again and again.
        _ => looked_at(),
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
