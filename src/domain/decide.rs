//! May it be, and what then has happened? Every input takes this one road.

mod click;
mod command;
mod moment;
mod outcome;

pub use moment::next;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Status, dedup, routing};
use crate::domain::event::*;
use crate::domain::ids::AlertId;
use crate::domain::input::*;
use crate::domain::policy::Context;
use crate::domain::refusal::Refusal;

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
            let facts = click::act(context, subject, click);
            interaction(subject, facts, click.act.action())
        }
        Input::Command(command) => {
            let action = command::action_of(&command.verb);
            let facts = command::ask(context, subject, command)
                .map(|()| vec![Event::Asked { action }.into()]);
            let mut decision = interaction(subject, facts, action);
            if let (Verb::Unknown { said, .. }, Some(fact)) =
                (&command.verb, decision.facts.first_mut())
            {
                fact.private = Some(Private::Said { said: said.clone() });
            }
            decision
        }
        Input::Moment(moment) => moment::pass(context, subject, (moment, delivery.at)),
        Input::Outcome(outcome) => outcome::conclude(context, subject, outcome),
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
