//! What an input is about: the alert, the run, and what goes with them; and the streams of one decision, each folded as it goes on.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::decide::Subject;
use crate::domain::effect::Effect;
use crate::domain::event::Stream;
use crate::domain::ids::{PlaybookName, RunId};
use crate::domain::input::*;
use crate::domain::playbook::Playbook;
use crate::domain::playbook::run::Run;
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::time::Timestamp;
use crate::store::projections::Folded;
use std::sync::Arc;

/// What an input is about, as it stands on disk.
#[derive(Default)]
pub(super) struct About {
    pub(super) alert: Option<Alert>,
    pub(super) run: Option<Run>,
    pub(super) pinned: Option<Pinned>,
    pub(super) live: Option<RunId>,
    pub(super) undone: Option<RunId>,
    pub(super) undo: Option<Arc<Playbook>>,
    pub(super) destructive: Vec<Timestamp>,
}

impl About {
    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            alert: self.alert.as_ref(),
            run: self.run.as_ref(),
            pinned: self.pinned.as_ref(),
            live: self.live.as_ref(),
            undone: self.undone.as_ref(),
            undo: self.undo.as_ref(),
            destructive: &self.destructive,
        }
    }
}

/// The streams that one decision tells of, each folded as it goes on.
#[derive(Default)]
pub(super) struct Streams(Vec<(Stream, Folded, bool)>);

impl Streams {
    pub(super) fn of(about: About) -> Self {
        let alert =
            about.alert.map(|alert| (Stream::Alert(alert.id.clone()), Folded::Alert(alert), false));
        let run = about.run.map(|run| (Stream::Run(run.id.clone()), Folded::Run(run), false));
        Self(alert.into_iter().chain(run).collect())
    }

    /// As it stands; nothing yet where the stream begins.
    pub(super) fn take(&mut self, stream: &Stream) -> Folded {
        match self.0.iter_mut().find(|(of, ..)| of == stream) {
            Some((_, folded, _)) => std::mem::take(folded),
            None => Folded::Nothing,
        }
    }

    pub(super) fn keep(&mut self, stream: &Stream, after: Folded) {
        match self.0.iter_mut().find(|(of, ..)| of == stream) {
            Some(found) => (found.1, found.2) = (after, true),
            None => self.0.push((stream.clone(), after, true)),
        }
    }

    /// Nothing has happened in it, and it is looked at again all the same.
    pub(super) fn touch(&mut self, stream: &Stream) {
        if let Some(found) = self.0.iter_mut().find(|(of, ..)| of == stream) {
            found.2 = true;
        }
    }

    pub(super) fn changed(&self) -> impl Iterator<Item = (&Stream, &Folded)> {
        self.0.iter().filter(|(.., changed)| *changed).map(|(stream, folded, _)| (stream, folded))
    }
}

/// The run that an input is about.
pub(super) fn run_of(input: &Input) -> Option<&RunId> {
    match input {
        Input::Click(click) => match &click.binding {
            Binding::Run { run, .. } | Binding::NamedRun { run } => Some(run),
            Binding::Good { .. } | Binding::Named { .. } | Binding::Forged => None,
        },
        Input::Moment(Moment::RunDue { run }) => Some(run),
        Input::Moment(Moment::CallDue(due)) => Some(&due.run),
        Input::Outcome(outcome) => outcome.effect.run(),
        Input::Alert(_) | Input::Command(_) | Input::Moment(_) => None,
    }
}

/// The playbook that an input wants run.
pub(super) fn playbook_of<'a>(input: &'a Input, run: Option<&'a Run>) -> Option<&'a PlaybookName> {
    match input {
        Input::Click(click) => match &click.act {
            Act::AskRun { playbook, .. } | Act::PlanRun { playbook, .. } => Some(playbook),
            Act::StartRun => run.map(|run| &run.planned.playbook),
            _ => None,
        },
        Input::Outcome(Outcome { effect: Effect::Trigger { playbook, .. }, .. }) => Some(playbook),
        _ => None,
    }
}

/// The run whose effects an input wants taken back.
pub(super) fn undone_by<'a>(input: &Input, run: &'a Run) -> Option<&'a RunId> {
    let Input::Click(click) = input else { return None };
    match click.act {
        Act::UndoRun { .. } => Some(&run.id),
        // Two plans may wait side by side: the first that is started does it.
        Act::StartRun => run.planned.undoes.as_ref(),
        _ => None,
    }
}
