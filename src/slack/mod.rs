//! Slack: how everything looks and reads (`view`), what its buttons and forms carry (`action_id`), what is typed (`command`).

pub mod action_id;
pub mod command;
pub mod view;
