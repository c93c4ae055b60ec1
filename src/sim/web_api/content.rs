//! What `chat.*` methods share: reading and checking a message's content, and finding the channel that is meant.
use serde_json::{Value, json};

use super::args::Args;
use super::{Answer, Refused};
use crate::sim::blocks;
use crate::sim::state::channels::Kind;
use crate::sim::state::messages::Message;
use crate::sim::state::{State, ts_micros};

/// `chat.postMessage` takes at most so many characters of text, `chat.update` fewer. (docs.slack.dev, the methods' pages)
pub const POST_TEXT: usize = 40_000;
pub const UPDATE_TEXT: usize = 4_000;
/// At most so many attachments. (docs.slack.dev, "Attaching content")
const ATTACHMENTS: usize = 100;
/// Bytes of metadata; Slack documents the error, not the size.
const METADATA: usize = 16_384;

/// A message's content; `None`: the argument was left out.
pub struct Content {
    pub text: Option<String>,
    pub blocks: Option<Vec<Value>>,
    pub attachments: Option<Vec<Value>>,
    pub metadata: Option<Value>,
}

impl Content {
    /// Reads and checks it; `longest` is the limit of `text` in characters.
    pub fn read(args: &Args, longest: usize) -> Result<Self, Refused> {
        let content = Self {
            text: args.text("text").map(ToString::to_string),
            blocks: list(args.json("blocks", "invalid_blocks_format")?, "invalid_blocks_format")?,
            attachments: list(
                args.json("attachments", "invalid_attachments")?,
                "invalid_attachments",
            )?,
            metadata: metadata(args)?,
        };
        if content.text.as_ref().is_some_and(|text| text.chars().count() > longest) {
            return Err("msg_too_long".into());
        }
        if content.attachments.as_ref().is_some_and(|all| all.len() > ATTACHMENTS) {
            return Err("too_many_attachments".into());
        }
        if content.is_empty() {
            return Err("no_text".into());
        }
        content.check_blocks()?;
        Ok(content)
    }

    fn is_empty(&self) -> bool {
        let none = |list: &Option<Vec<Value>>| list.as_ref().is_none_or(Vec::is_empty);
        self.text.is_none() && none(&self.blocks) && none(&self.attachments)
    }

    fn check_blocks(&self) -> Result<(), Refused> {
        let mut message = json!({});
        for (key, list) in [("blocks", &self.blocks), ("attachments", &self.attachments)] {
            if let Some(list) = list {
                message[key] = json!(list);
            }
        }
        let problems = blocks::check_message(&message);
        if !problems.is_empty() {
            return Err(Refused::with_messages("invalid_blocks", &problems));
        }
        if blocks::too_long(&message) { Err("msg_blocks_too_long".into()) } else { Ok(()) }
    }

    /// The content with ids filled in, ready to stand in a message.
    pub fn name(&mut self, state: &mut State) {
        state.name_blocks(self.blocks.as_deref_mut().unwrap_or_default());
        for (at, attachment) in self.attachments.iter_mut().flatten().enumerate() {
            let Some(fields) = attachment.as_object_mut() else { continue };
            fields.insert("id".into(), json!(at + 1));
            if let Some(color) = fields.get("color").and_then(Value::as_str) {
                let color = color.trim_start_matches('#').to_string();
                fields.insert("color".into(), json!(color));
            }
            fields.entry("fallback").or_insert_with(|| json!("[no preview available]"));
            if let Some(blocks) = fields.get_mut("blocks").and_then(Value::as_array_mut) {
                state.name_blocks(blocks);
            }
        }
    }
}

fn list(value: Option<Value>, word: &'static str) -> Result<Option<Vec<Value>>, Refused> {
    match value {
        None => Ok(None),
        Some(Value::Array(items)) => Ok(Some(items)),
        Some(_) => Err(word.into()),
    }
}

fn metadata(args: &Args) -> Result<Option<Value>, Refused> {
    let Some(metadata) = args.json("metadata", "invalid_metadata_format")? else { return Ok(None) };
    if metadata.as_object().is_some_and(serde_json::Map::is_empty) {
        return Ok(Some(Value::Null));
    }
    if !metadata["event_type"].is_string() || !metadata["event_payload"].is_object() {
        return Err("invalid_metadata_format".into());
    }
    if metadata.to_string().len() > METADATA {
        Err("metadata_too_large".into())
    } else {
        Ok(Some(metadata))
    }
}

/// A thread's ts, which must look like one; Slack does not say no to a parent that is gone.
pub fn thread_ts(args: &Args) -> Result<Option<String>, Refused> {
    match args.text("thread_ts") {
        Some(ts) if ts_micros(ts).is_none() => Err("invalid_thread_ts".into()),
        other => Ok(other.map(ToString::to_string)),
    }
}

impl State {
    /// The channel that a post is meant for: an id, a `#name`, or a user, whose DM is opened.
    pub(super) fn post_target(&mut self, args: &Args) -> Result<String, Refused> {
        let wanted = args.need("channel")?;
        if let Some(user) = self.users.get(wanted).filter(|user| !user.deleted && !user.is_bot) {
            let id = user.id.clone();
            return Ok(self.dm_with(&id));
        }
        let id = self.channel_id(wanted).ok_or("channel_not_found")?;
        self.may_post(&id)?;
        Ok(id)
    }

    /// The channel that an existing message is in: only an id will do.
    pub(super) fn exact_channel(&self, args: &Args) -> Result<String, Refused> {
        let id = args.need("channel")?;
        if self.channels.contains_key(id) {
            Ok(id.to_string())
        } else {
            Err("channel_not_found".into())
        }
    }

    pub(super) fn may_post(&self, id: &str) -> Result<(), Refused> {
        let channel = self.channels.get(id).ok_or("channel_not_found")?;
        let inside = channel.has(&self.options.app.bot_user);
        match channel.kind {
            Kind::Private if !inside => Err("channel_not_found".into()),
            _ if channel.archived => Err("is_archived".into()),
            Kind::Public if !inside && !self.granted("chat:write.public") => {
                Err("not_in_channel".into())
            }
            _ if channel.read_only => Err("restricted_action_read_only_channel".into()),
            Kind::Public | Kind::Private | Kind::Dm(_) => Ok(()),
        }
    }

    /// The channel whose history is read: the scope is that of its kind, and the bot must be in it.
    pub(super) fn may_read(&self, args: &Args) -> Result<String, Refused> {
        let id = self.exact_channel(args)?;
        let channel = self.channels.get(&id).ok_or("channel_not_found")?;
        self.need_scope(&format!("{}:history", channel.family()))?;
        match channel.kind {
            _ if channel.has(&self.options.app.bot_user) => Ok(id),
            Kind::Private => Err("channel_not_found".into()),
            Kind::Public | Kind::Dm(_) => Err("not_in_channel".into()),
        }
    }

    /// A message of the bot's own, for update and delete.
    pub(super) fn own_message(&self, args: &Args, word: &'static str) -> Result<Message, Refused> {
        let id = self.exact_channel(args)?;
        let channel = self.channels.get(&id).ok_or("channel_not_found")?;
        if channel.archived {
            return Err("is_archived".into());
        }
        let message = self.message(&id, args.need("ts")?).ok_or("message_not_found")?;
        if message.by_bot { Ok(message.clone()) } else { Err(word.into()) }
    }

    /// Tells the app of a message in a channel, should it have subscribed.
    pub(super) fn due_message(&mut self, message: &Message, subtype: Option<&str>) {
        let wire = message.wire(self, false);
        let kind = match self.channels.get(&message.channel).map(|c| &c.kind) {
            Some(Kind::Private) => "group",
            Some(Kind::Dm(_)) => "im",
            Some(Kind::Public) | None => "channel",
        };
        let mut event = match subtype {
            None => wire,
            Some("message_deleted") => json!({
                "type": "message", "subtype": "message_deleted", "deleted_ts": message.ts, "ts": message.ts,
                "hidden": true, "previous_message": wire,
            }),
            Some(other) => {
                json!({"type": "message", "subtype": other, "hidden": true, "message": wire, "ts": message.ts})
            }
        };
        event["channel"] = json!(message.channel);
        event["channel_type"] = json!(kind);
        event["event_ts"] = json!(message.ts);
        self.events_due.push(event);
    }
}

/// `{channel, ts, message}`.
pub fn posted(state: &State, message: &Message) -> Answer {
    let wire = message.wire(state, true);
    Ok(json!({"channel": message.channel, "ts": message.ts, "message": wire}))
}
