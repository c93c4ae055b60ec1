//! What is left of somebody who is gone: whatever they had is the team's again. Pure.

use crate::domain::alert::State;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::Event;
use crate::domain::people::{Actor, Directory};

/// What happens to the alert because somebody who has it is gone; nothing where nobody is.
pub fn left_behind(directory: &Directory, alert: &Alert) -> Option<Event> {
    match alert.state {
        State::Open => {
            let from = alert.assignee.clone().filter(|user| directory.is_deactivated(user))?;
            Some(Event::Returned { from })
        }
        State::Acknowledged => match &alert.holder.as_ref()?.by {
            Actor::Person(who) if directory.is_deactivated(who) => {
                Some(Event::HolderGone { who: who.clone() })
            }
            Actor::Person(_) | Actor::System | Actor::Source(_) | Actor::Os(_) => None,
        },
        State::Resolved => None,
    }
}
