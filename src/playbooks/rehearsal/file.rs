//! A file of cases, read strictly: each mistake with its place and the nearest right word, all of a file at once.

use super::shapes::{ANSWER, CASE, FAILS, WORD};
use crate::domain::alert::{Normalised, Severity, Status};
use crate::domain::ids::{SourceName, StepId};
use crate::domain::playbook::Asked;
use crate::domain::playbook::run::RunState;
use crate::domain::playbook::run::event::Choice;
use crate::domain::playbook::scope::About;
use crate::domain::tool::call::{Answered, Called, Failed, Found, Unsure, Why};
use crate::domain::tool::{Action, Catalogue, Uses, Values};
use crate::playbooks::calls;
use crate::yaml::fields::{Fields, flag, named, text, word};
use crate::yaml::problem::suggest;
use crate::yaml::{Node, Problem, Report, Spot, What};
use serde_json::{Map, Value as Json, json};

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    pub at: Spot,
    pub name: String,
    pub about: About,
    pub asked: Asked,
    pub answers: Vec<Cue>,
    pub decide: Vec<Word>,
    /// Every line that it says; `None` where nobody looks.
    pub says: Option<(Spot, Vec<String>)>,
    pub ends: (Spot, RunState),
    pub because: Option<(Spot, String)>,
}

/// What a tool answers when its turn comes.
#[derive(Clone, Debug)]
pub struct Cue {
    pub at: Spot,
    pub uses: Uses,
    /// What it is called with, as far as that is looked at; each value with its place.
    pub with: Vec<(Spot, String, Json)>,
    pub called: Called,
}

/// What somebody says where the run asks.
#[derive(Clone, Debug)]
pub struct Word {
    pub at: Spot,
    pub step: StepId,
    pub choice: Choice,
}

/// So a run can end, or stand still.
const ENDS: [RunState; 5] =
    [RunState::Done, RunState::Failed, RunState::Refused, RunState::Cancelled, RunState::InDoubt];
const WAYS: [&str; 5] = ["out", "found", "already", "fails", "unsure"];

/// Reads the text of a file; `file` stands in messages.
pub fn read((file, text): (&str, &str), catalogue: &Catalogue) -> Result<Vec<Case>, Vec<Problem>> {
    let mut report = Report::new(file, text);
    let cases =
        crate::yaml::parse(text, &mut report).map(|root| cases(&root, catalogue, &mut report));
    let (problems, _) = report.finish();
    match cases {
        Some(cases) if problems.is_empty() => Ok(cases),
        _ => Err(problems),
    }
}

fn cases(root: &Node, catalogue: &Catalogue, report: &mut Report) -> Vec<Case> {
    let What::List(items) = &root.what else {
        let hint = "each begins with a dash: - {name: …, ends: done}".to_owned();
        report.wrong(root.at, "a list of cases is wanted here", hint);
        return Vec::new();
    };
    if items.is_empty() {
        report.wrong(root.at, "there is no case here", None);
    }
    items.iter().filter_map(|item| case(item, catalogue, report)).collect()
}

fn case(node: &Node, catalogue: &Catalogue, report: &mut Report) -> Option<Case> {
    let fields = Fields::read(node, CASE, report)?;
    let name = fields.want("name", report).and_then(|node| text(node, "name", report));
    let source = fields.get("source").and_then(|node| text(node, "source", report));
    let alert = alert(fields.get("alert"), report);
    let ask = fields.get("ask").map(|node| named(node, "ask", report)).unwrap_or_default();
    let asked = ask.into_iter().map(|(name, node)| (name.text.clone(), node.json())).collect();
    let answers = list(&fields, "answers", report);
    let answers = answers.iter().filter_map(|node| cue(node, catalogue, report)).collect();
    let decide = list(&fields, "decide", report);
    let decide = decide.iter().filter_map(|node| decision(node, report)).collect();
    let says = fields.get("says").map(|node| (node.at, list(&fields, "says", report)));
    let says = says.map(|(at, lines)| {
        (
            at,
            lines.iter().filter_map(|node| text(node, "says", report)).map(str::to_owned).collect(),
        )
    });
    let words = ENDS.map(RunState::as_str);
    let ends = fields
        .want("ends", report)
        .and_then(|node| Some((node.at, RunState::parse(word(node, "ends", &words, report)?)?)));
    let because = fields
        .get("because")
        .and_then(|node| Some((node.at, text(node, "because", report)?.to_owned())));
    let source = SourceName::from(source.unwrap_or("test"));
    let about = About { source, alert: alert? };
    Some(Case {
        at: node.at,
        name: name?.to_owned(),
        about,
        asked,
        answers,
        decide,
        says,
        ends: ends?,
        because,
    })
}

fn list<'n>(fields: &Fields<'n>, key: &str, report: &mut Report) -> &'n [Node] {
    match fields.get(key).map(|node| (node.at, &node.what)) {
        Some((_, What::List(items))) => items,
        Some((at, _)) => {
            report.wrong(at, format!("`{key}` wants a list"), None);
            &[]
        }
        None => &[],
    }
}

/// What it leaves out is as it would be of an alert that says nothing.
fn alert(node: Option<&Node>, report: &mut Report) -> Option<Normalised> {
    let mut all = Map::new();
    all.insert("title".to_owned(), json!("An alert"));
    all.insert("severity".to_owned(), json!(Severity::High));
    all.insert("status".to_owned(), json!(Status::Firing));
    all.insert("dedup_key".to_owned(), json!("test"));
    let entries = node.map(|node| named(node, "alert", report)).unwrap_or_default();
    for (key, value) in entries {
        if !Normalised::NAMES.contains(&key.text.as_str()) {
            let message = format!("an alert has no `{}`", key.text);
            report.wrong(key.at, message, suggest(&key.text, &Normalised::NAMES));
            return None;
        }
        all.insert(key.text.clone(), value.json());
        // One by one, so that the mistake has its own place.
        if let Err(why) = serde_json::from_value::<Normalised>(all.clone().into()) {
            report.wrong(value.at, format!("`{}`: {why}", key.text), None);
            return None;
        }
    }
    serde_json::from_value(all.into()).ok()
}

fn cue(node: &Node, catalogue: &Catalogue, report: &mut Report) -> Option<Cue> {
    let fields = Fields::read(node, ANSWER, report)?;
    let named_tools = (catalogue, false);
    let uses = fields.want("uses", report).and_then(|node| calls::uses(node, named_tools, report));
    let (uses, action) = uses?;
    let action = action?;
    let given = fields.get("with").map(|node| named(node, "with", report)).unwrap_or_default();
    let mut with = Vec::new();
    for (name, value) in given {
        if !action.inputs.contains_key(&name.text) {
            let inputs: Vec<&str> = action.inputs.keys().map(String::as_str).collect();
            let message = format!("`{}` is no input of `{}`", name.text, action.name);
            report.wrong(name.at, message, suggest(&name.text, &inputs));
        }
        with.push((value.at, name.text.clone(), value.json()));
    }
    let ways: Vec<_> = WAYS.iter().filter_map(|way| Some((*way, fields.get(way)?))).collect();
    let [(way, value)] = ways.as_slice() else {
        let message = format!("`{uses}` answers in one way: {}", WAYS.join(", "));
        report.wrong(node.at, message, "for example out: {id: abc}".to_owned());
        return None;
    };
    let called = match *way {
        "out" => {
            Called::Answered(Answered { out: out(value, &action, report), ..Answered::default() })
        }
        "found" => Called::Answered(found(value, &action, report)),
        "already" => already(value, report)?,
        "fails" => fails(value, report)?,
        _ => unsure(value, report)?,
    };
    Some(Cue { at: node.at, uses, with, called })
}

/// As its connector declares it: a real answer without an output that is always there would be no good one.
fn out(node: &Node, action: &Action, report: &mut Report) -> Values {
    let mut out = Values::new();
    for (name, value) in named(node, "out", report) {
        let Some(output) = action.outputs.get(&name.text) else {
            let outputs: Vec<&str> = action.outputs.keys().map(String::as_str).collect();
            let message = format!("`{}` gives no `{}`", action.name, name.text);
            report.wrong(name.at, message, suggest(&name.text, &outputs));
            continue;
        };
        let given = value.json();
        if !output.kind.fits(&given) {
            let message = format!("`{}` is {}", name.text, output.kind.article());
            report.wrong(value.at, message, None);
        }
        out.insert(name.text.clone(), given);
    }
    let always = action.outputs.iter().filter(|(_, output)| !output.optional);
    for (name, _) in always.filter(|(name, _)| !out.contains_key(*name)) {
        report.wrong(node.at, format!("`{}` always gives `{name}`", action.name), None);
    }
    out
}

fn found(node: &Node, action: &Action, report: &mut Report) -> Answered {
    if !action.finds {
        let message = format!("`{}` finds nothing: `out` is what it gives", action.name);
        report.wrong(node.at, message, None);
    }
    let What::List(items) = &node.what else {
        report.wrong(node.at, "`found` wants a list", "nothing is []".to_owned());
        return Answered::default();
    };
    let items: Vec<Values> = items.iter().map(|item| out(item, action, report)).collect();
    let first = items.first().cloned().unwrap_or_default();
    let found = Found { count: items.len() as u64, items, more: false };
    Answered { out: first, found: Some(found), already: false }
}

fn already(node: &Node, report: &mut Report) -> Option<Called> {
    if !flag(node, "already", report)? {
        report.wrong(node.at, "`already` is `true`, or it is not there", None);
    }
    Some(Called::Answered(Answered { already: true, ..Answered::default() }))
}

fn fails(node: &Node, report: &mut Report) -> Option<Called> {
    let fields = Fields::read(node, FAILS, report)?;
    let why = fields.want("why", report);
    let why: Why = why.and_then(|node| one_of(node, "why", report))?;
    let message = fields.get("message").and_then(|node| text(node, "message", report));
    let message = message.unwrap_or("the tool said no").to_owned();
    Some(Called::Failed(Failed { why, message, retry_after_ms: None }))
}

fn unsure(node: &Node, report: &mut Report) -> Option<Called> {
    let why: Unsure = one_of(node, "unsure", report)?;
    Some(Called::Unsure { why, message: "no answer came".to_owned() })
}

/// A word of the journal's.
fn one_of<T: serde::de::DeserializeOwned>(
    node: &Node,
    key: &str,
    report: &mut Report,
) -> Option<T> {
    let shape = if key == "why" { FAILS } else { ANSWER };
    let described = shape.keys.iter().find(|described| described.name == key)?;
    let told = if key == "why" { described.says } else { described.takes };
    let right: Vec<&str> = told.split('`').skip(1).step_by(2).collect();
    let said = word(node, key, &right, report)?;
    serde_json::from_value(said.into()).ok()
}

fn decision(node: &Node, report: &mut Report) -> Option<Word> {
    let fields = Fields::read(node, WORD, report)?;
    let step = fields.want("step", report).and_then(|node| text(node, "step", report));
    let choice = fields.want("choice", report).and_then(|node| {
        let said = text(node, "choice", report)?;
        let choice = Choice::parse(said);
        if choice.is_none() {
            let right = ["happened", "again", "abandon", "check", "take=1"];
            report.wrong(node.at, format!("`{said}` is no choice"), suggest(said, &right));
        }
        choice
    });
    Some(Word { at: node.at, step: StepId::from(step?), choice: choice? })
}
