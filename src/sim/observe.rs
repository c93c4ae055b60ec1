//! Looking at the workspace: what was said, what is open, what was called, what nobody has read yet.
use tokio::sync::{broadcast, watch};

use super::happenings::clock;
use super::state::State;
use super::{Ack, Call, Channel, Happening, Message, Said, Sim, Unread, User, View};

impl Sim {
    /// A channel's messages (id, `#name` or name), oldest first, thread replies included; empty if there is no such channel.
    pub fn messages(&self, channel: &str) -> Vec<Message> {
        self.workspace.read(|state| {
            let id = state.channel_id(channel).unwrap_or_default();
            state.messages.get(&id).cloned().unwrap_or_default()
        })
    }

    /// One message.
    pub fn message(&self, channel: &str, ts: &str) -> Option<Message> {
        self.workspace.read(|state| state.message(&state.channel_id(channel)?, ts).cloned())
    }

    /// The replies in a thread, oldest first, without the parent.
    pub fn thread(&self, channel: &str, ts: &str) -> Vec<Message> {
        self.workspace.read(|state| {
            let id = state.channel_id(channel).unwrap_or_default();
            state.replies(&id, ts).into_iter().cloned().collect()
        })
    }

    /// The bot's direct messages with somebody, oldest first.
    pub fn dms(&self, who: &str) -> Vec<Message> {
        self.workspace.read(|state| {
            let user = state.user_id(who).unwrap_or_default();
            let dm =
                state.channels.values().find(|c| c.kind == super::ChannelKind::Dm(user.clone()));
            dm.and_then(|c| state.messages.get(&c.id)).cloned().unwrap_or_default()
        })
    }

    /// The id of the bot's direct messages with somebody, where they were opened.
    pub fn open_dm(&self, who: &str) -> Option<String> {
        self.workspace.read(|state| {
            let user = state.user_id(who)?;
            let dm = super::ChannelKind::Dm(user);
            state.channels.values().find(|c| c.kind == dm).map(|c| c.id.clone())
        })
    }

    /// What only this person was shown, oldest first.
    pub fn ephemerals(&self, who: &str) -> Vec<Message> {
        self.workspace.read(|state| {
            let user = state.user_id(who);
            state.ephemerals.iter().filter(|m| m.ephemeral_to == user).cloned().collect()
        })
    }

    /// The topmost modal that somebody has open.
    pub fn open_view(&self, who: &str) -> Option<View> {
        self.workspace.read(|state| state.top_view(&state.user_id(who)?).cloned())
    }

    /// All modals that somebody has open, the topmost last.
    pub fn open_views(&self, who: &str) -> Vec<View> {
        self.workspace.read(|state| {
            let stack = state
                .user_id(who)
                .and_then(|user| state.stacks.get(&user))
                .cloned()
                .unwrap_or_default();
            stack.iter().filter_map(|id| state.views.get(id)).cloned().collect()
        })
    }

    /// Somebody's App Home, once published.
    pub fn home(&self, who: &str) -> Option<View> {
        self.workspace
            .read(|state| state.views.get(state.homes.get(&state.user_id(who)?)?).cloned())
    }

    pub fn user(&self, who: &str) -> Option<User> {
        self.workspace.read(|state| state.users.get(&state.user_id(who)?).cloned())
    }

    pub fn channel(&self, channel: &str) -> Option<Channel> {
        self.workspace.read(|state| state.channels.get(&state.channel_id(channel)?).cloned())
    }

    /// Every Web API call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.workspace.read(|state| state.calls.iter().cloned().collect())
    }

    /// The calls of one method.
    pub fn calls_of(&self, method: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.method == method).collect()
    }

    /// Every acknowledgement so far, late and repeated ones too.
    pub fn acks(&self) -> Vec<Ack> {
        self.workspace.read(|state| state.outbox.acks.clone())
    }

    /// How many sockets are open.
    pub fn sockets(&self) -> usize {
        self.workspace.read(|state| state.outbox.sockets.len())
    }

    /// A number that grows with every change: wait on it, look, wait again.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.workspace.changes()
    }

    /// Returns once `condition` holds; looks again after every change. Wrap it in a time-out.
    pub async fn until<T>(&self, condition: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.changes();
        loop {
            changes.mark_unchanged();
            if let Some(value) = condition(self) {
                return value;
            }
            if changes.changed().await.is_err() {
                // Cannot be: the sender lives in the workspace that `self` holds.
                std::future::pending::<()>().await;
            }
        }
    }

    /// What happens from now on, as a person would notice it.
    pub fn subscribe(&self) -> broadcast::Receiver<Happening> {
        self.workspace.subscribe()
    }

    /// The whole conversation so far, a line for each happening with its UTC time.
    pub fn transcript(&self) -> String {
        self.workspace.read(|state| {
            state.log.iter().map(|(at, what)| format!("{} {what}\n", clock(*at))).collect()
        })
    }

    /// Somebody has looked at a message (or an ephemeral).
    pub fn read(&self, channel: &str, ts: &str) {
        self.workspace.change(|state| {
            let id = state.channel_id(channel).unwrap_or_default();
            let said = state.messages.get_mut(&id).into_iter().flatten();
            let all = said.chain(state.ephemerals.iter_mut().filter(|m| m.channel == id));
            all.filter(|m| m.ts == ts).for_each(|m| m.unread = None);
        });
    }

    /// Messages and ephemerals of the bot that nobody has looked at since they were posted or edited.
    pub fn unread(&self) -> Vec<Message> {
        self.workspace.read(|state| {
            let all = state.messages.values().flatten().chain(&state.ephemerals);
            let mut unread: Vec<Message> = all.filter(|m| m.unread.is_some()).cloned().collect();
            unread.sort_by(|a, b| a.ts.cmp(&b.ts));
            unread
        })
    }
}

impl State {
    /// A message with the names people use.
    pub(super) fn said(&self, message: &Message) -> Said {
        Said {
            channel: message.channel.clone(),
            place: self.channel_name(&message.channel),
            ts: message.ts.clone(),
            thread_ts: message.thread_ts.clone(),
            author: self.user_name(&message.user),
            text: message.readable(),
        }
    }

    /// Adds a message to its channel and tells who watches.
    pub(super) fn post(&mut self, mut message: Message) -> Message {
        message.unread = message.by_bot.then_some(Unread::Posted);
        let said = self.said(&message);
        self.messages.entry(message.channel.clone()).or_default().push(message.clone());
        self.note(Happening::Posted(said));
        message
    }

    /// Shows a message to one person only.
    pub(super) fn whisper(&mut self, mut message: Message) {
        message.unread = Some(Unread::Posted);
        let said = self.said(&message);
        let to = self.user_name(message.ephemeral_to.as_deref().unwrap_or_default());
        self.ephemerals.push(message);
        self.note(Happening::Ephemeral { to, said });
    }
}
