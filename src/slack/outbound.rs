//! What we send to Slack: posts with their mark, updates, answers, forms. One call each; the outbox decides about the next.

use crate::clock::Clock;
use crate::domain::alert::lifecycle::Posted;
use crate::domain::effect::ReplyTo;
use crate::domain::ids::{ChannelId, MessageTs, UserId};
use crate::domain::people::ChannelRef;
use crate::slack::api::Api;
use crate::slack::failure::Failure;
use crate::slack::reach::Reachability;
use crate::slack::reply_address;
use crate::slack::view::Message;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Where a message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub target: Target,
    /// The message whose thread it goes into.
    pub thread: Option<MessageTs>,
}

/// The channel or person.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    Channel(ChannelId),
    /// As the config writes it, where the directory has no id for it.
    Named(ChannelRef),
    /// The person's direct messages.
    Person(UserId),
}

impl Place {
    /// A channel, group or direct message by its id.
    pub fn channel(id: ChannelId) -> Self {
        Self { target: Target::Channel(id), thread: None }
    }
    /// A channel as the config writes it.
    pub fn named(name: ChannelRef) -> Self {
        Self { target: Target::Named(name), thread: None }
    }
    /// A person's direct messages.
    pub fn person(user: UserId) -> Self {
        Self { target: Target::Person(user), thread: None }
    }
    /// The thread under a message.
    pub fn thread(posted: &Posted) -> Self {
        Self { target: Target::Channel(posted.channel.clone()), thread: Some(posted.ts.clone()) }
    }
    /// What `Pacing` queues by.
    pub fn lane(&self) -> &str {
        match &self.target {
            Target::Channel(id) => id.as_str(),
            Target::Named(name) => &name.0,
            Target::Person(user) => user.as_str(),
        }
    }
}

/// What a post carries so that it can be found again. Other apps cannot set it in our name (`adoption` looks who posted).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageMark {
    /// Each unique for ever, over all databases: the journal's id and the outbox row. One message may stand for several.
    ids: Vec<String>,
}

impl MessageMark {
    /// The mark of one thing that was to be said.
    pub fn new(id: String) -> Self {
        Self { ids: vec![id] }
    }

    /// The mark of a message that nobody will look for.
    pub(super) fn unsought() -> Self {
        Self { ids: Vec::new() }
    }

    /// The mark of a message that says both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.ids.extend(other.ids);
        self
    }

    /// Whether a message with these ids says all of it.
    pub(super) fn is_among(&self, ids: &[&str]) -> bool {
        self.ids.iter().all(|id| ids.contains(&id.as_str()))
    }
}

/// `metadata.event_type` of everything we post.
pub const EVENT_TYPE: &str = "vigie";

/// What came of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replied {
    Said,
    /// No address of the interaction's and no channel takes it: it is a post in the person's direct messages, or nothing.
    OnlyByDm,
}

/// Sends. Cheap to clone; clones share what they learned.
#[derive(Clone)]
pub struct Outbound {
    pub(super) api: Api,
    pub(super) known: Arc<Known>,
    reach: Reachability,
}

/// What Slack has told once and does not change.
#[derive(Default)]
pub(super) struct Known {
    dms: Mutex<HashMap<UserId, ChannelId>>,
    pub(super) channels: Mutex<HashMap<ChannelRef, ChannelId>>,
    pub(super) bot: OnceCell<Option<String>>,
}

impl Outbound {
    /// Over this API; the clock tells whether somebody's do-not-disturb holds now.
    pub fn new(api: Api, clock: Clock) -> Self {
        let reach = Reachability::new(api.clone(), clock);
        Self { api, known: Arc::default(), reach }
    }

    /// Posts a message that carries its mark.
    pub async fn post(
        &self,
        place: &Place,
        message: &Message,
        mark: &MessageMark,
    ) -> Result<Posted, Failure> {
        let mut body = body_of(message);
        body.insert("channel".into(), self.address(&place.target).await?.into());
        if let Some(thread) = &place.thread {
            body.insert("thread_ts".into(), thread.as_str().into());
        }
        body.insert(
            "metadata".into(),
            json!({"event_type": EVENT_TYPE, "event_payload": {"ids": mark.ids}}),
        );
        body.insert("unfurl_links".into(), false.into());
        body.insert("unfurl_media".into(), false.into());
        let answer = self.api.call("chat.postMessage", &Value::Object(body)).await?;
        let posted = posted_in(&answer)?;
        if let Target::Named(name) = &place.target {
            lock(&self.known.channels).insert(name.clone(), posted.channel.clone());
        }
        Ok(posted)
    }

    /// Changes a message. All its parts are sent: Slack keeps the old blocks where they are left out.
    pub async fn update(&self, posted: &Posted, message: &Message) -> Result<(), Failure> {
        let mut body = body_of(message);
        body.insert("channel".into(), posted.channel.as_str().into());
        body.insert("ts".into(), posted.ts.as_str().into());
        for part in ["blocks", "attachments"] {
            body.entry(part).or_insert_with(|| json!([]));
        }
        self.api.call("chat.update", &Value::Object(body)).await.map(drop)
    }

    /// Answers one person, for their eyes only: at the interaction's own address, else by an ephemeral message in the
    /// channel. A direct message is what is left: a post like any other, with its mark.
    pub async fn reply(&self, to: &ReplyTo, message: &Message) -> Result<Replied, Failure> {
        let mut body = body_of(message);
        let address = to.response_url.as_deref();
        if let Some(url) = address.and_then(|url| reply_address::checked(url, self.api.url())) {
            body.insert("response_type".into(), "ephemeral".into());
            body.insert("replace_original".into(), false.into());
            match self.api.post_url(url, &Value::Object(body.clone())).await {
                // Used up (5 times) or too old (30 min): the other ways are still there.
                Err(Failure::Rejected { .. }) => {}
                done => return done.map(|()| Replied::Said),
            }
            body.remove("response_type");
            body.remove("replace_original");
        } else if address.is_some() {
            tracing::warn!("a response_url of another server was not used");
        }
        self.reply_in_channel(to, body).await
    }

    async fn reply_in_channel(
        &self,
        to: &ReplyTo,
        mut body: Map<String, Value>,
    ) -> Result<Replied, Failure> {
        let Some(channel) = &to.channel else { return Ok(Replied::OnlyByDm) };
        body.insert("channel".into(), channel.as_str().into());
        body.insert("user".into(), to.user.as_str().into());
        match self.api.call("chat.postEphemeral", &Value::Object(body)).await {
            // The bot, or the person, is not in that channel.
            Err(Failure::Rejected { .. }) => Ok(Replied::OnlyByDm),
            // What this way lacks, the other may have.
            Err(Failure::BadToken { word, .. }) if word == "missing_scope" => Ok(Replied::OnlyByDm),
            done => done.map(|_| Replied::Said),
        }
    }

    /// The person's direct messages with us.
    pub async fn open_dm(&self, user: &UserId) -> Result<ChannelId, Failure> {
        if let Some(known) = lock(&self.known.dms).get(user) {
            return Ok(known.clone());
        }
        let answer = self.api.call("conversations.open", &json!({"users": user.as_str()})).await?;
        let id = answer.pointer("/channel/id").and_then(Value::as_str).ok_or_else(nameless)?;
        let id = ChannelId::new(id);
        lock(&self.known.dms).insert(user.clone(), id.clone());
        Ok(id)
    }

    /// Opens a form for whoever has just clicked. A trigger id lives 3 s and works once.
    pub async fn open_view(&self, trigger_id: &str, view: &Value) -> Result<(), Failure> {
        let body = json!({"trigger_id": trigger_id, "view": view});
        self.api.call("views.open", &body).await.map(drop)
    }

    /// Whether Slack would ring nobody for this person now. False where Slack does not tell: paging fails open.
    pub async fn do_not_disturb(&self, user: &UserId) -> bool {
        self.reach.do_not_disturb(user).await
    }

    async fn address(&self, target: &Target) -> Result<String, Failure> {
        Ok(match target {
            Target::Channel(id) => id.as_str().to_owned(),
            Target::Named(name) => name.0.clone(),
            Target::Person(user) => self.open_dm(user).await?.as_str().to_owned(),
        })
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn nameless() -> Failure {
    Failure::Uncertain { why: "Slack's answer does not say where".to_owned() }
}

fn posted_in(answer: &Value) -> Result<Posted, Failure> {
    let text = |field: &str| answer.get(field).and_then(Value::as_str).ok_or_else(nameless);
    Ok(Posted { channel: ChannelId::new(text("channel")?), ts: MessageTs::new(text("ts")?) })
}

fn body_of(message: &Message) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("text".into(), message.text.clone().into());
    for (part, value) in [("blocks", &message.blocks), ("attachments", &message.attachments)] {
        if value.as_array().is_some_and(|list| !list.is_empty()) {
            body.insert(part.into(), value.clone());
        }
    }
    body
}

#[cfg(test)]
#[path = "outbound_tests.rs"]
mod tests;
