//! `escalations`: who hears of an alert that nobody acknowledges, how and when.

use super::routes::channel;
use super::whom::{self, Known};
use crate::domain::alert::escalation::{Acknowledge, Hours, Ladder, Repeat, Rung};
use crate::domain::event::Way;
use crate::domain::ids::EscalationName;
use crate::domain::policy::Whom;
use crate::yaml::fields::{Fields, Shape, duration, key, named, number, word};
use crate::yaml::problem::{Report, Spot};
use crate::yaml::{Node, What};
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) const ESCALATION: Shape = Shape {
    name: "an escalation",
    keys: &[
        key(
            "acknowledge",
            "word",
            "`one`",
            "Whose acknowledgement ends it: `one` person's. `each` member's of the team comes with a later release; `check` says so.",
        ),
        key("ladder", "rungs", "", "Who is told, and when."),
        key(
            "repeat",
            "map",
            "`last: 1h, times: 24`",
            "How often the last rung comes again. Then the lead hears of it daily: it never ends in silence.",
        ),
        key(
            "hours",
            "word",
            "`always`",
            "When it climbs. `business` comes with a later release; `check` says so.",
        ),
    ],
    later: &["remind"],
};
pub(super) const RUNG: Shape = Shape {
    name: "a rung",
    keys: &[
        key(
            "after",
            "duration",
            "",
            "Counts from the moment the alert was received; the rungs' order is that of `after`.",
        ),
        key("dm", "whom", "", "These people, by direct message."),
        key("thread", "whom", "", "These people, by a mention in the alert's thread."),
        key("channel", "channel", "", "Another channel."),
    ],
    later: &["page"],
};
pub(super) const REPEAT: Shape = Shape {
    name: "`repeat`",
    keys: &[
        key("last", "duration", "`1h`", "The last rung comes again after so long."),
        key("times", "number", "`24`", "So often."),
        key(
            "then",
            "word",
            "`daily_to_lead`",
            "What comes after that: the lead hears of it daily.",
        ),
    ],
    later: &[],
};
/// Repeating faster than this would only fill the channel.
const SHORTEST_REPEAT: Duration = Duration::from_secs(1);

/// Reads `escalations`; `standard` is added where the file does not change it.
pub(super) fn read(
    node: Option<&Node>,
    known: Known<'_>,
    report: &mut Report,
) -> BTreeMap<EscalationName, Ladder> {
    let mut ladders = BTreeMap::from([(Ladder::STANDARD.into(), Ladder::standard())]);
    for (key, node) in node.map(|node| named(node, "escalations", report)).unwrap_or_default() {
        let Some(fields) = Fields::read(node, ESCALATION, report) else { continue };
        let ladder = Ladder {
            acknowledge: acknowledge(&fields, report),
            rungs: rungs(&fields, known, report),
            repeat: fields.get("repeat").map(|node| repeat(node, report)).unwrap_or_default(),
            hours: hours(&fields, report),
        };
        ladders.insert(key.text.as_str().into(), ladder);
    }
    ladders
}

fn acknowledge(fields: &Fields<'_>, report: &mut Report) -> Acknowledge {
    let said = fields.get("acknowledge");
    if let Some(node) = said
        && word(node, "acknowledge", &["one", "each"], report) == Some("each")
    {
        let message =
            "`acknowledge: each` is not supported yet: one acknowledgement stops the ladder";
        report.warn(node.at, message, None);
    }
    Acknowledge::One
}

fn hours(fields: &Fields<'_>, report: &mut Report) -> Hours {
    if let Some(node) = fields.get("hours")
        && word(node, "hours", &["always", "business"], report) == Some("business")
    {
        let message = "`hours: business` is not supported yet: people are told at any hour";
        report.warn(node.at, message, None);
    }
    Hours::Always
}

fn rungs(fields: &Fields<'_>, known: Known<'_>, report: &mut Report) -> Vec<Rung> {
    let Some(node) = fields.want("ladder", report) else { return Vec::new() };
    let What::List(items) = &node.what else {
        let hint = "each rung begins with a dash: - {after: 5m, dm: on_call}";
        report.wrong(node.at, "`ladder` wants a list", hint.to_owned());
        return Vec::new();
    };
    if items.is_empty() {
        let message = "`ladder` has no rung: whoever has not acknowledged would never hear of it";
        report.wrong(node.at, message, "- {after: 5m, dm: on_call}".to_owned());
    }
    let mut rungs = Vec::new();
    for item in items {
        rungs.extend(rung(item, known, report));
    }
    rungs.sort_by_key(|(after, _)| *after);
    let mut numbered = Vec::new();
    for ((after, ways), level) in rungs.into_iter().zip(1..) {
        numbered.extend(ways.into_iter().map(|(how, whom)| Rung::new(level, after, how, whom)));
    }
    numbered
}

/// In which ways a rung tells, and whom.
type Ways = Vec<(Way, Vec<Whom>)>;

/// One rung of the file, which may hold several ways.
fn rung(node: &Node, known: Known<'_>, report: &mut Report) -> Option<(Duration, Ways)> {
    let fields = Fields::read(node, RUNG, report)?;
    let after = fields.want("after", report).and_then(|node| duration(node, "after", report));
    let mut ways = Vec::new();
    // Direct messages first: who gets one is not mentioned by the same rung.
    for (key, how) in [("dm", Way::Dm), ("thread", Way::Thread)] {
        if let Some(node) = fields.get(key) {
            ways.push((how, whom::read(node, key, (whom::ANYBODY, known), report)));
        }
    }
    if let Some(node) = fields.get("channel")
        && let Some(channel) = channel(node, "channel", report)
    {
        ways.push((Way::Channel(channel), Vec::new()));
    }
    if ["thread", "dm", "channel"].iter().all(|key| fields.get(key).is_none()) {
        no_way(node, fields.at, report);
    }
    after.map(|after| (after, ways))
}

fn no_way(node: &Node, at: Spot, report: &mut Report) {
    let hint = "say dm: WHOM, thread: WHOM or channel: \"#name\"".to_owned();
    let message = if node.get("page").is_some() {
        "this rung only pages, which is not supported yet: nobody would be told"
    } else {
        "this rung tells nobody"
    };
    report.wrong(at, message, hint);
}

fn repeat(node: &Node, report: &mut Report) -> Repeat {
    let mut repeat = Repeat::default();
    let Some(fields) = Fields::read(node, REPEAT, report) else { return repeat };
    if let Some(node) = fields.get("last")
        && let Some(every) = duration(node, "last", report)
    {
        if every < SHORTEST_REPEAT {
            report.wrong(
                node.at,
                "`last` is how often the last rung is repeated: at least 1s",
                None,
            );
        }
        repeat.every = every.max(SHORTEST_REPEAT);
    }
    if let Some(node) = fields.get("times") {
        repeat.times = number(node, "times", report).unwrap_or(repeat.times);
    }
    if let Some(node) = fields.get("then") {
        word(node, "then", &["daily_to_lead"], report);
    }
    repeat
}
