//! May it be, and what then has happened? Every input takes this one road.

mod call;
mod click;
mod command;
mod moment;
mod outcome;
mod plan;
pub mod run;

pub use moment::next;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Status, dedup, routing};
use crate::domain::event::*;
use crate::domain::ids::{AlertId, RunId};
use crate::domain::input::*;
use crate::domain::playbook::Playbook;
use crate::domain::playbook::run::Run;
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::policy::Context;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use std::sync::Arc;

/// What has happened, and in which stream it is told.
#[derive(Debug, PartialEq, Eq)]
pub struct Decision {
    pub stream: Stream,
    pub facts: Vec<Fact>,
    /// What has happened by it in other streams, after that.
    pub beside: Vec<(Stream, Fact)>,
    /// What the caller is told, where it does not follow from the facts.
    pub answer: Option<Answer>,
}

/// What an input is about, as it stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// For a webhook the newest of the same fingerprint.
    pub alert: Option<&'a Alert>,
    pub run: Option<&'a Run>,
    /// What the run was planned with.
    pub pinned: Option<&'a Pinned>,
    /// Another run of the same playbook on the same alert that has not ended.
    pub live: Option<&'a RunId>,
    /// The playbook that takes back what the run did.
    pub undo: Option<&'a Arc<Playbook>>,
    /// Another run that takes back the same, or has.
    pub undone: Option<&'a RunId>,
    /// When destructive steps were started, as far back as the limit looks.
    pub destructive: &'a [Timestamp],
}

impl<'a> From<Option<&'a Alert>> for Subject<'a> {
    fn from(alert: Option<&'a Alert>) -> Self {
        Self { alert, ..Self::default() }
    }
}

impl Decision {
    fn in_stream(stream: Stream, facts: Vec<Fact>) -> Self {
        Self { stream, facts, beside: Vec::new(), answer: None }
    }

    fn nothing() -> Self {
        Self::in_stream(Stream::System, Vec::new())
    }

    fn answered(cleared: Cleared) -> Self {
        Self { answer: Some(Answer::Call(cleared)), ..Self::nothing() }
    }

    /// Facts of several streams, in their order: those of the first one's until another's comes.
    fn of(facts: Vec<(Stream, Fact)>) -> Self {
        let mut facts = facts.into_iter();
        let Some((stream, first)) = facts.next() else { return Self::nothing() };
        Self { beside: facts.collect(), ..Self::in_stream(stream, vec![first]) }
    }

    /// Every fact with its stream, in their order.
    pub fn all(&self) -> impl Iterator<Item = (&Stream, &Fact)> {
        let first = self.facts.iter().map(|fact| (&self.stream, fact));
        first.chain(self.beside.iter().map(|(stream, fact)| (stream, fact)))
    }
}

/// Decides. A refusal is a fact too: it is recorded like any other.
pub fn decide<'a>(
    context: &Context<'_>,
    subject: impl Into<Subject<'a>>,
    delivery: &Delivery,
) -> Decision {
    let subject = &subject.into();
    match &delivery.input {
        Input::Alert(incoming) => receive(context, subject.alert, incoming),
        Input::Click(click) => pressed(context, subject, click, delivery.at),
        Input::Command(command) => {
            let action = command::action_of(&command.verb);
            let facts = command::ask(context, subject.alert, command)
                .map(|()| vec![Event::Asked { action }.into()]);
            let mut decision = interaction(subject.alert, facts, action);
            if let (Verb::Unknown { said, .. }, Some(fact)) =
                (&command.verb, decision.facts.first_mut())
            {
                fact.private = Some(Private::Said { said: said.clone() });
            }
            decision
        }
        Input::Moment(Moment::CallDue(due)) => call::due(context, subject, due, delivery.at),
        Input::Moment(Moment::RunDue { .. }) => run::due(context, subject, delivery.at),
        Input::Moment(moment) => moment::pass(context, subject.alert, (moment, delivery.at)),
        Input::Outcome(outcome) => outcome::conclude(context, subject, (outcome, delivery.at)),
    }
}

/// A click on an alert, or on a run.
fn pressed(
    context: &Context<'_>,
    subject: &Subject<'_>,
    click: &Click,
    now: Timestamp,
) -> Decision {
    let action = click.act.action();
    let facts = match &click.binding {
        Binding::Run { .. } | Binding::NamedRun { .. } => run::act(context, subject, click, now),
        Binding::Good { .. } | Binding::Named { .. } | Binding::Forged => {
            click::act(context, subject, click, now)
        }
    };
    match facts {
        Ok(facts) => Decision::of(facts),
        Err(refusal) => {
            let stream = match (subject.run, subject.alert) {
                (Some(run), _) => Stream::Run(run.id.clone()),
                (None, Some(alert)) => Stream::Alert(alert.id.clone()),
                (None, None) => Stream::System,
            };
            Decision::in_stream(stream, vec![Event::Refused { action, refusal }.into()])
        }
    }
}

fn on(alert: &AlertId, facts: Vec<Fact>) -> Decision {
    Decision::in_stream(Stream::Alert(alert.clone()), facts)
}

fn on_system(facts: Vec<Fact>) -> Decision {
    Decision::in_stream(Stream::System, facts)
}

fn interaction(
    subject: Option<&Alert>,
    facts: Result<Vec<Fact>, Refusal>,
    action: Action,
) -> Decision {
    let stream = subject.map_or(Stream::System, |alert| Stream::Alert(alert.id.clone()));
    let facts = facts.unwrap_or_else(|refusal| vec![Event::Refused { action, refusal }.into()]);
    Decision::in_stream(stream, facts)
}

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
            let started = routing::triggered(context, incoming, &received);
            let mut decision = sent(&incoming.id, Event::Received(Box::new(received)), incoming);
            let triggered =
                started.into_iter().map(|playbook| Event::Triggered { playbook }.into());
            decision.facts.extend(triggered);
            decision
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

/// What the caller is told, once the decision is on disk.
pub fn answer(input: &Input, decision: &Decision) -> Answer {
    if let Some(Event::Refused { refusal, .. }) = decision.facts.first().map(|fact| &fact.event) {
        return Answer::Refused { refusal: refusal.clone() };
    }
    if let Some(answer) = &decision.answer {
        return answer.clone();
    }
    match (input, &decision.stream) {
        (Input::Alert(_), Stream::Alert(id)) => {
            Answer::Alert { id: id.clone(), outcome: reception(decision) }
        }
        (Input::Click(click), stream) => form(click, stream).unwrap_or(Answer::Done),
        _ => Answer::Done,
    }
}

/// The form that somebody may see now.
fn form(click: &Click, stream: &Stream) -> Option<Answer> {
    let form = match &click.act {
        Act::AskResolve => Form::Resolve,
        Act::AskAssign => Form::Assign,
        Act::AskRun { playbook, .. } if matches!(stream, Stream::Alert(_)) => {
            Form::Ask { playbook: playbook.clone() }
        }
        Act::AskRun { run, .. } | Act::PlanRun { run, .. } | Act::UndoRun { run } => {
            Form::Plan { run: run.clone() }
        }
        Act::ShowRun => match stream {
            Stream::Run(run) => Form::Run { run: run.clone() },
            Stream::Alert(_) | Stream::System => return None,
        },
        Act::Acknowledge
        | Act::Reopen
        | Act::Resolve { .. }
        | Act::Assign { .. }
        | Act::StartRun
        | Act::ApproveRun
        | Act::DeclineRun
        | Act::CancelRun
        | Act::DecideStep { .. } => return None,
    };
    let alert = match (&click.binding, stream) {
        (Binding::Good { alert, .. } | Binding::Named { alert }, _) => alert.clone(),
        (_, Stream::Alert(alert)) => alert.clone(),
        // A run's own form needs no alert.
        _ => AlertId::new(""),
    };
    Some(Answer::Form { form, alert })
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
