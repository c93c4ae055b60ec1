//! The Web API: which methods there are, who may call them with what scope, and how a call is answered or made to fail.
mod apps_connections_open;
mod args;
mod auth_test;
mod bots_info;
mod chat_delete;
mod chat_get_permalink;
mod chat_post_ephemeral;
mod chat_post_message;
mod chat_update;
mod content;
mod conversations_history;
mod conversations_info;
mod conversations_list;
mod conversations_members;
mod conversations_open;
mod conversations_replies;
mod dnd_info;
mod dnd_team_info;
mod pages;
pub mod response_url;
mod team_info;
mod usergroups_list;
mod usergroups_users_list;
mod users_info;
mod users_list;
mod users_lookup_by_email;
mod views_open;
mod views_publish;
mod views_push;
mod views_update;

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{DATE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::sleep;

use super::faults::Fault;
use super::happenings::Happening;
use super::server::{self, Dropped, Reply};
use super::state::{Call, State};
use super::workspace::Workspace;
use args::Args;

/// A method's answer without `ok`, or why not.
type Answer = Result<Value, Refused>;

/// `{"ok": false, "error": word}` with what else belongs to it.
#[derive(Debug)]
pub struct Refused {
    word: String,
    more: Map<String, Value>,
    /// HTTP 429 with this `Retry-After`.
    retry_after: Option<Duration>,
}

impl From<&str> for Refused {
    fn from(word: &str) -> Self {
        Self { word: word.to_string(), more: Map::new(), retry_after: None }
    }
}

impl Refused {
    /// `word` with `response_metadata.messages`.
    fn with_messages(word: &str, messages: &[String]) -> Self {
        let more =
            Map::from_iter([("response_metadata".to_string(), json!({"messages": messages}))]);
        Self { more, ..word.into() }
    }

    fn invalid(message: String) -> Self {
        Self::with_messages("invalid_arguments", &[message])
    }

    fn rate_limited(retry_after: Duration) -> Self {
        Self { retry_after: Some(retry_after), ..Self::from("ratelimited") }
    }
}

/// Which token a method takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Bot,
    App,
}

struct Method {
    name: &'static str,
    token: Token,
    /// Any one of these is enough; a method that depends on the kind of channel looks again.
    scopes: &'static [&'static str],
    run: fn(&mut State, &Args) -> Answer,
}

const fn bot(
    name: &'static str,
    scopes: &'static [&'static str],
    run: fn(&mut State, &Args) -> Answer,
) -> Method {
    Method { name, token: Token::Bot, scopes, run }
}

const READ: &[&str] = &["channels:read", "groups:read", "im:read"];
const HISTORY: &[&str] = &["channels:history", "groups:history", "im:history"];

const METHODS: &[Method] = &[
    Method {
        name: "apps.connections.open",
        token: Token::App,
        scopes: &["connections:write"],
        run: apps_connections_open::run,
    },
    bot("auth.test", &[], auth_test::run),
    bot("bots.info", &["users:read"], bots_info::run),
    bot("chat.delete", &["chat:write"], chat_delete::run),
    bot("chat.getPermalink", &[], chat_get_permalink::run),
    bot("chat.postEphemeral", &["chat:write"], chat_post_ephemeral::run),
    bot("chat.postMessage", &["chat:write"], chat_post_message::run),
    bot("chat.update", &["chat:write"], chat_update::run),
    bot("conversations.history", HISTORY, conversations_history::run),
    bot("conversations.info", READ, conversations_info::run),
    bot("conversations.list", READ, conversations_list::run),
    bot("conversations.members", READ, conversations_members::run),
    bot("conversations.open", &["im:write"], conversations_open::run),
    bot("conversations.replies", HISTORY, conversations_replies::run),
    bot("dnd.info", &["dnd:read"], dnd_info::run),
    bot("dnd.teamInfo", &["dnd:read"], dnd_team_info::run),
    bot("team.info", &["team:read"], team_info::run),
    bot("usergroups.list", &["usergroups:read"], usergroups_list::run),
    bot("usergroups.users.list", &["usergroups:read"], usergroups_users_list::run),
    bot("users.info", &["users:read"], users_info::run),
    bot("users.list", &["users:read"], users_list::run),
    bot("users.lookupByEmail", &["users:read.email"], users_lookup_by_email::run),
    bot("views.open", &[], views_open::run),
    bot("views.publish", &[], views_publish::run),
    bot("views.push", &[], views_push::run),
    bot("views.update", &[], views_update::run),
];

/// Methods that only read take a query or a form: a JSON body is overlooked ("Accepted content types" of each method's page on
/// docs.slack.dev).
const READING: [&str; 15] = [
    "bots.info",
    "chat.getPermalink",
    "conversations.history",
    "conversations.info",
    "conversations.list",
    "conversations.members",
    "conversations.replies",
    "dnd.info",
    "dnd.teamInfo",
    "team.info",
    "usergroups.list",
    "usergroups.users.list",
    "users.info",
    "users.list",
    "users.lookupByEmail",
];

/// Whether the method only reads.
pub fn reads(method: &str) -> bool {
    READING.contains(&method)
}

/// Answers one call, faults included.
pub async fn answer(workspace: &Arc<Workspace>, method: &str, request: Request<Incoming>) -> Reply {
    let at = workspace.now_ms();
    let args = Args::read(request, reads(method)).await;
    let body = args.as_ref().map(Args::record).unwrap_or_default();
    let token = args.as_ref().ok().and_then(|args| args.token.clone()).unwrap_or_default();
    let fault = workspace
        .change(|s| if s.faults.down { Some(Fault::Status(503)) } else { s.faults.take(method) });
    let outcome = match fault {
        None => Ok(Answered::from(run(workspace, method, args))),
        Some(fault) => strike(workspace, fault, || run(workspace, method, args)).await,
    };
    let (status, error, retry_after) = match &outcome {
        Ok(answered) => (answered.status.as_u16(), answered.error(), answered.retry_after()),
        Err(Dropped) => (0, Some("connection dropped".to_string()), None),
    };
    workspace.change(|state| {
        if let Some(error) = &error {
            state.note(Happening::Refused { method: method.to_string(), error: error.clone() });
        }
        let method = method.to_string();
        state.record_call(Call { method, body, at, status, error, retry_after });
    });
    outcome.map(|answered| answered.response(workspace, &token))
}

/// Lets a fault have its way with a call.
async fn strike(
    workspace: &Workspace,
    fault: Fault,
    run: impl FnOnce() -> Answer,
) -> Result<Answered, Dropped> {
    match fault {
        Fault::Status(status) => Ok(Answered::bare(status)),
        Fault::RateLimited { retry_after } => Ok(Err(Refused::rate_limited(retry_after)).into()),
        Fault::Error(word) => Ok(Err(Refused::from(word.as_str())).into()),
        Fault::LoseResponse => {
            let _ = run();
            Ok(Answered::bare(500))
        }
        Fault::DropConnection => {
            let _ = run();
            Err(Dropped)
        }
        Fault::Hang(pause) => {
            tokio::select! { () = sleep(pause) => {} () = workspace.stopped() => {} }
            Err(Dropped)
        }
        Fault::Late(pause) => {
            sleep(pause).await;
            Ok(run().into())
        }
        Fault::Slow(pause) => {
            let answer = run();
            sleep(pause).await;
            Ok(answer.into())
        }
    }
}

/// Does what was asked for, then sends the events that it caused.
fn run(workspace: &Arc<Workspace>, name: &str, args: Result<Args, Refused>) -> Answer {
    let method = METHODS.iter().find(|method| method.name == name).ok_or("unknown_method")?;
    let args = args?;
    let (answer, events) = workspace.change(|state| {
        let answer = state.admit(method, &args).and_then(|()| (method.run)(state, &args));
        (answer, std::mem::take(&mut state.events_due))
    });
    for event in events {
        let workspace = Arc::clone(workspace);
        tokio::spawn(async move { workspace.emit(event).await });
    }
    answer
}

impl State {
    /// Token first, scope second, as Slack does.
    fn admit(&self, method: &Method, args: &Args) -> Result<(), Refused> {
        let token = args.token.as_deref().ok_or("not_authed")?;
        let app = &self.options.app;
        let given = match token {
            _ if token == app.bot_token => Token::Bot,
            _ if token == app.app_token => Token::App,
            _ => return Err("invalid_auth".into()),
        };
        if given != method.token && method.name != "auth.test" {
            return Err("not_allowed_token_type".into());
        }
        let held = self.held_by(token);
        if method.scopes.is_empty() || method.scopes.iter().any(|s| held.iter().any(|h| h == s)) {
            return Ok(());
        }
        Err(missing_scope(&method.scopes.join(","), held))
    }

    /// The scopes of a token; none where nobody knows it.
    fn held_by(&self, token: &str) -> &[String] {
        let app = &self.options.app;
        match token {
            _ if token == app.bot_token => &self.options.scopes,
            _ if token == app.app_token => &app.app_scopes,
            _ => &[],
        }
    }

    fn granted(&self, scope: &str) -> bool {
        self.options.scopes.iter().any(|granted| granted == scope)
    }

    /// For methods whose scope depends on the kind of channel: `channels:history`, `groups:history` …
    fn need_scope(&self, scope: &str) -> Result<(), Refused> {
        let held = &self.options.scopes;
        if self.granted(scope) { Ok(()) } else { Err(missing_scope(scope, held)) }
    }
}

fn missing_scope(needed: &str, held: &[String]) -> Refused {
    let more = json!({"needed": needed, "provided": held.join(",")});
    Refused { more: more.as_object().cloned().unwrap_or_default(), .."missing_scope".into() }
}

/// A moment as HTTP writes it (RFC 9110, 5.6.7).
fn date(now_ms: i64) -> Option<HeaderValue> {
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    let written = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now);
    HeaderValue::from_str(&written.ok()?).ok()
}

/// What goes back to the caller.
struct Answered {
    status: StatusCode,
    retry_after: Option<Duration>,
    /// Null: an empty body.
    body: Value,
}

impl Answered {
    fn bare(status: u16) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self { status, retry_after: None, body: Value::Null }
    }

    fn error(&self) -> Option<String> {
        match self.body["error"].as_str() {
            Some(word) => Some(word.to_string()),
            None if !self.status.is_success() => Some(format!("HTTP {}", self.status.as_u16())),
            None => None,
        }
    }

    /// Slack writes whole seconds.
    fn retry_after(&self) -> Option<u64> {
        self.retry_after.map(|pause| pause.as_secs() + u64::from(pause.subsec_nanos() > 0))
    }

    fn response(self, workspace: &Workspace, token: &str) -> hyper::Response<axum::body::Body> {
        let retry_after = self.retry_after();
        let mut response = match self.body {
            Value::Null => server::text(self.status, ""),
            body => server::json(self.status, &body),
        };
        let headers = response.headers_mut();
        let scopes = workspace.read(|state| state.held_by(token).join(","));
        if let Ok(scopes) = HeaderValue::from_str(&scopes)
            && !scopes.is_empty()
        {
            headers.insert(HeaderName::from_static("x-oauth-scopes"), scopes);
        }
        // Slack's time, by which a client can tell that its own clock is wrong.
        if let Some(date) = date(workspace.now_ms()) {
            headers.insert(DATE, date);
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        match answer {
            Ok(fields) => {
                let mut body = Map::from_iter([("ok".to_string(), json!(true))]);
                body.extend(fields.as_object().cloned().unwrap_or_default());
                Self { status: StatusCode::OK, retry_after: None, body: Value::Object(body) }
            }
            Err(refused) => {
                let mut body = json!({"ok": false, "error": refused.word});
                body.as_object_mut()
                    .into_iter()
                    .for_each(|fields| fields.extend(refused.more.clone()));
                let status = if refused.retry_after.is_some() {
                    StatusCode::TOO_MANY_REQUESTS
                } else {
                    StatusCode::OK
                };
                Self { status, retry_after: refused.retry_after, body }
            }
        }
    }
}
