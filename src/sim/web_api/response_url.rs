//! Posts to a response URL: an answer to one person or the channel, or a change to what was clicked.
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde_json::{Value, json};

use crate::sim::blocks;
use crate::sim::faults::Fault;
use crate::sim::happenings::Happening;
use crate::sim::server::{self, Dropped, Reply};
use crate::sim::state::messages::Unread;
use crate::sim::state::tickets::Hook;
use crate::sim::state::{Call, State};
use crate::sim::workspace::Workspace;

/// The name under which these posts are recorded, and faults are found.
const NAME: &str = "response_url";

pub async fn answer(workspace: &Arc<Workspace>, request: Request<Incoming>) -> Reply {
    let at = workspace.now_ms();
    let path = request.uri().path().to_string();
    let body = server::body(request).await;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let fault = workspace
        .change(|s| if s.faults.down { Some(Fault::Status(503)) } else { s.faults.take(NAME) });
    let respond = || workspace.change(|state| state.respond(&path, &body));
    let result = match fault {
        None => respond(),
        Some(Fault::Status(status)) => Err((status, "status".to_string())),
        Some(Fault::RateLimited { .. }) => Err((429, "ratelimited".into())),
        Some(Fault::Error(word)) => Err((404, word)),
        Some(Fault::LoseResponse) => respond().and(Err((500, "lost".into()))),
        Some(Fault::DropConnection) => respond().and(Err((0, "dropped".into()))),
        Some(Fault::Hang(pause)) => {
            tokio::time::sleep(pause).await;
            Err((0, "hung".into()))
        }
        Some(Fault::Late(pause)) => {
            tokio::time::sleep(pause).await;
            respond()
        }
        Some(Fault::Slow(pause)) => {
            let result = respond();
            tokio::time::sleep(pause).await;
            result
        }
    };
    let (status, error) =
        result.map_or_else(|(status, word)| (status, Some(word)), |()| (200, None));
    let call =
        Call { method: NAME.into(), body, at, status, error: error.clone(), retry_after: None };
    workspace.change(|state| state.record_call(call));
    match (status, error) {
        (0, _) => Err(Dropped),
        (_, None) => Ok(server::text(StatusCode::OK, "ok")),
        (status, Some(word)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
            Ok(server::json(status, &json!({"ok": false, "error": word})))
        }
    }
}

impl State {
    fn respond(&mut self, path: &str, body: &Value) -> Result<(), (u16, String)> {
        let hook = self.use_hook(path).map_err(|word| (404, word.to_string()))?;
        let deletes = body["delete_original"] == true;
        if !body.is_object() {
            return Err((400, "invalid_payload".into()));
        }
        if !deletes
            && body["text"].as_str().is_none_or(str::is_empty)
            && body.get("blocks").is_none()
            && body.get("attachments").is_none()
        {
            return Err((400, "no_text".into()));
        }
        if !blocks::check_message(body).is_empty() {
            return Err((400, "invalid_blocks".into()));
        }
        match (&hook.message_ts, deletes, body["replace_original"] == true) {
            (Some(ts), true, _) => self.take_away(&hook, ts),
            (Some(ts), false, true) => self.replace(&hook, ts, body),
            _ => self.answer_person(
                &hook.user,
                &hook.channel,
                body,
                body["response_type"] == "in_channel",
            ),
        }
        Ok(())
    }

    fn take_away(&mut self, hook: &Hook, ts: &str) {
        self.ephemerals.retain(|m| m.ts != ts);
        self.remove_message(&hook.channel, ts);
    }

    fn replace(&mut self, hook: &Hook, ts: &str, body: &Value) {
        let mut blocks = body["blocks"].as_array().cloned().unwrap_or_default();
        self.name_blocks(&mut blocks);
        let said = self.messages.get_mut(&hook.channel).into_iter().flatten();
        let Some(message) = said.chain(&mut self.ephemerals).find(|m| m.ts == ts) else { return };
        message.text = body["text"].as_str().unwrap_or_default().to_string();
        message.blocks = blocks;
        message.attachments = body["attachments"].as_array().cloned().unwrap_or_default();
        message.edited = Some(super::super::state::ts(self.now_ms * 1000));
        message.unread = Some(Unread::Edited);
        let message = message.clone();
        let said = self.said(&message);
        self.note(Happening::Updated(said));
    }
}
