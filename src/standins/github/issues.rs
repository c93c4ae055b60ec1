//! Issues of the repository, and their comments.

use super::{GitHub, invalid, moment, refused};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

/// An issue.
#[derive(Clone, Debug)]
pub struct Issue {
    pub number: u64,
    pub title: String,
    pub state: String,
    pub comments: Vec<Value>,
    body: Value,
    labels: Vec<String>,
    created_ms: i64,
}

impl Issue {
    fn wire(&self, github: &GitHub, base: &str) -> Value {
        let url =
            format!("{base}/repos/{}/{}/issues/{}", github.org, github.repository, self.number);
        let label = |name: &String| json!({"name": name});
        json!({
            "id": 1_000_000 + self.number, "number": self.number, "url": url, "html_url": url, "title": self.title,
            "state": self.state, "body": self.body, "labels": self.labels.iter().map(label).collect::<Vec<_>>(),
            "user": GitHub::user("vigie-bot"), "comments": self.comments.len(), "created_at": moment(self.created_ms),
            "updated_at": moment(self.created_ms), "locked": false,
        })
    }
}

impl GitHub {
    fn find_issue(&self, number: &str) -> Option<usize> {
        let number: u64 = number.parse().ok()?;
        self.issues.iter().position(|issue| issue.number == number)
    }

    pub(super) fn list_issues(&self, request: &Request) -> Answer {
        let state = request.asked("state").unwrap_or("open");
        let wanted: Vec<&str> =
            request.asked("labels").into_iter().flat_map(|l| l.split(',')).collect();
        let meant = self.issues.iter().rev().filter(|issue| {
            (state == "all" || issue.state == state)
                && wanted.iter().all(|label| issue.labels.iter().any(|known| known == label))
        });
        Answer::json(200, meant.map(|issue| issue.wire(self, &request.base())).collect())
    }

    pub(super) fn get_issue(&self, number: &str, request: &Request) -> Answer {
        match self.find_issue(number) {
            Some(at) => Answer::json(200, self.issues[at].wire(self, &request.base())),
            None => refused(404, "Not Found"),
        }
    }

    pub(super) fn create_issue(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let Some(title) = body["title"].as_str().filter(|title| !title.trim().is_empty()) else {
            return invalid("Issue", "title", "missing_field");
        };
        let labels = body["labels"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let issue = Issue {
            number: self.issues.len() as u64 + 1,
            title: title.to_owned(),
            state: "open".into(),
            comments: Vec::new(),
            body: body["body"].clone(),
            labels: labels.map(str::to_owned).collect(),
            created_ms: request.at_ms,
        };
        let (wire, number) = (issue.wire(self, &request.base()), issue.number);
        self.issues.push(issue);
        Answer::json(201, wire).did(format!("create issue {number}"))
    }

    pub(super) fn update_issue(&mut self, number: &str, request: &Request) -> Answer {
        let Some(at) = self.find_issue(number) else { return refused(404, "Not Found") };
        let body = request.json();
        let state = body["state"].as_str();
        if state.is_some_and(|state| !matches!(state, "open" | "closed")) {
            return invalid("Issue", "state", "invalid");
        }
        let issue = &mut self.issues[at];
        if let Some(state) = state {
            state.clone_into(&mut issue.state);
        }
        if let Some(title) = body["title"].as_str() {
            title.clone_into(&mut issue.title);
        }
        Answer::json(200, self.issues[at].wire(self, &request.base()))
            .did(format!("update issue {number}"))
    }

    pub(super) fn list_comments(&self, number: &str) -> Answer {
        match self.find_issue(number) {
            Some(at) => Answer::json(200, json!(self.issues[at].comments)),
            None => refused(404, "Not Found"),
        }
    }

    pub(super) fn add_comment(&mut self, number: &str, request: &Request) -> Answer {
        let Some(at) = self.find_issue(number) else { return refused(404, "Not Found") };
        let body = request.json();
        let Some(text) = body["body"].as_str().filter(|text| !text.trim().is_empty()) else {
            return invalid("IssueComment", "body", "missing_field");
        };
        let (id, at_ms) = (self.next(), moment(request.at_ms));
        let url = format!(
            "{}/repos/{}/{}/issues/comments/{id}",
            request.base(),
            self.org,
            self.repository
        );
        let comment = json!({"id": id, "url": url, "html_url": url, "body": text, "user": Self::user("vigie-bot"), "created_at": at_ms, "updated_at": at_ms});
        self.issues[at].comments.push(comment.clone());
        Answer::json(201, comment).did(format!("comment on issue {number}"))
    }
}
