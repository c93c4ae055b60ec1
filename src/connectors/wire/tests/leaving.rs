//! Whether a request left: what did not is told so, and what may have is never told as not sent.

use super::super::exchange::exchange;
use super::*;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::ReadBuf;

#[tokio::test]
async fn a_request_and_its_answer_over_tls() {
    let (acceptor, trust) = certificate(&["api.example.com"]);
    let place =
        Place::with("127.0.0.1:0", Some(acceptor), |_| json(&serde_json::json!({"n": 1}))).await;
    let wire = transport_with(Arc::new(names(&[("api.example.com", "127.0.0.1")])), trust);
    let connection = Connection::new(Terms { internal: patterns(&["api.example.com"]), ..terms() });
    let mut request =
        post(format!("https://api.example.com:{}/v1/x?y=%20z", place.port), "{\"a\":1}");
    request.headers.push(("Content-Type".into(), Text::plain("application/json")));
    let answer = wire.send(&connection, &request, soon()).await.expect("an answer");
    assert_eq!((answer.status, answer.content), (200, Content::Json(serde_json::json!({"n": 1}))));
    let heard = place.heard().concat();
    let host = format!("host: api.example.com:{}\r\n", place.port);
    for part in [
        "POST /v1/x?y=%20z HTTP/1.1\r\n",
        &host,
        "accept-encoding: identity\r\n",
        "user-agent: vigie/",
        "{\"a\":1}",
    ] {
        assert!(heard.contains(part), "{part} in {heard}");
    }
}

#[tokio::test]
async fn what_fails_before_a_byte_of_it_left_was_not_sent() {
    let (acceptor, _) = certificate(&["api.example.com"]);
    let (other, trust) = certificate(&["another.example.com"]);
    let unknown_issuer = Place::with("127.0.0.1:0", Some(acceptor), |_| answer(200, "", "")).await;
    let wrong_name = Place::with("127.0.0.1:0", Some(other), |_| answer(200, "", "")).await;
    let no_tls = greeter("SSH-2.0-OpenSSH_9.7\r\n").await;
    let closed =
        TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("it").port();
    let resolver = names(&[("api.example.com", "127.0.0.1")]);
    let wire = transport_with(Arc::new(resolver), trust);
    let hosts = patterns(&["api.example.com", "gone.example.com", "127.0.0.1"]);
    let connection = Connection::new(Terms { internal: hosts, ..terms() });
    for (url, words) in [
        (format!("https://api.example.com:{}/", unknown_issuer.port), "TLS with api.example.com"),
        (format!("https://api.example.com:{}/", wrong_name.port), "TLS with api.example.com"),
        (format!("https://api.example.com:{}/", no_tls), "TLS with api.example.com"),
        (format!("http://127.0.0.1:{closed}/"), "no connection to 127.0.0.1"),
        ("http://gone.example.com/".to_owned(), "gone.example.com is not found"),
    ] {
        let fault = wire.send(&connection, &post(&url, "x"), soon()).await.expect_err(&url);
        assert!(matches!(fault, NotAnswered::NotSent { .. }), "{url}: {fault}");
        assert!(fault.to_string().contains(words), "{url}: {fault}");
    }
    for place in [unknown_issuer, wrong_name] {
        assert_eq!(place.connections(), 1, "each was tried");
        assert!(place.heard().is_empty(), "and heard no request");
    }
}

#[tokio::test]
async fn what_ends_after_bytes_left_is_in_doubt() {
    let silent = Place::open(|_| Reply::Begin(Vec::new())).await;
    let gone = Place::open(|_| Reply::Bytes(Vec::new())).await;
    let half = Place::open(|_| Reply::Bytes(b"HTTP/1.1 20".to_vec())).await;
    let odd = Place::open(|_| Reply::Bytes(b"SSH-2.0-OpenSSH_9.7\r\n".to_vec())).await;
    let connection = Connection::new(terms());
    for place in [&gone, &half, &odd] {
        let fault = plain().send(&connection, &post(place.url("/"), "x"), soon()).await;
        let fault = fault.expect_err("no answer");
        assert!(matches!(fault, NotAnswered::Broken { .. }), "{fault}");
        assert_eq!(place.heard().len(), 1, "it had left");
    }
    let deadline = Instant::now() + Duration::from_millis(300);
    let fault = plain().send(&connection, &post(silent.url("/"), "x"), deadline).await;
    assert_eq!(fault, Err(NotAnswered::TimedOut));
    assert_eq!(silent.heard().len(), 1, "it had left");
}

/// A tool that takes the connection and closes it again: hyper learns of it before it writes, or after.
#[tokio::test]
async fn a_connection_that_is_closed_at_once_is_told_by_whether_a_byte_left() {
    let port = greeter("").await;
    let connection = Connection::new(terms());
    for _ in 0..50 {
        let request = post(format!("http://127.0.0.1:{port}/"), "x");
        let fault = plain().send(&connection, &request, soon()).await.expect_err("no answer");
        let known = matches!(fault, NotAnswered::NotSent { .. } | NotAnswered::Broken { .. });
        assert!(known, "{fault}");
    }
}

/// Takes so many bytes, and breaks.
struct Taking(usize);

impl AsyncRead for Taking {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

impl AsyncWrite for Taking {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = buf.len().min(self.0);
        self.0 -= taken;
        Poll::Ready(if taken == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(taken) })
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test]
async fn one_byte_is_the_difference() {
    for (taken, in_doubt) in [(0, false), (1, true), (20, true)] {
        let request = hyper::Request::new(http_body_util::Full::from("x"));
        let fault = exchange(Box::new(Taking(taken)), request, soon()).await;
        let fault = fault.err().expect("it breaks");
        assert_eq!(fault.may_have_left(), in_doubt, "{taken}: {fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_does_not_come_about_in_time_was_not_sent() {
    struct Slow;
    impl Resolver for Slow {
        fn addresses<'a>(&'a self, _: &'a str) -> Found<'a> {
            Box::pin(std::future::pending())
        }
    }
    let connection = Connection::new(Terms { hosts: patterns(&["api.example.com"]), ..terms() });
    let began = Instant::now();
    let wire = transport(Arc::new(Slow));
    let request = post("https://api.example.com/", "x");
    let fault = wire.send(&connection, &request, began + 60 * SECOND).await.expect_err("nothing");
    assert!(matches!(fault, NotAnswered::NotSent { .. }), "{fault}");
    assert_eq!(began.elapsed().as_secs(), 10, "a connection has ten seconds, not all of it");
}

/// The status says what has happened, also where the rest cannot be read.
#[tokio::test]
async fn an_answer_whose_body_cannot_be_read_is_an_answer() {
    let large = "x".repeat(5 * 1024 * 1024 + 1);
    let whole = "y".repeat(5 * 1024 * 1024);
    let broken = b"HTTP/1.1 201 Made\r\ncontent-length: 10\r\n\r\nabc".to_vec();
    let hanging = broken.clone();
    let bomb = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc";
    let connection = Connection::new(terms());
    for (place, status, expected) in [
        (
            Place::open(move |_| answer(200, "", &large)).await,
            200,
            Content::Unread(Unread::TooLarge),
        ),
        (
            Place::open(move |_| Reply::Bytes(broken.clone())).await,
            201,
            Content::Unread(Unread::Broken),
        ),
        (
            Place::open(move |_| Reply::Begin(hanging.clone())).await,
            201,
            Content::Unread(Unread::TimedOut),
        ),
        (
            Place::open(move |_| Reply::Bytes(bomb.into())).await,
            200,
            Content::Unread(Unread::Encoded),
        ),
        (
            Place::open(move |_| answer(200, "", &whole)).await,
            200,
            Content::Text("y".repeat(5 * 1024 * 1024)),
        ),
        (Place::open(|_| answer(204, "", "")).await, 204, Content::Empty),
        (
            Place::open(|_| answer(200, "", " [1]")).await,
            200,
            Content::Json(serde_json::json!([1])),
        ),
        (
            Place::open(|_| answer(200, "content-type: text/html\r\n", "<p>")).await,
            200,
            Content::Text("<p>".into()),
        ),
        (
            Place::open(|_| answer(200, "content-type: application/problem+json\r\n", "7")).await,
            200,
            Content::Json(serde_json::json!(7)),
        ),
    ] {
        let deadline = Instant::now() + SECOND;
        let answer =
            plain().send(&connection, &get(place.url("/")), deadline).await.expect("a status");
        assert_eq!(answer.status, status);
        assert!(answer.content == expected, "not the expected content: {status}");
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let secret = Place::open(|_| answer(200, "", "the keys")).await;
    for status in [301, 302, 303, 307, 308, 300, 305, 201] {
        let to = format!(
            "location: http://127.0.0.1:{}/\r\nrefresh: 0;url=http://127.0.0.1:{}/\r\n",
            secret.port, secret.port
        );
        let place = Place::open(move |_| answer(status, &to, "")).await;
        let connection = Connection::new(terms());
        let answer =
            plain().send(&connection, &get(place.url("/")), soon()).await.expect("an answer");
        assert_eq!(answer.status, status);
        assert!(answer.headers["location"].ends_with('/'), "who asks is told where to");
    }
    assert_eq!(secret.connections(), 0);
}

#[tokio::test]
async fn a_file_cannot_write_what_is_the_wires_or_break_a_line() {
    let place = Place::open(|_| answer(200, "", "")).await;
    let connection = Connection::new(terms());
    for (name, value) in [
        ("Host", "evil.example.com"),
        ("Content-Length", "0"),
        ("transfer-encoding", "chunked"),
        ("X-Odd", "a\r\nX-More: b"),
        ("X Odd", "a"),
        ("", "a"),
    ] {
        let mut request = post(place.url("/"), "x");
        request.headers.push((name.to_owned(), Text::plain(value)));
        let fault = plain().send(&connection, &request, soon()).await.expect_err(name);
        assert!(matches!(fault, NotAnswered::NotSent { .. }), "{name}: {fault}");
    }
    assert_eq!(place.connections(), 0);
}
