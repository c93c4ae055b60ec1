//! A leaked key is dealt with, an issue is written, somebody leaves.

use super::{Client, start};
use crate::standins::Standin;
use serde_json::{Value, json};

fn client(github: &Standin) -> Client<'_> {
    Client { standin: github, headers: "Authorization: Bearer standin-github-token\r\n".into() }
}

const ALERT: &str = "/repos/example/payments/secret-scanning/alerts/7";

#[tokio::test(start_paused = true)]
async fn a_leaked_key_is_revoked_and_its_alert_resolved() {
    let github = start().await.github;
    let stranger = Client { standin: &github, headers: String::new() };
    let found = client(&github).get(ALERT).await.body["secret"].clone();
    let hidden = client(&github).get(&format!("{ALERT}?hide_secret=true")).await.body;
    assert_eq!((found.is_string(), &hidden["secret"]), (true, &Value::Null));
    let with_token =
        client(&github).does("POST", "/credentials/revoke", json!({"credentials": [found]})).await;
    assert_eq!(with_token.status, 403, "GitHub takes no token there");
    let revoked =
        stranger.does("POST", "/credentials/revoke", json!({"credentials": [found]})).await;
    assert_eq!((revoked.status, &github.state()["revoked"]), (202, &json!(1)));
    assert_eq!(client(&github).get(ALERT).await.body["validity"], "inactive");
    let told = format!("{} {:?}", github.state(), github.calls());
    assert!(!told.contains(found.as_str().expect("a secret")), "it is kept nowhere");
    assert_eq!(
        stranger.does("POST", "/credentials/revoke", json!({"credentials": []})).await.status,
        422
    );

    let bare = client(&github).does("PATCH", ALERT, json!({"state": "resolved"})).await;
    assert_eq!(bare.status, 422, "why is missing");
    let done =
        json!({"state": "resolved", "resolution": "revoked", "resolution_comment": "by playbook"});
    let done = client(&github).does("PATCH", ALERT, done).await;
    assert_eq!(
        (&done.body["state"], &done.body["resolution"]),
        (&json!("resolved"), &json!("revoked"))
    );
    let open =
        client(&github).get("/repos/example/payments/secret-scanning/alerts?state=open").await;
    assert_eq!(open.body, json!([]));
}

#[tokio::test(start_paused = true)]
async fn an_issue_is_written_commented_and_closed() {
    let github = start().await.github;
    let issues = "/repos/example/payments/issues";
    let made = client(&github)
        .does("POST", issues, json!({"title": "Rotate the key", "labels": ["security"]}))
        .await;
    assert_eq!((made.status, &made.body["number"]), (201, &json!(1)));
    let missing = client(&github).does("POST", issues, json!({"body": "no title"})).await;
    assert_eq!(
        (missing.status, &missing.body["errors"][0]["code"]),
        (422, &json!("missing_field"))
    );
    client(&github).does("POST", &format!("{issues}/1/comments"), json!({"body": "rotated"})).await;
    client(&github).does("PATCH", &format!("{issues}/1"), json!({"state": "closed"})).await;
    let found = client(&github).get(&format!("{issues}?state=closed&labels=security")).await;
    assert_eq!(
        (&found.body[0]["title"], &found.body[0]["comments"]),
        (&json!("Rotate the key"), &json!(1))
    );
}

#[tokio::test(start_paused = true)]
async fn who_leaves_is_gone_and_who_is_blocked_stays_so() {
    let github = start().await.github;
    let member = "/orgs/example/memberships/jdurand";
    assert_eq!(client(&github).get(member).await.body["state"], "active");
    assert_eq!(client(&github).does("DELETE", member, Value::Null).await.status, 204);
    assert_eq!(client(&github).does("DELETE", member, Value::Null).await.status, 404);
    let collaborator = "/repos/example/payments/collaborators/jdurand";
    assert_eq!(client(&github).get(collaborator).await.status, 404, "the repository went with it");
    for status in [204, 422] {
        let block =
            client(&github).does("PUT", "/orgs/example/blocks/contractor-9", Value::Null).await;
        assert_eq!(block.status, status);
    }
    assert_eq!(github.effects(), ["remove member jdurand", "block contractor-9"]);
    let stranger = Client { standin: &github, headers: "Authorization: Bearer x\r\n".into() };
    assert_eq!(stranger.get(member).await.body["message"], "Bad credentials");
}

#[tokio::test(start_paused = true)]
async fn an_unsafe_dependency_is_dismissed_with_a_reason() {
    let github = start().await.github;
    let alert = "/repos/example/payments/dependabot/alerts/3";
    let bare = client(&github).does("PATCH", alert, json!({"state": "dismissed"})).await;
    assert_eq!(bare.status, 422);
    let reason = json!({"state": "dismissed", "dismissed_reason": "not_used"});
    let done = client(&github).does("PATCH", alert, reason).await;
    assert_eq!((done.status, &done.body["state"]), (200, &json!("dismissed")));
    assert_eq!(client(&github).get(alert).await.body["dismissed_reason"], "not_used");
}
