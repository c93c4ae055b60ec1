//! Where an alert stands and who has it, in one line; and what can be done to it now.

use crate::domain::alert::lifecycle::{Alert, Mark, Resolution};
use crate::domain::alert::{State, Status};
use crate::domain::event::Action;
use crate::domain::people::Actor;
use crate::domain::playbook::Playbook;
use crate::slack::action_id::ActionId;
use crate::slack::view::Look;
use crate::slack::view::kit::{self, Style};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::words::{self, Naming};
use serde_json::Value;

/// The status, and below it what else has happened.
pub fn line(alert: &Alert, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let state = match alert.state {
        State::Open => open(alert, naming, look),
        State::Acknowledged => acknowledged(alert, naming, look),
        State::Resolved => resolved(alert, naming, look),
    };
    state.maybe(untreated(alert)).maybe(history(alert, look))
}

fn open(alert: &Alert, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let since = words::when(alert.received_at, look.now, look);
    let again = alert.life > 0 || alert.acknowledged.is_some();
    let state = Mrkdwn::words(if again { "*Open again*" } else { "*Open*" });
    let holder = match &alert.assignee {
        Some(user) => Mrkdwn::words(" · assigned to ")
            .then(words::person(user, naming, look))
            .say(", not acknowledged yet"),
        None => Mrkdwn::words(" · nobody has it"),
    };
    let over = (alert.status == Status::Resolved)
        .then(|| Mrkdwn::words(" · the source says that it is over"));
    state.say(" · received ").name(since).then(holder).maybe(over)
}

fn acknowledged(alert: &Alert, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let state = Mrkdwn::words("👀 *Acknowledged*");
    let by = alert.holder.as_ref().map(|mark| mark_of(mark, alert, naming, look));
    let held_by = alert.holder.as_ref().map(|mark| &mark.by);
    let assignee = alert
        .assignee
        .as_ref()
        .filter(|user| held_by != Some(&Actor::Person((*user).clone())))
        .map(|user| Mrkdwn::words(" · assigned to ").then(words::person(user, naming, look)));
    state.maybe(by).maybe(assignee)
}

/// ` by @alice 02:15, after 3 min`.
fn mark_of(mark: &Mark, alert: &Alert, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    Mrkdwn::words(" by ")
        .then(words::by(&mark.by, naming, look))
        .say(" ")
        .name(words::when(mark.at, alert.received_at, look))
        .say(", after ")
        .name(words::span(mark.at.since(alert.received_at)))
}

fn resolved(alert: &Alert, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    if alert.received.suppressed_by.is_some() {
        return Mrkdwn::words("✅ *Over before we heard of it*: kept, and not shown in a channel");
    }
    let Some(Resolution { mark, disposition, .. }) = &alert.resolved else {
        return Mrkdwn::words("✅ *Resolved*");
    };
    let verb = match mark.by {
        Actor::Source(_) => "✅ *Closed*",
        Actor::Person(_) | Actor::System | Actor::Os(_) => "✅ *Resolved*",
    };
    let verdict = disposition.map(|d| Mrkdwn::words(" as *").name(words::disposed(d)).say("*"));
    let first = alert.acknowledged.as_ref().filter(|first| first.by != mark.by);
    let first = first.map(|first| {
        Mrkdwn::words(" · first acknowledged").then(mark_of(first, alert, naming, look))
    });
    Mrkdwn::words(verb)
        .say(" by ")
        .then(words::by(&mark.by, naming, look))
        .say(" ")
        .name(words::when(mark.at, alert.received_at, look))
        .maybe(verdict)
        .maybe(first)
}

/// Why a resolved alert is not treated all the same, by the team's policy.
fn untreated(alert: &Alert) -> Option<Mrkdwn> {
    let counts = !alert.received.test && alert.received.suppressed_by.is_none();
    if alert.state != State::Resolved || alert.treated || !counts {
        return None;
    }
    let rule = &alert.received.treated;
    let closed = alert.resolved.as_ref().filter(|r| r.mark.by.is_somebody());
    let first = alert.acknowledged.as_ref().or(closed.map(|r| &r.mark));
    let late = rule.within.zip(first).is_some_and(|(w, m)| m.at.since(alert.received_at) > w);
    let disposed = closed.is_some_and(|r| r.disposition.is_some());
    let why = match first {
        None if rule.acknowledged => "nobody acknowledged it",
        _ if late => "it was acknowledged too late",
        _ if rule.disposition && !disposed => "nobody said what it was",
        _ => "its note is missing",
    };
    Some(Mrkdwn::words("\n⚠️ *Does not count as treated*: ").say(why))
}

/// How often it was seen and people were told.
fn history(alert: &Alert, look: &Look<'_>) -> Option<Mrkdwn> {
    let seen = (alert.occurrences > 1).then(|| {
        let last = words::when(alert.last_seen, alert.received_at, look);
        let times = words::count(alert.occurrences.into(), "time", "times");
        Mrkdwn::words("Seen ").name(times).say(", last ").name(last)
    });
    let told = (alert.notifications > 0 && alert.state == State::Open).then(|| {
        let times = words::count(alert.notifications.into(), "notification", "notifications");
        Mrkdwn::default().name(times).say(" sent")
    });
    match (seen, told) {
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => Some(Mrkdwn::words("\n").then(one)),
        (Some(seen), Some(told)) => Some(Mrkdwn::words("\n").then(seen).say(" · ").then(told)),
    }
}

/// So many playbooks have a button of their own; a menu has the next ones.
const BUTTONS: usize = 3;

/// The playbooks that can be started for it, in a row of their own.
pub fn playbooks(alert: &Alert, look: &Look<'_>) -> Option<Value> {
    if alert.received.suppressed_by.is_some() {
        return None;
    }
    let offered = look.offered.at(alert);
    let signed = |playbook: &Playbook| {
        look.signer.sign_for(Action::RunForm, (&alert.id, alert.life), &playbook.name)
    };
    let (first, rest) = offered.split_at(offered.len().min(BUTTONS));
    let button = |(index, playbook): (usize, &&Playbook)| {
        let label = format!("{}…", playbook.title);
        kit::numbered(kit::button(ActionId::Run, &label, &signed(playbook), Style::Plain), index)
    };
    let mut elements: Vec<Value> = first.iter().enumerate().map(button).collect();
    // The value of a menu's choice is shorter than a button's: what does not fit has no place here.
    let choices: Vec<(&str, String)> = rest
        .iter()
        .map(|playbook| (playbook.title.as_str(), signed(playbook)))
        .filter(|(_, value)| value.len() <= kit::size::OPTION_VALUE)
        .collect();
    if !choices.is_empty() {
        elements.push(kit::numbered(kit::overflow(ActionId::More, &choices), BUTTONS));
    }
    (!elements.is_empty()).then(|| kit::actions(elements))
}

/// What can be done now: two buttons and a menu at most, so that a phone shows all.
pub fn buttons(alert: &Alert, look: &Look<'_>) -> Option<Value> {
    let signed = |act| look.signer.sign(act, &alert.id, alert.life);
    let acknowledge =
        || kit::button(ActionId::Ack, "Acknowledge", &signed(Action::Acknowledge), Style::Primary);
    let resolve =
        || kit::button(ActionId::Resolve, "Resolve…", &signed(Action::ResolveForm), Style::Plain);
    let assign = || ("Assign…", signed(Action::AssignForm));
    let reopen = || ("Reopen", signed(Action::Reopen));
    let elements = match alert.state {
        State::Open => {
            vec![acknowledge(), resolve(), kit::overflow(ActionId::More, &[assign()])]
        }
        State::Acknowledged => {
            vec![resolve(), kit::overflow(ActionId::More, &[assign(), reopen()])]
        }
        // It was never shown, so there is nothing to go back to.
        State::Resolved if alert.received.suppressed_by.is_some() => Vec::new(),
        State::Resolved => {
            vec![kit::button(ActionId::Reopen, "Reopen", &signed(Action::Reopen), Style::Plain)]
        }
    };
    (!elements.is_empty()).then(|| kit::actions(elements))
}
