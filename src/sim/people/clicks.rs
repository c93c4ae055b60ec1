//! Clicking and choosing: `block_actions` from messages, modals and the App Home.
use serde_json::{Map, Value, json};

use super::payload::find;
use super::{At, Person, cannot};
use crate::sim::delivery::Kind;
use crate::sim::state::State;
use crate::sim::state::messages::Control;
use crate::sim::{CannotAct, Delivery, Message, View};

/// What a click was on, found again at the moment of clicking.
enum Surface {
    Message(Message),
    View(View),
}

impl Surface {
    fn controls(&self) -> Vec<Control> {
        match self {
            Self::Message(message) => message.controls(),
            Self::View(view) => view.controls(),
        }
    }
}

impl Person {
    /// Clicks a button, found by its label, `action_id` or `block_id`.
    pub async fn click(&self, at: impl Into<At>, button: &str) -> Result<Delivery, CannotAct> {
        self.press(at.into(), button, None).await
    }

    /// Clicks a button, but sends another value than the button has.
    pub async fn click_with_value(
        &self,
        at: impl Into<At>,
        button: &str,
        value: &str,
    ) -> Result<Delivery, CannotAct> {
        self.press(at.into(), button, Some(value)).await
    }

    /// Chooses from an overflow menu or any select: an option by its text or value, a person by handle, a channel by name.
    pub async fn choose(
        &self,
        at: impl Into<At>,
        control: &str,
        choice: impl Into<Value>,
    ) -> Result<Delivery, CannotAct> {
        let surface = self.surface(&at.into())?;
        let controls = surface.controls();
        let control = match find(&controls, control) {
            Ok(control) => control,
            Err(why) => only_of_kind(&controls, control).ok_or(why)?,
        };
        let choice = choice.into();
        let mut entered = self.entered_or_option(control, &choice)?;
        if let Surface::View(view) = &surface {
            self.keep(&view.id, control, &entered);
        }
        let act = format!("chose {choice} from {:?}", named(control));
        let action =
            action_fields(control, entered.as_object_mut().map(std::mem::take).unwrap_or_default());
        self.act(&surface, action, act).await
    }

    fn entered_or_option(&self, control: &Control, choice: &Value) -> Result<Value, CannotAct> {
        if control.kind != "overflow" {
            return self.entered(control, choice);
        }
        let option =
            super::payload::option_of(&control.element, choice.as_str().unwrap_or_default())?;
        Ok(json!({"type": "overflow", "selected_option": option}))
    }

    /// Presses a button that the message had before: somebody's screen is old.
    pub async fn click_old(
        &self,
        at: impl Into<At>,
        button: &Control,
    ) -> Result<Delivery, CannotAct> {
        let surface = self.surface(&at.into())?;
        self.press_on(&surface, button, None).await
    }

    async fn press(
        &self,
        at: At,
        button: &str,
        value: Option<&str>,
    ) -> Result<Delivery, CannotAct> {
        let surface = self.surface(&at)?;
        let buttons: Vec<Control> =
            surface.controls().into_iter().filter(|c| c.kind == "button").collect();
        self.press_on(&surface, find(&buttons, button)?, value).await
    }

    async fn press_on(
        &self,
        surface: &Surface,
        button: &Control,
        value: Option<&str>,
    ) -> Result<Delivery, CannotAct> {
        let mut fields = Map::from_iter([("text".to_string(), button.element["text"].clone())]);
        if let Some(value) = value.or(button.value.as_deref()) {
            fields.insert("value".into(), json!(value));
        }
        if let Some(style) = button.element.get("style") {
            fields.insert("style".into(), style.clone());
        }
        fields.insert("type".into(), json!("button"));
        let act = format!("clicked {:?}", named(button));
        self.act(surface, action_fields(button, fields), act).await
    }

    /// Sends `block_actions` with this one action.
    async fn act(
        &self,
        surface: &Surface,
        action: (Control, Map<String, Value>),
        act: String,
    ) -> Result<Delivery, CannotAct> {
        let user = self.id()?;
        let payload = self.change(|state| {
            let mut payload = self.envelope(state, &user, "block_actions");
            payload.insert("trigger_id".into(), json!(state.new_trigger(&user)));
            let (control, mut fields) = action;
            fields.insert("action_ts".into(), json!(state.next_ts()));
            match surface {
                Surface::Message(message) => {
                    self.add_message(state, &mut payload, message, &control)
                }
                Surface::View(view) => {
                    let view = state.views.get(&view.id).unwrap_or(view);
                    payload.insert("container".into(), json!({"type": "view", "view_id": view.id}));
                    payload.insert("view".into(), view.wire(state));
                }
            }
            payload.insert("actions".into(), json!([fields]));
            Value::Object(payload)
        });
        self.deliver(Kind::Interactive, payload, act).await
    }

    fn add_message(
        &self,
        state: &mut State,
        payload: &mut Map<String, Value>,
        message: &Message,
        control: &Control,
    ) {
        let ephemeral = message.ephemeral_to.is_some();
        let mut container = json!({
            "type": "message", "message_ts": message.ts, "channel_id": message.channel, "is_ephemeral": ephemeral,
        });
        if control.attachment > 0 {
            container["type"] = json!("message_attachment");
            container["attachment_id"] = json!(control.attachment);
            container["is_app_unfurl"] = json!(false);
        }
        if let Some(thread) = &message.thread_ts {
            container["thread_ts"] = json!(thread);
        }
        let user = payload["user"]["id"].as_str().unwrap_or_default().to_string();
        let hook = state.new_hook(&user, &message.channel, Some(&message.ts));
        let name = state.channels.get(&message.channel).map(|c| c.payload_name().to_string());
        payload.insert("container".into(), container);
        payload.insert("channel".into(), json!({"id": message.channel, "name": name}));
        if !ephemeral {
            payload.insert("message".into(), message.wire(state, true));
        }
        payload.insert("state".into(), json!({"values": {}}));
        payload.insert("response_url".into(), json!(self.hook_url(&hook)));
    }

    /// Fills in an input of the topmost modal without sending anything.
    pub fn enter(&self, input: &str, value: impl Into<Value>) -> Result<(), CannotAct> {
        let Surface::View(view) = self.surface(&At::Modal)? else {
            return cannot("no dialog is open");
        };
        let controls = view.controls();
        let control = find(&controls, input)?;
        let entered = self.entered(control, &value.into())?;
        self.keep(&view.id, control, &entered);
        Ok(())
    }

    fn keep(&self, view: &str, control: &Control, entered: &Value) {
        if control.kind == "overflow" || control.kind == "button" {
            return;
        }
        self.change(|state| {
            let Some(view) = state.views.get_mut(view) else { return };
            let block = view.values.entry(control.block_id.clone()).or_insert_with(|| json!({}));
            block[control.action_id.as_str()] = entered.clone();
        });
    }

    fn surface(&self, at: &At) -> Result<Surface, CannotAct> {
        let user = self.id()?;
        self.look(|state| match at {
            At::Message { channel, ts } => {
                let id = state.channel_id(channel).unwrap_or_else(|| channel.clone());
                let shown = state
                    .ephemerals
                    .iter()
                    .find(|m| m.ts == *ts && m.ephemeral_to.as_deref() == Some(&user));
                let found = state.message(&id, ts).or(shown).cloned().map(Surface::Message);
                found.ok_or_else(|| {
                    CannotAct(format!("there is no message {ts} in {channel} for {}", self.who))
                })
            }
            At::Modal => {
                let view = state.top_view(&user).cloned().map(Surface::View);
                view.ok_or_else(|| CannotAct(format!("{} has no dialog open", self.who)))
            }
            At::Home => {
                let view = state
                    .homes
                    .get(&user)
                    .and_then(|id| state.views.get(id))
                    .cloned()
                    .map(Surface::View);
                view.ok_or_else(|| CannotAct(format!("{} has no Home yet", self.who)))
            }
        })
    }
}

/// What people call a control.
fn named(control: &Control) -> &str {
    if control.label.is_empty() { &control.action_id } else { &control.label }
}

/// An overflow has no label; its type names it where there is only one.
fn only_of_kind<'a>(controls: &'a [Control], kind: &str) -> Option<&'a Control> {
    let mut of_kind = controls.iter().filter(|c| c.kind == kind);
    of_kind.next().filter(|_| of_kind.next().is_none())
}

fn action_fields(
    control: &Control,
    mut fields: Map<String, Value>,
) -> (Control, Map<String, Value>) {
    fields.insert("action_id".into(), json!(control.action_id));
    fields.insert("block_id".into(), json!(control.block_id));
    for key in ["placeholder", "confirm"] {
        if let Some(value) = control.element.get(key) {
            fields.insert(key.into(), value.clone());
        }
    }
    (control.clone(), fields)
}
