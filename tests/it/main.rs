//! One integration binary: each more would be another link.

mod architecture;
mod config;
mod journal;
mod manifest;
mod world;
