//! A ticket system as Jira Cloud is: issues with texts in Atlassian's document format, comments, transitions, remote links.
//!
//! Paths, statuses and shapes are those of Atlassian's own description of its REST API, version 3.

mod adf;
mod change;
mod issues;
mod jql;
mod search;

pub use issues::Issue;

use super::desk::Vendor;
use super::faults::only_looks;
use super::wire::{Answer, Content, Request, written};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::{Value, json};
use std::time::Duration;

/// Statuses with their ids; each can be reached from each, by the transition of the id beside it.
const STATUSES: [(&str, &str, &str); 3] =
    [("11", "10000", "To Do"), ("21", "10001", "In Progress"), ("31", "10002", "Done")];

const UNKNOWN: &str = "Issue does not exist or you do not have permission to see it.";

/// The ticket system's world: one project.
#[derive(Clone, Debug)]
pub struct Jira {
    pub email: String,
    pub token: String,
    /// The project's key.
    pub project: String,
    pub issue_types: Vec<String>,
    pub users: Vec<Account>,
    pub issues: Vec<Issue>,
    /// How long a search does not see what is new: Jira's index comes after.
    pub index_lag: Duration,
    made: u64,
}

/// Somebody in Jira.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: String,
    pub email: String,
    pub name: String,
}

impl Jira {
    /// The security team's project, with nothing in it. The first account is whose token it is.
    pub fn example_corp() -> Self {
        let account = |id: &str, name: &str, email: &str| Account {
            id: id.into(),
            email: email.into(),
            name: name.into(),
        };
        Self {
            email: "vigie@example.com".into(),
            token: "standin-jira-token".into(),
            project: "SEC".into(),
            issue_types: ["Task", "Bug", "Incident"].map(Into::into).to_vec(),
            users: vec![
                account("712020:00000000-vigie", "Vigie Service", "vigie@example.com"),
                account("712020:00000000-alice", "Alice Martin", "alice@example.com"),
                account("712020:00000000-bob", "Bob Chen", "bob@example.com"),
                account("712020:00000000-carla", "Carla Rossi", "carla@example.com"),
            ],
            issues: Vec::new(),
            index_lag: Duration::ZERO,
            made: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn knows(&self, request: &Request) -> bool {
        let pair = format!("{}:{}", self.email, self.token);
        request.header(AUTHORIZATION) == format!("Basic {}", STANDARD.encode(pair))
    }

    fn account(&self, id: &str) -> Option<&Account> {
        self.users.iter().find(|user| user.id == id)
    }

    fn find_accounts(&self, request: &Request) -> Answer {
        let query = request.asked("query").unwrap_or_default().to_lowercase();
        let meant = |user: &&Account| {
            [&user.email, &user.name]
                .into_iter()
                .any(|text| text.to_lowercase().starts_with(&query))
        };
        Answer::json(200, self.users.iter().filter(meant).map(Account::wire).collect())
    }

    fn answer_about(&mut self, request: &Request, (key, rest): (&str, &[&str])) -> Answer {
        let Some(at) = self.find_issue(key) else {
            return errors(404, &[UNKNOWN]);
        };
        match (&request.method, rest) {
            (&Method::GET, []) => self.get_issue(at, request),
            (&Method::PUT, []) => self.edit_issue(at, request),
            (&Method::PUT, ["assignee"]) => self.assign_issue(at, request),
            (&Method::GET, ["comment"]) => self.list_comments(at),
            (&Method::POST, ["comment"]) => self.add_comment(at, request),
            (&Method::GET, ["transitions"]) => self.list_transitions(),
            (&Method::POST, ["transitions"]) => self.transition(at, request),
            (&Method::GET, ["remotelink"]) => self.list_links(at, request),
            (&Method::POST, ["remotelink"]) => self.add_link(at, request),
            _ => Answer::empty(405),
        }
    }
}

impl Account {
    fn wire(&self) -> Value {
        json!({
            "self": format!("https://example.atlassian.net/rest/api/3/user?accountId={}", self.id), "accountId": self.id,
            "accountType": "atlassian", "emailAddress": self.email, "displayName": self.name, "active": true,
            "timeZone": "Europe/Paris",
        })
    }
}

impl Vendor for Jira {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, path) = request.route();
        let ["rest", "api", "3", path @ ..] = path.as_slice() else {
            return errors(404, &["There is nothing here."]);
        };
        if (method, path) == ("GET", &["serverInfo"]) {
            let info = json!({"baseUrl": request.base(), "version": "1001.0.0", "versionNumbers": [1001, 0, 0], "deploymentType": "Cloud"});
            return Answer::json(200, info);
        }
        if !self.knows(request) {
            return self.failed(401);
        }
        match (method, path) {
            ("GET", ["myself"]) => Answer::json(200, self.users.first().map(Account::wire).into()),
            ("GET", ["user", "search"]) => self.find_accounts(request),
            ("GET", ["field"]) => issues::fields(),
            ("POST", ["issue"]) => self.create_issue(request),
            ("POST", ["issueLink"]) => self.link_issues(request),
            (_, ["issue", key, rest @ ..]) => self.answer_about(request, (key, rest)),
            ("GET" | "POST", ["search", "jql"]) => self.search(request),
            ("GET" | "POST", ["search"]) => errors(
                410,
                &[
                    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API.",
                ],
            ),
            _ => errors(404, &["There is nothing here."]),
        }
    }

    fn failed(&self, status: u16) -> Answer {
        match status {
            401 => Answer::new(
                401,
                Content::Text("Client must be authenticated to access this resource."),
            ),
            403 => errors(403, &["You do not have the permission to do that."]),
            429 => errors(429, &["Rate limit exceeded."]),
            other => errors(other, &["Internal server error"]),
        }
    }

    /// A query may be too long for an address: a search that is posted changes nothing.
    fn changes(&self, request: &Request) -> bool {
        let (_, path) = request.route();
        !only_looks(&request.method) && !path.contains(&"search")
    }

    fn state(&self, _at_ms: i64) -> Value {
        let ticket = |issue: &Issue| {
            let assignee = issue.assignee.as_ref().and_then(|id| self.account(id));
            json!({
                "key": issue.key, "summary": issue.summary, "status": issue.status().2, "labels": issue.labels,
                "assignee": assignee.map(|user| user.name.as_str()), "comments": issue.comments.len(), "links": issue.links.len(),
            })
        };
        json!({"tickets": self.issues.iter().map(ticket).collect::<Vec<_>>()})
    }
}

/// Jira's errors about the whole request.
fn errors(status: u16, messages: &[&str]) -> Answer {
    Answer::json(status, json!({"errorMessages": messages, "errors": {}}))
}

/// Jira's errors about fields.
fn field_errors(errors: &[(&str, String)]) -> Answer {
    let errors: serde_json::Map<String, Value> =
        errors.iter().map(|(field, why)| ((*field).to_owned(), json!(why))).collect();
    Answer::json(400, json!({"errorMessages": [], "errors": errors}))
}

/// Jira's way to write a moment.
fn moment(at_ms: i64) -> String {
    written(at_ms, "%Y-%m-%dT%H:%M:%S%.3f+0000")
}
