//! May it be, and what then has happened? Every input takes this one road.

use crate::domain::access::{self, Authorised, authorise};
use crate::domain::alert::audience::{MENTIONED, audience};
use crate::domain::alert::escalation::{self, Due, Missing, Standing, Step};
use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{State, Status, dedup, pending, place, routing};
use crate::domain::effect::Effect;
use crate::domain::event::*;
use crate::domain::ids::{AlertId, ChannelId, UserId};
use crate::domain::input::*;
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::unrecorded;

/// What has happened, and in which stream it is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision {
    pub stream: Stream,
    pub facts: Vec<Fact>,
}

/// Decides. `subject` is the alert that the input is about: for a webhook the newest of the same fingerprint.
/// A refusal is a fact too: it is recorded like any other.
pub fn decide(context: &Context<'_>, subject: Option<&Alert>, delivery: &Delivery) -> Decision {
    match &delivery.input {
        Input::Alert(incoming) => receive(context, subject, incoming),
        Input::Click(click) => {
            let facts = act(context, subject, click);
            interaction(subject, facts, action_of(&click.act))
        }
        Input::Command(command) => {
            let action = action_of_verb(&command.verb);
            let facts =
                ask(context, subject, command).map(|()| vec![Event::Asked { action }.into()]);
            let mut decision = interaction(subject, facts, action);
            if let (Verb::Unknown { said, .. }, Some(fact)) =
                (&command.verb, decision.facts.first_mut())
            {
                fact.private = Some(Private::Said { said: said.clone() });
            }
            decision
        }
        Input::Moment(moment) => pass(context, subject, (moment, delivery.at)),
        Input::Outcome(outcome) => conclude(context, subject, outcome),
    }
}

fn on(alert: &AlertId, facts: Vec<Fact>) -> Decision {
    Decision { stream: Stream::Alert(alert.clone()), facts }
}

fn on_system(facts: Vec<Fact>) -> Decision {
    Decision { stream: Stream::System, facts }
}

fn interaction(
    subject: Option<&Alert>,
    facts: Result<Vec<Fact>, Refusal>,
    action: Action,
) -> Decision {
    let stream = subject.map_or(Stream::System, |alert| Stream::Alert(alert.id.clone()));
    let facts = facts.unwrap_or_else(|refusal| vec![Event::Refused { action, refusal }.into()]);
    Decision { stream, facts }
}

// --- alerts ---

fn receive(context: &Context<'_>, newest: Option<&Alert>, incoming: &Incoming) -> Decision {
    let standing = newest.filter(|alert| dedup::is_repeat_of(alert.state));
    match (incoming.alert.status, standing, newest) {
        (Status::Firing, Some(alert), _) => {
            let (severity, occurred_at) = (incoming.alert.severity, incoming.alert.occurred_at);
            sent(&alert.id, Event::Repeated { severity, occurred_at }, incoming)
        }
        (Status::Resolved, Some(alert), _) => sent(&alert.id, Event::Ceased {}, incoming),
        (Status::Resolved, None, Some(alert)) => {
            sent(&alert.id, Event::CeaseConfirmed {}, incoming)
        }
        (Status::Firing, None, _) | (Status::Resolved, None, None) => {
            let received =
                routing::receive(context, incoming, newest.map(|alert| alert.id.clone()));
            sent(&incoming.id, Event::Received(Box::new(received)), incoming)
        }
    }
}

/// What a source sent, with its words: each delivery is kept as it came.
fn sent(alert: &AlertId, event: Event, incoming: &Incoming) -> Decision {
    on(alert, vec![Fact { event, private: Some(content(incoming)) }])
}

fn content(incoming: &Incoming) -> Private {
    let alert = &incoming.alert;
    Private::Alert(Box::new(AlertContent {
        source_id: alert.id.clone(),
        title: alert.title.clone(),
        description: alert.description.clone(),
        rule: alert.rule.clone(),
        url: alert.url.clone(),
        entities: alert.entities.clone(),
        tactic: alert.tactic.clone(),
        technique: alert.technique.clone(),
        raw: incoming.raw.clone(),
    }))
}

// --- clicks ---

fn permission_of(act: &Act) -> Permission {
    match act {
        Act::Acknowledge => Permission::Acknowledge,
        Act::Reopen => Permission::Reopen,
        Act::AskResolve | Act::Resolve { .. } => Permission::Resolve,
        Act::AskAssign | Act::Assign { .. } => Permission::Assign,
    }
}

fn action_of(act: &Act) -> Action {
    match act {
        Act::Acknowledge => Action::Acknowledge,
        Act::Reopen => Action::Reopen,
        Act::AskResolve => Action::ResolveForm,
        Act::AskAssign => Action::AssignForm,
        Act::Resolve { .. } => Action::Resolve,
        Act::Assign { .. } => Action::Assign,
    }
}

fn act(
    context: &Context<'_>,
    subject: Option<&Alert>,
    click: &Click,
) -> Result<Vec<Fact>, Refusal> {
    let Binding::Good { life, .. } = click.binding else { return Err(Refusal::Forged) };
    let permission = permission_of(&click.act);
    let act = authorise(context, &click.person, permission, subject, &click.act)?;
    let alert = subject.ok_or(Refusal::NoSuchAlert)?;
    if life != alert.life {
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

// --- commands ---

fn action_of_verb(verb: &Verb) -> Action {
    match verb {
        Verb::Help => Action::Help,
        Verb::List => Action::List,
        Verb::Show { .. } => Action::Show,
        Verb::Coverage => Action::Coverage,
        Verb::Unknown { .. } => Action::UnknownCommand,
    }
}

fn ask(context: &Context<'_>, subject: Option<&Alert>, command: &Command) -> Result<(), Refusal> {
    match &command.verb {
        // Everybody who works here may learn what there is; what it shows is another question.
        Verb::Help => access::belongs_here(context.directory, &command.person),
        Verb::List | Verb::Coverage => {
            authorise(context, &command.person, Permission::See, None, ()).map(|_| ())
        }
        Verb::Show { .. } => {
            authorise(context, &command.person, Permission::See, subject, ())?;
            subject.map(|_| ()).ok_or(Refusal::NoSuchAlert)
        }
        Verb::Unknown { nearest, .. } => {
            access::belongs_here(context.directory, &command.person)?;
            Err(Refusal::UnknownCommand { nearest: nearest.clone() })
        }
    }
}

// --- moments ---

fn pass(
    context: &Context<'_>,
    subject: Option<&Alert>,
    (moment, now): (&Moment, Timestamp),
) -> Decision {
    match moment {
        Moment::Started { boot, version, config_hash, config } => {
            let event = Event::Started {
                boot: boot.clone(),
                version: version.clone(),
                config_hash: config_hash.clone(),
            };
            let roles = context.policy.roles.iter();
            let roles = roles.map(|(name, role)| (name.clone(), role.holders())).collect();
            let private = Some(Private::Config { config: config.clone(), roles });
            on_system(vec![Fact { event, private }])
        }
        Moment::Stopping => on_system(vec![Event::Stopped {}.into()]),
        Moment::Due { alert: id } => {
            match subject.and_then(|alert| Some((alert, next(context, alert, now)?))) {
                Some((alert, due)) if due.at <= now => on(id, climb(context, alert, due.step)),
                _ => on(id, Vec::new()),
            }
        }
        Moment::Unrecorded { said, .. } => match subject {
            Some(alert) => on(&alert.id, unrecorded::catch_up(alert, said)),
            None => on_system(Vec::new()),
        },
        Moment::MessageDeleted { .. } | Moment::PlaceClosed { .. } | Moment::Departed { .. } => {
            changed(context, subject, moment)
        }
    }
}

/// What Slack says has changed under an alert. An old word of it finds things as they are now, and changes nothing.
fn changed(context: &Context<'_>, subject: Option<&Alert>, moment: &Moment) -> Decision {
    let Some(alert) = subject else { return on_system(Vec::new()) };
    let stands = |channel: &ChannelId| {
        alert.message.as_ref().is_some_and(|posted| posted.channel == *channel)
    };
    let events = match moment {
        Moment::MessageDeleted { channel, ts }
            if alert.state != State::Resolved
                && stands(channel)
                && alert.message.as_ref().is_some_and(|posted| posted.ts == *ts) =>
        {
            vec![Event::MessageLost { why: "message_deleted".to_owned() }]
        }
        Moment::PlaceClosed { channel, why, .. } if stands(channel) => {
            place::refused(context, alert, why)
        }
        Moment::Departed { .. } => {
            pending::left_behind(context.directory, alert).into_iter().collect()
        }
        Moment::MessageDeleted { .. }
        | Moment::PlaceClosed { .. }
        | Moment::Started { .. }
        | Moment::Stopping
        | Moment::Unrecorded { .. }
        | Moment::Due { .. } => Vec::new(),
    };
    on(&alert.id, events.into_iter().map(Fact::from).collect())
}

/// The next step of an alert's ladder, and when; `None` while nobody needs to be told.
pub fn next(context: &Context<'_>, alert: &Alert, now: Timestamp) -> Option<Due> {
    let standing = Standing {
        state: &alert.ladder,
        assigned: alert.assignee.is_some(),
        known: &alert.received.rungs,
        policy_since: context.policy.since,
        missing: if alert.waits() { Missing::Anybody } else { Missing::Nobody },
    };
    escalation::next(context.policy.ladder(&alert.received.escalation), &standing, now)
}

fn climb(context: &Context<'_>, alert: &Alert, step: Step) -> Vec<Fact> {
    let (tell, whom, only) = match step {
        Step::Return => {
            return alert
                .assignee
                .iter()
                .map(|from| Event::Returned { from: from.clone() }.into())
                .collect();
        }
        Step::Tell { level, repeat, key, how, whom, only } => {
            ((level, repeat, key, how), whom, only)
        }
    };
    let (level, repeat, rung, how) = tell;
    let mut meant = audience(context, alert, &whom);
    if let Some(missing) = only {
        meant.groups.clear();
        meant.people.retain(|user| missing.contains(user));
    }
    let nobody = meant.is_empty();
    if how == Way::Thread {
        let by_dm = told_by_dm(context, alert, level);
        meant.people.retain(|user| !by_dm.contains(user));
    }
    let round = alert.ladder.round;
    let told = Told { round, level, rung, repeat, how, people: meant.people, groups: meant.groups };
    match &told.how {
        Way::Channel(_) => vec![Event::Escalated { told }.into()],
        _ if nobody => {
            // Nobody is meant: an empty role, a schedule with a gap. The alert's channel hears of it instead.
            let nobody = Event::NobodyMeant { round, level, rung: told.rung.clone(), repeat };
            let how = Way::Channel(alert.place().clone());
            vec![nobody.into(), Event::Escalated { told: Told { how, ..told } }.into()]
        }
        // Only the group's name is known: a mention reaches its members, a direct message would reach nobody.
        Way::Dm if told.people.is_empty() => {
            vec![Event::Escalated { told: Told { how: Way::Thread, ..told } }.into()]
        }
        // There is no thread, and Slack says that there will be none: these people are told by themselves.
        Way::Thread if alert.not_shown.is_some() && !told.people.is_empty() => {
            vec![Event::Escalated { told: Told { how: Way::Dm, ..told } }.into()]
        }
        Way::Thread => in_messages(context, told),
        Way::Dm => vec![Event::Escalated { told }.into()],
    }
}

/// A message mentions so many people; further ones are told in further messages. Who is in a group is mentioned with it.
fn in_messages(context: &Context<'_>, told: Told) -> Vec<Fact> {
    let of_a_group =
        |user: &UserId| told.groups.iter().any(|group| context.directory.is_member(group, user));
    let (mut first, mut named): (Vec<_>, Vec<_>) =
        told.people.iter().cloned().partition(of_a_group);
    first.extend(named.drain(..named.len().min(MENTIONED)));
    let rest = named.chunks(MENTIONED).map(|people| Told {
        people: people.to_vec(),
        groups: Vec::new(),
        ..told.clone()
    });
    let first =
        if named.is_empty() { told.clone() } else { Told { people: first, ..told.clone() } };
    std::iter::once(first).chain(rest).map(|told| Event::Escalated { told }.into()).collect()
}

/// Whom the same rung tells by direct message: they need no mention beside it.
fn told_by_dm(context: &Context<'_>, alert: &Alert, level: u32) -> Vec<UserId> {
    let ladder = context.policy.ladder(&alert.received.escalation);
    let same = ladder.rungs.iter().filter(|rung| rung.level == level && rung.how == Way::Dm);
    same.flat_map(|rung| audience(context, alert, &rung.whom).people).collect()
}

// --- outcomes ---

fn conclude(context: &Context<'_>, subject: Option<&Alert>, outcome: &Outcome) -> Decision {
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

/// What the caller is told, once the decision is on disk.
pub fn answer(input: &Input, decision: &Decision) -> Answer {
    if let Some(Event::Refused { refusal, .. }) = decision.facts.first().map(|fact| &fact.event) {
        return Answer::Refused { refusal: refusal.clone() };
    }
    match (input, &decision.stream) {
        (Input::Alert(_), Stream::Alert(id)) => {
            Answer::Alert { id: id.clone(), outcome: reception(decision) }
        }
        (Input::Click(click), Stream::Alert(id)) => match click.act {
            Act::AskResolve => Answer::Form { form: Form::Resolve, alert: id.clone() },
            Act::AskAssign => Answer::Form { form: Form::Assign, alert: id.clone() },
            Act::Acknowledge | Act::Reopen | Act::Resolve { .. } | Act::Assign { .. } => {
                Answer::Done
            }
        },
        _ => Answer::Done,
    }
}

fn reception(decision: &Decision) -> Reception {
    match decision.facts.first().map(|fact| &fact.event) {
        Some(Event::Received(received)) if received.suppressed_by.is_some() => {
            Reception::Suppressed
        }
        Some(Event::Received(_)) => Reception::Created,
        Some(Event::Repeated { .. }) => Reception::Repeated,
        _ => Reception::Resolved,
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
