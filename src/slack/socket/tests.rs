//! The socket loop against a small server that hangs, refuses, renews, falls silent and closes, in paused time.

use super::*;
use crate::slack::api::ApiSettings;
use axum::Router;
use axum::routing::any;
use futures_util::{SinkExt, StreamExt};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};
use tokio_tungstenite::tungstenite::Message;

type Far = WebSocketStream<TcpStream>;

/// Acknowledges what has an id after `wait` seconds; panics where the frame says so.
struct Echo;

#[async_trait]
impl Hearer for Echo {
    async fn hear(&self, frame: String) -> Option<String> {
        let frame: Value = serde_json::from_str(&frame).expect("the test writes JSON");
        assert!(frame.get("panic").is_none(), "as the test wants");
        sleep(Duration::from_secs(frame["wait"].as_u64().unwrap_or(0))).await;
        Some(json!({"envelope_id": frame.get("envelope_id")?}).to_string())
    }
}

/// The other end.
struct Slack {
    api: Api,
    sockets: mpsc::UnboundedReceiver<Far>,
    opens: Arc<AtomicUsize>,
}

/// A server whose first `hung` upgrades never answer, and whose open answers so, where it is given.
async fn slack(hung: usize, refusal: Option<&'static str>) -> Slack {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let wss = format!("ws://{}/", listener.local_addr().expect("bound"));
    let (arrived, sockets) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut never = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("a TCP socket");
            if never.len() < hung {
                never.push(stream);
                continue;
            }
            let socket = tokio_tungstenite::accept_async(stream).await.expect("an upgrade");
            let _ = arrived.send(socket);
        }
    });
    let opens = Arc::new(AtomicUsize::new(0));
    let counted = opens.clone();
    let open = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let answer = match refusal {
            Some(word) => json!({"ok": false, "error": word}),
            None => json!({"ok": true, "url": wss}),
        };
        async move { axum::Json(answer) }
    };
    let http = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/api/", http.local_addr().expect("bound"));
    let http = axum::serve::ListenerExt::tap_io(http, |io| io.set_nodelay(true).expect("TCP"));
    tokio::spawn(async move { axum::serve(http, Router::new().fallback(any(open))).await });
    let settings = ApiSettings::new(&url, "xoxb-1".into(), "xapp-1".into());
    Slack { api: Api::new(settings).expect("a good address"), sockets, opens }
}

impl Slack {
    fn start(&self, connections: usize) -> SocketMode {
        let settings = SocketSettings { connections, ..SocketSettings::default() };
        SocketMode::start(std::future::ready(()), self.api.clone(), Arc::new(Echo), settings)
    }

    async fn next(&mut self) -> Far {
        let next = timeout(Duration::from_secs(7200), self.sockets.recv()).await;
        next.expect("a socket within two hours").expect("the server runs")
    }

    async fn greeted(&mut self) -> Far {
        let mut socket = self.next().await;
        say(&mut socket, json!({"type": "hello", "num_connections": 1})).await;
        socket
    }
}

async fn say(socket: &mut Far, frame: Value) {
    socket.send(Message::text(frame.to_string())).await.expect("the socket is open");
}

/// The next acknowledgement's id; pings are let pass.
async fn ack(socket: &mut Far) -> Option<String> {
    loop {
        match timeout(Duration::from_secs(60), socket.next()).await.expect("within a minute") {
            Some(Ok(Message::Text(text))) => {
                let ack: Value = serde_json::from_str(text.as_str()).expect("JSON");
                return ack["envelope_id"].as_str().map(str::to_owned);
            }
            Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
            Some(Ok(_)) => {}
        }
    }
}

async fn link(mode: &SocketMode, wanted: Link) {
    let mut link = mode.link();
    let seen = timeout(Duration::from_secs(600), link.wait_for(|now| *now == wanted)).await;
    assert!(seen.is_ok(), "wanted {wanted:?}, it is {:?}", mode.link().borrow());
}

#[tokio::test(start_paused = true)]
async fn a_slow_envelope_does_not_hold_up_the_next() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut socket = slack.greeted().await;
    link(&mode, Link::Connected { sockets: 1 }).await;
    let began = Instant::now();
    say(&mut socket, json!({"envelope_id": "slow", "type": "x", "wait": 4})).await;
    say(&mut socket, json!({"envelope_id": "fast", "type": "x"})).await;
    assert_eq!(ack(&mut socket).await.as_deref(), Some("fast"));
    assert!(began.elapsed() < Duration::from_millis(50), "{:?}", began.elapsed());
    assert_eq!(ack(&mut socket).await.as_deref(), Some("slow"));
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_one_envelope_unacknowledged_and_the_socket_alive() {
    let mut slack = slack(0, None).await;
    let _mode = slack.start(1);
    let mut socket = slack.greeted().await;
    say(&mut socket, json!({"envelope_id": "bad", "panic": true})).await;
    say(&mut socket, json!({"envelope_id": "good"})).await;
    assert_eq!(ack(&mut socket).await.as_deref(), Some("good"));
}

#[tokio::test(start_paused = true)]
async fn a_hello_of_an_odd_shape_is_a_hello() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut socket = slack.next().await;
    let hello = json!({"type": "hello", "num_connections": "1", "reason": {}, "debug_info": 5});
    say(&mut socket, hello).await;
    link(&mode, Link::Connected { sockets: 1 }).await;
    say(&mut socket, json!({"envelope_id": "e", "type": "x", "num_connections": {}, "reason": 7}))
        .await;
    assert_eq!(ack(&mut socket).await.as_deref(), Some("e"));
    say(&mut socket, json!({"type": "disconnect", "reason": null})).await;
    slack.greeted().await;
}

#[tokio::test(start_paused = true)]
async fn no_socket_is_opened_before_the_first_word_and_a_stop_does_not_wait_for_it() {
    let mut slack = slack(0, None).await;
    let settings = SocketSettings::default();
    let first = sleep(Duration::from_secs(2));
    let mode = SocketMode::start(first, slack.api.clone(), Arc::new(Echo), settings);
    let began = Instant::now();
    slack.greeted().await;
    assert_eq!(began.elapsed().as_secs(), 2);
    mode.stop().await;
    let never = std::future::pending();
    let mode = SocketMode::start(never, slack.api.clone(), Arc::new(Echo), settings);
    let began = Instant::now();
    mode.stop().await;
    assert!(began.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_hung_upgrade_and_a_missing_hello_are_given_up() {
    let mut slack = slack(1, None).await;
    let began = Instant::now();
    let mode = slack.start(1);
    let _mute = slack.next().await;
    assert_eq!(began.elapsed().as_secs(), 5, "the upgrade's own limit, and half a second");
    let _socket = slack.greeted().await;
    link(&mode, Link::Connected { sockets: 1 }).await;
    assert_eq!(began.elapsed().as_secs(), 9, "three seconds for the hello, and one more");
}

#[tokio::test(start_paused = true)]
async fn a_socket_on_which_nothing_comes_is_given_up() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let _unread = slack.greeted().await;
    link(&mode, Link::Connected { sockets: 1 }).await;
    let began = Instant::now();
    let _next = slack.greeted().await;
    assert_eq!(began.elapsed().as_secs(), 30, "nothing answered our pings");
}

#[tokio::test(start_paused = true)]
async fn a_quiet_night_with_pongs_keeps_the_socket() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut socket = slack.greeted().await;
    let began = Instant::now();
    pinged(&mut socket, 3590).await;
    assert_eq!(*mode.link().borrow(), Link::Connected { sockets: 1 });
    assert_eq!(slack.opens.load(Ordering::Relaxed), 1);
    // After an hour without a word a new hello has to say that we are not deaf. The old one hears until it is there.
    let mut link = mode.link();
    link.mark_unchanged();
    tokio::select! {
        () = async { while socket.next().await.is_some() {} } => panic!("the old one ended"),
        new = slack.next() => {
            assert_eq!(began.elapsed().as_secs(), 3600);
            say(&mut socket, json!({"envelope_id": "meanwhile", "wait": 1})).await;
            let mut new = new;
            say(&mut new, json!({"type": "hello"})).await;
            assert_eq!(ack(&mut socket).await.as_deref(), Some("meanwhile"));
            assert_eq!(ack(&mut socket).await, None, "then the old one is closed");
            say(&mut new, json!({"envelope_id": "after"})).await;
            assert_eq!(ack(&mut new).await.as_deref(), Some("after"));
        }
    }
    assert!(!link.has_changed().expect("alive"), "connected all the time");
}

/// Tells what it was given.
struct Ears(mpsc::UnboundedSender<String>);

#[async_trait]
impl Hearer for Ears {
    async fn hear(&self, frame: String) -> Option<String> {
        let _ = self.0.send(frame);
        None
    }
}

#[tokio::test(start_paused = true)]
async fn what_slack_sends_before_it_knows_of_our_close_is_done_and_at_a_stop_is_not() {
    let mut slack = slack(0, None).await;
    let (ears, mut heard) = mpsc::unbounded_channel();
    let (first, settings) =
        (std::future::ready(()), SocketSettings { connections: 1, ..SocketSettings::default() });
    let mode = SocketMode::start(first, slack.api.clone(), Arc::new(Ears(ears)), settings);
    let mut old = slack.greeted().await;
    pinged(&mut old, 3590).await;
    let reading = async { while old.next().await.is_some() {} };
    let mut new = tokio::select! {
        () = reading => panic!("the old one ended"),
        new = slack.greeted() => new,
    };
    sleep(Duration::from_millis(1500)).await;
    say(&mut old, json!({"envelope_id": "late"})).await;
    let late = timeout(Duration::from_secs(1), heard.recv()).await.expect("it is done");
    assert!(late.expect("it listens").contains("late"));
    assert_eq!(ack(&mut old).await, None, "it was closed before");
    let too_late = async {
        sleep(Duration::from_millis(500)).await;
        say(&mut new, json!({"envelope_id": "too late"})).await;
    };
    tokio::join!(mode.stop(), too_late);
    assert!(heard.try_recv().is_err(), "who stops begins nothing");
}

/// Answers pings and sends Slack's own for so many seconds.
async fn pinged(socket: &mut Far, seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        socket.send(Message::Ping("from Slack".into())).await.expect("open");
        let pause = Duration::from_secs(10).min(until - Instant::now());
        let over = timeout(pause, async {
            while let Some(Ok(Message::Ping(_) | Message::Pong(_))) = socket.next().await {}
        });
        assert!(over.await.is_err(), "the socket ended");
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_on_which_slack_no_longer_pings_is_renewed() {
    let mut slack = slack(0, None).await;
    let _mode = slack.start(1);
    let mut socket = slack.greeted().await;
    pinged(&mut socket, 600).await;
    let began = Instant::now();
    tokio::select! {
        // Our own pings are answered all the while.
        () = async { while socket.next().await.is_some() {} } => panic!("the old one ended"),
        _new = slack.next() => assert!((289..=300).contains(&began.elapsed().as_secs())),
    }
}

#[tokio::test(start_paused = true)]
async fn a_doubted_socket_is_kept_while_no_other_can_be_opened() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut socket = slack.greeted().await;
    let alive = async { while socket.next().await.is_some() {} };
    let mute = async {
        for _ in 0..3 {
            // Upgraded, but no hello.
            drop(slack.next().await);
        }
    };
    tokio::select! {
        () = alive => panic!("the old one ended"),
        () = mute => {}
    }
    assert_eq!(*mode.link().borrow(), Link::Connected { sockets: 1 });
    say(&mut socket, json!({"envelope_id": "still"})).await;
    assert_eq!(ack(&mut socket).await.as_deref(), Some("still"));
}

#[tokio::test(start_paused = true)]
async fn ghosts_are_counted_again_until_there_are_none() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let ghosts = mode.ghosts();
    let began = Instant::now();
    let mut sockets = Vec::new();
    for (counted, minutes) in [(3, 0), (3, 10), (2, 20)] {
        let mut socket = alive_until(&mut sockets, slack.next()).await;
        assert_eq!(began.elapsed().as_secs() / 60, minutes);
        // The old one is still ours when the new one is greeted.
        say(&mut socket, json!({"type": "hello", "num_connections": counted})).await;
        sockets.push(socket);
        sleep(Duration::from_millis(1)).await;
        let expected = if minutes == 0 { 2 } else { counted - 2 };
        assert_eq!(*ghosts.borrow(), expected, "after {minutes} min");
    }
    let quiet = timeout(Duration::from_secs(1800), alive_until(&mut sockets, slack.next())).await;
    assert!(quiet.is_err(), "nothing more to count");
}

/// Reads these sockets while it waits, so that pings are answered.
async fn alive_until<T>(sockets: &mut [Far], what: impl Future<Output = T>) -> T {
    let read =
        sockets.iter_mut().map(|socket| async { while let Some(Ok(_)) = socket.next().await {} });
    let reading = async {
        futures_util::future::join_all(read).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        done = what => done,
        () = reading => unreachable!("it is pending"),
    }
}

/// How Slack ends a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Says(&'static str),
    Closes,
    Resets,
}

/// When it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    BeforeHello,
    Idle,
    Unacknowledged,
    NextIsOpening,
}

async fn end(mut socket: Far, way: Way) -> Option<Far> {
    match way {
        Way::Says(reason) => {
            say(&mut socket, json!({"type": "disconnect", "reason": reason})).await;
            return Some(socket);
        }
        Way::Closes => socket.close(None).await.expect("open"),
        Way::Resets => socket.get_ref().set_zero_linger().expect("TCP"),
    }
    None
}

#[tokio::test(start_paused = true)]
async fn every_end_in_every_phase_leads_to_one_new_socket_after_its_time() {
    let ways = [
        (Way::Says("warning"), 0),
        (Way::Says("refresh_requested"), 0),
        (Way::Says("moved_house"), 0),
        (Way::Says("too_many_websockets"), 30_000),
        (Way::Says("link_disabled"), 30_000),
        (Way::Closes, 500),
        (Way::Resets, 500),
    ];
    let phases = [Phase::BeforeHello, Phase::Idle, Phase::Unacknowledged, Phase::NextIsOpening];
    for (way, wait) in ways {
        for phase in phases {
            let what = format!("{way:?} {phase:?}");
            let mut slack = slack(0, None).await;
            let mode = slack.start(1);
            let mut old = slack.next().await;
            if phase != Phase::BeforeHello {
                say(&mut old, json!({"type": "hello"})).await;
                link(&mode, Link::Connected { sockets: 1 }).await;
            }
            if phase == Phase::Unacknowledged {
                say(&mut old, json!({"envelope_id": "open", "wait": 1})).await;
            }
            let mut opening = None;
            if phase == Phase::NextIsOpening {
                say(&mut old, json!({"type": "disconnect", "reason": "warning"})).await;
                opening = Some(slack.next().await);
            }
            let began = Instant::now();
            let old = end(old, way).await;
            let mut new = match opening {
                Some(new) => new,
                None => slack.next().await,
            };
            let waited = began.elapsed().as_millis();
            let wait = if phase == Phase::NextIsOpening { 0 } else { wait };
            assert!((wait..=wait + 20).contains(&waited), "{what}: {waited} ms");
            say(&mut new, json!({"type": "hello"})).await;
            say(&mut new, json!({"envelope_id": "next"})).await;
            assert_eq!(ack(&mut new).await.as_deref(), Some("next"), "{what}");
            if phase == Phase::Unacknowledged
                && let Some(mut old) = old
            {
                assert_eq!(ack(&mut old).await.as_deref(), Some("open"), "{what}");
            }
            assert_eq!(*mode.link().borrow(), Link::Connected { sockets: 1 }, "{what}");
            assert_eq!(slack.opens.load(Ordering::Relaxed), 2, "{what}: one new socket");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refresh_loses_nothing() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut old = slack.greeted().await;
    // Read as Slack does, so that our pings are answered.
    for _ in 0..6 {
        let _ = timeout(Duration::from_secs(10), old.next()).await;
    }
    say(&mut old, json!({"envelope_id": "before", "wait": 2})).await;
    say(&mut old, json!({"type": "disconnect", "reason": "warning"})).await;
    let mut new = slack.greeted().await;
    say(&mut old, json!({"envelope_id": "between"})).await;
    say(&mut new, json!({"envelope_id": "after"})).await;
    assert_eq!(ack(&mut new).await.as_deref(), Some("after"));
    assert_eq!(ack(&mut old).await.as_deref(), Some("between"));
    assert_eq!(ack(&mut old).await.as_deref(), Some("before"));
    say(&mut old, json!({"type": "disconnect", "reason": "refresh_requested"})).await;
    old.close(None).await.expect("the old one closes");
    sleep(Duration::from_secs(20)).await;
    assert_eq!(*mode.link().borrow(), Link::Connected { sockets: 1 });
    assert_eq!(slack.opens.load(Ordering::Relaxed), 2, "one refresh, one new socket");
}

#[tokio::test(start_paused = true)]
async fn too_many_sockets_is_said_and_tried_slowly() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(1);
    let mut socket = slack.greeted().await;
    let began = Instant::now();
    say(&mut socket, json!({"type": "disconnect", "reason": "too_many_websockets"})).await;
    let _next = slack.greeted().await;
    assert_eq!(began.elapsed().as_secs(), 30);
    link(&mode, Link::Connected { sockets: 1 }).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_said_in_words_and_asked_again_slowly() {
    let slack = slack(0, Some("invalid_auth")).await;
    let mode = slack.start(1);
    let mut link = mode.link();
    let refused =
        link.wait_for(|link| matches!(link, Link::Refused { .. })).await.expect("alive").clone();
    let Link::Refused { words } = refused else { unreachable!("just waited for it") };
    assert!(words.contains("invalid_auth") && words.contains("copy the token again"), "{words}");
    sleep(Duration::from_secs(29)).await;
    assert_eq!(slack.opens.load(Ordering::Relaxed), 1);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(slack.opens.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_the_acknowledgements_leave() {
    let mut slack = slack(0, None).await;
    let mode = slack.start(2);
    let (mut one, mut two) = (slack.greeted().await, slack.greeted().await);
    link(&mode, Link::Connected { sockets: 2 }).await;
    say(&mut one, json!({"envelope_id": "last", "wait": 2})).await;
    sleep(Duration::from_secs(1)).await;
    let (_, last, closed) = tokio::join!(mode.stop(), ack(&mut one), ack(&mut two));
    assert_eq!((last.as_deref(), closed), (Some("last"), None));
    assert_eq!(ack(&mut one).await, None, "and then it closes");
}
