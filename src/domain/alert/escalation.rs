//! Whoever has not acknowledged hears about it again: which rung of the ladder comes next, and when. Pure.
//!
//! A rung is known by its content and its round, never by its place, so an edited policy neither repeats nor loses one.

use crate::domain::alert::lifecycle::{Fired, LadderState};
use crate::domain::event::{RungKey, Way};
use crate::domain::policy::Whom;
use crate::domain::time::Timestamp;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// An escalation policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ladder {
    pub acknowledge: Acknowledge,
    /// In the order of `after`.
    pub rungs: Vec<Rung>,
    pub repeat: Repeat,
    pub hours: Hours,
}

/// Whose acknowledgement stops the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// Anybody's.
    One,
    /// Every member's; only the missing are chased.
    Each,
}

/// One rung: after this time, these people, in this way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rung {
    pub after: Duration,
    pub how: Way,
    pub whom: Vec<Whom>,
}

/// What comes after the last rung. It never ends in silence: after `times` the lead hears of it daily.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    pub every: Duration,
    pub times: u32,
}

/// When people may be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hours {
    Always,
    Business(Calendar),
}

/// A team's working time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    pub zone: jiff::tz::TimeZone,
    pub days: Vec<jiff::civil::Weekday>,
    pub from: jiff::civil::Time,
    pub to: jiff::civil::Time,
    pub holidays: Vec<jiff::civil::Date>,
}

/// What the next step looks at, beside the ladder itself.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub state: &'a LadderState,
    /// Whether somebody holds the alert by name: then this round is theirs.
    pub assigned: bool,
    /// The rungs as they stood when the alert came in.
    pub known: &'a [RungKey],
    /// When the policy in force came into force.
    pub policy_since: Timestamp,
    /// With `acknowledge: each`: how many of those who must acknowledge have not yet. 0 stops the ladder.
    pub missing: usize,
}

/// The next step and its time, which may lie in the past.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Timestamp,
    pub step: Step,
}

/// A step of the ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Tell {
        level: u32,
        repeat: u32,
        key: RungKey,
        how: Way,
        whom: Vec<Whom>,
    },
    /// The assignee stayed silent: the alert is the team's again.
    Return,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an assignee has where the ladder names no time of its own.
const GRACE: Duration = Duration::from_secs(5 * 60);

impl Rung {
    /// Its name: the first 16 hex digits of SHA-256 over its content.
    pub fn key(&self) -> RungKey {
        let content = serde_json::to_vec(self).expect("a rung is plain data");
        RungKey(crate::domain::alert::dedup::hex(&Sha256::digest(content)[..8]))
    }
}

impl Ladder {
    /// The policy that a route gets which names none.
    pub const STANDARD: &'static str = "standard";

    /// The built-in standard policy: the thread after 15 minutes, the lead by DM after 30, then hourly for a day.
    pub fn standard() -> Self {
        let minutes = |n: u64| Duration::from_secs(n * 60);
        Self {
            acknowledge: Acknowledge::One,
            rungs: vec![
                Rung { after: minutes(15), how: Way::Thread, whom: vec![Whom::Team] },
                Rung { after: minutes(30), how: Way::Dm, whom: vec![Whom::Lead] },
            ],
            repeat: Repeat::default(),
            hours: Hours::Always,
        }
    }

    /// The names of its rungs.
    pub fn keys(&self) -> Vec<RungKey> {
        self.rungs.iter().map(Rung::key).collect()
    }

    /// The rung that is repeated for ever, once the repeats are used up.
    fn daily() -> Rung {
        Rung { after: DAY, how: Way::Dm, whom: vec![Whom::Lead] }
    }

    fn assignee() -> Rung {
        Rung { after: Duration::ZERO, how: Way::Dm, whom: vec![Whom::Assignee] }
    }

    /// How long an assignee may stay silent: as long as the ladder's first wait.
    fn grace(&self) -> Duration {
        self.rungs.iter().map(|rung| rung.after).find(|after| !after.is_zero()).unwrap_or(GRACE)
    }
}

impl Default for Repeat {
    fn default() -> Self {
        Self { every: Duration::from_secs(60 * 60), times: 24 }
    }
}

/// The earliest step that has not been taken; `None` only when nobody is missing any more.
///
/// Asked again after each step, with `now` moving on. A repeat that was missed (a long sleep, a stopped process) is not
/// caught up one by one: the newest stands for all of them.
pub fn next(ladder: &Ladder, standing: &Standing<'_>, now: Timestamp) -> Option<Due> {
    if standing.missing == 0 {
        return None;
    }
    if standing.assigned {
        return Some(next_for_assignee(ladder, standing));
    }
    let due = next_rung(ladder, standing).or_else(|| next_repeat(ladder, standing, now));
    due.map(|due| Due { at: ladder.hours.open(due.at), ..due })
}

fn next_for_assignee(ladder: &Ladder, standing: &Standing<'_>) -> Due {
    let rung = Ladder::assignee();
    let since = standing.state.since;
    if standing.state.has(&rung.key(), 0) {
        return Due { at: since + ladder.grace(), step: Step::Return };
    }
    Due { at: since, step: tell(1, 0, &rung) }
}

fn next_rung(ladder: &Ladder, standing: &Standing<'_>) -> Option<Due> {
    let mut heard_from: Option<&Fired> = None;
    for (index, rung) in ladder.rungs.iter().enumerate() {
        let key = rung.key();
        if let Some(fired) = standing.state.fired.iter().find(|f| f.rung == key) {
            heard_from = Some(fired);
            continue;
        }
        let planned = standing.state.since + rung.after;
        let new_to_it = !standing.known.contains(&key);
        if new_to_it && planned < standing.policy_since {
            continue;
        }
        // Those of the rung before cannot hear it: this one does not wait for its time.
        let at = heard_from
            .and_then(|fired| fired.unheard)
            .map_or(planned, |unheard| unheard.min(planned));
        return Some(Due { at, step: tell(u32::try_from(index).unwrap_or(u32::MAX) + 1, 0, rung) });
    }
    None
}

fn next_repeat(ladder: &Ladder, standing: &Standing<'_>, now: Timestamp) -> Option<Due> {
    let daily = Ladder::daily();
    let (rung, level) = match ladder.rungs.last() {
        Some(rung) => (rung, u32::try_from(ladder.rungs.len()).unwrap_or(u32::MAX)),
        None => (&daily, 1),
    };
    let start =
        standing.state.since + if ladder.rungs.is_empty() { Duration::ZERO } else { rung.after };
    let times = if ladder.rungs.is_empty() { 0 } else { ladder.repeat.times };
    let last = |key: &RungKey| {
        standing.state.fired.iter().filter(|f| f.rung == *key).map(|f| f.repeat).max()
    };
    let done = last(&rung.key()).unwrap_or(0);
    if done < times && last(&daily.key()).is_none() {
        let passed = missed(now.since(start), ladder.repeat.every).min(times);
        let number = (done + 1).max(passed);
        let at = start + ladder.repeat.every * number;
        return Some(Due { at, step: tell(level, number, rung) });
    }
    let start = start + ladder.repeat.every * times;
    let number = (last(&daily.key()).unwrap_or(0) + 1).max(missed(now.since(start), DAY));
    Some(Due { at: start + DAY * number, step: tell(level + 1, number, &daily) })
}

/// How many whole spans have passed.
fn missed(passed: Duration, every: Duration) -> u32 {
    u32::try_from(passed.as_millis() / every.as_millis().max(1)).unwrap_or(u32::MAX)
}

fn tell(level: u32, repeat: u32, rung: &Rung) -> Step {
    Step::Tell { level, repeat, key: rung.key(), how: rung.how.clone(), whom: rung.whom.clone() }
}

impl Hours {
    /// `at`, or the next moment at which people may be told.
    fn open(&self, at: Timestamp) -> Timestamp {
        match self {
            Self::Always => at,
            Self::Business(calendar) => calendar.open(at),
        }
    }
}

impl Calendar {
    /// `at` where it lies in working time, else the next opening. A calendar that never opens holds nothing back.
    fn open(&self, at: Timestamp) -> Timestamp {
        let local = at.instant().to_zoned(self.zone.clone());
        let works = |date: jiff::civil::Date| {
            self.days.contains(&date.weekday()) && !self.holidays.contains(&date)
        };
        if works(local.date()) && (self.from..self.to).contains(&local.time()) {
            return at;
        }
        let mut date = local.date();
        if local.time() >= self.from {
            date = date.tomorrow().unwrap_or(date);
        }
        for _ in 0..400 {
            if works(date)
                && let Ok(opening) = date.to_datetime(self.from).to_zoned(self.zone.clone())
            {
                return Timestamp::from_millis(opening.timestamp().as_millisecond());
            }
            date = date.tomorrow().unwrap_or(date);
        }
        at
    }
}

#[cfg(test)]
#[path = "escalation_tests.rs"]
mod tests;
