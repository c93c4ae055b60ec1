//! Slack: what it sends us (`socket` → `inbound`), what we send it (`outbound` → `api`), and who is there (`directory`).
//!
//! | where | what |
//! | --- | --- |
//! | `api`, `failure` | one call of the Web API, and why it failed: did it happen, may it be tried again, when |
//! | `pacing`, `closed` | when a call may go (pure), and what Slack has closed for a while |
//! | `outbound`, `adoption`, `reach`, `reply_address` | posting, finding what was posted, who can hear it, answers |
//! | `socket/` | Socket Mode: two sockets that overlap at a refresh, and the acknowledgements |
//! | `payload`, `inbound/` | an envelope becomes an input, the input's answer an acknowledgement |
//! | `identity` | who a token is, and what Slack says beside the answer |
//! | `directory/` | people, groups and channels as Slack tells them |
//! | `manifest` | the scopes, events and commands that all of this needs |

pub mod action_id;
pub mod adoption;
pub mod api;
mod closed;
pub mod command;
pub mod directory;
pub mod failure;
pub mod identity;
pub mod inbound;
pub mod manifest;
pub mod openness;
pub mod outbound;
pub mod pacing;
pub mod payload;
pub mod reach;
pub mod reply_address;
pub mod socket;
pub mod view;

#[cfg(test)]
mod sim_tests;
