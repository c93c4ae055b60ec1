//! Whatever we do: say something, change a message, tell someone, reply. Each is an outbox row before it is done.

use crate::domain::event::{Event, Told};
use crate::domain::ids::*;
use crate::domain::people::Actor;
use crate::domain::playbook::run::event::{CallId, Purpose};
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// So many alerts share a message at most: each with its line and its button, that is what Slack takes.
pub const MOST_TOGETHER: usize = 20;

/// An outbox row's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub i64);

/// What is to be done. Messages are rendered from the newest state when their turn comes, so an effect only says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// Post the alert's message in its channel.
    Post { alert: AlertId },
    /// Bring the alert's message up to date.
    Update { alert: AlertId },
    /// Bring up to date a notification that carries the alert's buttons (a DM, another channel).
    UpdateCopy { alert: AlertId, channel: ChannelId, ts: MessageTs },
    /// One line in the alert's thread. Lines of one alert that wait together become one post.
    Line { alert: AlertId, line: Line },
    /// Tell someone that the alert waits.
    Notify { alert: AlertId, told: Told },
    /// Answer who asked, for their eyes only.
    Reply { to: ReplyTo, reply: Reply },
    /// Post the run's message in its alert's thread.
    PostRun { run: RunId, alert: AlertId },
    /// Bring the run's message up to date.
    UpdateRun { run: RunId, alert: AlertId },
    /// Bring up to date a direct message that carries the run's buttons.
    UpdateRunCopy { run: RunId, alert: AlertId, channel: ChannelId, ts: MessageTs },
    /// Say in the alert's thread what a step of the run wants said.
    Say { run: RunId, alert: AlertId, step: StepId, iteration: u32 },
    /// Tell someone that the run waits.
    NotifyRun { run: RunId, alert: AlertId, told: Told },
    /// Have a playbook start by itself.
    Trigger { alert: AlertId, playbook: PlaybookName },
    /// Call a tool.
    Call { run: RunId, call: CallId, purpose: Purpose, after: Timestamp },
}

/// What a thread line tells: an event, who brought it about, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub at: Timestamp,
    pub actor: Actor,
    pub event: Event,
}

/// Where an answer for one person goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    pub user: UserId,
    pub channel: Option<ChannelId>,
    /// Slack's address for answers to this interaction: 5 uses within 30 minutes, and a secret while it lives.
    pub response_url: Option<String>,
}

/// What an answer says; rendered from a read connection when it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reply")]
pub enum Reply {
    Help,
    /// Open alerts, worst first.
    List,
    /// Runs that wait or go on, worst first.
    Runs,
    Show {
        alert: AlertId,
    },
    Coverage,
    Refused {
        refusal: Refusal,
        alert: Option<AlertId>,
    },
}

impl Effect {
    /// The alert it is about.
    pub fn alert(&self) -> Option<&AlertId> {
        match self {
            Self::Post { alert }
            | Self::Update { alert }
            | Self::UpdateCopy { alert, .. }
            | Self::Line { alert, .. }
            | Self::Notify { alert, .. }
            | Self::PostRun { alert, .. }
            | Self::UpdateRun { alert, .. }
            | Self::UpdateRunCopy { alert, .. }
            | Self::Say { alert, .. }
            | Self::NotifyRun { alert, .. }
            | Self::Trigger { alert, .. } => Some(alert),
            Self::Reply { reply: Reply::Show { alert }, .. } => Some(alert),
            Self::Reply { reply: Reply::Refused { alert, .. }, .. } => alert.as_ref(),
            Self::Reply { .. } | Self::Call { .. } => None,
        }
    }

    /// The run it is about.
    pub fn run(&self) -> Option<&RunId> {
        match self {
            Self::PostRun { run, .. }
            | Self::UpdateRun { run, .. }
            | Self::UpdateRunCopy { run, .. }
            | Self::Say { run, .. }
            | Self::NotifyRun { run, .. }
            | Self::Call { run, .. } => Some(run),
            Self::Post { .. }
            | Self::Update { .. }
            | Self::UpdateCopy { .. }
            | Self::Line { .. }
            | Self::Notify { .. }
            | Self::Reply { .. }
            | Self::Trigger { .. } => None,
        }
    }
}
