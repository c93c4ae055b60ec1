//! Asking Slack about everyone that the config names, part by part: a part that fails leaves the others alone, and what a
//! part has told is published before the next is asked for.

use crate::clock::Clock;
use crate::domain::ids::{ChannelId, EnterpriseId, WorkspaceId};
use crate::domain::names::{Meaning, Names};
use crate::domain::people::{ChannelRef, Directory};
use crate::slack::adoption::next_cursor;
use crate::slack::api::Api;
use crate::slack::directory::memory::{EVERY, Memory, OLD, Unfinished};
use crate::slack::directory::{Hint, Known, Wanted};
use crate::slack::failure::Failure;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Asks Slack, and remembers.
pub struct DirectoryReader {
    api: Api,
    clock: Clock,
    memory: Mutex<Memory>,
}

/// What came of asking.
pub struct Told {
    /// Nothing is missing that asking again soon could bring.
    pub complete: bool,
    /// Slack wants to be left alone for so long, or we have asked enough for now.
    pub after: Option<Duration>,
    /// Something is due before the usual time.
    pub soon: Option<Duration>,
    /// Names that had no meaning before.
    pub named: Vec<Meaning>,
}

/// So many people are asked for one by one in a pass; the others in the next.
const ONE_BY_ONE: usize = 80;
/// The next pass waits so long where this one could not ask for all: `users.info` takes about 100 calls a minute.
const NEXT: Duration = Duration::from_secs(60);
/// Slack's recommended page, and how many of them are read in a pass: lists take about 20 calls a minute.
const PAGE: u32 = 200;
const PAGES: usize = 15;
/// A list that was not read to its end is read on for so long; after that from its beginning.
const CURSOR: Duration = Duration::from_secs(10 * 60);

/// Why a list is not read.
pub(super) enum Unread {
    NotYet,
    Refused,
}

/// Whether a failure may be gone when Slack is asked again soon.
pub(super) fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::RateLimited { .. } | Failure::NotSent { .. } | Failure::Uncertain { .. } => true,
        Failure::Rejected { .. } | Failure::BadToken { .. } => false,
    }
}

/// One pass over the parts.
pub(super) struct Pass<'a> {
    api: &'a Api,
    clock: &'a Clock,
    pub(super) memory: &'a mut Memory,
    complete: bool,
    after: Option<Duration>,
    left: usize,
}

impl DirectoryReader {
    pub fn new(api: Api, clock: Clock) -> Self {
        Self { api, clock, memory: Mutex::default() }
    }

    /// Begins with what the names were found to mean before this start.
    #[must_use]
    pub fn knowing(mut self, names: Names) -> Self {
        self.memory.get_mut().told.names = names;
        self
    }

    /// Brings what is known up to date, as far as Slack tells. `publish` is given what is known after each part: first of
    /// all where we are, so that strangers are known for strangers.
    pub async fn refresh(
        &self,
        wanted: &Wanted,
        publish: &(dyn Fn(Known, Directory) + Sync),
    ) -> Told {
        let mut memory = self.memory.lock().await;
        memory.want(wanted);
        let mut pass = Pass {
            api: &self.api,
            clock: &self.clock,
            memory: &mut memory,
            complete: true,
            after: None,
            left: ONE_BY_ONE,
        };
        pass.workspace().await;
        publish(Known::Workspace, pass.memory.directory());
        pass.named(wanted).await;
        publish(Known::Workspace, pass.memory.directory());
        pass.groups(&wanted.groups).await;
        publish(Known::Workspace, pass.memory.directory());
        pass.channels(wanted).await;
        let mut named = pass.memory.learn_names();
        publish(Known::Named, pass.memory.directory());
        pass.people(pass.memory.needed()).await;
        pass.quiet(wanted).await;
        named.extend(pass.memory.learn_names());
        pass.memory.tidy();
        publish(Known::Named, pass.memory.directory());
        Told { complete: pass.complete, after: pass.after, soon: pass.memory.due_in(), named }
    }

    /// How soon Slack must be asked for what it says has changed; `None` where that does not matter to us.
    pub async fn heed(&self, hint: &Hint) -> Option<Duration> {
        self.memory.lock().await.heed(hint)
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
                if self.memory.failing.insert(method.to_owned()) {
                    tracing::warn!(method, "Slack does not tell who is there: {failure}");
                }
                self.complete &= !passes(failure);
                if let Failure::RateLimited { after, .. } = failure {
                    self.after = self.after.max(Some(*after));
                }
            }
        }
        answer
    }

    /// Whether one more person may be asked for in this pass. That some are left is no failure.
    pub(super) fn may_ask(&mut self) -> bool {
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        if !may {
            self.go_on_later();
        }
        may
    }

    fn go_on_later(&mut self) {
        self.after = self.after.max(Some(NEXT));
    }

    pub(super) fn now_seconds(&self) -> i64 {
        self.clock.now().as_millis() / 1000
    }

    /// What matters of all of a list's pages. Where their end is not reached, the next pass reads on from there.
    pub(super) async fn pages(
        &mut self,
        (method, field): (&'static str, &'static str),
        mut arguments: Value,
        kept: impl Fn(Value) -> Option<Value> + Send + Sync,
    ) -> Result<Vec<Value>, Unread> {
        arguments["limit"] = PAGE.into();
        let before = self.memory.unfinished.remove(method).filter(|b| b.at.elapsed() < CURSOR);
        let (mut cursor, mut read) = match before {
            Some(before) => (Some(before.cursor), before.read),
            None => (None, Vec::new()),
        };
        let at = Instant::now();
        for _ in 0..PAGES {
            if let Some(cursor) = &cursor {
                arguments["cursor"] = cursor.as_str().into();
            }
            let mut answer = match self.ask(method, arguments.clone()).await {
                Ok(answer) => answer,
                Err(failure) if passes(&failure) => break,
                // Perhaps it is the cursor that is refused: from the beginning, next time.
                Err(_) => return Err(Unread::Refused),
            };
            if let Some(Value::Array(page)) = answer.get_mut(field).map(Value::take) {
                read.extend(page.into_iter().filter_map(&kept));
            }
            cursor = next_cursor(&answer);
            if cursor.is_none() {
                return Ok(read);
            }
        }
        if let Some(cursor) = cursor {
            self.memory.unfinished.insert(method, Unfinished { at, cursor, read });
        }
        self.go_on_later();
        Err(Unread::NotYet)
    }

    async fn workspace(&mut self) {
        if self.memory.told.workspace.is_some() {
            return;
        }
        let Ok(answer) = self.ask("auth.test", json!({})).await else { return };
        let text = |field: &str| answer.get(field).and_then(Value::as_str);
        let told = &mut self.memory.told;
        told.workspace = text("team_id").map(WorkspaceId::new);
        told.enterprise = text("enterprise_id").map(EnterpriseId::new);
        told.address = text("url").map(str::to_owned);
    }

    async fn channels(&mut self, wanted: &Wanted) {
        let names: Vec<&ChannelRef> =
            wanted.channels.iter().filter(|channel| channel.id().is_none()).collect();
        let all_known = names.iter().all(|name| self.memory.told.channel(name).is_some());
        let every = if all_known { OLD } else { EVERY };
        if names.is_empty() || !self.memory.channels.is_due(every) {
            return;
        }
        let which = json!({"types": "public_channel,private_channel", "exclude_archived": true});
        let list = ("conversations.list", "channels");
        self.memory.channels.asked();
        let name_and_id = |c: Value| Some(json!({"name": c.get("name")?, "id": c.get("id")?}));
        let channels = match self.pages(list, which, name_and_id).await {
            Ok(channels) => channels,
            Err(Unread::NotYet) => return self.memory.channels.in_vain(),
            Err(Unread::Refused) => return,
        };
        let text = |channel: &Value, field: &str| channel.get(field)?.as_str().map(str::to_owned);
        self.memory.told.channel_names = channels
            .iter()
            .filter_map(|c| Some((text(c, "name")?, ChannelId::new(text(c, "id")?))))
            .collect();
        names.into_iter().for_each(|channel| self.say_what_is_odd_of(channel));
    }

    fn say_what_is_odd_of(&mut self, channel: &ChannelRef) {
        let told = &self.memory.told;
        let first = told.names.channel(channel);
        let bears_it = told.channel_names.get(channel.0.trim_start_matches('#'));
        let (key, name) = (format!("channel {}", channel.0), channel.0.clone());
        match (first, bears_it) {
            (Some(first), Some(other)) if first != other => {
                if self.memory.failing.insert(key) {
                    tracing::warn!(
                        channel = name,
                        meant = %first,
                        bears_it = %other,
                        "another channel bears this name now; the one that was meant first goes on being used: write the id \
                         of the one you mean"
                    );
                }
            }
            (None, None) => {
                if self.memory.failing.insert(key) {
                    tracing::warn!(
                        channel = name,
                        "no such channel, or it is private and the bot is not in it"
                    );
                }
            }
            (Some(_), _) | (None, Some(_)) => drop(self.memory.failing.remove(&key)),
        }
    }
}
