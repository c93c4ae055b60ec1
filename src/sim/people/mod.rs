//! What a person does in the workspace, each act with the payload that Slack sends for it.
mod clicks;
mod commands;
mod dialogs;
mod payload;

use serde_json::Value;

use super::delivery::{Delivery, Kind};
use super::happenings::Happening;
use super::state::State;
use super::{CannotAct, Message, Sim};

/// Where something is clicked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// A message, or an ephemeral that the person was shown.
    Message { channel: String, ts: String },
    /// The topmost modal that the person has open.
    Modal,
    /// The person's App Home.
    Home,
}

impl From<&Message> for At {
    fn from(message: &Message) -> Self {
        Self::Message { channel: message.channel.clone(), ts: message.ts.clone() }
    }
}

impl From<(&str, &str)> for At {
    fn from((channel, ts): (&str, &str)) -> Self {
        Self::Message { channel: channel.to_string(), ts: ts.to_string() }
    }
}

/// Somebody's hands. Made by [`Sim::by`].
#[derive(Clone)]
pub struct Person {
    sim: Sim,
    /// As the test called them; resolved with each act.
    who: String,
    on_grid: bool,
    from_team: Option<String>,
}

impl Person {
    pub(super) fn new(sim: Sim, who: &str) -> Self {
        Self { sim, who: who.to_string(), on_grid: false, from_team: None }
    }

    /// Acts as in an organisation-wide installation on Enterprise Grid: `team` is null, `enterprise` an object.
    pub fn on_grid(mut self) -> Self {
        self.on_grid = true;
        self
    }

    /// Acts as somebody from another workspace (Slack Connect), whatever their account says.
    pub fn from_team(mut self, team: &str) -> Self {
        self.from_team = Some(team.to_string());
        self
    }

    /// Their user id.
    pub fn id(&self) -> Result<String, CannotAct> {
        self.sim.user_id(&self.who)
    }

    /// Delivers what the person did and notes what became of it.
    async fn deliver(
        &self,
        kind: Kind,
        payload: Value,
        act: String,
    ) -> Result<Delivery, CannotAct> {
        let delivery = self.sim.workspace.deliver(kind, payload).await;
        let user = self.who.clone();
        let acted = Happening::Acted { user, act, delivery: delivery.clone() };
        self.sim.workspace.change(|state| state.note(acted));
        Ok(delivery)
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        self.sim.workspace.change(change)
    }

    fn look<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        self.sim.workspace.read(look)
    }
}

/// Shorthand for a refusal of the person's act.
fn cannot<T>(why: impl Into<String>) -> Result<T, CannotAct> {
    Err(CannotAct(why.into()))
}
