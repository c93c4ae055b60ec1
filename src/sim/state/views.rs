//! Modals and App Homes.
use serde_json::{Map, Value, json};

use super::State;
use super::messages::{Control, controls_of};

/// A modal that is open, or a home that was published.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// `V…`
    pub id: String,
    /// Changes with every change of the view.
    pub hash: String,
    pub user: String,
    /// The view as the app sent it, with block ids filled in.
    pub body: Value,
    /// `state.values`: block id → action id → what was entered or chosen.
    pub values: Map<String, Value>,
    /// Words under an input, by block id, from `response_action: errors`.
    pub errors: Map<String, Value>,
    pub root: String,
    pub previous: Option<String>,
    /// What Slack says above the form when the app did not answer.
    pub trouble: Option<String>,
}

impl View {
    pub fn title(&self) -> String {
        self.body["title"]["text"].as_str().unwrap_or_default().to_string()
    }

    pub fn callback_id(&self) -> String {
        self.body["callback_id"].as_str().unwrap_or_default().to_string()
    }

    pub fn private_metadata(&self) -> String {
        self.body["private_metadata"].as_str().unwrap_or_default().to_string()
    }

    pub fn blocks(&self) -> &[Value] {
        self.body["blocks"].as_array().map_or(&[], Vec::as_slice)
    }

    /// Everything that can be clicked or filled in, in reading order.
    pub fn controls(&self) -> Vec<Control> {
        controls_of(self.blocks())
    }

    /// The view as a person reads it.
    pub fn readable(&self) -> String {
        crate::sim::readable::view(self)
    }

    /// The view object as Slack hands it out.
    pub(in crate::sim) fn wire(&self, state: &State) -> Value {
        let body = &self.body;
        let or = |key: &str, default: Value| body.get(key).cloned().unwrap_or(default);
        json!({
            "id": self.id, "team_id": state.options.team.id, "type": or("type", json!("modal")), "blocks": or("blocks", json!([])),
            "private_metadata": or("private_metadata", json!("")), "callback_id": or("callback_id", json!("")),
            "state": {"values": self.values}, "hash": self.hash, "title": or("title", Value::Null),
            "clear_on_close": or("clear_on_close", json!(false)), "notify_on_close": or("notify_on_close", json!(false)),
            "close": or("close", Value::Null), "submit": or("submit", Value::Null), "previous_view_id": self.previous,
            "root_view_id": self.root, "app_id": state.options.app.id, "external_id": or("external_id", json!("")),
            "app_installed_team_id": state.options.team.id, "bot_id": state.options.app.bot_id,
        })
    }
}

/// A refusal of a view change, in Slack's word.
pub type ViewRefused = &'static str;

impl State {
    pub fn top_view(&self, user: &str) -> Option<&View> {
        self.views.get(self.stacks.get(user)?.last()?)
    }

    /// Opens a view on top of what the user has open (nothing, for `views.open`).
    pub fn open_view(&mut self, user: &str, body: Value) -> String {
        let id = self.next_id('V');
        let stack = self.stacks.entry(user.to_string()).or_default();
        let previous = stack.last().cloned();
        let root = stack.first().cloned().unwrap_or_else(|| id.clone());
        stack.push(id.clone());
        let view =
            View { id: id.clone(), user: user.to_string(), root, previous, ..View::default() };
        self.views.insert(id.clone(), view);
        self.set_view_body(&id, body);
        id
    }

    /// Replaces a view's content, keeping what was entered in blocks that stay.
    pub fn set_view_body(&mut self, id: &str, mut body: Value) {
        if let Some(blocks) = body.get_mut("blocks").and_then(Value::as_array_mut) {
            self.name_blocks(blocks);
        }
        let hash = format!("{}.{}", self.now_ms / 1000, self.secret().get(..8).unwrap_or_default());
        let Some(view) = self.views.get_mut(id) else { return };
        view.body = body;
        view.hash = hash;
        view.errors.clear();
        view.trouble = None;
        let initial = initial_values(&view.controls());
        let kept = std::mem::take(&mut view.values);
        for (block, action, value) in initial {
            let old = kept.get(&block).and_then(|actions| actions.get(&action)).cloned();
            let entry = view.values.entry(block).or_insert_with(|| json!({}));
            entry[action.as_str()] = old.unwrap_or(value);
        }
    }

    /// Takes the topmost view away.
    pub fn pop_view(&mut self, user: &str) -> Option<View> {
        let id = self.stacks.get_mut(user)?.pop()?;
        self.views.remove(&id)
    }

    pub fn clear_views(&mut self, user: &str) -> Vec<View> {
        let ids = self.stacks.remove(user).unwrap_or_default();
        ids.iter().rev().filter_map(|id| self.views.remove(id)).collect()
    }

    /// Finds a view by `view_id` or `external_id`.
    pub fn find_view(
        &self,
        view_id: Option<&str>,
        external_id: Option<&str>,
    ) -> Result<String, ViewRefused> {
        let found = match (view_id, external_id) {
            (Some(id), _) => self.views.get(id),
            (None, Some(external)) => {
                self.views.values().find(|view| view.body["external_id"] == *external)
            }
            (None, None) => return Err("invalid_arguments"),
        };
        found.map(|view| view.id.clone()).ok_or("not_found")
    }
}

/// What each control holds before anybody touched it.
fn initial_values(controls: &[Control]) -> Vec<(String, String, Value)> {
    let mut values = Vec::new();
    for control in controls.iter().filter(|c| c.kind != "button" && c.kind != "overflow") {
        let value = initial_value(&control.kind, &control.element);
        values.push((control.block_id.clone(), control.action_id.clone(), value));
    }
    values
}

/// One entry of `state.values`, from an element's `initial_*` fields.
fn initial_value(kind: &str, element: &Value) -> Value {
    let mut value = json!({"type": kind});
    let (key, initial, empty) = value_keys(kind);
    value[key] = element.get(initial).cloned().unwrap_or(empty);
    value
}

/// For an element type: its key in `state.values`, its `initial_…` field, and what stands there when it is empty.
pub(in crate::sim) fn value_keys(kind: &str) -> (&'static str, &'static str, Value) {
    match kind {
        "static_select" | "external_select" | "radio_buttons" => {
            ("selected_option", "initial_option", Value::Null)
        }
        "users_select" => ("selected_user", "initial_user", Value::Null),
        "conversations_select" => ("selected_conversation", "initial_conversation", Value::Null),
        "channels_select" => ("selected_channel", "initial_channel", Value::Null),
        "multi_static_select" | "multi_external_select" | "checkboxes" => {
            ("selected_options", "initial_options", json!([]))
        }
        "multi_users_select" => ("selected_users", "initial_users", json!([])),
        "multi_conversations_select" => {
            ("selected_conversations", "initial_conversations", json!([]))
        }
        "multi_channels_select" => ("selected_channels", "initial_channels", json!([])),
        "datepicker" => ("selected_date", "initial_date", Value::Null),
        "timepicker" => ("selected_time", "initial_time", Value::Null),
        "datetimepicker" => ("selected_date_time", "initial_date_time", Value::Null),
        "rich_text_input" => ("rich_text_value", "initial_value", Value::Null),
        _ => ("value", "initial_value", Value::Null),
    }
}
