//! Who acts and who can be told: people as Slack knows them, and the roles that the config gives them.

use crate::domain::alert::words;
use crate::domain::ids::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Who did it. In the store: a bare Slack user id, `system`, `source:NAME` or `os:NAME`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Actor {
    Person(UserId),
    System,
    Source(SourceName),
    Os(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(user) => write!(f, "{user}"),
            Self::System => f.write_str("system"),
            Self::Source(name) => write!(f, "source:{name}"),
            Self::Os(name) => write!(f, "os:{name}"),
        }
    }
}

impl Actor {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("source", name)) => Self::Source(name.into()),
            Some(("os", name)) => Self::Os(name.to_owned()),
            _ if text == "system" => Self::System,
            _ => Self::Person(text.into()),
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Actor {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// The roles someone held at a moment. In the store: sorted, comma-separated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Roles(pub BTreeSet<RoleName>);

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(RoleName::as_str).collect::<Vec<_>>().join(","))
    }
}

impl Roles {
    /// Reads what `Display` wrote.
    pub fn parse(text: &str) -> Self {
        Self(text.split(',').filter(|name| !name.is_empty()).map(RoleName::from).collect())
    }
}

/// The way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Surface {
    Button,
    Modal,
    Slash,
    Shortcut,
    Home,
    Reaction,
    Cli,
    Webhook,
    Timer,
}

words! {
    Surface {
        Button = "button", Modal = "modal", Slash = "slash", Shortcut = "shortcut", Home = "home",
        Reaction = "reaction", Cli = "cli", Webhook = "webhook", Timer = "timer",
    }
}

/// One person as Slack describes them; what Slack did not tell is `None` or false.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// The handle, without `@`.
    pub name: String,
    pub email: Option<String>,
    pub workspace: Option<WorkspaceId>,
    /// A single- or multi-channel guest.
    pub guest: bool,
    pub deactivated: bool,
    pub do_not_disturb: bool,
}

/// Who is in a user group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    Known(BTreeSet<UserId>),
    /// Slack cannot tell (no answer yet, no scope, an error): what is dangerous is refused, paging goes on.
    Unknown,
}

/// What Slack has told of the workspace, as of the last refresh. A value in `decide`'s context, never asked for there.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub workspace: Option<WorkspaceId>,
    pub enterprise: Option<EnterpriseId>,
    pub people: BTreeMap<UserId, Person>,
    /// By user group id.
    pub groups: BTreeMap<UsergroupId, Membership>,
    /// User groups by handle, without `@`.
    pub group_names: BTreeMap<String, UsergroupId>,
    /// Channels by name, without `#`.
    pub channel_names: BTreeMap<String, ChannelId>,
}

/// A person, group or channel as the config writes them: an id, an e-mail address, a handle (`@name`), a name.
macro_rules! reference {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);
    )*};
}
reference! {
    /// `U0ALICE`, `alice@example.com`, `@alice`.
    UserRef;
    /// `S0BLUE`, `@blue-team`.
    UsergroupRef;
    /// `C0SOC`, `#soc-alerts`.
    ChannelRef;
}

impl ChannelRef {
    /// The id, where it is written as one.
    pub fn id(&self) -> Option<&str> {
        Some(self.0.as_str()).filter(|text| is_slack_id(text, &['C', 'G', 'D']))
    }
}

fn is_slack_id(text: &str, prefixes: &[char]) -> bool {
    text.len() >= 3
        && text.starts_with(prefixes)
        && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

impl Directory {
    /// The person meant; `None` where Slack has not told.
    pub fn user(&self, written: &UserRef) -> Option<UserId> {
        let text = written.0.as_str();
        if is_slack_id(text, &['U', 'W']) {
            return Some(text.into());
        }
        let handle = text.trim_start_matches('@');
        let is_meant = |person: &Person| {
            person.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(text))
                || person.name == handle
        };
        self.people.iter().find(|(_, person)| is_meant(person)).map(|(id, _)| id.clone())
    }

    /// The user group meant; `None` where Slack has not told.
    pub fn group(&self, written: &UsergroupRef) -> Option<UsergroupId> {
        if is_slack_id(&written.0, &['S']) {
            return Some(written.0.as_str().into());
        }
        self.group_names.get(written.0.trim_start_matches('@')).cloned()
    }

    /// Who is in the group meant.
    pub fn members(&self, written: &UsergroupRef) -> &Membership {
        self.group(written).and_then(|id| self.groups.get(&id)).unwrap_or(&Membership::Unknown)
    }

    /// The channel meant; `None` where Slack has not told (posting by name still works).
    pub fn channel(&self, written: &ChannelRef) -> Option<ChannelId> {
        if let Some(id) = written.id() {
            return Some(id.into());
        }
        self.channel_names.get(written.0.trim_start_matches('#')).cloned()
    }
}
