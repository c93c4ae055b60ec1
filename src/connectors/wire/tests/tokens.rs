//! Tokens: fetched once for many, kept until shortly before their end, renewed once when they are refused, and known as secrets.

use super::*;
use crate::domain::playbook::expr::Expr;
use serde_json::json as value;

const SECRET: &str = "hunter2-client+secret";

/// A tool with its token service: `/token` gives `tok-secret-N`, and `/api` takes the newest of them alone.
struct Tool {
    place: Place,
    given: Arc<AtomicUsize>,
    /// From now on the tool refuses every token.
    refuses: Arc<AtomicUsize>,
}

impl Tool {
    async fn open() -> Self {
        let (given, refuses) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (count, no) = (given.clone(), refuses.clone());
        let place = Place::open(move |request| {
            if request.starts_with("POST /login ") {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                return json(&value!({"data": {"jwt": format!("tok-secret-{number}")}}));
            }
            if request.starts_with("POST /token ") {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let token = format!("tok-secret-{number}");
                return json(
                    &value!({"access_token": token, "token_type": "Bearer", "refresh_token": "renewal-1", "expires_in": 600}),
                );
            }
            let newest =
                format!("authorization: Bearer tok-secret-{}\r\n", count.load(Ordering::SeqCst));
            match request.contains(&newest) && no.load(Ordering::SeqCst) == 0 {
                true => answer(
                    200,
                    "x-echo: tok-secret-1\r\nx-renewal: renewal-1\r\n",
                    &value!({"echo": request}).to_string(),
                ),
                false => answer(401, "", "{}"),
            }
        });
        Self { place: place.await, given, refuses }
    }

    fn oauth2(&self, client_auth: ClientAuth) -> Terms {
        let auth = Auth::OAuth2(Box::new(OAuth2 {
            token_url: Text::plain(self.place.url("/token")),
            client_id: Text::plain("id 1"),
            client_secret: Text::secret("client_secret"),
            scope: Some("hosts:read hosts:write".to_owned()),
            audience: Some("https://api".to_owned()),
            client_auth,
        }));
        Terms { auth, secrets: [("client_secret".to_owned(), SECRET.into())].into(), ..terms() }
    }

    fn given(&self) -> usize {
        self.given.load(Ordering::SeqCst)
    }
}

async fn status(wire: &Transport, connection: &Connection, tool: &Tool) -> u16 {
    let answer = wire.send(connection, &get(tool.place.url("/api")), soon()).await;
    answer.expect("an answer").status
}

#[tokio::test]
async fn a_client_shows_its_secret_where_the_service_wants_it() {
    let form = "grant_type=client_credentials";
    let more = "scope=hosts%3Aread%20hosts%3Awrite&audience=https%3A%2F%2Fapi";
    for (client_auth, header, body) in [
        (
            ClientAuth::Body,
            false,
            format!("{form}&client_id=id%201&client_secret=hunter2-client%2Bsecret&{more}"),
        ),
        (ClientAuth::Basic, true, format!("{form}&{more}")),
    ] {
        let tool = Tool::open().await;
        assert_eq!(status(&plain(), &Connection::new(tool.oauth2(client_auth)), &tool).await, 200);
        let asked = &tool.place.heard()[0];
        assert!(asked.ends_with(&format!("\r\n\r\n{body}")), "{asked}");
        // base64 of `id%201:hunter2-client%2Bsecret`
        let basic = "authorization: Basic aWQlMjAxOmh1bnRlcjItY2xpZW50JTJCc2VjcmV0\r\n";
        assert_eq!(asked.contains(basic), header, "{asked}");
        assert!(asked.contains("content-type: application/x-www-form-urlencoded\r\n"), "{asked}");
    }
}

#[tokio::test]
async fn many_callers_fetch_one_token() {
    let (tool, wire) = (Tool::open().await, plain());
    let connection = Connection::new(tool.oauth2(ClientAuth::Body));
    let calls = (0..50).map(|_| status(&wire, &connection, &tool));
    assert!(futures_util::future::join_all(calls).await.iter().all(|status| *status == 200));
    assert_eq!(tool.given(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_until_shortly_before_its_end() {
    let (tool, wire) = (Tool::open().await, plain());
    let connection = Connection::new(tool.oauth2(ClientAuth::Body));
    for (pause, given) in [(0, 1), (530, 1), (11, 2), (530, 2), (11, 3)] {
        tokio::time::sleep(pause * SECOND).await;
        assert_eq!(status(&wire, &connection, &tool).await, 200);
        assert_eq!(tool.given(), given, "after {pause} s more");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_fetched_anew_once() {
    let (tool, wire) = (Tool::open().await, plain());
    let connection = Connection::new(tool.oauth2(ClientAuth::Body));
    assert_eq!(status(&wire, &connection, &tool).await, 200);
    // The tool has forgotten it: the newest is another.
    tool.given.fetch_add(1, Ordering::SeqCst);
    let calls = (0..20).map(|_| status(&wire, &connection, &tool));
    assert!(futures_util::future::join_all(calls).await.iter().all(|status| *status == 200));
    assert_eq!(tool.given(), 3, "all twenty were refused, and one fetched another");
    tool.refuses.store(1, Ordering::SeqCst);
    let before = tool.place.heard().len();
    assert_eq!(status(&wire, &connection, &tool).await, 401);
    assert_eq!(tool.place.heard().len() - before, 3, "refused, a token, refused");
    assert_eq!(status(&wire, &connection, &tool).await, 401);
}

#[tokio::test]
async fn a_login_gives_the_token_that_its_expression_names() {
    let (tool, wire) = (Tool::open().await, plain());
    let login = Login {
        request: post(tool.place.url("/login"), ""),
        auth: Auth::Basic { user: Text::plain("wui"), password: Text::secret("password") },
        token: Expr::compile("body.data.jwt").expect("compiles"),
        lasts: 900 * SECOND,
        header: "Authorization".to_owned(),
        prefix: "Bearer ".to_owned(),
    };
    let with = |login| Terms {
        auth: Auth::Login(Box::new(login)),
        secrets: [("password".to_owned(), SECRET.into())].into(),
        ..terms()
    };
    let connection = Connection::new(with(login.clone()));
    assert_eq!(status(&wire, &connection, &tool).await, 200);
    assert_eq!(status(&wire, &connection, &tool).await, 200);
    let answer =
        wire.send(&connection, &get(tool.place.url("/api")), soon()).await.expect("an answer");
    let text = format!("{answer:?}");
    assert!(text.contains("Bearer [redacted]") && !text.contains("tok-secret-1"), "{text}");
    assert_eq!(tool.given(), 1);
    assert!(
        tool.place.heard()[0]
            .contains("authorization: Basic d3VpOmh1bnRlcjItY2xpZW50K3NlY3JldA==\r\n")
    );
    let elsewhere = Login { token: Expr::compile("body.jwt").expect("compiles"), ..login };
    let fault =
        wire.send(&Connection::new(with(elsewhere)), &get(tool.place.url("/api")), soon()).await;
    let fault = fault.expect_err("no token");
    assert_eq!(fault.to_string(), "it was not sent: the login's answer has no token at `body.jwt`");
}

#[tokio::test]
async fn a_token_is_a_secret_from_the_moment_it_is_given() {
    let (tool, wire) = (Tool::open().await, plain());
    let connection = Connection::new(tool.oauth2(ClientAuth::Body));
    let answer =
        wire.send(&connection, &get(tool.place.url("/api")), soon()).await.expect("an answer");
    assert_eq!(answer.headers["x-echo"], MARK);
    assert_eq!(answer.headers["x-renewal"], MARK);
    let text = format!("{answer:?}");
    assert!(text.contains("Bearer [redacted]") && !text.contains("tok-secret-1"), "{text}");
    assert!(!format!("{connection:?}").contains(SECRET));
}

/// Where there is no token, the request itself has not left: nothing is in doubt.
#[tokio::test]
async fn a_token_service_that_fails_leaves_nothing_in_doubt() {
    let secret = format!("client {SECRET} is unknown");
    let refusal = value!({"error": "invalid_client", "error_description": secret}).to_string();
    let refuses = Place::open(move |_| answer(401, "", &refusal)).await;
    let limits = Place::open(|_| answer(429, "retry-after: 7\r\n", "")).await;
    let broken = Place::open(|_| answer(500, "", "")).await;
    let gone = Place::open(|_| Reply::Bytes(Vec::new())).await;
    let odd = Place::open(|_| answer(200, "", "<html>sign in</html>")).await;
    let tool = Tool::open().await;
    for (place, expected) in [
        (
            &refuses,
            "it was not sent: the tool does not take our credentials (401: invalid_client: client [redacted] is unknown): look at them in the config",
        ),
        (&limits, "it was not sent: the tool may be asked again in 7 s"),
        (&broken, "it was not sent: no token was given: the service answered 500"),
        (
            &gone,
            "it was not sent: no token was given: it was sent, and the connection broke before the answer: connection closed before message completed",
        ),
        (&odd, "it was not sent: the token service's answer has no `access_token`"),
    ] {
        let mut terms = tool.oauth2(ClientAuth::Body);
        if let Auth::OAuth2(oauth2) = &mut terms.auth {
            oauth2.token_url = Text::plain(place.url("/token"));
        }
        let fault =
            plain().send(&Connection::new(terms), &get(tool.place.url("/api")), soon()).await;
        let fault = fault.expect_err(expected);
        assert_eq!(fault.to_string(), expected);
        assert!(!fault.may_have_left());
    }
    assert_eq!(tool.place.connections(), 0, "the tool itself has heard nothing");
}
