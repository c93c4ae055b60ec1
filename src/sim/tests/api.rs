//! The Web API: posting, reading back, bodies, tokens, scopes, pages, views, response URLs.
use std::time::Duration;

use serde_json::{Value, json};

use super::{APP, BOT, Socket, buttons, call, post, send, start};
use crate::sim::{Channel, Options, Rate};

#[tokio::test(start_paused = true)]
async fn a_message_is_posted_updated_and_read_back_with_its_metadata() {
    let sim = start(Options::default()).await;
    let metadata = json!({"event_type": "vigie", "event_payload": {"id": "alr_1"}});
    let posted = post(&sim, json!({"blocks": buttons(), "metadata": metadata})).await;
    assert_eq!(posted["ok"], true, "{posted}");
    assert_eq!(posted["message"]["bot_id"], "B0BOT");
    let ts = posted["ts"].as_str().expect("a ts").to_string();
    assert_eq!(ts, "1732500000.000100");

    let updated =
        call(&sim, "chat.update", json!({"channel": "C1", "ts": ts, "text": "done"})).await;
    assert_eq!(updated["ok"], true, "{updated}");
    let message = sim.message("#soc", &ts).expect("it is there");
    assert_eq!(message.buttons(), ["Acknowledge"], "blocks that are left out stay");
    assert!(message.edited.is_some());

    let history =
        call(&sim, "conversations.history", json!({"channel": "C1", "include_all_metadata": true}))
            .await;
    assert_eq!(history["messages"][0]["metadata"], metadata);
    let without = call(&sim, "conversations.history", json!({"channel": "C1"})).await;
    assert_eq!(without["messages"][0]["metadata"], Value::Null);
    let emptied =
        call(&sim, "chat.update", json!({"channel": "C1", "ts": ts, "text": "bare", "blocks": []}))
            .await;
    assert_eq!(emptied["message"]["blocks"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn forms_and_tokens_in_the_body_work_as_well() {
    let sim = start(Options::default()).await;
    let blocks: String =
        url::form_urlencoded::byte_serialize(buttons().to_string().as_bytes()).collect();
    let body = format!("token={BOT}&channel=%23soc&text=hi&blocks={blocks}");
    let path = "/api/chat.postMessage?unfurl_links=false";
    let got = send(&sim, path, ("application/x-www-form-urlencoded", "", &body)).await;
    let got = got.expect("an answer");
    assert_eq!(got.body["ok"], true, "{got:?}");
    assert!(got.headers["x-oauth-scopes"].contains("chat:write"));
    assert_eq!(sim.messages("soc")[0].buttons(), ["Acknowledge"]);
    assert_eq!(sim.calls().last().map(|call| call.body["token"].clone()), Some(Value::Null));
}

#[tokio::test(start_paused = true)]
async fn a_token_in_json_or_in_the_address_is_none() {
    let sim = start(Options::default()).await;
    let body = json!({"token": BOT, "channel": "C1", "text": "hi"}).to_string();
    let form = format!("/api/auth.test?token={BOT}");
    for (path, kind, body) in [
        ("/api/chat.postMessage", "application/json", body.as_str()),
        (&form, "application/x-www-form-urlencoded", "channel=C1"),
        (&form, "application/json", ""),
    ] {
        let got = send(&sim, path, (kind, "", body)).await.expect("an answer");
        assert_eq!(got.body["error"], "not_authed", "{path} {kind}");
    }
    assert!(sim.messages("soc").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_is_refused_in_slacks_words() {
    let sim = start(Options::default()).await;
    sim.add_channel(Channel {
        id: "C2".into(),
        members: vec!["U1".into()],
        ..Channel::private("secret")
    });
    sim.remove_bot_from("C2").await.expect("it was in");
    sim.add_channel(Channel { id: "C3".into(), archived: true, ..Channel::named("old") });
    sim.add_channel(Channel { id: "C4".into(), ..Channel::named("out") });
    sim.add_channel(Channel { id: "C5".into(), read_only: true, ..Channel::named("news") });
    sim.remove_bot_from("C4").await.expect("it was in");
    let long = "x".repeat(40_001);
    let theirs = sim.by("alice").say("soc", "hello", None).expect("she is in").ts;
    let mine = post(&sim, json!({})).await["ts"].clone();
    let cases = [
        ("chat.postMessage", json!({"channel": "C9", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "C2", "text": "x"}), "channel_not_found"),
        ("chat.postMessage", json!({"channel": "C3", "text": "x"}), "is_archived"),
        ("chat.postMessage", json!({"channel": "C4", "text": "x"}), "not_in_channel"),
        (
            "chat.postMessage",
            json!({"channel": "C5", "text": "x"}),
            "restricted_action_read_only_channel",
        ),
        (
            "conversations.open",
            json!({"users": "U1", "prevent_creation": true}),
            "channel_not_found",
        ),
        ("chat.postMessage", json!({"channel": "C1"}), "no_text"),
        ("chat.postMessage", json!({"channel": "C1", "text": long}), "msg_too_long"),
        ("chat.postMessage", json!({"channel": "C1", "blocks": "{"}), "invalid_blocks_format"),
        ("chat.postMessage", json!({"channel": "C1", "blocks": [{"type": "x"}]}), "invalid_blocks"),
        (
            "chat.postMessage",
            json!({"channel": "C1", "text": "x", "metadata": {"event_type": 1}}),
            "invalid_metadata_format",
        ),
        (
            "chat.postMessage",
            json!({"channel": "C1", "attachments": vec![json!({"text": "a"}); 101]}),
            "too_many_attachments",
        ),
        ("chat.update", json!({"channel": "C1", "ts": "1.0", "text": "x"}), "message_not_found"),
        ("chat.update", json!({"channel": "C1", "ts": theirs, "text": "x"}), "cant_update_message"),
        (
            "chat.update",
            json!({"channel": "C1", "ts": mine, "text": "x".repeat(4001)}),
            "msg_too_long",
        ),
        ("users.info", json!({"user": "U9"}), "user_not_found"),
        ("users.lookupByEmail", json!({"email": "nobody@example.com"}), "users_not_found"),
        ("conversations.replies", json!({"channel": "C1", "ts": "1.0"}), "thread_not_found"),
        (
            "views.open",
            json!({"trigger_id": "1.2.3", "view": {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}}),
            "invalid_trigger_id",
        ),
        (
            "views.update",
            json!({"view_id": "V9", "view": {"type": "modal", "title": {"type": "plain_text", "text": "T"}, "blocks": []}}),
            "not_found",
        ),
        (
            "views.open",
            json!({"trigger_id": "1.2.3", "view": {"type": "modal"}}),
            "invalid_arguments",
        ),
        ("chat.shout", json!({}), "unknown_method"),
        ("apps.connections.open", json!({}), "not_allowed_token_type"),
        ("team.info", json!({}), "missing_scope"),
    ];
    for (method, args, word) in cases {
        let answer = call(&sim, method, args.clone()).await;
        assert_eq!(answer["error"], word, "{method} {args}: {answer}");
    }
    let refused = call(&sim, "team.info", json!({})).await;
    assert_eq!(refused["needed"], "team:read");
    for (token, word) in
        [("", "not_authed"), ("xoxb-other", "invalid_auth"), (APP, "not_allowed_token_type")]
    {
        let got = send(&sim, "/api/users.list", ("application/json", token, "{}"))
            .await
            .expect("an answer");
        assert_eq!(got.body["error"], word, "{token}");
    }
}

#[tokio::test(start_paused = true)]
async fn people_are_found_and_direct_messages_opened() {
    let sim = start(Options::default()).await;
    let found = call(&sim, "users.lookupByEmail", json!({"email": "bea@example.com"})).await;
    assert_eq!(found["user"]["id"], "U2");
    let opened = call(&sim, "conversations.open", json!({"users": "U2"})).await;
    let posted = call(&sim, "chat.postMessage", json!({"channel": "U2", "text": "psst"})).await;
    assert_eq!(posted["channel"], opened["channel"]["id"]);
    assert_eq!(sim.dms("bea").len(), 1);
    sim.deactivate_user("bea").await.expect("she is there");
    assert_eq!(
        call(&sim, "conversations.open", json!({"users": "U2"})).await["error"],
        "user_disabled"
    );
}

#[tokio::test(start_paused = true)]
async fn threads_stand_apart_and_lists_come_in_pages() {
    let sim = start(Options::default()).await;
    let parent = post(&sim, json!({})).await["ts"].clone();
    for _ in 0..3 {
        post(&sim, json!({"thread_ts": parent})).await;
    }
    let history = call(&sim, "conversations.history", json!({"channel": "C1"})).await;
    assert_eq!(history["messages"].as_array().map(Vec::len), Some(1));
    assert_eq!(history["messages"][0]["reply_count"], 3);
    let first =
        call(&sim, "conversations.replies", json!({"channel": "C1", "ts": parent, "limit": 3}))
            .await;
    let cursor = first["response_metadata"]["next_cursor"].clone();
    let rest = call(
        &sim,
        "conversations.replies",
        json!({"channel": "C1", "ts": parent, "limit": 3, "cursor": cursor}),
    )
    .await;
    assert_eq!(
        (first["has_more"].clone(), rest["messages"].as_array().map(Vec::len)),
        (json!(true), Some(1))
    );
    let members = call(&sim, "conversations.members", json!({"channel": "C1", "limit": 2})).await;
    assert_ne!(members["response_metadata"]["next_cursor"], "");
}

#[tokio::test(start_paused = true)]
async fn a_channel_takes_a_burst_and_then_one_a_second() {
    let rate = Rate { burst: 4, every: Duration::from_secs(1) };
    let sim = start(Options { post_rate: Some(rate), ..Options::default() }).await;
    for _ in 0..4 {
        assert_eq!(post(&sim, json!({})).await["ok"], true);
    }
    let body = json!({"channel": "C1", "text": "x"}).to_string();
    let fifth = send(&sim, "/api/chat.postMessage", ("application/json", BOT, &body))
        .await
        .expect("an answer");
    assert_eq!((fifth.status, fifth.headers["retry-after"].as_str()), (429, "1"));
    assert_eq!(fifth.body["error"], "ratelimited");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(post(&sim, json!({})).await["ok"], true);
}

#[tokio::test(start_paused = true)]
async fn a_response_url_works_five_times_and_half_an_hour() {
    let sim = start(Options::default()).await;
    let ts =
        post(&sim, json!({"blocks": buttons()})).await["ts"].as_str().expect("a ts").to_string();
    let (mut socket, _) = Socket::open(&sim).await;
    let alice = sim.by("alice");
    let clicks = async {
        for _ in 0..2 {
            alice.click(("C1", ts.as_str()), "Acknowledge").await.expect("a button");
        }
    };
    let hears = async {
        let mut urls = Vec::new();
        for _ in 0..2 {
            let click = socket.next().await.expect("a click");
            urls.push(click["payload"]["response_url"].as_str().expect("a url").to_string());
            socket.ack(&click, None).await;
        }
        urls
    };
    let ((), urls) = tokio::join!(clicks, hears);
    let paths: Vec<String> =
        urls.iter().map(|url| url.replacen(sim.page_url().trim_end_matches('/'), "", 1)).collect();
    let replace = json!({"text": "replaced", "replace_original": true}).to_string();
    assert_eq!(
        send(&sim, &paths[0], ("application/json", "", &replace)).await.expect("an answer").status,
        200
    );
    assert_eq!(sim.message("C1", &ts).expect("it is there").text, "replaced");
    let whisper = json!({"text": "only you"}).to_string();
    for _ in 0..4 {
        assert_eq!(
            send(&sim, &paths[0], ("application/json", "", &whisper))
                .await
                .expect("an answer")
                .status,
            200
        );
    }
    assert_eq!(sim.ephemerals("alice").len(), 4);
    let sixth = send(&sim, &paths[0], ("application/json", "", &whisper)).await.expect("an answer");
    assert_eq!((sixth.status, sixth.body["error"].clone()), (404, json!("used_url")));
    tokio::time::sleep(Duration::from_secs(30 * 60 + 1)).await;
    let late = send(&sim, &paths[1], ("application/json", "", &whisper)).await.expect("an answer");
    assert_eq!(late.body["error"], "expired_url");
    let gone = json!({"delete_original": true}).to_string();
    assert_eq!(
        send(&sim, "/actions/T/1/x", ("application/json", "", &gone))
            .await
            .expect("an answer")
            .status,
        404
    );
}

#[tokio::test(start_paused = true)]
async fn beside_an_answer_stand_slacks_time_and_what_the_token_may_do() {
    let sim = start(Options::default()).await;
    let test = async |token: &str| {
        let kind = "application/x-www-form-urlencoded";
        send(&sim, "/api/auth.test", (kind, token, "")).await.expect("an answer")
    };
    let bot = test(BOT).await;
    assert_eq!(bot.headers["date"], "Mon, 25 Nov 2024 02:00:00 GMT");
    assert!(bot.headers["x-oauth-scopes"].contains("chat:write"), "{bot:?}");
    assert_eq!(test(APP).await.headers["x-oauth-scopes"], "connections:write");
    assert!(!test("xoxb-nobodys").await.headers.contains_key("x-oauth-scopes"));
}

#[tokio::test(start_paused = true)]
async fn an_app_token_without_its_scope_opens_no_socket() {
    let mut options = Options::default();
    options.app.app_scopes = vec!["authorizations:read".into()];
    options.app.app_token_of = Some("A0OTHER".into());
    let sim = start(options).await;
    let kind = "application/x-www-form-urlencoded";
    let ask = async |path| send(&sim, path, (kind, APP, "")).await.expect("an answer").body;
    let refused = ask("/api/apps.connections.open").await;
    assert_eq!(
        (&refused["error"], &refused["needed"]),
        (&json!("missing_scope"), &json!("connections:write"))
    );
    assert_eq!(ask("/api/auth.test").await["app_id"], "A0OTHER");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_can_be_looked_for_without_being_made() {
    let sim = start(Options::default()).await;
    let look = json!({"users": "U1", "prevent_creation": true});
    assert_eq!(call(&sim, "conversations.open", look.clone()).await["error"], "channel_not_found");
    assert_eq!(sim.open_dm("alice"), None);
    let made = call(&sim, "conversations.open", json!({"users": "U1"})).await;
    assert_eq!(
        call(&sim, "conversations.open", look).await["channel"]["id"],
        made["channel"]["id"]
    );
}
