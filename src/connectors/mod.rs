//! The tools that playbooks call: what their files say (`spec`, `library`), a tool with its connection (`connect`), one call of it
//! (`client`), and one request sent safely (`wire`).

pub mod client;
pub mod connect;
pub mod library;
mod outgoing;
mod pages;
pub mod spec;
pub mod wire;

#[cfg(test)]
mod tests;

pub use client::{Client, Line, Lines};
pub use connect::{Given, connect};
pub use library::Library;
pub use spec::Spec;
