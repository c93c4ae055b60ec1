//! The one way out: fills a request's slots, looks at where it goes, keeps the tool's pace, sends it, and takes the secrets out
//! of what comes back.

use super::answer::{Content, Incoming, NotAnswered};
use super::auth::Pass;
use super::connection::Connection;
use super::dial::{Dialer, Resolver, SystemResolver, egress, not_sent};
use super::egress::{Target, target};
use super::exchange::{Raw, exchange};
use super::redact::Redactor;
use super::request::{Missing, Outgoing, Text};
use crate::clock::Clock;
use crate::domain::time::Timestamp;
use http_body_util::Full;
use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    USER_AGENT,
};
use hyper_rustls::ConfigBuilderExt as _;
use rustls::ClientConfig;
use rustls::crypto::ring;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use url::Position;

/// GitHub and others answer nobody who does not say who they are.
const AGENT: &str = concat!("vigie/", env!("CARGO_PKG_VERSION"));
/// What the wire itself writes: a file that sets them would say where a request ends, or whom it is for.
const OURS: [&str; 12] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "accept-encoding",
    "proxy-authorization",
    "proxy-connection",
];

/// What the wire takes from outside.
#[derive(Clone)]
pub struct Outside {
    pub resolver: Arc<dyn Resolver>,
    /// Whom it trusts.
    pub tls: Arc<ClientConfig>,
    pub clock: Clock,
}

impl Outside {
    /// The machine's resolver, and the authorities that the machine trusts.
    pub fn of_this_machine(clock: Clock) -> io::Result<Self> {
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_native_roots()?
            .with_no_client_auth();
        Ok(Self { resolver: Arc::new(SystemResolver), tls: Arc::new(tls), clock })
    }
}

/// Sends requests.
pub struct Transport {
    dialer: Dialer,
    pub(super) clock: Clock,
    pub(super) redactor: Redactor,
}

impl Transport {
    /// Whatever secret it fills in or is given, `redactor` knows from then on.
    pub fn new(outside: Outside, redactor: Redactor) -> Self {
        let Outside { resolver, tls, clock } = outside;
        Self { dialer: Dialer { resolver, tls }, clock, redactor }
    }

    /// What a tool has given is secret, in all its texts: nothing that comes later shows it.
    pub fn learn(&self, given: &Json) {
        match given {
            Json::String(text) => self.redactor.learn_token(&SecretString::from(text.as_str())),
            Json::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Json::Object(entries) => entries.values().for_each(|value| self.learn(value)),
            Json::Null | Json::Bool(_) | Json::Number(_) => {}
        }
    }

    /// Sends one request and waits for its answer until the deadline. Where the tool refuses a token that was kept (401), another
    /// is fetched and the request goes once more: refused is not done.
    pub async fn send(
        &self,
        connection: &Connection,
        outgoing: &Outgoing,
        deadline: Instant,
    ) -> Result<Incoming, NotAnswered> {
        connection.terms.secrets.values().for_each(|secret| self.redactor.learn(secret));
        let pass = self.pass(connection, deadline).await?;
        let mut raw = self.exchange(connection, (outgoing, &pass), deadline).await?;
        if let (401, Some(token)) = (raw.status, &pass.kept) {
            connection.tokens.forget(token).await;
            let pass = self.pass(connection, deadline).await?;
            raw = self.exchange(connection, (outgoing, &pass), deadline).await?;
        }
        Ok(self.incoming(raw))
    }

    /// One request, as it is; its answer with whatever secrets are in it.
    pub(super) async fn exchange(
        &self,
        connection: &Connection,
        (outgoing, pass): (&Outgoing, &Pass),
        deadline: Instant,
    ) -> Result<Raw, NotAnswered> {
        let sent = async {
            let (target, request) = ready(connection, outgoing, pass)?;
            self.turn(connection, deadline).await?;
            let stream = self.dialer.open(&target, (self.clock.instant(), deadline)).await?;
            exchange(stream, request, deadline).await
        };
        let raw = sent.await.map_err(|fault| self.clean(fault))?;
        if let Some(after) = self.retry_after(&raw) {
            connection.pace.close(self.clock.instant(), after);
        }
        Ok(raw)
    }

    /// Waits until the tool may be asked. What closes meanwhile is waited for too, and has cost its turn.
    async fn turn(&self, connection: &Connection, deadline: Instant) -> Result<(), NotAnswered> {
        loop {
            let at = connection.pace.turn(self.clock.instant(), deadline);
            sleep_until(at.map_err(|after| NotAnswered::Limited { after })?).await;
            if connection.pace.closed(self.clock.instant()).is_none() {
                return Ok(());
            }
        }
    }

    /// How long the tool wants to hear nothing (RFC 9110, 10.2.3): seconds or a date.
    pub(super) fn retry_after(&self, raw: &Raw) -> Option<Duration> {
        let header = raw.headers.get(RETRY_AFTER).filter(|_| matches!(raw.status, 429 | 503))?;
        let text = header.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        Some(Timestamp::from_millis(date.as_millisecond()).since(self.clock.wall()))
    }

    fn incoming(&self, raw: Raw) -> Incoming {
        let retry_after = self.retry_after(&raw);
        let json = raw.headers.get(CONTENT_TYPE).is_some_and(speaks_of_json);
        let content = match raw.body {
            Ok(body) => self.content(&body, json),
            Err(unread) => Content::Unread(unread),
        };
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in &raw.headers {
            let text = self.redactor.text(&String::from_utf8_lossy(value.as_bytes()));
            let joined = headers.entry(name.as_str().to_owned());
            joined.and_modify(|all| *all = format!("{all}, {text}")).or_insert(text);
        }
        Incoming { status: raw.status, headers, content, retry_after }
    }

    fn content(&self, body: &[u8], json: bool) -> Content {
        let looks = |body: &[u8]| {
            body.trim_ascii_start().starts_with(b"{") || body.trim_ascii_start().starts_with(b"[")
        };
        if body.trim_ascii().is_empty() {
            return Content::Empty;
        }
        if (json || looks(body))
            && let Ok(value) = serde_json::from_slice(body)
        {
            return Content::Json(self.redactor.json(value));
        }
        Content::Text(self.redactor.text(&String::from_utf8_lossy(body)))
    }

    /// What is said of a fault comes from libraries and from the network.
    fn clean(&self, fault: NotAnswered) -> NotAnswered {
        let text = |why: String| self.redactor.text(&why);
        match fault {
            NotAnswered::NotSent { why } => NotAnswered::NotSent { why: text(why) },
            NotAnswered::Egress { why } => NotAnswered::Egress { why: text(why) },
            NotAnswered::Unauthorised { why } => NotAnswered::Unauthorised { why: text(why) },
            NotAnswered::Broken { why } => NotAnswered::Broken { why: text(why) },
            NotAnswered::Limited { .. } | NotAnswered::TimedOut => fault,
        }
    }
}

fn speaks_of_json(header: &HeaderValue) -> bool {
    header
        .to_str()
        .is_ok_and(|text| text.split(';').next().is_some_and(|t| t.trim().ends_with("json")))
}

/// Where it goes, and the request as it leaves.
fn ready(
    connection: &Connection,
    outgoing: &Outgoing,
    pass: &Pass,
) -> Result<(Target, Request<Full<Bytes>>), NotAnswered> {
    let filled = |text: &Text| text.filled(&connection.terms.secrets).map_err(missing);
    let target =
        target(&connection.terms, filled(&outgoing.url)?.expose_secret()).map_err(egress)?;
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, text) in &outgoing.headers {
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(not_sent(format!(
                "the header `{name}` is not for a connector file to set"
            )));
        }
        let (name, value) = header(name, &filled(text)?)?;
        headers.insert(name, value);
    }
    if let Some((name, value)) = &pass.header {
        let (name, value) = header(name, value)?;
        headers.insert(name, value);
    }
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    let host = SecretString::from(&target.url[Position::BeforeHost..Position::AfterPort]);
    headers.insert(HOST, header("host", &host)?.1);
    let body = outgoing.body.as_ref().map(filled).transpose()?;
    let body = body.map_or_else(Bytes::new, |body| Bytes::from(body.expose_secret().to_owned()));
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = outgoing.method.clone();
    *request.uri_mut() =
        target.url[Position::BeforePath..Position::AfterQuery].parse().map_err(|_| {
            not_sent("its path and query cannot be sent as they are: percent-encode them")
        })?;
    *request.headers_mut() = headers;
    Ok((target, request))
}

pub(super) fn missing(Missing(name): Missing) -> NotAnswered {
    not_sent(format!("the connection has no secret `{name}`: name it in the config"))
}

fn header(name: &str, value: &SecretString) -> Result<(HeaderName, HeaderValue), NotAnswered> {
    let bad = || not_sent(format!("the header `{name}` cannot be sent: a line break in it?"));
    let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| bad())?;
    value.set_sensitive(true);
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?, value))
}
