//! Who is in the user groups.

use crate::domain::ids::{UserId, UsergroupId};
use crate::domain::people::{Membership, UsergroupRef};
use crate::slack::directory::memory::EVERY;
use crate::slack::directory::reading::{Pass, passes};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::time::Instant;

impl Pass<'_> {
    /// All groups with their members in one call; where that does not tell of a group that is wanted, one call for it.
    pub(super) async fn groups(&mut self, wanted: &BTreeSet<UsergroupRef>) {
        if wanted.is_empty() || !self.memory.groups.is_due(EVERY) {
            return;
        }
        self.memory.groups.asked();
        let untold = match self.ask("usergroups.list", json!({"include_users": true})).await {
            Ok(answer) => self.listed(&answer, wanted),
            Err(failure) => {
                if passes(&failure) {
                    self.memory.groups.in_vain();
                }
                self.known_or_written(wanted)
            }
        };
        for group in untold {
            let one = json!({"usergroup": group.as_str()});
            let Ok(answer) = self.ask("usergroups.users.list", one).await else { continue };
            if let Some(users) = answer.get("users").and_then(Value::as_array) {
                self.members(group, users);
            }
        }
    }

    /// Takes the list over. A group that is gone from it has no members that are known. Returns the wanted ones whose
    /// members it leaves out.
    fn listed(&mut self, answer: &Value, wanted: &BTreeSet<UsergroupRef>) -> BTreeSet<UsergroupId> {
        let mut before = std::mem::take(&mut self.memory.told.groups);
        self.memory.told.group_names.clear();
        let mut untold = BTreeSet::new();
        for group in answer.get("usergroups").and_then(Value::as_array).into_iter().flatten() {
            let text = |field: &str| group.get(field).and_then(Value::as_str).unwrap_or_default();
            let id = UsergroupId::new(text("id"));
            self.memory.told.group_names.insert(text("handle").to_owned(), id.clone());
            if let Some(users) = group.get("users").and_then(Value::as_array) {
                self.members(id, users);
            } else if self.is_wanted(wanted, &id) {
                if let Some(known) = before.remove(&id) {
                    self.memory.told.groups.insert(id.clone(), known);
                }
                untold.insert(id);
            }
        }
        untold
    }

    /// The ids of the wanted groups, as far as they are known without a list.
    fn known_or_written(&self, wanted: &BTreeSet<UsergroupRef>) -> BTreeSet<UsergroupId> {
        wanted.iter().filter_map(|written| self.memory.told.group(written)).collect()
    }

    fn is_wanted(&self, wanted: &BTreeSet<UsergroupRef>, id: &UsergroupId) -> bool {
        wanted.iter().any(|written| self.memory.told.group(written).as_ref() == Some(id))
    }

    fn members(&mut self, group: UsergroupId, users: &[Value]) {
        let members = users.iter().filter_map(Value::as_str).map(UserId::new).collect();
        self.memory.groups_at.insert(group.clone(), Instant::now());
        self.memory.told.groups.insert(group, Membership::Known(members));
    }
}
