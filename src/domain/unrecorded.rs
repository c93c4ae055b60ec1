//! What was said while the store took no writes: told to the journal afterwards.

use crate::domain::alert::lifecycle::{Alert, Posted};
use crate::domain::event::{Event, Fact, RungKey, Told, Way};
use crate::domain::ids::{AlertId, ChannelId, MessageTs};
use crate::domain::input::{Reach, Sent};
use crate::domain::people::ChannelRef;
use serde::{Deserialize, Serialize};

/// Something that was said without record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unrecorded {
    /// The alert was shown there.
    Shown(Posted),
    /// A rung was reached, and these have heard of it: each as far as they were told.
    Rung { reached: Told, nobody: bool, heard: Vec<Heard> },
}

/// Whose it was. An alert that was not on disk may have been sent again meanwhile, under another id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    Alert(AlertId),
    /// The newest of this fingerprint.
    Newest(String),
}

/// One message that told people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub told: Told,
    pub channel: ChannelId,
    pub ts: MessageTs,
    pub reach: Reach,
}

/// What then has happened to the alert.
pub fn catch_up(alert: &Alert, unrecorded: &Unrecorded) -> Vec<Fact> {
    let events = match unrecorded {
        Unrecorded::Shown(posted) => vec![shown(alert, posted)],
        Unrecorded::Rung { reached, nobody, heard } => rung(alert, reached, *nobody, heard),
    };
    events.into_iter().map(Fact::from).collect()
}

fn shown(alert: &Alert, Posted { channel, ts }: &Posted) -> Event {
    let (channel, ts, how) = (channel.clone(), ts.clone(), Sent::Unrecorded);
    if alert.message.is_none() {
        return Event::Shown { channel, ts, how, again: alert.shown_at.is_some() };
    }
    // It has been shown in the ordinary way meanwhile: this one is another that carries its buttons.
    let told = Told {
        round: alert.ladder.round,
        level: 0,
        rung: RungKey("unrecorded".to_owned()),
        repeat: 0,
        how: Way::Channel(ChannelRef(channel.as_str().to_owned())),
        people: Vec::new(),
        groups: Vec::new(),
    };
    Event::Notified { told, channel, ts, how, reach: Reach::Delivered }
}

fn rung(alert: &Alert, reached: &Told, nobody: bool, heard: &[Heard]) -> Vec<Event> {
    let Told { round, level, repeat, .. } = *reached;
    let mut events = Vec::new();
    if nobody {
        events.push(Event::NobodyMeant { round, level, rung: reached.rung.clone(), repeat });
    }
    events.push(Event::EscalatedUnrecorded { told: reached.clone() });
    for Heard { told, channel, ts, reach } in heard {
        events.push(Event::Notified {
            told: told.clone(),
            channel: channel.clone(),
            ts: ts.clone(),
            how: Sent::Unrecorded,
            reach: *reach,
        });
    }
    events.extend(missed(alert, reached, heard));
    events
}

/// Whom the messages that did get out have left out: they are told now, in the ordinary way.
fn missed(alert: &Alert, reached: &Told, heard: &[Heard]) -> Option<Event> {
    let mut left = reached.clone();
    left.people.retain(|user| !heard.iter().any(|heard| heard.told.people.contains(user)));
    let all_of_it = match reached.how {
        Way::Dm => left.people.is_empty(),
        Way::Thread | Way::Channel(_) => !heard.is_empty(),
    };
    let wanted = alert.waits() && alert.ladder.round == reached.round;
    (wanted && !all_of_it).then_some(Event::Escalated { told: left })
}
