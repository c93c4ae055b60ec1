//! Whether the record is what it was: reads the journal, never writes state.

pub mod chain;
pub mod verify;
