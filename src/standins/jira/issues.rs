//! Issues: made, read, and what they hold.

use super::{Jira, STATUSES, adf, field_errors, moment};
use crate::standins::wire::{Answer, Request};
use serde_json::{Map, Value, json};

/// Fields with what they hold.
const FIELDS: [(&str, &str); 9] = [
    ("summary", "string"),
    ("description", "string"),
    ("labels", "array"),
    ("issuetype", "issuetype"),
    ("project", "project"),
    ("status", "status"),
    ("priority", "priority"),
    ("assignee", "user"),
    ("created", "datetime"),
];
/// Longer summaries are refused.
const LONGEST_SUMMARY: usize = 255;
const ADF_WANTED: &str =
    "Operation value must be an Atlassian Document (see the Atlassian Document Format)";

/// An issue.
#[derive(Clone, Debug)]
pub struct Issue {
    pub id: usize,
    pub key: String,
    pub kind: String,
    pub summary: String,
    /// In Atlassian's document format, or null.
    pub description: Value,
    pub labels: Vec<String>,
    pub priority: String,
    /// An account's id.
    pub assignee: Option<String>,
    pub comments: Vec<Value>,
    pub links: Vec<Value>,
    /// How it stands to which other issue.
    pub(super) linked: Vec<(String, String)>,
    pub(super) status: usize,
    pub(super) created_ms: i64,
    pub(super) updated_ms: i64,
}

impl Issue {
    /// The transition that leads to its status, the status's id and its name.
    pub(super) fn status(&self) -> (&'static str, &'static str, &'static str) {
        STATUSES[self.status]
    }

    fn wire(&self, jira: &Jira, base: &str) -> Value {
        let (_, status_id, status) = self.status();
        let assignee = self.assignee.as_ref().and_then(|id| jira.account(id));
        json!({
            "id": self.id.to_string(), "key": self.key, "self": format!("{base}/rest/api/3/issue/{}", self.id),
            "fields": {
                "summary": self.summary, "description": self.description, "labels": self.labels,
                "issuetype": {"name": self.kind}, "project": {"key": jira.project, "id": "10000"},
                "status": {"id": status_id, "name": status}, "priority": {"name": self.priority},
                "assignee": assignee.map(super::Account::wire), "reporter": jira.users.first().map(super::Account::wire),
                "comment": {"comments": self.comments, "total": self.comments.len()},
                "issuelinks": self.linked.iter().map(|(kind, other)| json!({"type": {"name": kind}, "outwardIssue": {"key": other}})).collect::<Vec<_>>(),
                "created": moment(self.created_ms), "updated": moment(self.updated_ms),
            },
        })
    }

    /// With these fields alone; `*all` is all of them. Without any of it a search gives the id alone.
    pub(super) fn with_fields(&self, jira: &Jira, base: &str, fields: &[String]) -> Value {
        let mut wire = self.wire(jira, base);
        if fields.iter().any(|field| matches!(field.as_str(), "*all" | "*navigable")) {
            return wire;
        }
        if fields.is_empty() || fields == ["id"] {
            return json!({"id": self.id.to_string()});
        }
        if let Some(all) = wire["fields"].as_object_mut() {
            all.retain(|name, _| fields.contains(name));
        }
        wire
    }
}

impl Jira {
    /// By key or by id.
    pub(super) fn find_issue(&self, key: &str) -> Option<usize> {
        let is = |issue: &Issue| issue.key.eq_ignore_ascii_case(key) || issue.id.to_string() == key;
        self.issues.iter().position(is)
    }

    pub(super) fn get_issue(&self, at: usize, request: &Request) -> Answer {
        let asked = request.asked("fields").unwrap_or("*all");
        let fields: Vec<String> = asked.split(',').map(str::to_owned).collect();
        Answer::json(200, self.issues[at].with_fields(self, &request.base(), &fields))
    }

    pub(super) fn create_issue(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let empty = Map::new();
        let fields = body["fields"].as_object().unwrap_or(&empty);
        let wrong = self.objections(fields);
        if !wrong.is_empty() {
            return field_errors(&wrong);
        }
        let number = self.issues.len() + 1;
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let issue = Issue {
            id: 10_000 + number,
            key: format!("{}-{number}", self.project),
            kind: self.kind(fields.get("issuetype")).unwrap_or_default().to_owned(),
            summary: text(fields.get("summary")),
            description: fields.get("description").cloned().unwrap_or_default(),
            labels: labels(fields.get("labels")).unwrap_or_default(),
            priority: fields
                .get("priority")
                .and_then(|p| p["name"].as_str())
                .unwrap_or("Medium")
                .into(),
            assignee: fields.get("assignee").and_then(account_id).map(str::to_owned),
            comments: Vec::new(),
            links: Vec::new(),
            linked: Vec::new(),
            status: 0,
            created_ms: request.at_ms,
            updated_ms: request.at_ms,
        };
        let (id, key) = (issue.id.to_string(), issue.key.clone());
        self.issues.push(issue);
        let link = format!("{}/rest/api/3/issue/{id}", request.base());
        Answer::json(201, json!({"id": id, "key": key, "self": link})).did(format!("create {key}"))
    }

    fn kind(&self, given: Option<&Value>) -> Option<&str> {
        let given = given?;
        let by_name = given["name"].as_str();
        let by_id = given["id"]
            .as_str()
            .and_then(|id| id.parse::<usize>().ok())
            .map(|id| id.wrapping_sub(10_001));
        let mut kinds = self.issue_types.iter().enumerate();
        kinds
            .find(|(at, kind)| Some(kind.as_str()) == by_name || Some(*at) == by_id)
            .map(|(_, kind)| kind.as_str())
    }

    /// What is wrong with the fields of a new issue, or of a change.
    fn objections(&self, fields: &Map<String, Value>) -> Vec<(&'static str, String)> {
        let mut wrong = self.wrong_values(fields);
        let project = fields.get("project").cloned().unwrap_or_default();
        if project["key"] != *self.project && project["id"] != "10000" {
            wrong.push(("project", "Specify a valid project ID or key".into()));
        }
        if self.kind(fields.get("issuetype")).is_none() {
            wrong.push(("issuetype", "Specify a valid issue type".into()));
        }
        if !fields.contains_key("summary") {
            wrong.push(("summary", "You must specify a summary of the issue.".into()));
        }
        wrong
    }

    /// What is wrong with the values that are there.
    pub(super) fn wrong_values(&self, fields: &Map<String, Value>) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        if let Some(summary) = fields.get("summary") {
            let summary = summary.as_str().unwrap_or_default();
            if summary.trim().is_empty() {
                wrong.push(("summary", "You must specify a summary of the issue.".into()));
            } else if summary.contains(['\n', '\r']) {
                wrong.push((
                    "summary",
                    "The summary is invalid because it contains newline characters.".into(),
                ));
            } else if summary.chars().count() > LONGEST_SUMMARY {
                wrong.push((
                    "summary",
                    format!("Summary can't exceed {LONGEST_SUMMARY} characters."),
                ));
            }
        }
        if fields.get("description").is_some_and(|text| !text.is_null() && !adf::is_document(text))
        {
            wrong.push(("description", ADF_WANTED.into()));
        }
        if let Err(why) = labels(fields.get("labels")) {
            wrong.push(("labels", why));
        }
        let assignee = fields.get("assignee").filter(|assignee| !assignee.is_null());
        let known =
            |assignee: &Value| account_id(assignee).is_some_and(|id| self.account(id).is_some());
        if assignee.is_some_and(|assignee| !known(assignee)) {
            wrong.push(("assignee", "Specify a valid value for assignee".into()));
        }
        for name in fields.keys() {
            let known = [
                "summary",
                "description",
                "labels",
                "assignee",
                "project",
                "issuetype",
                "priority",
            ];
            if !known.contains(&name.as_str()) {
                wrong.push(("fields", format!("Field '{name}' cannot be set. It is not on the appropriate screen, or unknown.")));
            }
        }
        wrong
    }
}

/// An account is named by either of these.
fn account_id(given: &Value) -> Option<&str> {
    given["accountId"].as_str().or(given["id"].as_str())
}

/// The fields that an issue has.
pub fn fields() -> Answer {
    let field = |(id, kind): &(&str, &str)| json!({"id": id, "key": id, "name": id, "custom": false, "searchable": true, "clauseNames": [id], "schema": {"type": kind, "system": id}});
    Answer::json(200, FIELDS.iter().map(field).collect())
}

/// Labels, which hold no blanks.
pub fn labels(given: Option<&Value>) -> Result<Vec<String>, String> {
    let mut labels = Vec::new();
    for label in given.and_then(Value::as_array).into_iter().flatten() {
        let label = label.as_str().unwrap_or_default();
        if label.is_empty() || label.contains(char::is_whitespace) {
            return Err(format!("The label '{label}' contains spaces which is invalid."));
        }
        labels.push(label.to_owned());
    }
    Ok(labels)
}
