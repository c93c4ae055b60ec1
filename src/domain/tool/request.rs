//! The exact request of an action: filled with its inputs, shown before anybody approves it, and hashed.
//!
//! What is not known yet stays a slot with a name: a secret, or a value that an earlier answer gives. So the same inputs always
//! make the same request, and showing it can tell no secret.

use super::input::InputError;
use super::uses::value;
use super::{Action, Tool, Values, fill};
use crate::domain::alert::dedup::hex;
use crate::domain::alert::words;
use crate::domain::playbook::text::{Part, Template};
use serde::Serialize;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// The request of an action, to be filled with its inputs.
#[derive(Clone, Debug)]
pub struct RequestTemplate {
    pub target: Target,
    pub query: Vec<(String, Template)>,
    pub headers: Vec<(String, Template)>,
    pub body: BodyTemplate,
    /// Names in it that are never filled in here: a template `{{ NAME }}` of one of them becomes a slot.
    pub slots: Slots,
    /// It shows nobody who we are, whatever the connection says.
    pub anonymous: bool,
}

/// Which names are slots.
#[derive(Clone, Debug, Default)]
pub struct Slots {
    /// The connection's secrets.
    pub secrets: BTreeSet<String>,
    /// What the answers before it give, and `key`, which names this very effect.
    pub later: BTreeSet<String>,
}

/// Where a request goes.
#[derive(Clone, Debug)]
pub enum Target {
    /// The address before the path, and the path's segments.
    Fixed { method: Method, base: Template, path: Vec<Vec<Part>> },
    /// As the inputs `method`, `path`, `query` and `body` say, below that address.
    Free { base: Template },
}

/// What a request carries.
#[derive(Clone, Debug)]
pub enum BodyTemplate {
    None,
    Json(Template),
    Form(Vec<(String, Template)>),
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

words! {
    Method { Get = "GET", Post = "POST", Put = "PUT", Patch = "PATCH", Delete = "DELETE" }
}

/// A request, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Request {
    pub method: Method,
    /// `https://acme.okta.com`, without a slash at its end.
    pub base: String,
    /// The path's segments, each encoded.
    pub path: Vec<Text>,
    /// Not encoded.
    pub query: Vec<(String, Text)>,
    pub headers: Vec<(String, Text)>,
    pub body: Body,
    /// It is sent without what shows who we are.
    pub anonymous: bool,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Body {
    None,
    Json(Content),
    Form(Vec<(String, Text)>),
}

/// A text with slots.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Text(pub Vec<Piece>);

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Piece {
    Plain(String),
    Secret(String),
    Later(String),
}

/// JSON with slots.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub enum Content {
    Plain(Json),
    Text(Text),
    Later(String),
    List(Vec<Content>),
    Map(Vec<(String, Content)>),
}

impl Tool {
    /// What a call of this action sends, in order: what it asks first, then its request. The inputs are checked.
    pub fn requests(&self, action: &Action, given: &Values) -> Result<Vec<Request>, InputError> {
        let with = action.inputs(given)?;
        let first = action.first.iter().map(|first| &first.request);
        first.chain([&action.request]).map(|template| template.fill(&self.fields, &with)).collect()
    }
}

impl RequestTemplate {
    /// The request for these inputs, which were checked.
    pub fn fill(&self, fields: &Values, with: &Values) -> Result<Request, InputError> {
        let plain = fields.iter().map(|(name, value)| (name.as_str(), value));
        let scope = plain.map(|(name, field)| (name, crate::domain::playbook::expr::json(field)));
        let scope = minijinja::Value::from_pairs(scope.chain([("in", value(with))]));
        let filling = fill::Filling { scope: &scope, slots: &self.slots };
        match &self.target {
            Target::Fixed { method, base, path } => Ok(Request {
                method: *method,
                base: filling.base(base)?,
                path: path
                    .iter()
                    .map(|segment| filling.segment(segment))
                    .collect::<Result<_, _>>()?,
                query: filling.pairs(&self.query)?,
                headers: filling.headers(&self.headers)?,
                body: filling.body(&self.body)?,
                anonymous: self.anonymous,
            }),
            Target::Free { base } => {
                let mut request = fill::free(with)?;
                request.base = filling.base(base)?;
                request.headers = filling.headers(&self.headers)?;
                Ok(request)
            }
        }
    }
}

/// A text that needs no inputs, such as a header that shows who we are; `None` where nothing of it has a value.
pub fn standing(
    template: &Template,
    fields: &Values,
    slots: &Slots,
) -> Result<Option<Text>, InputError> {
    fill::Filling { scope: &value(fields), slots }.text("auth", template)
}

impl Request {
    /// Its address, with the query. Slots in it are asked for.
    pub fn url(&self, slot: &dyn Fn(&Piece) -> String) -> String {
        let mut url = self.base.clone();
        for segment in &self.path {
            let _ = write!(url, "/{}", segment.with(slot));
        }
        for (index, (name, text)) in self.query.iter().enumerate() {
            let between = if index == 0 { '?' } else { '&' };
            let _ = write!(url, "{between}{}={}", encoded(name), text.encoded(slot));
        }
        url
    }

    /// SHA-256 over all of it, hex; secrets and later values by their names.
    pub fn hash(&self) -> String {
        // No map with other keys than texts, no number that JSON has not: it can be written.
        let text = serde_json::to_string(self).expect("a request can be written as JSON");
        hex(&Sha256::digest(text))
    }

    /// The same with values that were not known before. One that is still not known leaves out what stands for it.
    pub fn later(&self, values: &Values) -> Result<Self, InputError> {
        let path = self.path.iter().map(|text| text.segment_later(values));
        let mut query = Vec::new();
        for (name, text) in &self.query {
            query.extend(text.several_later(name, values)?);
        }
        let mut headers = Vec::new();
        for (name, text) in &self.headers {
            headers.extend(text.later(values)?.map(|text| (name.clone(), text)));
        }
        let body = match &self.body {
            Body::None => Body::None,
            Body::Json(content) => content.later(values)?.map_or(Body::None, Body::Json),
            Body::Form(pairs) => {
                let mut filled = Vec::new();
                for (name, text) in pairs {
                    filled.extend(text.several_later(name, values)?);
                }
                Body::Form(filled)
            }
        };
        let path = path.collect::<Result<_, _>>()?;
        Ok(Self { path, query, headers, body, ..self.clone() })
    }
}

/// As people read it, secrets and later values as their names: `‹token›`.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_str(), self.url(&Piece::shown))?;
        for (name, text) in &self.headers {
            write!(f, "\n{name}: {text}")?;
        }
        match &self.body {
            Body::None => Ok(()),
            Body::Json(content) => write!(f, "\n{}", content.json(&Piece::shown)),
            Body::Form(pairs) => {
                pairs.iter().try_for_each(|(name, text)| write!(f, "\n{name}={text}"))
            }
        }
    }
}

/// As a query or a form has it.
pub fn encoded(text: &str) -> String {
    fill::encode(text, fill::in_query)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with(&Piece::shown))
    }
}

impl Piece {
    fn shown(&self) -> String {
        match self {
            Self::Plain(text) => text.clone(),
            Self::Secret(name) | Self::Later(name) => format!("‹{name}›"),
        }
    }
}

impl Text {
    /// A text without slots.
    pub fn plain(text: impl Into<String>) -> Self {
        Self(vec![Piece::Plain(text.into())])
    }

    /// The text, with what is asked for each of its pieces.
    pub fn with(&self, slot: &dyn Fn(&Piece) -> String) -> String {
        self.0.iter().map(slot).collect()
    }

    /// The same as a query or a form has it; a slot is asked for as it is to stand there.
    pub fn encoded(&self, slot: &dyn Fn(&Piece) -> String) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Plain(text) => encoded(text),
            slot_of => slot(slot_of),
        };
        self.0.iter().map(piece).collect()
    }

    /// `None` where a value of it is not known.
    fn later(&self, values: &Values) -> Result<Option<Self>, InputError> {
        let mut pieces = Vec::new();
        for piece in &self.0 {
            let Piece::Later(name) = piece else {
                pieces.push(piece.clone());
                continue;
            };
            match values.get(name).filter(|value| !value.is_null()) {
                None => return Ok(None),
                Some(value) => pieces.push(Piece::Plain(fill::scalar(name, value)?)),
            }
        }
        Ok(Some(Self(pieces)))
    }

    /// A list in place of the whole text becomes one pair an item.
    fn several_later(
        &self,
        name: &str,
        values: &Values,
    ) -> Result<Vec<(String, Self)>, InputError> {
        if let [Piece::Later(slot)] = self.0.as_slice()
            && let Some(Json::Array(items)) = values.get(slot)
        {
            let texts = items.iter().map(|item| fill::scalar(slot, item));
            return texts.map(|text| Ok((name.to_owned(), Self::plain(text?)))).collect();
        }
        Ok(self.later(values)?.map(|text| (name.to_owned(), text)).into_iter().collect())
    }

    fn segment_later(&self, values: &Values) -> Result<Self, InputError> {
        let mut pieces = Vec::new();
        for piece in &self.0 {
            pieces.push(match piece {
                Piece::Later(name) => {
                    let value = values.get(name).filter(|value| !value.is_null());
                    let value = value.ok_or_else(|| InputError::new(name, "has no value"))?;
                    Piece::Plain(fill::in_segment(name, &fill::scalar(name, value)?)?)
                }
                known => known.clone(),
            });
        }
        fill::no_dots(Self(pieces))
    }
}

impl Content {
    /// As JSON, with what is asked for each slot.
    pub fn json(&self, slot: &dyn Fn(&Piece) -> String) -> Json {
        match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => text.with(slot).into(),
            Self::Later(name) => slot(&Piece::Later(name.clone())).into(),
            Self::List(items) => items.iter().map(|item| item.json(slot)).collect(),
            Self::Map(entries) => {
                let entries = entries.iter().map(|(name, item)| (name.clone(), item.json(slot)));
                Json::Object(entries.collect())
            }
        }
    }

    fn later(&self, values: &Values) -> Result<Option<Self>, InputError> {
        Ok(match self {
            Self::Plain(_) => Some(self.clone()),
            Self::Text(text) => text.later(values)?.map(Self::Text),
            Self::Later(name) => {
                values.get(name).filter(|value| !value.is_null()).cloned().map(Self::Plain)
            }
            Self::List(items) => {
                let items = items.iter().filter_map(|item| item.later(values).transpose());
                Some(Self::List(items.collect::<Result<_, _>>()?))
            }
            Self::Map(entries) => {
                let entries = entries.iter().filter_map(|(name, item)| {
                    let item = item.later(values).transpose()?;
                    Some(item.map(|item| (name.clone(), item)))
                });
                Some(Self::Map(entries.collect::<Result<_, _>>()?))
            }
        })
    }
}
