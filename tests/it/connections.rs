//! The link to Slack in all its troubles, through the whole house: what Slack handed over is acknowledged and recorded once.

use crate::world::{APP_TOKEN, Page, World, high};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};
use vigie::sim::{Delivery, Fault, Sim};
use vigie::slack::socket::Link;

const SEC: Duration = Duration::from_secs(1);
const MIN: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const BOTH: Link = Link::Connected { sockets: 2 };

/// Tells a story whose metrics are its own.
fn measured(story: impl AsyncFnOnce(&World, &PrometheusHandle)) {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    metrics::with_local_recorder(&recorder, || World::run(async |w| story(w, &metrics).await));
}

/// One number of what `/metrics` would say.
fn measure(metrics: &PrometheusHandle, name: &str) -> String {
    let text = metrics.render();
    let found = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.unwrap_or("none").to_owned()
}

fn link(w: &World) -> Link {
    w.app().link().borrow().clone()
}

async fn connected(w: &World, within: Duration) {
    let mut link = w.app().link();
    let seen = tokio::time::timeout(within, link.wait_for(|link| *link == BOTH)).await;
    assert!(seen.is_ok(), "not connected in time\n{}", w.slack().transcript());
}

/// A click that need not be acknowledged.
async fn click(w: &World, page: &Page<'_>) -> Delivery {
    let at = page.message();
    let at = (at.channel.as_str(), at.ts.as_str());
    w.slack().by("ana").click(at, FORM).await.expect("the button is there")
}

/// The button that stays as long as the alert is not resolved: each click on it opens a form and is recorded.
const FORM: &str = "Resolve…";

/// A page that nobody is reminded of any more.
async fn page(w: &World) -> Page<'_> {
    connected(w, MIN).await;
    w.alert(high("odd login")).await;
    let page = w.message("#soc-alerts", "odd login").await;
    w.by("ana").click(&page, "Acknowledge").await;
    page.expect("*Acknowledged* by <@U0ANA>").await;
    page.expect_line("Acknowledged by @ana").await;
    w.sleep(MIN).await;
    page
}

const CLICKS: &str = "SELECT count(*) FROM interactions_v1 WHERE action = 'resolve_form'";

/// So many clicks were recorded, and no more; whatever was said to who clicked is read.
async fn recorded(w: &World, clicks: usize) {
    w.settle().await;
    assert_eq!(w.ask(CLICKS), clicks.to_string());
    let keys = "SELECT count(*) FROM inputs WHERE key LIKE 'slack:%'";
    assert_eq!(w.ask(keys), (clicks + 1).to_string(), "and the one that made the page");
    assert!(w.slack().acks().iter().all(|ack| ack.in_time), "one came too late");
    for message in w.slack().unread() {
        w.slack().read(&message.channel, &message.ts);
    }
    w.settle_copies().await;
}

#[test]
fn whatever_ends_the_sockets_the_next_click_is_taken() {
    type Trouble = fn(&Sim);
    // With how long it may take until both are there again.
    let troubles: [(&str, Trouble, Duration); 7] = [
        ("a warning", |sim| sim.disconnect_all("warning"), SEC),
        ("a refresh", |sim| sim.disconnect_all("refresh_requested"), SEC),
        ("a reason that nobody knows", |sim| sim.disconnect_all("moved_house"), SEC),
        ("too many", |sim| sim.disconnect_all("too_many_websockets"), 31 * SEC),
        ("switched off", |sim| sim.disconnect_all("link_disabled"), 61 * SEC),
        ("gone without a word", Sim::drop_sockets, SEC),
        // Noticed after 30 s; but for a minute Slack goes on giving the dead ones their share.
        ("frozen", Sim::freeze_sockets, 61 * SEC),
    ];
    World::run(async |w| {
        w.will_log("too many sockets are open for this app");
        w.will_log("Socket Mode is switched off");
        let page = page(w).await;
        let mut clicks = 0;
        for (what, trouble, within) in troubles {
            w.sleep(MIN).await;
            trouble(w.slack());
            w.sleep(within).await;
            assert_eq!(link(w), BOTH, "{what}\n{}", w.slack().transcript());
            let clicked = click(w, &page).await;
            assert!(clicked.is_acked(), "{what}: {clicked}");
            clicks += 1;
        }
        recorded(w, clicks).await;
        assert_eq!(
            w.rows("SELECT DISTINCT source, why FROM refused_bodies"),
            ["slack:frames frame:disconnect"],
            "the unknown reason is kept"
        );
    });
}

#[test]
fn a_hung_open_or_upgrade_holds_up_one_socket_and_not_for_long() {
    type Hang = fn(&Sim);
    let hangs: [(Hang, u64); 2] = [(Sim::hang_next_open, 10), (Sim::hang_next_upgrade, 5)];
    World::run(async |w| {
        let page = page(w).await;
        for (hang, limit) in hangs {
            w.sleep(MIN).await;
            hang(w.slack());
            w.slack().drop_sockets();
            w.sleep(SEC).await;
            assert_eq!(link(w), Link::Connected { sockets: 1 }, "the other one goes on");
            assert!(click(w, &page).await.is_acked());
            w.sleep(SEC * u32::try_from(limit).expect("small") - SEC).await;
            assert_eq!(link(w), Link::Connected { sockets: 1 }, "its time is not over");
            w.sleep(2 * SEC).await;
            assert_eq!(link(w), BOTH);
            assert!(click(w, &page).await.is_acked());
        }
        recorded(w, 4).await;
    });
}

#[test]
fn a_half_open_socket_is_noticed_and_only_what_slack_gave_it_is_lost() {
    measured(async |w, metrics| {
        let page = page(w).await;
        w.slack().freeze_oldest_socket();
        let (mut acked, mut lost) = (0, 0);
        for _ in 0..40 {
            match click(w, &page).await {
                Delivery::Acked { .. } => acked += 1,
                Delivery::TimedOut => lost += 1,
                Delivery::NoSocket => panic!("the other one is open"),
            }
            assert!(matches!(link(w), Link::Connected { .. }));
            w.sleep(SEC).await;
        }
        assert!(acked > lost && lost > 0, "{acked} acknowledged, {lost} given to the dead socket");
        assert_eq!(link(w), BOTH);
        // Slack still counts the dead one, and is asked again until it does not.
        assert_eq!(measure(metrics, "vigie_slack_ghost_sockets"), "1");
        assert_eq!(w.ready().await.0, 200, "a ghost does not make us unready");
        assert!(
            w.ready().await.1["warnings"][0]
                .as_str()
                .expect("words")
                .contains("stop whatever else")
        );
        w.sleep(25 * MIN).await;
        assert_eq!(measure(metrics, "vigie_slack_ghost_sockets"), "0");
        assert_eq!(w.ready().await.1, json!({"status": "ready"}));
        recorded(w, acked).await;
    });
}

#[test]
fn two_days_of_refreshes_lose_no_click() {
    World::run(async |w| {
        let page = page(w).await;
        let mut clicks = 0;
        for _ in 0..10 {
            w.sleep(5 * HOUR - 12 * SEC).await;
            let clicking = async {
                // At the very moment of the warning, of the close, and between.
                for _ in 0..25 {
                    match click(w, &page).await {
                        Delivery::Acked { .. } => clicks += 1,
                        // It closes those that it has just opened too: for an instant it has none to hand a click to.
                        Delivery::NoSocket => {}
                        lost @ Delivery::TimedOut => panic!("{lost}\n{}", w.slack().transcript()),
                    }
                    assert!(matches!(link(w), Link::Connected { .. }), "{:?}", link(w));
                    assert_eq!(w.ready().await.0, 200);
                    w.sleep(Duration::from_millis(500)).await;
                }
            };
            tokio::join!(w.slack().refresh_sockets(), clicking);
        }
        assert_eq!(w.slack().sockets(), 2, "no socket is left behind");
        recorded(w, clicks).await;
        assert!(clicks >= 240, "{clicks} of 250 were handed over");
    });
}

#[test]
fn one_envelope_on_two_sockets_in_the_middle_of_a_refresh_is_one_click() {
    World::run(async |w| {
        let page = page(w).await;
        w.slack().disconnect_all("warning");
        w.slack().repeat_next();
        let before = w.slack().acks().len();
        assert!(click(w, &page).await.is_acked());
        w.sleep(MIN).await;
        let acks = w.slack().acks().split_off(before);
        let ids: Vec<&str> = acks.iter().map(|ack| ack.envelope_id.as_str()).collect();
        assert_eq!(ids, [ids[0]; 2], "both deliveries were acknowledged");
        assert_eq!(w.ask(CLICKS), "1");
        let forms = w.slack().transcript().matches("ana sees the dialog").count();
        assert_eq!(forms, 1, "the second finds its trigger used");
        for message in w.slack().unread() {
            w.slack().read(&message.channel, &message.ts);
        }
        w.settle_copies().await;
    });
}

#[test]
fn when_socket_mode_is_switched_off_a_person_is_told_what_to_do_and_it_comes_back_by_itself() {
    World::run(async |w| {
        w.will_log("Socket Mode is switched off");
        let page = page(w).await;
        w.slack().fail_always("apps.connections.open", Fault::error("link_disabled"));
        w.slack().disconnect_all("link_disabled");
        let before = opens(w);
        w.sleep(5 * SEC).await;
        let (status, said) = w.ready().await;
        assert_eq!(status, 503);
        assert!(
            said["reasons"][0].as_str().expect("words").contains("turn it on under Settings"),
            "{said}"
        );
        w.sleep(30 * MIN).await;
        // 0.5, 1.5, 3.5, 7.5 min and then every 5 min, for each of the two.
        assert!(
            (12..=18).contains(&(opens(w) - before)),
            "{} opens in half an hour",
            opens(w) - before
        );
        w.slack().heal();
        connected(w, 5 * MIN + SEC).await;
        assert_eq!(w.ready().await.0, 200);
        assert!(click(w, &page).await.is_acked());
        recorded(w, 1).await;
    });
}

fn opens(w: &World) -> usize {
    w.slack().calls_of("apps.connections.open").len()
}

type Foreign = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A socket of another process with our app token.
async fn foreign(w: &World) -> Foreign {
    let url = format!("{}apps.connections.open", w.slack().api_url());
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let answer = http.post(url).bearer_auth(APP_TOKEN).send().await.expect("answers");
    let answer: Value = answer.json().await.expect("JSON");
    let (socket, _) =
        connect_async(answer["url"].as_str().expect("an address")).await.expect("open");
    socket
}

#[test]
fn other_processes_with_our_token_are_told_of_from_the_first_refusal_to_the_last_ghost() {
    measured(async |w, metrics| {
        w.will_log("too many sockets are open for this app");
        w.alert(high("odd login")).await;
        let page = w.message("#soc-alerts", "odd login").await;
        w.stop().await;
        let mut others = Vec::new();
        for _ in 0..10 {
            others.push(foreign(w).await);
        }
        let before = opens(w);
        w.launch().await;
        w.sleep(5 * SEC).await;
        let (status, said) = w.ready().await;
        assert_eq!(status, 503);
        assert!(
            said["reasons"][0].as_str().expect("words").contains("stop the other processes"),
            "{said}"
        );
        w.sleep(10 * MIN).await;
        assert_eq!(opens(w) - before, 10, "at 0, 0.5, 1.5, 3.5 and 7.5 min, for each of the two");
        others.truncate(1);
        connected(w, 5 * MIN).await;
        assert_eq!(measure(metrics, "vigie_slack_ghost_sockets"), "1");
        let (status, said) = w.ready().await;
        assert_eq!((status, &said["status"]), (200, &json!("ready")));
        assert!(said["warnings"][0].as_str().expect("words").contains("1 more socket"), "{said}");
        w.sleep(HOUR).await;
        assert_eq!(measure(metrics, "vigie_slack_ghost_sockets"), "1", "it is still there");
        others.clear();
        w.sleep(13 * MIN).await;
        assert_eq!(measure(metrics, "vigie_slack_ghost_sockets"), "0");
        assert_eq!(w.ready().await.1, json!({"status": "ready"}));
        assert!(click(w, &page).await.is_acked());
        w.settle().await;
        for message in w.slack().unread() {
            w.slack().read(&message.channel, &message.ts);
        }
        w.settle_copies().await;
    });
}

#[test]
fn a_bot_that_only_seems_to_be_connected_does_not_stay_so() {
    World::run(async |w| {
        let page = page(w).await;
        let renewed = async |what: &str, within: Duration| {
            let before = opens(w);
            let mut left = within;
            while left > Duration::ZERO {
                w.sleep(10 * SEC).await;
                left = left.saturating_sub(10 * SEC);
                assert_eq!(link(w), BOTH, "{what}: never away");
            }
            assert_eq!(opens(w) - before, 2, "{what}: each socket once");
        };
        // Something between Slack and us still answers our pings.
        w.slack().silence_pings(true);
        renewed("Slack's pings stop", 7 * MIN).await;
        w.slack().silence_pings(false);
        renewed("nothing comes for an hour", 76 * MIN).await;
        assert!(click(w, &page).await.is_acked());
        recorded(w, 1).await;
    });
}

#[test]
fn what_is_not_understood_is_acknowledged_counted_and_kept_without_its_secrets() {
    measured(async |w, metrics| {
        connected(w, MIN).await;
        let secrets = json!({"token": "canary", "trigger_id": "1.2.canary", "response_url": "http://127.0.0.1/canary"});
        let mut sent = 0;
        for (kind, payload) in [
            ("novelty", json!({})),
            ("interactive", json!({"type": "block_suggestion", "user": {"id": "U0ANA"}})),
            ("events_api", json!({"event": {"type": "team_rename"}})),
            ("slash_commands", json!({"command": "/other", "user_id": "U0ANA"})),
            ("interactive", json!("canary-free text")),
        ] {
            let mut payload = payload;
            if let Some(fields) = payload.as_object_mut() {
                fields.extend(secrets.as_object().expect("one").clone());
            }
            sent += 1;
            let envelope =
                json!({"envelope_id": format!("e{sent}"), "type": kind, "payload": payload});
            assert!(w.slack().deliver_envelope(&envelope).await.is_acked(), "{kind}");
        }
        for frame in
            ["{\"type\":\"quota\",\"token\":\"canary\"}", "{\"response_url\":\"canary", "[]"]
        {
            assert!(w.slack().deliver_raw(frame));
        }
        for n in 0..200 {
            let envelope =
                json!({"envelope_id": format!("f{n}"), "type": "flood", "token": "canary"});
            assert!(w.slack().deliver_envelope(&envelope).await.is_acked(), "{n}");
        }
        w.sleep(SEC).await;
        assert_eq!(
            w.rows("SELECT why, count(*) FROM refused_bodies GROUP BY why ORDER BY why"),
            [
                "command 1",
                "envelope:flood 5",
                "envelope:novelty 1",
                "event:team_rename 1",
                "frame:quota 1",
                "interaction:block_suggestion 1",
                "interaction:unparsable 1",
                "unparsable 2",
            ]
        );
        let name =
            |kind: &str| format!("vigie_slack_frames_not_understood_total{{type=\"{kind}\"}}");
        assert_eq!(measure(metrics, &name("envelope:flood")), "200", "all are counted");
        assert_eq!(measure(metrics, &name("unparsable")), "2");
        let kept = w.rows("SELECT CAST(body AS TEXT) FROM refused_bodies");
        assert!(
            kept.iter().all(|body| !body.contains("canary") || body.contains("canary-free")),
            "{kept:#?}"
        );
        assert!(kept.iter().any(|body| body.contains("block_suggestion")), "{kept:#?}");
        assert_ne!(measure(metrics, "vigie_slack_last_envelope_timestamp_seconds"), "none");
    });
}
