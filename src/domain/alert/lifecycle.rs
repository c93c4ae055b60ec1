//! One alert as it stands, and how each event changes it. `apply` is total: a fact is never refused.

use crate::domain::alert::place::Displaced;
use crate::domain::alert::{Disposition, Entities, Severity, State, Status};
use crate::domain::event::{AlertContent, Entry, Event, Private, Received, RungKey, Told, Way};
use crate::domain::ids::*;
use crate::domain::input::Reach;
use crate::domain::people::Actor;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An alert, folded from its stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    pub id: AlertId,
    /// What was decided when it came in.
    pub received: Received,
    /// Its words; `None` once they were erased.
    pub content: Option<AlertContent>,
    /// What playbooks found out that it is about too; it stands in `content` already.
    pub added: Entities,
    /// Users and e-mail addresses that only later firings named: it is about these people too.
    pub also_about: Vec<String>,
    pub received_at: Timestamp,
    /// The worst that the source has said, or what a playbook has set since.
    pub severity: Severity,
    /// The worst that the source has said.
    pub said: Severity,
    pub status: Status,
    pub state: State,
    /// Its message in its channel.
    pub message: Option<Posted>,
    /// Slack's error word for why there is none, while that is so.
    pub not_shown: Option<String>,
    /// Where else than in its own channel it stands, or is to stand, and why.
    pub displaced: Option<Displaced>,
    pub shown_at: Option<Timestamp>,
    pub assignee: Option<UserId>,
    /// Who acknowledged it first, ever.
    pub acknowledged: Option<Mark>,
    /// Whose acknowledgement stands now.
    pub holder: Option<Mark>,
    pub resolved: Option<Resolution>,
    pub last_seen: Timestamp,
    pub occurrences: u32,
    /// How often someone was told, the first message not counted.
    pub notifications: u32,
    /// Counts the times it was reopened after a resolution: a button knows which life it is of.
    pub life: u32,
    pub ladder: LadderState,
    /// Notifications that carry its buttons, and so change with it.
    pub copies: Vec<Posted>,
    pub treated: bool,
    /// Its first entry in the journal.
    pub received_seq: i64,
    /// The journal's entry that it is folded up to.
    pub as_of: i64,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub by: Actor,
    pub at: Timestamp,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    pub mark: Mark,
    pub disposition: Option<Disposition>,
    pub note: Option<String>,
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    pub channel: ChannelId,
    pub ts: MessageTs,
}

/// How far up the ladder it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LadderState {
    /// Counts up each time the ladder starts again.
    pub round: u32,
    /// What `after` counts from: `received_at`, then the start of the round.
    pub since: Timestamp,
    /// The rungs of this round that were reached.
    pub fired: Vec<Fired>,
}

/// A rung that was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    pub rung: RungKey,
    pub repeat: u32,
    pub at: Timestamp,
    /// How many people were meant, and how many of them could not hear it.
    pub meant: u32,
    pub deaf: u32,
    /// When it was learned that none of those who were meant could hear it.
    pub unheard: Option<Timestamp>,
}

/// At most this many notifications of one alert are kept up to date; older ones keep their last words.
const COPIES: usize = 50;
/// So many people of later firings are remembered; nobody sends more in good faith.
const ALSO: usize = 200;

/// What is so after `entry`. `None` only where the alert's first entry is not a `Received` (a foreign stream).
pub fn apply(alert: Option<Alert>, entry: &Entry) -> Option<Alert> {
    let Some(mut alert) = alert else { return receive(entry) };
    let mark = Mark { by: entry.actor.clone(), at: entry.at };
    match &entry.event {
        Event::Repeated { severity, .. } => {
            alert.occurrences += 1;
            alert.learn_of(entry);
            alert.last_seen = entry.at;
            alert.status = Status::Firing;
            // A repeat of what the source has said before does not undo what a playbook has set.
            if *severity < alert.said {
                alert.said = *severity;
                alert.severity = alert.severity.min(*severity);
            }
        }
        Event::CeaseConfirmed {} => {
            alert.status = Status::Resolved;
            alert.last_seen = entry.at;
            alert.learn_of(entry);
        }
        Event::Ceased {} => {
            alert.status = Status::Resolved;
            alert.last_seen = entry.at;
            alert.learn_of(entry);
            alert.resolve(Resolution { mark, disposition: None, note: None });
        }
        Event::Shown { channel, ts, .. } => {
            alert.message = Some(Posted { channel: channel.clone(), ts: ts.clone() });
            alert.not_shown = None;
            alert.shown_at.get_or_insert(entry.at);
        }
        // The next try is where it belongs.
        Event::NotShown { why } => {
            alert.not_shown = Some(why.clone());
            alert.displaced = None;
        }
        Event::Displaced { from, why, to } => {
            let (from, why, to) = (from.clone(), why.clone(), to.clone());
            alert.displaced = Some(Displaced { from, why, to });
            alert.message = None;
            alert.not_shown = None;
        }
        Event::MessageLost { .. } => alert.message = None,
        Event::Escalated { told } | Event::EscalatedUnrecorded { told } => {
            alert.ladder.reach(told, entry.at)
        }
        // The channel hears of it instead: the entry that follows says so.
        Event::NobodyMeant { round, rung, repeat, .. } => {
            alert.ladder.mean_nobody(*round, (rung, *repeat), entry.at);
        }
        Event::Notified { told, channel, ts, reach, .. } => {
            alert.notifications = alert.notifications.saturating_add(told.heads());
            if told.how != Way::Thread {
                alert.keep_copy(Posted { channel: channel.clone(), ts: ts.clone() });
            }
            if *reach == Reach::DoNotDisturb {
                alert.ladder.unheard(told, entry.at);
            }
        }
        Event::NotTold { told, .. } => alert.ladder.unheard(told, entry.at),
        Event::Acknowledged {} => {
            alert.state = State::Acknowledged;
            alert.acknowledged.get_or_insert(mark.clone());
            alert.holder = Some(mark);
        }
        Event::Reopened { from } => {
            alert.life += u32::from(*from == State::Resolved);
            alert.state = State::Open;
            alert.resolved = None;
            alert.holder = None;
            // Who gives it up does not want to be chased for it.
            alert.assignee.take_if(|user| entry.actor == Actor::Person(user.clone()));
            alert.ladder.restart(entry.at);
        }
        Event::Assigned { to } => {
            alert.assignee = Some(to.clone());
            // Assigning is not acknowledging: unless they hold it already, it waits for them.
            let held =
                alert.holder.as_ref().is_some_and(|mark| mark.by == Actor::Person(to.clone()));
            if !held {
                alert.state = State::Open;
                alert.holder = None;
                alert.ladder.restart(entry.at);
            }
        }
        Event::Returned { .. } => {
            alert.assignee = None;
            alert.ladder.restart(entry.at);
        }
        Event::HolderGone { who } => {
            alert.state = State::Open;
            alert.holder = None;
            alert.assignee.take_if(|user| user == who);
            alert.ladder.restart(entry.at);
        }
        Event::Resolved { disposition } => {
            let note = match &entry.private {
                Some(Private::Note { note }) => Some(note.clone()),
                _ => None,
            };
            alert.resolve(Resolution { mark, disposition: *disposition, note });
        }
        Event::SeveritySet { to } => alert.severity = *to,
        Event::EntitiesAdded {} => alert.add(entry),
        Event::JournalOpened { .. }
        | Event::Started { .. }
        | Event::Configured { .. }
        | Event::Stopped {}
        | Event::Received(_)
        | Event::Triggered { .. }
        | Event::Asked { .. }
        | Event::Refused { .. }
        | Event::Run(_) => {}
    }
    alert.treated = alert.is_treated();
    alert.as_of = entry.seq;
    Some(alert)
}

fn receive(entry: &Entry) -> Option<Alert> {
    let (Event::Received(received), crate::domain::event::Stream::Alert(id)) =
        (&entry.event, &entry.stream)
    else {
        return None;
    };
    let content = match &entry.private {
        Some(Private::Alert(content)) => Some(content.as_ref().clone()),
        _ => None,
    };
    let over = received.status == Status::Resolved;
    let mark = Mark { by: entry.actor.clone(), at: entry.at };
    Some(Alert {
        id: id.clone(),
        severity: received.severity,
        said: received.severity,
        status: received.status,
        received: received.as_ref().clone(),
        content,
        added: Entities::default(),
        also_about: Vec::new(),
        received_at: entry.at,
        state: if over { State::Resolved } else { State::Open },
        message: None,
        not_shown: None,
        displaced: None,
        shown_at: None,
        assignee: None,
        acknowledged: None,
        holder: None,
        resolved: over.then_some(Resolution { mark, disposition: None, note: None }),
        last_seen: entry.at,
        occurrences: 1,
        notifications: 0,
        life: 0,
        ladder: LadderState { round: 0, since: entry.at, fired: Vec::new() },
        copies: Vec::new(),
        treated: false,
        received_seq: entry.seq,
        as_of: entry.seq,
    })
}

impl Alert {
    /// Whether the team's policy, as it stood when the alert came in, is met. What waits for somebody is not treated, whoever
    /// had it before.
    fn is_treated(&self) -> bool {
        if self.state == State::Open {
            return false;
        }
        let rule = &self.received.treated;
        let resolved = self.resolved.as_ref().filter(|r| r.mark.by.is_somebody());
        let first = match (&self.acknowledged, resolved) {
            (Some(mark), _) => Some(mark.at),
            (None, Some(resolution)) => Some(resolution.mark.at),
            (None, None) => None,
        };
        let acknowledged = !rule.acknowledged || first.is_some();
        let in_time = rule
            .within
            .is_none_or(|within| first.is_some_and(|at| at.since(self.received_at) <= within));
        let disposed = !rule.disposition || resolved.is_some_and(|r| r.disposition.is_some());
        // The note is owed when it is resolved, whoever resolves it: the source writes none.
        let noted = !rule.note.contains(&self.severity)
            || self.resolved.as_ref().is_none_or(|r| r.note.is_some());
        acknowledged && in_time && disposed && noted
    }

    fn resolve(&mut self, resolution: Resolution) {
        self.state = State::Resolved;
        self.resolved = Some(resolution);
    }

    fn learn_of(&mut self, entry: &Entry) {
        let (Some(first), Some(Private::Alert(content))) = (&self.content, &entry.private) else {
            return;
        };
        for named in content.entities.users.iter().chain(&content.entities.emails) {
            let known = first.entities.users.contains(named)
                || first.entities.emails.contains(named)
                || self.also_about.contains(named);
            if !known && self.also_about.len() < ALSO {
                self.also_about.push(named.clone());
            }
        }
    }

    /// A playbook has found out what else it is about.
    fn add(&mut self, entry: &Entry) {
        let Some(Private::Entities(new)) = &entry.private else { return };
        self.added.extend(new);
        if let Some(content) = &mut self.content {
            content.entities.extend(new);
        }
    }

    fn keep_copy(&mut self, copy: Posted) {
        if self.copies.len() == COPIES {
            self.copies.remove(0);
        }
        self.copies.push(copy);
    }

    /// Whether it waits for somebody's acknowledgement.
    pub fn waits(&self) -> bool {
        self.state == State::Open && self.received.suppressed_by.is_none()
    }
}

impl LadderState {
    pub(in crate::domain) fn reach(&mut self, told: &Told, at: Timestamp) {
        if told.round != self.round {
            return;
        }
        let meant = told.heads();
        match self.find(&told.rung, told.repeat) {
            // More people than one message can mention are told in several.
            Some(fired) => fired.meant = fired.meant.saturating_add(meant),
            None => {
                let (rung, repeat) = (told.rung.clone(), told.repeat);
                self.fired.push(Fired { rung, repeat, at, meant, deaf: 0, unheard: None });
            }
        }
    }

    /// Nobody is there to hear it: the next rung does not wait for its time.
    pub(in crate::domain) fn mean_nobody(
        &mut self,
        round: u32,
        (rung, repeat): (&RungKey, u32),
        at: Timestamp,
    ) {
        if round == self.round && !self.has(rung, repeat) {
            let (rung, unheard) = (rung.clone(), Some(at));
            self.fired.push(Fired { rung, repeat, at, meant: 0, deaf: 0, unheard });
        }
    }

    fn find(&mut self, rung: &RungKey, repeat: u32) -> Option<&mut Fired> {
        self.fired.iter_mut().find(|fired| fired.rung == *rung && fired.repeat == repeat)
    }

    pub(in crate::domain) fn unheard(&mut self, told: &Told, at: Timestamp) {
        if told.round == self.round
            && let Some(fired) = self.find(&told.rung, told.repeat)
        {
            fired.deaf = fired.deaf.saturating_add(told.heads());
            if fired.deaf >= fired.meant {
                fired.unheard.get_or_insert(at);
            }
        }
    }

    pub(in crate::domain) fn restart(&mut self, at: Timestamp) {
        *self = Self { round: self.round + 1, since: at, fired: Vec::new() };
    }

    /// Whether a later repeat of what was told was reached: then this one has nothing to add.
    pub fn is_overtaken(&self, told: &Told) -> bool {
        self.fired.iter().any(|f| f.rung == told.rung && f.repeat > told.repeat)
    }

    /// Whether this rung (or this repeat of it) was reached in this round.
    pub fn has(&self, rung: &RungKey, repeat: u32) -> bool {
        self.fired.iter().any(|f| f.rung == *rung && f.repeat == repeat)
    }
}
