//! The directory against a server that tells some, none, or other things each time.

use super::*;
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
    let said = slack.answers.lock().expect("alone").get(method).cloned().unwrap_or(unknown);
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
        (slack, DirectoryReader::new(api))
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
    }
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
    let told = reader.refresh(&wanted()).await;
    assert!(told.complete);
    let directory = told.directory;
    assert_eq!(directory.workspace, Some("T1".into()));
    assert_eq!(directory.enterprise, Some("E1".into()));
    assert_eq!(directory.user(&UserRef("alice@example.com".into())), Some("U01".into()));
    assert_eq!(directory.channel(&ChannelRef("#soc".into())), Some("C1".into()));
    assert!(
        matches!(directory.members(&UsergroupRef("@blue".into())), Membership::Known(m) if m.len() == 2)
    );
    slack.calls();
    reader.refresh(&wanted()).await;
    assert_eq!(slack.calls(), ["usergroups.list?include_users=true"], "the rest is fresh");
    reader.forget(&Hint::Person("U02".into())).await;
    reader.refresh(&wanted()).await;
    assert_eq!(slack.calls().last().map(String::as_str), Some("users.info?user=U02"));
}

#[tokio::test]
async fn what_slack_does_not_tell_is_left_out_and_the_rest_stands() {
    let (slack, reader) = Slack::start().await;
    slack.says("users.info", user("U02", "bob"));
    slack.says(
        "usergroups.list",
        json!({"ok": false, "error": "missing_scope", "needed": "usergroups:read"}),
    );
    let told = reader.refresh(&wanted()).await;
    assert!(told.complete, "asking again soon would not help");
    assert!(told.directory.people.contains_key(&"U02".into()));
    assert_eq!(*told.directory.members(&UsergroupRef("@blue".into())), Membership::Unknown);
    assert_eq!(told.directory.channel(&ChannelRef("#soc".into())), None);
}

#[tokio::test]
async fn a_group_is_asked_for_alone_where_the_list_does_not_tell() {
    let (slack, reader) = Slack::start().await;
    slack.says(
        "usergroups.list",
        json!({"ok": true, "usergroups": [{"id": "S1", "handle": "blue"}]}),
    );
    slack.says("usergroups.users.list", json!({"ok": true, "users": ["U01"]}));
    let told = reader.refresh(&wanted()).await;
    assert!(
        matches!(told.directory.members(&UsergroupRef("@blue".into())), Membership::Known(m) if m.len() == 1)
    );
    slack.says("usergroups.list", json!({"ok": true, "usergroups": []}));
    let told = reader.refresh(&wanted()).await;
    assert_eq!(
        *told.directory.members(&UsergroupRef("@blue".into())),
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
    tokio::spawn(Keeper { reader, wanted, hints, publish }.run());
    published.changed().await.expect("published");
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
