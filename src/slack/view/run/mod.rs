//! A run as people see it: its message in the alert's thread, its plan before anything is done, the form with what it asks.

pub mod ask;
mod buttons;
pub mod list;
pub mod message;
pub mod plan;
pub mod steps;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::playbook::run::Run;
use crate::domain::tool::{Catalogue, Risk, Uses};

/// A run with what its views need beside it.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub run: &'a Run,
    pub alert: Option<&'a Alert>,
    pub catalogue: &'a Catalogue,
}

impl Shown<'_> {
    /// The playbook's title; its name once the plan was erased.
    pub fn title(&self) -> &str {
        let content = self.run.content.as_ref();
        content.map_or(self.run.planned.playbook.as_str(), |content| content.title.as_str())
    }

    /// Whether it had effects, and each has a way back.
    pub fn can_be_undone(&self) -> bool {
        let effects: Vec<&Uses> = self.run.effects().collect();
        let has_undo = |uses: &&Uses| {
            self.catalogue.find(uses).is_some_and(|(_, action)| action.undo.is_some())
        };
        let ended = self.run.is_over() && self.run.planned.undoes.is_none();
        ended && !effects.is_empty() && effects.iter().all(has_undo)
    }
}

/// How dangerous a call is, with a sign; the word is always there.
pub fn risk(risk: Risk) -> &'static str {
    match risk {
        Risk::Read => "only looks",
        Risk::Write => "✏️ changes something",
        Risk::Destructive => "💥 destructive",
    }
}
