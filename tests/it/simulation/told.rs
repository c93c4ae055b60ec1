//! What the world was told, as the outside knows it: what was sent, what was answered, what was broken when.

use super::plan::Fired;
use super::timeline::Timeline;
use vigie::sim::Message;

/// A webhook's delivery: the same body may be tried more than once where it has a name.
#[derive(Debug)]
pub struct Delivered {
    pub source: &'static str,
    pub alerts: Vec<Fired>,
    pub named: bool,
    pub tries: Vec<Try>,
}

/// The id and the outcome of each alert.
pub type Taken = Vec<(String, String)>;

/// One request of it.
#[derive(Debug)]
pub struct Try {
    pub from: i64,
    /// When it ended, and each alert's id and outcome where it was taken; `None`: it is not known whether it was.
    pub end: Option<(i64, Option<Taken>)>,
    /// Nothing was wrong when it was sent, and while it was under way: it must be taken.
    pub calm: bool,
}

/// What somebody did, and what can be known of it.
#[derive(Clone, Debug)]
pub struct Acted {
    pub who: &'static str,
    /// In the words of `interactions_v1.action`.
    pub action: &'static str,
    /// The alert and life that the button or form names.
    pub alert: Option<String>,
    pub life: u32,
    pub forged: bool,
    pub stranger: bool,
    pub note: bool,
    pub to: Option<&'static str>,
    pub from: i64,
    /// When it was acknowledged.
    pub acked: Option<i64>,
    /// It is over, acknowledged or not.
    pub over: bool,
    /// Nothing was wrong when it was done: it must be acknowledged.
    pub calm: bool,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Told {
    /// What was sent and done, each when by the app's clock.
    pub hooks: Vec<Delivered>,
    pub acts: Vec<Acted>,
    pub clock: Timeline,
    /// When each life of the process began and ended; this and what follows by Slack's clock.
    pub lives: Vec<(i64, Option<i64>)>,
    /// When Slack was away.
    pub outages: Vec<(i64, i64)>,
    /// Messages that somebody deleted.
    pub deleted: Vec<Message>,
    /// Until when an envelope may get lost.
    pub restless_until: i64,
    pub repeats: usize,
    pub snoozed: bool,
    pub archived: bool,
}

impl Told {
    pub fn is_alive(&self) -> bool {
        self.lives.last().is_some_and(|(_, end)| end.is_none())
    }

    /// Whether nothing stands between a person and us, and nothing lately did.
    pub fn is_calm(&self, now: i64) -> bool {
        let away = self.outages.last().is_some_and(|(_, end)| *end == i64::MAX);
        self.is_alive() && !away && self.restless_until < now
    }

    /// The process was started, and for it it is `now`: perhaps earlier than it was before. What is under way may be taken yet.
    pub fn resumed(&mut self, now: i64) {
        let tries = self.hooks.iter_mut().flat_map(|hook| &mut hook.tries);
        for one in tries.filter(|one| one.end.is_none()) {
            one.from = one.from.min(now);
        }
        for act in self.acts.iter_mut().filter(|act| !act.over) {
            act.from = act.from.min(now);
        }
    }

    pub fn restless(&mut self, until: i64) {
        self.restless_until = self.restless_until.max(until);
    }
}

impl Delivered {
    /// The first answer that says that it was taken.
    pub fn taken(&self) -> Option<&[(String, String)]> {
        self.tries.iter().find_map(|t| t.end.as_ref()?.1.as_deref())
    }

    /// When it may have reached us: from the first request to the end of the last.
    pub fn span(&self) -> (i64, i64) {
        let from = self.tries.iter().map(|t| t.from).min().unwrap_or(i64::MAX);
        let end = self.tries.iter().map(|t| t.end.as_ref().map_or(i64::MAX, |end| end.0)).max();
        (from, end.unwrap_or(i64::MAX))
    }
}

/// What a case is called in its source, and in every message about it.
pub fn title(source: &str, case: u64) -> String {
    format!("case {case} of {source}")
}
