//! A run as people see it: its message in the alert's thread, its plan before anything is done, the form with what it asks.

pub mod ask;
mod buttons;
pub mod list;
pub mod message;
pub mod plan;
pub mod steps;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::playbook::run::{Run, undo};
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
        let undo = |uses: &&Uses| {
            let (tool, action) = self.catalogue.find(uses)?;
            Some(tool.actions.get(&action.undo.as_ref()?.action)?.risk)
        };
        let undos: Option<Vec<Risk>> = effects.iter().map(undo).collect();
        let ended = self.run.is_over() && self.run.planned.undoes.is_none();
        let allowed = |undos: Vec<Risk>| undo::is_allowed(self.run, undos.into_iter().max());
        ended && !effects.is_empty() && undos.is_some_and(allowed)
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
