//! Several alerts in one message, when they come faster than one message each could be posted or read: each is named, with
//! where it stands and its next step, and all that are open can be acknowledged at once.

use crate::domain::alert::State;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Action, Told, Way};
use crate::slack::action_id::ActionId;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::{self, Rich, Style};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::{Look, Message, line, notify, words};
use serde_json::Value;

/// How long each alert's words may be.
#[derive(Clone, Copy, Debug)]
struct Width {
    title: usize,
    /// What it is about, and who has it.
    name: usize,
}

/// Narrower, where the message would be too long.
const WIDTHS: [Width; 4] = [
    Width { title: 110, name: 40 },
    Width { title: 70, name: 30 },
    Width { title: 40, name: 20 },
    Width { title: 24, name: 12 },
];

/// The message in the alerts' channel.
pub fn message(alerts: &[&Alert], look: &Look<'_>) -> Message {
    let why = "They came faster than one message each could be posted.";
    render(alerts, &Mrkdwn::words(why).say(" ").name(standing(alerts)), look)
}

/// A notification of several alerts: in their thread, by direct message, or in another channel.
pub fn notify(told: &[(&Told, &Alert)], look: &Look<'_>) -> Message {
    let alerts: Vec<&Alert> = told.iter().map(|(_, alert)| *alert).collect();
    match told.first() {
        Some((first, _)) if first.how == Way::Thread => in_thread(first, &alerts, look),
        _ => {
            let wait = words::count(alerts.len() as u64, "alert waits", "alerts wait");
            let why = Mrkdwn::words("*").name(wait).say(" for somebody to acknowledge them*");
            let levels = told.iter().map(|(told, _)| told.level).max();
            render(&alerts, &why.maybe(levels.map(level)), look)
        }
    }
}

/// A notification of several alerts in a direct message or another channel, brought up to date.
pub fn copy(alerts: &[&Alert], look: &Look<'_>) -> Message {
    render(alerts, &Mrkdwn::default().name(standing(alerts)), look)
}

fn level(level: u32) -> Mrkdwn {
    Mrkdwn::words(" · level ").name(level)
}

fn render(alerts: &[&Alert], why: &Mrkdwn, look: &Look<'_>) -> Message {
    let text = headline(alerts);
    Message::at_most(&WIDTHS, |width| {
        let mut blocks = vec![kit::header(&heading(alerts)), kit::section(why)];
        blocks.extend(alerts.iter().enumerate().map(|(i, alert)| row(alert, i, width, look)));
        blocks.extend(acknowledge_all(alerts, look));
        Message::new(&text, blocks)
    })
}

/// `🟠 HIGH · 25 alerts`: the worst that is among them.
fn heading(alerts: &[&Alert]) -> String {
    let worst = alerts.iter().map(|alert| alert.severity).min();
    let (sign, word) = worst.map_or(("", ""), words::severity);
    let tests = if alerts.iter().all(|alert| alert.received.test) { "TEST · " } else { "" };
    format!("{sign} {tests}{word} · {}", words::count(alerts.len() as u64, "alert", "alerts"))
}

fn headline(alerts: &[&Alert]) -> String {
    let worst = alerts.iter().min_by_key(|alert| (alert.severity, alert.received_seq));
    let first = worst.map(|alert| words::headline(alert)).unwrap_or_default();
    match alerts.len() {
        0 | 1 => first,
        more => format!("{} alerts · first: {first}", more),
    }
}

/// `3 open, 20 acknowledged, 2 resolved`.
fn standing(alerts: &[&Alert]) -> String {
    let states = [State::Open, State::Acknowledged, State::Resolved].map(|state| {
        let count = alerts.iter().filter(|alert| alert.state == state).count();
        (count > 0).then(|| format!("{count} {}", words::state(state)))
    });
    states.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// An alert's two lines, and the button for its next step.
fn row(alert: &Alert, index: usize, width: Width, look: &Look<'_>) -> Value {
    let (sign, word) = words::severity(alert.severity);
    let test = if alert.received.test { "TEST · " } else { "" };
    let title = fit(words::title(alert), width.title, Shape::Line);
    let about = alert.content.as_ref().and_then(words::first_entity);
    let about = about.map(|about| fit(about, width.name, Shape::Line) + " · ").unwrap_or_default();
    let seen = match alert.occurrences {
        0 | 1 => String::new(),
        times => format!(" · seen {times} times"),
    };
    let elsewhere = alert.displaced.as_ref().map(|displaced| {
        let from = line::channel(&displaced.from, look.directory);
        format!(" · belongs in {}", fit(&from, width.name, Shape::Line))
    });
    let elsewhere = elsewhere.unwrap_or_default();
    let text = format!(
        "{sign} {test}{word} · {title}\n{about}{}{seen}{elsewhere} · {}",
        stands(alert, width.name, look),
        alert.id.as_str()
    );
    let row = kit::paragraph(&text, kit::size::SECTION);
    match next_step(alert, index, look) {
        Some(button) => kit::beside(row, button),
        None => row,
    }
}

/// `open`, `acknowledged by @alice`: a post must ring nobody, so people stand by their handle.
fn stands(alert: &Alert, width: usize, look: &Look<'_>) -> String {
    let name = |name: String| fit(&name, width, Shape::Line);
    let state = words::state(alert.state);
    let by = match alert.state {
        State::Open => None,
        State::Acknowledged => alert.holder.as_ref(),
        State::Resolved => alert.resolved.as_ref().map(|resolution| &resolution.mark),
    };
    let by = by.map(|mark| format!(" by {}", name(words::named(&mark.by, look.directory))));
    let to = alert.assignee.as_ref().filter(|_| alert.state == State::Open);
    let to = to.map(|user| format!(", assigned to {}", name(words::handle(user, look.directory))));
    format!("{state}{}{}", by.unwrap_or_default(), to.unwrap_or_default())
}

fn next_step(alert: &Alert, index: usize, look: &Look<'_>) -> Option<Value> {
    let signed = |act| look.signer.sign(act, &alert.id, alert.life);
    let (id, label, act) = match alert.state {
        State::Open => (ActionId::Ack, "Acknowledge", Action::Acknowledge),
        State::Acknowledged => (ActionId::Resolve, "Resolve…", Action::ResolveForm),
        State::Resolved => return None,
    };
    Some(kit::numbered(kit::button(id, label, &signed(act), Style::Plain), index))
}

fn acknowledge_all(alerts: &[&Alert], look: &Look<'_>) -> Option<Value> {
    let open: Vec<_> = alerts.iter().filter(|alert| alert.state == State::Open).collect();
    if open.len() < 2 {
        return None;
    }
    let named: Vec<_> = open.iter().map(|alert| (&alert.id, alert.life)).collect();
    let value = look.signer.sign_all(Action::Acknowledge, &named);
    let label = format!("Acknowledge all {}", open.len());
    Some(kit::actions(vec![kit::button(ActionId::AckAll, &label, &value, Style::Primary)]))
}

fn in_thread(told: &Told, alerts: &[&Alert], look: &Look<'_>) -> Message {
    let wait = words::count(alerts.len() as u64, "alert waits", "alerts wait");
    let why = Mrkdwn::words("*").name(wait).say(" for somebody to acknowledge them*");
    let mentions = notify::mentions(told, look.directory);
    let rung = mentions.clone().say(" ").then(why).then(level(told.level));
    let line = crate::slack::view::clean::escape(&headline(alerts));
    let text = format!("{line} · {}", mentions.render(kit::size::SECTION));
    Message::at_most(&WIDTHS, |width| {
        let names = alerts.iter().map(|alert| {
            Rich::line()
                .say("• ")
                .text(words::title(alert), width.title)
                .say(&format!(" · {}", alert.id))
        });
        let mut blocks = vec![kit::section(&rung)];
        blocks.extend(kit::rich_text(vec![Rich::rows(names.collect())]));
        Message { text: text.clone(), ..Message::new("", blocks) }
    })
}
