//! The people that the config names, and those who act: whether they are guests, and their names and addresses.

use crate::domain::ids::UserId;
use crate::domain::people::UserRef;
use crate::slack::directory::Wanted;
use crate::slack::directory::memory::{OLD, person};
use crate::slack::directory::reading::Pass;
use crate::slack::failure::Failure;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::time::Instant;

impl Pass<'_> {
    /// E-mail addresses and handles that nobody is known by yet, then everyone who is named.
    pub(super) async fn named(&mut self, wanted: &Wanted) {
        let unknown: Vec<&UserRef> =
            wanted.users.iter().filter(|user| self.is_unknown(user)).collect();
        let (addresses, handles): (Vec<_>, Vec<_>) =
            unknown.into_iter().partition(|user| user.is_email());
        self.addresses(&addresses).await;
        self.handles(&handles).await;
        self.people(self.memory.named()).await;
        self.say_who_is_several(wanted);
    }

    /// Whether Slack is to be asked who that is: at most once an hour where it knows nobody.
    fn is_unknown(&self, user: &UserRef) -> bool {
        let lately = self.memory.nobody.get(user).is_some_and(|at| at.elapsed() < OLD);
        !lately && self.memory.told.user(user).is_none()
    }

    async fn addresses(&mut self, addresses: &[&UserRef]) {
        for address in addresses {
            if !self.may_ask() {
                return;
            }
            match self.ask("users.lookupByEmail", json!({"email": address.0})).await {
                Ok(answer) if self.memory.learn(&answer["user"]) => {}
                Ok(_) | Err(Failure::Rejected { .. }) => self.nobody(address),
                Err(_) => return,
            }
        }
    }

    /// Handles can only be looked up in the list of everyone; kept is who matters.
    async fn handles(&mut self, handles: &[&UserRef]) {
        if handles.is_empty() {
            return;
        }
        let names: BTreeSet<UserRef> = handles.iter().map(|&user| user.clone()).collect();
        let kept = move |user: Value| {
            let (_, person) = person(&user)?;
            names.iter().any(|name| name.names(&person)).then_some(user)
        };
        let Ok(found) = self.pages(("users.list", "members"), json!({}), kept).await else {
            return;
        };
        for user in &found {
            self.memory.learn(user);
        }
        for handle in handles {
            if self.memory.told.user(handle).is_none() {
                self.nobody(handle);
            }
        }
    }

    fn nobody(&mut self, user: &UserRef) {
        self.memory.nobody.insert(user.clone(), Instant::now());
    }

    /// These people, as far as what is known of them is old: first who acts, then the unknown and the changed, then the
    /// oldest.
    pub(super) async fn people(&mut self, whom: BTreeSet<UserId>) {
        let mut old: Vec<_> = whom
            .into_iter()
            .filter(|user| !self.memory.is_fresh(user))
            .map(|user| {
                let at = self.memory.people_at.get(&user).copied().flatten();
                let known = self.memory.told.people.contains_key(&user);
                (!self.memory.met.contains(&user), known, at, user)
            })
            .collect();
        old.sort();
        for (_, _, _, user) in old {
            if !self.may_ask() {
                return;
            }
            match self.ask("users.info", json!({"user": user.as_str()})).await {
                Ok(answer) => drop(self.memory.learn(&answer["user"])),
                // Nobody of that id, or not for us to see: asked again when an hour is over.
                Err(Failure::Rejected { .. }) => {
                    self.memory.people_at.insert(user, Some(Instant::now()));
                }
                Err(_) => return,
            }
        }
    }

    fn say_who_is_several(&mut self, wanted: &Wanted) {
        for name in wanted.users.iter().filter(|user| !user.is_id()) {
            let several = self.memory.told.meant(name).nth(1).is_some();
            let key = format!("several {}", name.0);
            if !several {
                self.memory.failing.remove(&key);
            } else if self.memory.failing.insert(key) {
                tracing::warn!(
                    name = name.0,
                    "several people have this name, so it means nobody: write the Slack id"
                );
            }
        }
    }
}
