//! Events: which the app subscribed to, what wraps one, and the changes to the workspace that cause them.
use serde_json::{Value, json};

use super::delivery::Delivery;
use super::state::State;
use super::state::channels::{Channel, Kind};
use super::{CannotAct, Sim};

impl State {
    /// Whether the app subscribed to this event; a message event's name holds the kind of channel.
    pub(super) fn subscribed(&self, event: &Value) -> bool {
        let kind = event["type"].as_str().unwrap_or_default();
        let name = match (kind, event["channel_type"].as_str()) {
            ("message", Some("channel")) => "message.channels".to_string(),
            ("message", Some("group")) => "message.groups".to_string(),
            ("message", Some("im")) => "message.im".to_string(),
            _ => kind.to_string(),
        };
        self.options.events.contains(&name)
    }

    /// The outer event: `event_callback` with its id and time.
    pub(super) fn event_callback(&mut self, event: Value) -> Value {
        let id = format!("Ev{:09}", self.next_number());
        let options = &self.options;
        let shared = event["channel"]
            .as_str()
            .and_then(|id| self.channels.get(id))
            .is_some_and(|c| c.ext_shared);
        json!({
            "token": "verification", "team_id": options.team.id, "context_team_id": options.team.id,
            "context_enterprise_id": null, "api_app_id": options.app.id, "event": event, "type": "event_callback",
            "event_id": id, "event_time": self.now_ms / 1000,
            "authorizations": [{"enterprise_id": null, "team_id": options.team.id, "user_id": options.app.bot_user, "is_bot": true, "is_enterprise_install": false}],
            "is_ext_shared_channel": shared, "event_context": format!("4-{id}"),
        })
    }

    /// `channel_…` or `group_…`, by the kind of channel.
    fn channel_event(&self, id: &str, what: &str) -> Value {
        let private = self.channels.get(id).is_some_and(|c| c.kind == Kind::Private);
        let family = if private { "group" } else { "channel" };
        json!({"type": format!("{family}_{what}"), "channel": id, "event_ts": format!("{}.000000", self.now_ms / 1000)})
    }
}

impl Sim {
    /// Sends any event (`{"type": …}`) if the app subscribed to it. `None`: it did not. Retries go on in the background.
    pub async fn emit_event(&self, event: Value) -> Option<Delivery> {
        self.workspace.emit(event).await
    }

    /// Archives a channel: posts into it answer `is_archived` from now on.
    pub async fn archive_channel(&self, channel: &str) -> Result<Option<Delivery>, CannotAct> {
        let id = self.change_channel(channel, |c| c.archived = true)?;
        self.tell_of_channel(&id, "archive", json!({"user": "U0ADMIN"})).await
    }

    /// Deletes a channel with all that was said in it.
    pub async fn delete_channel(&self, channel: &str) -> Result<Option<Delivery>, CannotAct> {
        let id = self.channel_id(channel)?;
        let event = self.workspace.change(|state| {
            let event = state.channel_event(&id, "deleted");
            state.channels.remove(&id);
            state.messages.remove(&id);
            event
        });
        Ok(self.emit_event(event).await)
    }

    pub async fn unarchive_channel(&self, channel: &str) -> Result<Option<Delivery>, CannotAct> {
        let id = self.change_channel(channel, |c| c.archived = false)?;
        self.tell_of_channel(&id, "unarchive", json!({"user": "U0ADMIN"})).await
    }

    pub async fn rename_channel(
        &self,
        channel: &str,
        name: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let id = self.change_channel(channel, |c| c.name = name.to_string())?;
        let created = self.workspace.read(|state| state.options.epoch_ms / 1000);
        let renamed = json!({"channel": {"id": id, "name": name, "name_normalized": name, "created": created}});
        self.tell_of_channel(&id, "rename", renamed).await
    }

    /// Shares a channel with another organisation (Slack Connect).
    pub async fn share_channel(
        &self,
        channel: &str,
        with_team: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let id = self.change_channel(channel, |c| c.ext_shared = true)?;
        self.tell_of_channel(&id, "shared", json!({"connected_team_id": with_team})).await
    }

    /// Takes the bot out of a channel.
    pub async fn remove_bot_from(&self, channel: &str) -> Result<Option<Delivery>, CannotAct> {
        let bot = self.workspace.read(|state| state.options.app.bot_user.clone());
        let id = self.change_channel(channel, |c| c.members.retain(|member| *member != bot))?;
        self.tell_of_channel(&id, "left", json!({"actor_id": "U0ADMIN"})).await
    }

    /// Brings somebody (or the bot) into a channel.
    pub async fn join_channel(
        &self,
        channel: &str,
        who: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let user = self.user_id(who)?;
        let id = self.change_channel(channel, |c| {
            if !c.has(&user) {
                c.members.push(user.clone());
            }
        })?;
        Ok(self.emit_event(self.membership("member_joined_channel", &id, &user)).await)
    }

    /// Somebody leaves a channel.
    pub async fn leave_channel(
        &self,
        channel: &str,
        who: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let user = self.user_id(who)?;
        let id = self.change_channel(channel, |c| c.members.retain(|member| *member != user))?;
        Ok(self.emit_event(self.membership("member_left_channel", &id, &user)).await)
    }

    /// Deletes a message as a person would (or an admin, for the bot's). Where it has answers, Slack leaves a tombstone, and
    /// says that the message has changed.
    pub async fn delete_message(
        &self,
        channel: &str,
        ts: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let id = self.channel_id(channel)?;
        let (previous, now) = self.workspace.change(|state| {
            let now = state.next_ts();
            (state.remove_message(&id, ts), now)
        });
        let previous =
            previous.ok_or_else(|| CannotAct(format!("no message {ts} in {channel}")))?;
        let mut event = json!({
            "type": "message", "channel": id, "ts": now, "event_ts": now, "hidden": true, "previous_message": previous,
            "channel_type": self.channel_type(&id),
        });
        if previous["reply_count"].is_null() {
            event["subtype"] = json!("message_deleted");
            event["deleted_ts"] = json!(ts);
        } else {
            event["subtype"] = json!("message_changed");
            event["message"] = json!({
                "type": "message", "subtype": "tombstone", "text": "This message was deleted.", "user": "USLACKBOT",
                "hidden": true, "ts": ts, "thread_ts": ts, "reply_count": previous["reply_count"],
                "reply_users_count": previous["reply_users_count"], "latest_reply": previous["latest_reply"],
                "reply_users": previous["reply_users"], "is_locked": false,
            });
        }
        Ok(self.emit_event(event).await)
    }

    /// Deactivates somebody's account.
    pub async fn deactivate_user(&self, who: &str) -> Result<Option<Delivery>, CannotAct> {
        self.change_user(who, |user| user.deleted = true).await
    }

    /// Changes a person and sends `user_change`.
    pub async fn change_user(
        &self,
        who: &str,
        change: impl FnOnce(&mut super::User),
    ) -> Result<Option<Delivery>, CannotAct> {
        let id = self.user_id(who)?;
        let event = self.workspace.change(|state| {
            if let Some(user) = state.users.get_mut(&id) {
                change(user);
            }
            let now = state.now_ms / 1000;
            let user = state.users.get(&id).map(|user| user.wire(state));
            json!({"type": "user_change", "user": user, "cache_ts": now, "event_ts": format!("{now}.000000")})
        });
        Ok(self.emit_event(event).await)
    }

    /// Replaces a user group's members; sends `subteam_members_changed`, then `subteam_updated`.
    pub async fn set_usergroup_members(
        &self,
        group: &str,
        who: &[&str],
    ) -> Result<Option<Delivery>, CannotAct> {
        let users = who.iter().map(|who| self.user_id(who)).collect::<Result<Vec<_>, _>>()?;
        let (members, updated) = self
            .workspace
            .change(|state| state.regroup(group, users))
            .ok_or_else(|| CannotAct(format!("no user group {group}")))?;
        let first = self.emit_event(members).await;
        self.emit_event(updated).await;
        Ok(first)
    }

    fn change_channel(
        &self,
        channel: &str,
        change: impl FnOnce(&mut Channel),
    ) -> Result<String, CannotAct> {
        let id = self.channel_id(channel)?;
        self.workspace.change(|state| state.channels.get_mut(&id).map(change));
        Ok(id)
    }

    async fn tell_of_channel(
        &self,
        id: &str,
        what: &str,
        more: Value,
    ) -> Result<Option<Delivery>, CannotAct> {
        let mut event = self.workspace.read(|state| state.channel_event(id, what));
        for (key, value) in more.as_object().into_iter().flatten() {
            event[key] = value.clone();
        }
        Ok(self.emit_event(event).await)
    }

    fn membership(&self, kind: &str, channel: &str, user: &str) -> Value {
        let (team, now) =
            self.workspace.read(|state| (state.options.team.id.clone(), state.now_ms / 1000));
        json!({
            "type": kind, "user": user, "channel": channel, "channel_type": self.channel_type(channel).chars().next().unwrap_or('c').to_uppercase().to_string(),
            "team": team, "event_ts": format!("{now}.000000"),
        })
    }

    /// `channel`, `group` or `im`, as message events say it.
    pub(super) fn channel_type(&self, id: &str) -> &'static str {
        self.workspace.read(|state| match state.channels.get(id).map(|c| &c.kind) {
            Some(Kind::Private) => "group",
            Some(Kind::Dm(_)) => "im",
            Some(Kind::Public) | None => "channel",
        })
    }
}

impl State {
    /// Takes a message away and returns what it was, on the wire.
    pub(super) fn remove_message(&mut self, channel: &str, ts: &str) -> Option<Value> {
        let message = self.message(channel, ts)?.clone();
        let wire = message.wire(self, false);
        if let Some(messages) = self.messages.get_mut(channel) {
            messages.retain(|m| m.ts != ts);
        }
        let said = self.said(&message);
        self.note(super::Happening::Deleted(said));
        Some(wire)
    }

    fn regroup(&mut self, group: &str, users: Vec<String>) -> Option<(Value, Value)> {
        let id = self.usergroup_id(group)?;
        let (team, now) = (self.options.team.id.clone(), self.now_ms / 1000);
        let old = std::mem::replace(&mut self.usergroups.get_mut(&id)?.users, users);
        let new = &self.usergroups.get(&id)?.users;
        let added: Vec<_> = new.iter().filter(|user| !old.contains(user)).collect();
        let removed: Vec<_> = old.iter().filter(|user| !new.contains(user)).collect();
        let members = json!({
            "type": "subteam_members_changed", "subteam_id": id, "team_id": team, "date_previous_update": now, "date_update": now,
            "added_users": added, "added_users_count": added.len(), "removed_users": removed, "removed_users_count": removed.len(),
            "event_ts": format!("{now}.000000"),
        });
        let updated = json!({
            "type": "subteam_updated", "subteam": self.usergroups.get(&id)?.wire(self, true), "event_ts": format!("{now}.000000"),
        });
        Some((members, updated))
    }

    /// A user group's id, from id, handle or `@handle`.
    pub(super) fn usergroup_id(&self, group: &str) -> Option<String> {
        let handle = group.trim_start_matches('@');
        self.usergroups.values().find(|g| g.id == group || g.handle == handle).map(|g| g.id.clone())
    }
}
