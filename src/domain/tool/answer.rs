//! What a tool's answer means: done, done before, not done and why, or nobody knows; and what of it is kept.

use super::call::{Answered, Called, Failed, Found, Unsure, Why};
use super::input::kind_of;
use super::uses::{plain, value};
use super::{Action, Kind, Output, Risk, Tool, Values};
use crate::domain::playbook::expr::{self, Expr};
use minijinja::Value;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many of the things that were found are kept.
pub const KEPT: usize = 20;
/// How much of one answer is kept, in bytes of its JSON.
pub const CAP: usize = 64 * 1024;
/// How long what a tool says of a failure may be, in characters.
const SAID: usize = 500;

/// What the answers of an action mean.
#[derive(Clone, Debug, Default)]
pub struct Meaning {
    /// The statuses of a good answer; empty means any 2xx.
    pub ok: Vec<u16>,
    /// It was so before: no failure, whatever the status.
    pub already: Option<Expr>,
    /// The list of what was found.
    pub found: Option<Expr>,
    /// What the tool says of a failure.
    pub error: Option<Expr>,
}

/// One answer, as it came. What is secret in it was taken out before.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    pub status: u16,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    /// JSON where it is JSON, else its text; null where it is empty.
    pub body: Json,
    /// The tool wants to hear nothing for so long.
    pub retry_after: Option<Duration>,
}

/// What expressions see beside an answer: `in`, and the connection's plain fields.
#[derive(Clone, Debug)]
pub struct Seen(BTreeMap<String, Value>);

impl Tool {
    /// What expressions over the answers to a call see beside them.
    pub fn seen(&self, with: &Values) -> Seen {
        let fields = self.fields.iter().map(|(name, field)| (name.clone(), expr::json(field)));
        Seen(fields.chain([("in".to_owned(), value(with))]).collect())
    }
}

impl Reply {
    /// What expressions see of it.
    pub fn scope(&self, seen: &Seen) -> Value {
        Value::from(self.names(seen))
    }

    fn names(&self, seen: &Seen) -> BTreeMap<String, Value> {
        let mut names = seen.0.clone();
        names.insert("body".to_owned(), expr::json(&self.body));
        names.insert("status".to_owned(), Value::from(self.status));
        names.insert("headers".to_owned(), Value::from(self.headers.clone()));
        names
    }
}

impl Action {
    /// Whether the answer is a good one: `true` where it was so before. Else what came of the call, `risk` being what the
    /// request would have done.
    pub fn good(&self, seen: &Seen, reply: &Reply, risk: Risk) -> Result<bool, Called> {
        let meaning = &self.answer;
        let scope = reply.scope(seen);
        if meaning.already.as_ref().is_some_and(|expr| expr.holds(&scope).unwrap_or(false)) {
            return Ok(true);
        }
        let good = match meaning.ok.as_slice() {
            [] => (200..300).contains(&reply.status),
            statuses => statuses.contains(&reply.status),
        };
        if good { Ok(false) } else { Err(failure(reply, &self.said(reply, &scope), risk)) }
    }

    /// Whether the answer to a read beside the action's own request is a good one: any 2xx is.
    pub fn good_look(&self, seen: &Seen, reply: &Reply) -> Result<(), Called> {
        if (200..300).contains(&reply.status) {
            return Ok(());
        }
        Err(failure(reply, &self.said(reply, &reply.scope(seen)), Risk::Read))
    }

    /// What the tool says of it, in short.
    fn said(&self, reply: &Reply, scope: &Value) -> String {
        let own = self.answer.error.as_ref().and_then(|expr| expr.value(scope).ok());
        let own = own.and_then(|value| plain(&value)).and_then(|value| words(&value));
        let said = own.or_else(|| usual(&reply.body));
        let said =
            said.map(|text| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect());
        let said: Option<String> = said.filter(|text: &String| !text.trim().is_empty());
        match said {
            Some(said) => format!("answered {}: {}", reply.status, cut(said.trim(), SAID)),
            None => format!("answered {}", reply.status),
        }
    }

    /// The list of what one answer found; `None` where this action finds nothing.
    pub fn found(&self, seen: &Seen, reply: &Reply) -> Option<Result<Vec<Json>, Called>> {
        let expr = self.answer.found.as_ref()?;
        Some(match expr.value(&reply.scope(seen)) {
            Err(why) => Err(unreadable(format!("its list cannot be read: {why}"))),
            // A page of a proxy in between has no list: that is not the same as none found.
            Ok(value) if value.is_undefined() => {
                Err(unreadable(format!("there is no `{}` in it", expr.text())))
            }
            Ok(value) => match plain(&value) {
                None => Ok(Vec::new()),
                Some(Json::Array(items)) => Ok(items),
                Some(other) => {
                    let what = format!("`{}` is {}, not a list", expr.text(), kind_of(&other));
                    Err(unreadable(what))
                }
            },
        })
    }

    /// What is kept of a good answer. `found` is all that was found, and whether there was more.
    pub fn keep(&self, seen: &Seen, reply: &Reply, found: Option<(Vec<Json>, bool)>) -> Called {
        let mut room = CAP;
        let kept = match found {
            None => self
                .outputs(seen, reply, None, &mut room)
                .map(|out| Answered { out, ..Answered::default() }),
            Some((items, more)) => {
                self.items(seen, reply, &items, &mut room).map(|kept| Answered {
                    out: kept.first().cloned().unwrap_or_default(),
                    found: Some(Found { count: items.len() as u64, items: kept, more }),
                    already: false,
                })
            }
        };
        kept.map_or_else(unreadable, Called::Answered)
    }

    /// What is kept where it was so before: as much as the answer happens to say.
    pub fn keep_already(&self, seen: &Seen, reply: &Reply) -> Called {
        let out = self.outputs(seen, reply, None, &mut CAP.clone()).unwrap_or_default();
        Called::Answered(Answered { out, found: None, already: true })
    }

    fn items(
        &self,
        seen: &Seen,
        reply: &Reply,
        found: &[Json],
        room: &mut usize,
    ) -> Result<Vec<Values>, String> {
        let mut items = Vec::new();
        for item in found.iter().take(KEPT) {
            if *room == 0 {
                break;
            }
            items.push(self.outputs(seen, reply, Some(item), room)?);
        }
        Ok(items)
    }

    fn outputs(
        &self,
        seen: &Seen,
        reply: &Reply,
        item: Option<&Json>,
        room: &mut usize,
    ) -> Result<Values, String> {
        let mut scope = reply.names(seen);
        if let Some(item) = item {
            scope.insert("found".to_owned(), expr::json(item));
        }
        let scope = Value::from(scope);
        let mut out = Values::new();
        for (name, output) in &self.outputs {
            if let Some(value) = output.read(name, &scope)?
                && let Some(value) = fit(value, room)
            {
                out.insert(name.clone(), value);
            }
        }
        Ok(out)
    }
}

impl Output {
    /// Its value; `None` where it is missing and may be.
    fn read(&self, name: &str, scope: &Value) -> Result<Option<Json>, String> {
        let value = self.from.value(scope).map_err(|why| format!("`{name}`: {why}"))?;
        match plain(&value) {
            None if self.optional => Ok(None),
            None => Err(format!("`{name}` is missing from it (`{}`)", self.from.text())),
            // An id is a text to us, whether the tool counts or names.
            Some(Json::Number(number)) if self.kind == Kind::String => {
                Ok(Some(number.to_string().into()))
            }
            Some(value) if self.kind.fits(&value) => Ok(Some(value)),
            Some(value) => {
                let wanted = self.kind.as_str();
                Err(format!("`{name}` is {} where `{wanted}` is declared", kind_of(&value)))
            }
        }
    }
}

/// The part of a value that there is room for: of a text its beginning, of a list its first items, of a map nothing.
fn fit(value: Json, room: &mut usize) -> Option<Json> {
    let size = |value: &Json| serde_json::to_string(value).map_or(usize::MAX, |text| text.len());
    let whole = size(&value);
    if whole <= *room {
        *room -= whole;
        return Some(value);
    }
    let left = std::mem::take(room);
    match value {
        Json::String(text) => {
            // Six bytes at most for each letter of it, as JSON writes them.
            let cut: String = text.chars().take(left / 6).collect();
            Some(format!("{cut}…").into())
        }
        Json::Array(items) => {
            let mut left = left;
            let fits = |item: &Json| {
                let size = size(item).saturating_add(1);
                let fits = size <= left;
                left = left.saturating_sub(size);
                fits
            };
            Some(Json::Array(items.into_iter().take_while(fits).collect()))
        }
        _ => None,
    }
}

fn failure(reply: &Reply, said: &str, risk: Risk) -> Called {
    let why = match reply.status {
        429 => Why::Limited,
        // One that says when to come again has done nothing. Of a write somebody in between may say it, after it was done.
        503 if risk == Risk::Read || reply.retry_after.is_some() => Why::Limited,
        401 | 403 => Why::Unauthorised,
        500.. if risk == Risk::Read => Why::Broken,
        500.. => return Called::Unsure { why: Unsure::ServerError, message: said.to_owned() },
        _ => Why::Refused,
    };
    let wanted = reply.retry_after.filter(|_| why == Why::Limited);
    let retry_after_ms = wanted.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
    Called::Failed(Failed { why, message: said.to_owned(), retry_after_ms })
}

/// It was done or looked up, and nothing can be read from what came back.
pub fn unreadable(what: String) -> Called {
    let message = format!("its answer is not as declared: {what}");
    Called::Failed(Failed { why: Why::Unreadable, message, retry_after_ms: None })
}

/// Where most tools say what is wrong.
fn usual(body: &Json) -> Option<String> {
    let places = [
        "/errorSummary",
        "/error_description",
        "/errorMessages/0",
        "/errors/0/message",
        "/error/message",
        "/message",
        "/error",
        "/detail",
    ];
    let own = body.as_str().filter(|text| !text.trim_start().starts_with('<'));
    places.iter().find_map(|place| words(body.pointer(place)?)).or_else(|| own.map(str::to_owned))
}

fn words(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(items) => {
            let words: Vec<_> = items.iter().filter_map(words).collect();
            (!words.is_empty()).then(|| words.join("; "))
        }
        _ => None,
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
