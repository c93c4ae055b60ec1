//! Lines in an alert's thread: what has happened to it, one line each. They are posted, so they name without ringing.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::Line;
use crate::domain::event::{self, Action, Event, Way};
use crate::domain::ids::{ChannelId, UserId};
use crate::domain::input::{Reach, Sent};
use crate::domain::people::{Actor, ChannelRef, Directory};
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::{self, Rich};
use crate::slack::view::{Look, Message, place, words};

/// So many lines stand in one message, of more the newest; fewer, where they are too long.
const LINES: [usize; 3] = [30, 20, 10];

/// A line with its alert, and what it says.
type Told<'a> = (&'a Line, &'a Alert, String);

/// Several lines of one thread as one message. Where the thread is of several alerts, each line says of which it is.
pub fn lines(lines: &[(&Line, &Alert)], look: &Look<'_>) -> Message {
    let one = lines.iter().all(|(_, alert)| alert.id == lines[0].1.id);
    let told: Vec<Told<'_>> = lines
        .iter()
        .filter_map(|(line, alert)| {
            let words = sentence(line, look.directory)?;
            let title = fit(words::title(alert), 60, Shape::Line);
            Some((*line, *alert, if one { words } else { format!("{title}: {words}") }))
        })
        .collect();
    Message::at_most(&LINES, |most| newest(&told, most, look))
}

/// What a playbook wants said.
pub fn said(text: &str, alert: &Alert) -> Message {
    let blocks = kit::rich_text(vec![Rich::line().lines(text, 2500)]);
    Message::new(&format!("{text} — {}", words::headline(alert)), blocks.into_iter().collect())
}

fn newest(told: &[Told<'_>], most: usize, look: &Look<'_>) -> Message {
    let left_out = told.len().saturating_sub(most);
    let mut rows = Vec::new();
    if left_out > 0 {
        let earlier = words::count(left_out as u64, "earlier line", "earlier lines");
        rows.push(Rich::line().text(&format!("({earlier} left out)"), 60));
    }
    for (line, alert, words) in &told[left_out..] {
        let at = words::when(line.at, alert.received_at, look);
        rows.push(Rich::line().say(&format!("{at}  ")).text(words, 250));
    }
    let mut paragraphs = vec![Rich::rows(rows)];
    paragraphs.extend(told.iter().rev().find_map(|(line, alert, _)| note(line, alert)));
    let text = match told.last() {
        Some((_, alert, words)) => format!("{words} — {}", words::headline(alert)),
        None => "Nothing to tell".to_owned(),
    };
    Message::new(&text, kit::rich_text(paragraphs).into_iter().collect())
}

/// What who resolved it wrote; the words stand with the alert, not with the event.
fn note(line: &Line, alert: &Alert) -> Option<Rich> {
    let resolution = alert.resolved.as_ref()?;
    let same = matches!(line.event, Event::Resolved { .. }) && resolution.mark.at == line.at;
    let note = resolution.note.as_ref().filter(|_| same)?;
    Some(Rich::quote().lines(note, 500))
}

/// What an event is told as; `None` for what has no place in an alert's thread.
fn sentence(line: &Line, directory: &Directory) -> Option<String> {
    let who = words::named(&line.actor, directory);
    let person = |user: &UserId| words::handle(user, directory);
    Some(match &line.event {
        Event::Acknowledged {} => format!("Acknowledged by {who}."),
        Event::Resolved { disposition } => {
            let what = disposition.map(|d| format!(" as {}", words::disposed(d)));
            format!("Resolved by {who}{}.", what.unwrap_or_default())
        }
        Event::Reopened { .. } => format!("Reopened by {who}."),
        Event::Assigned { to } => format!("Assigned to {} by {who}.", person(to)),
        Event::Returned { from } if directory.is_deactivated(from) => {
            format!("{} is deactivated in Slack: it is the team's again.", person(from))
        }
        Event::Returned { from } => {
            format!("{} did not acknowledge it: it is the team's again.", person(from))
        }
        Event::HolderGone { who } => format!(
            "{} had acknowledged it and is deactivated in Slack: it is open again, and the team's.",
            person(who)
        ),
        Event::Received(first) => format!("Received as {}.", words::severity(first.severity).1),
        Event::Repeated { severity, .. } => {
            format!("Seen again; the source now says {}.", words::severity(*severity).1)
        }
        Event::Ceased {} => format!("Closed by {who}: it says that it is over."),
        Event::CeaseConfirmed {} => format!("{who} says too that it is over."),
        Event::Shown { how, .. } => format!("Shown in its channel{}.", sent(*how)),
        Event::NotShown { why } => format!("It cannot be shown in its channel: Slack says {why}."),
        Event::MessageLost { .. } => {
            "Its message was gone from the channel: shown again.".to_owned()
        }
        Event::Displaced { from, why, .. } => {
            let why = place::words(why)
                .map_or_else(|| format!("Slack says {why} of it"), |words| format!("it {words}"));
            format!("Shown here instead of in {}: {why}.", channel(from, directory))
        }
        Event::Escalated { told } => format!("Not acknowledged: telling {}.", to(told, directory)),
        Event::EscalatedUnrecorded { told } => {
            format!(
                "Not acknowledged, and nothing could be recorded: telling {}.",
                to(told, directory)
            )
        }
        Event::Notified { told, how, reach, .. } => {
            format!("Told {}{}{}.", to(told, directory), heard(*reach), sent(*how))
        }
        Event::NotTold { told, why } => {
            format!("Could not tell {}: Slack says {why}.", to(told, directory))
        }
        Event::NobodyMeant { level, .. } => format!(
            "Level {level} of the escalation means nobody at this moment: check its role or schedule."
        ),
        Event::Refused { action, .. } if matches!(line.actor, Actor::Os(_)) => {
            let (wanted, here) = asked(*action);
            format!("{who} asks to {wanted} and holds no role that may: if you agree, {here} here.")
        }
        Event::Refused { action, refusal } => {
            let (tried, why) = (spaced(action.as_str()), spaced(refusal.code()));
            format!("{who} tried to {tried} and was refused: {why}.")
        }
        Event::SeveritySet { to } => format!("A playbook has set its severity to {}.", to.as_str()),
        Event::EntitiesAdded {} => "A playbook has found out what else it is about.".to_owned(),
        // A run has a message of its own.
        Event::Triggered { .. } | Event::Run(_) => return None,
        Event::JournalOpened { .. }
        | Event::Started { .. }
        | Event::Configured { .. }
        | Event::Stopped {} => return None,
        Event::Asked { .. } => return None,
    })
}

/// What an account of the machine asks for, and what a person does in its place.
fn asked(action: Action) -> (String, String) {
    let of_a_run = |wanted: &str| (format!("{wanted} a run of it"), format!("{wanted} it"));
    match action {
        Action::PlanRun => ("run a playbook on it".to_owned(), "start it".to_owned()),
        Action::StartRun => of_a_run("start"),
        Action::ApproveRun => of_a_run("approve"),
        Action::DeclineRun => of_a_run("refuse"),
        Action::CancelRun => of_a_run("stop"),
        Action::DecideStep => {
            ("say how a run of it goes on".to_owned(), "press what is right".to_owned())
        }
        other => {
            let wanted = format!("{} it", spaced(other.as_str()));
            (wanted.clone(), wanted)
        }
    }
}

/// A channel as text: by its name, where Slack has told one.
pub(super) fn channel(written: &ChannelRef, directory: &Directory) -> String {
    let is_it = |(_, id): &(&String, &ChannelId)| Some(id.as_str()) == written.id();
    let named = directory.channel_names.iter().find(is_it);
    named.map_or_else(|| written.0.clone(), |(name, _)| format!("#{name}"))
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

fn heard(reach: Reach) -> &'static str {
    match reach {
        Reach::Delivered => "",
        Reach::DoNotDisturb => "; in do-not-disturb, so the next in line is told now",
    }
}

fn sent(how: Sent) -> &'static str {
    match how {
        Sent::Posted | Sent::Adopted => "",
        Sent::PossiblyTwice => ", perhaps twice",
        Sent::Unrecorded => ", while nothing could be recorded",
    }
}

/// The people told, a few by name, and the way.
fn to(told: &event::Told, directory: &Directory) -> String {
    const NAMED: usize = 5;
    let mut names: Vec<String> =
        told.people.iter().take(NAMED).map(|user| words::handle(user, directory)).collect();
    let more = told.people.len().saturating_sub(NAMED);
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let way = match &told.how {
        Way::Thread => "in this thread".to_owned(),
        Way::Dm => "by direct message".to_owned(),
        Way::Channel(channel) if names.is_empty() => return channel.0.clone(),
        Way::Channel(channel) => format!("in {}", channel.0),
    };
    if names.is_empty() { format!("people {way}") } else { format!("{} {way}", names.join(", ")) }
}
