//! What somebody can say where a run does not know how to go on.

use super::event::{Choice, Doubt};
use super::{Run, Turn};
use crate::domain::tool::Action;

/// What may be chosen for a turn in doubt; empty where there is nothing to choose.
pub fn choices(turn: &Turn, action: Option<&Action>) -> Vec<Choice> {
    let Some(doubt) = turn.doubt.filter(|_| turn.needs_a_word()) else { return Vec::new() };
    match doubt {
        Doubt::Unsure(_) => {
            let check = action.is_some_and(|action| action.verify.is_some());
            check
                .then_some(Choice::Check)
                .into_iter()
                .chain([Choice::Happened, Choice::Again, Choice::Abandon])
                .collect()
        }
        Doubt::NoneFound => vec![Choice::Again, Choice::Abandon],
        Doubt::SeveralFound => {
            let found = turn.answered.as_ref().and_then(|answered| answered.found.as_ref());
            let many = found.map_or(0, |found| found.items.len());
            (0..u32::try_from(many).unwrap_or(u32::MAX))
                .map(Choice::Take)
                .chain([Choice::Again, Choice::Abandon])
                .collect()
        }
    }
}

/// Whether somebody is asked something now.
pub fn is_asked(run: &Run) -> bool {
    run.in_question().is_some()
}
