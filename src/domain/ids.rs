//! Names of things as types: our own ids (prefix and ULID) and those that Slack or the config gives.
//!
//! Our ids are made by the shell (`engine`, `intake`, `slack`) and carried in the input, so that the domain needs no
//! randomness: the same input always leads to the same events.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is; where a format matters, the border has checked it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }
            /// The id as it is written in the store, in Slack and in exports.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }
    )*};
}

text_id! {
    /// An alert: `alr_` and a ULID.
    AlertId;
    /// One start of the process: `boot_` and a ULID.
    BootId;
    /// The journal's own name, in its first entry and in every leaf: `jrn_` and a ULID.
    JournalId;
    /// Names one delivery (`DESIGN` §1): the same key is answered once, and then answered the same.
    InputKey;
    /// A person, as Slack names them: `U…` or `W…`.
    UserId;
    /// A channel, group or direct message, as Slack names it: `C…`, `G…`, `D…`.
    ChannelId;
    /// A Slack user group: `S…`.
    UsergroupId;
    /// A Slack workspace: `T…`.
    WorkspaceId;
    /// An organisation of Slack's Enterprise Grid: `E…`.
    EnterpriseId;
    /// A message's time stamp within its channel, which is its name: `1732500000.000100`.
    MessageTs;
    /// A configured source, as in `/hooks/{source}`.
    SourceName;
    /// A role of the config: `analyst`, `lead`, `auditor` and the team's own.
    RoleName;
    /// A team of the config.
    TeamName;
    /// A route of the config.
    RouteName;
    /// An escalation policy of the config.
    EscalationName;
    /// One run of a playbook: `run_` and a ULID.
    RunId;
    /// A playbook: its file's name without `.yaml`.
    PlaybookName;
    /// A step of a playbook, by its `id`.
    StepId;
    /// A tool as playbooks name it: the key under `tools` in the config.
    ToolName;
    /// What a tool can do, by the verb that an analyst says: `contain`.
    ActionName;
}

impl AlertId {
    /// Reads an id that a person typed or a button carried.
    pub fn parse(text: &str) -> Option<Self> {
        ours("alr_", text).map(Self)
    }
}

impl RunId {
    /// Reads an id that a person typed or a button carried.
    pub fn parse(text: &str) -> Option<Self> {
        ours("run_", text).map(Self)
    }
}

fn ours(prefix: &str, text: &str) -> Option<String> {
    let ulid = text.strip_prefix(prefix)?;
    let good = ulid.len() == 26 && ulid.bytes().all(|b| b.is_ascii_alphanumeric());
    good.then(|| format!("{prefix}{}", ulid.to_ascii_uppercase()))
}
