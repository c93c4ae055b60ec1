//! Which names an expression may read at one point of a playbook. One that is mistyped would be missing at the worst moment.

use crate::domain::alert::{Entities, Normalised};
use crate::domain::playbook::expr::{Expr, FUNCTIONS};
use crate::domain::tool::{Action, Kind};
use crate::yaml::problem::suggest;
use crate::yaml::{Report, Spot};
use std::sync::Arc;

/// What `run` has.
const RUN: [&str; 4] = ["id", "playbook", "started_by", "alert"];
const ERROR: [&str; 2] = ["message", "step"];
/// The names that a `let` may not take.
pub(super) const OURS: [&str; 7] = ["alert", "source", "ask", "steps", "item", "error", "run"];

/// What may be read here.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// `None` before anything is asked.
    pub asks: Option<Vec<(String, Kind)>>,
    /// The steps before this one.
    pub done: Vec<(String, Gives)>,
    /// Each step of the file, also those to come.
    pub all: Vec<String>,
    pub lets: Vec<String>,
    pub item: bool,
    pub error: bool,
    /// The text was right once: a tool that is no more is not told of.
    pub remembered: bool,
}

/// What a step gives.
#[derive(Clone, Debug)]
pub(super) enum Gives {
    Nothing,
    /// What its action is, nobody knows: that was told already.
    Unknown,
    One(Arc<Action>),
    /// A list of what each item gave.
    Each,
}

/// Why a name cannot be read, and what to do about it.
type Wrong = (String, Option<String>);

impl Names {
    /// Tells each name of an expression that does not exist here.
    pub fn check(&self, expr: &Expr, at: Spot, report: &mut Report) {
        for path in expr.names() {
            if let Err((message, hint)) = self.kind_of(path) {
                let spot = report.within(at, path);
                report.wrong(spot, message, hint);
            }
        }
    }

    /// What sort of value an expression has, where it is a name and nothing else.
    pub fn kind(&self, expr: &Expr) -> Option<Kind> {
        let text = expr.text().trim();
        let names = expr.names();
        (names == [text]).then(|| self.kind_of(text).ok().flatten()).flatten()
    }

    fn kind_of(&self, path: &str) -> Result<Option<Kind>, Wrong> {
        let parts: Vec<&str> = path.split('.').collect();
        let (root, rest) = parts.split_first().expect("a split text has a first part");
        match (*root, rest) {
            ("alert", rest) => alert(rest),
            ("source", _) => Ok(Some(Kind::String)),
            ("ask", rest) => self.ask(rest),
            ("steps", rest) => self.steps(rest),
            ("item", _) if self.item => Ok(None),
            ("item", _) => Err(("`item` is known in a step with `for_each` only".to_owned(), None)),
            ("error", rest) if self.error => one_of("`error`", rest, &ERROR),
            ("error", _) => Err(("`error` is known in `on_failure` only".to_owned(), None)),
            ("run", rest) if self.asks.is_some() => one_of("`run`", rest, &RUN),
            (root, _) if self.lets.iter().any(|name| name == root) => Ok(None),
            (root, []) if FUNCTIONS.contains(&root) => Ok(None),
            (root, _) => Err(self.unknown(root)),
        }
    }

    fn ask(&self, rest: &[&str]) -> Result<Option<Kind>, Wrong> {
        let Some(asks) = &self.asks else {
            return Err(("`ask` is not known here: nothing has been asked yet".to_owned(), None));
        };
        let Some(name) = rest.first() else { return Ok(Some(Kind::Map)) };
        let names: Vec<&str> = asks.iter().map(|(name, _)| name.as_str()).collect();
        match asks.iter().find(|(known, _)| known == name) {
            Some((_, kind)) => Ok(Some(*kind)),
            None if names.is_empty() => Err((
                format!("nothing is asked: there is no `ask.{name}`"),
                Some(format!("add it: ask: {{{name}: {{text: …}}}}")),
            )),
            None => {
                Err((format!("nothing is asked by the name `{name}`"), near("ask.", name, &names)))
            }
        }
    }

    fn steps(&self, rest: &[&str]) -> Result<Option<Kind>, Wrong> {
        let [id, inner @ ..] = rest else {
            let hint = "write steps.ID and what it gives: steps.find.id".to_owned();
            return Err(("`steps` alone says nothing".to_owned(), Some(hint)));
        };
        match self.done.iter().rev().find(|(known, _)| known == id) {
            Some((_, gives)) => gives.kind(id, inner),
            None if self.all.iter().any(|known| known == id) => Err((
                format!("the step `{id}` comes later: a step reads only those before it"),
                None,
            )),
            None => {
                let known: Vec<&str> = self.done.iter().map(|(known, _)| known.as_str()).collect();
                let message = format!("there is no step `{id}`");
                let none = || Some("no step stands before this one".to_owned());
                Err((message, near("steps.", id, &known).or_else(none)))
            }
        }
    }

    fn unknown(&self, root: &str) -> Wrong {
        let asked = self.asks.iter().flatten().any(|(name, _)| name == root);
        let hint = if Normalised::NAMES.contains(&root) {
            Some(format!("did you mean `alert.{root}`?"))
        } else if asked {
            Some(format!("did you mean `ask.{root}`?"))
        } else if self.done.iter().any(|(id, _)| id == root) {
            Some(format!("did you mean `steps.{root}`?"))
        } else {
            let mut known: Vec<&str> = vec!["alert", "source"];
            if self.asks.is_some() {
                known.extend(["ask", "steps", "run"]);
            }
            known.extend(self.lets.iter().map(String::as_str));
            suggest(root, &known)
        };
        (format!("there is no `{root}` here"), hint)
    }
}

impl Gives {
    fn kind(&self, id: &str, inner: &[&str]) -> Result<Option<Kind>, Wrong> {
        let Some((name, deeper)) = inner.split_first() else { return Ok(Some(Kind::Map)) };
        match self {
            Self::Unknown => Ok(None),
            Self::Nothing => {
                Err((format!("the step `{id}` gives nothing: it calls no tool"), None))
            }
            Self::Each => match *name {
                "items" => Ok(Some(Kind::List)),
                "count" => Ok(Some(Kind::Integer)),
                _ => {
                    let hint = format!(
                        "what each gave is a list: `steps.{id}.items`, and `steps.{id}.count`"
                    );
                    Err((format!("`steps.{id}` is done for each: it has no `{name}`"), Some(hint)))
                }
            },
            Self::One(action) => {
                let kind = output(action, name).ok_or_else(|| {
                    (
                        format!("`{}` gives no `{name}`", action.name),
                        near(&format!("steps.{id}."), name, &outputs(action)),
                    )
                })?;
                match (kind, deeper.first()) {
                    (Kind::String | Kind::Integer | Kind::Number | Kind::Boolean, Some(deeper)) => {
                        let message = format!(
                            "`steps.{id}.{name}` is {}: it has no `{deeper}`",
                            kind.article()
                        );
                        Err((message, None))
                    }
                    (_, Some(_)) => Ok(None),
                    (kind, None) => Ok(Some(kind)),
                }
            }
        }
    }
}

fn output(action: &Action, name: &str) -> Option<Kind> {
    match (action.outputs.get(name), name) {
        (Some(output), _) => Some(output.kind),
        (None, "already") => Some(Kind::Boolean),
        (None, "items") if action.finds => Some(Kind::List),
        (None, "count") if action.finds => Some(Kind::Integer),
        (None, "more") if action.finds => Some(Kind::Boolean),
        (None, _) => None,
    }
}

fn outputs(action: &Action) -> Vec<&str> {
    let mut names: Vec<&str> = action.outputs.keys().map(String::as_str).collect();
    if action.finds {
        names.extend(["items", "count", "more"]);
    }
    names.push("already");
    names
}

fn alert(rest: &[&str]) -> Result<Option<Kind>, Wrong> {
    let Some(field) = rest.first() else { return Ok(Some(Kind::Map)) };
    if !Normalised::NAMES.contains(field) {
        return Err((
            format!("an alert has no `{field}`"),
            near("alert.", field, &Normalised::NAMES),
        ));
    }
    let lists = Entities::default();
    let list = lists.kinds().iter().any(|(kind, _)| kind == field);
    Ok(Some(if list { Kind::List } else { Kind::String }))
}

fn one_of(whose: &str, rest: &[&str], right: &[&str]) -> Result<Option<Kind>, Wrong> {
    match rest.first() {
        None => Ok(Some(Kind::Map)),
        Some(name) if right.contains(name) => Ok(Some(Kind::String)),
        Some(name) => Err((format!("{whose} has no `{name}`"), suggest(name, right))),
    }
}

/// The nearest name with all of its path; else those that there are.
fn near(before: &str, name: &str, right: &[&str]) -> Option<String> {
    match crate::yaml::nearest(name, right.iter().copied()) {
        Some(near) => Some(format!("did you mean `{before}{near}`?")),
        None => suggest(name, right),
    }
}
