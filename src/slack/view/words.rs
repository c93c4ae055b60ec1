//! The words for times, people and states, the same wherever they stand.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Disposition, Severity, State};
use crate::domain::ids::{SourceName, UserId};
use crate::domain::people::{Actor, Directory};
use crate::domain::time::Timestamp;
use crate::slack::view::Look;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::size;
use crate::slack::view::mrkdwn::Mrkdwn;
use std::time::Duration;

/// A severity's sign and word; the word is always there, for who sees no colours.
pub fn severity(severity: Severity) -> (&'static str, &'static str) {
    match severity {
        Severity::Critical => ("🔴", "CRITICAL"),
        Severity::High => ("🟠", "HIGH"),
        Severity::Medium => ("🟡", "MEDIUM"),
        Severity::Low => ("🔵", "LOW"),
        Severity::Info => ("⚪", "INFO"),
    }
}

/// The colour of the bar beside the details; grey once it is over.
pub fn color(alert: &Alert) -> &'static str {
    match (alert.state, alert.severity) {
        (State::Resolved, _) => "#868E96",
        (_, Severity::Critical) => "#C92A2A",
        (_, Severity::High) => "#E8590C",
        (_, Severity::Medium) => "#F2B600",
        (_, Severity::Low) => "#1C7ED6",
        (_, Severity::Info) => "#ADB5BD",
    }
}

/// A state, as a word within a line.
pub fn state(state: State) -> &'static str {
    match state {
        State::Open => "open",
        State::Acknowledged => "acknowledged",
        State::Resolved => "resolved",
    }
}

/// A disposition, as it is chosen, and what it means.
pub fn disposition(disposition: Disposition) -> (&'static str, &'static str) {
    match disposition {
        Disposition::TruePositive => ("True positive", "A real threat"),
        Disposition::FalsePositive => ("False positive", "It did not happen: the rule was wrong"),
        Disposition::BenignTruePositive => {
            ("Benign true positive", "It happened, and it was allowed")
        }
        Disposition::Duplicate => ("Duplicate", "Another alert stands for it"),
        Disposition::Test => ("Test", "A drill, or a test of the rule"),
    }
}

/// The same within a sentence: `false positive`.
pub fn disposed(which: Disposition) -> String {
    disposition(which).0.to_lowercase()
}

/// A duration in its two greatest units: `40 s`, `3 min`, `2 h 5 min`, `3 d 4 h`.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: u64, unit: &str, small: u64, lesser: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {lesser}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..172_800 => two(hours, "h", minutes % 60, "min"),
        _ => two(days, "d", hours % 24, "h"),
    }
}

/// A moment beside another that the reader has in view: the hour alone on the same day, else with the date.
pub fn when(at: Timestamp, beside: Timestamp, look: &Look<'_>) -> String {
    let full = at.date_in(look.zone);
    let day = |text: &str| text.split(' ').next().map(str::to_owned);
    match day(&full) == day(&beside.date_in(look.zone)) {
        true => at.clock_in(look.zone),
        false => full,
    }
}

/// How people are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// With a mention: where it rings nobody, for the message is edited, or seen by one person only.
    Mention,
    /// By handle: in a post to a channel, which would ring whoever is mentioned.
    Handle,
}

/// A person, as they are named here.
pub fn person(user: &UserId, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    match naming {
        Naming::Mention => Mrkdwn::default().person(user),
        Naming::Handle => Mrkdwn::default().name(handle(user, look.directory)),
    }
}

/// Who did it.
pub fn by(actor: &Actor, naming: Naming, look: &Look<'_>) -> Mrkdwn {
    let none = Mrkdwn::default();
    match actor {
        Actor::Person(user) => person(user, naming, look),
        Actor::System => none.say("Vigie"),
        Actor::Source(name) => none.say("the source ").name(name),
        Actor::Os(name) => none.name(name).say(" (on the server)"),
    }
}

/// Who did it, without a mention: for lines that are posted, which would ring.
pub fn named(actor: &Actor, directory: &Directory) -> String {
    match actor {
        Actor::Person(user) => handle(user, directory),
        Actor::System => "Vigie".to_owned(),
        Actor::Source(name) => format!("the source {name}"),
        Actor::Os(name) => format!("{name} (on the server)"),
    }
}

/// A person as text: `@alice`, or the id of whom Slack has not told us.
pub fn handle(user: &UserId, directory: &Directory) -> String {
    match directory.people.get(user) {
        Some(person) if !person.name.is_empty() => format!("@{}", person.name),
        _ => user.to_string(),
    }
}

/// A source's name at the end of a line: `Elastic`.
pub fn source(name: &SourceName) -> String {
    let mut letters = name.as_str().chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// The alert's title; it may have been erased.
pub fn title(alert: &Alert) -> &str {
    alert.content.as_ref().map_or("(erased)", |content| content.title.as_str())
}

/// One line that says it all, for a lock screen: `CRITICAL · prod-db-1 · sudo by alice · Elastic`. Not escaped.
pub fn headline(alert: &Alert) -> String {
    let test = if alert.received.test { "TEST · " } else { "" };
    let subject = alert.content.as_ref().and_then(first_entity);
    let subject = subject.map(|s| fit(s, 60, Shape::Line) + " · ").unwrap_or_default();
    let title = fit(title(alert), 120, Shape::Line);
    let source = fit(&source(&alert.received.source), 40, Shape::Line);
    let line = format!("{test}{} · {subject}{title} · {source}", severity(alert.severity).1);
    fit(&line, size::FALLBACK, Shape::Line)
}

/// What it is about: the first host, else the first user, else whatever it names.
pub fn first_entity(content: &crate::domain::event::AlertContent) -> Option<&str> {
    content.entities.kinds().into_iter().find_map(|(_, values)| values.first()).map(String::as_str)
}

/// `1 alert`, `2 alerts`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_their_two_greatest_units() {
        for (seconds, words) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h"),
            (7500, "2 h 5 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 d"),
            (273_600, "3 d 4 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), words);
        }
    }
}
