//! The search by JQL, page by page.

use super::jql::{Clause, Query};
use super::{Issue, Jira, adf, errors};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

impl Jira {
    pub(super) fn search(&self, request: &Request) -> Answer {
        let asked = Asked::of(request);
        let query = match Query::parse(&asked.jql) {
            Ok(query) => query,
            Err(why) => return errors(400, &[why.as_str()]),
        };
        if query.clauses.is_empty() {
            return errors(
                400,
                &[
                    "Unbounded JQL queries are not allowed here. Please add a search restriction to your query.",
                ],
            );
        }
        let lag = i64::try_from(self.index_lag.as_millis()).unwrap_or(i64::MAX);
        let seen = |issue: &&Issue| request.at_ms - issue.created_ms >= lag;
        let mut found: Vec<&Issue> =
            self.issues.iter().filter(seen).filter(|issue| self.means(&query, issue)).collect();
        if query.newest_first {
            found.reverse();
        }
        let page = found.iter().skip(asked.from).take(asked.limit);
        let issues: Vec<Value> =
            page.map(|issue| issue.with_fields(self, &request.base(), &asked.fields)).collect();
        let end = asked.from + issues.len();
        let mut answer = json!({"issues": issues, "isLast": end >= found.len()});
        if end < found.len() {
            answer["nextPageToken"] = json!(format!("after-{end}"));
        }
        Answer::json(200, answer)
    }

    fn means(&self, query: &Query, issue: &Issue) -> bool {
        query.clauses.iter().any(|all| all.iter().all(|clause| self.holds(clause, issue)))
    }

    fn holds(&self, clause: &Clause, issue: &Issue) -> bool {
        let assignee = issue.assignee.as_ref().and_then(|id| self.account(id));
        let has: Vec<String> = match clause.field.as_str() {
            "project" => vec![self.project.clone()],
            "key" | "issue" | "issuekey" | "id" => vec![issue.key.clone(), issue.id.to_string()],
            "status" => vec![issue.status().2.to_owned()],
            "labels" => issue.labels.clone(),
            "issuetype" | "type" => vec![issue.kind.clone()],
            "summary" => vec![issue.summary.clone()],
            "description" => vec![adf::text(&issue.description)],
            "text" => {
                let comments = issue.comments.iter().map(|comment| adf::text(&comment["body"]));
                comments.chain([issue.summary.clone(), adf::text(&issue.description)]).collect()
            }
            _ => assignee
                .into_iter()
                .flat_map(|user| [user.id.clone(), user.email.clone(), user.name.clone()])
                .collect(),
        };
        clause.holds(&has)
    }
}

/// What is asked, whether in the address or in the body.
struct Asked {
    jql: String,
    fields: Vec<String>,
    from: usize,
    limit: usize,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let body = request.json();
        let text =
            |name: &str| body[name].as_str().or(request.asked(name)).unwrap_or_default().to_owned();
        let listed = body["fields"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let written = request.all("fields");
        let written = written.iter().flat_map(|fields| fields.split(','));
        let limit = body["maxResults"].as_u64().and_then(|most| most.try_into().ok());
        Self {
            jql: text("jql"),
            fields: listed.chain(written).map(str::to_owned).collect(),
            from: text("nextPageToken")
                .strip_prefix("after-")
                .and_then(|at| at.parse().ok())
                .unwrap_or(0),
            limit: limit.unwrap_or_else(|| request.number("maxResults", 50)),
        }
    }
}
