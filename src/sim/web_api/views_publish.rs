//! `views.publish`: an App Home.
use super::Answer;
use super::args::Args;
use super::views_open::view;
use crate::sim::happenings::Happening;
use crate::sim::state::State;
use crate::sim::state::views::View;

pub fn run(state: &mut State, args: &Args) -> Answer {
    let body = view(args, "home")?;
    let user = args.need("user_id")?.to_string();
    if !state.users.get(&user).is_some_and(|user| !user.deleted) {
        return Err("user_not_found".into());
    }
    let id = match state.homes.get(&user).cloned() {
        Some(id) => {
            state.same_hash(&id, args)?;
            id
        }
        None => state.first_home(&user),
    };
    state.set_view_body(&id, body);
    let happening = Happening::HomePublished { user: state.user_name(&user) };
    state.note(happening);
    state.view_answer(&id)
}

impl State {
    fn first_home(&mut self, user: &str) -> String {
        let id = self.next_id('V');
        self.homes.insert(user.to_string(), id.clone());
        let view =
            View { id: id.clone(), user: user.to_string(), root: id.clone(), ..View::default() };
        self.views.insert(id.clone(), view);
        id
    }
}
