//! Vigie: a Slack-first security chatops bot.
pub mod app;
pub mod audit;
pub mod certificate;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod domain;
pub mod engine;
pub mod fresh;
pub mod inbox;
pub mod intake;
pub mod metrics;
pub mod sim;
pub mod slack;
pub mod store;
pub mod telemetry;
