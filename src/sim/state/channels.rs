//! Channels, private channels and direct messages.
use serde_json::{Value, json};

use super::State;

/// What sort of conversation a channel is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    Public,
    Private,
    /// A direct message between the bot and this user.
    Dm(String),
}

/// A conversation.
#[derive(Clone, Debug, Default)]
pub struct Channel {
    /// `C…`, `D…`; empty when adding: one is made.
    pub id: String,
    /// Without `#`; empty for a DM.
    pub name: String,
    pub kind: Kind,
    pub archived: bool,
    /// Shared with another organisation (Slack Connect).
    pub ext_shared: bool,
    /// Only admins may post: the bot may not.
    pub read_only: bool,
    /// User ids; the bot's own among them where it was invited.
    pub members: Vec<String>,
}

impl Channel {
    /// A public channel; the bot is a member of it unless taken out.
    pub fn named(name: &str) -> Self {
        Self { name: name.trim_start_matches('#').to_string(), ..Self::default() }
    }

    /// A private channel.
    pub fn private(name: &str) -> Self {
        Self { kind: Kind::Private, ..Self::named(name) }
    }

    pub fn has(&self, user: &str) -> bool {
        self.members.iter().any(|member| member == user)
    }

    /// `channels`, `groups` or `im`: the scope's and the message event's word for this kind.
    pub(in crate::sim) fn family(&self) -> &'static str {
        match self.kind {
            Kind::Public => "channels",
            Kind::Private => "groups",
            Kind::Dm(_) => "im",
        }
    }

    /// The name that interactive payloads carry.
    pub(in crate::sim) fn payload_name(&self) -> &str {
        match self.kind {
            Kind::Public => &self.name,
            Kind::Private => "privategroup",
            Kind::Dm(_) => "directmessage",
        }
    }

    /// The conversation object of `conversations.info`.
    pub(in crate::sim) fn wire(&self, state: &State) -> Value {
        let created = state.options.epoch_ms / 1000;
        if let Kind::Dm(user) = &self.kind {
            return json!({
                "id": self.id, "created": created, "is_archived": false, "is_im": true, "is_org_shared": false,
                "user": user, "is_user_deleted": state.users.get(user).is_some_and(|u| u.deleted), "priority": 0,
                "context_team_id": state.options.team.id,
            });
        }
        let private = self.kind == Kind::Private;
        let mut properties = json!({});
        if self.read_only {
            properties["posting_restricted_to"] = json!({"type": ["admin"]});
        }
        json!({
            "id": self.id, "name": self.name, "name_normalized": self.name, "is_channel": !private, "is_group": private,
            "is_im": false, "is_mpim": false, "is_private": private, "created": created, "creator": "U0ADMIN",
            "is_archived": self.archived, "is_general": false, "unlinked": 0, "is_shared": self.ext_shared,
            "is_ext_shared": self.ext_shared, "is_org_shared": false, "is_pending_ext_shared": false,
            "is_member": self.has(&state.options.app.bot_user), "context_team_id": state.options.team.id,
            "shared_team_ids": [state.options.team.id], "num_members": self.members.len(),
            "topic": {"value": "", "creator": "", "last_set": 0}, "purpose": {"value": "", "creator": "", "last_set": 0},
            "previous_names": [], "is_read_only": self.read_only, "properties": properties,
        })
    }
}

impl State {
    /// The id of a channel named by id, `#name` or name.
    pub fn channel_id(&self, channel: &str) -> Option<String> {
        if self.channels.contains_key(channel) {
            return Some(channel.to_string());
        }
        let name = channel.trim_start_matches('#');
        self.channels.values().find(|c| c.name == name && !name.is_empty()).map(|c| c.id.clone())
    }

    /// The DM between the bot and a user, opened if need be.
    pub fn dm_with(&mut self, user: &str) -> String {
        let found = self
            .channels
            .values()
            .find(|c| matches!(&c.kind, Kind::Dm(u) if u == user))
            .map(|c| c.id.clone());
        if let Some(id) = found {
            return id;
        }
        let id = self.next_id('D');
        let members = vec![user.to_string(), self.options.app.bot_user.clone()];
        let channel = Channel {
            id: id.clone(),
            kind: Kind::Dm(user.to_string()),
            members,
            ..Channel::default()
        };
        self.channels.insert(id.clone(), channel);
        id
    }

    /// What people call a channel: `#name`, or `@name` for a DM.
    pub fn channel_name(&self, id: &str) -> String {
        match self.channels.get(id) {
            Some(Channel { kind: Kind::Dm(user), .. }) => format!("@{}", self.user_name(user)),
            Some(channel) => format!("#{}", channel.name),
            None => id.to_string(),
        }
    }
}
