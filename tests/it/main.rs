//! One integration binary: each more would be another link.

mod acknowledge;
mod architecture;
mod config;
mod escalation;
mod journal;
mod manifest;
mod outage;
mod roles;
mod samples;
mod schema;
mod slack;
mod world;
