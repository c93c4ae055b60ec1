//! A moment: the ladder's next step is due, something has changed under an alert, the process starts or stops.

use super::{Decision, on, on_system};
use crate::domain::alert::audience::{MENTIONED, audience};
use crate::domain::alert::escalation::{self, Due, Missing, Standing, Step};
use crate::domain::alert::lifecycle::{Alert, LadderState};
use crate::domain::alert::{State, pending, place};
use crate::domain::event::{Event, Fact, Private, Told, Way};
use crate::domain::ids::{ChannelId, UserId};
use crate::domain::input::{Moment, Version};
use crate::domain::policy::Context;
use crate::domain::time::Timestamp;
use crate::domain::unrecorded;

pub(super) fn pass(
    context: &Context<'_>,
    subject: Option<&Alert>,
    (moment, now): (&Moment, Timestamp),
) -> Decision {
    match moment {
        Moment::Started { boot, version, config } => {
            let event = Event::Started {
                boot: boot.clone(),
                version: version.clone(),
                config_hash: config.hash.clone(),
                ladders: config.ladders.clone(),
            };
            on_system(vec![Fact { event, private: Some(content(config)) }])
        }
        Moment::Configured { config, .. } => {
            let event = Event::Configured {
                config_hash: config.hash.clone(),
                ladders: config.ladders.clone(),
            };
            on_system(vec![Fact { event, private: Some(content(config)) }])
        }
        Moment::Stopping => on_system(vec![Event::Stopped {}.into()]),
        Moment::Due { alert: id } => {
            match subject.and_then(|alert| Some((alert, next(context, alert, now)?))) {
                Some((alert, due)) if due.at <= now => {
                    let events = climb(context, (alert, &alert.ladder), due.step);
                    on(id, events.into_iter().map(Fact::from).collect())
                }
                _ => on(id, Vec::new()),
            }
        }
        Moment::Unrecorded { said, .. } => match subject {
            Some(alert) => on(&alert.id, unrecorded::catch_up(alert, said)),
            None => on_system(Vec::new()),
        },
        Moment::MessageDeleted { .. } | Moment::PlaceClosed { .. } | Moment::Departed { .. } => {
            changed(context, subject, moment)
        }
        // A run's are decided with it.
        Moment::RunDue { .. } | Moment::CallDue(_) => on_system(Vec::new()),
    }
}

fn content(config: &Version) -> Private {
    Private::Config { config: config.text.clone(), roles: config.roles.clone() }
}

/// What Slack says has changed under an alert. An old word of it finds things as they are now, and changes nothing.
fn changed(context: &Context<'_>, subject: Option<&Alert>, moment: &Moment) -> Decision {
    let Some(alert) = subject else { return on_system(Vec::new()) };
    let stands = |channel: &ChannelId| {
        alert.message.as_ref().is_some_and(|posted| posted.channel == *channel)
    };
    let events = match moment {
        Moment::MessageDeleted { channel, ts }
            if alert.state != State::Resolved
                && stands(channel)
                && alert.message.as_ref().is_some_and(|posted| posted.ts == *ts) =>
        {
            vec![Event::MessageLost { why: "message_deleted".to_owned() }]
        }
        Moment::PlaceClosed { channel, why, .. } if stands(channel) => {
            place::refused(context, alert, why)
        }
        Moment::Departed { .. } => {
            pending::left_behind(context.directory, alert).into_iter().collect()
        }
        Moment::MessageDeleted { .. }
        | Moment::PlaceClosed { .. }
        | Moment::Started { .. }
        | Moment::Configured { .. }
        | Moment::Stopping
        | Moment::Unrecorded { .. }
        | Moment::RunDue { .. }
        | Moment::CallDue(_)
        | Moment::Due { .. } => Vec::new(),
    };
    on(&alert.id, events.into_iter().map(Fact::from).collect())
}

/// The next step of an alert's ladder, and when; `None` while nobody needs to be told.
pub fn next(context: &Context<'_>, alert: &Alert, now: Timestamp) -> Option<Due> {
    let standing = Standing {
        state: &alert.ladder,
        assigned: alert.assignee.is_some(),
        known: &alert.received.rungs,
        policy_since: context.policy.ladder_since(&alert.received.escalation),
        missing: if alert.waits() { Missing::Anybody } else { Missing::Nobody },
    };
    escalation::next(context.policy.ladder(&alert.received.escalation), &standing, now)
}

/// A rung is reached: of an alert, or of what runs on it, each with its own ladder.
pub(super) fn climb(
    context: &Context<'_>,
    (alert, ladder): (&Alert, &LadderState),
    step: Step,
) -> Vec<Event> {
    let (tell, whom, only) = match step {
        Step::Return => {
            return alert
                .assignee
                .iter()
                .map(|from| Event::Returned { from: from.clone() })
                .collect();
        }
        Step::Tell { level, repeat, key, how, whom, only } => {
            ((level, repeat, key, how), whom, only)
        }
    };
    let (level, repeat, rung, how) = tell;
    let mut meant = audience(context, alert, &whom);
    if let Some(missing) = only {
        meant.groups.clear();
        meant.people.retain(|user| missing.contains(user));
    }
    let nobody = meant.is_empty();
    if how == Way::Thread {
        let by_dm = told_by_dm(context, alert, level);
        meant.people.retain(|user| !by_dm.contains(user));
    }
    let round = ladder.round;
    let told = Told { round, level, rung, repeat, how, people: meant.people, groups: meant.groups };
    match &told.how {
        Way::Channel(_) => vec![Event::Escalated { told }],
        _ if nobody => {
            // Nobody is meant: an empty role, a schedule with a gap. The alert's channel hears of it instead.
            let nobody = Event::NobodyMeant { round, level, rung: told.rung.clone(), repeat };
            let how = Way::Channel(alert.place().clone());
            vec![nobody, Event::Escalated { told: Told { how, ..told } }]
        }
        // Only the group's name is known: a mention reaches its members, a direct message would reach nobody.
        Way::Dm if told.people.is_empty() => {
            vec![Event::Escalated { told: Told { how: Way::Thread, ..told } }]
        }
        // There is no thread, and Slack says that there will be none: these people are told by themselves.
        Way::Thread if alert.not_shown.is_some() && !told.people.is_empty() => {
            vec![Event::Escalated { told: Told { how: Way::Dm, ..told } }]
        }
        Way::Thread => in_messages(context, told),
        Way::Dm => vec![Event::Escalated { told }],
    }
}

/// A message mentions so many people; further ones are told in further messages. Who is in a group is mentioned with it.
fn in_messages(context: &Context<'_>, told: Told) -> Vec<Event> {
    let of_a_group =
        |user: &UserId| told.groups.iter().any(|group| context.directory.is_member(group, user));
    let (mut first, mut named): (Vec<_>, Vec<_>) =
        told.people.iter().cloned().partition(of_a_group);
    first.extend(named.drain(..named.len().min(MENTIONED)));
    let rest = named.chunks(MENTIONED).map(|people| Told {
        people: people.to_vec(),
        groups: Vec::new(),
        ..told.clone()
    });
    let first =
        if named.is_empty() { told.clone() } else { Told { people: first, ..told.clone() } };
    std::iter::once(first).chain(rest).map(|told| Event::Escalated { told }).collect()
}

/// Whom the same rung tells by direct message: they need no mention beside it.
fn told_by_dm(context: &Context<'_>, alert: &Alert, level: u32) -> Vec<UserId> {
    let ladder = context.policy.ladder(&alert.received.escalation);
    let same = ladder.rungs.iter().filter(|rung| rung.level == level && rung.how == Way::Dm);
    same.flat_map(|rung| audience(context, alert, &rung.whom).people).collect()
}
