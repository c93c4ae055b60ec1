//! A local Slack: state, Web API, Socket Mode and a page. It knows nothing of ours: it speaks only the wire protocol.
//!
//! | where | what |
//! | --- | --- |
//! | `options` | what a workspace starts with |
//! | `workspace`, `state/` | the state behind its lock, and the clock |
//! | `server`, `web_api/` | HTTP: one file a method, body and token, scopes, faults, response URLs |
//! | `socket`, `delivery` | Socket Mode: sockets, envelopes, acknowledgements, retries |
//! | `events` | changes to the workspace and the events they cause |
//! | `people/` | what a person does: click, choose, submit, type a command |
//! | `blocks/` | Block Kit's rules, refused in Slack's words |
//! | `readable`, `happenings` | what a person reads and notices |
//! | `page` | the same workspace in a browser |
//!
//! All time is tokio's, so a test may pause it; nothing here starts a thread.
mod blocks;
mod delivery;
mod events;
mod faults;
mod happenings;
mod observe;
mod options;
mod page;
mod people;
mod readable;
mod server;
mod socket;
mod state;
#[cfg(test)]
mod tests;
mod web_api;
mod workspace;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;

pub use delivery::{Ack, Delivery};
pub use faults::Fault;
pub use happenings::{Happening, Said};
pub use options::{App, Options, Panel, Rate, SlashCommand, Team};
pub use people::{At, Person};
pub use state::Call;
pub use state::channels::{Channel, Kind as ChannelKind};
pub use state::messages::{Control, Message, Unread};
pub use state::users::{Dnd, User, Usergroup};
pub use state::views::View;

use delivery::Frame;
use workspace::Workspace;

/// A running workspace. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct Sim {
    workspace: Arc<Workspace>,
}

/// Why a person (or the workspace) cannot do what was asked: there is no such button, person, channel …
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannotAct(pub String);

impl fmt::Display for CannotAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot: {}", self.0)
    }
}

impl std::error::Error for CannotAct {}

impl Sim {
    /// Starts listening. Fails where the address cannot be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let workspace = Arc::new(Workspace::new(options, listener.local_addr()?));
        tokio::spawn(server::serve(Arc::clone(&workspace), listener));
        Ok(Self { workspace })
    }

    /// Stops listening and drops every connection.
    pub fn shutdown(&self) {
        self.workspace.stop.send_replace(true);
    }

    /// Where the Web API is, with a trailing slash, as `SLACK_API_URL` wants it.
    pub fn api_url(&self) -> String {
        format!("http://{}/api/", self.workspace.addr)
    }

    /// Where the page is.
    pub fn page_url(&self) -> String {
        format!("http://{}/", self.workspace.addr)
    }

    /// One line above the messages of whoever looks at the page; empty: none.
    pub fn set_prompt(&self, words: &str) {
        self.workspace.change(|state| state.prompt = words.to_owned());
    }

    /// "Now" in unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.workspace.now_ms()
    }

    /// A person's hands: `sim.by("bea").click(…)`.
    pub fn by(&self, who: &str) -> Person {
        Person::new(self.clone(), who)
    }

    /// Adds somebody; an empty id is made up. Returns the id.
    pub fn add_user(&self, mut user: User) -> String {
        self.workspace.change(|state| {
            if user.id.is_empty() {
                user.id = state.next_id('U');
            }
            let id = user.id.clone();
            state.users.insert(id.clone(), user);
            id
        })
    }

    /// Adds a channel with the bot in it, and everybody where no members are named. Returns the id.
    pub fn add_channel(&self, mut channel: Channel) -> String {
        self.workspace.change(|state| {
            if channel.id.is_empty() {
                channel.id = state.next_id('C');
            }
            let bot = state.options.app.bot_user.clone();
            if channel.members.is_empty() {
                channel.members = state.users.keys().cloned().collect();
            }
            if !channel.has(&bot) {
                channel.members.push(bot);
            }
            let id = channel.id.clone();
            state.channels.insert(id.clone(), channel);
            id
        })
    }

    /// Adds a user group; members may be handles. Returns the id.
    pub fn add_usergroup(&self, mut group: Usergroup) -> String {
        self.workspace.change(|state| {
            if group.id.is_empty() {
                group.id = state.next_id('S');
            }
            group.users = group
                .users
                .iter()
                .map(|who| state.user_id(who).unwrap_or_else(|| who.clone()))
                .collect();
            let id = group.id.clone();
            state.usergroups.insert(id.clone(), group);
            id
        })
    }

    /// Sets somebody's do-not-disturb.
    pub fn set_dnd(&self, who: &str, dnd: Dnd) -> Result<(), CannotAct> {
        let id = self.user_id(who)?;
        self.workspace.change(|state| state.dnd.insert(id, dnd));
        Ok(())
    }

    /// The next call of this method (`*`: of any) fails so; several queue up.
    pub fn fail_next(&self, method: &str, fault: Fault) {
        self.workspace.change(|state| state.faults.push(method, fault));
    }

    /// Every call of this method (`*`: of any) fails so, until [`Sim::heal`].
    pub fn fail_always(&self, method: &str, fault: Fault) {
        self.workspace.change(|state| state.faults.set_always(method, fault));
    }

    /// Takes every fault back, silence and being down included. Frozen sockets stay frozen.
    pub fn heal(&self) {
        self.workspace.change(|state| {
            state.faults.heal();
            state.outbox.silence_pings = false;
        });
    }

    /// Slack is down: the Web API answers 503, sockets drop and are refused.
    pub fn set_down(&self, down: bool) {
        self.workspace.change(|state| state.faults.down = down);
        if down {
            self.drop_sockets();
        }
    }

    /// Every socket's TCP connection goes without a word.
    pub fn drop_sockets(&self) {
        self.workspace.read(|state| state.outbox.tell_all(|| Frame::Drop));
    }

    /// Every socket goes on existing but neither reads nor writes.
    pub fn freeze_sockets(&self) {
        self.workspace.read(|state| state.outbox.tell_all(|| Frame::Freeze));
    }

    /// The same for the oldest socket alone.
    pub fn freeze_oldest_socket(&self) {
        self.workspace.read(|state| {
            let oldest = state.outbox.sockets.first();
            // A socket whose task has ended is about to be taken off the list by it.
            let _ = oldest.map(|socket| socket.frames.send(Frame::Freeze));
        });
    }

    /// Sends `disconnect` on every socket: `warning` (they stay open), `refresh_requested`, `too_many_websockets`
    /// or `link_disabled`.
    pub fn disconnect_all(&self, reason: &'static str) {
        self.workspace.read(|state| state.outbox.tell_all(|| Frame::Disconnect(reason)));
    }

    /// Renews every socket as Slack does: a `warning`, 10 s later `refresh_requested`. Returns after the latter.
    pub async fn refresh_sockets(&self) {
        self.disconnect_all("warning");
        tokio::time::sleep(socket::WARNING).await;
        self.disconnect_all("refresh_requested");
    }

    /// Slack sends no pings while this is on.
    pub fn silence_pings(&self, silent: bool) {
        self.workspace.change(|state| state.outbox.silence_pings = silent);
    }

    /// The next `apps.connections.open` never answers.
    pub fn hang_next_open(&self) {
        self.fail_next("apps.connections.open", Fault::Hang(Duration::from_secs(86_400)));
    }

    /// The next WebSocket upgrade never answers.
    pub fn hang_next_upgrade(&self) {
        self.workspace.change(|state| state.faults.hang_next_upgrade = true);
    }

    /// The next envelope is delivered twice, the same bytes, to whichever sockets are next in turn.
    pub fn repeat_next(&self) {
        self.workspace.change(|state| state.outbox.repeat_next = true);
    }

    /// Sends a text on the next socket as it is; false where none is open.
    pub fn deliver_raw(&self, text: &str) -> bool {
        self.workspace.change(|state| state.outbox.send(text))
    }

    /// Delivers an envelope with its `envelope_id` and waits for the acknowledgement.
    pub async fn deliver_envelope(&self, envelope: &Value) -> Delivery {
        self.workspace.deliver_envelope(envelope).await
    }

    fn user_id(&self, who: &str) -> Result<String, CannotAct> {
        self.workspace
            .read(|state| state.user_id(who))
            .ok_or_else(|| CannotAct(format!("there is nobody called {who}")))
    }

    fn channel_id(&self, channel: &str) -> Result<String, CannotAct> {
        self.workspace
            .read(|state| state.channel_id(channel))
            .ok_or_else(|| CannotAct(format!("there is no channel {channel}")))
    }
}
