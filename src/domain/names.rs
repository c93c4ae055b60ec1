//! What the names in the config have come to mean: the first id that Slack told for each stays, whoever takes the name later.

use crate::domain::alert::words;
use crate::domain::ids::{ChannelId, UserId, UsergroupId};
use crate::domain::people::{ChannelRef, UserRef, UsergroupRef};
use std::collections::BTreeMap;

/// What sort of thing a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Sort {
    Channel,
    User,
    Usergroup,
}

words! { Sort { Channel = "channel", User = "user", Usergroup = "usergroup" } }

/// One name, as the config writes it, and the id that it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    pub sort: Sort,
    pub name: String,
    pub id: String,
}

/// The meanings that are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    channels: BTreeMap<ChannelRef, ChannelId>,
    users: BTreeMap<UserRef, UserId>,
    groups: BTreeMap<UsergroupRef, UsergroupId>,
}

impl Names {
    /// Takes a meaning over; false where the name has one already, which stays.
    pub fn learn(&mut self, meaning: &Meaning) -> bool {
        let (name, id) = (meaning.name.clone(), meaning.id.as_str());
        match meaning.sort {
            Sort::Channel => add(&mut self.channels, ChannelRef(name), id.into()),
            Sort::User => add(&mut self.users, UserRef(name), id.into()),
            Sort::Usergroup => add(&mut self.groups, UsergroupRef(name), id.into()),
        }
    }

    pub fn channel(&self, written: &ChannelRef) -> Option<&ChannelId> {
        self.channels.get(written)
    }

    pub fn user(&self, written: &UserRef) -> Option<&UserId> {
        self.users.get(written)
    }

    pub fn group(&self, written: &UsergroupRef) -> Option<&UsergroupId> {
        self.groups.get(written)
    }
}

fn add<K: Ord, V>(known: &mut BTreeMap<K, V>, name: K, id: V) -> bool {
    let new = !known.contains_key(&name);
    known.entry(name).or_insert(id);
    new
}
