//! A request as a vendor's API sees it, and what it answers.

use hyper::header::{HeaderMap, HeaderName};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};
use serde_json::Value;
use std::borrow::Cow;

/// A request, read.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    /// As it was sent: `/api/v1/users/a%40b`.
    pub path: String,
    /// The path's segments, each decoded.
    pub segments: Vec<String>,
    pub query: Vec<(String, String)>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// When it is answered, in unix milliseconds.
    pub at_ms: i64,
}

impl Request {
    /// What is known before the body is read.
    pub fn of_head(head: &Parts) -> Self {
        let path = head.uri.path().to_owned();
        let query = url::form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes());
        Self {
            method: head.method.clone(),
            segments: path.split('/').skip(1).map(decoded).collect(),
            query: query.into_owned().collect(),
            headers: head.headers.clone(),
            body: Vec::new(),
            at_ms: 0,
            path,
        }
    }

    /// `POST /devices/entities/devices-actions/v2`: by this a fault names a call, and a test counts it.
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Method and segments, to be matched on.
    pub fn route(&self) -> (&str, Vec<&str>) {
        (self.method.as_str(), self.segments.iter().map(String::as_str).collect())
    }

    /// A header's text; what is not there is empty.
    pub fn header(&self, name: impl hyper::header::AsHeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The query's first value of that name.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// All its values of that name.
    pub fn all(&self, name: &str) -> Vec<String> {
        let values = self.query.iter().filter(|(key, _)| key == name);
        values.map(|(_, value)| value.clone()).collect()
    }

    /// A number of the query, or what holds without it.
    pub fn number(&self, name: &str, without: usize) -> usize {
        self.asked(name).and_then(|text| text.parse().ok()).unwrap_or(without)
    }

    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A field of a form's body.
    pub fn form(&self, name: &str) -> Option<Cow<'_, str>> {
        url::form_urlencoded::parse(&self.body).find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// Where it was sent, for links that lead on: `http://127.0.0.1:4043`.
    pub fn base(&self) -> String {
        format!("http://{}", self.header(hyper::header::HOST))
    }
}

/// A segment without its percent signs; a plus sign stays one.
fn decoded(segment: &str) -> String {
    let pair = format!("x={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// What an answer holds.
#[derive(Clone, Debug)]
pub enum Content {
    Nothing,
    Json(Value),
    Text(&'static str),
}

/// What is answered, and what was done.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub content: Content,
    /// In words, where something in the world is not as it was: `contain fin-laptop-12`.
    pub did: Option<String>,
}

impl Answer {
    pub fn new(status: u16, content: Content) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, headers: Vec::new(), content, did: None }
    }

    pub fn json(status: u16, value: Value) -> Self {
        Self::new(status, Content::Json(value))
    }

    pub fn empty(status: u16) -> Self {
        Self::new(status, Content::Nothing)
    }

    /// With what was done.
    pub fn did(mut self, what: impl Into<String>) -> Self {
        self.did = Some(what.into());
        self
    }

    pub fn with(mut self, header: HeaderName, value: String) -> Self {
        self.headers.push((header, value));
        self
    }
}

/// A moment as most APIs write it: `2026-11-28T10:00:00.000Z`.
pub fn rfc3339(at_ms: i64) -> String {
    written(at_ms, "%Y-%m-%dT%H:%M:%S%.3fZ")
}

/// A moment by a pattern; one that no calendar has is empty.
pub fn written(at_ms: i64, pattern: &str) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .map(|at| at.strftime(pattern).to_string())
        .unwrap_or_default()
}
