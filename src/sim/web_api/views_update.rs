//! `views.update`.
use super::Answer;
use super::args::Args;
use super::views_open::view;
use crate::sim::happenings::Happening;
use crate::sim::state::State;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let body = view(args, "modal")?;
    let id = state.find_view(args.text("view_id"), args.text("external_id"))?;
    state.same_hash(&id, args)?;
    state.set_view_body(&id, body);
    let view = state.views.get(&id).ok_or("not_found")?;
    let happening =
        Happening::ViewUpdated { user: state.user_name(&view.user), title: view.title() };
    state.note(happening);
    state.view_answer(&id)
}
