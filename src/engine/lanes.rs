//! Which lane an effect goes in, and how soon: one channel's posts follow one another, and criticals go first.

use crate::domain::alert::Severity;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::effect::Effect;
use crate::domain::event::{Told, Way};
use crate::domain::ids::StepId;
use crate::domain::playbook::Trigger;
use crate::domain::playbook::run::Run;

/// What begins the lanes of what is no message: they stand behind all others, and somebody else takes them.
pub const CALLS: &str = "~";

/// Whose calls go together: those of one tool that somebody wants, or that a new alert has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller<'a> {
    pub by_itself: bool,
    pub tool: &'a str,
}

impl<'a> Caller<'a> {
    /// Whose the lane is; `None` for one of no call.
    pub fn of(lane: &'a str) -> Option<Self> {
        let mut words = lane.strip_prefix(CALLS)?.split(' ');
        match (words.next()?, words.next()?) {
            ("call", tool) => Some(Self { by_itself: false, tool }),
            ("call-by-itself", tool) => Some(Self { by_itself: true, tool }),
            _ => None,
        }
    }
}

/// One run's calls follow one another, and runs do not wait for each other: a lane for each, those that somebody wants before
/// those that a new alert has started.
fn call(run: &Run, step: &StepId) -> String {
    let by_itself = run.planned.trigger == Trigger::Alert && !run.is_wanted_by_somebody();
    let kind = if by_itself { "call-by-itself" } else { "call" };
    let tool = run.tool(step).map_or("-", |tool| tool.as_str());
    format!("{CALLS}{kind} {tool} {}", run.id)
}

/// A lane's name and the effect's place in it; smaller goes first. `run` is whose effect it is, where it is one's.
pub fn place(effect: &Effect, alert: Option<&Alert>, run: Option<&Run>) -> (String, i64) {
    let channel = || alert.map_or("", |alert| alert.place().0.as_str());
    let (lane, kind) = match effect {
        Effect::Post { .. } => (format!("post {}", channel()), 0),
        Effect::Notify { told, .. } => told_in(told, channel()),
        Effect::Line { .. } => (format!("post {}", channel()), 2),
        Effect::Update { .. } => (format!("update {}", channel()), 0),
        Effect::UpdateCopy { channel, .. } => (format!("update {channel}"), 1),
        Effect::Reply { to, .. } => (format!("reply {}", to.user), 0),
        Effect::PostRun { .. } | Effect::Say { .. } => (format!("post {}", channel()), 2),
        Effect::UpdateRun { .. } => (format!("update {}", channel()), 1),
        Effect::UpdateRunCopy { channel, .. } => (format!("update {channel}"), 1),
        Effect::NotifyRun { told, .. } => told_in(told, channel()),
        Effect::Call { run: id, call: wanted, .. } => match run {
            Some(run) => (call(run, &wanted.step), 0),
            None => (format!("{CALLS}call - {id}"), 0),
        },
        Effect::Trigger { alert, playbook } => (format!("{CALLS}run {alert} {playbook}"), 0),
    };
    (lane, alert.map_or(0, |alert| urgency(alert.severity)) + kind)
}

fn told_in(told: &Told, channel: &str) -> (String, i64) {
    let lane = match &told.how {
        Way::Thread => format!("post {channel}"),
        Way::Channel(other) => format!("post {}", other.0),
        Way::Dm => format!("dm {}", told.people.first().map_or("", |person| person.as_str())),
    };
    (lane, 1)
}

/// What an alert's severity adds to the place of its effects; the kinds of effect fit between two severities.
pub fn urgency(severity: Severity) -> i64 {
    severity as i64 * 10
}

/// Whether it can only be done once the alert's message stands.
pub fn needs_message(effect: &Effect) -> bool {
    match effect {
        Effect::Notify { told, .. } | Effect::NotifyRun { told, .. } => told.how == Way::Thread,
        Effect::Line { .. }
        | Effect::Update { .. }
        | Effect::PostRun { .. }
        | Effect::Say { .. } => true,
        Effect::Post { .. }
        | Effect::UpdateCopy { .. }
        | Effect::Reply { .. }
        | Effect::UpdateRun { .. }
        | Effect::UpdateRunCopy { .. }
        | Effect::Call { .. }
        | Effect::Trigger { .. } => false,
    }
}
