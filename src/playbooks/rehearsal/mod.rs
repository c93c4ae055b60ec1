//! Playbooks tried without any tool: a file of cases says what the tools would answer, and the very decisions of a real run are made
//! on it. What comes out otherwise than the case says is told with its place.
//!
//! No clock, no network, no chance: the same file gives the same answer for ever.

mod file;
mod schema;
mod shapes;
mod stage;

pub use file::{Case, Cue, Word, read};
pub use schema::schema;
pub use shapes::reference;

use super::Known;
use crate::domain::playbook::Playbook;
use crate::yaml::{Problem, Report};
use std::sync::Arc;

/// One case, and what came out otherwise than it says: nothing, where it is as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsed {
    pub name: String,
    pub problems: Vec<Problem>,
}

/// Reads a file of cases and tries each; or says everything that is wrong with the file.
pub fn rehearse(
    (file, text): (&str, &str),
    playbook: &Arc<Playbook>,
    known: Known<'_>,
) -> Result<Vec<Rehearsed>, Vec<Problem>> {
    let cases = read((file, text), known.catalogue)?;
    let tried = cases.iter().map(|case| {
        let mut report = Report::new(file, text);
        stage::play(case, (playbook, known.catalogue), &mut report);
        Rehearsed { name: case.name.clone(), problems: report.finish().0 }
    });
    Ok(tried.collect())
}
