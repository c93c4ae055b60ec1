//! A forge as GitHub is: secret-scanning alerts, issues and comments, members and collaborators, credentials that are revoked.
//!
//! Paths, statuses and shapes are those of GitHub's own description of its REST API.

mod dependabot;
mod issues;
mod people;
mod secrets;

use super::desk::Vendor;
use super::faults::only_looks;
use super::wire::{Answer, Request, written};
use dependabot::Dependabot;
use hyper::header::AUTHORIZATION;
use issues::Issue;
use secrets::SecretAlert;
use serde_json::{Value, json};

const REVOKE: (&str, &[&str]) = ("POST", &["credentials", "revoke"]);

/// The forge's world: one organisation with one repository.
#[derive(Clone, Debug)]
pub struct GitHub {
    pub token: String,
    pub org: String,
    pub repository: String,
    pub members: Vec<String>,
    pub collaborators: Vec<String>,
    blocked: Vec<String>,
    alerts: Vec<SecretAlert>,
    dependabot: Vec<Dependabot>,
    issues: Vec<Issue>,
    /// How many credentials were handed in to be revoked. They themselves are not kept.
    revoked: usize,
    made: u64,
}

impl GitHub {
    /// The organisation of the demo's people, with a key that leaked.
    pub fn example_corp() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            token: "standin-github-token".into(),
            org: "example".into(),
            repository: "payments".into(),
            members: names(&["alice", "bob", "carla", "jdurand", "mleroy"]),
            collaborators: names(&["jdurand", "contractor-9"]),
            blocked: Vec::new(),
            alerts: secrets::example_corp(),
            dependabot: dependabot::example_corp(),
            issues: Vec::new(),
            revoked: 0,
            made: 0,
        }
    }

    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    fn in_repository(&mut self, request: &Request, path: &[&str]) -> Answer {
        match (request.method.as_str(), path) {
            ("GET", ["secret-scanning", "alerts"]) => self.list_alerts(request),
            ("GET", ["secret-scanning", "alerts", number]) => self.get_alert(number, request),
            ("PATCH", ["secret-scanning", "alerts", number]) => self.update_alert(number, request),
            ("GET", ["dependabot", "alerts", number]) => self.get_dependabot(number),
            ("PATCH", ["dependabot", "alerts", number]) => self.update_dependabot(number, request),
            ("GET", ["issues"]) => self.list_issues(request),
            ("POST", ["issues"]) => self.create_issue(request),
            ("GET", ["issues", number]) => self.get_issue(number, request),
            ("PATCH", ["issues", number]) => self.update_issue(number, request),
            ("GET", ["issues", number, "comments"]) => self.list_comments(number),
            ("POST", ["issues", number, "comments"]) => self.add_comment(number, request),
            ("GET", ["collaborators", who]) => self.check_collaborator(who),
            ("DELETE", ["collaborators", who]) => self.remove_collaborator(who),
            _ => self.failed(404),
        }
    }

    fn in_organisation(&mut self, method: &str, path: &[&str]) -> Answer {
        match (method, path) {
            ("GET", ["members", who]) => self.check_member(who),
            ("GET", ["memberships", who]) => self.membership(who),
            ("DELETE", ["members" | "memberships", who]) => self.remove_member(who),
            ("GET", ["blocks", who]) => self.check_blocked(who),
            ("PUT", ["blocks", who]) => self.block(who),
            ("DELETE", ["blocks", who]) => self.unblock(who),
            _ => self.failed(404),
        }
    }

    fn user(login: &str) -> Value {
        json!({"login": login, "id": login.bytes().map(u64::from).sum::<u64>(), "type": "User", "site_admin": false})
    }
}

impl Vendor for GitHub {
    fn answer(&mut self, request: &Request) -> Answer {
        let (method, path) = request.route();
        // Whoever finds a credential may have it revoked: GitHub wants no token for that, and takes none.
        if (method, path.as_slice()) == REVOKE {
            let bare = request.header(AUTHORIZATION).is_empty();
            return if bare { self.revoke(request) } else { self.failed(403) };
        }
        let (kind, token) = request.header(AUTHORIZATION).split_once(' ').unwrap_or_default();
        if !matches!(kind.to_lowercase().as_str(), "bearer" | "token") || token != self.token {
            return self.failed(401);
        }
        match (method, path.as_slice()) {
            ("GET", ["user"]) => Answer::json(200, Self::user("vigie-bot")),
            (_, ["repos", owner, name, rest @ ..])
                if *owner == self.org && *name == self.repository =>
            {
                self.in_repository(request, rest)
            }
            (_, ["orgs", org, rest @ ..]) if *org == self.org => self.in_organisation(method, rest),
            _ => self.failed(404),
        }
    }

    fn failed(&self, status: u16) -> Answer {
        refused(
            status,
            match status {
                401 => "Bad credentials",
                403 => "Resource not accessible by personal access token",
                404 => "Not Found",
                429 => "API rate limit exceeded",
                503 => "Service unavailable",
                _ => "Server Error",
            },
        )
    }

    fn changes(&self, request: &Request) -> bool {
        !only_looks(&request.method)
    }

    fn noted(&self, request: &Request) -> Value {
        let (method, path) = request.route();
        match (method, path.as_slice()) == REVOKE {
            true => Value::Null,
            false => request.json(),
        }
    }

    fn state(&self, _at_ms: i64) -> Value {
        let repository = format!("{}/{}", self.org, self.repository);
        let secret = |one: &SecretAlert| json!({"number": one.number, "kind": one.kind, "state": one.state, "resolution": one.resolution, "active": one.active});
        let issue = |one: &Issue| json!({"number": one.number, "title": one.title, "state": one.state, "comments": one.comments.len()});
        json!({
            "repository": repository, "members": self.members, "collaborators": self.collaborators, "blocked": self.blocked,
            "secrets": self.alerts.iter().map(secret).collect::<Vec<_>>(),
            "dependabot": self.dependabot.iter().map(Dependabot::wire).collect::<Vec<_>>(),
            "issues": self.issues.iter().map(issue).collect::<Vec<_>>(), "revoked": self.revoked,
        })
    }
}

fn refused(status: u16, message: &str) -> Answer {
    Answer::json(
        status,
        json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()}),
    )
}

/// 422 with what is wrong with a field.
fn invalid(resource: &str, field: &str, code: &str) -> Answer {
    Answer::json(
        422,
        json!({
            "message": "Validation Failed", "documentation_url": "https://docs.github.com/rest", "status": "422",
            "errors": [{"resource": resource, "field": field, "code": code}],
        }),
    )
}

/// GitHub's way to write a moment.
fn moment(at_ms: i64) -> String {
    written(at_ms, "%Y-%m-%dT%H:%M:%SZ")
}
