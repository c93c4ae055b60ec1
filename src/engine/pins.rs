//! The playbook that a run was planned with: the one in force where it is the same, else as the run's own plan has it.

use crate::domain::ids::{PlaybookName, ToolName};
use crate::domain::playbook::Playbook;
use crate::domain::playbook::run::gate::Pinned;
use crate::domain::playbook::run::{Run, undo};
use crate::domain::policy::Policy;
use crate::domain::tool::Catalogue;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

/// Makes a playbook of its text; `None` where it is none any more.
pub type Compile = dyn Fn(&PlaybookName, &str, &Catalogue) -> Option<Playbook> + Send + Sync;

/// So many playbooks of earlier versions are kept ready.
const READY: usize = 64;

/// A playbook's hash, and the tools of it that are still what they were.
type Key = (String, Vec<(ToolName, String)>);

/// Playbooks by what they are pinned to.
pub struct Pins {
    compile: Box<Compile>,
    ready: Mutex<HashMap<Key, Option<Arc<Playbook>>>>,
}

impl fmt::Debug for Pins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pins(…)")
    }
}

impl Pins {
    /// Playbooks that are read by `compile`.
    pub fn new(compile: Box<Compile>) -> Self {
        Self { compile, ready: Mutex::default() }
    }

    /// What a run was planned with, over the tools as they are now: the gate holds them against its plan.
    pub fn of(&self, run: &Run, policy: &Policy) -> Option<Pinned> {
        let catalogue = policy.catalogue.clone();
        let current = policy.playbooks.0.get(&run.planned.playbook);
        if let Some(playbook) = current.filter(|p| p.hash == run.planned.playbook_hash) {
            return Some(Pinned { playbook: playbook.clone(), catalogue });
        }
        let text = &run.content.as_ref()?.text;
        // One that is no more, or another by now, says nothing of a text that was right with the one that it was: the gate
        // lets no call of it through, and what its last call has done can still be told.
        let mut same = catalogue.0.clone();
        same.retain(|name, tool| run.planned.tools.get(name) == Some(&tool.print));
        let key = (
            run.planned.playbook_hash.clone(),
            same.iter().map(|(name, tool)| (name.clone(), tool.print.clone())).collect(),
        );
        let mut ready = self.ready.lock().expect("nothing panics while it is held");
        if ready.len() >= READY {
            ready.clear();
        }
        let playbook = ready.entry(key).or_insert_with(|| {
            (self.compile)(&run.planned.playbook, text, &Catalogue(same))
                .filter(|playbook| playbook.hash == run.planned.playbook_hash)
                .map(Arc::new)
        });
        playbook.clone().map(|playbook| Pinned { playbook, catalogue })
    }

    /// The playbook that takes back what a run did, where there is one.
    pub fn undo(&self, run: &Run, pinned: &Pinned) -> Option<Arc<Playbook>> {
        let name = undo::name(&run.planned.playbook);
        let text = undo::text(run, pinned).filter(|_| undo::is_possible(run, pinned))?;
        (self.compile)(&name, &text, &pinned.catalogue).map(Arc::new)
    }
}
