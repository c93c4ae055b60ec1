//! One integration binary: each more would be another link.

mod acknowledge;
mod architecture;
mod config;
mod connections;
mod escalation;
mod forgery;
mod journal;
mod manifest;
mod outage;
mod process;
mod roles;
mod samples;
mod schema;
mod secrets;
mod sigterm;
mod slack;
mod tampered;
mod world;
