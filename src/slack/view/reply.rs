//! Answers for one pair of eyes: help, the open alerts, one alert, the coverage, and refusals.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Severity, State};
use crate::domain::coverage::{Coverage, Untreated};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::people::Actor;
use crate::domain::time::Timestamp;
use crate::slack::view::kit::{self, Rich};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::{Look, Message, words};

pub use crate::slack::view::refused::refused;

/// So many alerts a list names; the others are counted. Fewer, where their words are too long.
pub const LISTED: usize = 20;
const LISTS: [usize; 3] = [LISTED, 14, 8];
/// So many untreated alerts are named, and of each so many who were told.
pub const UNTREATED: usize = 12;
const TOLD: usize = 3;

/// One row of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListItem {
    pub id: AlertId,
    pub severity: Severity,
    pub state: State,
    /// `None` once it was erased.
    pub title: Option<String>,
    /// The host, user or other thing that it is about first of all.
    pub about: Option<String>,
    pub received_at: Timestamp,
    /// Who acknowledged it; else to whom it is assigned.
    pub with: Option<UserId>,
    pub test: bool,
}

impl From<&Alert> for ListItem {
    fn from(alert: &Alert) -> Self {
        let holder = alert.holder.as_ref().and_then(|mark| match &mark.by {
            Actor::Person(user) => Some(user.clone()),
            Actor::System | Actor::Source(_) | Actor::Os(_) => None,
        });
        let content = alert.content.as_ref();
        Self {
            id: alert.id.clone(),
            severity: alert.severity,
            state: alert.state,
            title: content.map(|content| content.title.clone()),
            about: content.and_then(words::first_entity).map(str::to_owned),
            received_at: alert.received_at,
            with: holder.or_else(|| alert.assignee.clone()),
            test: alert.received.test,
        }
    }
}

/// What I do and what can be asked.
pub fn help() -> Message {
    let buttons = Mrkdwn::words(
        "*On an alert*\n\
         *Acknowledge*: you have it, and nobody else is woken.\n\
         *Resolve…*: say what it was; for some severities with a note.\n\
         *Assign…* (three dots): hand it to someone; they get a direct message.\n\
         *Reopen*: it was not over after all, or you cannot keep it.",
    );
    let commands = Mrkdwn::words(
        "*Commands*\n\
         `/vigie list`: the open alerts, worst first, with their ids\n\
         `/vigie runs`: the playbooks that wait for somebody or go on\n\
         `/vigie show alr_…`: one alert in detail, with its buttons\n\
         `/vigie coverage`: was every alert shown and treated, and who was told\n\
         `/vigie help`: this",
    );
    let small = Mrkdwn::words("Whatever you press or ask is recorded, also what is refused.");
    let blocks = vec![kit::section(&buttons), kit::section(&commands), kit::context(&small)];
    Message::new("How to use Vigie", blocks)
}

/// The alerts that are not resolved, worst first as they are handed in; `total` counts those left out too.
pub fn list(items: &[ListItem], total: u64, look: &Look<'_>) -> Message {
    if items.is_empty() {
        let words = "No open alerts.";
        return Message::new(words, vec![kit::section(&Mrkdwn::words(words))]);
    }
    let total = total.max(items.len() as u64);
    Message::at_most(&LISTS, |most| {
        let shown = &items[..items.len().min(most)];
        let title = words::count(total, "alert is not resolved", "alerts are not resolved");
        let mut rows: Vec<Rich> = shown.iter().map(|item| row(item, look)).collect();
        let more = total - shown.len() as u64;
        if more > 0 {
            rows.push(Rich::line().say(&format!("+{more} more")));
        }
        let mut blocks = vec![kit::section(&Mrkdwn::words("*").name(&title).say("*, worst first"))];
        blocks.extend(kit::rich_text(vec![Rich::rows(rows)]));
        let more = Mrkdwn::words("One in detail, with buttons: `/vigie show alr_…`");
        blocks.push(kit::context(&more));
        Message::new(&title, blocks)
    })
}

fn row(item: &ListItem, look: &Look<'_>) -> Rich {
    let age = words::span(look.now.since(item.received_at));
    let row = name(item.severity, item.test, item.about.as_deref(), item.title.as_deref())
        .say("\n")
        .code(item.id.as_str(), 40)
        .say(&format!(" · {age} · {}", words::state(item.state)));
    match &item.with {
        Some(user) => row.say(", with ").person(user),
        None => row.say(", nobody has it"),
    }
}

/// `🔴 CRITICAL  prod-db-1 · sudo by alice`.
fn name(severity: Severity, test: bool, about: Option<&str>, title: Option<&str>) -> Rich {
    let (sign, word) = words::severity(severity);
    let test = if test { "TEST " } else { "" };
    let row = Rich::line().say(&format!("{sign} ")).bold(&format!("{test}{word}")).say(" ");
    let row = match about {
        Some(about) => row.text(about, 40).say(" · "),
        None => row,
    };
    row.text(title.unwrap_or("(erased)"), 80)
}

/// One alert in detail, with its buttons.
pub fn show(alert: &Alert, look: &Look<'_>) -> Message {
    crate::slack::view::alert::full(alert, look)
}

/// Is every alert accounted for, and which were not treated: the equation, and names.
pub fn coverage(coverage: &Coverage, look: &Look<'_>) -> Message {
    let suppressed: u64 = coverage.suppressed.iter().map(|(_, count)| count).sum();
    let equation = Mrkdwn::words("*")
        .name(coverage.received)
        .say(" received = ")
        .name(coverage.shown)
        .say(" shown + ")
        .name(suppressed)
        .say(" suppressed + ")
        .name(coverage.pending)
        .say(" waiting to be shown*")
        .maybe(
            coverage
                .since
                .map(|since| Mrkdwn::words(", since ").name(words::when(since, look.now, look))),
        )
        .then(rest(coverage));
    let untreated = coverage.untreated_count();
    let title = match untreated {
        0 => Mrkdwn::words("*Every alert was treated.*"),
        some => Mrkdwn::words("*")
            .name(words::count(some, "alert is", "alerts are"))
            .say(" not treated:*"),
    };
    let mut blocks = vec![kit::section(&equation), kit::section(&title)];
    let shown = &coverage.untreated[..coverage.untreated.len().min(UNTREATED)];
    let mut rows: Vec<Rich> = shown.iter().map(|alert| untreated_row(alert, look)).collect();
    let more = untreated - shown.len() as u64;
    if more > 0 {
        rows.push(Rich::line().say(&format!("+{more} more")));
    }
    blocks.extend(kit::rich_text(vec![Rich::rows(rows)]));
    let sum = if coverage.adds_up() { "" } else { "IT DOES NOT ADD UP. " };
    let text = format!(
        "{sum}{} received, {} shown, {untreated} not treated",
        coverage.received, coverage.shown
    );
    Message::new(&text, blocks)
}

/// By which rules alerts were suppressed, how many were tests, and whether the sum holds.
fn rest(coverage: &Coverage) -> Mrkdwn {
    let rules =
        coverage.suppressed.iter().take(8).fold(Mrkdwn::default(), |text, (rule, count)| {
            let rule = match rule.as_str() {
                "resolved_before_seen" => "over before we heard of it".to_owned(),
                other => other.to_owned(),
            };
            text.say("\nSuppressed: ").name(count).say(", ").name(rule)
        });
    let tests = (coverage.tests > 0).then(|| {
        let alerts = words::count(coverage.tests, "test alert", "test alerts");
        Mrkdwn::words("\nNot counted: ").name(alerts)
    });
    let wrong = (!coverage.adds_up()).then(|| {
        Mrkdwn::words("\n⚠️ *This does not add up.* It is a defect of mine: tell whoever runs me.")
    });
    rules.maybe(tests).maybe(wrong)
}

fn untreated_row(alert: &Untreated, look: &Look<'_>) -> Rich {
    let age = words::span(look.now.since(alert.received_at));
    let row = name(alert.severity, false, None, alert.title.as_deref())
        .say("\n")
        .code(alert.alert.as_str(), 40)
        .say(&format!(" · {age} · {} · ", words::state(alert.state)));
    if alert.told.is_empty() {
        return row.say("nobody was told");
    }
    let earlier = alert.told.len().saturating_sub(TOLD);
    let newest = alert.told[earlier..].iter().enumerate();
    let row = newest.fold(row.say("told "), |row, (i, (at, user))| {
        let at = words::when(*at, look.now, look);
        row.say(if i == 0 { "" } else { ", " }).person(user).say(&format!(" {at}"))
    });
    match earlier {
        0 => row,
        more => {
            let times = words::count(more as u64, "time", "times");
            row.say(&format!(", and {times} before"))
        }
    }
}
