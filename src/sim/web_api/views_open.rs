//! `views.open`, and what all `views.*` methods share.
use serde_json::{Value, json};

use super::args::Args;
use super::{Answer, Refused};
use crate::sim::blocks;
use crate::sim::happenings::Happening;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let view = view(args, "modal")?;
    let user = state.use_trigger(args.need("trigger_id")?)?;
    state.fresh_external_id(&view)?;
    state.clear_views(&user);
    state.show(&user, view)
}

/// The `view` argument, checked; its type must be `kind`.
pub fn view(args: &Args, kind: &str) -> Result<Value, Refused> {
    let missing = || Refused::invalid("[ERROR] missing required field: view".into());
    let view = args.json("view", "invalid_arguments")?.ok_or_else(missing)?;
    let mut problems = blocks::check_view(&view);
    if problems.is_empty() && view["type"] != *kind {
        problems.push("[ERROR] must be a valid enum value [json-pointer:/view/type]".into());
    }
    if problems.is_empty() {
        Ok(view)
    } else {
        Err(Refused::with_messages("invalid_arguments", &problems))
    }
}

impl State {
    /// Opens a view on top, and answers with it.
    pub(super) fn show(&mut self, user: &str, view: Value) -> Answer {
        let id = self.open_view(user, view);
        let title = self.views.get(&id).map(|view| view.title()).unwrap_or_default();
        let user = self.user_name(user);
        self.note(Happening::ViewOpened { user, title });
        self.view_answer(&id)
    }

    pub(super) fn view_answer(&self, id: &str) -> Answer {
        let view = self.views.get(id).ok_or("not_found")?;
        Ok(json!({"view": view.wire(self)}))
    }

    pub(super) fn fresh_external_id(&self, view: &Value) -> Result<(), Refused> {
        let Some(external) = view["external_id"].as_str().filter(|id| !id.is_empty()) else {
            return Ok(());
        };
        let taken = self.views.values().any(|open| open.body["external_id"] == *external);
        if taken { Err("duplicate_external_id".into()) } else { Ok(()) }
    }

    /// Where a `hash` was given it must be the view's present one.
    pub(super) fn same_hash(&self, id: &str, args: &Args) -> Result<(), Refused> {
        let present = self.views.get(id).map(|view| view.hash.as_str());
        match args.text("hash") {
            Some(hash) if Some(hash) != present => Err("hash_conflict".into()),
            _ => Ok(()),
        }
    }
}
