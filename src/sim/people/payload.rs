//! The fields that every interactive payload has in common, and what a choice looks like in one.
use serde_json::{Map, Value, json};

use super::{Person, cannot};
use crate::sim::state::State;
use crate::sim::state::messages::Control;
use crate::sim::state::views::value_keys;
use crate::sim::{CannotAct, Delivery};

impl Person {
    /// `type`, `user`, `team`, `enterprise` and so on, without what was acted on.
    pub(super) fn envelope(&self, state: &State, user: &str, kind: &str) -> Map<String, Value> {
        let options = &state.options;
        let account = state.users.get(user);
        let name = account.map(|u| u.name.clone()).unwrap_or_default();
        let foreign = self.from_team.as_ref().or(account.and_then(|u| u.foreign_team.as_ref()));
        let team = json!({"id": options.team.id, "domain": options.team.domain});
        let enterprise = json!({"id": options.team.enterprise_id, "name": options.team.name});
        let fields = json!({
            "type": kind,
            "user": {"id": user, "username": name, "name": name, "team_id": foreign.unwrap_or(&options.team.id)},
            "api_app_id": options.app.id, "token": "verification",
            "team": if self.on_grid { Value::Null } else { team },
            "enterprise": if self.on_grid { enterprise } else { Value::Null },
            "is_enterprise_install": self.on_grid,
        });
        fields.as_object().cloned().unwrap_or_default()
    }

    /// The full address of a response URL's path.
    pub(super) fn hook_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.sim.workspace.addr)
    }

    /// What `state.values` holds once `given` is put into a control: text, an option by its text or value, a person by
    /// handle, a date; an array for what takes several; null empties it.
    pub(super) fn entered(&self, control: &Control, given: &Value) -> Result<Value, CannotAct> {
        let (key, _, empty) = value_keys(&control.kind);
        let several = empty.is_array();
        let value = match given {
            Value::Null => empty,
            Value::Array(items) if several => items
                .iter()
                .map(|item| self.one(control, item))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            item if several => json!([self.one(control, item)?]),
            item => self.one(control, item)?,
        };
        Ok(json!({"type": control.kind, key: value}))
    }

    fn one(&self, control: &Control, given: &Value) -> Result<Value, CannotAct> {
        let text = given.as_str().map_or_else(|| given.to_string(), ToString::to_string);
        match control.kind.trim_start_matches("multi_") {
            "static_select" | "radio_buttons" | "checkboxes" | "overflow" => {
                option_of(&control.element, &text)
            }
            "users_select" => Ok(json!(self.sim.user_id(&text)?)),
            "conversations_select" | "channels_select" => Ok(json!(self.sim.channel_id(&text)?)),
            "datetimepicker" => Ok(given.clone()),
            "number_input" => number(&control.element, text),
            "plain_text_input" | "email_text_input" | "url_text_input" => {
                typed(&control.element, text)
            }
            _ => Ok(json!(text)),
        }
    }
}

/// An option of a select, by its text or its value.
pub(super) fn option_of(element: &Value, wanted: &str) -> Result<Value, CannotAct> {
    let groups = element["option_groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group["options"].as_array());
    let all: Vec<&Value> =
        element["options"].as_array().into_iter().chain(groups).flatten().collect();
    if let Some(option) = all.iter().find(|o| o["text"]["text"] == *wanted || o["value"] == *wanted)
    {
        return Ok((*option).clone());
    }
    let labels: Vec<&str> = all.iter().filter_map(|o| o["text"]["text"].as_str()).collect();
    cannot(format!("there is no option {wanted:?}; there are {labels:?}"))
}

/// Slack's client lets nobody type more or less than the element allows.
fn typed(element: &Value, text: String) -> Result<Value, CannotAct> {
    let count = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
    let (min, max) = (
        element["min_length"].as_u64().unwrap_or(0),
        element["max_length"].as_u64().unwrap_or(3000),
    );
    if count < min || count > max {
        return cannot(format!("{min} to {max} characters can be typed here, not {count}"));
    }
    Ok(json!(text))
}

/// Slack's client sends a number as text, and none that the element does not allow.
fn number(element: &Value, text: String) -> Result<Value, CannotAct> {
    let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) else {
        return cannot(format!("{text:?} is no number"));
    };
    if element["is_decimal_allowed"] != true && number.fract() != 0.0 {
        return cannot(format!("{text} is no whole number"));
    }
    let bound = |name: &str| element[name].as_str().and_then(|bound| bound.parse::<f64>().ok());
    let too_small = bound("min_value").is_some_and(|least| number < least);
    if too_small || bound("max_value").is_some_and(|most| number > most) {
        return cannot(format!("{text} is not within what is asked for"));
    }
    Ok(json!(text))
}

/// The control that is meant by a label, an `action_id` or a `block_id`, in this order.
pub(super) fn find<'a>(controls: &'a [Control], wanted: &str) -> Result<&'a Control, CannotAct> {
    let by = |key: fn(&Control) -> &str| controls.iter().find(|control| key(control) == wanted);
    let found = by(|c| &c.label).or_else(|| by(|c| &c.action_id)).or_else(|| by(|c| &c.block_id));
    if let Some(control) = found {
        return Ok(control);
    }
    let there: Vec<&str> = controls
        .iter()
        .map(|c| if c.label.is_empty() { &c.action_id } else { &c.label }.as_str())
        .collect();
    cannot(format!("there is no {wanted:?}; there are {there:?}"))
}

/// Whether an acknowledgement asks for something to be shown at once.
pub(super) fn answer_of(delivery: &Delivery) -> Option<&Map<String, Value>> {
    delivery.payload().and_then(Value::as_object).filter(|fields| !fields.is_empty())
}
