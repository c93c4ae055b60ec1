//! Filling a request's templates. A value becomes one segment, one query value or one JSON value, and never more than that.

use super::Values;
use super::input::{InputError, kind_of};
use super::request::{Body, BodyTemplate, Content, Method, Piece, Request, Slots, Text};
use super::uses::plain;
use crate::domain::playbook::expr::Expr;
use crate::domain::playbook::text::{Part, Template};
use minijinja::Value;
use serde_json::Value as Json;

/// What templates are filled with.
pub(super) struct Filling<'a> {
    /// `in` and the connection's plain fields.
    pub scope: &'a Value,
    pub slots: &'a Slots,
}

/// What an expression in a template is.
enum Found {
    Slot(Piece),
    Value(Json),
    Nothing,
}

type Filled<T> = Result<T, InputError>;

impl Filling<'_> {
    /// The address before the path.
    pub fn base(&self, template: &Template) -> Filled<String> {
        let text = self.text("base_url", template)?;
        let text = text.ok_or_else(|| InputError::new("base_url", "is missing"))?;
        Ok(text.with(&|piece| match piece {
            Piece::Plain(text) => text.trim_end_matches('/').to_owned(),
            // The check lets no slot stand here.
            Piece::Secret(_) | Piece::Later(_) => String::new(),
        }))
    }

    /// One segment of the path: whatever the values are, it stays one, and not one that leads up or away.
    pub fn segment(&self, parts: &[Part]) -> Filled<Text> {
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                Part::Text(text) => Piece::Plain(encode(text, in_path)),
                Part::Expr(expr) => match self.find(expr)? {
                    Found::Slot(slot) => slot,
                    Found::Nothing => return Err(InputError::new(name_of(expr), "is missing")),
                    Found::Value(value) => {
                        let text = scalar(name_of(expr), &value)?;
                        Piece::Plain(in_segment(name_of(expr), &text)?)
                    }
                },
            });
        }
        no_dots(Text(pieces))
    }

    /// Names with a text each; a list becomes one pair an item, what is missing none.
    pub fn pairs(&self, templates: &[(String, Template)]) -> Filled<Vec<(String, Text)>> {
        let mut pairs = Vec::new();
        for (name, template) in templates {
            match self.content(template)? {
                None => {}
                Some(Content::Plain(Json::Array(items))) => {
                    for item in &items {
                        pairs.push((name.clone(), Text::plain(scalar(name, item)?)));
                    }
                }
                Some(Content::List(items)) => {
                    for item in items {
                        pairs.push((name.clone(), one(name, item)?));
                    }
                }
                Some(content) => pairs.push((name.clone(), one(name, content)?)),
            }
        }
        Ok(pairs)
    }

    /// Headers: a value that would begin another one is refused.
    pub fn headers(&self, templates: &[(String, Template)]) -> Filled<Vec<(String, Text)>> {
        let pairs = self.pairs(templates)?;
        let breaks = |piece: &Piece| matches!(piece, Piece::Plain(text) if text.chars().any(|c| c.is_control()));
        match pairs.iter().find(|(_, text)| text.0.iter().any(breaks)) {
            Some((name, _)) => Err(InputError::new(name, "would have a line break in a header")),
            None => Ok(pairs),
        }
    }

    pub fn body(&self, template: &BodyTemplate) -> Filled<Body> {
        Ok(match template {
            BodyTemplate::None => Body::None,
            BodyTemplate::Form(pairs) => Body::Form(self.pairs(pairs)?),
            BodyTemplate::Json(template) => match (self.content(template)?, template) {
                (Some(content), _) => Body::Json(content),
                // Nothing of it was given: an empty object, as a tool that wants JSON has it.
                (None, Template::Map(_)) => Body::Json(Content::Map(Vec::new())),
                (None, _) => Body::None,
            },
        })
    }

    pub fn text(&self, name: &str, template: &Template) -> Filled<Option<Text>> {
        self.content(template)?.map(|content| one(name, content)).transpose()
    }

    /// `None` where nothing of it has a value. What is null as it is written stays null.
    fn content(&self, template: &Template) -> Filled<Option<Content>> {
        Ok(match template {
            Template::Plain(value) => Some(Content::Plain(value.clone())),
            Template::Whole(expr) => match self.find(expr)? {
                Found::Slot(Piece::Later(name)) => Some(Content::Later(name)),
                Found::Slot(slot) => Some(Content::Text(Text(vec![slot]))),
                Found::Value(value) => Some(Content::Plain(value)),
                Found::Nothing => None,
            },
            Template::Mixed(parts) => self.mixed(parts)?.map(Content::Text),
            Template::List(items) => {
                let filled = items.iter().filter_map(|item| self.content(item).transpose());
                let filled: Vec<_> = filled.collect::<Result<_, _>>()?;
                (items.is_empty() || !filled.is_empty()).then_some(Content::List(filled))
            }
            Template::Map(entries) => {
                let filled = entries.iter().filter_map(|(name, item)| {
                    let item = self.content(item).transpose()?;
                    Some(item.map(|item| (name.clone(), item)))
                });
                let filled: Vec<_> = filled.collect::<Result<_, _>>()?;
                (entries.is_empty() || !filled.is_empty()).then_some(Content::Map(filled))
            }
        })
    }

    fn mixed(&self, parts: &[Part]) -> Filled<Option<Text>> {
        let mut pieces = Vec::new();
        for part in parts {
            pieces.push(match part {
                Part::Text(text) => Piece::Plain(text.clone()),
                Part::Expr(expr) => match self.find(expr)? {
                    Found::Slot(slot) => slot,
                    Found::Value(value) => Piece::Plain(scalar(name_of(expr), &value)?),
                    Found::Nothing => return Ok(None),
                },
            });
        }
        Ok(Some(Text(pieces)))
    }

    fn find(&self, expr: &Expr) -> Filled<Found> {
        let name = expr.text().trim();
        if self.slots.secrets.contains(name) {
            return Ok(Found::Slot(Piece::Secret(name.to_owned())));
        }
        if self.slots.later.contains(name) {
            return Ok(Found::Slot(Piece::Later(name.to_owned())));
        }
        let value = expr.value(self.scope);
        let value =
            value.map_err(|why| InputError::new(name_of(expr), format!("has no value: {why}")))?;
        Ok(plain(&value).map_or(Found::Nothing, Found::Value))
    }
}

/// How an error calls an expression: `in.user_id|lower` is about `user_id`.
fn name_of(expr: &Expr) -> &str {
    let text = expr.text().trim();
    let name = text.strip_prefix("in.").unwrap_or(text);
    name.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .next()
        .filter(|n| !n.is_empty())
        .unwrap_or(text)
}

fn one(name: &str, content: Content) -> Filled<Text> {
    match content {
        Content::Plain(value) => Ok(Text::plain(scalar(name, &value)?)),
        Content::Text(text) => Ok(text),
        Content::Later(slot) => Ok(Text(vec![Piece::Later(slot)])),
        Content::List(_) | Content::Map(_) => {
            Err(InputError::new(name, "is a list or a map where one text is wanted"))
        }
    }
}

/// A value that stands in a text.
pub(super) fn scalar(name: &str, value: &Json) -> Filled<String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Bool(_) | Json::Number(_) => Ok(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            let what = format!("is {} where one text is wanted", kind_of(value));
            Err(InputError::new(name, what))
        }
    }
}

/// A value as one segment, or a part of one. Encoded, a slash is none; but some servers decode before they look, so that a
/// value which would then lead up is refused.
pub(super) fn in_segment(name: &str, text: &str) -> Filled<String> {
    if text.is_empty() {
        return Err(InputError::new(name, "is empty, and stands in the address"));
    }
    if text.split(['/', '\\']).any(is_dots) || text.chars().any(char::is_control) {
        return Err(InputError::new(name, "would lead to another address"));
    }
    Ok(encode(text, in_value))
}

/// Several parts together could still be `..`, which would lead up.
pub(super) fn no_dots(segment: Text) -> Filled<Text> {
    let known = segment.with(&|piece| match piece {
        Piece::Plain(text) => text.clone(),
        Piece::Secret(_) | Piece::Later(_) => "‹›".to_owned(),
    });
    if is_dots(&known) {
        return Err(InputError::new("path", "would lead to another address"));
    }
    Ok(segment)
}

/// `.` and `..`, however often they were encoded.
fn is_dots(text: &str) -> bool {
    let mut text = text.trim().to_ascii_lowercase();
    while text.contains("%25") {
        text = text.replace("%25", "%");
    }
    matches!(text.replace("%2e", ".").as_str(), "." | "..")
}

/// A request that a person words, below the tool's own address.
pub(super) fn free(with: &Values) -> Filled<Request> {
    let text = |name: &str| with.get(name).and_then(Json::as_str).unwrap_or_default();
    let method = Method::parse(text("method"));
    let method = method.ok_or_else(|| InputError::new("method", "is no method"))?;
    let wrong = |what: &str| InputError::new("path", what);
    let path = text("path");
    let below = path.strip_prefix('/').ok_or_else(|| wrong("does not begin with a slash"))?;
    if below.starts_with('/')
        || below.contains(['?', '#', '\\'])
        || path.chars().any(char::is_control)
    {
        return Err(wrong("is no path: a query goes into `query`, and no host may stand in it"));
    }
    let path = below.split('/').map(|segment| {
        let encoded = encode(segment, |c| in_path(c) || c == '%');
        no_dots(Text::plain(encoded))
    });
    let mut query = Vec::new();
    for (name, value) in with.get("query").and_then(Json::as_object).into_iter().flatten() {
        let items = match value {
            Json::Null => &[],
            Json::Array(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for item in items {
            query.push((name.clone(), Text::plain(scalar(name, item)?)));
        }
    }
    let body =
        with.get("body").cloned().map_or(Body::None, |body| Body::Json(Content::Plain(body)));
    let path = path.collect::<Result<_, _>>()?;
    let (base, headers) = (String::new(), Vec::new());
    Ok(Request { method, base, path, query, headers, body, anonymous: false })
}

/// Percent-encodes all but what `keep` lets stand.
pub(super) fn encode(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for letter in text.chars() {
        if keep(letter) {
            encoded.push(letter);
        } else {
            let mut bytes = [0; 4];
            for byte in letter.encode_utf8(&mut bytes).bytes() {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    encoded
}

/// What RFC 3986 calls unreserved.
fn unreserved(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~".contains(c)
}

/// What stands as it is in a value within the path.
fn in_value(c: char) -> bool {
    unreserved(c) || c == '@'
}

/// What stands as it is in a path that a file writes.
fn in_path(c: char) -> bool {
    unreserved(c) || "!$&'()*+,;=:@".contains(c)
}

/// What stands as it is in a query, also as a form.
pub(super) fn in_query(c: char) -> bool {
    unreserved(c) || "!*():@/,".contains(c)
}
