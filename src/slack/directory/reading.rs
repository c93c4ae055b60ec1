//! Asking Slack about everyone that the config names, part by part: a part that fails leaves the others alone.

use crate::domain::ids::{ChannelId, EnterpriseId, UserId, WorkspaceId};
use crate::domain::people::{Directory, UserRef};
use crate::slack::adoption::next_cursor;
use crate::slack::api::Api;
use crate::slack::directory::memory::{Memory, OLD};
use crate::slack::directory::{Hint, Wanted};
use crate::slack::failure::Failure;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Asks Slack, and remembers.
pub struct DirectoryReader {
    api: Api,
    memory: Mutex<Memory>,
}

/// What came of asking.
pub struct Told {
    pub directory: Directory,
    /// Nothing is missing that asking again soon could bring.
    pub complete: bool,
    /// Slack wants to be left alone for so long.
    pub after: Option<Duration>,
}

/// So many people are asked for one by one in a pass; the others in the next.
const ONE_BY_ONE: usize = 80;
/// Slack's recommended page, and how many of them are read at most.
const PAGE: u32 = 200;
const PAGES: usize = 50;

/// One pass over the parts.
pub(super) struct Pass<'a> {
    api: &'a Api,
    pub(super) memory: &'a mut Memory,
    complete: bool,
    after: Option<Duration>,
}

impl DirectoryReader {
    pub fn new(api: Api) -> Self {
        Self { api, memory: Mutex::default() }
    }

    /// Brings what is known up to date, as far as Slack tells.
    pub async fn refresh(&self, wanted: &Wanted) -> Told {
        let mut memory = self.memory.lock().await;
        let mut pass = Pass { api: &self.api, memory: &mut memory, complete: true, after: None };
        pass.workspace().await;
        pass.groups(&wanted.groups).await;
        pass.named(&wanted.users).await;
        pass.people(&wanted.users).await;
        pass.channels(wanted).await;
        let Pass { complete, after, .. } = pass;
        Told { directory: memory.directory(), complete, after }
    }

    /// What changed is asked for again, where it was known.
    pub async fn forget(&self, hint: &Hint) {
        let mut memory = self.memory.lock().await;
        let long_ago = Instant::now().checked_sub(OLD);
        match hint {
            Hint::Person(user) => {
                if let (Some(known), Some(then)) = (memory.people.get_mut(user), long_ago) {
                    known.0 = then;
                }
            }
            Hint::Channels => memory.channels_at = None,
            Hint::Groups => {}
            Hint::Everything => {
                memory.channels_at = None;
                for known in memory.people.values_mut() {
                    known.0 = long_ago.unwrap_or(known.0);
                }
            }
        }
    }
}

impl Pass<'_> {
    /// One call. A failure is logged when it begins, and counted as one that asking again may mend, or not.
    pub(super) async fn ask(
        &mut self,
        method: &'static str,
        arguments: Value,
    ) -> Result<Value, Failure> {
        let answer = self.api.call(method, &arguments).await;
        match &answer {
            Ok(_) => drop(self.memory.failing.remove(method)),
            Err(Failure::Rejected { word })
                if word == "user_not_found" || word == "users_not_found" => {}
            Err(failure) => {
                if self.memory.failing.insert(method) {
                    tracing::warn!(method, "Slack does not tell who is there: {failure}");
                }
                match failure {
                    Failure::RateLimited { after } => {
                        self.after = self.after.max(Some(*after));
                        self.complete = false;
                    }
                    Failure::NotSent { .. } | Failure::Uncertain { .. } => self.complete = false,
                    Failure::Rejected { .. } | Failure::BadToken { .. } => {}
                }
            }
        }
        answer
    }

    /// All of a list's pages, joined. `Err` leaves out what was read before.
    async fn pages(
        &mut self,
        method: &'static str,
        field: &str,
        extra: Value,
    ) -> Result<Vec<Value>, Failure> {
        let mut arguments = extra;
        arguments["limit"] = PAGE.into();
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let mut answer = self.ask(method, arguments.clone()).await?;
            if let Some(Value::Array(page)) = answer.get_mut(field).map(Value::take) {
                all.extend(page);
            }
            let Some(cursor) = next_cursor(&answer) else { break };
            arguments["cursor"] = cursor.into();
        }
        Ok(all)
    }

    async fn workspace(&mut self) {
        if self.memory.workspace.is_some() {
            return;
        }
        let Ok(answer) = self.ask("auth.test", json!({})).await else { return };
        let text = |field: &str| answer.get(field).and_then(Value::as_str);
        self.memory.workspace = text("team_id").map(WorkspaceId::new);
        self.memory.enterprise = text("enterprise_id").map(EnterpriseId::new);
    }

    /// E-mail addresses and handles that nobody is known by yet.
    async fn named(&mut self, wanted: &BTreeSet<UserRef>) {
        let mut handles = false;
        for written in wanted.iter().filter(|w| !is_user_id(&w.0)) {
            if self.memory.user(written).is_some_and(|id| self.memory.is_fresh(&id)) {
                continue;
            }
            if written.0.contains('@') && !written.0.starts_with('@') {
                let one = json!({"email": written.0});
                if let Ok(answer) = self.ask("users.lookupByEmail", one).await {
                    self.memory.learn(&answer["user"]);
                }
            } else {
                handles |= self.memory.user(written).is_none();
            }
        }
        if handles && let Ok(everyone) = self.pages("users.list", "members", json!({})).await {
            for user in &everyone {
                self.memory.learn(user);
            }
        }
    }

    /// Everyone named by id, and the members of the groups: whether they are guests, and their addresses.
    async fn people(&mut self, wanted: &BTreeSet<UserRef>) {
        let named = wanted.iter().filter(|w| is_user_id(&w.0)).map(|w| UserId::new(w.0.clone()));
        let members = self.memory.groups.values().flat_map(|(_, members)| members.iter().cloned());
        let met = self.memory.people.keys().cloned();
        let mut missing: BTreeSet<UserId> = named.chain(members).chain(met).collect();
        missing.retain(|user| !self.memory.is_fresh(user));
        for (number, user) in missing.into_iter().enumerate() {
            if number == ONE_BY_ONE {
                self.complete = false;
                return;
            }
            match self.ask("users.info", json!({"user": user.as_str()})).await {
                Ok(answer) => drop(self.memory.learn(&answer["user"])),
                // Nobody of that id, or not for us to see.
                Err(Failure::Rejected { .. }) => {}
                Err(_) => return,
            }
        }
    }

    async fn channels(&mut self, wanted: &Wanted) {
        let bare = |name: &str| name.trim_start_matches('#').to_owned();
        let by_name = wanted.channels.iter().filter(|w| !is_channel_id(&w.0)).map(|w| bare(&w.0));
        let names: Vec<String> = by_name.collect();
        let fresh = self.memory.channels_at.is_some_and(|at| at.elapsed() < OLD);
        if names.iter().all(|name| self.memory.channels.contains_key(name))
            && (fresh || names.is_empty())
        {
            return;
        }
        let which = json!({"types": "public_channel,private_channel", "exclude_archived": true});
        let Ok(channels) = self.pages("conversations.list", "channels", which).await else {
            return;
        };
        self.memory.channels_at = Some(Instant::now());
        let text = |channel: &Value, field: &str| channel.get(field)?.as_str().map(str::to_owned);
        self.memory.channels = channels
            .iter()
            .filter_map(|c| Some((text(c, "name")?, ChannelId::new(text(c, "id")?))))
            .collect();
        for name in names.iter().filter(|name| !self.memory.channels.contains_key(*name)) {
            tracing::warn!(
                channel = name,
                "no such channel, or it is private and the bot is not in it"
            );
        }
    }
}

fn is_user_id(text: &str) -> bool {
    text.starts_with(['U', 'W']) && is_upper(text)
}

fn is_channel_id(text: &str) -> bool {
    text.starts_with(['C', 'G', 'D']) && is_upper(text)
}

fn is_upper(text: &str) -> bool {
    text.len() >= 3 && text.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}
