//! Groups, and who is in them.

use super::{Iam, User, not_found, paged};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

/// Some users under one name.
#[derive(Clone, Debug)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// Ids of users.
    pub members: Vec<String>,
}

impl Group {
    pub(super) fn wire(&self) -> Value {
        json!({
            "id": self.id, "type": "OKTA_GROUP", "objectClass": ["okta:user_group"],
            "created": "2024-02-01T08:00:00.000Z", "lastUpdated": "2026-11-02T09:00:00.000Z",
            "lastMembershipUpdated": "2026-11-02T09:00:00.000Z",
            "profile": {"name": self.name, "description": null},
        })
    }
}

impl Iam {
    pub(super) fn with_group(
        &self,
        id: &str,
        then: impl FnOnce(&Self, &Group) -> Answer,
    ) -> Answer {
        match self.groups.iter().find(|group| group.id == id) {
            Some(group) => then(self, group),
            None => not_found(id, "UserGroup"),
        }
    }

    pub(super) fn list_groups(&self, request: &Request) -> Answer {
        let q = request.asked("q").unwrap_or_default().to_lowercase();
        let listed = self.groups.iter().filter(|group| group.name.to_lowercase().starts_with(&q));
        paged(request, listed.map(Group::wire).collect())
    }

    pub(super) fn members_of(&self, id: &str, request: &Request) -> Answer {
        self.with_group(id, |iam, group| {
            let members = iam.users.iter().filter(|user| group.members.contains(&user.id));
            paged(request, members.map(User::wire).collect())
        })
    }

    pub(super) fn groups_of(&self, user: &str) -> Answer {
        self.with_user(user, |iam, user| {
            let groups = iam.groups.iter().filter(|group| group.members.contains(&user.id));
            Answer::json(200, groups.map(Group::wire).collect())
        })
    }

    /// Somebody joins a group or leaves it. Who is in it already, or is not, is answered alike, and nothing was done.
    pub(super) fn join(&mut self, (group, user): (&str, &str), joins: bool, at_ms: i64) -> Answer {
        let Some(at) = self.find_user(user) else { return not_found(user, "User") };
        let user = self.users[at].clone();
        let Some(group) = self.groups.iter_mut().find(|known| known.id == group) else {
            return not_found(group, "UserGroup");
        };
        if group.members.contains(&user.id) == joins {
            return Answer::empty(204);
        }
        let (event, word) = match joins {
            true => {
                group.members.push(user.id.clone());
                ("group.user_membership.add", "to")
            }
            false => {
                group.members.retain(|member| *member != user.id);
                ("group.user_membership.remove", "from")
            }
        };
        let verb = if joins { "add" } else { "remove" };
        let did = format!("{verb} {} {word} {}", user.login, group.name);
        self.note((event, &user), at_ms);
        Answer::empty(204).did(did)
    }
}

/// The groups of the demo's people.
pub fn example_corp() -> Vec<Group> {
    let group = |id: &str, name: &str, members: &[&str]| Group {
        id: id.into(),
        name: name.into(),
        members: members.iter().map(|member| (*member).to_owned()).collect(),
    };
    vec![
        group(
            "00g1everyone000000000",
            "Everyone",
            &[
                "00u1jdurand0000000000",
                "00u2mleroy00000000000",
                "00u3alice000000000000",
                "00u4bob00000000000000",
                "00u5carla000000000000",
                "00u6dave0000000000000",
            ],
        ),
        group("00g2finance0000000000", "Finance", &["00u2mleroy00000000000"]),
        group("00g3prodadmin00000000", "Production admins", &["00u1jdurand0000000000"]),
        group("00g4quarantine0000000", "Quarantine", &[]),
    ]
}
