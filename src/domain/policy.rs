//! What the config says, checked: the values that `decide` reads. Built by `config`; an event holds whatever it decided.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::routing::When;
use crate::domain::alert::{Severity, escalation::Ladder};
use crate::domain::ids::*;
use crate::domain::input::Who;
use crate::domain::people::{ChannelRef, Roles, UserRef, UsergroupRef};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Playbook, Playbooks};
use crate::domain::protected::{Limits, Protected};
use crate::domain::time::Timestamp;
use crate::domain::tool::Catalogue;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// One version of the config, as far as decisions go.
#[derive(Clone, Debug)]
pub struct Policy {
    /// SHA-256 of the config's text, hex.
    pub config_hash: String,
    /// When this version became the one in force (a restart on the same text does not count).
    pub since: Timestamp,
    /// When each of its ladders came into force as it stands: whatever else changes in the config moves no rung.
    pub ladders_since: BTreeMap<EscalationName, Timestamp>,
    /// Where people's times are told in.
    pub timezone: TimeZone,
    /// Where a route names no channel.
    pub channel: ChannelRef,
    pub roles: BTreeMap<RoleName, Role>,
    pub teams: BTreeMap<TeamName, Team>,
    pub routes: Vec<Route>,
    /// Always holds `standard`.
    pub escalations: BTreeMap<EscalationName, Ladder>,
    /// The tools that are connected, and the playbooks that call them.
    pub catalogue: Arc<Catalogue>,
    pub playbooks: Arc<Playbooks>,
    /// What they may do nothing destructive to, and how often they may do it elsewhere.
    pub protected: Protected,
    pub limits: Limits,
}

/// Who holds a role, and what it lets them do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Role {
    pub users: Vec<UserRef>,
    pub usergroups: Vec<UsergroupRef>,
    /// Accounts of the machine that we run on, by name: `os:root` in the config.
    pub os: BTreeSet<String>,
    pub may: BTreeSet<Permission>,
}

impl Role {
    /// Who holds it, as the config writes them.
    pub fn holders(&self) -> Vec<String> {
        let users = self.users.iter().map(|user| user.0.clone());
        let accounts = self.os.iter().map(|name| format!("os:{name}"));
        users.chain(self.usergroups.iter().map(|group| group.0.clone())).chain(accounts).collect()
    }
}

/// What a role may allow. Nothing is allowed unless a role says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Lists, details and coverage.
    See,
    Acknowledge,
    Assign,
    Resolve,
    Reopen,
    /// Start a playbook, stop it, and say what is to come of a step in doubt.
    Run,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 6] =
        [Self::See, Self::Acknowledge, Self::Assign, Self::Resolve, Self::Reopen, Self::Run];

    /// The word in `roles: {NAME: {may: […]}}`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::See => "see",
            Self::Acknowledge => "acknowledge",
            Self::Assign => "assign",
            Self::Resolve => "resolve",
            Self::Reopen => "reopen",
            Self::Run => "run",
        }
    }
}

/// People who answer for alerts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub members: Vec<Whom>,
    pub lead: Vec<Whom>,
    pub on_call: Vec<Whom>,
    pub treated: Treated,
}

/// When an alert counts as treated. Shown is never enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Treated {
    /// Someone must have acknowledged or resolved it.
    pub acknowledged: bool,
    /// It must be resolved with a disposition.
    pub disposition: bool,
    /// Severities that need a note when they are resolved.
    pub note: Vec<Severity>,
    /// How long after `received_at` the first acknowledgement may come; in the journal whole milliseconds.
    #[serde(rename = "within_ms", with = "millis")]
    pub within: Option<Duration>,
}

mod millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::time::Duration;

    pub(super) fn serialize<S: Serializer>(
        span: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        span.map(|span| u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        Option::<u64>::deserialize(deserializer).map(|span| span.map(Duration::from_millis))
    }
}

impl Default for Treated {
    fn default() -> Self {
        Self { acknowledged: true, disposition: false, note: Vec::new(), within: None }
    }
}

/// Where alerts go. The first route whose `when` holds takes the alert.
#[derive(Clone, Debug)]
pub struct Route {
    pub name: RouteName,
    /// `None` takes every alert.
    pub when: Option<When>,
    pub team: Option<TeamName>,
    pub channel: Option<ChannelRef>,
    pub escalation: EscalationName,
    /// The playbooks that are offered for its alerts; `None` offers all that fit.
    pub playbooks: Option<Vec<PlaybookName>>,
}

/// Who is meant, as the config says it; who that is at a moment is the directory's to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    Role(RoleName),
    Usergroup(UsergroupRef),
    User(UserRef),
    OnCall,
    Team,
    TeamAvailable,
    Lead,
    Assignee,
}

/// Everything `decide` and `react` may look at beside the subject's state.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    pub policy: &'a Policy,
    pub directory: &'a crate::domain::people::Directory,
}

impl Policy {
    /// Whether a playbook is offered for this alert: by its route, and by the playbook's own condition.
    pub fn offers(&self, alert: &Alert, playbook: &Playbook) -> bool {
        let route = self.routes.iter().find(|route| route.name == alert.received.route);
        let listed = route.and_then(|route| route.playbooks.as_ref());
        if listed.is_some_and(|names| !names.contains(&playbook.name)) {
            return false;
        }
        let Some(when) = &playbook.when else { return true };
        About::of(alert).is_some_and(|about| when.holds(&about.value()).unwrap_or(false))
    }
}

impl Context<'_> {
    /// The roles that someone holds, and the groups that could have given one but that Slack cannot tell.
    pub fn roles(&self, who: &Who) -> (Roles, Vec<UsergroupRef>) {
        match who {
            Who::Person(person) => self.roles_of(&person.user),
            Who::Os(name) => (self.roles_of_os(name), Vec::new()),
        }
    }

    /// The roles that an account of the machine holds: those that list it by name.
    pub fn roles_of_os(&self, name: &str) -> Roles {
        let roles = self.policy.roles.iter();
        Roles(
            roles
                .filter(|(_, role)| role.os.contains(name))
                .map(|(name, _)| name.clone())
                .collect(),
        )
    }

    /// The roles that someone holds now, and the groups that could have given one but that Slack cannot tell.
    pub fn roles_of(&self, user: &UserId) -> (Roles, Vec<UsergroupRef>) {
        use crate::domain::people::Membership;
        let mut roles = Roles::default();
        let mut unknown = Vec::new();
        for (name, role) in &self.policy.roles {
            let listed = role
                .users
                .iter()
                .any(|written| self.directory.user(written).as_ref() == Some(user));
            let mut holds = listed;
            for group in &role.usergroups {
                match self.directory.members(group) {
                    Membership::Known(members) => holds |= members.contains(user),
                    Membership::Unknown => unknown.push(group.clone()),
                }
            }
            if holds {
                roles.0.insert(name.clone());
            }
        }
        (roles, unknown)
    }
}
