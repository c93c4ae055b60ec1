//! One playbook file: from its text to a playbook that can be trusted, or everything that is wrong with it.

use super::names::Names;
use super::shapes::{APPROVE, PLAYBOOK};
use super::steps::{self, Reader};
use super::values::expression;
use super::{Known, asks};
use crate::domain::alert::dedup::hex;
use crate::domain::ids::{PlaybookName, RoleName};
use crate::domain::playbook::{Approve, Ask, Playbook, Step, Trigger, What};
use crate::domain::tool::{Catalogue, Risk};
use crate::yaml::fields::{Fields, duration, number, several, text, word};
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Problem, Report, Spot};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// What starts a playbook in a later release.
const LATER: [&str; 7] =
    ["acknowledged", "resolved", "reopened", "escalated", "schedule", "command", "shortcut"];
/// How long an approval may take where nobody said.
const WITHIN: Duration = Duration::from_secs(15 * 60);
/// All of a file.
const WHOLE: Spot = Spot { line: 1, column: 1, width: u64::MAX };

/// A playbook that can be used, and what should be known of it.
#[derive(Clone, Debug)]
pub struct Checked {
    pub playbook: Playbook,
    pub warnings: Vec<Problem>,
}

/// What a file is read against.
#[derive(Clone, Copy)]
struct Reading<'a> {
    known: Known<'a>,
    /// It was right when it was written: a tool of it that is no more is not told of.
    remembered: bool,
}

/// Reads a text that was right once. A tool that is no more, or another by now, is to be left out of `catalogue`: its calls
/// stand, and whoever would make one finds that out.
pub fn recall(name: &str, text: &str, catalogue: &Catalogue) -> Option<Playbook> {
    let mut report = Report::new("", text);
    let root = crate::yaml::parse(text, &mut report)?;
    let reading = Reading { known: Known { catalogue, roles: None }, remembered: true };
    let playbook = read(&root, (name, text), reading, &mut report)?;
    report.finish().0.is_empty().then_some(playbook)
}

/// Reads the text of a file; `file` stands in messages, and its stem is the playbook's name.
pub fn check(file: &str, text: &str, known: Known<'_>) -> Result<Checked, Vec<Problem>> {
    let mut report = Report::new(file, text);
    let stem = std::path::Path::new(file).file_stem().unwrap_or_default().to_string_lossy();
    let playbook = crate::yaml::parse(text, &mut report).and_then(|root| {
        read(&root, (&stem, text), Reading { known, remembered: false }, &mut report)
    });
    let (problems, warnings) = report.finish();
    match playbook {
        Some(playbook) if problems.is_empty() => Ok(Checked { playbook, warnings }),
        _ => Err(problems),
    }
}

fn read(
    root: &Node,
    (name, written): (&str, &str),
    reading: Reading<'_>,
    report: &mut Report,
) -> Option<Playbook> {
    let known = reading.known;
    let fields = Fields::read(root, PLAYBOOK, report)?;
    is_button_value(name, report);
    let title = fields.want("title", report).and_then(|node| text(node, "title", report));
    let description = fields.get("description").and_then(|node| text(node, "description", report));
    let on = fields.get("on").and_then(|node| trigger(node, report)).unwrap_or(Trigger::Button);
    let before = Names::default();
    let when = fields.get("when").and_then(|node| expression(node, "when", &before, report));
    let who = fields.get("who").map(|node| roles(node, known, report)).unwrap_or_default();
    let approve = fields.get("approve").and_then(|node| approve(node, known, report));
    let ask = fields.get("ask").map(|node| asks::read(node, report)).unwrap_or_default();
    let [steps, on_failure, always] = sections(root, &fields, &ask, (reading, report));
    let playbook = Playbook {
        name: PlaybookName::from(name),
        hash: hex(&Sha256::digest(written)),
        text: written.into(),
        title: title?.to_owned(),
        description: description.map(str::to_owned),
        on,
        when,
        who,
        approve,
        ask,
        steps,
        on_failure,
        always,
    };
    nobody_answers(&playbook, &fields, report);
    nobody_approves(&playbook, known, report);
    Some(playbook)
}

/// It stands in a button's value and in a command line.
fn is_button_value(name: &str, report: &mut Report) {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() || name.len() > 60 || !name.bytes().all(fits) {
        let hint = "small letters, digits and `-`, at most 60: isolate-host.yaml".to_owned();
        report.lacks(format!("`{name}` can be no playbook's name"), hint);
    }
}

fn trigger(node: &Node, report: &mut Report) -> Option<Trigger> {
    if let crate::yaml::What::Text(said) = &node.what
        && LATER.contains(&said.as_str())
    {
        report.wrong(
            node.at,
            format!("`on: {said}` comes with a later release"),
            "now it can be `button` or `alert`".to_owned(),
        );
        return None;
    }
    match word(node, "on", &["button", "alert"], report)? {
        "alert" => Some(Trigger::Alert),
        _ => Some(Trigger::Button),
    }
}

fn roles(node: &Node, known: Known<'_>, report: &mut Report) -> Vec<RoleName> {
    several(node).into_iter().filter_map(|node| role(node, "who", known, report)).collect()
}

fn role(node: &Node, key: &str, known: Known<'_>, report: &mut Report) -> Option<RoleName> {
    let said = text(node, key, report)?;
    let role = RoleName::from(said);
    if let Some(roles) = known.roles
        && !roles.contains(&role)
    {
        let right: Vec<&str> = roles.iter().map(RoleName::as_str).collect();
        let hint = suggest(said, &right);
        report.wrong(node.at, format!("there is no role `{said}` in vigie.yaml"), hint);
    }
    Some(role)
}

fn approve(node: &Node, known: Known<'_>, report: &mut Report) -> Option<Approve> {
    let fields = Fields::read(node, APPROVE, report)?;
    let by = fields.want("by", report).and_then(|node| role(node, "by", known, report));
    let quorum = fields.get("quorum").map(|node| (node.at, number(node, "quorum", report)));
    let quorum = match quorum {
        Some((at, Some(0))) => {
            report.wrong(at, "`quorum` is at least 1", None);
            1
        }
        Some((_, quorum)) => quorum.unwrap_or(1),
        None => 1,
    };
    let within = fields.get("within").and_then(|node| duration(node, "within", report));
    Some(Approve { by: by?, quorum, within: within.unwrap_or(WITHIN) })
}

/// The steps, those of a failure, and those of the end: the later ones see what the first may have given.
fn sections(
    root: &Node,
    fields: &Fields<'_>,
    asks: &[Ask],
    (reading, report): (Reading<'_>, &mut Report),
) -> [Vec<Step>; 3] {
    let keys = ["steps", "on_failure", "always"];
    let names = Names {
        asks: Some(asks::names(root.get("ask"), asks)),
        all: steps::ids(&keys.map(|key| (key, root.get(key)))),
        remembered: reading.remembered,
        ..Names::default()
    };
    fields.want("steps", report);
    let mut reader = Reader::new(reading.known.catalogue, names, report);
    keys.map(|key| {
        reader.names.error = key == "on_failure";
        fields.get(key).map(|node| reader.section(key, node)).unwrap_or_default()
    })
}

/// A new alert has nobody at hand who could answer.
fn nobody_answers(playbook: &Playbook, fields: &Fields<'_>, report: &mut Report) {
    let required = playbook.ask.iter().any(|ask| ask.required);
    if let (Trigger::Alert, true, Some(node)) = (playbook.on, required, fields.get("ask")) {
        let hint = "read it from `alert`, or let somebody start it: on: button".to_owned();
        report.wrong(node.at, "`on: alert` has nobody to ask", hint);
    }
}

fn nobody_approves(playbook: &Playbook, known: Known<'_>, report: &mut Report) {
    if playbook.approve.is_some() {
        return;
    }
    let destructive = playbook.all_steps().find_map(|step| match &step.what {
        What::Use(call) => {
            let (_, action) = known.catalogue.find(&call.uses)?;
            (action.risk == Risk::Destructive).then_some(&call.uses)
        }
        What::Say(_) | What::Alert(_) => None,
    });
    let Some(uses) = destructive else { return };
    let message = format!("`{uses}` is destructive, and nobody approves it");
    let hint = "approve: {by: lead, within: 15m}".to_owned();
    let spot = report.within(WHOLE, &uses.to_string());
    report.warn(spot, message, hint);
}
