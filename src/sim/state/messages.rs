//! Messages: what the bot and people said, how it reads on the wire, and whether anybody has looked at it.
use serde_json::{Map, Value, json};

use super::State;

/// Why a message is waiting for someone to look at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Posted,
    Edited,
}

/// One message, or one ephemeral.
#[derive(Clone, Debug, Default)]
pub struct Message {
    pub channel: String,
    pub ts: String,
    /// Who wrote it; the bot's own user id for its messages.
    pub user: String,
    pub by_bot: bool,
    pub text: String,
    pub blocks: Vec<Value>,
    pub attachments: Vec<Value>,
    /// `{event_type, event_payload}`.
    pub metadata: Option<Value>,
    /// The parent's ts; a parent that has replies does not carry its own here.
    pub thread_ts: Option<String>,
    pub reply_broadcast: bool,
    /// When it was last edited, as a ts.
    pub edited: Option<String>,
    /// Only this user sees it.
    pub ephemeral_to: Option<String>,
    /// `None` once read; people's own messages are born read.
    pub unread: Option<Unread>,
    /// Emoji names with who reacted.
    pub reactions: Vec<(String, String)>,
}

/// Something on a message or view that can be clicked or chosen from.
#[derive(Clone, Debug, PartialEq)]
pub struct Control {
    /// `button`, `overflow`, `static_select` …
    pub kind: String,
    /// A button's text, else a select's placeholder or an input's label.
    pub label: String,
    pub action_id: String,
    pub block_id: String,
    /// A button's value.
    pub value: Option<String>,
    /// Which attachment it stands in, counted from 1; 0: none.
    pub attachment: usize,
    /// The element as it was sent.
    pub element: Value,
}

impl Message {
    /// Everything that can be clicked, in reading order, attachments last.
    pub fn controls(&self) -> Vec<Control> {
        let mut found = controls_of(&self.blocks);
        for (at, attachment) in self.attachments.iter().enumerate() {
            let blocks = attachment.get("blocks").and_then(Value::as_array);
            let inner = blocks.map(|blocks| controls_of(blocks)).unwrap_or_default();
            found
                .extend(inner.into_iter().map(|control| Control { attachment: at + 1, ..control }));
        }
        found
    }

    /// Labels of the buttons, in reading order.
    pub fn buttons(&self) -> Vec<String> {
        self.controls().into_iter().filter(|c| c.kind == "button").map(|c| c.label).collect()
    }

    /// The message as a person reads it: text of all blocks and attachments, a line each.
    pub fn readable(&self) -> String {
        crate::sim::readable::message(self)
    }

    /// The message object; metadata only when it was asked for.
    pub(in crate::sim) fn wire(&self, state: &State, with_metadata: bool) -> Value {
        let mut message = json!({"type": "message", "user": self.user, "ts": self.ts, "text": self.text, "team": state.options.team.id});
        if self.by_bot {
            let app = &state.options.app;
            message["bot_id"] = json!(app.bot_id);
            message["app_id"] = json!(app.id);
            message["bot_profile"] = json!({
                "id": app.bot_id, "app_id": app.id, "user_id": app.bot_user, "name": app.name, "icons": {}, "deleted": false,
                "updated": state.options.epoch_ms / 1000, "team_id": state.options.team.id,
            });
        }
        if !self.blocks.is_empty() {
            message["blocks"] = json!(self.blocks);
        }
        if !self.attachments.is_empty() {
            message["attachments"] = json!(self.attachments);
        }
        if let Some(edited) = &self.edited {
            message["edited"] = json!({"user": self.user, "ts": edited});
        }
        if let Some(metadata) = self.metadata.as_ref().filter(|_| with_metadata) {
            message["metadata"] = metadata.clone();
        }
        self.add_thread(&mut message, state);
        self.add_reactions(&mut message);
        message
    }

    fn add_thread(&self, message: &mut Value, state: &State) {
        if let Some(parent) = &self.thread_ts {
            message["thread_ts"] = json!(parent);
            if self.reply_broadcast {
                message["subtype"] = json!("thread_broadcast");
            }
            return;
        }
        let replies = state.replies(&self.channel, &self.ts);
        let Some(last) = replies.last() else { return };
        let mut authors: Vec<&str> = Vec::new();
        for reply in &replies {
            if !authors.contains(&reply.user.as_str()) {
                authors.push(&reply.user);
            }
        }
        message["thread_ts"] = json!(self.ts);
        message["reply_count"] = json!(replies.len());
        message["reply_users_count"] = json!(authors.len());
        message["latest_reply"] = json!(last.ts);
        message["reply_users"] = json!(authors);
        message["is_locked"] = json!(false);
        message["subscribed"] = json!(false);
    }

    fn add_reactions(&self, message: &mut Value) {
        let mut by_name: Map<String, Value> = Map::new();
        for (name, user) in &self.reactions {
            let entry = by_name
                .entry(name.clone())
                .or_insert_with(|| json!({"name": name, "users": [], "count": 0}));
            if let Some(users) = entry["users"].as_array_mut() {
                users.push(json!(user));
                entry["count"] = json!(entry["users"].as_array().map_or(0, Vec::len));
            }
        }
        if !by_name.is_empty() {
            message["reactions"] = by_name.into_iter().map(|(_, entry)| entry).collect();
        }
    }
}

/// Everything interactive in a list of blocks.
pub(in crate::sim) fn controls_of(blocks: &[Value]) -> Vec<Control> {
    let mut found = Vec::new();
    for block in blocks {
        let label = block["label"]["text"].as_str();
        let single = [block.get("accessory"), block.get("element")].into_iter().flatten();
        let several = block.get("elements").and_then(Value::as_array).into_iter().flatten();
        for element in single.chain(several) {
            if let Some(control) = control(element, block, label) {
                found.push(control);
            }
        }
    }
    found
}

fn control(element: &Value, block: &Value, label: Option<&str>) -> Option<Control> {
    let action_id = element.get("action_id")?.as_str()?;
    let own = element["text"]["text"].as_str().or_else(|| element["placeholder"]["text"].as_str());
    Some(Control {
        kind: element["type"].as_str()?.to_string(),
        label: label.or(own).unwrap_or_default().to_string(),
        action_id: action_id.to_string(),
        block_id: block["block_id"].as_str().unwrap_or_default().to_string(),
        value: element["value"].as_str().map(ToString::to_string),
        attachment: 0,
        element: element.clone(),
    })
}

impl State {
    pub fn message(&self, channel: &str, ts: &str) -> Option<&Message> {
        self.messages.get(channel)?.iter().find(|message| message.ts == ts)
    }

    pub fn message_mut(&mut self, channel: &str, ts: &str) -> Option<&mut Message> {
        self.messages.get_mut(channel)?.iter_mut().find(|message| message.ts == ts)
    }

    /// Answers in a thread, oldest first, without the parent.
    pub fn replies(&self, channel: &str, parent: &str) -> Vec<&Message> {
        let all = self.messages.get(channel).into_iter().flatten();
        all.filter(|message| message.thread_ts.as_deref() == Some(parent)).collect()
    }

    /// Gives every block a `block_id` and everything interactive an `action_id`, as Slack does.
    pub fn name_blocks(&mut self, blocks: &mut [Value]) {
        for block in blocks {
            let Some(fields) = block.as_object_mut() else { continue };
            if !fields.contains_key("block_id") {
                fields.insert("block_id".into(), json!(self.short_id()));
            }
            for key in ["accessory", "element"] {
                if let Some(element) = fields.get_mut(key) {
                    self.name_element(element);
                }
            }
            if let Some(elements) = fields.get_mut("elements").and_then(Value::as_array_mut) {
                elements.iter_mut().for_each(|element| self.name_element(element));
            }
        }
    }

    fn name_element(&mut self, element: &mut Value) {
        const SILENT: &[&str] = &["mrkdwn", "plain_text", "image"];
        let silent = element["type"]
            .as_str()
            .is_none_or(|kind| SILENT.contains(&kind) || kind.starts_with("rich_text"));
        if let Some(fields) =
            element.as_object_mut().filter(|fields| !silent && !fields.contains_key("action_id"))
        {
            fields.insert("action_id".into(), json!(self.short_id()));
        }
    }

    fn short_id(&mut self) -> String {
        let mut id = self.secret();
        id.truncate(5);
        id
    }
}
