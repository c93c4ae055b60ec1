//! Submitting and closing modals, and what the app's acknowledgement does to them.
use serde_json::{Value, json};

use super::payload::{answer_of, find};
use super::{Person, cannot};
use crate::sim::blocks;
use crate::sim::delivery::Kind;
use crate::sim::happenings::Happening;
use crate::sim::state::State;
use crate::sim::{CannotAct, Delivery, View};

impl Person {
    /// Fills in the topmost modal (an object: label, `action_id` or `block_id` → value) and submits it. The answer's
    /// `response_action` is carried out; its errors stand in [`View::errors`] of the view that stays open.
    pub async fn submit(&self, values: Value) -> Result<Delivery, CannotAct> {
        for (input, value) in values.as_object().into_iter().flatten() {
            self.enter(input, value.clone())?;
        }
        let user = self.id()?;
        let Some(view) = self.look(|state| state.top_view(&user).cloned()) else {
            return cannot("no dialog is open");
        };
        all_required(&view)?;
        let payload = self.change(|state| {
            let mut payload = self.envelope(state, &user, "view_submission");
            payload.insert("trigger_id".into(), json!(state.new_trigger(&user)));
            payload.insert("view".into(), view.wire(state));
            payload.insert("response_urls".into(), json!([]));
            Value::Object(payload)
        });
        let delivery = self
            .deliver(Kind::Interactive, payload, format!("submitted {:?}", view.title()))
            .await?;
        self.change(|state| state.answer_submission(&view, &delivery));
        Ok(delivery)
    }

    /// Closes the topmost modal with its cross or its close button. `None`: the app did not ask to hear of it.
    pub async fn close(&self) -> Result<Option<Delivery>, CannotAct> {
        let user = self.id()?;
        let Some(view) = self.change(|state| state.pop_view(&user)) else {
            return cannot("no dialog is open");
        };
        self.closed(&view, false).await
    }

    /// Closes the whole stack of modals.
    pub async fn close_all(&self) -> Result<Option<Delivery>, CannotAct> {
        let user = self.id()?;
        let mut last = None;
        for view in self.change(|state| state.clear_views(&user)) {
            last = self.closed(&view, true).await?.or(last);
        }
        Ok(last)
    }

    async fn closed(&self, view: &View, is_cleared: bool) -> Result<Option<Delivery>, CannotAct> {
        let closed = Happening::ViewClosed { user: self.who.clone(), title: view.title() };
        self.change(|state| state.note(closed));
        if view.body["notify_on_close"] != true {
            return Ok(None);
        }
        let payload = self.look(|state| {
            let mut payload = self.envelope(state, &view.user, "view_closed");
            payload.insert("view".into(), view.wire(state));
            payload.insert("is_cleared".into(), json!(is_cleared));
            Value::Object(payload)
        });
        self.deliver(Kind::Interactive, payload, format!("closed {:?}", view.title()))
            .await
            .map(Some)
    }
}

/// Slack's client sends no form with an empty required input.
fn all_required(view: &View) -> Result<(), CannotAct> {
    if view.body.get("submit").is_none_or(Value::is_null)
        && view.blocks().iter().any(|b| b["type"] == "input")
    {
        return cannot("the dialog has no submit button");
    }
    for block in view.blocks().iter().filter(|b| b["type"] == "input" && b["optional"] != true) {
        let controls = view.controls();
        let control = find(&controls, block["block_id"].as_str().unwrap_or_default())?;
        let entered = &view.values[&control.block_id][control.action_id.as_str()];
        let mut filled = entered
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(key, _)| *key != "type")
            .map(|(_, value)| value);
        if filled.all(|value| value.is_null() || value == "" || *value == json!([])) {
            return cannot(format!("{:?} is required", control.label));
        }
    }
    Ok(())
}

impl State {
    /// Carries out the acknowledgement of a submission.
    fn answer_submission(&mut self, view: &View, delivery: &Delivery) {
        if !delivery.is_acked() {
            let trouble = "We had some trouble connecting. Try again?".to_string();
            if let Some(view) = self.views.get_mut(&view.id) {
                view.trouble = Some(trouble);
            }
            return;
        }
        let Some(answer) = answer_of(delivery) else {
            self.take_off(view);
            return;
        };
        match answer.get("response_action").and_then(Value::as_str) {
            Some("clear") => {
                self.clear_views(&view.user);
                self.note_closed(view);
            }
            Some("errors") => self.show_errors(view, &answer["errors"]),
            Some("update") => self.show_answer(view, &answer["view"], true),
            Some("push") => self.show_answer(view, &answer["view"], false),
            other => self.trouble(view, format!("unknown response_action {other:?}")),
        }
    }

    fn take_off(&mut self, view: &View) {
        if let Some(stack) = self.stacks.get_mut(&view.user) {
            stack.retain(|id| *id != view.id);
        }
        self.views.remove(&view.id);
        self.note_closed(view);
    }

    fn note_closed(&mut self, view: &View) {
        let user = self.user_name(&view.user);
        self.note(Happening::ViewClosed { user, title: view.title() });
    }

    fn show_errors(&mut self, view: &View, errors: &Value) {
        let inputs: Vec<&Value> =
            view.blocks().iter().filter(|b| b["type"] == "input").map(|b| &b["block_id"]).collect();
        let errors = errors.as_object().cloned().unwrap_or_default();
        if errors.is_empty() || errors.keys().any(|block| !inputs.iter().any(|id| *id == block)) {
            self.trouble(view, format!("response_action errors names no input block: {errors:?}"));
            return;
        }
        if let Some(view) = self.views.get_mut(&view.id) {
            view.errors = errors;
            view.trouble = None;
        }
    }

    fn show_answer(&mut self, view: &View, body: &Value, replace: bool) {
        let problems = blocks::check_view(body);
        if !problems.is_empty() {
            self.trouble(view, format!("the view in the acknowledgement is invalid: {problems:?}"));
            return;
        }
        let user = self.user_name(&view.user);
        let title = body["title"]["text"].as_str().unwrap_or_default().to_string();
        if replace {
            self.set_view_body(&view.id, body.clone());
            self.note(Happening::ViewUpdated { user, title });
        } else if self.stacks.get(&view.user).map_or(0, Vec::len) >= 3 {
            self.trouble(view, "a fourth view was pushed (push_limit_reached)".into());
        } else {
            self.open_view(&view.user, body.clone());
            self.note(Happening::ViewOpened { user, title });
        }
    }

    fn trouble(&mut self, view: &View, what: String) {
        if let Some(view) = self.views.get_mut(&view.id) {
            view.trouble = Some("We had some trouble connecting. Try again?".into());
        }
        self.note(Happening::Trouble { what });
    }
}
