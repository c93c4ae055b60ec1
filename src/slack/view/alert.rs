//! The one message that an alert is: what it is and how bad, where it stands, what can be done, and the facts that decide.

use crate::domain::alert::lifecycle::Alert;
use crate::slack::view::facts::{self, Depth};
use crate::slack::view::words::Naming;
use crate::slack::view::{Look, Message, kit, place, status, words};
use serde_json::Value;

/// The alert's message in its channel, brought up to date.
pub fn message(alert: &Alert, look: &Look<'_>) -> Message {
    render(alert, facts::AT_A_GLANCE, Naming::Mention, look)
}

/// The same as it is posted: where it comes late, somebody may have it already, and is not to be rung.
pub fn post(alert: &Alert, look: &Look<'_>) -> Message {
    render(alert, facts::AT_A_GLANCE, Naming::Handle, look)
}

/// The same with more of its facts, for who asked for it.
pub fn full(alert: &Alert, look: &Look<'_>) -> Message {
    render(alert, facts::IN_FULL, Naming::Mention, look)
}

fn render(alert: &Alert, depths: &[Depth], naming: Naming, look: &Look<'_>) -> Message {
    let mut blocks = vec![header(alert), kit::section(&status::line(alert, naming, look))];
    blocks.extend(place::line(alert).map(|line| kit::section(&line)));
    blocks.extend(status::buttons(alert, look));
    blocks.extend(status::playbooks(alert, look));
    Message::at_most(depths, |depth| {
        Message::new(&words::headline(alert), blocks.clone())
            .with_details(facts::attachment(alert, look, depth))
    })
}

/// `🔴 CRITICAL · sudo by alice`: title and buttons stand above, for phones fold what is beside a bar of colour.
pub fn header(alert: &Alert) -> Value {
    let (sign, word) = words::severity(alert.severity);
    let test = if alert.received.test { "TEST · " } else { "" };
    kit::header(&format!("{sign} {test}{word} · {}", words::title(alert)))
}
