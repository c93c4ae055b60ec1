//! The YAML that people write, read as a tree that knows its places; and what is wrong with it, all at once: file, line, column,
//! the line itself, and the nearest right word. The config, playbooks and connectors are read by it.
//!
//! What stands where a secret belongs is never shown (`hidden`), whichever file it is.

pub mod fields;
pub mod hidden;
pub mod problem;
mod tree;
pub mod units;

pub use problem::{Place, Problem, Report, Spot, nearest};
pub use tree::{Node, What, Word, parse};
