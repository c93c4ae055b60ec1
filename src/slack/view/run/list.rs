//! The runs that wait for somebody or go on, each with a button to everything about it.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::Action;
use crate::domain::playbook::run::{Run, RunState};
use crate::slack::action_id::{ActionId, OfRun};
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::{self, Style};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::{Look, Message, words};
use serde_json::Value;

/// So many runs a list names; the others are counted. Fewer, where their words are too long.
pub const LISTED: usize = 20;
const LISTS: [usize; 3] = [LISTED, 14, 8];

/// Worst first, as they are handed in; `total` counts those left out too.
pub fn list(runs: &[(&Run, Option<&Alert>)], total: u64, look: &Look<'_>) -> Message {
    if runs.is_empty() {
        let words = "No run waits, and none goes on.";
        return Message::new(words, vec![kit::section(&Mrkdwn::words(words))]);
    }
    let total = total.max(runs.len() as u64);
    let title = words::count(total, "run waits or goes on", "runs wait or go on");
    Message::at_most(&LISTS, |most| {
        let shown = &runs[..runs.len().min(most)];
        let mut blocks = vec![kit::section(&Mrkdwn::words("*").name(&title).say("*, worst first"))];
        blocks.extend(shown.iter().enumerate().map(|(at, of)| row(*of, at, look)));
        let more = total - shown.len() as u64;
        if more > 0 {
            blocks.push(kit::small(&format!("+{more} more: vigie playbook runs"), 80));
        }
        Message::new(&title, blocks)
    })
}

/// Two lines and a button: how it stands and since when, and the alert that it is of.
fn row((run, alert): (&Run, Option<&Alert>), index: usize, look: &Look<'_>) -> Value {
    let title = run.content.as_ref().map_or(run.planned.playbook.as_str(), |c| c.title.as_str());
    let since = words::span(look.now.since(run.started_at.unwrap_or(run.planned_at)));
    let test = if run.planned.test { "TEST · " } else { "" };
    let of = alert.map(|alert| fit(&words::headline(alert), 120, Shape::Line));
    let text = format!(
        "{test}{} · {} · started {since} ago by {}\n{} · {}",
        fit(title, 80, Shape::Line),
        stands(run),
        words::named(&run.by, look.directory),
        of.unwrap_or_default(),
        run.id
    );
    let act = Action::ShowRun;
    let of = OfRun { act, run: &run.id, plan: &run.planned.plan_hash, call: None };
    let signed = look.signer.sign_run(&of);
    let button = kit::button(ActionId::ShowRun, "Details…", &signed, Style::Plain);
    kit::beside(kit::paragraph(&text, kit::size::SECTION), kit::numbered(button, index))
}

fn stands(run: &Run) -> String {
    match run.state {
        RunState::Waiting => {
            let by = run.planned.approval.as_ref().map(|rule| format!(" by {}", rule.by));
            format!("✋ waits for an approval{}", by.unwrap_or_default())
        }
        RunState::InDoubt => match run.in_question() {
            Some((call, _)) => format!("❓ somebody must say how {} goes on", call.step),
            None => "❓ the tool is asked whether a step happened".to_owned(),
        },
        RunState::Running => "⏳ goes on".to_owned(),
        RunState::Planned
        | RunState::Done
        | RunState::Failed
        | RunState::Cancelled
        | RunState::Refused => run.state.as_str().to_owned(),
    }
}
