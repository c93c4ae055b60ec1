//! Envelopes in, inputs and acknowledgements out; the writer is the test.

use super::*;
use crate::domain::alert::Disposition;
use crate::domain::input::{Moment, Who};
use crate::domain::people::Surface;
use crate::inbox::{self, Item, NotWritten, Queue, StrangeFrame};
use crate::slack::api::{Api, ApiSettings};
use crate::slack::manifest::About;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// `ack` acknowledges, `resolve` opens a form; a form's note must not be empty.
struct Words;

fn good() -> Binding {
    Binding::Good { alert: "alr_1".into(), life: 0 }
}

impl Vocabulary for Words {
    fn pressed(&self, action_id: &str, value: &str) -> Vec<(Act, Binding)> {
        let act = match action_id {
            "ack" => Act::Acknowledge,
            "resolve" => Act::AskResolve,
            "more" => Act::AskAssign,
            "panic" => panic!("as the test wants"),
            _ => return Vec::new(),
        };
        vec![(act, if value == "signed" { good() } else { Binding::Forged })]
    }
    fn submitted(
        &self,
        id: &str,
        _: &str,
        values: &Value,
    ) -> Option<Result<(Act, Binding), Mistakes>> {
        let note = values["note"]["note"]["value"].as_str().map(str::to_owned);
        let act = Act::Resolve { disposition: Disposition::Test, note: note.clone() };
        (id == "resolve").then(|| match note {
            Some(_) => Ok((act, good())),
            None => Err(vec![("note".to_owned(), "Say why.".to_owned())]),
        })
    }
    fn mistakes(&self, sent: &Act, refusal: &Refusal) -> Mistakes {
        assert!(matches!(sent, Act::Resolve { .. }), "{sent:?} is not sent by a form");
        vec![("note".to_owned(), refusal.code().to_owned())]
    }
    fn command(&self, text: &str) -> Verb {
        if text == "list" {
            Verb::List
        } else {
            Verb::Unknown { said: text.to_owned(), nearest: None }
        }
    }
}

struct Forms;

#[async_trait]
impl FormSource for Forms {
    async fn form(&self, _: Form, alert: &AlertId) -> Option<Value> {
        (alert.as_str() != "alr_gone")
            .then(|| json!({"type": "modal", "private_metadata": alert.as_str()}))
    }
}

struct World {
    inbound: Inbound,
    queue: Queue,
    hints: mpsc::UnboundedReceiver<Hint>,
    places: mpsc::UnboundedReceiver<ChannelId>,
    /// Bodies of `views.open`.
    opened: mpsc::UnboundedReceiver<Value>,
    /// Bodies of `chat.postEphemeral`.
    said: mpsc::UnboundedReceiver<Value>,
    /// Frames that were handed to the writer because they were not understood.
    strange: Vec<StrangeFrame>,
}

async fn world() -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api/", listener.local_addr().expect("bound"));
    let (open, opened) = mpsc::unbounded_channel();
    let (say, said) = mpsc::unbounded_channel();
    let opens = move |axum::Json(body): axum::Json<Value>| {
        let refused = body["trigger_id"] == "refused";
        let _ = open.send(body);
        let answer = match refused {
            true => json!({"ok": false, "error": "invalid_arguments"}),
            false => json!({"ok": true}),
        };
        async { axum::Json(answer) }
    };
    let says = move |axum::Json(body): axum::Json<Value>| {
        let _ = say.send(body);
        async { axum::Json(json!({"ok": true})) }
    };
    let app = axum::Router::new()
        .route("/api/views.open", axum::routing::post(opens))
        .route("/api/chat.postEphemeral", axum::routing::post(says));
    tokio::spawn(async move { axum::serve(listener, app).await });
    let api = Api::new(ApiSettings::new(&url, "xoxb-1".into(), "xapp-1".into())).expect("good");
    let (inbox, queue) = inbox::open();
    let (hint, hints) = mpsc::unbounded_channel();
    let (place, places) = mpsc::unbounded_channel();
    let clock = Clock::real();
    let inbound = Inbound::new(Parts {
        inbox,
        outbound: Outbound::new(api, clock.clone()),
        clock,
        vocabulary: Arc::new(Words),
        forms: Arc::new(Forms),
        hints: hint,
        places: place,
    });
    World { inbound, queue, hints, places, opened, said, strange: Vec::new() }
}

impl World {
    /// Hears a frame while the writer gives this answer to each input. Returns the acknowledgement and the inputs.
    async fn hear(
        &mut self,
        frame: &str,
        answer: Result<Answer, NotWritten>,
    ) -> (Option<Value>, Vec<Delivery>) {
        let taken = Mutex::new(Vec::new());
        let writer = async {
            while let Some(item) = self.queue.recv().await {
                match item {
                    Item::Input(delivery, reply) => {
                        taken.lock().expect("alone").push(delivery);
                        let _ = reply.send(answer.clone());
                    }
                    Item::Strange(frame) => self.strange.push(frame),
                    Item::Refused(_) | Item::Try(..) | Item::Named(_) | Item::Ping(_) => {}
                }
            }
        };
        let ack = tokio::select! { ack = self.inbound.hear(frame.to_owned()) => ack, () = writer => None };
        while let Ok(Item::Strange(frame)) = self.queue.try_recv() {
            self.strange.push(frame);
        }
        let taken = taken.into_inner().expect("alone");
        (ack.map(|ack| serde_json::from_str(&ack).expect("JSON")), taken)
    }
}

fn interactive(payload: Value) -> String {
    json!({"envelope_id": "e1", "type": "interactive", "accepts_response_payload": true, "payload": payload})
        .to_string()
}

fn click(action: Value) -> Value {
    json!({"type": "block_actions", "trigger_id": "1.2.x", "user": {"id": "U1", "team_id": "T1"},
        "team": {"id": "T9"}, "channel": {"id": "C1"}, "response_url": "https://hooks.slack.com/x", "actions": [action]})
}

fn clicked(delivery: &Delivery) -> &crate::domain::input::Click {
    match &delivery.input {
        Input::Click(click) => click,
        other => panic!("not a click: {other:?}"),
    }
}

#[tokio::test]
async fn a_click_is_acknowledged_once_it_is_written() {
    let mut w = world().await;
    let frame = interactive(click(json!({"action_id": "ack", "value": "signed"})));
    let (ack, taken) = w.hear(&frame, Ok(Answer::Done)).await;
    assert_eq!(ack, Some(json!({"envelope_id": "e1"})));
    assert_eq!(taken[0].key, Some(InputKey::new("slack:1.2.x")));
    let click = clicked(&taken[0]);
    assert_eq!(
        (&click.act, &click.binding, click.via),
        (&Act::Acknowledge, &good(), Surface::Button)
    );
    let Who::Person(person) = &click.who else { panic!("a person") };
    assert_eq!(person.workspace, Some("T1".into()), "the person's own workspace");
    assert_eq!(click.reply_to.as_ref().and_then(|to| to.channel.clone()), Some("C1".into()));
    let (_, again) = w.hear(&frame, Ok(Answer::Done)).await;
    assert_eq!(again[0].key, taken[0].key, "the same delivery has the same key");
}

#[tokio::test]
async fn what_was_not_written_is_not_acknowledged() {
    let mut w = world().await;
    let frame = interactive(click(json!({"action_id": "ack", "value": "signed"})));
    let behind = NotWritten::Behind { retry_after: Duration::from_secs(1) };
    for why in [behind, NotWritten::Store, NotWritten::Stopping] {
        assert_eq!(w.hear(&frame, Err(why)).await.0, None, "{why:?}");
    }
}

#[tokio::test]
async fn a_choice_of_the_overflow_and_a_grid_click_are_read() {
    let mut w = world().await;
    let mut payload =
        click(json!({"action_id": "more", "selected_option": {"value": "signed"}, "value": "x"}));
    payload["team"] = Value::Null;
    payload["user"] = json!({"id": "W1"});
    payload["enterprise"] = json!({"id": "E1", "name": "Org"});
    payload["is_enterprise_install"] = "true".into();
    let (ack, taken) = w.hear(&interactive(payload), Ok(Answer::Done)).await;
    assert!(ack.is_some());
    let click = clicked(&taken[0]);
    assert_eq!((&click.act, &click.binding), (&Act::AskAssign, &good()));
    let Who::Person(person) = &click.who else { panic!("a person") };
    assert_eq!((&person.workspace, &person.enterprise), (&None, &Some("E1".into())));
}

#[tokio::test]
async fn a_form_opens_beside_the_acknowledgement() {
    let mut w = world().await;
    let frame = interactive(click(json!({"action_id": "resolve", "value": "signed"})));
    let answer = Answer::Form { form: Form::Resolve, alert: "alr_1".into() };
    let (ack, _) = w.hear(&frame, Ok(answer)).await;
    assert_eq!(ack, Some(json!({"envelope_id": "e1"})));
    let body = w.opened.recv().await.expect("a form");
    assert_eq!(body["trigger_id"], "1.2.x");
    assert_eq!(body["view"]["private_metadata"], "alr_1");
}

#[tokio::test]
async fn a_form_shows_what_is_wrong_and_stays_open() {
    let mut w = world().await;
    let form = |values: Value| {
        interactive(json!({"type": "view_submission", "trigger_id": "3", "user": {"id": "U1"},
            "view": {"callback_id": "resolve", "private_metadata": "m", "state": {"values": values}}}))
    };
    let noted = form(json!({"note": {"note": {"value": "seen"}}}));
    let errors = |words: &str| json!({"envelope_id": "e1", "payload": {"response_action": "errors", "errors": {"note": words}}});
    let (ack, taken) = w.hear(&form(json!({})), Ok(Answer::Done)).await;
    assert_eq!((ack, taken.len()), (Some(errors("Say why.")), 0), "nothing reaches the writer");
    for refusal in [Refusal::NoteRequired, Refusal::Stale, Refusal::Guest] {
        let refused = Answer::Refused { refusal: refusal.clone() };
        assert_eq!(w.hear(&noted, Ok(refused)).await.0, Some(errors(refusal.code())));
    }
    let click = interactive(click(json!({"action_id": "ack", "value": "signed"})));
    let refused = Answer::Refused { refusal: Refusal::Stale };
    assert_eq!(w.hear(&click, Ok(refused)).await.0, Some(json!({"envelope_id": "e1"})));
    let (_, taken) = w.hear(&noted, Ok(Answer::Done)).await;
    assert_eq!(clicked(&taken[0]).via, Surface::Modal);
}

#[tokio::test]
async fn a_command_is_heard() {
    let mut w = world().await;
    let frame = json!({"envelope_id": "e2", "type": "slash_commands", "payload": {"command": "/vigie",
        "text": "list", "user_id": "U1", "team_id": "T1", "channel_id": "D1", "is_enterprise_install": "false"}});
    let (ack, taken) = w.hear(&frame.to_string(), Ok(Answer::Done)).await;
    assert_eq!(ack, Some(json!({"envelope_id": "e2"})));
    assert_eq!(
        taken[0].key,
        Some(InputKey::new("slack:e2")),
        "without a trigger id the envelope names the delivery"
    );
    assert!(matches!(&taken[0].input, Input::Command(command) if command.verb == Verb::List));
}

#[tokio::test]
async fn events_say_what_has_changed() {
    let mut w = world().await;
    let event = |event: Value| {
        json!({"envelope_id": "e3", "type": "events_api", "payload": {"event_id": "Ev1", "event": event}}).to_string()
    };
    let table = [
        (json!({"type": "user_change", "user": {"id": "U2"}}), Hint::Person("U2".into())),
        (json!({"type": "subteam_members_changed", "subteam_id": "S1"}), Hint::Groups),
        (json!({"type": "channel_rename", "channel": {"id": "C1"}}), Hint::Channels),
    ];
    for (body, hint) in table {
        let (ack, _) = w.hear(&event(body), Ok(Answer::Done)).await;
        assert_eq!(ack, Some(json!({"envelope_id": "e3"})));
        assert_eq!(w.hints.recv().await, Some(hint));
    }
    for (name, about) in crate::slack::manifest::EVENTS {
        let kind = name.split('.').next().expect("a word");
        let body = json!({"type": kind, "user": {"id": "U2"}, "channel": "C1", "subtype": "message_deleted", "deleted_ts": "1.1"});
        let (_, inputs) = w.hear(&event(body), Ok(Answer::Done)).await;
        let heard = match about {
            About::Person | About::Groups | About::Channels => w.hints.try_recv().is_ok(),
            About::Place => w.places.try_recv().is_ok_and(|channel| channel.as_str() == "C1"),
            About::Message => inputs.len() == 1,
        };
        assert!(heard, "{name} is subscribed to and not heard");
    }
    assert!(w.hints.try_recv().is_err() && w.strange.is_empty());
    let home = event(json!({"type": "app_home_opened", "user": "U1"}));
    assert!(w.hear(&home, Ok(Answer::Done)).await.0.is_some());
    assert_eq!(w.strange.len(), 1, "what is not subscribed to is a novelty");
}

#[tokio::test]
async fn of_all_that_is_said_in_a_channel_only_what_is_gone_reaches_the_writer() {
    let mut w = world().await;
    let event = |mut event: Value| {
        event["type"] = "message".into();
        json!({"envelope_id": "e3", "type": "events_api", "payload": {"event_id": "Ev1", "event": event}}).to_string()
    };
    let nothing = [
        json!({"channel": "C1", "ts": "1.1", "text": "hello"}),
        json!({"channel": "C1", "subtype": "bot_message", "ts": "1.1"}),
        json!({"channel": "C1", "subtype": "message_changed", "message": {"ts": "1.1", "text": "hello"}}),
        json!({"channel": "C1", "subtype": "message_deleted"}),
        json!({"subtype": "message_deleted", "deleted_ts": "1.1"}),
    ];
    for body in nothing {
        let (ack, inputs) = w.hear(&event(body.clone()), Ok(Answer::Done)).await;
        assert_eq!((ack, inputs.len()), (Some(json!({"envelope_id": "e3"})), 0), "{body}");
    }
    let gone = [
        json!({"channel": "C1", "subtype": "message_deleted", "deleted_ts": "1.1"}),
        json!({"channel": "C1", "subtype": "message_changed", "message": {"subtype": "tombstone", "ts": "1.1"}}),
    ];
    for body in gone {
        let (ack, inputs) = w.hear(&event(body.clone()), Ok(Answer::Done)).await;
        assert!(ack.is_some());
        let [
            Delivery {
                key: Some(key),
                input: Input::Moment(Moment::MessageDeleted { channel, ts }),
                ..
            },
        ] = inputs.as_slice()
        else {
            panic!("{body}: {inputs:?}");
        };
        assert_eq!((key.as_str(), channel.as_str(), ts.as_str()), ("slack:Ev1", "C1", "1.1"));
        let (ack, _) = w.hear(&event(body), Err(NotWritten::Store)).await;
        assert!(ack.is_none(), "not on disk, it is told again");
    }
    assert!(w.strange.is_empty());
}

/// The key of a click whose ids are these.
async fn key_of(w: &mut World, trigger: Value, envelope: &str, at: Value) -> Option<String> {
    let mut payload = click(json!({"action_id": "ack", "value": "signed", "action_ts": at}));
    payload["trigger_id"] = trigger;
    let frame = json!({"envelope_id": envelope, "type": "interactive", "payload": payload});
    let (_, mut taken) = w.hear(&frame.to_string(), Ok(Answer::Done)).await;
    taken.remove(0).key.map(|key| key.to_string())
}

#[tokio::test]
async fn two_clicks_never_share_a_key_however_the_server_names_them() {
    let mut w = world().await;
    for (trigger, envelope, at, key) in [
        (json!("1.2.x"), "e1", json!("17.5"), Some("slack:1.2.x/17.5")),
        (json!("1.2.x"), "e1", json!(null), Some("slack:1.2.x")),
        (json!(""), "e1", json!("17.5"), Some("slack:e1/17.5")),
        (json!(null), "e1", json!(""), Some("slack:e1")),
        (json!(""), "", json!("17.5"), None),
        (json!(null), "", json!(null), None),
    ] {
        let got = key_of(&mut w, trigger.clone(), envelope, at.clone()).await;
        assert_eq!(got.as_deref(), key, "{trigger} {envelope} {at}");
    }
}

/// What is said to who clicked where their form was not opened.
async fn told_instead(w: &mut World, trigger: &str, alert: &str) -> String {
    let mut payload = click(json!({"action_id": "resolve", "value": "signed"}));
    payload["trigger_id"] = trigger.into();
    payload["response_url"] = Value::Null;
    let answer = Answer::Form { form: Form::Resolve, alert: alert.into() };
    let (ack, _) = w.hear(&interactive(payload), Ok(answer)).await;
    assert!(ack.is_some());
    let said = tokio::time::timeout(Duration::from_secs(5), w.said.recv()).await;
    said.expect("in time").expect("it is said")["text"].as_str().expect("words").to_owned()
}

#[tokio::test]
async fn a_form_that_cannot_open_is_never_silent() {
    let mut w = world().await;
    let words = told_instead(&mut w, "", "alr_1").await;
    assert!(words.contains("click again"), "{words}");
    let words = told_instead(&mut w, "1.2.x", "alr_gone").await;
    assert!(words.contains("cannot read this alert"), "{words}");
    let words = told_instead(&mut w, "refused", "alr_1").await;
    assert!(words.contains("invalid_arguments") && words.contains("whoever runs me"), "{words}");
}

#[tokio::test]
async fn what_is_not_understood_is_acknowledged_counted_and_kept() {
    let mut w = world().await;
    let strange = [
        (
            interactive(json!({"type": "block_suggestion", "user": {"id": "U1"}})),
            "interaction:block_suggestion",
        ),
        (interactive(json!("text")), "interaction:unparsable"),
        (interactive(click(json!({"action_id": "unheard-of"}))), "action"),
        (json!({"envelope_id": "e1", "type": "novelty"}).to_string(), "envelope:novelty"),
        (
            json!({"envelope_id": "e1", "type": "events_api", "payload": {"event": {"type": "x"}}})
                .to_string(),
            "event:x",
        ),
    ];
    for (frame, kind) in &strange {
        assert_eq!(
            w.hear(frame, Ok(Answer::Done)).await.0,
            Some(json!({"envelope_id": "e1"})),
            "{kind}"
        );
        let kept = w.strange.pop().expect("kept");
        assert_eq!(kept.kind, *kind);
        assert_eq!(
            kept.frame,
            frame.replace("1.2.x", "[removed]").replace("https://hooks.slack.com/x", "[removed]")
        );
    }
    for frame in ["{half", "[]", "5", r#"{"type":"quota_warning"}"#] {
        assert_eq!(w.hear(frame, Ok(Answer::Done)).await.0, None, "{frame} names no envelope");
    }
    let link = interactive(click(json!({"action_id": "open", "url": "https://example.com"})));
    assert!(w.hear(&link, Ok(Answer::Done)).await.0.is_some());
    let kinds: Vec<_> = w.strange.iter().map(|kept| kept.kind.as_str()).collect();
    let expected = ["unparsable", "unparsable", "unparsable", "frame:quota_warning"];
    assert_eq!(kinds, expected, "a link button says nothing, and is no novelty");
}
