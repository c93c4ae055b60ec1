//! The workspace in a browser: one HTML file, what one person sees as JSON, and what they do.
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::{Method, Request, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::server::{self, Reply};
use super::state::State;
use super::state::channels::{Channel, Kind};
use super::state::messages::Message;
use super::workspace::Workspace;
use super::{At, CannotAct, Person, Sim};

const PAGE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/style.css");
const SCRIPTS: [&str; 2] = [include_str!("page/blocks.js"), include_str!("page/page.js")];
/// A page that asks for news waits so long for some.
const PATIENCE: Duration = Duration::from_secs(25);

/// Answers a request for the page, for what it shows, or for an act on it.
pub async fn answer(workspace: &Arc<Workspace>, request: Request<Incoming>) -> Reply {
    let reply = match (request.method(), request.uri().path()) {
        (&Method::GET, "/") => {
            server::with_type(StatusCode::OK, "text/html; charset=utf-8", page())
        }
        (&Method::GET, "/page/state") => {
            let shown = news(workspace, request.uri().query().unwrap_or_default()).await;
            server::json(StatusCode::OK, &shown)
        }
        (&Method::POST, "/page/act") => return act(workspace, request).await,
        _ => server::text(StatusCode::METHOD_NOT_ALLOWED, "not so"),
    };
    Ok(reply)
}

/// One HTML file, with all that it needs.
fn page() -> String {
    PAGE.replace("/*style*/", STYLE).replace("/*script*/", &SCRIPTS.concat())
}

/// What `user` sees, as soon as it differs from the revision `since`.
async fn news(workspace: &Arc<Workspace>, query: &str) -> Value {
    let field = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    let since: Option<u64> = field("since").and_then(|since| since.parse().ok());
    let mut changes = workspace.changes();
    if since.is_some() {
        // Nothing new is an answer too: the page asks again.
        let _ = timeout(PATIENCE, changes.wait_for(|revision| Some(*revision) != since)).await;
    }
    let revision = *changes.borrow_and_update();
    workspace.read(|state| {
        let user = field("user").and_then(|user| state.user_id(&user));
        let first = || state.users.values().find(|user| !user.is_bot).map(|user| user.id.clone());
        let user = user.or_else(first).unwrap_or_default();
        let mut shown = state.seen_by(&user);
        shown["revision"] = json!(revision);
        shown
    })
}

impl State {
    /// Everything on one person's screen.
    fn seen_by(&self, user: &str) -> Value {
        let mine = |channel: &&Channel| match &channel.kind {
            Kind::Dm(with) => with == user,
            Kind::Public | Kind::Private => channel.has(user),
        };
        let channels: Vec<Value> =
            self.channels.values().filter(mine).map(|c| self.channel_seen(c, user)).collect();
        let home = self.homes.get(user).and_then(|id| self.views.get(id));
        let view = self.top_view(user).map(|view| {
            let mut wire = view.wire(self);
            wire["errors"] = json!(view.errors);
            wire["trouble"] = json!(view.trouble);
            wire
        });
        json!({
            "team": self.options.team.name, "app": self.options.app.name, "bot": self.options.app.bot_user, "user": user,
            "now_ms": self.now_ms, "sockets": self.outbox.sockets.len(), "down": self.faults.down, "panels": self.options.panels,
            "commands": self.options.commands, "prompt": self.prompt, "home_tab": self.options.home_tab,
            "users": self.users.values().map(|u| json!({"id": u.id, "name": u.name, "real_name": u.real_name, "title": u.title, "bot": u.is_bot, "gone": u.deleted})).collect::<Vec<_>>(),
            "groups": self.usergroups.values().map(|g| json!({"id": g.id, "name": g.handle, "members": g.users})).collect::<Vec<_>>(),
            "channels": channels, "view": view, "home": home.map(|home| home.wire(self)),
        })
    }

    fn channel_seen(&self, channel: &Channel, user: &str) -> Value {
        let said = self.messages.get(&channel.id).into_iter().flatten();
        let whispered = self
            .ephemerals
            .iter()
            .filter(|m| m.channel == channel.id && m.ephemeral_to.as_deref() == Some(user));
        let mut messages: Vec<&Message> = said.chain(whispered).collect();
        messages.sort_by(|a, b| a.ts.cmp(&b.ts));
        let seen = |message: &Message| {
            let mut wire = message.wire(self, false);
            wire["author"] = json!(self.user_name(&message.user));
            wire["ephemeral"] = json!(message.ephemeral_to.is_some());
            wire["reply"] = json!(message.thread_ts.is_some());
            wire
        };
        json!({
            "id": channel.id, "name": self.channel_name(&channel.id), "dm": matches!(channel.kind, Kind::Dm(_)),
            "private": channel.kind == Kind::Private, "archived": channel.archived,
            "messages": messages.into_iter().map(seen).collect::<Vec<_>>(),
        })
    }
}

/// Does what a person did on the page. Only JSON is taken, so that no other site's form can act.
async fn act(workspace: &Arc<Workspace>, request: Request<Incoming>) -> Reply {
    let kind =
        request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if !kind.starts_with("application/json") {
        return Ok(server::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, "JSON, please"));
    }
    let body = server::body(request).await;
    let Ok(Value::Object(act)) = serde_json::from_slice(&body) else {
        return Ok(server::text(StatusCode::BAD_REQUEST, "an object, please"));
    };
    let sim = Sim { workspace: Arc::clone(workspace) };
    let person = sim.by(act.get("user").and_then(Value::as_str).unwrap_or_default());
    let answer = match perform(&person, &act).await {
        Ok(became) => json!({"ok": true, "became": became}),
        Err(CannotAct(why)) => json!({"ok": false, "error": why}),
    };
    Ok(server::json(StatusCode::OK, &answer))
}

/// What a person did, in words; what became of it, in words.
async fn perform(person: &Person, act: &Map<String, Value>) -> Result<String, CannotAct> {
    let field = |name: &str| act.get(name).and_then(Value::as_str).unwrap_or_default();
    let value = || act.get("value").cloned().unwrap_or_default();
    let delivery = match field("act") {
        "click" => Some(person.click(place(act), field("control")).await?),
        "choose" => Some(person.choose(place(act), field("control"), value()).await?),
        "submit" => Some(person.submit(act.get("values").cloned().unwrap_or_default()).await?),
        "close" => person.close().await?,
        "slash" => Some(person.slash(field("channel"), field("text")).await?),
        "shortcut" => Some(person.shortcut(field("control")).await?),
        "message_shortcut" => Some(person.message_shortcut(place(act), field("control")).await?),
        "react" => person.react(place(act), field("control")).await?,
        "home" => person.open_home().await?,
        "say" => {
            let thread = Some(field("thread_ts")).filter(|ts| !ts.is_empty());
            person.say(field("channel"), field("text"), thread)?;
            None
        }
        other => return Err(CannotAct(format!("there is no act {other:?}"))),
    };
    Ok(delivery.map_or_else(|| "done".to_string(), |delivery| delivery.to_string()))
}

/// Where it was done: a message by `channel` and `ts`, else what `at` says.
fn place(act: &Map<String, Value>) -> At {
    let field = |name: &str| act.get(name).and_then(Value::as_str).unwrap_or_default();
    match field("at") {
        "modal" => At::Modal,
        "home" => At::Home,
        _ => At::from((field("channel"), field("ts"))),
    }
}
