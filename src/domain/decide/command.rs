//! A command: may this person ask that?

use crate::domain::access::{self, authorise};
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::Action;
use crate::domain::input::{Command, Verb, Who};
use crate::domain::policy::{Context, Permission};
use crate::domain::refusal::Refusal;

pub(super) fn action_of(verb: &Verb) -> Action {
    match verb {
        Verb::Help => Action::Help,
        Verb::List => Action::List,
        Verb::Runs => Action::Runs,
        Verb::Show { .. } => Action::Show,
        Verb::Coverage => Action::Coverage,
        Verb::Unknown { .. } => Action::UnknownCommand,
    }
}

pub(super) fn ask(
    context: &Context<'_>,
    subject: Option<&Alert>,
    command: &Command,
) -> Result<(), Refusal> {
    let who = Who::Person(command.person.clone());
    match &command.verb {
        // Everybody who works here may learn what there is; what it shows is another question.
        Verb::Help => access::belongs_here(context.directory, &command.person),
        Verb::List | Verb::Runs | Verb::Coverage => {
            authorise(context, &who, Permission::See, None, ()).map(|_| ())
        }
        Verb::Show { .. } => {
            authorise(context, &who, Permission::See, subject, ())?;
            subject.map(|_| ()).ok_or(Refusal::NoSuchAlert)
        }
        Verb::Unknown { nearest, .. } => {
            access::belongs_here(context.directory, &command.person)?;
            Err(Refusal::UnknownCommand { nearest: nearest.clone() })
        }
    }
}
