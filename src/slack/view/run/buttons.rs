//! What can be done to a run now.

use super::{Shown, plan, risk};
use crate::domain::event::Action;
use crate::domain::playbook::run::event::{CallId, Choice, Doubt};
use crate::domain::playbook::run::{RunState, Turn, question};
use crate::domain::tool::Risk;
use crate::slack::action_id::{ActionId, OfRun};
use crate::slack::view::Look;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::{self, Style, Sure};
use serde_json::Value;

/// Signs what a button of the run carries.
type Signed<'a> = &'a dyn Fn(Action, Option<(&CallId, Choice)>) -> String;

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
            let approve = kit::button(ActionId::ApproveRun, "Approve", &approve, Style::Primary);
            vec![
                approved(shown, approve),
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

fn choices(shown: &Shown<'_>, signed: Signed<'_>) -> Vec<Value> {
    let Some((call, turn)) = shown.run.in_question() else { return Vec::new() };
    let action = turn.uses.as_ref().and_then(|uses| shown.catalogue.find(uses));
    let all = question::choices(turn, action.map(|(_, action)| action.as_ref()));
    let button = |(index, choice): (usize, Choice)| {
        let label = match choice {
            Choice::Take(at) => taken(turn, at),
            other => label(other, turn).to_owned(),
        };
        let value = signed(Action::DecideStep, Some((&call, choice)));
        let button = kit::button(ActionId::Decide, &label, &value, Style::Plain);
        let button = match (choice, turn.doubt) {
            (Choice::Again, Some(Doubt::Unsure(_))) => twice(button, turn),
            _ => button,
        };
        kit::numbered(button, index)
    };
    // With the buttons that always stand there, within what a row takes.
    all.into_iter().take(kit::size::ACTIONS - 2).enumerate().map(button).collect()
}

/// Approving begins it: what it does, and to what, stands before the eyes once more.
fn approved(shown: &Shown<'_>, button: Value) -> Value {
    let run = shown.run;
    let named = plan::named(shown).join(", ");
    let to = if named.is_empty() { String::new() } else { format!(": {named}") };
    let text = format!(
        "{}{to}\nAt worst: {}. It begins as soon as you approve.",
        shown.title(),
        risk(run.planned.risk)
    );
    let danger = run.planned.risk == Risk::Destructive;
    kit::confirmed(button, Sure { title: "Approve this?", text: &text, yes: "Approve", danger })
}

/// Once more may be twice: whoever wants it says so with open eyes.
fn twice(button: Value, turn: &Turn) -> Value {
    let text = "If it did happen, it happens twice. Look in the tool first.";
    let danger = turn.risk == Some(Risk::Destructive);
    kit::confirmed(button, Sure { title: "Run it again?", text, yes: "Run again", danger })
}

fn label(choice: Choice, turn: &Turn) -> &'static str {
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
fn taken(turn: &Turn, at: u32) -> String {
    let found = turn.answered.as_ref().and_then(|answered| answered.found.as_ref());
    let item = found.and_then(|found| found.items.get(usize::try_from(at).ok()?));
    let words: Vec<&str> =
        item.into_iter().flat_map(|item| item.values().filter_map(Value::as_str)).take(3).collect();
    match words.is_empty() {
        true => format!("Number {}", at + 1),
        false => fit(&words.join(" · "), kit::size::BUTTON, Shape::Line),
    }
}
