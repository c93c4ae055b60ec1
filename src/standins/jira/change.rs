//! What is done to an issue that is there: edited, assigned, commented, moved on, linked.

use super::{Jira, STATUSES, UNKNOWN, adf, errors, field_errors, issues, moment};
use crate::standins::wire::{Answer, Request};
use serde_json::{Map, Value, json};

/// The kinds of link between issues.
const LINKS: [&str; 4] = ["Relates", "Blocks", "Duplicate", "Cloners"];

impl Jira {
    pub(super) fn edit_issue(&mut self, at: usize, request: &Request) -> Answer {
        let body = request.json();
        let empty = Map::new();
        let fields = body["fields"].as_object().unwrap_or(&empty);
        let update = body["update"].as_object().unwrap_or(&empty);
        let operations: Vec<(&str, &Value)> = update
            .get("labels")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_object()?.iter().next())
            .map(|(verb, value)| (verb.as_str(), value))
            .collect();
        let named = json!(operations.iter().map(|(_, value)| value).collect::<Vec<_>>());
        let mut wrong = self.wrong_values(fields);
        wrong.extend(issues::labels(Some(&named)).err().map(|why| ("labels", why)));
        if !wrong.is_empty() {
            return field_errors(&wrong);
        }
        if fields.is_empty() && operations.is_empty() {
            return errors(400, &["one of 'fields' or 'update' required"]);
        }
        let issue = &mut self.issues[at];
        if let Some(summary) = fields.get("summary").and_then(Value::as_str) {
            summary.clone_into(&mut issue.summary);
        }
        if let Some(description) = fields.get("description") {
            issue.description = description.clone();
        }
        if let Some(labels) = fields.get("labels") {
            issue.labels = issues::labels(Some(labels)).unwrap_or_default();
        }
        for (verb, label) in operations {
            let label = label.as_str().unwrap_or_default();
            issue.labels.retain(|known| known != label);
            if verb == "add" {
                issue.labels.push(label.to_owned());
            }
        }
        issue.updated_ms = request.at_ms;
        Answer::empty(204).did(format!("edit {}", issue.key))
    }

    pub(super) fn assign_issue(&mut self, at: usize, request: &Request) -> Answer {
        let body = request.json();
        let id = body["accountId"].as_str();
        if id.is_some_and(|id| self.account(id).is_none()) {
            return field_errors(&[("assignee", "Specify a valid value for assignee".into())]);
        }
        let issue = &mut self.issues[at];
        issue.assignee = id.map(str::to_owned);
        issue.updated_ms = request.at_ms;
        Answer::empty(204).did(format!("assign {}", issue.key))
    }

    pub(super) fn list_comments(&self, at: usize) -> Answer {
        let comments = &self.issues[at].comments;
        let page =
            json!({"startAt": 0, "maxResults": 100, "total": comments.len(), "comments": comments});
        Answer::json(200, page)
    }

    pub(super) fn add_comment(&mut self, at: usize, request: &Request) -> Answer {
        let text = request.json()["body"].clone();
        if !adf::is_document(&text) {
            let why = "Comment body is not valid!";
            return Answer::json(400, json!({"errorMessages": [why], "errors": {"comment": why}}));
        }
        let id = (10_000 + self.next()).to_string();
        let author = self.users.first().map(super::Account::wire);
        let issue = &mut self.issues[at];
        let comment = json!({
            "self": format!("{}/rest/api/3/issue/{}/comment/{id}", request.base(), issue.id), "id": id, "author": author,
            "body": text, "created": moment(request.at_ms), "updated": moment(request.at_ms), "jsdPublic": true,
        });
        issue.comments.push(comment.clone());
        issue.updated_ms = request.at_ms;
        Answer::json(201, comment).did(format!("comment on {}", issue.key))
    }

    pub(super) fn list_transitions(&self) -> Answer {
        let one = |(id, status, name): &(&str, &str, &str)| json!({"id": id, "name": name, "to": {"id": status, "name": name}, "isAvailable": true});
        Answer::json(
            200,
            json!({"expand": "transitions", "transitions": STATUSES.iter().map(one).collect::<Vec<_>>()}),
        )
    }

    pub(super) fn transition(&mut self, at: usize, request: &Request) -> Answer {
        let body = request.json();
        let id = body["transition"]["id"].as_str().unwrap_or_default();
        let Some(to) = STATUSES.iter().position(|(known, ..)| *known == id) else {
            return errors(
                400,
                &["Missing 'transition' identifier, or it is not one of this issue's."],
            );
        };
        let issue = &mut self.issues[at];
        issue.status = to;
        issue.updated_ms = request.at_ms;
        Answer::empty(204).did(format!("move {} to {}", issue.key, STATUSES[to].2))
    }

    pub(super) fn list_links(&self, at: usize, request: &Request) -> Answer {
        let wanted = request.asked("globalId");
        let links = self.issues[at].links.iter();
        let meant = links.filter(|link| wanted.is_none_or(|id| link["globalId"] == id));
        Answer::json(200, meant.cloned().collect())
    }

    pub(super) fn link_issues(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let key = |side: &str| body[side]["key"].as_str().unwrap_or_default().to_owned();
        let kind = body["type"]["name"].as_str().unwrap_or_default();
        if !LINKS.contains(&kind) {
            return errors(404, &[&format!("No issue link type with name '{kind}' found.")]);
        }
        let sides = (self.find_issue(&key("inwardIssue")), self.find_issue(&key("outwardIssue")));
        let (Some(inward), Some(outward)) = sides else { return errors(404, &[UNKNOWN]) };
        let names = (self.issues[inward].key.clone(), self.issues[outward].key.clone());
        self.issues[inward].linked.push((kind.to_owned(), names.1.clone()));
        Answer::empty(201).did(format!("link {} and {}", names.0, names.1))
    }

    /// A link with the global id of one that stands there takes its place.
    pub(super) fn add_link(&mut self, at: usize, request: &Request) -> Answer {
        let body = request.json();
        let object = body["object"].clone();
        if object["url"].as_str().is_none_or(str::is_empty)
            || object["title"].as_str().is_none_or(str::is_empty)
        {
            return field_errors(&[("url", "'url' and 'title' are required.".into())]);
        }
        let global = body["globalId"].as_str().map(str::to_owned);
        let next = 10_000 + self.next();
        let issue = &mut self.issues[at];
        let known = issue
            .links
            .iter()
            .position(|link| global.is_some() && link["globalId"].as_str() == global.as_deref());
        let id = known.and_then(|at| issue.links[at]["id"].as_u64()).unwrap_or(next);
        let link = format!("{}/rest/api/3/issue/{}/remotelink/{id}", request.base(), issue.key);
        let mut stored = json!({"id": id, "self": link, "object": object});
        if let Some(global) = global {
            stored["globalId"] = json!(global);
        }
        let status = match known {
            Some(at) => {
                issue.links[at] = stored;
                200
            }
            None => {
                issue.links.push(stored);
                201
            }
        };
        Answer::json(status, json!({"id": id, "self": link})).did(format!("link {}", issue.key))
    }
}
