//! One integration binary: each more would be another link.

mod acknowledge;
mod architecture;
mod config;
mod journal;
mod manifest;
mod world;
