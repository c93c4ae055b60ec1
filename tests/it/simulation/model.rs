//! A small model of an alert, told by nobody but the outside: the journal is read beside it, entry by entry, as a claim of
//! what happened in which order, and each entry must be explained by something that was really sent or done.

use super::plan::Fired;
use super::told::{Acted, Told, title};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const MINUTE: i64 = 60_000;
const LONG: i64 = 120 * MINUTE;

/// An entry of the journal, read as plain SQL and JSON.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: i64,
    pub at: i64,
    pub stream: String,
    pub kind: String,
    pub actor: String,
    pub body: Value,
    pub title: Option<String>,
}

/// A time in which an alert waits for whoever is free, and nobody has it.
#[derive(Clone, Debug)]
pub struct Round {
    pub number: u64,
    pub since: i64,
    pub until: i64,
    pub assigned: bool,
}

/// An alert as the model has it.
#[derive(Clone, Debug)]
pub struct Alert {
    pub source: &'static str,
    pub title: String,
    pub critical: bool,
    pub severity: usize,
    pub state: &'static str,
    pub suppressed: bool,
    pub life: u32,
    pub first: Option<String>,
    pub holder: Option<String>,
    pub assignee: Option<String>,
    pub resolver: Option<String>,
    pub occurrences: u32,
    pub previous: Option<String>,
    about: BTreeSet<String>,
    pub rounds: Vec<Round>,
}

pub struct Model<'t> {
    told: &'t Told,
    entries: &'t [Entry],
    pub alerts: BTreeMap<String, Alert>,
    newest: BTreeMap<String, String>,
    /// Which alerts of which deliveries, and which acts, are accounted for.
    alerts_used: BTreeSet<(usize, usize)>,
    acts_used: BTreeSet<usize>,
    /// When it may not have been known who is who.
    vague: Vec<(i64, i64)>,
    pub faults: Vec<String>,
}

pub fn id_of(who: &str) -> String {
    format!("U0{}", if who == "gus" { "GST".to_owned() } else { who.to_uppercase() })
}

impl Alert {
    fn is_open(&self) -> bool {
        self.state == "open"
    }

    pub fn round(&self) -> u64 {
        self.rounds.last().map_or(0, |round| round.number)
    }

    fn close_round(&mut self, at: i64) {
        if let Some(round) = self.rounds.last_mut() {
            round.until = round.until.min(at);
        }
    }

    fn next_round(&mut self, at: i64) {
        self.close_round(at);
        let assigned = self.assignee.is_some();
        let number = self.round() + 1;
        self.rounds.push(Round { number, since: at, until: i64::MAX, assigned });
    }

    fn resolve(&mut self, by: &str, at: i64) {
        (self.state, self.resolver) = ("resolved", Some(by.to_owned()));
        self.close_round(at);
    }
}

impl<'t> Model<'t> {
    /// `failed`: when calls that tell who is who did, by Slack's clock.
    pub fn of(told: &'t Told, entries: &'t [Entry], failed: impl Iterator<Item = i64>) -> Self {
        let started = told.lives.iter().map(|(from, _)| (*from, from + MINUTE));
        let untold = failed.map(|at| (at, at + LONG));
        let vague = started.chain(untold).flat_map(|span| told.clock.pieces(span)).collect();
        let mut model = Self {
            told,
            entries,
            alerts: BTreeMap::new(),
            newest: BTreeMap::new(),
            alerts_used: BTreeSet::new(),
            acts_used: BTreeSet::new(),
            vague,
            faults: Vec::new(),
        };
        for entry in entries {
            if let Err(why) = model.explain(entry) {
                model.faults.push(format!("entry {} {}: {why}: {entry:?}", entry.seq, entry.kind));
            }
        }
        model.nothing_lost();
        model
    }

    fn explain(&mut self, entry: &Entry) -> Result<(), String> {
        match entry.kind.as_str() {
            "received" | "repeated" | "ceased" | "cease_confirmed" => self.sent(entry),
            "acknowledged" | "reopened" | "assigned" | "resolved" | "asked" | "refused" => {
                self.acted(entry)
            }
            "returned" => self.returned(entry),
            "escalated" | "nobody_meant" => self.climbed(entry),
            _ => Ok(()),
        }
    }

    // --- sources ---

    fn sent(&mut self, entry: &Entry) -> Result<(), String> {
        let source = if entry.actor == "source:edr" { "edr" } else { "prometheus" };
        let name = entry.title.clone().ok_or("it has no words")?;
        let standing = self.newest.get(&name).cloned();
        let state = standing.as_ref().map(|id| self.alerts[id].state);
        let over = match (entry.kind.as_str(), state) {
            ("received", None) => entry.body["suppressed_by"] == "resolved_before_seen",
            ("received", Some("resolved")) | ("repeated", Some("open" | "acknowledged")) => false,
            ("ceased", Some("open" | "acknowledged")) | ("cease_confirmed", Some("resolved")) => {
                true
            }
            (_, state) => return Err(format!("the alert of that name is {state:?}")),
        };
        let fired = self.claim(entry, (source, &name, over))?;
        if entry.kind == "received" {
            self.newest.insert(name.clone(), entry.stream.clone());
            self.alerts.insert(entry.stream.clone(), received(entry, (source, &fired), standing));
            return Ok(());
        }
        if standing.as_deref() != Some(entry.stream.as_str()) {
            return Err(format!("the newest of that name is {standing:?}"));
        }
        let alert = self.alerts.get_mut(&entry.stream).expect("it is the newest");
        alert.about.extend(fired.about.map(str::to_owned));
        match entry.kind.as_str() {
            "repeated" => {
                alert.occurrences += 1;
                alert.severity = alert.severity.min(fired.severity);
            }
            "ceased" => alert.resolve(&entry.actor, entry.at),
            _ => {}
        }
        Ok(())
    }

    /// The delivery that this entry is: one that was answered so, else one of which nothing is known.
    fn claim(
        &mut self,
        entry: &Entry,
        (source, name, over): (&str, &str, bool),
    ) -> Result<Fired, String> {
        let outcome = match (entry.kind.as_str(), over) {
            ("received", true) => "suppressed",
            ("received", false) => "created",
            ("repeated", _) => "repeated",
            _ => "resolved",
        };
        let severity = severity_of(&entry.body);
        // The first that ends, of each sort.
        let (mut answered, mut unknown) = (None, None);
        for (number, hook) in self.told.hooks.iter().enumerate() {
            let (from, end) = hook.span();
            if hook.source != source || !(from..=end).contains(&entry.at) {
                continue;
            }
            for (index, fired) in hook.alerts.iter().enumerate() {
                let same = title(source, fired.case) == name && fired.over == over;
                let fits = hook.taken().is_none_or(|answers| {
                    answers
                        .get(index)
                        .is_some_and(|(id, said)| *id == entry.stream && said == outcome)
                });
                let free = !self.alerts_used.contains(&(number, index));
                if same && fits && free && severity.is_none_or(|s| s == fired.severity) {
                    let best: &mut Option<(i64, usize, usize)> =
                        if hook.taken().is_some() { &mut answered } else { &mut unknown };
                    if best.is_none_or(|(sooner, ..)| end < sooner) {
                        *best = Some((end, number, index));
                    }
                }
            }
        }
        // One that was tried again later may be a later entry, and this one what was never answered.
        let is_later = |until: i64| {
            self.entries.iter().any(|other| {
                let same = (&other.stream, &other.kind) == (&entry.stream, &entry.kind);
                same && other.seq > entry.seq
                    && other.at <= until
                    && severity_of(&other.body) == severity
            })
        };
        let best = match (answered, unknown) {
            (Some(one), Some(other)) if other.0 < one.0 && is_later(one.0) => other,
            (one, other) => one.or(other).ok_or("no source sent this")?,
        };
        let (_, number, index) = best;
        self.alerts_used.insert((number, index));
        Ok(self.told.hooks[number].alerts[index].clone())
    }

    // --- people ---

    fn acted(&mut self, entry: &Entry) -> Result<(), String> {
        let action = match entry.kind.as_str() {
            "acknowledged" => "acknowledge",
            "reopened" => "reopen",
            "assigned" => "assign",
            "resolved" => "resolve",
            _ => entry.body["action"].as_str().unwrap_or_default(),
        };
        let said = match entry.kind.as_str() {
            "refused" => entry.body["refusal"]["code"].as_str().unwrap_or_default(),
            kind => kind,
        };
        // The first that ends; of two that end together, whose natural answer it is.
        let mut best: Option<((i64, bool), usize)> = None;
        let mut expected = BTreeSet::new();
        for (number, act) in self.told.acts.iter().enumerate() {
            let on_it = match &act.alert {
                Some(alert) if !act.forged => *alert == entry.stream,
                _ => entry.stream == "system",
            };
            let end = act.acked.unwrap_or(i64::MAX);
            let same = id_of(act.who) == entry.actor
                && act.action == action
                && on_it
                && (act.from..=end).contains(&entry.at)
                && !self.acts_used.contains(&number);
            if !same {
                continue;
            }
            let allowed = self.allowed(act, entry);
            let fits = allowed.contains(&said);
            let rank = (end, allowed.first() != Some(&said));
            expected.extend(allowed);
            if fits && best.is_none_or(|(other, _)| rank < other) {
                best = Some((rank, number));
            }
        }
        let (_, number) =
            best.ok_or_else(|| format!("nobody did this, or it should have been {expected:?}"))?;
        self.acts_used.insert(number);
        self.carry_out(entry, said);
        Ok(())
    }

    fn is_vague(&self, at: i64) -> bool {
        self.vague.iter().any(|(from, until)| (*from..*until).contains(&at))
    }

    /// What may come of it, as things stand: the event's kind, or the refusal's code.
    fn allowed(&self, act: &Acted, entry: &Entry) -> Vec<&'static str> {
        if act.forged {
            return vec!["forged"];
        }
        if act.who == "gus" && !act.stranger {
            // Slack is asked for who clicks only after the first click; a guest holds no role either way.
            return match act.action {
                "help" => vec!["guest", "asked"],
                "unknown_command" => vec!["guest", "unknown_command"],
                // Nor does one whose groups Slack did not tell.
                _ if self.is_vague(entry.at) => vec!["guest", "not_allowed", "group_unknown"],
                _ => vec!["guest", "not_allowed"],
            };
        }
        let clear = self.plain(act, entry);
        if !self.is_vague(entry.at) || (act.who == "ana" && !act.stranger) {
            return vec![clear];
        }
        // Slack did not tell who they are: less may be granted than they have a right to, never more.
        let mut allowed = vec![clear, "not_allowed", "group_unknown"];
        if act.stranger {
            allowed.push(self.plain(&Acted { stranger: false, ..act.clone() }, entry));
        }
        allowed
    }

    fn plain(&self, act: &Acted, entry: &Entry) -> &'static str {
        if act.stranger {
            return "foreign_workspace";
        }
        let has_all = matches!(act.who, "ana" | "bea" | "lea");
        match act.action {
            "help" => return "asked",
            "unknown_command" => return "unknown_command",
            "list" | "coverage" | "show" => {
                return if has_all || act.who == "aud" { "asked" } else { "not_allowed" };
            }
            _ => {}
        }
        if !has_all {
            return "not_allowed";
        }
        let Some(alert) = self.alerts.get(&entry.stream) else { return "no_such_alert" };
        if alert.about.contains(act.who) {
            return "own_case";
        }
        if act.life != alert.life {
            return "stale";
        }
        self.by_state(act, alert, entry)
    }

    fn by_state(&self, act: &Acted, alert: &Alert, entry: &Entry) -> &'static str {
        match (act.action, alert.state) {
            ("acknowledge", "open") => "acknowledged",
            ("acknowledge", "acknowledged") => "already_acknowledged",
            ("acknowledge", _) => "stale",
            ("reopen", "open") => "already_open",
            ("reopen", _) => "reopened",
            (_, "resolved") => "already_resolved",
            ("resolve_form" | "assign_form", _) => "asked",
            ("resolve", _) if alert.severity == 0 && !act.note => "note_required",
            ("resolve", _) => "resolved",
            _ => self.assigning(act, alert, entry),
        }
    }

    fn assigning(&self, act: &Acted, alert: &Alert, entry: &Entry) -> &'static str {
        let to = act.to.unwrap_or_default();
        let may = matches!(to, "ana" | "bea" | "lea") && !alert.about.contains(to);
        let vague = self.is_vague(entry.at) && to != "ana";
        if alert.assignee.as_deref() == Some(id_of(to).as_str()) {
            return "already_assigned";
        }
        // Whose roles Slack did not tell is given nothing to do.
        if vague && entry.kind == "refused" && entry.body["refusal"]["code"] == "assignee_may_not" {
            return "assignee_may_not";
        }
        if may { "assigned" } else { "assignee_may_not" }
    }

    fn carry_out(&mut self, entry: &Entry, said: &str) {
        let Some(alert) = self.alerts.get_mut(&entry.stream) else { return };
        match said {
            "acknowledged" => {
                alert.state = "acknowledged";
                alert.first.get_or_insert(entry.actor.clone());
                alert.holder = Some(entry.actor.clone());
                alert.close_round(entry.at);
            }
            "reopened" => {
                alert.life += u32::from(alert.state == "resolved");
                (alert.state, alert.holder, alert.resolver) = ("open", None, None);
                alert.assignee.take_if(|user| *user == entry.actor);
                alert.next_round(entry.at);
            }
            "assigned" => {
                alert.assignee = entry.body["to"].as_str().map(str::to_owned);
                if alert.holder.is_none() || alert.holder != alert.assignee {
                    (alert.state, alert.holder) = ("open", None);
                    alert.next_round(entry.at);
                }
            }
            "resolved" => alert.resolve(&entry.actor, entry.at),
            _ => {}
        }
    }

    // --- time ---

    fn returned(&mut self, entry: &Entry) -> Result<(), String> {
        let snoozed = self.told.snoozed || self.told.archived;
        let alert = self.alerts.get_mut(&entry.stream).ok_or("there is no such alert")?;
        let grace = if alert.critical { 5 * MINUTE } else { 8 * MINUTE };
        let since = alert.rounds.last().map_or(i64::MAX, |round| round.since);
        if !alert.is_open() || alert.assignee.as_deref() != entry.body["from"].as_str() {
            return Err(format!("{alert:?} is not theirs, or does not wait"));
        }
        if entry.at < since + grace && !snoozed {
            return Err(format!("too soon: they have it since {since}"));
        }
        alert.assignee = None;
        alert.next_round(entry.at);
        Ok(())
    }

    fn climbed(&mut self, entry: &Entry) -> Result<(), String> {
        let alert = self.alerts.get(&entry.stream).ok_or("there is no such alert")?;
        let told = entry.body.get("told").unwrap_or(&entry.body);
        let round = alert.rounds.last().ok_or("it has no round")?;
        if !alert.is_open() {
            return Err(format!("the alert is {}", alert.state));
        }
        if told["round"].as_u64() != Some(round.number) {
            return Err(format!("the round is {}", round.number));
        }
        let after = rungs(alert.critical).iter().find(|r| Some(r.0) == told["level"].as_u64());
        let (Some((_, after)), false, false) =
            (after, round.assigned, self.told.snoozed || self.told.archived)
        else {
            return Ok(());
        };
        if entry.at < round.since + after {
            return Err("too soon".to_owned());
        }
        Ok(())
    }

    /// What was answered is there.
    fn nothing_lost(&mut self) {
        for (number, hook) in self.told.hooks.iter().enumerate() {
            for (index, (id, outcome)) in hook.taken().into_iter().flatten().enumerate() {
                if !self.alerts_used.contains(&(number, index)) {
                    self.faults.push(format!("{id} ({outcome}) was answered 202, and is lost"));
                }
            }
            if hook
                .tries
                .iter()
                .any(|t| t.calm && t.end.as_ref().is_some_and(|end| end.1.is_none()))
            {
                self.faults.push(format!("{hook:?} was not taken, and nothing was wrong"));
            }
            let answers: Vec<_> =
                hook.tries.iter().filter_map(|t| t.end.as_ref()?.1.as_ref()).collect();
            if answers.windows(2).any(|two| two[0] != two[1]) {
                self.faults.push(format!("one delivery got several answers: {answers:?}"));
            }
        }
        for (number, act) in self.told.acts.iter().enumerate() {
            if act.acked.is_some() && !self.acts_used.contains(&number) {
                self.faults.push(format!("{act:?} was acknowledged, and is lost"));
            }
            if act.calm && act.over && act.acked.is_none() {
                self.faults.push(format!("{act:?} was not acknowledged, and nothing was wrong"));
            }
        }
    }
}

/// The ladder of `simulation::config()`: each level, and after how long.
pub fn rungs(critical: bool) -> &'static [(u64, i64)] {
    match critical {
        true => &[(1, 5 * MINUTE), (2, 10 * MINUTE), (3, 15 * MINUTE), (4, 20 * MINUTE)],
        false => &[(1, 8 * MINUTE), (2, 15 * MINUTE)],
    }
}

fn severity_of(body: &Value) -> Option<usize> {
    let word = body["severity"].as_str()?;
    ["critical", "high", "medium", "low", "info"].iter().position(|known| *known == word)
}

fn received(
    entry: &Entry,
    (source, fired): (&'static str, &Fired),
    previous: Option<String>,
) -> Alert {
    let mut alert = Alert {
        source,
        title: title(source, fired.case),
        critical: fired.severity == 0,
        severity: fired.severity,
        state: if fired.over { "resolved" } else { "open" },
        suppressed: fired.over,
        life: 0,
        first: None,
        holder: None,
        assignee: None,
        resolver: fired.over.then(|| entry.actor.clone()),
        occurrences: 1,
        previous,
        about: fired.about.map(str::to_owned).into_iter().collect(),
        rounds: Vec::new(),
    };
    let until = if fired.over { entry.at } else { i64::MAX };
    alert.rounds.push(Round { number: 0, since: entry.at, until, assigned: false });
    alert
}
