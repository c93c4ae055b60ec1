//! An identity provider as Okta is: users with a status, sessions, factors and groups, and a log of what was done to them.
//!
//! Paths, statuses and shapes are those of Okta's own description of its management API; the error codes are Okta's list.

mod groups;
mod scim;
mod users;

pub use users::User;

use super::desk::Vendor;
use super::faults::only_looks;
use super::wire::{Answer, Request, rfc3339};
use groups::Group;
use hyper::header::{AUTHORIZATION, LINK};
use serde_json::{Value, json};

/// Whose token it is.
const ACTOR: &str = "00u0vigie000000000000";

/// The identity provider's world.
#[derive(Clone, Debug)]
pub struct Iam {
    pub token: String,
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    log: Vec<Value>,
}

impl Iam {
    /// The people that the demo's alerts speak of, and their colleagues.
    pub fn example_corp() -> Self {
        Self {
            token: "standin-okta-token".into(),
            users: users::example_corp(),
            groups: groups::example_corp(),
            log: Vec::new(),
        }
    }

    /// Notes what was done to somebody.
    fn note(&mut self, (event, user): (&str, &User), at_ms: i64) {
        self.log.push(json!({
            "uuid": format!("5f0c1a52-0000-4000-8000-{:012}", self.log.len() + 1), "published": rfc3339(at_ms),
            "eventType": event, "severity": "INFO", "version": "0", "outcome": {"result": "SUCCESS"},
            "displayMessage": event.replace(['.', '_'], " "), "client": {"ipAddress": "127.0.0.1"},
            "actor": {"id": ACTOR, "type": "User", "alternateId": "vigie@example.com", "displayName": "Vigie Service"},
            "target": [{"id": user.id, "type": "User", "alternateId": user.login, "displayName": user.name()}],
        }));
    }

    fn list_log(&self, request: &Request) -> Answer {
        let filter = match scim::Filter::parse(request.asked("filter").unwrap_or_default()) {
            Ok(filter) => filter,
            Err(()) => return error(400, "E0000031", "Invalid search criteria."),
        };
        let since = request.asked("since").unwrap_or_default();
        let until = request.asked("until").unwrap_or("9999");
        let q = request.asked("q").unwrap_or_default().to_lowercase();
        let property = |entry: &Value, name: &str| match name {
            "target.id" => entry["target"][0]["id"].as_str().map(str::to_owned),
            "actor.id" => entry["actor"]["id"].as_str().map(str::to_owned),
            "eventType" => entry["eventType"].as_str().map(str::to_owned),
            _ => None,
        };
        let meant = |entry: &&Value| {
            let at = entry["published"].as_str().unwrap_or_default();
            since <= at
                && at < until
                && entry.to_string().to_lowercase().contains(&q)
                && filter.holds(&|name| property(entry, name))
        };
        let mut found: Vec<Value> = self.log.iter().filter(meant).cloned().collect();
        if request.asked("sortOrder") == Some("DESCENDING") {
            found.reverse();
        }
        paged(request, found)
    }
}

impl Vendor for Iam {
    fn answer(&mut self, request: &Request) -> Answer {
        // Okta's own client for Python sends no blank after the scheme's name.
        let token = request.header(AUTHORIZATION).strip_prefix("SSWS").map(str::trim_start);
        if token != Some(self.token.as_str()) {
            return self.failed(401);
        }
        let (method, path) = request.route();
        let ["api", "v1", path @ ..] = path.as_slice() else { return self.failed(404) };
        match (method, path) {
            ("GET", ["users"]) => self.list_users(request),
            ("GET", ["users", id]) => self.with_user(id, |_, user| Answer::json(200, user.wire())),
            ("GET", ["users", id, "groups"]) => self.groups_of(id),
            ("GET", ["users", id, "factors"]) => {
                self.with_user(id, |_, user| Answer::json(200, user.factors()))
            }
            ("DELETE", ["users", id, "sessions"]) => self.revoke_sessions(id, request),
            ("POST", ["users", id, "lifecycle", what]) => self.lifecycle((id, what), request),
            ("GET", ["groups"]) => self.list_groups(request),
            ("GET", ["groups", id]) => {
                self.with_group(id, |_, group| Answer::json(200, group.wire()))
            }
            ("GET", ["groups", id, "users"]) => self.members_of(id, request),
            ("PUT", ["groups", id, "users", user]) => self.join((id, user), true, request.at_ms),
            ("DELETE", ["groups", id, "users", user]) => {
                self.join((id, user), false, request.at_ms)
            }
            ("GET", ["logs"]) => self.list_log(request),
            _ => error(405, "E0000022", "The endpoint does not support the provided HTTP method"),
        }
    }

    fn failed(&self, status: u16) -> Answer {
        match status {
            401 => error(401, "E0000011", "Invalid token provided"),
            403 => {
                error(403, "E0000006", "You do not have permission to perform the requested action")
            }
            404 => error(404, "E0000048", "Entity not found exception."),
            429 => error(429, "E0000047", "API call exceeded rate limit due to too many requests."),
            other => error(other, "E0000009", "Internal Server Error"),
        }
    }

    fn changes(&self, request: &Request) -> bool {
        !only_looks(&request.method)
    }

    fn state(&self, _at_ms: i64) -> Value {
        let user = |user: &User| {
            let groups = self.groups.iter().filter(|group| group.members.contains(&user.id));
            json!({
                "login": user.login, "name": user.name(), "status": user.status, "sessions": user.sessions,
                "factors": user.factors, "groups": groups.map(|group| group.name.as_str()).collect::<Vec<_>>(),
            })
        };
        json!({"users": self.users.iter().map(user).collect::<Vec<_>>()})
    }
}

fn error(status: u16, code: &str, summary: &str) -> Answer {
    Answer::json(
        status,
        json!({
            "errorCode": code, "errorSummary": summary, "errorLink": code, "errorId": "oaeSTANDIN0000000000000000",
            "errorCauses": [],
        }),
    )
}

fn not_found(id: &str, kind: &str) -> Answer {
    error(404, "E0000007", &format!("Not found: Resource not found: {id} ({kind})"))
}

/// A page of a list, with a link to the next one: `after` is how many came before.
fn paged(request: &Request, all: Vec<Value>) -> Answer {
    let (after, limit) = (request.number("after", 0), request.number("limit", 200).max(1));
    let left = all.len().saturating_sub(after);
    let page: Vec<Value> = all.into_iter().skip(after).take(limit).collect();
    let here = format!("{}{}", request.base(), request.path);
    let answer =
        Answer::json(200, Value::Array(page)).with(LINK, format!("<{here}>; rel=\"self\""));
    if left <= limit {
        return answer;
    }
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(request.query.iter().filter(|(name, _)| name != "after"));
    query.append_pair("after", &(after + limit).to_string());
    answer.with(LINK, format!("<{here}?{}>; rel=\"next\"", query.finish()))
}
