//! Socket Mode: hello, the three-second deadline, retries, turns, disconnects, repeats.
use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};

use super::{Socket, Wire, buttons, post, start};
use crate::sim::{Delivery, Options, Sim};

async fn alert(sim: &Sim) -> String {
    post(sim, json!({"blocks": buttons()})).await["ts"].as_str().expect("a ts").to_string()
}

#[tokio::test(start_paused = true)]
async fn a_click_goes_to_one_socket_and_its_answer_comes_back() {
    let sim = start(Options::default()).await;
    let ts = alert(&sim).await;
    let (mut socket, hello) = Socket::open(&sim).await;
    assert_eq!(
        (hello["type"].clone(), hello["num_connections"].clone()),
        (json!("hello"), json!(1))
    );
    assert_eq!(hello["connection_info"]["app_id"], "A0SIM");
    let answers = async {
        let click = socket.next().await.expect("a click");
        sleep(Duration::from_millis(300)).await;
        socket.ack(&click, Some(json!({}))).await;
        click
    };
    let alice = sim.by("alice");
    let (delivery, click) = tokio::join!(alice.click(("C1", ts.as_str()), "Acknowledge"), answers);
    assert_eq!(
        delivery,
        Ok(Delivery::Acked { payload: Some(json!({})), after: Duration::from_millis(300) })
    );
    let payload = &click["payload"];
    assert_eq!(
        (click["type"].clone(), payload["type"].clone()),
        (json!("interactive"), json!("block_actions"))
    );
    assert_eq!(
        (payload["actions"][0]["value"].clone(), payload["user"]["id"].clone()),
        (json!("alr_1"), json!("U1"))
    );
    assert_eq!(
        (payload["enterprise"].clone(), payload["team"]["id"].clone()),
        (json!(null), json!("T0SIM"))
    );
    assert_eq!(payload["container"]["message_ts"], json!(ts));
    assert!(
        sim.transcript().contains("alice clicked \"Acknowledge\": acknowledged after 300 ms"),
        "{}",
        sim.transcript()
    );
}

#[tokio::test(start_paused = true)]
async fn three_seconds_and_a_click_is_lost() {
    let sim = start(Options::default()).await;
    let ts = alert(&sim).await;
    let alice = sim.by("alice");
    assert_eq!(alice.click(("C1", ts.as_str()), "ack").await, Ok(Delivery::NoSocket));
    let (mut socket, _) = Socket::open(&sim).await;
    let begun = Instant::now();
    assert_eq!(alice.click(("C1", ts.as_str()), "ack").await, Ok(Delivery::TimedOut));
    assert_eq!(begun.elapsed().as_secs(), 3);
    let click = socket.next().await.expect("the click");
    socket.ack(&click, None).await;
    sim.until(|sim| sim.acks().first().filter(|ack| !ack.in_time).map(|_| ())).await;
    assert!(
        timeout(Duration::from_secs(3600), socket.next()).await.is_err(),
        "a click does not come again"
    );
}

#[tokio::test(start_paused = true)]
async fn an_event_sent_while_nobody_listened_comes_again() {
    let sim = start(Options::default()).await;
    let begun = Instant::now();
    assert_eq!(sim.by("alice").open_home().await, Ok(Some(Delivery::NoSocket)));
    sleep(Duration::from_millis(1)).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let event = socket.next().await.expect("the second retry");
    assert_eq!(event["payload"]["event"]["type"], "app_home_opened");
    assert_eq!((event["retry_attempt"].as_u64(), begun.elapsed().as_secs()), (Some(2), 60));
    socket.ack(&event, None).await;
    let more = timeout(Duration::from_secs(900), socket.next()).await;
    assert!(more.is_err(), "acknowledged means no more");
}

#[tokio::test(start_paused = true)]
async fn an_unacknowledged_event_is_given_up_after_three_retries() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let begun = Instant::now();
    assert_eq!(
        sim.emit_event(json!({"type": "message", "channel_type": "channel"})).await,
        None,
        "not subscribed"
    );
    assert_eq!(sim.archive_channel("soc").await, Ok(Some(Delivery::TimedOut)));
    let (mut seen, mut ids) = (Vec::new(), std::collections::HashSet::new());
    while let Ok(Some(event)) = timeout(Duration::from_secs(900), socket.next()).await {
        // All four are read here, the first two long after they came.
        ids.insert(event["payload"]["event_id"].to_string());
        seen.push((event["retry_attempt"].as_u64().unwrap_or(9), begun.elapsed().as_secs()));
    }
    assert_eq!(seen, [(0, 3), (1, 3), (2, 66), (3, 369)]);
    assert_eq!(ids.len(), 1, "the event id stays");
}

#[tokio::test(start_paused = true)]
async fn sockets_take_turns_and_the_eleventh_is_refused() {
    let sim = start(Options::default()).await;
    let ts = alert(&sim).await;
    let (mut one, _) = Socket::open(&sim).await;
    let (mut two, hello) = Socket::open(&sim).await;
    assert_eq!(hello["num_connections"], 2);
    for _ in 0..2 {
        let _ = sim.by("alice").click(("C1", ts.as_str()), "ack").await;
    }
    assert!(one.next().await.is_some());
    assert!(two.next().await.is_some());
    let mut more = Vec::new();
    for _ in 0..8 {
        more.push(Socket::open(&sim).await);
    }
    let (mut eleventh, frame) = Socket::open(&sim).await;
    assert_eq!(
        (frame["type"].clone(), frame["reason"].clone()),
        (json!("disconnect"), json!("too_many_websockets"))
    );
    assert!(eleventh.next().await.is_none());
    assert_eq!(sim.sockets(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_warns_ten_seconds_ahead() {
    let sim = start(Options {
        refresh_sockets_after: Some(Duration::from_secs(18_000)),
        ..Options::default()
    })
    .await;
    let (mut socket, _) = Socket::open(&sim).await;
    let begun = Instant::now();
    let mut reasons = Vec::new();
    while let Some(frame) = socket.next().await {
        reasons.push((
            frame["reason"].as_str().unwrap_or_default().to_string(),
            begun.elapsed().as_secs(),
        ));
    }
    assert_eq!(
        reasons,
        [("warning".to_string(), 17_990), ("refresh_requested".to_string(), 18_000)]
    );
    let (mut socket, _) = Socket::open(&sim).await;
    sim.disconnect_all("link_disabled");
    assert_eq!(socket.next().await.expect("a frame")["reason"], "link_disabled");
    let (mut socket, _) = Socket::open(&sim).await;
    sim.drop_sockets();
    assert!(socket.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_repeated_envelope_is_the_same_twice() {
    let sim = start(Options::default()).await;
    let ts = alert(&sim).await;
    let (mut socket, _) = Socket::open(&sim).await;
    sim.repeat_next();
    let alice = sim.by("alice");
    let both = async {
        let (first, second) = (socket.next().await, socket.next().await);
        let (first, second) = (first.expect("one"), second.expect("two"));
        socket.ack(&first, None).await;
        socket.ack(&second, None).await;
        (first, second)
    };
    let (delivery, (first, second)) = tokio::join!(alice.click(("C1", ts.as_str()), "ack"), both);
    assert!(delivery.expect("a button").is_acked());
    assert_eq!(first, second);
    sim.until(|sim| (sim.acks().len() == 2).then_some(())).await;
    assert!(sim.deliver_raw("{\"type\": \"from the future\"}"));
    assert_eq!(socket.next().await.expect("a frame")["type"], "from the future");
}

#[tokio::test(start_paused = true)]
async fn pings_come_every_ten_seconds_unless_silenced() {
    use futures_util::StreamExt;
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    let ping = timeout(Duration::from_secs(11), socket.0.next()).await;
    assert!(
        ping.is_ok_and(|frame| frame.is_some_and(|frame| frame.is_ok_and(|frame| frame.is_ping())))
    );
    sim.silence_pings(true);
    assert!(timeout(Duration::from_secs(600), socket.0.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_frozen_socket_eats_payloads_until_slack_notices() {
    let sim = start(Options::default()).await;
    let ts = alert(&sim).await;
    let _frozen = Socket::open(&sim).await;
    sim.freeze_sockets();
    let alice = sim.by("alice");
    assert_eq!(alice.click(("C1", ts.as_str()), "ack").await, Ok(Delivery::TimedOut));
    assert_eq!(sim.sockets(), 1);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(alice.click(("C1", ts.as_str()), "ack").await, Ok(Delivery::NoSocket));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_goodbye_is_answered() {
    let sim = start(Options::default()).await;
    let (mut socket, _) = Socket::open(&sim).await;
    socket.0.close(None).await.expect("the socket is open");
    let answer = socket.0.next().await.expect("an answer before the connection ends");
    assert!(matches!(answer, Ok(Wire::Close(_))), "{answer:?}");
    sim.until(|sim| (sim.sockets() == 0).then_some(())).await;
}
