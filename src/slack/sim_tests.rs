//! The whole wire against the simulated Slack: real sockets on loopback, paused time.

use crate::clock::Clock;
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Answer, Binding, Form, Input, Verb};
use crate::domain::people::{ChannelRef, Directory, Membership, UserRef, UsergroupRef};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::inbox::{self, Item};
use crate::sim::{Channel, Delivery, Dnd, Fault, Options, Sim, User, Usergroup};
use crate::slack::adoption::Found;
use crate::slack::api::{Api, ApiSettings};
use crate::slack::directory::{DirectoryReader, Wanted};
use crate::slack::failure::Failure;
use crate::slack::inbound::{FormSource, Inbound, Mistakes, Parts, Vocabulary};
use crate::slack::outbound::{MessageMark, Outbound, Place};
use crate::slack::socket::{EnvelopeSource, Link, SocketMode, SocketSettings};
use crate::slack::view::Message;
use async_trait::async_trait;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

struct Ours;

impl Vocabulary for Ours {
    fn pressed(&self, action_id: &str, _: &str) -> Vec<(Act, Binding)> {
        let act = if action_id == "ack" { Act::Acknowledge } else { Act::AskResolve };
        vec![(act, Binding::Forged)]
    }
    fn submitted(&self, _: &str, _: &str, _: &Value) -> Option<Result<(Act, Binding), Mistakes>> {
        None
    }
    fn mistakes(&self, _: &Act, _: &Refusal) -> Mistakes {
        Vec::new()
    }
    fn command(&self, _: &str) -> Verb {
        Verb::List
    }
}

#[async_trait]
impl FormSource for Ours {
    async fn form(&self, _: Form, _: &AlertId) -> Option<Value> {
        let title = json!({"type": "plain_text", "text": "Resolve"});
        Some(json!({"type": "modal", "callback_id": "resolve", "title": title, "blocks": []}))
    }
}

struct World {
    sim: Sim,
    api: Api,
    outbound: Outbound,
    sockets: SocketMode,
    /// The keys that the writer was given.
    written: Arc<Mutex<Vec<String>>>,
    _hints: mpsc::UnboundedReceiver<crate::slack::directory::Hint>,
}

async fn world() -> World {
    let sim = Sim::start(Options::default()).await.expect("a free port");
    sim.add_user(User { id: "U0ALICE".into(), ..User::named("alice") });
    sim.add_channel(Channel { id: "C0SOC".into(), ..Channel::named("soc") });
    sim.add_usergroup(Usergroup {
        id: "S0BLUE".into(),
        handle: "blue".into(),
        users: vec!["alice".into()],
        ..Usergroup::default()
    });
    let api = Api::new(ApiSettings::new(&sim.api_url(), "xoxb-sim".into(), "xapp-sim".into()))
        .expect("good");
    let clock = Clock::steady(Timestamp::from_millis(sim.now_ms()));
    let outbound = Outbound::new(api.clone(), clock.clone());
    let (inbox, mut queue) = inbox::open();
    let written: Arc<Mutex<Vec<String>>> = Arc::default();
    let keys = written.clone();
    tokio::spawn(async move {
        while let Some(Item::Input(delivery, reply)) = queue.recv().await {
            keys.lock()
                .expect("alone")
                .push(delivery.key.map(|key| key.to_string()).unwrap_or_default());
            let form =
                matches!(&delivery.input, Input::Click(click) if click.act == Act::AskResolve);
            let answer = Answer::Form { form: Form::Resolve, alert: "alr_1".into() };
            let _ = reply.send(Ok(if form { answer } else { Answer::Done }));
        }
    });
    let (hints, hinted) = mpsc::unbounded_channel();
    let parts = Parts {
        inbox,
        clock,
        vocabulary: Arc::new(Ours),
        forms: Arc::new(Ours),
        outbound: outbound.clone(),
        hints,
        places: mpsc::unbounded_channel().0,
    };
    let (first, hearer) = (std::future::ready(()), Arc::new(Inbound::new(parts)));
    let sockets = SocketMode::start(first, api.clone(), hearer, SocketSettings::default());
    let w = World { sim, api, outbound, sockets, written, _hints: hinted };
    w.connected().await;
    w
}

impl World {
    async fn connected(&self) {
        let both = |link: &Link| *link == Link::Connected { sockets: 2 };
        let mut link = self.sockets.link();
        let seen = tokio::time::timeout(Duration::from_secs(120), link.wait_for(both)).await;
        assert!(
            seen.is_ok(),
            "two sockets within two minutes; it is {:?}",
            *self.sockets.link().borrow()
        );
    }

    async fn click(&self, ts: &str, button: &str) -> Delivery {
        self.sim.by("alice").click(("C0SOC", ts), button).await.expect("the button is there")
    }
}

fn message() -> Message {
    let button = |id: &str| json!({"type": "button", "action_id": id, "value": id, "text": {"type": "plain_text", "text": id}});
    let blocks = json!([{"type": "actions", "elements": [button("ack"), button("resolve")]}]);
    Message { text: "CRITICAL".into(), blocks, attachments: json!([]) }
}

fn mark() -> MessageMark {
    MessageMark::new("jrn_1/1".into())
}

fn soc() -> Place {
    Place::named(ChannelRef("#soc".into()))
}

#[tokio::test(start_paused = true)]
async fn a_post_a_click_a_form_and_a_command() {
    let w = world().await;
    let posted = w.outbound.post(&soc(), &message(), &mark()).await.expect("posted");
    assert_eq!(posted.channel.as_str(), "C0SOC");
    let acked = w.click(posted.ts.as_str(), "ack").await;
    assert!(
        matches!(acked, Delivery::Acked { after, .. } if after < Duration::from_millis(100)),
        "{acked}"
    );
    assert!(w.click(posted.ts.as_str(), "resolve").await.is_acked());
    w.sim.until(|sim| sim.open_view("alice")).await;
    let asked = w.sim.by("alice").slash("soc", "/vigie list").await.expect("typed");
    assert!(asked.is_acked());
    let grid = w.sim.by("alice").on_grid();
    assert!(grid.click(("C0SOC", posted.ts.as_str()), "ack").await.expect("clicked").is_acked());
    assert_eq!(w.written.lock().expect("alone").len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_click_delivered_twice_has_one_key() {
    let w = world().await;
    let posted = w.outbound.post(&soc(), &message(), &mark()).await.expect("posted");
    w.sim.repeat_next();
    assert!(w.click(posted.ts.as_str(), "ack").await.is_acked());
    sleep(Duration::from_secs(1)).await;
    let keys = w.written.lock().expect("alone").clone();
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_uncertain_and_the_message_is_found() {
    let w = world().await;
    for fault in [Fault::LoseResponse, Fault::DropConnection] {
        w.sim.fail_next("chat.postMessage", fault);
        let failure =
            w.outbound.post(&soc(), &message(), &mark()).await.expect_err("the answer is lost");
        assert!(failure.may_have_happened(), "{failure:?}");
    }
    let found = w.outbound.find(&soc(), &[mark()], Duration::from_secs(60)).await.expect("history");
    let found = found.stands[0].clone().expect("it stands");
    assert!(w.sim.message("C0SOC", found.ts.as_str()).is_some());
    let other = MessageMark::new("jrn_1/2".into());
    let absent = Found { stands: vec![None], is_all: true };
    assert_eq!(w.outbound.find(&soc(), &[other], Duration::from_secs(60)).await, Ok(absent));
    w.sim.fail_next("chat.update", Fault::RateLimited { retry_after: Duration::from_secs(7) });
    let limited = w.outbound.update(&found, &message()).await.expect_err("limited");
    assert_eq!(
        limited,
        Failure::RateLimited { method: "chat.update", after: Duration::from_secs(7) }
    );
    sleep(Duration::from_secs(7)).await;
    w.outbound.update(&found, &message()).await.expect("then it goes");
}

#[tokio::test(start_paused = true)]
async fn clicks_are_acknowledged_all_through_a_refresh() {
    let w = world().await;
    let posted = w.outbound.post(&soc(), &message(), &mark()).await.expect("posted");
    for _ in 0..3 {
        sleep(Duration::from_secs(3600)).await;
        let clicks = async {
            // Beside the very instant of the close, where the simulator still hands frames to the socket it closes.
            sleep(Duration::from_millis(125)).await;
            for n in 0..60 {
                let acked = w.click(posted.ts.as_str(), "ack").await;
                assert!(acked.is_acked(), "click {n}: {acked}");
                sleep(Duration::from_millis(250)).await;
            }
        };
        tokio::join!(w.sim.refresh_sockets(), clicks);
    }
    w.connected().await;
    assert_eq!(w.sim.sockets(), 2, "no socket is left behind");
}

/// What befalls Slack.
type Trouble = fn(&Sim);

#[tokio::test(start_paused = true)]
async fn whatever_happens_to_the_sockets_they_come_back() {
    let w = world().await;
    let posted = w.outbound.post(&soc(), &message(), &mark()).await.expect("posted");
    let troubles: [(&str, Trouble); 5] = [
        ("dropped", Sim::drop_sockets),
        ("frozen", Sim::freeze_sockets),
        ("too many", |sim| sim.disconnect_all("too_many_websockets")),
        ("hung open", |sim| {
            sim.hang_next_open();
            sim.drop_sockets();
        }),
        ("hung upgrade", |sim| {
            sim.hang_next_upgrade();
            sim.drop_sockets();
        }),
    ];
    for (what, trouble) in troubles {
        trouble(&w.sim);
        sleep(Duration::from_secs(60)).await;
        w.connected().await;
        let acked = w.click(posted.ts.as_str(), "ack").await;
        assert!(acked.is_acked(), "{what}: {acked}");
    }
    w.sockets.stop().await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(w.sim.sockets(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_directory_and_do_not_disturb_are_told() {
    let w = world().await;
    let wanted = Wanted {
        users: [UserRef("alice@example.com".into())].into(),
        groups: [UsergroupRef("@blue".into())].into(),
        channels: [ChannelRef("#soc".into())].into(),
        available: true,
    };
    let last = Mutex::new(Directory::default());
    let clock = Clock::steady(Timestamp::from_millis(w.sim.now_ms()));
    let reader = DirectoryReader::new(w.api.clone(), clock);
    let told = reader.refresh(&wanted, &|_, told| *last.lock().expect("alone") = told).await;
    let directory = last.into_inner().expect("alone");
    assert!(told.complete);
    assert_eq!(directory.address.as_deref().map(|url| url.starts_with("https://")), Some(true));
    assert_eq!(directory.user(&UserRef("alice@example.com".into())), Some("U0ALICE".into()));
    assert_eq!(directory.channel(&ChannelRef("#soc".into())), Some("C0SOC".into()));
    assert!(
        matches!(directory.members(&UsergroupRef("@blue".into())), Membership::Known(m) if m.len() == 1)
    );
    assert!(!w.outbound.do_not_disturb(&"U0ALICE".into()).await);
    let until = w.sim.now_ms() / 1000 + 3600;
    w.sim
        .set_dnd("alice", Dnd { snooze_until: Some(until), ..Dnd::default() })
        .expect("alice is there");
    sleep(Duration::from_secs(200)).await;
    assert!(w.outbound.do_not_disturb(&"U0ALICE".into()).await);
}
