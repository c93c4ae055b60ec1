//! The facts that decide, beside the bar of colour: what it is about, where it comes from, when it was.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::AlertContent;
use crate::slack::view::Look;
use crate::slack::view::clean;
use crate::slack::view::kit::{self, Rich};
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::words;
use serde_json::Value;
use url::Url;

/// How much is shown: a glance in the channel, or all that fits for who asked.
#[derive(Clone, Copy, Debug)]
pub struct Depth {
    /// Hosts, users, addresses; then each other kind.
    first: usize,
    others: usize,
    /// The length of one value, and of the description in characters and lines.
    value: usize,
    description: usize,
    lines: usize,
}

const FULL: Depth = Depth { first: 10, others: 4, value: 60, description: 1200, lines: 30 };
const SHORT: Depth = Depth { first: 5, others: 2, value: 60, description: 700, lines: 12 };
const SHORTER: Depth = Depth { first: 3, others: 1, value: 60, description: 300, lines: 6 };
const SHORTEST: Depth = Depth { first: 1, others: 1, value: 40, description: 100, lines: 3 };
/// For the channel, and for who asked; the next is for an alert that is too long even so.
pub const AT_A_GLANCE: &[Depth] = &[SHORT, SHORTER, SHORTEST];
pub const IN_FULL: &[Depth] = &[FULL, SHORT, SHORTER, SHORTEST];

/// Longer addresses are not linked: a message holds only so much.
const LINK: usize = 1000;
/// Under the header with its sign, word and test mark.
const TITLE_IN_HEADER: usize = 120;

/// Each kind of entity, for one and for several.
const KINDS: [(&str, &str); 9] = [
    ("Host", "Hosts"),
    ("User", "Users"),
    ("IP", "IPs"),
    ("Domain", "Domains"),
    ("URL", "URLs"),
    ("Hash", "Hashes"),
    ("E-mail", "E-mails"),
    ("Resource", "Resources"),
    ("Repository", "Repositories"),
];

/// The attachment with the details.
pub fn attachment(alert: &Alert, look: &Look<'_>, depth: Depth) -> Value {
    let mut blocks = Vec::new();
    blocks.extend(kit::rich_text(vec![rows(alert, look, depth)]));
    if let Some(content) = &alert.content {
        blocks.extend(description(content, depth));
    }
    blocks.extend(note(alert));
    blocks.push(kit::context(&small_print(alert)));
    kit::attachment(words::color(alert), &format!("Details of {}", alert.id), &blocks)
}

fn rows(alert: &Alert, look: &Look<'_>, depth: Depth) -> Rich {
    let mut rows = Vec::new();
    match &alert.content {
        Some(content) => {
            rows.extend(long_title(content));
            rows.extend(entities(content, depth));
            rows.extend(content.rule.as_ref().map(|r| Rich::line().bold("Rule ").text(r, 150)));
            rows.extend(mitre(content));
        }
        None => rows.push(Rich::line().text("What it said was erased.", 60)),
    }
    rows.push(origin(alert));
    rows.push(times(alert, look));
    rows.extend(alert.content.as_ref().and_then(|content| way_back(content, alert)));
    Rich::rows(rows)
}

/// The whole title, where the header had to cut it.
fn long_title(content: &AlertContent) -> Option<Rich> {
    (clean::weight(&content.title) > TITLE_IN_HEADER)
        .then(|| Rich::line().bold("Title ").text(&content.title, 400))
}

fn entities(content: &AlertContent, depth: Depth) -> Vec<Rich> {
    let kinds = content.entities.kinds().into_iter().zip(KINDS).enumerate();
    kinds
        .filter(|(_, ((_, values), _))| !values.is_empty())
        .map(|(index, ((_, values), (one, many)))| {
            let shown = if index < 3 { depth.first } else { depth.others };
            let label = if values.len() == 1 { one } else { many };
            list(label, values, shown, depth.value)
        })
        .collect()
}

/// A label and its values, each as code; what is left out is counted.
fn list(label: &str, values: &[String], shown: usize, length: usize) -> Rich {
    let row = Rich::line().bold(label);
    let row = values.iter().take(shown).fold(row, |row, value| row.say(" ").code(value, length));
    match values.len().saturating_sub(shown) {
        0 => row,
        more => row.say(&format!(" +{more} more")),
    }
}

fn mitre(content: &AlertContent) -> Option<Rich> {
    let both: Vec<&str> =
        [&content.tactic, &content.technique].into_iter().flatten().map(String::as_str).collect();
    (!both.is_empty()).then(|| Rich::line().bold("MITRE ").text(&both.join(" · "), 150))
}

fn origin(alert: &Alert) -> Rich {
    let row = Rich::line().bold("Source ").text(alert.received.source.as_str(), 60);
    match alert.content.as_ref().and_then(|content| content.source_id.as_ref()) {
        Some(id) => row.say(" · its id ").code(id, 60),
        None => row,
    }
}

fn times(alert: &Alert, look: &Look<'_>) -> Rich {
    let zoned = alert.received_at.instant().to_zoned(look.zone.clone());
    let received = zoned.strftime("%Y-%m-%d %H:%M %Z").to_string();
    let row = Rich::line().bold("Received ").say(&received);
    let Some(occurred) = alert.received.occurred_at else { return row };
    let at = words::when(occurred, alert.received_at, look);
    let apart = match occurred <= alert.received_at {
        true => format!("{} before", words::span(alert.received_at.since(occurred))),
        false => format!("{} ahead of our clock", words::span(occurred.since(alert.received_at))),
    };
    row.say(&format!(" · occurred {at}, {apart}"))
}

/// The way back to the product: a link where the address is a plain web address, else its text.
fn way_back(content: &AlertContent, alert: &Alert) -> Option<Rich> {
    let written = content.url.as_deref().filter(|text| !text.trim().is_empty())?;
    let source = words::source(&alert.received.source);
    Some(match web_address(written) {
        Some(url) => {
            let host = url.host_str().unwrap_or_default().to_owned();
            Rich::line().link(&url, &format!("Open in {source} ({host})"))
        }
        None => Rich::line().bold("Link ").code(written, 150).say(" (not a plain web address)"),
    })
}

/// An address that may be linked: http or https, with a host, without a password or a name that would pass for a host.
pub fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none();
    (plain && url.as_str().len() <= LINK).then_some(url)
}

fn description(content: &AlertContent, depth: Depth) -> Option<Value> {
    let text = content.description.as_deref().filter(|text| !text.trim().is_empty())?;
    let fitted = clean::fit(text, depth.description, clean::Shape::Lines);
    let mut lines = fitted.lines();
    let mut shown = lines.by_ref().take(depth.lines).collect::<Vec<_>>().join("\n");
    if lines.next().is_some() {
        shown.push_str("\n…");
    }
    kit::rich_text(vec![Rich::line().lines(&shown, depth.description + 2)])
}

/// What who resolved it wrote.
fn note(alert: &Alert) -> Option<Value> {
    let note = alert.resolved.as_ref()?.note.as_ref()?;
    kit::rich_text(vec![Rich::line().bold("Note"), Rich::quote().lines(note, 500)])
}

fn small_print(alert: &Alert) -> Mrkdwn {
    let received = &alert.received;
    let test = received.test.then(|| Mrkdwn::words(" · *test alert*, not counted in reports"));
    let team = received.team.as_ref().map(|team| Mrkdwn::words(" · team ").name(team));
    let reopened = (alert.life > 0).then(|| {
        let times = words::count(alert.life.into(), "time", "times");
        Mrkdwn::words(" · reopened ").name(times)
    });
    let earlier = received.previous.as_ref().map(|id| Mrkdwn::words(" · came before as ").code(id));
    Mrkdwn::default().code(&alert.id).maybe(test).maybe(team).maybe(reopened).maybe(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_web_address_is_linked() {
        for good in ["https://kibana.example.com/a?b=c|d>#e", " HTTP://10.0.0.1:5601/x "] {
            let url = web_address(good).expect(good);
            assert!(url.as_str().is_ascii());
        }
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "slack://open",
            "https://okta.com@evil.example",
            "https://a:b@evil.example",
            "https://",
            "kibana.example.com",
            "",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
        assert_eq!(web_address(&format!("https://a.example/{}", "x".repeat(LINK))), None);
        let greek = web_address("https://οkta.com/").expect("an address");
        assert_eq!(greek.host_str(), Some("xn--kta-8yc.com"));
    }
}
