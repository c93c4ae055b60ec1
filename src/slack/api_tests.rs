//! Calls against small servers that answer as Slack does when it is well, ill, slow or gone.

use super::*;
use axum::Router;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::any;
use serde_json::json;
use tokio::net::TcpListener;

fn api(url: &str) -> Api {
    let mut settings = ApiSettings::new(url, "xoxb-canary".into(), "xapp-canary".into());
    settings.timeout = Duration::from_secs(2);
    Api::new(settings).expect("the address is good")
}

async fn server(
    answer: (StatusCode, &'static [(&'static str, &'static str)], &'static str),
) -> Api {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let (status, headers, body) = answer;
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().expect("a header"));
    }
    let app = Router::new().fallback(any(move || async move { (status, map, body) }));
    tokio::spawn(async move { axum::serve(listener, app).await });
    api(&format!("http://{address}/api/"))
}

const JSON: (&str, &str) = ("content-type", "application/json");

async fn failure_of(
    answer: (StatusCode, &'static [(&'static str, &'static str)], &'static str),
) -> Failure {
    let api = server(answer).await;
    api.call("chat.postMessage", &json!({"text": "body-canary"})).await.expect_err("it fails")
}

#[tokio::test]
async fn whatever_slack_answers_is_classified() {
    let slow = &[JSON, ("retry-after", "7")];
    let table: [(_, &'static [_], _, Failure); 6] = [
        (
            StatusCode::TOO_MANY_REQUESTS,
            slow,
            r#"{"ok":false,"error":"ratelimited"}"#,
            Failure::RateLimited { method: "chat.postMessage", after: Duration::from_secs(7) },
        ),
        (
            StatusCode::OK,
            &[JSON],
            r#"{"ok":false,"error":"is_archived"}"#,
            Failure::Rejected { word: "is_archived".into() },
        ),
        (
            StatusCode::OK,
            &[JSON],
            r#"{"ok":false,"error":"missing_scope","needed":"im:write"}"#,
            Failure::BadToken { word: "missing_scope".into(), needed: Some("im:write".into()) },
        ),
        (
            StatusCode::OK,
            &[JSON],
            "{half",
            Failure::Uncertain { why: "Slack's answer was not JSON".into() },
        ),
        (
            StatusCode::OK,
            &[("content-type", "text/html")],
            "<html>captive portal",
            Failure::Uncertain { why: "Slack's answer says neither yes nor no".into() },
        ),
        (
            StatusCode::BAD_GATEWAY,
            &[],
            "body-canary",
            Failure::Uncertain { why: "Slack answered HTTP 502".into() },
        ),
    ];
    for (status, headers, body, expected) in table {
        let failure = failure_of((status, headers, body)).await;
        assert_eq!(failure, expected, "{status} {body}");
        assert!(!format!("{failure:?} {failure}").contains("canary"), "{failure:?}");
    }
}

#[tokio::test]
async fn nobody_listening_means_that_it_did_not_happen() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let api = api(&format!("http://{address}/api"));
    let failure = api.call("chat.postMessage", &json!({})).await.expect_err("nobody there");
    assert!(matches!(&failure, Failure::NotSent { why } if why.contains("refused")), "{failure:?}");
    assert!(!format!("{api:?}").contains("canary"));
}

#[tokio::test]
async fn a_reset_after_the_request_is_uncertain() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await;
        }
    });
    let api = api(&format!("http://{address}/api/"));
    let failure = api.call("chat.postMessage", &json!({})).await.expect_err("reset");
    assert!(failure.may_have_happened(), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_uncertain_after_the_time_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let began = tokio::time::Instant::now();
    let api = api(&format!("http://{address}/api/"));
    let failure = api.call("chat.postMessage", &json!({})).await.expect_err("silence");
    assert_eq!(failure, Failure::Uncertain { why: "no answer within 2 s".into() });
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_reader_whose_get_is_not_allowed_sends_a_form_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let answer = |headers: HeaderMap, body: String| async move {
        let text = |name: &str| headers.get(name).and_then(|h| h.to_str().ok()).unwrap_or_default();
        let told = json!({"ok": true, "body": body, "kind": text("content-type"), "token": text("authorization")});
        axum::Json(told)
    };
    let app = Router::new().route("/api/users.info", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let api = api(&format!("http://{address}/api/"));
    let told = api.call("users.info", &json!({"user": "U1 & co", "limit": 5, "x": null})).await;
    let told = told.expect("an echo");
    assert_eq!(told["body"], "user=U1+%26+co&limit=5");
    assert_eq!(told["kind"], "application/x-www-form-urlencoded");
    assert_eq!(told["token"], "Bearer xoxb-canary");
    let never = server((StatusCode::METHOD_NOT_ALLOWED, &[], "")).await;
    let failure = never.call("users.info", &json!({})).await.expect_err("neither way");
    assert_eq!(failure, Failure::Rejected { word: "http_405".into() });
}

#[tokio::test]
async fn readers_send_a_query_and_each_method_gets_its_token() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let echo = |uri: Uri, headers: HeaderMap| async move {
        let token = headers.get("authorization").and_then(|h| h.to_str().ok()).unwrap_or_default();
        axum::Json(json!({"ok": true, "uri": uri.to_string(), "token": token}))
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(echo))).await });
    let api = api(&format!("http://{address}/api/"));
    let read = api.call("users.info", &json!({"user": "U1", "limit": 5, "x": true})).await;
    assert_eq!(read.expect("an echo")["uri"], "/api/users.info?user=U1&limit=5&x=true");
    let open = api.call("apps.connections.open", &json!({})).await.expect("an echo");
    assert_eq!(
        (&open["uri"], &open["token"]),
        (&json!("/api/apps.connections.open"), &json!("Bearer xapp-canary"))
    );
    let post = api.call("chat.postMessage", &json!({})).await.expect("an echo");
    assert_eq!(post["token"], "Bearer xoxb-canary");
}

#[tokio::test]
async fn what_slack_has_closed_is_not_called_before_its_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let calls = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = calls.clone();
    let limit = move || {
        counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async { (StatusCode::TOO_MANY_REQUESTS, [("retry-after", "60")], "") }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(any(limit))).await });
    let api = api(&format!("http://{address}/api/"));
    // A post is counted by its channel, everything else by its method, and clones share what was learned.
    for (method, channel, expected) in [
        ("conversations.history", "C1", 1),
        ("conversations.history", "C2", 1),
        ("conversations.replies", "C2", 2),
        ("chat.postMessage", "C1", 3),
        ("chat.postMessage", "C1", 3),
        ("chat.postMessage", "C2", 4),
        ("chat.update", "C1", 5),
        ("chat.update", "C2", 5),
    ] {
        let failure = api.clone().call(method, &json!({"channel": channel})).await;
        let failure = failure.expect_err("it is limited");
        assert!(
            matches!(&failure, Failure::RateLimited { method: named, after }
                if *named == method && *after > Duration::from_secs(50)),
            "{failure:?}"
        );
        assert_eq!(calls.load(std::sync::atomic::Ordering::SeqCst), expected, "{method} {channel}");
    }
}
