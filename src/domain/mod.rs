//! The heart: pure values and functions. No async, no I/O, no clock, no randomness; whatever it needs is handed in.
//!
//! `input` comes in, `decide` says which `event`s have happened or why not (`refusal`), `alert::lifecycle` says what is so
//! now, and `react` says which `effect`s follow.

pub mod access;
pub mod alert;
pub mod coverage;
pub mod decide;
pub mod effect;
pub mod event;
pub mod ids;
pub mod input;
pub mod names;
pub mod people;
pub mod playbook;
pub mod policy;
pub mod protected;
pub mod react;
pub mod refusal;
pub mod time;
pub mod tool;
pub mod unrecorded;
