//! What Slack has told so far, and how old it is.

use crate::domain::ids::{ChannelId, EnterpriseId, UserId, UsergroupId, WorkspaceId};
use crate::domain::people::{Directory, Membership, Person, UserRef};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// A membership older than this is no longer known; a person or channel is asked for again.
pub(super) const OLD: Duration = Duration::from_secs(60 * 60);

#[derive(Default)]
pub(super) struct Memory {
    pub(super) workspace: Option<WorkspaceId>,
    pub(super) enterprise: Option<EnterpriseId>,
    pub(super) people: BTreeMap<UserId, (Instant, Person)>,
    pub(super) groups: BTreeMap<UsergroupId, (Instant, BTreeSet<UserId>)>,
    pub(super) group_names: BTreeMap<String, UsergroupId>,
    pub(super) channels: BTreeMap<String, ChannelId>,
    /// When the channels were last read in whole.
    pub(super) channels_at: Option<Instant>,
    /// What is known to fail, so that each is logged once.
    pub(super) failing: BTreeSet<&'static str>,
}

impl Memory {
    /// What the rest of the house sees.
    pub(super) fn directory(&self) -> Directory {
        let membership = |at: &Instant, members: &BTreeSet<UserId>| {
            if at.elapsed() < OLD {
                Membership::Known(members.clone())
            } else {
                Membership::Unknown
            }
        };
        Directory {
            workspace: self.workspace.clone(),
            enterprise: self.enterprise.clone(),
            people: self
                .people
                .iter()
                .map(|(id, (_, person))| (id.clone(), person.clone()))
                .collect(),
            groups: self
                .groups
                .iter()
                .map(|(id, (at, m))| (id.clone(), membership(at, m)))
                .collect(),
            group_names: self.group_names.clone(),
            channel_names: self.channels.clone(),
        }
    }

    /// Keeps a user object; `false` where it is none.
    pub(super) fn learn(&mut self, user: &Value) -> bool {
        let Some((id, mut person)) = person(user) else { return false };
        if let Some((_, known)) = self.people.get(&id) {
            person.do_not_disturb = known.do_not_disturb;
        }
        self.people.insert(id, (Instant::now(), person));
        true
    }

    /// Whether this person was told of within the last hour.
    pub(super) fn is_fresh(&self, user: &UserId) -> bool {
        self.people.get(user).is_some_and(|(at, _)| at.elapsed() < OLD)
    }

    /// The person meant, as far as is known; old knowledge too.
    pub(super) fn user(&self, written: &UserRef) -> Option<UserId> {
        let text = written.0.as_str();
        let mut people = self.people.iter().map(|(id, (_, person))| (id, person));
        let found = if text.starts_with('@') {
            people.find(|(_, person)| person.name == text[1..])
        } else {
            people.find(|(_, p)| p.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(text)))
        };
        found.map(|(id, _)| id.clone())
    }
}

/// Reads a user object: docs.slack.dev, "User object".
fn person(user: &Value) -> Option<(UserId, Person)> {
    let text = |pointer: &str| user.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let flag = |pointer: &str| user.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
    let person = Person {
        name: text("/name").unwrap_or_default(),
        email: text("/profile/email"),
        workspace: text("/team_id").map(WorkspaceId::new),
        guest: flag("/is_restricted") || flag("/is_ultra_restricted") || flag("/is_stranger"),
        deactivated: flag("/deleted"),
        do_not_disturb: false,
    };
    Some((UserId::new(text("/id")?), person))
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
        assert!(memory.learn(&json!({"id": "U2"})));
        assert!(!memory.learn(&json!({"name": "nobody"})));
        let alice = &memory.directory().people[&UserId::new("U1")];
        assert!(alice.guest && !alice.deactivated);
        assert_eq!(memory.user(&UserRef("alice@example.com".into())), Some(UserId::new("U1")));
        assert_eq!(memory.user(&UserRef("@alice".into())), Some(UserId::new("U1")));
        assert_eq!(memory.user(&UserRef("@bob".into())), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_membership_is_unknown_after_an_hour() {
        let mut memory = Memory::default();
        memory.groups.insert("S1".into(), (Instant::now(), BTreeSet::new()));
        tokio::time::advance(OLD - Duration::from_secs(1)).await;
        assert!(matches!(memory.directory().groups[&"S1".into()], Membership::Known(_)));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(memory.directory().groups[&"S1".into()], Membership::Unknown);
    }
}
