//! An EDR as CrowdStrike Falcon is: tokens, hosts that are contained and let go, alerts, indicators.
//!
//! Paths, statuses and shapes are those of Falcon's own API description (the one that FalconPy and gofalcon are made from).

mod alerts;
mod fql;
mod hosts;
mod iocs;
mod quarantine;
mod rtr;

pub use alerts::Alert;
pub use hosts::Host;
use iocs::Indicator;
use quarantine::File;
use rtr::Session;

use super::desk::Vendor;
use super::faults::only_looks;
use super::wire::{Answer, Request, rfc3339};
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};
use std::time::Duration;

/// Falcon's tokens live half an hour, less a second.
const TOKEN_LIFE: Duration = Duration::from_secs(1799);

/// The EDR's world.
#[derive(Clone, Debug)]
pub struct Edr {
    pub client_id: String,
    pub client_secret: String,
    pub token_life: Duration,
    /// From the order until a host is contained, or let go.
    pub settles: Duration,
    pub hosts: Vec<Host>,
    pub alerts: Vec<Alert>,
    indicators: Vec<Indicator>,
    files: Vec<File>,
    sessions: Vec<Session>,
    /// Each with the moment when it ends, in unix milliseconds.
    tokens: Vec<(String, i64)>,
    made: u64,
}

impl Edr {
    /// The hosts that the demo's alerts speak of.
    pub fn example_corp() -> Self {
        Self {
            client_id: "standin-edr-client".into(),
            client_secret: "standin-edr-secret".into(),
            token_life: TOKEN_LIFE,
            settles: Duration::from_secs(3),
            hosts: hosts::example_corp(),
            alerts: alerts::example_corp(),
            indicators: Vec::new(),
            files: quarantine::example_corp(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            made: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn issue_token(&mut self, request: &Request) -> Answer {
        let given = |name| request.form(name).unwrap_or_default();
        if given("client_id") != self.client_id || given("client_secret") != self.client_secret {
            return refused(403, "Failed to issue access token - Client authentication failed");
        }
        let token = format!("standin-edr-token-{:06}", self.next());
        let life = i64::try_from(self.token_life.as_millis()).unwrap_or(i64::MAX);
        self.tokens.push((token.clone(), request.at_ms.saturating_add(life)));
        let seconds = self.token_life.as_secs();
        Answer::json(
            201,
            json!({"access_token": token, "token_type": "bearer", "expires_in": seconds}),
        )
    }

    fn revoke_token(&mut self, request: &Request) -> Answer {
        let token = request.form("token").unwrap_or_default();
        self.tokens.retain(|(known, _)| *known != token);
        Answer::json(200, json!({"meta": meta("csam"), "errors": [], "resources": []}))
    }

    fn knows(&self, request: &Request) -> bool {
        let (kind, token) = request.header(AUTHORIZATION).split_once(' ').unwrap_or_default();
        let lives = |(known, ends): &(String, i64)| known == token && request.at_ms < *ends;
        kind.eq_ignore_ascii_case("bearer") && self.tokens.iter().any(lives)
    }
}

impl Vendor for Edr {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, path) = request.route();
        match (method, path.as_slice()) {
            ("POST", ["oauth2", "token"]) => return self.issue_token(request),
            ("POST", ["oauth2", "revoke"]) => return self.revoke_token(request),
            _ if !self.knows(request) => {
                return refused(401, "access denied, invalid bearer token");
            }
            _ => {}
        }
        match (method, path.as_slice()) {
            ("GET", ["devices", "queries", "devices", "v1"]) => self.query_hosts(request),
            ("GET" | "POST", ["devices", "entities", "devices", "v2"]) => self.get_hosts(request),
            ("POST", ["devices", "entities", "devices-actions", "v2"]) => {
                self.act_on_hosts(request)
            }
            ("GET", ["alerts", "queries", "alerts", "v2"]) => self.query_alerts(request),
            ("POST", ["alerts", "entities", "alerts", "v2"]) => self.get_alerts(request),
            ("PATCH", ["alerts", "entities", "alerts", "v3"]) => self.update_alerts(request),
            ("GET", ["iocs", "queries", "indicators", "v1"]) => self.query_indicators(request),
            ("GET", ["iocs", "entities", "indicators", "v1"]) => self.get_indicators(request),
            ("POST", ["iocs", "entities", "indicators", "v1"]) => self.add_indicators(request),
            ("DELETE", ["iocs", "entities", "indicators", "v1"]) => self.delete_indicators(request),
            ("PATCH", ["quarantine", "entities", "quarantined-files", "v1"]) => {
                self.release_files(request)
            }
            ("POST", ["real-time-response", "entities", "sessions", "v1"]) => {
                self.open_session(request)
            }
            ("POST", ["real-time-response", "entities", "command", "v1"]) => {
                self.run_command(request)
            }
            ("GET", ["real-time-response", "entities", "command", "v1"]) => {
                self.command_status(request)
            }
            _ => refused(404, "404: Page Not Found"),
        }
    }

    fn failed(&self, status: u16) -> Answer {
        match status {
            401 => refused(401, "access denied, invalid bearer token"),
            403 => refused(403, "access denied, authorization failed"),
            429 => refused(429, "API rate limit exceeded."),
            503 => refused(503, "Service Unavailable"),
            other => refused(other, "Internal Server Error: Please provide trace-id to support"),
        }
    }

    /// Tokens come and go, and a list of ids may be too long for a query: nothing is changed by that.
    fn changes(&self, request: &Request) -> bool {
        let (_, path) = request.route();
        let looks =
            matches!(path.as_slice(), ["oauth2", _] | ["devices", "entities", "devices", _])
                || (request.method == hyper::Method::POST && matches!(path[..], ["alerts", ..]));
        !looks && !only_looks(&request.method)
    }

    fn state(&self, at_ms: i64) -> Value {
        let host = |host: &Host| {
            json!({
                "name": host.hostname, "id": host.id, "platform": host.platform, "user": host.user,
                "status": host.status(at_ms, self.settles),
            })
        };
        let alert = |alert: &Alert| json!({"id": alert.id, "name": alert.name, "host": alert.hostname, "status": alert.status, "comments": alert.comments.len()});
        let indicator =
            |one: &Indicator| json!({"type": one.kind, "value": one.value, "action": one.action});
        json!({
            "hosts": self.hosts.iter().map(host).collect::<Vec<_>>(),
            "alerts": self.alerts.iter().map(alert).collect::<Vec<_>>(),
            "indicators": self.indicators.iter().map(indicator).collect::<Vec<_>>(),
            "files": self.files.iter().map(File::wire).collect::<Vec<_>>(),
        })
    }
}

/// What each of Falcon's answers begins with.
fn meta(powered_by: &str) -> Value {
    json!({"query_time": 0.012, "powered_by": powered_by, "trace_id": "5f0c1a52-0000-4000-8000-00000000f41c"})
}

fn refused(status: u16, message: &str) -> Answer {
    let errors = json!([{"code": status, "message": message}]);
    Answer::json(
        status,
        json!({"meta": meta("crowdstrike-api-gateway"), "errors": errors, "resources": []}),
    )
}

/// Things that were found, and a word on each that was not.
fn found(powered_by: &str, resources: &[Value], errors: &[Value]) -> Answer {
    let status = if resources.is_empty() && !errors.is_empty() { 404 } else { 200 };
    Answer::json(
        status,
        json!({"meta": meta(powered_by), "errors": errors, "resources": resources}),
    )
}

fn unknown(id: &str) -> Value {
    json!({"code": 404, "message": format!("Resource Not Found: {id}"), "id": id})
}

/// A page of ids: those that `filter` means, sorted, from `offset` on, `limit` at most. The first of the properties is the id.
fn page<T>(
    request: &Request,
    (powered_by, properties): (&str, &[&str]),
    all: &[T],
    property: impl Fn(&T, &str) -> Vec<String>,
) -> Answer {
    let filter = match fql::Filter::parse(request.asked("filter").unwrap_or_default(), properties) {
        Ok(filter) => filter,
        Err(why) => return refused(400, &why),
    };
    let q = request.asked("q").unwrap_or_default().to_lowercase();
    let says = |one: &T| {
        let mut words = properties.iter().flat_map(|name| property(one, name));
        words.any(|word| word.to_lowercase().contains(&q))
    };
    let meant = |one: &&T| filter.holds(&|name| property(one, name)) && says(one);
    let mut meant: Vec<&T> = all.iter().filter(meant).collect();
    if let Some(sort) = request.asked("sort") {
        let (name, order) = sort.split_once(['.', '|']).unwrap_or((sort, "asc"));
        if !properties.contains(&name) {
            return refused(400, &format!("invalid sort: {sort}"));
        }
        meant.sort_by_key(|one| property(one, name));
        if order == "desc" {
            meant.reverse();
        }
    }
    let (offset, limit) = (request.number("offset", 0), request.number("limit", 100));
    let page = meant.iter().skip(offset).take(limit);
    let ids: Vec<String> = page.flat_map(|one| property(one, properties[0])).collect();
    let mut head = meta(powered_by);
    head["pagination"] = json!({"offset": offset, "limit": limit, "total": meant.len()});
    Answer::json(200, json!({"meta": head, "errors": [], "resources": ids}))
}

/// The ids of a query or of a body.
fn ids(request: &Request, field: &str) -> Vec<String> {
    let body = request.json();
    let given = body[field].as_array().into_iter().flatten().filter_map(Value::as_str);
    request.all(field).into_iter().chain(given.map(str::to_owned)).collect()
}
