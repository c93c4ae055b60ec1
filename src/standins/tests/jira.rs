//! Issues are made, found, commented, moved on and linked.

use super::{Client, shown, start, with};
use crate::standins::{Jira, Options, Standin};
use serde_json::{Value, json};
use std::time::Duration;

/// vigie@example.com:standin-jira-token
pub const BASIC: &str = "Authorization: Basic dmlnaWVAZXhhbXBsZS5jb206c3RhbmRpbi1qaXJhLXRva2Vu\r\n";
const ISSUE: &str = "/rest/api/3/issue";

fn client(jira: &Standin) -> Client<'_> {
    Client { standin: jira, headers: BASIC.into() }
}

fn document(text: &str) -> Value {
    json!({"type": "doc", "version": 1, "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}]})
}

pub fn issue(summary: &str) -> Value {
    json!({"fields": {"project": {"key": "SEC"}, "issuetype": {"name": "Task"}, "summary": summary, "description": document("by hand"), "labels": ["vigie"]}})
}

async fn search(jira: &Standin, jql: &str) -> Value {
    let body = json!({"jql": jql, "fields": ["summary"]});
    client(jira).does("POST", "/rest/api/3/search/jql", body).await.body
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_made_commented_assigned_moved_on_and_linked() {
    let jira = start().await.jira;
    let made = client(&jira).does("POST", ISSUE, issue("Isolate fin-laptop-12")).await;
    assert_eq!((made.status, &made.body["key"]), (201, &json!("SEC-1")));
    let comment = client(&jira)
        .does("POST", "/rest/api/3/issue/SEC-1/comment", json!({"body": document("done")}))
        .await;
    assert_eq!(comment.status, 201);
    let carla = json!({"accountId": "712020:00000000-carla"});
    assert_eq!(
        client(&jira).does("PUT", "/rest/api/3/issue/SEC-1/assignee", carla).await.status,
        204
    );
    let moves = client(&jira).get("/rest/api/3/issue/SEC-1/transitions").await;
    let done = moves.body["transitions"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|t| t["name"] == "Done")
        .cloned();
    let moved = json!({"transition": {"id": done.expect("a transition")["id"]}});
    assert_eq!(
        client(&jira).does("POST", "/rest/api/3/issue/SEC-1/transitions", moved).await.status,
        204
    );
    let link = json!({"globalId": "vigie=alr_1", "object": {"url": "https://vigie.example/alr_1", "title": "Alert"}});
    for status in [201, 200] {
        let linked =
            client(&jira).does("POST", "/rest/api/3/issue/SEC-1/remotelink", link.clone()).await;
        assert_eq!(linked.status, status, "the same link stands once");
    }
    let label = json!({"update": {"labels": [{"add": "contained"}]}});
    assert_eq!(client(&jira).does("PUT", "/rest/api/3/issue/SEC-1", label).await.status, 204);
    assert_eq!(
        shown(&jira, "tickets", ("key", "SEC-1")),
        json!({
            "key": "SEC-1", "summary": "Isolate fin-laptop-12", "status": "Done", "labels": ["vigie", "contained"],
            "assignee": "Carla Rossi", "comments": 1, "links": 1,
        })
    );
    let mut other = issue("Its follow-up");
    other["fields"]["assignee"] = json!({"accountId": "712020:00000000-bob"});
    client(&jira).does("POST", ISSUE, other).await;
    let pair = |kind: &str| json!({"type": {"name": kind}, "inwardIssue": {"key": "SEC-1"}, "outwardIssue": {"key": "SEC-2"}});
    assert_eq!(
        client(&jira).does("POST", "/rest/api/3/issueLink", pair("Relates")).await.status,
        201
    );
    assert_eq!(
        client(&jira).does("POST", "/rest/api/3/issueLink", pair("Knows")).await.status,
        404
    );
    let linked = client(&jira).get("/rest/api/3/issue/SEC-1?fields=issuelinks").await;
    assert_eq!(linked.body["fields"]["issuelinks"][0]["outwardIssue"]["key"], "SEC-2");
    assert_eq!(shown(&jira, "tickets", ("key", "SEC-2"))["assignee"], "Bob Chen");
    let read = client(&jira).get("/rest/api/3/issue/SEC-1?fields=status,summary").await;
    assert_eq!(read.body["fields"]["status"]["name"], "Done");
    assert_eq!(read.body["fields"].get("labels"), None, "it was not asked for");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_refused_field_by_field_and_nothing_is_made() {
    let jira = start().await.jira;
    let cases = [
        (json!({"project": {"key": "NO"}}), "project"),
        (json!({"issuetype": {"name": "Wish"}}), "issuetype"),
        (json!({"summary": "two\nlines"}), "summary"),
        (json!({"description": "plain text"}), "description"),
        (
            json!({"description": {"type": "doc", "version": 1, "content": [{"type": "text", "text": ""}]}}),
            "description",
        ),
        (json!({"labels": ["two words"]}), "labels"),
        (json!({"assignee": {"id": "nobody"}}), "assignee"),
        (json!({"sumary": "x"}), "fields"),
    ];
    for (wrong, field) in cases {
        let mut body = issue("Good");
        for (name, value) in wrong.as_object().expect("an object") {
            body["fields"][name] = value.clone();
        }
        let got = client(&jira).does("POST", ISSUE, body).await;
        assert_eq!(got.status, 400, "{wrong}");
        assert!(got.body["errors"][field].is_string(), "{wrong}: {}", got.body);
    }
    let gone = client(&jira).get("/rest/api/3/issue/SEC-9").await;
    assert_eq!(
        gone.body["errorMessages"][0],
        "Issue does not exist or you do not have permission to see it."
    );
    let stranger = Client { standin: &jira, headers: String::new() };
    let refused = stranger.get("/rest/api/3/myself").await;
    assert_eq!(
        (refused.status, refused.body),
        (401, json!("Client must be authenticated to access this resource."))
    );
    assert_eq!(jira.state()["tickets"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_search_finds_what_its_words_mean_page_by_page() {
    let jira = start().await.jira;
    for at in 1..=5 {
        client(&jira).does("POST", ISSUE, issue(&format!("Alert {at}"))).await;
    }
    let mut keys = Vec::new();
    let mut body = json!({"jql": "project = SEC ORDER BY created DESC", "fields": ["summary"], "maxResults": 2});
    loop {
        let page = client(&jira).does("POST", "/rest/api/3/search/jql", body.clone()).await.body;
        keys.extend(
            page["issues"].as_array().expect("a list").iter().map(|issue| issue["key"].clone()),
        );
        if page["isLast"] == true {
            break;
        }
        body["nextPageToken"] = page["nextPageToken"].clone();
    }
    assert_eq!(keys, ["SEC-5", "SEC-4", "SEC-3", "SEC-2", "SEC-1"]);
    assert_eq!(search(&jira, "summary ~ \"alert 3\"").await["issues"][0]["key"], "SEC-3");
    let bare =
        client(&jira).get("/rest/api/3/search/jql?jql=project%20%3D%20SEC&maxResults=1").await;
    assert_eq!(bare.body["issues"][0], json!({"id": "10001"}), "no field was asked for");
    let unbounded = search(&jira, "ORDER BY created").await;
    assert!(
        unbounded["errorMessages"][0].as_str().is_some_and(|why| why.starts_with("Unbounded JQL"))
    );
    assert!(search(&jira, "projekt = SEC").await["errorMessages"][0].is_string());
}

#[tokio::test(start_paused = true)]
async fn what_is_new_may_be_found_only_later() {
    let mut jira = Jira::example_corp();
    jira.index_lag = Duration::from_secs(5);
    let jira = with(Options { jira, ..Options::default() }).await.jira;
    client(&jira).does("POST", ISSUE, issue("New")).await;
    assert_eq!(search(&jira, "labels = vigie").await["issues"], json!([]));
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(search(&jira, "labels = vigie").await["issues"][0]["key"], "SEC-1");
}
