//! One integration binary: each more would be another link.

mod acknowledge;
mod architecture;
mod clock;
mod config;
mod connections;
mod demo;
mod disk;
mod escalation;
mod forgery;
mod journal;
mod manifest;
mod outage;
mod places;
mod process;
mod reload;
mod roles;
mod samples;
mod schema;
mod secrets;
mod sigterm;
mod simulation;
mod slack;
mod storm;
mod tampered;
mod two_instances;
mod world;
