//! Vigie: a Slack-first security chatops bot.
pub mod sim;
