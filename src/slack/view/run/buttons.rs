//! What can be done to a run now.

use super::Shown;
use crate::domain::event::Action;
use crate::domain::playbook::run::event::{CallId, Choice};
use crate::domain::playbook::run::{RunState, question};
use crate::slack::action_id::{ActionId, OfRun};
use crate::slack::view::Look;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::{self, Style};
use serde_json::Value;

/// The row of buttons; none for a plan that nobody has started.
pub fn row(shown: &Shown<'_>, look: &Look<'_>) -> Option<Value> {
    let run = shown.run;
    let signed = |act, call: Option<(&CallId, Choice)>| {
        look.signer.sign_run(&OfRun { act, run: &run.id, plan: &run.planned.plan_hash, call })
    };
    let plain = |id, label, act| kit::button(id, label, &signed(act, None), Style::Plain);
    let details = || plain(ActionId::ShowRun, "Details…", Action::ShowRun);
    let stop = |label| plain(ActionId::CancelRun, label, Action::CancelRun);
    let elements = match run.state {
        RunState::Planned => Vec::new(),
        RunState::Waiting => {
            let approve = signed(Action::ApproveRun, None);
            vec![
                kit::button(ActionId::ApproveRun, "Approve", &approve, Style::Primary),
                plain(ActionId::DeclineRun, "Refuse", Action::DeclineRun),
                details(),
                stop("Withdraw"),
            ]
        }
        RunState::Running => vec![details(), stop("Stop")],
        RunState::InDoubt => {
            let mut all = choices(shown, &signed);
            all.push(details());
            all.push(stop("Stop"));
            all
        }
        RunState::Done | RunState::Failed | RunState::Cancelled | RunState::Refused => {
            let undo = || plain(ActionId::UndoRun, "Undo…", Action::UndoRun);
            shown.can_be_undone().then(undo).into_iter().chain([details()]).collect()
        }
    };
    (!elements.is_empty()).then(|| kit::actions(elements))
}

fn choices(
    shown: &Shown<'_>,
    signed: &dyn Fn(Action, Option<(&CallId, Choice)>) -> String,
) -> Vec<Value> {
    let Some((call, turn)) = shown.run.in_question() else { return Vec::new() };
    let action = turn.uses.as_ref().and_then(|uses| shown.catalogue.find(uses));
    let all = question::choices(turn, action.map(|(_, action)| action.as_ref()));
    let button = |(index, choice): (usize, Choice)| {
        let label = match choice {
            Choice::Take(at) => taken(turn, at),
            other => label(other, turn).to_owned(),
        };
        let value = signed(Action::DecideStep, Some((&call, choice)));
        kit::numbered(kit::button(ActionId::Decide, &label, &value, Style::Plain), index)
    };
    // With the buttons that always stand there, within what a row takes.
    all.into_iter().take(kit::size::ACTIONS - 2).enumerate().map(button).collect()
}

fn label(choice: Choice, turn: &crate::domain::playbook::run::Turn) -> &'static str {
    use crate::domain::playbook::run::event::Doubt;
    match (choice, turn.doubt) {
        (Choice::Check, _) => "Check now",
        (Choice::Happened, _) => "It happened",
        (Choice::Again, Some(Doubt::NoneFound | Doubt::SeveralFound)) => "Look again",
        (Choice::Again, _) => "Run again",
        (Choice::Abandon, _) => "Abandon",
        (Choice::Take(_), _) => "Take this one",
    }
}

/// One of several that were found, by what it gave.
fn taken(turn: &crate::domain::playbook::run::Turn, at: u32) -> String {
    let found = turn.answered.as_ref().and_then(|answered| answered.found.as_ref());
    let item = found.and_then(|found| found.items.get(usize::try_from(at).ok()?));
    let words: Vec<&str> =
        item.into_iter().flat_map(|item| item.values().filter_map(Value::as_str)).take(3).collect();
    match words.is_empty() {
        true => format!("Number {}", at + 1),
        false => fit(&words.join(" · "), kit::size::BUTTON, Shape::Line),
    }
}
