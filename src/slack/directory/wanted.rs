//! Whom and what the config names, and so Slack must tell us about.

use crate::domain::event::Way;
use crate::domain::names::{Meaning, Sort};
use crate::domain::people::{ChannelRef, UserRef, UsergroupRef};
use crate::domain::policy::{Policy, Whom};
use std::collections::BTreeSet;

/// The people, groups and channels that a config names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub users: BTreeSet<UserRef>,
    pub groups: BTreeSet<UsergroupRef>,
    pub channels: BTreeSet<ChannelRef>,
    /// Whether those are meant who are not in do-not-disturb.
    pub available: bool,
}

impl Wanted {
    /// All that this policy names.
    pub fn of(policy: &Policy) -> Self {
        let mut wanted = Self::default();
        wanted.channels.insert(policy.channel.clone());
        wanted.channels.extend(policy.routes.iter().filter_map(|route| route.channel.clone()));
        for role in policy.roles.values() {
            wanted.users.extend(role.users.iter().cloned());
            wanted.groups.extend(role.usergroups.iter().cloned());
        }
        for team in policy.teams.values() {
            wanted.whom(team.members.iter().chain(&team.lead).chain(&team.on_call));
        }
        for rung in policy.escalations.values().flat_map(|ladder| &ladder.rungs) {
            wanted.whom(&rung.whom);
            if let Way::Channel(channel) = &rung.how {
                wanted.channels.insert(channel.clone());
            }
        }
        wanted
    }

    /// Whether the config writes that name.
    pub fn names(&self, meaning: &Meaning) -> bool {
        let name = || meaning.name.clone();
        match meaning.sort {
            Sort::Channel => self.channels.contains(&ChannelRef(name())),
            Sort::User => self.users.contains(&UserRef(name())),
            Sort::Usergroup => self.groups.contains(&UsergroupRef(name())),
        }
    }

    fn whom<'a>(&mut self, named: impl IntoIterator<Item = &'a Whom>) {
        for whom in named {
            match whom {
                Whom::User(user) => drop(self.users.insert(user.clone())),
                Whom::Usergroup(group) => drop(self.groups.insert(group.clone())),
                Whom::TeamAvailable => self.available = true,
                Whom::Role(_) | Whom::OnCall | Whom::Team | Whom::Lead | Whom::Assignee => {}
            }
        }
    }
}
