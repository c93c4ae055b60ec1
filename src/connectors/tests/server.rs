//! A tool on this machine that answers as a test says, and remembers what it was asked.

use crate::clock::Clock;
use crate::connectors::wire::{HostPattern, Outside, Redactor, Transport};
use crate::connectors::{Client, Given, connect, spec};
use crate::domain::tool::call::Called;
use crate::domain::tool::call_tests::permit;
use crate::domain::tool::{Tool, Values};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::Response;
use serde_json::{Value as Json, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

/// One request, as it came.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// `GET /v1/hosts?ids=a`.
    pub line: String,
    pub host: String,
    pub authorization: Option<String>,
    pub key: Option<String>,
    pub body: String,
}

/// An answer: status, headers, body.
pub(super) type Said = (u16, Vec<(&'static str, String)>, String);

/// A JSON answer.
pub(super) fn says(status: u16, body: Json) -> Said {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string())
}

/// A tool, connected.
pub(super) struct Place {
    pub client: Client,
    pub tool: Arc<Tool>,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Place {
    /// The tool of this file; `answer` gets the request and how many came before it.
    pub async fn of(
        file: &str,
        answer: impl Fn(&Heard, usize) -> Said + Send + Sync + 'static,
    ) -> Self {
        let (listener, base) = door().await;
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let (kept, answer) = (heard.clone(), Arc::new(answer));
        let app = Router::new().fallback(move |request: Request| {
            let (kept, answer) = (kept.clone(), answer.clone());
            async move {
                let one = hear(request).await;
                let before = kept.lock().expect("sound").len();
                let said = answer(&one, before);
                kept.lock().expect("sound").push(one);
                respond(said)
            }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self::at(file, &base, heard)
    }

    /// The same where whoever has asked hears nothing: the connection ends.
    pub async fn silent(file: &str) -> Self {
        let (listener, base) = door().await;
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let _ = stream.read(&mut [0; 4096]).await;
            }
        });
        Self::at(file, &base, Arc::default())
    }

    fn at(file: &str, base: &str, heard: Arc<Mutex<Vec<Heard>>>) -> Self {
        let spec = spec::read("edr", "edr.yaml", file).unwrap_or_else(|problems| {
            panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())
        });
        let mut given = Given {
            plain: [("base_url".to_owned(), base.into())].into(),
            internal: vec![HostPattern::exact("127.0.0.1").expect("a host")],
            ..Given::default()
        };
        given.secrets.insert("token".to_owned(), "canary-7f3a".into());
        let (tool, line) = connect(&spec, &"edr".into(), given).expect("connected");
        let clock = Clock::real();
        let outside = Outside::of_this_machine(clock.clone()).expect("authorities");
        let transport = Arc::new(Transport::new(outside, Redactor::default()));
        let client = Client::new(transport, Arc::new([("edr".into(), line)].into()), clock);
        Self { client, tool: Arc::new(tool), heard }
    }

    /// Calls an action as a run would that was allowed to.
    pub async fn call(&self, action: &str, with: Json) -> Called {
        self.keyed(action, with, "").await
    }

    pub async fn keyed(&self, action: &str, with: Json, key: &str) -> Called {
        let action = self.tool.actions.get(&action.into()).expect("it has that").clone();
        let Json::Object(with) = with else { panic!("inputs are a map") };
        let with: Values = with.into_iter().collect();
        let which = (self.tool.clone(), action);
        let permit = permit(which, with, (key, Duration::from_secs(5)));
        self.client.call(&permit).await
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().expect("sound").clone()
    }

    /// What was asked, in order.
    pub fn lines(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.line).collect()
    }
}

async fn door() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, base)
}

async fn hear(request: Request) -> Heard {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    let header = |name: &str| {
        head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    Heard {
        line: format!("{} {}", head.method, head.uri),
        host: header("host").unwrap_or_default(),
        authorization: header("authorization"),
        key: header("idempotency-key"),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn respond((status, headers, body): Said) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).expect("a response")
}

/// Nothing in particular.
pub(super) fn nothing() -> Said {
    says(200, json!({}))
}
