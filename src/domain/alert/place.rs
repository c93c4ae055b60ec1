//! Where an alert's message stands, and what follows when Slack does not take it there: another channel, else the people. Pure.

use crate::domain::alert::State;
use crate::domain::alert::audience::audience;
use crate::domain::alert::escalation::Ladder;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::{Event, Told, Way};
use crate::domain::people::ChannelRef;
use crate::domain::policy::{Context, Whom};
use serde::{Deserialize, Serialize};

/// A message that stands elsewhere than where it belongs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Displaced {
    /// Where it belongs.
    pub from: ChannelRef,
    /// Slack's error word for why it is not there.
    pub why: String,
    pub to: ChannelRef,
}

/// Whether Slack refuses the channel, and not what is said in it: then another channel may take the message.
/// Words: the error tables of `chat.postMessage` and `chat.update` on docs.slack.dev.
pub fn lies_in_the_place(word: &str) -> bool {
    matches!(
        word,
        "is_archived"
            | "is_inactive"
            | "not_in_channel"
            | "channel_not_found"
            | "channel_is_archived"
            | "channel_is_limited_access"
            | "cannot_post_in_channel"
            | "restricted_action"
            | "restricted_action_read_only_channel"
            | "restricted_action_thread_only_channel"
            | "external_channel_migrating"
    )
}

/// Whether Slack says that the message itself is gone. One that is no longer ours to change is what it leaves behind where
/// its thread has answers.
pub fn is_gone(word: &str) -> bool {
    matches!(word, "message_not_found" | "cant_update_message")
}

/// The same channel written alike: by its id where Slack has told it.
fn resolved(context: &Context<'_>, channel: &ChannelRef) -> ChannelRef {
    match context.directory.channel(channel) {
        Some(id) => ChannelRef(id.as_str().to_owned()),
        None => channel.clone(),
    }
}

/// The channel for what another does not take; `None` where it is the alert's own.
pub fn fallback(context: &Context<'_>, alert: &Alert) -> Option<ChannelRef> {
    let other = resolved(context, &context.policy.channel);
    (other != resolved(context, &alert.received.channel)).then_some(other)
}

impl Alert {
    /// The channel where its message stands, or is to stand next.
    pub fn place(&self) -> &ChannelRef {
        self.displaced.as_ref().map_or(&self.received.channel, |displaced| &displaced.to)
    }

    /// Its message stands where nobody can write any more, and there is no other place.
    pub fn is_stuck(&self) -> bool {
        self.message.is_some() && self.not_shown.is_some()
    }
}

/// Slack refuses the channel in which the alert's message stands, or was to stand.
pub fn refused(context: &Context<'_>, alert: &Alert, why: &str) -> Vec<Event> {
    // What is over is not brought back to people's eyes; what nobody has seen yet is.
    if alert.message.is_some() && alert.state == State::Resolved {
        return Vec::new();
    }
    // Where it was not shown anywhere, both have just been tried.
    if alert.displaced.is_none()
        && alert.not_shown.is_none()
        && let Some(to) = fallback(context, alert)
    {
        let from = alert.received.channel.clone();
        return vec![Event::Displaced { from, why: why.to_owned(), to }];
    }
    not_shown(context, alert, why)
}

/// There is no other place. It is tried again and again; only what is new is told.
pub fn not_shown(context: &Context<'_>, alert: &Alert, why: &str) -> Vec<Event> {
    if alert.not_shown.as_deref() == Some(why) {
        return Vec::new();
    }
    let mut events = vec![Event::NotShown { why: why.to_owned() }];
    if alert.not_shown.is_none() && alert.waits() && lies_in_the_place(why) {
        events.push(tell(context, alert));
    }
    events
}

/// No channel shows it: the lead is told by direct message, else who is on call, else the team.
fn tell(context: &Context<'_>, alert: &Alert) -> Event {
    let (round, level, rung) = (alert.ladder.round, 0, Ladder::unshown());
    let before = alert.ladder.fired.iter().filter(|fired| fired.rung == rung).count();
    let repeat = u32::try_from(before).unwrap_or(u32::MAX);
    let of = |whom| audience(context, alert, &[whom]).people;
    let meant = [Whom::Lead, Whom::OnCall, Whom::Team].map(of).into_iter();
    match meant.into_iter().find(|people| !people.is_empty()) {
        Some(people) => {
            let (how, groups) = (Way::Dm, Vec::new());
            Event::Escalated { told: Told { round, level, rung, repeat, how, people, groups } }
        }
        None => Event::NobodyMeant { round, level, rung, repeat },
    }
}

#[cfg(test)]
#[path = "place_tests.rs"]
mod tests;
