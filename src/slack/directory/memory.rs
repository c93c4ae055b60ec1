//! What Slack has told so far, how old it is, and when it is to be asked again.

use crate::domain::ids::{UserId, UsergroupId, WorkspaceId};
use crate::domain::names::{Meaning, Sort};
use crate::domain::people::{Directory, Membership, Person, UserRef, UsergroupRef};
use crate::slack::directory::{Hint, Wanted};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// A membership older than this is no longer known; a person or channel is asked for again.
pub(super) const OLD: Duration = Duration::from_secs(60 * 60);
/// So often groups are read, and whatever else is missing is asked for.
pub(super) const EVERY: Duration = Duration::from_secs(5 * 60);
/// A list is read at most so often, however much Slack says that it changed.
const PAUSE: Duration = Duration::from_secs(60);
/// So many people are remembered for having clicked.
const MET: usize = 1000;

#[derive(Default)]
pub(super) struct Memory {
    /// What Slack has told, the old of it too.
    pub(super) told: Directory,
    /// When each person was told of; `None`: they have changed since.
    pub(super) people_at: BTreeMap<UserId, Option<Instant>>,
    pub(super) groups_at: BTreeMap<UsergroupId, Instant>,
    /// Names that Slack knows nobody by, and when it said so.
    pub(super) nobody: BTreeMap<UserRef, Instant>,
    /// Who has clicked or typed.
    pub(super) met: BTreeSet<UserId>,
    pub(super) groups: Age,
    pub(super) channels: Age,
    pub(super) quiet: Age,
    /// Lists that were not read to their end: from where, and what was read.
    pub(super) unfinished: BTreeMap<&'static str, Unfinished>,
    /// What is known to be wrong, so that each is logged once.
    pub(super) failing: BTreeSet<String>,
    wanted: Wanted,
}

/// When a list was asked for, and whether it has changed since.
#[derive(Default)]
pub(super) struct Age {
    asked: Option<Instant>,
    changed: bool,
}

pub(super) struct Unfinished {
    pub(super) at: Instant,
    pub(super) cursor: String,
    pub(super) read: Vec<Value>,
}

impl Age {
    /// How long it need not be asked for yet, where it is so often; zero: it is due.
    pub(super) fn left(&self, every: Duration) -> Duration {
        let every = if self.changed { PAUSE.min(every) } else { every };
        self.asked.map_or(Duration::ZERO, |at| every.saturating_sub(at.elapsed()))
    }

    pub(super) fn is_due(&self, every: Duration) -> bool {
        self.left(every).is_zero()
    }

    pub(super) fn asked(&mut self) {
        *self = Self { asked: Some(Instant::now()), changed: false };
    }

    /// It was asked for, and is to be asked for again in the next pass.
    pub(super) fn in_vain(&mut self) {
        *self = Self::default();
    }
}

impl Memory {
    /// What the rest of the house sees.
    pub(super) fn directory(&self) -> Directory {
        let mut directory = self.told.clone();
        for (group, members) in &mut directory.groups {
            if self.groups_at.get(group).is_none_or(|at| at.elapsed() >= OLD) {
                *members = Membership::Unknown;
            }
        }
        directory
    }

    /// Takes note of what the config names; what is new in it is asked for at once.
    pub(super) fn want(&mut self, wanted: &Wanted) {
        if self.wanted != *wanted {
            self.wanted = wanted.clone();
            (self.groups, self.channels, self.quiet) = Default::default();
        }
    }

    /// Keeps a user object; `false` where it is none.
    pub(super) fn learn(&mut self, user: &Value) -> bool {
        let Some((id, mut person)) = person(user) else { return false };
        if let Some(known) = self.told.people.get(&id) {
            person.do_not_disturb = known.do_not_disturb;
        }
        self.people_at.insert(id.clone(), Some(Instant::now()));
        self.told.people.insert(id, person);
        true
    }

    /// Whether this person was told of within the last hour.
    pub(super) fn is_fresh(&self, user: &UserId) -> bool {
        self.people_at.get(user).is_some_and(|at| at.is_some_and(|at| at.elapsed() < OLD))
    }

    /// Everyone whom the config names, whoever else has such a name, and who has acted: nobody else is asked for.
    pub(super) fn needed(&self) -> BTreeSet<UserId> {
        let members = self.wanted.groups.iter().flat_map(|group| self.members(group));
        self.named().into_iter().chain(members.cloned()).chain(self.met.iter().cloned()).collect()
    }

    /// The people whom the config names one by one.
    pub(super) fn named(&self) -> BTreeSet<UserId> {
        let written = |user: &&UserRef| user.is_id();
        let ids = self.wanted.users.iter().filter(written).map(|user| UserId::new(user.0.clone()));
        let is_named = |person: &Person| self.wanted.users.iter().any(|user| user.names(person));
        let people = self.told.people.iter().filter(|(_, person)| is_named(person));
        let meant = self.wanted.users.iter().filter_map(|user| self.told.names.user(user));
        ids.chain(people.map(|(id, _)| id.clone())).chain(meant.cloned()).collect()
    }

    /// What names of the config mean now that had no meaning before.
    pub(super) fn learn_names(&mut self) -> Vec<Meaning> {
        let told = &self.told;
        let one = |sort, name: &str, id: Option<String>| {
            id.filter(|id| id != name).map(|id| Meaning { sort, name: name.to_owned(), id })
        };
        let channels = self.wanted.channels.iter().filter_map(|written| {
            let id = told.channel(written);
            one(Sort::Channel, &written.0, id.map(|id| id.to_string()))
        });
        let users = self.wanted.users.iter().filter_map(|written| {
            one(Sort::User, &written.0, told.user(written).map(|id| id.to_string()))
        });
        let groups = self.wanted.groups.iter().filter_map(|written| {
            one(Sort::Usergroup, &written.0, told.group(written).map(|id| id.to_string()))
        });
        let found: Vec<Meaning> = channels.chain(users).chain(groups).collect();
        found.into_iter().filter(|meaning| self.told.names.learn(meaning)).collect()
    }

    fn members(&self, group: &UsergroupRef) -> impl Iterator<Item = &UserId> {
        let members = match self.told.members(group) {
            Membership::Known(members) => Some(members),
            Membership::Unknown => None,
        };
        members.into_iter().flatten()
    }

    /// Forgets whoever is not needed.
    pub(super) fn tidy(&mut self) {
        let needed = self.needed();
        self.told.people.retain(|user, _| needed.contains(user));
        self.people_at.retain(|user, _| needed.contains(user));
        self.nobody.retain(|written, _| self.wanted.users.contains(written));
    }

    /// How soon Slack must be asked for what it says has changed; `None` where that does not matter to us.
    pub(super) fn heed(&mut self, hint: &Hint) -> Option<Duration> {
        match hint {
            Hint::Person(user) => {
                let known = self.people_at.get_mut(user)?;
                *known = None;
                Some(Duration::ZERO)
            }
            Hint::Met(user) => {
                let new = self.met.len() < MET && self.met.insert(user.clone());
                (new && !self.people_at.contains_key(user)).then_some(Duration::ZERO)
            }
            Hint::Groups if self.wanted.groups.is_empty() => None,
            Hint::Groups => {
                self.groups.changed = true;
                Some(self.groups.left(EVERY))
            }
            Hint::Channels if self.wanted.channels.iter().all(|channel| channel.id().is_some()) => {
                None
            }
            Hint::Channels => {
                self.channels.changed = true;
                Some(self.channels.left(OLD))
            }
        }
    }

    /// How soon something is due again, beside the usual.
    pub(super) fn due_in(&self) -> Option<Duration> {
        let groups = self.groups.changed.then(|| self.groups.left(EVERY));
        let channels = self.channels.changed.then(|| self.channels.left(OLD));
        groups.into_iter().chain(channels).min()
    }
}

/// Reads a user object: docs.slack.dev, "User object".
pub(super) fn person(user: &Value) -> Option<(UserId, Person)> {
    let text = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let flag = |pointer: &str| user.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
    let id = text("/id")?;
    let person = Person {
        name: text("/name").unwrap_or_default(),
        email: text("/profile/email"),
        workspace: text("/team_id").map(WorkspaceId::new),
        guest: flag("/is_restricted") || flag("/is_ultra_restricted") || flag("/is_stranger"),
        // Slackbot does not say that it is one.
        bot: flag("/is_bot") || id == "USLACKBOT",
        deactivated: flag("/deleted"),
        do_not_disturb: false,
    };
    Some((UserId::new(id), person))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_user_object_is_read_as_far_as_it_goes() {
        let full = json!({"id": "U1", "name": "alice", "team_id": "T1", "deleted": false,
            "is_ultra_restricted": true, "profile": {"email": "Alice@example.com"}});
        let mut memory = Memory::default();
        assert!(memory.learn(&full));
        assert!(memory.learn(&json!({"id": "U2", "name": "bot", "is_bot": true})));
        assert!(!memory.learn(&json!({"name": "nobody"})));
        let people = memory.directory().people;
        let alice = &people[&UserId::new("U1")];
        assert!(alice.guest && !alice.deactivated && !alice.bot);
        assert!(people[&UserId::new("U2")].bot);
        let named = |text: &str| memory.told.user(&UserRef(text.into()));
        assert_eq!(named("alice@example.com"), Some(UserId::new("U1")));
        assert_eq!((named("@alice"), named("@bot"), named("@bob")), (None, None, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_membership_is_unknown_after_an_hour() {
        let mut memory = Memory::default();
        memory.told.groups.insert("S1".into(), Membership::Known(BTreeSet::new()));
        memory.groups_at.insert("S1".into(), Instant::now());
        tokio::time::advance(OLD - Duration::from_secs(1)).await;
        assert!(matches!(memory.directory().groups[&"S1".into()], Membership::Known(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(memory.directory().groups[&"S1".into()], Membership::Unknown);
    }

    #[tokio::test(start_paused = true)]
    async fn only_changes_that_matter_are_heeded_and_lists_at_most_once_a_minute() {
        let mut memory = Memory::default();
        memory.learn(&json!({"id": "U01"}));
        assert_eq!(memory.heed(&Hint::Person("U02".into())), None, "nobody of ours");
        assert_eq!(memory.heed(&Hint::Groups), None, "no group is wanted");
        assert_eq!(memory.heed(&Hint::Person("U01".into())), Some(Duration::ZERO));
        assert_eq!(memory.heed(&Hint::Met("U03".into())), Some(Duration::ZERO));
        assert_eq!(memory.heed(&Hint::Met("U03".into())), None, "met before");
        let groups = [UsergroupRef("@blue".into())].into();
        memory.want(&Wanted { groups, ..Wanted::default() });
        memory.groups.asked();
        tokio::time::advance(Duration::from_secs(20)).await;
        assert_eq!(memory.heed(&Hint::Groups), Some(Duration::from_secs(40)));
    }
}
