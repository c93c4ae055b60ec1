//! Every fault, once.
use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::{BOT, Got, Socket, post, send, start};
use crate::sim::{Fault, Options, Sim};

async fn try_post(sim: &Sim) -> Option<Got> {
    let body = json!({"channel": "C1", "text": "x"}).to_string();
    send(sim, "/api/chat.postMessage", ("application/json", BOT, &body)).await
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_by_a_status_a_word_or_a_limit() {
    let sim = start(Options::default()).await;
    sim.fail_next("chat.postMessage", Fault::Status(502));
    sim.fail_next("*", Fault::error("fatal_error"));
    sim.fail_next(
        "chat.postMessage",
        Fault::RateLimited { retry_after: Duration::from_millis(2_500) },
    );
    assert_eq!(try_post(&sim).await.expect("an answer").status, 502);
    let limited = try_post(&sim).await.expect("an answer");
    assert_eq!((limited.status, limited.headers["retry-after"].as_str()), (429, "3"));
    assert_eq!(try_post(&sim).await.expect("an answer").body["error"], "fatal_error");
    assert!(sim.messages("C1").is_empty());
    assert_eq!(try_post(&sim).await.expect("an answer").body["ok"], true);
    assert_eq!(
        sim.calls().iter().map(|call| call.status).collect::<Vec<_>>(),
        [502, 429, 200, 200]
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_done_though_the_answer_is_lost_or_late() {
    let sim = start(Options::default()).await;
    sim.fail_next("chat.postMessage", Fault::LoseResponse);
    sim.fail_next("chat.postMessage", Fault::DropConnection);
    sim.fail_next("chat.postMessage", Fault::Slow(Duration::from_secs(20)));
    assert_eq!(try_post(&sim).await.expect("an answer").status, 500);
    assert!(try_post(&sim).await.is_none());
    let begun = Instant::now();
    assert_eq!(try_post(&sim).await.expect("an answer").body["ok"], true);
    assert_eq!(begun.elapsed().as_secs(), 20);
    assert_eq!(sim.messages("C1").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_call_hangs_and_always_means_until_healed() {
    let sim = start(Options::default()).await;
    sim.fail_next("chat.postMessage", Fault::Hang(Duration::from_secs(3600)));
    assert!(timeout(Duration::from_secs(60), try_post(&sim)).await.is_err());
    sim.fail_always("chat.postMessage", Fault::Status(500));
    for _ in 0..3 {
        assert_eq!(try_post(&sim).await.expect("an answer").status, 500);
    }
    sim.heal();
    assert_eq!(post(&sim, json!({})).await["ok"], true);
    assert_eq!(sim.messages("C1").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn down_means_503_and_no_sockets() {
    let sim = start(Options::default()).await;
    let early = super::url(&sim).await;
    let (mut socket, _) = Socket::open(&sim).await;
    sim.set_down(true);
    assert!(socket.next().await.is_none());
    assert_eq!(try_post(&sim).await.expect("an answer").status, 503);
    assert!(Socket::connect(&early).await.is_err());
    sim.set_down(false);
    Socket::open(&sim).await;
    assert_eq!(sim.sockets(), 1);
}

#[tokio::test(start_paused = true)]
async fn opens_and_upgrades_hang_and_tickets_work_once() {
    let sim = start(Options::default()).await;
    sim.hang_next_open();
    assert!(timeout(Duration::from_secs(60), super::url(&sim)).await.is_err());
    let ticket = super::url(&sim).await;
    sim.hang_next_upgrade();
    assert!(timeout(Duration::from_secs(60), Socket::connect(&ticket)).await.is_err());
    let ticket = super::url(&sim).await;
    assert!(Socket::connect(&ticket).await.is_ok());
    assert!(Socket::connect(&ticket).await.is_err(), "a ticket works once");
    let late = super::url(&sim).await;
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert!(Socket::connect(&late).await.is_err(), "a ticket grows old");
}
