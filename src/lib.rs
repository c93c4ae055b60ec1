//! Vigie: a Slack-first security chatops bot.
pub mod cli;
pub mod clock;
pub mod domain;
pub mod fresh;
pub mod inbox;
pub mod intake;
pub mod sim;
