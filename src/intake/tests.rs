//! The HTTP interface over real sockets: every answer of `DESIGN` §5, and what hostile senders may try.

use super::auth::Auth;
use super::body::Bounds;
use super::hook::Hooks;
use super::http::{Health, Http};
use super::mapping::Mappings;
use super::{Source, Sources, serve};
use crate::clock::Clock;
use crate::domain::ids::AlertId;
use crate::domain::input::{Answer, Delivery, Incoming, Input, Reception};
use crate::inbox::{self, Item, NotWritten, Queue};
use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

const LIMIT: usize = 4096;

/// A listener on loopback, and what reached the writer behind it.
struct World {
    address: SocketAddr,
    log: Arc<Mutex<Log>>,
    stop: Option<oneshot::Sender<()>>,
    served: tokio::task::JoinHandle<()>,
    _sources: watch::Sender<Arc<Sources>>,
}

#[derive(Default)]
struct Log {
    inputs: Vec<(Option<String>, Incoming)>,
    refused: Vec<inbox::RefusedBody>,
    unready: Vec<String>,
}

/// How the writer answers.
#[derive(Clone, Copy)]
enum Writer {
    Commits,
    Fails(NotWritten),
    Takes(Duration),
}

struct Told(Arc<Mutex<Log>>);
impl Health for Told {
    fn stuck(&self) -> Vec<String> {
        Vec::new()
    }
    fn unready(&self) -> Vec<String> {
        self.0.lock().expect("no test panicked holding it").unready.clone()
    }
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

async fn write(mut queue: Queue, log: Arc<Mutex<Log>>, writer: Writer) {
    while let Some(item) = queue.recv().await {
        match item {
            Item::Refused(body) => log.lock().expect("a log").refused.push(body),
            Item::Strange(frame) => panic!("no frame of Slack's comes by HTTP: {frame:?}"),
            Item::Input(Delivery { key, input: Input::Alert(incoming), .. }, reply) => {
                let id = incoming.id.clone();
                log.lock().expect("a log").inputs.push((key.map(|key| key.to_string()), *incoming));
                if let Writer::Takes(time) = writer {
                    tokio::time::sleep(time).await;
                }
                let _ = reply.send(match writer {
                    Writer::Fails(why) => Err(why),
                    Writer::Commits | Writer::Takes(_) => {
                        Ok(Answer::Alert { id, outcome: Reception::Created })
                    }
                });
            }
            Item::Input(..) | Item::Try(..) | Item::Named(_) | Item::Ping(_) => {
                unreachable!("intake hears alerts only")
            }
        }
    }
}

impl World {
    async fn new(writer: Writer) -> Self {
        Self::with_limit(writer, LIMIT).await
    }

    async fn with_limit(writer: Writer, limit: usize) -> Self {
        let secrets = || vec![SecretString::from("old"), SecretString::from("new")];
        let folder = tempfile::tempdir().expect("a folder");
        let sns = "product: SNS\ntext_plain: true\nalert: {title: body.title}\n";
        std::fs::write(folder.path().join("sns.yaml"), sns).expect("written");
        let mappings = Mappings::load(folder.path()).expect("good files");
        let source = |name: &str, mapping: &str, auth| Source {
            name: name.into(),
            auth,
            mapping: mappings.get(mapping).expect("shipped").clone(),
        };
        let sources = [
            source("edr", "generic", Auth::Bearer(secrets())),
            source("splunk", "generic", Auth::Token(secrets())),
            source("open", "generic", Auth::None),
            source("prom", "alertmanager", Auth::None),
            source("sns", "sns", Auth::None),
        ];
        let (sender, sources) = watch::channel(Arc::new(sources.into_iter().collect::<Sources>()));
        let (inbox, queue) = inbox::open();
        let log = Arc::<Mutex<Log>>::default();
        tokio::spawn(write(queue, Arc::clone(&log), writer));
        let bounds = Bounds { bytes: limit, time: Duration::from_millis(400) };
        let http = Http {
            hooks: Hooks::new(sources, inbox, Clock::real(), bounds),
            health: Arc::new(Told(Arc::clone(&log))),
            metrics: Arc::new(|| "vigie_up 1\n".to_owned()),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(serve(listener, http, None, async {
            let _ = stopped.await;
        }));
        Self { address, log, stop: Some(stop), served, _sources: sender }
    }

    async fn send(&self, head: &str, body: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).await.expect("listening");
        let head = format!(
            "{head}\r\nHost: vigie\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        // Who is refused early may close before all is sent: what counts is the answer.
        let _ = stream.write_all(body).await;
        Reply::read(&mut stream).await
    }

    async fn post(&self, path: &str, body: &Json) -> Reply {
        self.send(&format!("POST {path} HTTP/1.1"), body.to_string().as_bytes()).await
    }

    fn inputs(&self) -> Vec<(Option<String>, Incoming)> {
        self.log.lock().expect("a log").inputs.clone()
    }
}

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        tokio::time::timeout(Duration::from_secs(120), stream.read_to_end(&mut bytes))
            .await
            .expect("an answer")
            .expect("an answer, not a reset");
        let text = String::from_utf8(bytes).expect("UTF-8");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

#[tokio::test]
async fn alerts_are_answered_in_order_after_the_commit() {
    let world = World::new(Writer::Commits).await;
    let reply = world
        .post("/hooks/open", &json!([{"title": "a"}, {"title": "b", "status": "resolved"}]))
        .await;
    assert_eq!(reply.status, 202);
    let inputs = world.inputs();
    let expected: Vec<_> = inputs
        .iter()
        .map(|(_, incoming)| json!({"id": incoming.id, "outcome": "created"}))
        .collect();
    assert_eq!(reply.json(), json!({"alerts": expected}));
    assert_eq!(inputs.iter().map(|(_, i)| i.alert.title.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    for (key, incoming) in &inputs {
        assert_eq!(*key, None, "a delivery without a name has no key");
        assert_eq!(AlertId::parse(incoming.id.as_str()).as_ref(), Some(&incoming.id));
        assert_eq!((incoming.source.as_str(), incoming.test), ("open", false));
    }
    assert_eq!(inputs[0].1.raw, r#"{"title":"a"}"#);

    let empty = world.post("/hooks/prom", &json!({"alerts": []})).await;
    assert_eq!((empty.status, empty.json()), (202, json!({"alerts": []})));
}

#[tokio::test]
async fn a_delivery_that_names_itself_has_the_same_key_again() {
    let world = World::new(Writer::Commits).await;
    let long = "x".repeat(500);
    for name in ["d-1", "d-1", &long] {
        let head =
            format!("POST /hooks/open HTTP/1.1\r\nIdempotency-Key: {name}\r\nX-Vigie-Test: 1");
        assert_eq!(world.send(&head, br#"[{"title":"a"},{"title":"b"}]"#).await.status, 202);
    }
    assert_eq!(world.post("/hooks/open", &json!({"title": "a"})).await.status, 202);
    let inputs = world.inputs();
    let keys: Vec<_> = inputs.iter().map(|(key, _)| key.as_deref().unwrap_or("none")).collect();
    // printf d-1 | sha256sum | cut -c -32
    let hash = "0741a320e613baac937e2644e8e96a28";
    // A test is not the real delivery of that name.
    let [first, second] = [0, 1].map(|index| format!("hooktest:open:{hash}:{index}"));
    assert_eq!(keys[..4], [&first, &second, &first, &second]);
    assert_eq!(keys[4].len(), first.len(), "{}", keys[4]);
    assert!(inputs[0].1.test && !inputs[6].1.test);
}

#[tokio::test]
async fn a_storm_in_one_body_is_stored_to_the_last_alert() {
    let world = World::with_limit(Writer::Commits, Bounds::default().bytes).await;
    for count in [1001, inbox::QUEUE, inbox::QUEUE + 1000] {
        let before = world.inputs().len();
        let alerts: Vec<_> = (0..count)
            .map(
                |n| json!({"labels": {"alertname": format!("a{n}")}, "fingerprint": n.to_string()}),
            )
            .collect();
        let reply = world.post("/hooks/prom", &json!({"alerts": alerts})).await;
        assert_eq!(reply.status, 202, "{count}");
        let ids = reply.json();
        let inputs = world.inputs().split_off(before);
        assert_eq!(inputs.len(), count);
        assert_eq!(ids["alerts"].as_array().map(Vec::len), Some(count));
        for (index, (_, incoming)) in inputs.iter().enumerate() {
            assert_eq!(incoming.alert.title, format!("a{index}"));
            assert_eq!(ids["alerts"][index]["id"], json!(incoming.id));
        }
    }
}

#[tokio::test]
async fn only_who_knows_the_secret_is_heard() {
    let world = World::new(Writer::Commits).await;
    for (request, expected) in [
        ("POST /hooks/edr HTTP/1.1\r\nAuthorization: Bearer old", 202),
        ("POST /hooks/edr HTTP/1.1\r\nauthorization: bearer new", 202),
        ("POST /hooks/edr HTTP/1.1\r\nAuthorization: Bearer nope", 401),
        ("POST /hooks/edr?token=old HTTP/1.1", 401),
        ("POST /hooks/edr/old HTTP/1.1", 401),
        ("POST /hooks/edr HTTP/1.1", 401),
        ("POST /hooks/splunk?a=b&token=new HTTP/1.1", 202),
        ("POST /hooks/splunk/old HTTP/1.1", 202),
        ("POST /hooks/splunk?token=nope HTTP/1.1", 401),
        ("POST /hooks/splunk/nope HTTP/1.1", 401),
        ("POST /hooks/splunk HTTP/1.1\r\nAuthorization: Bearer old", 401),
        ("POST /hooks/open HTTP/1.1", 202),
        ("POST /hooks/edrr HTTP/1.1\r\nAuthorization: Bearer old", 404),
        ("POST /hooks/%ff HTTP/1.1", 404),
        ("POST /hooks/ HTTP/1.1", 404),
        ("POST / HTTP/1.1", 404),
        ("GET /hooks/edr HTTP/1.1", 405),
        ("PUT /hooks/nobody HTTP/1.1", 405),
        ("POST /healthz HTTP/1.1", 405),
    ] {
        let reply = world.send(request, br#"{"title": "t"}"#).await;
        assert_eq!(reply.status, expected, "{request}: {reply:?}");
        if expected >= 400 {
            let said = reply.json();
            assert!(said["error"].is_string() && said["hint"].is_string(), "{said}");
        }
        assert_eq!(reply.head.contains("www-authenticate"), expected == 401, "{reply:?}");
        assert_eq!(reply.head.contains("\r\nallow:"), expected == 405, "{reply:?}");
    }
    assert_eq!(world.inputs().len(), 5);
}

#[tokio::test]
async fn a_stranger_is_refused_before_the_body_is_read() {
    let world = World::new(Writer::Commits).await;
    let mut stream = TcpStream::connect(world.address).await.expect("listening");
    let head = b"POST /hooks/edr HTTP/1.1\r\nHost: v\r\nContent-Length: 4000\r\n\r\n{";
    stream.write_all(head).await.expect("sent");
    let mut start = [0; 12];
    tokio::time::timeout(Duration::from_millis(300), stream.read_exact(&mut start))
        .await
        .expect("answered while the body is still on its way")
        .expect("an answer");
    assert_eq!(&start, b"HTTP/1.1 401");
    // A sender that goes on regardless, and sends more than our bound, gets its answer and no reset.
    let reply = world.send("POST /hooks/edr HTTP/1.1", &vec![b'x'; 3 * 1024 * 1024]).await;
    assert_eq!(reply.status, 401);
    // Who asks before sending is answered, and not told to go on.
    let mut stream = TcpStream::connect(world.address).await.expect("listening");
    let head = b"POST /hooks/edr HTTP/1.1\r\nHost: v\r\nExpect: 100-continue\r\nContent-Length: 99\r\n\r\n";
    stream.write_all(head).await.expect("sent");
    assert_eq!(Reply::read(&mut stream).await.status, 401);
}

#[tokio::test]
async fn what_is_not_an_alert_is_told_by_field_and_kept() {
    let world = World::new(Writer::Commits).await;
    let reply = world
        .post("/hooks/open", &json!([{"title": "a"}, {"title": "b", "severity": "urgent"}]))
        .await;
    assert_eq!(reply.status, 422);
    let said = reply.json();
    assert_eq!(said["field"], "[1].severity");
    assert_eq!(said["why"], "\"urgent\" is not one of critical, high, medium, low, info");
    assert!(said["error"].is_string());
    assert_eq!(world.send("POST /hooks/prom HTTP/1.1", b"").await.json()["field"], "body");
    let log = world.log.lock().expect("a log");
    assert_eq!(log.inputs.len(), 0, "nothing is half taken");
    assert_eq!(log.refused.len(), 2);
    assert!(log.refused[0].why.starts_with("[1].severity: "));
    assert!(log.refused[0].body.starts_with(b"[{\"title\""));
}

#[tokio::test]
async fn bodies_are_json_by_any_of_its_names_and_may_be_compressed() {
    let world = World::new(Writer::Commits).await;
    let plain = br#"{"title": "t"}"#.to_vec();
    for (headers, body, expected) in [
        ("Content-Type: application/json; charset=utf-8", plain.clone(), 202),
        ("Content-Type: application/cloudevents+json", plain.clone(), 202),
        ("Content-Type: text/json", plain.clone(), 202),
        ("Content-Type: text/plain", plain.clone(), 415),
        ("X: y", plain.clone(), 202),
        ("Content-Type: application/x-www-form-urlencoded", plain.clone(), 415),
        ("Content-Type: multipart/form-data; boundary=x", plain.clone(), 415),
        ("Content-Encoding: gzip", gzip(&plain), 202),
        ("Content-Encoding: deflate", zlib(&plain), 202),
        ("Content-Encoding: identity", plain.clone(), 202),
        ("Content-Encoding: br", plain.clone(), 415),
        ("Content-Encoding: gzip", plain.clone(), 422),
        ("Content-Encoding: gzip", gzip(&plain)[..20].to_vec(), 422),
        ("Content-Encoding: deflate", zlib(&plain)[..8].to_vec(), 422),
        ("Content-Encoding: gzip", gzip(&vec![b' '; LIMIT + 1]), 413),
        ("Content-Encoding: deflate", zlib(&vec![0; 64 * 1024 * 1024]), 413),
        ("Content-Encoding: gzip", [gzip(&vec![b' '; LIMIT]), gzip(b"{}")].concat(), 413),
        ("X: y", vec![b' '; LIMIT], 422),
        ("X: y", vec![b' '; LIMIT + 1], 413),
        ("X: y", vec![b'['; LIMIT], 422),
    ] {
        let reply = world.send(&format!("POST /hooks/open HTTP/1.1\r\n{headers}"), &body).await;
        assert_eq!(reply.status, expected, "{headers}: {reply:?}");
        let field = reply.json().get("field").cloned();
        assert_eq!(field, (expected == 422).then(|| json!("body")), "{headers}: {reply:?}");
    }
    for (path, expected) in [("/hooks/sns", 202), ("/hooks/prom", 415)] {
        let head = format!("POST {path} HTTP/1.1\r\nContent-Type: text/plain; charset=UTF-8");
        assert_eq!(world.send(&head, &plain).await.status, expected, "{path}");
    }
}

#[tokio::test]
async fn an_endless_body_is_cut_off() {
    let world = World::new(Writer::Commits).await;
    // Empty gzip members and empty deflate blocks decompress to nothing, for ever.
    for (headers, chunk) in
        [("X: y", b" ".repeat(1000)), ("Content-Encoding: gzip", gzip(b"").repeat(50))]
    {
        let mut stream = TcpStream::connect(world.address).await.expect("listening");
        let head = format!(
            "POST /hooks/open HTTP/1.1\r\nHost: v\r\nConnection: close\r\n{headers}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.expect("sent");
        let (mut read, mut write) = stream.split();
        let endless = async {
            let mut chunked = format!("{:x}\r\n", chunk.len()).into_bytes();
            chunked.extend(&chunk);
            chunked.extend(b"\r\n");
            while write.write_all(&chunked).await.is_ok() {}
        };
        let mut start = [0; 12];
        tokio::select! {
            () = endless => {}
            found = tokio::time::timeout(Duration::from_secs(5), read.read_exact(&mut start)) => {
                found.expect("in time").expect("an answer");
            }
        }
        assert_eq!(&start, b"HTTP/1.1 413", "{headers}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let world = World::new(Writer::Commits).await;
    let mut stream = TcpStream::connect(world.address).await.expect("listening");
    let head = b"POST /hooks/open HTTP/1.1\r\nHost: v\r\nConnection: close\r\nContent-Length: 100\r\n\r\n{\"title\"";
    stream.write_all(head).await.expect("sent");
    assert_eq!(Reply::read(&mut stream).await.status, 408);
}

#[tokio::test]
async fn what_is_not_on_disk_is_never_accepted() {
    for (why, seconds) in [
        (NotWritten::Behind { retry_after: Duration::from_secs(2) }, "2"),
        (NotWritten::Store, "30"),
        (NotWritten::Stopping, "5"),
    ] {
        let world = World::new(Writer::Fails(why)).await;
        let reply = world.post("/hooks/open", &json!({"title": "t"})).await;
        assert_eq!(reply.status, 503);
        assert!(reply.head.contains(&format!("\r\nretry-after: {seconds}")), "{reply:?}");
        assert_eq!(reply.json()["error"], why.to_string());
    }
}

#[tokio::test]
async fn what_is_in_work_is_answered_before_the_listener_ends() {
    let mut world = World::new(Writer::Takes(Duration::from_millis(200))).await;
    let mut stream = TcpStream::connect(world.address).await.expect("listening");
    let request =
        b"POST /hooks/open HTTP/1.1\r\nHost: v\r\nContent-Length: 13\r\n\r\n{\"title\":\"t\"}";
    stream.write_all(request).await.expect("sent");
    let _idle = TcpStream::connect(world.address).await.expect("listening");
    while world.inputs().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    world.stop.take().expect("not stopped yet").send(()).expect("served");
    assert_eq!(Reply::read(&mut stream).await.status, 202);
    tokio::time::timeout(Duration::from_secs(5), &mut world.served)
        .await
        .expect("ends")
        .expect("well");
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test]
async fn the_process_says_how_it_is() {
    let world = World::new(Writer::Commits).await;
    assert_eq!(world.send("GET /healthz HTTP/1.1", b"").await.status, 200);
    assert_eq!(world.send("GET /readyz HTTP/1.1", b"").await.status, 200);
    let metrics = world.send("GET /metrics HTTP/1.1", b"").await;
    assert_eq!((metrics.status, metrics.body.as_str()), (200, "vigie_up 1\n"));
    world.log.lock().expect("a log").unready.push("Slack is not connected".to_owned());
    let ready = world.send("GET /readyz HTTP/1.1", b"").await;
    assert_eq!(ready.status, 503);
    assert_eq!(ready.json()["reasons"], json!(["Slack is not connected"]));
    assert_eq!(world.send("GET /healthz HTTP/1.1", b"").await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn who_sends_a_head_byte_by_byte_or_none_is_cut_off() {
    let world = World::new(Writer::Commits).await;
    for start in [&b""[..], b"POST /hooks/open HTTP/1.1\r\nHost: v\r\nX-Slow: "] {
        let mut stream = TcpStream::connect(world.address).await.expect("listening");
        stream.write_all(start).await.expect("sent");
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut rest));
        ended.await.expect("closed within a minute").expect("closed well");
        assert!(!String::from_utf8_lossy(&rest).contains(" 202 "));
    }
    let long = format!("POST /hooks/open HTTP/1.1\r\nX-Long: {}", "x".repeat(200_000));
    assert_eq!(world.send(&long, b"").await.status, 431);
}

#[tokio::test(start_paused = true)]
async fn who_asks_and_never_reads_is_cut_off() {
    let world = World::new(Writer::Commits).await;
    let mut stream = TcpStream::connect(world.address).await.expect("listening");
    let requests = b"GET /metrics HTTP/1.1\r\nHost: v\r\n\r\n".repeat(1000);
    let asking = async { while stream.write_all(&requests).await.is_ok() {} };
    let ended = tokio::time::timeout(Duration::from_secs(60), asking).await;
    ended.expect("its place is free again within a minute");
}

#[tokio::test]
async fn every_webhook_is_counted_and_no_stranger_names_a_label() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let _guard = metrics::set_default_local_recorder(&recorder);
    let world = World::new(Writer::Commits).await;
    for path in ["/hooks/open", "/hooks/open", "/hooks/edr", "/hooks/%3Cscript%3E"] {
        world.post(path, &json!({"title": "t"})).await;
    }
    let text = handle.render();
    for line in [
        r#"vigie_hooks_total{source="open",outcome="taken"} 2"#,
        r#"vigie_hooks_total{source="edr",outcome="not_authenticated"} 1"#,
        r#"vigie_hooks_total{source="unknown",outcome="unknown_source"} 1"#,
    ] {
        assert!(text.contains(line), "{text}");
    }
}
