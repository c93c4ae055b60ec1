//! `vigie coverage`: received = shown + suppressed + pending, and every alert that was not treated.

use super::{Exit, Format, answer};
use crate::domain::coverage::{Coverage, Untreated};
use crate::domain::time::Timestamp;
use crate::store::{Reader, queries};
use std::fmt::Write as _;
use std::path::Path;

/// Prints the equation since a moment (or ever): 0 every alert was treated, 1 one was not.
pub fn run(database: &Path, since: Option<Timestamp>, format: Format) -> anyhow::Result<Exit> {
    let reader = Reader::of(database)?;
    let coverage = reader.read(|connection| queries::coverage(connection, since, usize::MAX))?;
    match format {
        Format::Text => answer(words(&coverage).trim_end())?,
        Format::Json => answer(serde_json::to_string_pretty(&coverage)?)?,
    }
    let good = coverage.untreated.is_empty() && coverage.adds_up();
    Ok(if good { Exit::Good } else { Exit::No })
}

fn words(coverage: &Coverage) -> String {
    let suppressed: u64 = coverage.suppressed.iter().map(|(_, count)| count).sum();
    let sign = if coverage.adds_up() { "=" } else { "IS NOT" };
    let mut text = format!(
        "received {} {sign} shown {} + suppressed {suppressed} + pending {}\n",
        coverage.received, coverage.shown, coverage.pending
    );
    for (rule, count) in &coverage.suppressed {
        let _ = writeln!(text, "  suppressed by {rule}: {count}");
    }
    if coverage.tests > 0 {
        let _ = writeln!(text, "  test alerts, not counted: {}", coverage.tests);
    }
    if coverage.untreated.is_empty() {
        text.push_str("every alert was treated\n");
    } else {
        let _ = writeln!(text, "not treated: {}", coverage.untreated.len());
    }
    for alert in &coverage.untreated {
        untreated(&mut text, alert);
    }
    text
}

fn untreated(text: &mut String, alert: &Untreated) {
    let title = alert.title.as_deref().unwrap_or("(erased)");
    // A terminal obeys control characters: an alert's title may hold some.
    let title: String = title.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let _ = writeln!(
        text,
        "  {}  {:8} {:12} {}  {title}",
        alert.alert,
        alert.severity.as_str(),
        alert.state.as_str(),
        alert.received_at
    );
    match alert.told.as_slice() {
        [] => text.push_str("      nobody was told beside the channel\n"),
        told => {
            for (at, who) in told {
                let _ = writeln!(text, "      {who} was told at {at}");
            }
        }
    }
}
