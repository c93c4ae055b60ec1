//! Users are found, suspended and let in again; sessions, factors, groups, the log.

use super::{Client, shown, start};
use crate::standins::Standin;
use serde_json::{Value, json};

fn okta(iam: &Standin) -> Client<'_> {
    Client { standin: iam, headers: "Authorization: SSWS standin-okta-token\r\n".into() }
}

async fn lifecycle(iam: &Standin, who: &str, what: &str) -> (u16, Value) {
    let got =
        okta(iam).does("POST", &format!("/api/v1/users/{who}/lifecycle/{what}"), Value::Null).await;
    (got.status, got.body["errorCode"].clone())
}

#[tokio::test(start_paused = true)]
async fn somebody_is_known_by_id_by_login_and_by_what_stands_before_the_at() {
    let iam = start().await.iam;
    for name in ["00u2mleroy00000000000", "M.Leroy@example.com", "m.leroy%40example.com", "m.leroy"]
    {
        let got = okta(&iam).get(&format!("/api/v1/users/{name}")).await;
        assert_eq!(
            (got.status, &got.body["profile"]["login"]),
            (200, &json!("m.leroy@example.com")),
            "{name}"
        );
    }
    let unknown = okta(&iam).get("/api/v1/users/nobody").await;
    assert_eq!((unknown.status, &unknown.body["errorCode"]), (404, &json!("E0000007")));
    assert_eq!(unknown.body["errorSummary"], "Not found: Resource not found: nobody (User)");
}

#[tokio::test(start_paused = true)]
async fn who_is_suspended_cannot_be_suspended_again_and_is_let_in_again() {
    let iam = start().await.iam;
    assert_eq!(lifecycle(&iam, "m.leroy", "suspend").await.0, 200);
    assert_eq!(lifecycle(&iam, "m.leroy", "suspend").await, (400, json!("E0000001")));
    assert_eq!(lifecycle(&iam, "m.leroy", "unsuspend").await.0, 200);
    assert_eq!(lifecycle(&iam, "m.leroy", "unsuspend").await, (400, json!("E0000001")));
    assert_eq!(lifecycle(&iam, "t.former", "deactivate").await, (403, json!("E0000038")));
    assert_eq!(iam.effects(), ["suspend m.leroy@example.com", "unsuspend m.leroy@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn sessions_factors_and_passwords_are_taken_away() {
    let iam = start().await.iam;
    let ended = okta(&iam)
        .does("DELETE", "/api/v1/users/j.durand/sessions?oauthTokens=true", Value::Null)
        .await;
    assert_eq!(ended.status, 204);
    assert_eq!(lifecycle(&iam, "j.durand", "reset_factors").await.0, 200);
    assert_eq!(
        lifecycle(&iam, "j.durand", "reset_password").await,
        (400, json!("E0000001")),
        "sendEmail is missing"
    );
    let link = okta(&iam)
        .does(
            "POST",
            "/api/v1/users/j.durand/lifecycle/reset_password?sendEmail=false",
            Value::Null,
        )
        .await;
    assert!(link.body["resetPasswordUrl"].is_string());
    let expired = okta(&iam)
        .does("POST", "/api/v1/users/j.durand/lifecycle/expire_password", Value::Null)
        .await;
    assert_eq!(expired.body["status"], "PASSWORD_EXPIRED");
    let user = shown(&iam, "users", ("login", "j.durand@example.com"));
    assert_eq!((&user["sessions"], &user["factors"]), (&json!(0), &json!(0)));
    let log = okta(&iam).get("/api/v1/logs?filter=eventType%20eq%20%22user.session.clear%22").await;
    assert_eq!(log.body[0]["target"][0]["alternateId"], "j.durand@example.com");
    assert_eq!(log.body.as_array().map(Vec::len), Some(1));
    let newest = okta(&iam).get("/api/v1/logs?sortOrder=DESCENDING&limit=1").await;
    assert_eq!(newest.body[0]["eventType"], "user.account.expire_password");
    let before = okta(&iam).get("/api/v1/logs?until=2020-01-01T00:00:00Z").await;
    assert_eq!(before.body, json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_list_comes_page_by_page() {
    let iam = start().await.iam;
    let (mut path, mut logins) = ("/api/v1/users?limit=3".to_owned(), Vec::new());
    loop {
        let page = okta(&iam).get(&path).await;
        logins.extend(
            page.body
                .as_array()
                .expect("a list")
                .iter()
                .map(|user| user["profile"]["login"].clone()),
        );
        let links = page.headers["link"].clone();
        let Some(next) = links.split(", ").find(|link| link.ends_with("rel=\"next\"")) else {
            break;
        };
        let url = next.trim_start_matches('<').split('>').next().expect("an address");
        path = url.trim_start_matches(&iam.url()).to_owned();
    }
    assert_eq!(logins.len(), 8, "the deactivated one is left out");
    let found =
        okta(&iam).get("/api/v1/users?search=profile.login%20eq%20%22alice@example.com%22").await;
    assert_eq!(found.body[0]["profile"]["firstName"], "Alice");
    let bad = okta(&iam).get("/api/v1/users?search=profile.login%20is%20alice").await;
    assert_eq!((bad.status, &bad.body["errorCode"]), (400, &json!("E0000031")));
}

#[tokio::test(start_paused = true)]
async fn somebody_joins_a_group_once_and_leaves_it() {
    let iam = start().await.iam;
    let group = "/api/v1/groups/00g4quarantine0000000/users/00u2mleroy00000000000";
    for _ in 0..2 {
        assert_eq!(okta(&iam).does("PUT", group, Value::Null).await.status, 204);
    }
    let groups = okta(&iam).get("/api/v1/users/m.leroy/groups").await;
    let names: Vec<&Value> =
        groups.body.as_array().expect("a list").iter().map(|g| &g["profile"]["name"]).collect();
    assert_eq!(names, ["Everyone", "Finance", "Quarantine"]);
    okta(&iam).does("DELETE", group, Value::Null).await;
    assert_eq!(
        iam.effects(),
        ["add m.leroy@example.com to Quarantine", "remove m.leroy@example.com from Quarantine"]
    );
    let members = okta(&iam).get("/api/v1/groups/00g4quarantine0000000/users").await;
    assert_eq!(members.body, json!([]));
}

#[tokio::test(start_paused = true)]
async fn another_token_opens_nothing() {
    let iam = start().await.iam;
    let stranger =
        Client { standin: &iam, headers: "Authorization: Bearer standin-okta-token\r\n".into() };
    let got = stranger.get("/api/v1/users/m.leroy").await;
    assert_eq!((got.status, &got.body["errorSummary"]), (401, &json!("Invalid token provided")));
}
