//! Slash commands, shortcuts, opening the App Home, and plain talk.
use serde_json::{Value, json};

use super::payload::answer_of;
use super::{At, Person, cannot};
use crate::sim::blocks;
use crate::sim::delivery::Kind;
use crate::sim::happenings::Happening;
use crate::sim::state::State;
use crate::sim::{CannotAct, Delivery, Message};

impl Person {
    /// Types a slash command, `/vigie list`, into a channel. What the acknowledgement says is shown.
    pub async fn slash(&self, channel: &str, line: &str) -> Result<Delivery, CannotAct> {
        let (user, channel) = (self.id()?, self.sim.channel_id(channel)?);
        let (command, text) = line.split_once(' ').unwrap_or((line, ""));
        if !self.look(|state| {
            let known = &state.options.commands;
            known.is_empty() || known.iter().any(|one| one.command == command)
        }) {
            return cannot(format!("{command} is not a command of the app"));
        }
        let payload = self.change(|state| self.command(state, &user, &channel, (command, text)));
        let delivery =
            self.deliver(Kind::SlashCommands, payload, format!("typed {line:?}")).await?;
        if let Some(answer) = answer_of(&delivery) {
            let (answer, in_channel) = (
                Value::Object(answer.clone()),
                answer.get("response_type").is_some_and(|t| t == "in_channel"),
            );
            self.change(|state| state.answer_person(&user, &channel, &answer, in_channel));
        }
        Ok(delivery)
    }

    /// A command's payload: every field is a string, `is_enterprise_install` too.
    fn command(
        &self,
        state: &mut State,
        user: &str,
        channel: &str,
        (command, text): (&str, &str),
    ) -> Value {
        let hook = state.new_hook(user, channel, None);
        let trigger = state.new_trigger(user);
        let options = &state.options;
        let account = state.users.get(user);
        let foreign = self.from_team.as_ref().or(account.and_then(|u| u.foreign_team.as_ref()));
        let mut payload = json!({
            "token": "verification", "team_id": foreign.unwrap_or(&options.team.id), "team_domain": options.team.domain,
            "channel_id": channel, "channel_name": state.channels.get(channel).map(|c| c.payload_name()),
            "user_id": user, "user_name": account.map(|u| u.name.clone()), "command": command, "text": text,
            "api_app_id": options.app.id, "is_enterprise_install": self.on_grid.to_string(),
            "response_url": self.hook_url(&hook), "trigger_id": trigger,
        });
        if self.on_grid {
            payload["enterprise_id"] = json!(options.team.enterprise_id);
            payload["enterprise_name"] = json!(options.team.name);
        }
        payload
    }

    /// Uses a global shortcut.
    pub async fn shortcut(&self, callback_id: &str) -> Result<Delivery, CannotAct> {
        let user = self.id()?;
        let payload = self.change(|state| {
            let mut payload = self.envelope(state, &user, "shortcut");
            payload.insert("action_ts".into(), json!(state.next_ts()));
            payload.insert("callback_id".into(), json!(callback_id));
            payload.insert("trigger_id".into(), json!(state.new_trigger(&user)));
            Value::Object(payload)
        });
        self.deliver(Kind::Interactive, payload, format!("used the shortcut {callback_id}")).await
    }

    /// Uses a shortcut from a message's menu.
    pub async fn message_shortcut(
        &self,
        at: impl Into<At>,
        callback_id: &str,
    ) -> Result<Delivery, CannotAct> {
        let At::Message { channel, ts } = at.into() else {
            return cannot("a message shortcut needs a message");
        };
        let (user, channel) = (self.id()?, self.sim.channel_id(&channel)?);
        let Some(message) = self.look(|state| state.message(&channel, &ts).cloned()) else {
            return cannot(format!("there is no message {ts}"));
        };
        let payload = self.change(|state| {
            let mut payload = self.envelope(state, &user, "message_action");
            let hook = state.new_hook(&user, &channel, Some(&ts));
            let name = state.channels.get(&channel).map(|c| c.payload_name().to_string());
            payload.insert("action_ts".into(), json!(state.next_ts()));
            payload.insert("callback_id".into(), json!(callback_id));
            payload.insert("trigger_id".into(), json!(state.new_trigger(&user)));
            payload.insert("response_url".into(), json!(self.hook_url(&hook)));
            payload.insert("message_ts".into(), json!(ts));
            payload.insert("channel".into(), json!({"id": channel, "name": name}));
            payload.insert("message".into(), message.wire(state, true));
            Value::Object(payload)
        });
        self.deliver(Kind::Interactive, payload, format!("used the message shortcut {callback_id}"))
            .await
    }

    /// Opens the App Home: `app_home_opened`. `None`: the app did not subscribe.
    pub async fn open_home(&self) -> Result<Option<Delivery>, CannotAct> {
        let user = self.id()?;
        let event = self.change(|state| {
            let channel = state.dm_with(&user);
            let mut event = json!({"type": "app_home_opened", "user": user, "channel": channel, "tab": "home", "event_ts": state.next_ts()});
            if let Some(view) = state.homes.get(&user).and_then(|id| state.views.get(id)) {
                event["view"] = view.wire(state);
            }
            event
        });
        Ok(self.sim.emit_event(event).await)
    }

    /// Writes a message, in a thread if one is named. Returns it; the event goes out in the background.
    pub fn say(
        &self,
        channel: &str,
        text: &str,
        thread_ts: Option<&str>,
    ) -> Result<Message, CannotAct> {
        let user = self.id()?;
        let channel = match self.sim.channel_id(channel) {
            Ok(id) => id,
            Err(_) if channel == self.look(|state| state.options.app.bot_user.clone()) => {
                self.change(|s| s.dm_with(&user))
            }
            Err(why) => return Err(why),
        };
        let message = self.change(|state| {
            let (ts, text) = (state.next_ts(), text.to_string());
            let thread_ts = thread_ts.map(ToString::to_string);
            state.post(Message {
                channel: channel.clone(),
                ts,
                user,
                text,
                thread_ts,
                ..Message::default()
            })
        });
        let kind = self.sim.channel_type(&channel);
        let mut event = self.look(|state| message.wire(state, false));
        event["channel"] = json!(channel);
        event["channel_type"] = json!(kind);
        event["event_ts"] = json!(message.ts);
        let sim = self.sim.clone();
        tokio::spawn(async move { sim.emit_event(event).await });
        Ok(message)
    }

    /// Puts an emoji on a message: `reaction_added`. `None`: the app did not subscribe.
    pub async fn react(
        &self,
        at: impl Into<At>,
        name: &str,
    ) -> Result<Option<Delivery>, CannotAct> {
        let At::Message { channel, ts } = at.into() else {
            return cannot("a reaction needs a message");
        };
        let (user, channel) = (self.id()?, self.sim.channel_id(&channel)?);
        let event = self.change(|state| {
            let message = state.message_mut(&channel, &ts)?;
            message.reactions.push((name.to_string(), user.clone()));
            let author = message.user.clone();
            Some(json!({
                "type": "reaction_added", "user": user, "reaction": name, "item_user": author,
                "item": {"type": "message", "channel": channel, "ts": ts}, "event_ts": state.next_ts(),
            }))
        });
        let Some(event) = event else { return cannot(format!("there is no message {ts}")) };
        Ok(self.sim.emit_event(event).await)
    }
}

impl State {
    /// Shows what an acknowledgement or a response URL says: to the channel, or to one person.
    pub(in crate::sim) fn answer_person(
        &mut self,
        user: &str,
        channel: &str,
        answer: &Value,
        in_channel: bool,
    ) {
        let problems = blocks::check_message(answer);
        if !problems.is_empty() {
            self.note(Happening::Trouble {
                what: format!("an answer to {user} is invalid: {problems:?}"),
            });
            return;
        }
        let list = |key: &str| answer[key].as_array().cloned().unwrap_or_default();
        let mut message = Message {
            channel: channel.to_string(),
            ts: self.next_ts(),
            user: self.options.app.bot_user.clone(),
            by_bot: true,
            text: answer["text"].as_str().unwrap_or_default().to_string(),
            blocks: list("blocks"),
            attachments: list("attachments"),
            thread_ts: answer["thread_ts"].as_str().map(ToString::to_string),
            ..Message::default()
        };
        self.name_blocks(&mut message.blocks);
        if in_channel {
            self.post(message);
        } else {
            message.ephemeral_to = Some(user.to_string());
            self.whisper(message);
        }
    }
}
