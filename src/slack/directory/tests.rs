//! The directory against a server that tells some, none, or other things each time.

use super::*;
use crate::clock::Clock;
use crate::domain::people::{ChannelRef, Membership, UserRef, UsergroupRef};
use crate::slack::api::{Api, ApiSettings};
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use tokio::net::TcpListener;

/// What each method answers now, and which were called.
#[derive(Clone, Default)]
struct Slack {
    answers: Arc<Mutex<BTreeMap<&'static str, Value>>>,
    calls: Arc<Mutex<Vec<String>>>,
}

async fn answer(State(slack): State<Slack>, uri: Uri) -> axum::Json<Value> {
    let call = uri.to_string().replace("/api/", "");
    let method = call.split('?').next().unwrap_or_default();
    let unknown = json!({"ok": false, "error": "unknown_method"});
    // A page of a list is `method?cursor`.
    let page = call.split("cursor=").nth(1).and_then(|rest| rest.split('&').next());
    let page = page.map_or_else(|| method.to_owned(), |cursor| format!("{method}?{cursor}"));
    let said = slack.answers.lock().expect("alone").get(page.as_str()).cloned().unwrap_or(unknown);
    slack.calls.lock().expect("alone").push(call);
    axum::Json(said)
}

impl Slack {
    async fn start() -> (Self, DirectoryReader) {
        let slack = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/api/", listener.local_addr().expect("bound"));
        let app =
            axum::Router::new().fallback(axum::routing::any(answer)).with_state(slack.clone());
        let listener =
            axum::serve::ListenerExt::tap_io(listener, |io| io.set_nodelay(true).expect("TCP"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let api = Api::new(ApiSettings::new(&url, "xoxb-1".into(), "xapp-1".into())).expect("good");
        slack.says("auth.test", json!({"ok": true, "team_id": "T1", "enterprise_id": "E1"}));
        (slack, DirectoryReader::new(api, Clock::real()))
    }

    fn says(&self, method: &'static str, answer: Value) {
        self.answers.lock().expect("alone").insert(method, answer);
    }

    fn calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().expect("alone"))
    }
}

fn wanted() -> Wanted {
    Wanted {
        users: [UserRef("alice@example.com".into()), UserRef("U02".into())].into(),
        groups: [UsergroupRef("@blue".into())].into(),
        channels: [ChannelRef("#soc".into())].into(),
        available: false,
    }
}

/// One pass; what is known after it, and what the reader says.
async fn refresh(reader: &DirectoryReader, wanted: &Wanted) -> (Directory, Told) {
    let last = Mutex::new(Directory::default());
    let told = reader.refresh(wanted, &|_, told| *last.lock().expect("alone") = told).await;
    (last.into_inner().expect("alone"), told)
}

fn user(id: &str, name: &str) -> Value {
    let email = format!("{name}@example.com");
    json!({"ok": true, "user": {"id": id, "name": name, "team_id": "T1", "profile": {"email": email}}})
}

fn group(users: &[&str]) -> Value {
    json!({"ok": true, "usergroups": [{"id": "S1", "handle": "blue", "users": users}]})
}

#[tokio::test]
async fn everyone_named_is_asked_for_once_an_hour() {
    let (slack, reader) = Slack::start().await;
    slack.says("usergroups.list", group(&["U01", "U02"]));
    slack.says("users.lookupByEmail", user("U01", "alice"));
    slack.says("users.info", user("U02", "bob"));
    slack
        .says("conversations.list", json!({"ok": true, "channels": [{"id": "C1", "name": "soc"}]}));
    let (directory, told) = refresh(&reader, &wanted()).await;
    assert!(told.complete && told.after.is_none());
    assert_eq!(directory.workspace, Some("T1".into()));
    assert_eq!(directory.enterprise, Some("E1".into()));
    assert_eq!(directory.user(&UserRef("alice@example.com".into())), Some("U01".into()));
    assert_eq!(directory.channel(&ChannelRef("#soc".into())), Some("C1".into()));
    assert!(
        matches!(directory.members(&UsergroupRef("@blue".into())), Membership::Known(m) if m.len() == 2)
    );
    slack.calls();
    refresh(&reader, &wanted()).await;
    assert_eq!(slack.calls(), Vec::<String>::new(), "all is fresh");
    assert_eq!(reader.heed(&Hint::Person("U02".into())).await, Some(Duration::ZERO));
    refresh(&reader, &wanted()).await;
    assert_eq!(slack.calls(), ["users.info?user=U02"]);
}

#[tokio::test]
async fn what_slack_does_not_tell_is_left_out_and_the_rest_stands() {
    let (slack, reader) = Slack::start().await;
    slack.says("users.info", user("U02", "bob"));
    slack.says(
        "usergroups.list",
        json!({"ok": false, "error": "missing_scope", "needed": "usergroups:read"}),
    );
    let (directory, told) = refresh(&reader, &wanted()).await;
    assert!(told.complete, "asking again soon would not help");
    assert!(directory.people.contains_key(&"U02".into()));
    assert_eq!(*directory.members(&UsergroupRef("@blue".into())), Membership::Unknown);
    assert_eq!(directory.channel(&ChannelRef("#soc".into())), None);
}

#[tokio::test(start_paused = true)]
async fn a_group_is_asked_for_alone_where_the_list_does_not_tell() {
    let (slack, reader) = Slack::start().await;
    slack.says(
        "usergroups.list",
        json!({"ok": true, "usergroups": [{"id": "S1", "handle": "blue"}]}),
    );
    slack.says("usergroups.users.list", json!({"ok": true, "users": ["U01"]}));
    let (directory, _) = refresh(&reader, &wanted()).await;
    assert!(
        matches!(directory.members(&UsergroupRef("@blue".into())), Membership::Known(m) if m.len() == 1)
    );
    slack.says("usergroups.list", json!({"ok": true, "usergroups": []}));
    tokio::time::sleep(EVERY).await;
    let (directory, _) = refresh(&reader, &wanted()).await;
    assert_eq!(
        *directory.members(&UsergroupRef("@blue".into())),
        Membership::Unknown,
        "it is gone"
    );
}

#[tokio::test(start_paused = true)]
async fn slack_in_trouble_keeps_what_was_known_for_an_hour() {
    let (slack, reader) = Slack::start().await;
    slack.says("usergroups.list", group(&["U01"]));
    let (publish, mut published) = watch::channel(Arc::new(Directory::default()));
    let (_want, wanted) = watch::channel(wanted());
    let (hint, hints) = mpsc::unbounded_channel();
    let (known, mut progress) = watch::channel(Known::default());
    let (inbox, _queue) = crate::inbox::open();
    tokio::spawn(Keeper { reader, wanted, hints, publish, known, inbox }.run());
    progress.wait_for(|known| *known == Known::Named).await.expect("it runs");
    published.borrow_and_update();
    slack.says("usergroups.list", json!({"ok": false, "error": "fatal_error"}));
    hint.send(Hint::Groups).expect("it listens");
    let knows = |d: &Arc<Directory>| {
        matches!(d.members(&UsergroupRef("@blue".into())), Membership::Known(_))
    };
    tokio::time::sleep(Duration::from_secs(50 * 60)).await;
    assert!(knows(&published.borrow()));
    tokio::time::sleep(Duration::from_secs(20 * 60)).await;
    assert!(!knows(&published.borrow()));
    slack.says("usergroups.list", group(&["U01"]));
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    assert!(knows(&published.borrow()));
}

#[tokio::test(start_paused = true)]
async fn where_we_are_is_published_before_anything_else_is_asked_for() {
    let (slack, reader) = Slack::start().await;
    slack.says("users.info", user("U02", "bob"));
    let seen = Mutex::new(Vec::new());
    let note = |_, told: Directory| {
        seen.lock().expect("alone").push((told.workspace, slack.calls().len()))
    };
    reader.refresh(&wanted(), &note).await;
    let first = seen.into_inner().expect("alone").remove(0);
    assert_eq!(first, (Some("T1".into()), 1), "after auth.test alone");
}

/// A workspace's list of people: pages of two, the page that answers 429 the first time it is asked for.
fn list(page: usize, limited: bool) -> Value {
    if limited {
        return json!({"ok": false, "error": "ratelimited"});
    }
    let member =
        |n: usize| json!({"id": format!("U9{n}"), "name": format!("name{n}"), "team_id": "T1"});
    let next = if page < 2 { format!("page{}", page + 1) } else { String::new() };
    let members = json!([member(2 * page), member(2 * page + 1)]);
    json!({"ok": true, "members": members, "response_metadata": {"next_cursor": next}})
}

#[tokio::test(start_paused = true)]
async fn a_long_list_is_read_on_after_a_rate_limit_and_only_who_matters_is_kept() {
    let (slack, reader) = Slack::start().await;
    let handles = Wanted {
        users: [UserRef("@name5".into()), UserRef("name0".into()), UserRef("nobody".into())].into(),
        ..Wanted::default()
    };
    slack.says("users.list", list(0, false));
    slack.says("users.list?page1", list(1, true));
    let (directory, told) = refresh(&reader, &handles).await;
    assert_eq!(told.after, Some(Duration::from_secs(60)));
    assert_eq!(directory.people.len(), 0, "not before its end");
    slack.calls();
    tokio::time::sleep(Duration::from_secs(60)).await;
    slack.says("users.list?page1", list(1, false));
    slack.says("users.list?page2", list(2, false));
    let (directory, told) = refresh(&reader, &handles).await;
    assert!(told.complete);
    assert_eq!(
        slack.calls(),
        ["users.list?limit=200&cursor=page1", "users.list?limit=200&cursor=page2"]
    );
    let known: Vec<_> = directory.people.keys().map(|user| user.as_str()).collect();
    assert_eq!(known, ["U90", "U95"]);
    assert_eq!(directory.user(&UserRef("name0".into())), Some("U90".into()));
    for minutes in [5, 50] {
        tokio::time::sleep(Duration::from_secs(minutes * 60)).await;
        refresh(&reader, &handles).await;
        assert_eq!(slack.calls(), Vec::<String>::new(), "nobody of that name was found this hour");
    }
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    refresh(&reader, &handles).await;
    assert!(slack.calls().iter().any(|call| call.starts_with("users.list?limit")));
}

#[tokio::test(start_paused = true)]
async fn a_large_group_is_asked_for_by_and_by_oldest_first() {
    let (slack, reader) = Slack::start().await;
    let members: Vec<String> = (100..300).map(|n| format!("U{n}")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    slack.says("usergroups.list", group(&members));
    slack.says("users.info", json!({"ok": false, "error": "user_not_found"}));
    let wanted = Wanted { groups: [UsergroupRef("@blue".into())].into(), ..Wanted::default() };
    reader.heed(&Hint::Met("U298".into())).await;
    let mut asked = Vec::new();
    for _ in 0..3 {
        let (_, told) = refresh(&reader, &wanted).await;
        assert!(told.complete, "a backlog is no failure");
        asked.extend(slack.calls().into_iter().filter(|call| call.starts_with("users.info")));
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    assert_eq!(asked.len(), 200);
    assert_eq!(asked[0], "users.info?user=U298", "who acts goes first");
    assert_eq!(asked.last().map(String::as_str), Some("users.info?user=U299"));
}

#[tokio::test(start_paused = true)]
async fn who_is_in_do_not_disturb_is_asked_for_many_at_once_where_the_config_wants_it() {
    let (slack, reader) = Slack::start().await;
    slack.says("usergroups.list", group(&["U01", "U02"]));
    slack.says("users.info", user("U02", "bob"));
    let night =
        json!({"dnd_enabled": true, "next_dnd_start_ts": 1, "next_dnd_end_ts": 9_999_999_999_i64});
    slack.says("dnd.teamInfo", json!({"ok": true, "users": {"U02": night, "U03": night}}));
    let (directory, _) = refresh(&reader, &wanted()).await;
    assert!(!directory.people[&"U02".into()].do_not_disturb);
    let available = Wanted { available: true, ..wanted() };
    let (directory, _) = refresh(&reader, &available).await;
    assert!(directory.people[&"U02".into()].do_not_disturb);
    assert!(slack.calls().contains(&"dnd.teamInfo?users=U01%2CU02".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn strangers_who_change_cost_nothing_and_slacks_own_time_is_kept_to() {
    let (slack, reader) = Slack::start().await;
    slack.says("usergroups.list", group(&["U01"]));
    slack.says("users.info", user("U01", "ana"));
    let (publish, _published) = watch::channel(Arc::new(Directory::default()));
    let groups = Wanted { groups: [UsergroupRef("@blue".into())].into(), ..Wanted::default() };
    let (_want, wanted) = watch::channel(groups);
    let (hint, hints) = mpsc::unbounded_channel();
    let (known, mut progress) = watch::channel(Known::default());
    let (inbox, _queue) = crate::inbox::open();
    tokio::spawn(Keeper { reader, wanted, hints, publish, known, inbox }.run());
    progress.wait_for(|known| *known == Known::Named).await.expect("it runs");
    tokio::time::sleep(Duration::from_secs(1)).await;
    slack.calls();
    for n in 0..500 {
        hint.send(Hint::Person(UserId::new(format!("U9{n}")))).expect("it listens");
        hint.send(Hint::Groups).expect("it listens");
    }
    tokio::time::sleep(Duration::from_secs(50)).await;
    assert_eq!(slack.calls(), Vec::<String>::new());
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(slack.calls(), ["usergroups.list?include_users=true"], "once a minute at most");
    slack.says("users.info", json!({"ok": false, "error": "ratelimited"}));
    hint.send(Hint::Person("U01".into())).expect("it listens");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(slack.calls(), ["users.info?user=U01"]);
    hint.send(Hint::Met("U02".into())).expect("it listens");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(slack.calls(), Vec::<String>::new(), "not within Retry-After");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(slack.calls().contains(&"users.info?user=U02".to_owned()));
}
