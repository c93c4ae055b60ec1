//! What leaves, and where to, against a server that notes it.

use super::*;
use crate::slack::adoption::{Found, PAGES};
use crate::slack::api::ApiSettings;
use axum::extract::State;
use axum::http::Uri;
use tokio::net::TcpListener;

/// The calls so far, each with its body; `refused` are paths that answer 404.
#[derive(Clone, Default)]
struct Slack {
    calls: Arc<Mutex<Vec<(String, Value)>>>,
    refused: Arc<Mutex<Vec<&'static str>>>,
    /// Whether each page of history names a next one.
    endless: Arc<Mutex<bool>>,
    /// The stamp of the next message in history, in seconds; each is a hundred older.
    newest: Arc<Mutex<u64>>,
    url: String,
}

async fn answer(
    State(slack): State<Slack>,
    uri: Uri,
    body: String,
) -> (axum::http::StatusCode, axum::Json<Value>) {
    let call = uri.to_string().replace("/api/", "");
    let refused = slack.refused.lock().expect("alone").iter().any(|path| call.starts_with(path));
    let method = call.split('?').next().unwrap_or_default().to_owned();
    let second = call.contains("cursor=next") && !*slack.endless.lock().expect("alone");
    slack
        .calls
        .lock()
        .expect("alone")
        .push((call, serde_json::from_str(&body).unwrap_or_default()));
    if refused {
        return (
            axum::http::StatusCode::NOT_FOUND,
            axum::Json(json!({"ok": false, "error": "expired_url"})),
        );
    }
    let ours = json!({"ts": "9.9", "bot_id": "B1", "metadata": {"event_type": "vigie", "event_payload": {"ids": ["m1"]}}});
    let said = match method.as_str() {
        "chat.postMessage" => json!({"ok": true, "channel": "C1", "ts": "1.1"}),
        "conversations.open" => json!({"ok": true, "channel": {"id": "D1"}}),
        "auth.test" => json!({"ok": true, "bot_id": "B1"}),
        "conversations.history" if !second => {
            let mut newest = slack.newest.lock().expect("alone");
            let ts = format!("{newest}.000000");
            *newest = newest.saturating_sub(100);
            json!({"ok": true, "messages": [{"ts": ts}], "response_metadata": {"next_cursor": "next"}})
        }
        "conversations.history" | "conversations.replies" => {
            json!({"ok": true, "messages": [ours]})
        }
        _ => json!({"ok": true}),
    };
    (axum::http::StatusCode::OK, axum::Json(said))
}

async fn start() -> (Slack, Outbound) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api/", listener.local_addr().expect("bound"));
    let slack = Slack { url: url.clone(), ..Slack::default() };
    let app = axum::Router::new().fallback(axum::routing::any(answer)).with_state(slack.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let api = Api::new(ApiSettings::new(&url, "xoxb-1".into(), "xapp-1".into())).expect("good");
    (slack, Outbound::new(api, Clock::real()))
}

impl Slack {
    fn calls(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut *self.calls.lock().expect("alone"))
    }
    fn names(&self) -> Vec<String> {
        self.calls().into_iter().map(|(call, _)| call).collect()
    }
    fn refuses(&self, path: &'static str) {
        self.refused.lock().expect("alone").push(path);
    }
}

fn message() -> Message {
    Message { text: "t".into(), blocks: json!([{"type": "divider"}]), attachments: json!([]) }
}

const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);

fn mark() -> MessageMark {
    MessageMark::new("m1".into())
}

#[tokio::test]
async fn a_post_carries_its_mark_and_unfurls_nothing() {
    let (slack, outbound) = start().await;
    let place = Place::named(ChannelRef("#soc".into()));
    let posted = outbound.post(&place, &message(), &mark()).await.expect("posted");
    assert_eq!(posted, Posted { channel: "C1".into(), ts: "1.1".into() });
    outbound.post(&Place::thread(&posted), &message(), &mark()).await.expect("posted");
    let calls = slack.calls();
    assert_eq!(
        calls[0].1,
        json!({"text": "t", "blocks": [{"type": "divider"}], "channel": "#soc", "unfurl_links": false,
            "unfurl_media": false, "metadata": {"event_type": "vigie", "event_payload": {"ids": ["m1"]}}})
    );
    assert_eq!((&calls[1].1["channel"], &calls[1].1["thread_ts"]), (&json!("C1"), &json!("1.1")));
}

#[tokio::test]
async fn a_direct_message_is_opened_once() {
    let (slack, outbound) = start().await;
    for _ in 0..2 {
        outbound.post(&Place::person("U1".into()), &message(), &mark()).await.expect("posted");
    }
    assert_eq!(slack.names(), ["conversations.open", "chat.postMessage", "chat.postMessage"]);
}

#[tokio::test]
async fn an_update_always_sends_every_part() {
    let (slack, outbound) = start().await;
    let bare = Message { text: "t".into(), blocks: Value::Null, attachments: json!([]) };
    outbound
        .update(&Posted { channel: "C1".into(), ts: "1.1".into() }, &bare)
        .await
        .expect("updated");
    let body = &slack.calls()[0].1;
    assert_eq!(
        *body,
        json!({"text": "t", "channel": "C1", "ts": "1.1", "blocks": [], "attachments": []})
    );
}

#[tokio::test]
async fn a_message_is_found_by_its_mark_page_by_page() {
    let (slack, outbound) = start().await;
    let found = outbound.find(&Place::channel("C1".into()), &[mark()], MINUTE).await.expect("told");
    let stands = Some(Posted { channel: "C1".into(), ts: "9.9".into() });
    assert_eq!(found.stands, [stands]);
    let calls = slack.names();
    assert!(calls[1].contains("include_all_metadata=true"), "{calls:?}");
    let bounded = |call: &String| call.contains("oldest") || call.contains("latest");
    assert!(!calls.iter().any(bounded), "our clock may be wrong: {calls:?}");
    let thread = Place { thread: Some("1.1".into()), ..Place::channel("C1".into()) };
    let found = outbound.find(&thread, &[mark()], MINUTE).await.expect("told");
    assert!(found.stands[0].is_some(), "{found:?}");
    assert!(slack.names()[0].starts_with("conversations.replies?"));
    let other = MessageMark::new("m2".into());
    let found = outbound.find(&thread, &[other, mark()], MINUTE).await.expect("told");
    assert!(found.stands[0].is_none() && found.stands[1].is_some() && found.is_all, "{found:?}");
}

#[tokio::test]
async fn what_was_not_read_to_its_end_is_not_told() {
    let (slack, outbound) = start().await;
    let nowhere = Place::named(ChannelRef("#gone".into()));
    let untold = Found { stands: vec![None], is_all: false };
    assert_eq!(outbound.find(&nowhere, &[mark()], MINUTE).await, Ok(untold.clone()));
    *slack.endless.lock().expect("alone") = true;
    let busy = Place::channel("C1".into());
    assert_eq!(outbound.find(&busy, &[mark()], MINUTE).await, Ok(untold));
    assert_eq!(slack.names().len(), 2 + PAGES, "so many pages, and no more");
}

#[tokio::test]
async fn what_is_older_than_it_can_be_is_not_read() {
    let (slack, outbound) = start().await;
    *slack.endless.lock().expect("alone") = true;
    *slack.newest.lock().expect("alone") = 10_000;
    let busy = Place::channel("C1".into());
    let absent = Found { stands: vec![None], is_all: true };
    assert_eq!(outbound.find(&busy, &[mark()], MINUTE).await, Ok(absent));
    // A page for each hundred seconds: five minutes for clocks, and the one.
    let pages = slack.names().iter().filter(|call| call.contains("history")).count();
    assert_eq!(pages, 5);
}

#[tokio::test]
async fn an_answer_takes_the_next_way_when_one_is_closed() {
    let (slack, outbound) = start().await;
    let url = slack.url.replace("/api/", "/response/1");
    let to = ReplyTo { user: "U1".into(), channel: Some("C1".into()), response_url: Some(url) };
    assert_eq!(outbound.reply(&to, &message()).await, Ok(Replied::Said));
    let (way, body) = slack.calls().remove(0);
    assert_eq!((way.as_str(), &body["response_type"]), ("/response/1", &json!("ephemeral")));
    slack.refuses("/response");
    assert_eq!(outbound.reply(&to, &message()).await, Ok(Replied::Said));
    assert_eq!(slack.names(), ["/response/1", "chat.postEphemeral"]);
    slack.refuses("chat.postEphemeral");
    assert_eq!(outbound.reply(&to, &message()).await, Ok(Replied::OnlyByDm));
    assert_eq!(slack.names(), ["/response/1", "chat.postEphemeral"]);
}

#[tokio::test]
async fn an_answer_never_goes_to_another_server() {
    let (slack, outbound) = start().await;
    let foreign = Some("https://evil.example/x".to_owned());
    let to = ReplyTo { user: "U1".into(), channel: Some("C1".into()), response_url: foreign };
    outbound.reply(&to, &message()).await.expect("answered");
    assert_eq!(slack.names(), ["chat.postEphemeral"]);
}
