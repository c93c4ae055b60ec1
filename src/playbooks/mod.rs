//! Playbook files, read and checked: what can be known before an alert comes is known here. Each mistake is told with its place
//! and the nearest right word, all of a file at once.
//!
//! What comes out is `domain::playbook::Playbook`: every name in it exists, every expression compiles, every action has its
//! inputs.

mod asks;
mod calls;
mod file;
mod library;
mod names;
pub mod rehearsal;
mod schema;
mod shapes;
mod steps;
mod values;

pub use file::{Checked, check, recall};
pub use library::{Library, Waiting};
pub use schema::schema;
pub use shapes::reference;

use crate::domain::ids::RoleName;
use crate::domain::tool::Catalogue;

/// What playbooks are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub catalogue: &'a Catalogue,
    /// The roles of the config; `None` where there is none, and any will do.
    pub roles: Option<&'a [RoleName]>,
}

#[cfg(test)]
mod tests;
