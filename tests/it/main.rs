//! One integration binary: each more would be another link.

mod acknowledge;
mod architecture;
mod config;
mod escalation;
mod forgery;
mod journal;
mod manifest;
mod outage;
mod places;
mod process;
mod roles;
mod samples;
mod schema;
mod secrets;
mod slack;
mod tampered;
mod world;
