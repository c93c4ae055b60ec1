//! Whoever has not acknowledged hears about it again: which rung of the ladder comes next, and when. Pure.
//!
//! A rung is known by its content and its round, never by its place, so an edited policy neither repeats nor loses one.

use crate::domain::alert::lifecycle::{Fired, LadderState};
use crate::domain::event::{RungKey, Way};
use crate::domain::ids::UserId;
use crate::domain::policy::Whom;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Acknowledge {
    /// Anybody's.
    One,
    /// Every member's; only the missing are chased.
    Each,
}

/// One way of a rung: after this time, these people, in this way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rung {
    /// Which rung of the ladder it belongs to, from 1; one rung may tell in several ways.
    pub level: u32,
    pub after: Duration,
    pub how: Way,
    pub whom: Vec<Whom>,
    key: RungKey,
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
    pub missing: Missing<'a>,
}

/// Whose acknowledgement is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing<'a> {
    /// Nobody's: the ladder stops.
    Nobody,
    /// Anybody's would do.
    Anybody,
    /// With `acknowledge: each`: that of each of these, and only they are chased.
    These(&'a [UserId]),
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
        /// Of those meant only these, where it is known who is missing.
        only: Option<Vec<UserId>>,
    },
    /// The assignee stayed silent: the alert is the team's again.
    Return,
}

impl Due {
    /// The level of the rung that is told by it for the first time.
    pub fn rung(&self) -> Option<u32> {
        match self.step {
            Step::Tell { level, repeat: 0, .. } => Some(level),
            Step::Tell { .. } | Step::Return => None,
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an assignee has where the ladder names no time of its own.
const GRACE: Duration = Duration::from_secs(5 * 60);

impl Rung {
    /// A way of the ladder's `level`th rung.
    pub fn new(level: u32, after: Duration, how: Way, whom: Vec<Whom>) -> Self {
        let key = key_of(&(after, &how, &whom));
        Self { level, after, how, whom, key }
    }

    /// A rung that no config can write, told apart by `name` from one of the same content.
    fn built_in(name: &str, level: u32, after: Duration, whom: Whom) -> Self {
        let whom = vec![whom];
        let key = key_of(&(name, after, &whom));
        Self { level, after, how: Way::Dm, whom, key }
    }

    /// Its name: the first 16 hex digits of SHA-256 over its content (after, how, whom).
    pub fn key(&self) -> &RungKey {
        &self.key
    }
}

fn key_of(content: &impl Serialize) -> RungKey {
    let content = serde_json::to_vec(content).expect("a rung is plain data");
    RungKey(crate::domain::alert::dedup::hex(&Sha256::digest(content)[..8]))
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
                Rung::new(1, minutes(15), Way::Thread, vec![Whom::Team]),
                Rung::new(2, minutes(30), Way::Dm, vec![Whom::Lead]),
            ],
            repeat: Repeat::default(),
            hours: Hours::Always,
        }
    }

    /// The names of its rungs.
    pub fn keys(&self) -> Vec<RungKey> {
        self.rungs.iter().map(Rung::key).cloned().collect()
    }

    /// Tells whether two versions of a ladder are the same: the first 16 hex digits of SHA-256 over its rungs and repeats.
    pub fn print(&self) -> String {
        let Repeat { every, times } = self.repeat;
        let mut sha = Sha256::new_with_prefix(format!("{} {times}", every.as_millis()));
        self.keys().iter().for_each(|key| sha.update(&key.0));
        crate::domain::alert::dedup::hex(&sha.finalize()[..8])
    }

    /// The rung that is repeated for ever, once the repeats are used up.
    fn daily(&self) -> Rung {
        let last = self.rungs.last().map_or(0, |rung| rung.level);
        Rung::built_in("daily", last + 1, DAY, Whom::Lead)
    }

    /// The name of what tells people by themselves because no channel shows the alert.
    pub fn unshown() -> RungKey {
        key_of(&("not_shown", Duration::ZERO))
    }

    fn assignee() -> Rung {
        Rung::built_in("assignee", 1, Duration::ZERO, Whom::Assignee)
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
    let only = match standing.missing {
        Missing::Nobody | Missing::These([]) => return None,
        Missing::Anybody => None,
        Missing::These(people) => Some(people.to_vec()),
    };
    if standing.assigned {
        return Some(next_for_assignee(ladder, standing));
    }
    let mut due = next_rung(ladder, standing).unwrap_or_else(|| next_repeat(ladder, standing, now));
    due.at = ladder.hours.open(due.at);
    if let Step::Tell { only: chased, .. } = &mut due.step {
        *chased = only;
    }
    Some(due)
}

fn next_for_assignee(ladder: &Ladder, standing: &Standing<'_>) -> Due {
    let rung = Ladder::assignee();
    let since = standing.state.since;
    match standing.state.fired.iter().find(|fired| fired.rung == *rung.key()) {
        // Who cannot hear it does not keep the team waiting.
        Some(fired) => {
            let patience = since + ladder.grace();
            Due { at: fired.unheard.map_or(patience, |at| at.min(patience)), step: Step::Return }
        }
        None => Due { at: since, step: tell(&rung, 0) },
    }
}

fn next_rung(ladder: &Ladder, standing: &Standing<'_>) -> Option<Due> {
    let mut heard_from: Option<&Fired> = None;
    for rung in &ladder.rungs {
        if let Some(fired) = standing.state.fired.iter().find(|f| f.rung == *rung.key()) {
            heard_from = Some(fired);
            continue;
        }
        let planned = standing.state.since + rung.after;
        let new_to_it = !standing.known.contains(rung.key());
        if new_to_it && planned < standing.policy_since {
            continue;
        }
        // Those of the rung before cannot hear it: this one does not wait for its time.
        let at = heard_from
            .and_then(|fired| fired.unheard)
            .map_or(planned, |unheard| unheard.min(planned));
        return Some(Due { at, step: tell(rung, 0) });
    }
    None
}

/// After the last rung: the same again so many times, then the lead daily. Each counts from the one before it, so that an
/// edited policy neither catches up nor falls silent.
fn next_repeat(ladder: &Ladder, standing: &Standing<'_>, now: Timestamp) -> Due {
    let daily = ladder.daily();
    let fired = &standing.state.fired;
    let newest = |is_meant: &dyn Fn(&Fired) -> bool| {
        fired.iter().filter(|f| is_meant(f)).max_by_key(|f| (f.repeat, f.at))
    };
    let daily_before = newest(&|f| f.rung == *daily.key());
    let repeat_before = newest(&|f| f.rung != *daily.key() && f.repeat > 0);
    let anchor = daily_before.or(repeat_before).map_or_else(|| end(ladder, standing), |f| f.at);
    if let (None, Some(rung)) = (daily_before, ladder.rungs.last()) {
        let done = repeat_before.map_or(0, |f| f.repeat);
        if done < ladder.repeat.times {
            let every = ladder.repeat.every;
            let steps = missed(now.since(anchor), every).clamp(1, ladder.repeat.times - done);
            return Due { at: anchor + every * steps, step: tell(rung, done + steps) };
        }
    }
    let steps = missed(now.since(anchor), DAY).max(1);
    let number = daily_before.map_or(0, |f| f.repeat) + steps;
    Due { at: anchor + DAY * steps, step: tell(&daily, number) }
}

/// When the ladder's last rung was reached. One that an edit put into the past was reached by the edit.
fn end(ladder: &Ladder, standing: &Standing<'_>) -> Timestamp {
    let Some(last) = ladder.rungs.last() else { return standing.state.since };
    let fired = standing.state.fired.iter().find(|fired| fired.rung == *last.key());
    fired.map_or(standing.policy_since, |fired| fired.at)
}

/// How many whole spans have passed.
fn missed(passed: Duration, every: Duration) -> u32 {
    u32::try_from(passed.as_millis() / every.as_millis().max(1)).unwrap_or(u32::MAX)
}

fn tell(rung: &Rung, repeat: u32) -> Step {
    Step::Tell {
        level: rung.level,
        repeat,
        key: rung.key.clone(),
        how: rung.how.clone(),
        whom: rung.whom.clone(),
        only: None,
    }
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
