//! What must hold after each seed: DESIGN §8, read from the database's public views, the journal, and Slack as people see it.

use super::model::{Alert, Entry, Model, rungs};
use super::told::Told;
use crate::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vigie::sim::{Call, Message};

const MINUTE: i64 = 60_000;
/// An outbox row's number is that of the entry that wants it, times this.
const EFFECTS: i64 = 65_536;
/// How late a step of the ladder may be: the timer looks at least so often, and waits a little for Slack's first word.
const LATE: i64 = 40_000;

/// Everything that is looked at, after the end.
pub struct Evidence<'a> {
    w: &'a World,
    told: &'a Told,
    entries: Vec<Entry>,
    calls: Vec<Call>,
    /// Every message of the bot that stands, or stood until somebody deleted it, with the journal's entries that it says.
    messages: Vec<(Message, Vec<(String, i64)>)>,
    ended: i64,
    faults: Vec<String>,
}

/// The journal as it stands.
pub fn journal(w: &World) -> Vec<Entry> {
    let connection = rusqlite::Connection::open(w.database()).expect("opens");
    let mut statement = connection
        .prepare(
            "SELECT j.seq, CAST(round(unixepoch(j.at, 'subsec') * 1000) AS INTEGER) AS ms, j.stream, j.kind, j.actor, j.body,
                    json_extract(p.content, '$.title') AS title
             FROM journal j LEFT JOIN private p ON p.seq = j.seq ORDER BY j.seq",
        )
        .expect("the journal's columns stand");
    let read = statement.query_map([], |row| {
        let body: String = row.get("body")?;
        Ok(Entry {
            seq: row.get("seq")?,
            at: row.get("ms")?,
            stream: row.get("stream")?,
            kind: row.get("kind")?,
            actor: row.get("actor")?,
            body: serde_json::from_str(&body).unwrap_or(Value::Null),
            title: row.get("title")?,
        })
    });
    read.expect("reads").collect::<Result<_, _>>().expect("reads")
}

/// The faults of a world that has stopped.
pub fn faults(w: &World, told: &Told, ended: i64) -> Vec<String> {
    let evidence = Evidence::of(w, told, ended);
    evidence.judge()
}

impl<'a> Evidence<'a> {
    fn of(w: &'a World, told: &'a Told, ended: i64) -> Self {
        let sim = w.slack();
        let channels = ["#sec", "#soc-alerts", "#sec-leads"];
        let dms = super::plan::PEOPLE.iter().flat_map(|who| sim.dms(who));
        let standing = channels.iter().flat_map(|channel| sim.messages(channel)).chain(dms);
        let messages = standing
            .chain(told.deleted.iter().cloned())
            .filter(|message| message.by_bot)
            .map(|message| {
                let marks = marks_of(message.metadata.as_ref());
                (message, marks)
            })
            .collect();
        let (entries, calls) = (journal(w), sim.calls());
        Self { w, told, entries, calls, messages, ended, faults: Vec::new() }
    }

    fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    fn judge(mut self) -> Vec<String> {
        let vague = self.calls.iter().filter(|call| is_about_people(&call.method) && failed(call));
        let entries = self.entries.clone();
        let model = Model::of(self.told, &entries, vague.map(|call| call.at));
        self.faults.extend(model.faults.iter().cloned());
        self.states(&model.alerts);
        self.interactions();
        self.shown(&model.alerts);
        self.copies(&model.alerts);
        self.once();
        self.told_as_said();
        self.nobody_forgotten(&model.alerts);
        self.nobody_disturbed(&model.alerts);
        self.lines();
        self.ladders(&model.alerts);
        self.windows();
        self.acknowledgements();
        self.worst_first();
        self.faults
    }

    /// Each alert's row is what the model has.
    fn states(&mut self, alerts: &BTreeMap<String, Alert>) {
        let rows = self.w.rows(
            "SELECT id || '|' || state || '|' || coalesce(acknowledged_by, '') || '|' || coalesce(assignee, '') || '|' ||
                    coalesce(resolved_by, '') || '|' || occurrences || '|' || coalesce(previous_alert, '') || '|' || severity
                    || '|' || source || '|' || title
             FROM alerts_v1 ORDER BY id",
        );
        let word = |text: &Option<String>| text.clone().unwrap_or_default();
        let severities = ["critical", "high", "medium", "low", "info"];
        let expected: Vec<String> = alerts
            .iter()
            .map(|(id, alert)| {
                [
                    id.clone(),
                    alert.state.to_owned(),
                    word(&alert.first),
                    word(&alert.assignee),
                    word(&alert.resolver),
                    alert.occurrences.to_string(),
                    word(&alert.previous),
                    severities[alert.severity].to_owned(),
                    alert.source.to_owned(),
                    alert.title.clone(),
                ]
                .join("|")
            })
            .collect();
        for (row, model) in rows.iter().zip(&expected).filter(|(row, model)| row != model) {
            self.fault(format!("an alert is\n  {row}\nand should be\n  {model}"));
        }
        if rows.len() != expected.len() {
            self.fault(format!("{} alerts, and there should be {}", rows.len(), expected.len()));
        }
    }

    fn interactions(&mut self) {
        let kinds =
            ["acknowledged", "reopened", "assigned", "resolved", "ceased", "asked", "refused"];
        let told = self.entries.iter().filter(|entry| kinds.contains(&entry.kind.as_str()));
        let told: Vec<String> = told.map(|entry| entry.seq.to_string()).collect();
        let kept = self.w.rows("SELECT seq FROM interactions_v1 ORDER BY seq");
        if told != kept {
            self.fault(format!("interactions_v1 has {kept:?}, and should have {told:?}"));
        }
    }

    fn wanted_by(&self, seq: i64) -> Option<&Entry> {
        let index = usize::try_from(seq - 1).ok()?;
        self.entries.get(index).filter(|entry| entry.seq == seq)
    }

    /// Each alert stands in its channel once, and reads as it is.
    fn shown(&mut self, alerts: &BTreeMap<String, Alert>) {
        let rows = self.w.rows(
            "SELECT id || '|' || coalesce(channel, '') || '|' || coalesce(message_ts, '') FROM alerts_v1",
        );
        // Where it has gone to another channel, what it left behind stands there still.
        let moved: BTreeMap<&str, i64> = self
            .entries
            .iter()
            .filter(|entry| entry.kind == "displaced")
            .map(|entry| (entry.stream.as_str(), entry.seq))
            .collect();
        let posts: Vec<(String, Message)> = self
            .messages
            .iter()
            .filter(|(message, _)| message.thread_ts.is_none())
            .flat_map(|(message, marks)| marks.iter().map(move |(_, seq)| (message, *seq)))
            .filter_map(|(message, seq)| Some((self.wanted_by(seq)?, message)))
            .filter(|(entry, _)| matches!(entry.kind.as_str(), "received" | "message_lost"))
            .filter(|(entry, _)| moved.get(entry.stream.as_str()).is_none_or(|at| entry.seq > *at))
            .map(|(entry, message)| (entry.stream.clone(), message.clone()))
            .collect();
        for row in rows {
            let parts: Vec<&str> = row.split('|').collect();
            let (id, channel, ts) = (parts[0], parts[1], parts[2]);
            let Some(alert) = alerts.get(id) else { continue };
            let mine = || posts.iter().filter(|(of, _)| of == id);
            let gone = |m: &Message| self.told.deleted.iter().any(|gone| gone.ts == m.ts);
            let standing: Vec<&Message> =
                mine().map(|(_, message)| message).filter(|message| !gone(message)).collect();
            let twice = self.possibly_twice("shown", id);
            let mut faults = Vec::new();
            if alert.suppressed {
                if !standing.is_empty() {
                    faults.push(format!("{id} was to be suppressed, and is shown"));
                }
            } else if standing.len() > 1 + twice {
                faults.push(format!("{id} stands {} times", standing.len()));
            } else {
                let was_deleted = self.told.deleted.iter().any(|gone| gone.ts == ts);
                match self.w.slack().message(channel, ts) {
                    None if was_deleted => {}
                    None => faults.push(format!("{id} is shown nowhere ({row})")),
                    // What is over moves nowhere, and Slack took no update where it stands.
                    Some(_) if alert.state == "resolved" && self.was_archived(ts) => {}
                    Some(message) => faults.extend(misread(&message, (id, alert), true)),
                }
            }
            faults.into_iter().for_each(|fault| self.fault(fault));
        }
    }

    fn was_archived(&self, ts: &str) -> bool {
        self.calls.iter().any(|call| {
            call.method == "chat.update"
                && call.body["ts"] == ts
                && call.error.as_deref() == Some("is_archived")
        })
    }

    /// How many messages of this kind may stand twice, as the journal says; and it may say so only where Slack did not tell.
    fn possibly_twice(&self, kind: &str, stream: &str) -> usize {
        let asked = [
            "conversations.history",
            "conversations.replies",
            "conversations.list",
            "conversations.open",
        ];
        let refused = self.calls.iter().any(|c| asked.contains(&c.method.as_str()) && failed(c));
        let mine = self.entries.iter().filter(|e| e.kind == kind && e.stream == stream);
        if refused { mine.filter(|entry| entry.body["how"] == "possibly_twice").count() } else { 0 }
    }

    /// What somebody deleted before we knew of it was not found, and was shown anew; so was what stood in its thread. And what
    /// may have been said in the thread of a channel that the alert has left is not looked for there.
    fn is_left_behind(&self, message: &Message, stream: &str) -> bool {
        let Some(thread) = &message.thread_ts else {
            return self.told.deleted.iter().any(|one| one.ts == message.ts);
        };
        let from = |entry: &Entry| {
            let channel = self.w.slack().channel(entry.body["from"].as_str().unwrap_or_default());
            channel.is_some_and(|channel| channel.id == message.channel)
        };
        self.told.deleted.iter().any(|one| [&message.ts, thread].contains(&&one.ts))
            || self
                .entries
                .iter()
                .any(|entry| entry.kind == "displaced" && entry.stream == stream && from(entry))
    }

    /// Direct messages and others that carry an alert's buttons read as it is.
    fn copies(&mut self, alerts: &BTreeMap<String, Alert>) {
        let rows = self.w.rows(
            "SELECT a.id || '|' || json_extract(c.value, '$.channel') || '|' || json_extract(c.value, '$.ts')
             FROM alerts a, json_each(a.copies) c",
        );
        for row in rows {
            let parts: Vec<&str> = row.split('|').collect();
            let Some(alert) = alerts.get(parts[0]) else { continue };
            match self.w.slack().message(parts[1], parts[2]) {
                None if self.told.deleted.iter().any(|gone| gone.ts == parts[2]) => {}
                None => self.fault(format!("a copy stands nowhere: {row}")),
                Some(message) => {
                    if let Some(fault) = misread(&message, (parts[0], alert), false) {
                        self.fault(fault);
                    }
                }
            }
        }
    }

    /// Nothing is said twice: each mark stands in one message, unless the journal or Slack's refusals say why not.
    fn once(&mut self) {
        let mut seen: BTreeMap<&(String, i64), Vec<&Message>> = BTreeMap::new();
        for (message, marks) in &self.messages {
            for mark in marks {
                seen.entry(mark).or_default().push(message);
            }
        }
        let replies = ["conversations.history", "conversations.replies"];
        let refused = self.calls.iter().any(|c| replies.contains(&c.method.as_str()) && failed(c));
        let mut faults = Vec::new();
        for ((id, seq), messages) in seen.into_iter().filter(|(_, messages)| messages.len() > 1) {
            let Some(entry) = self.wanted_by(*seq) else { continue };
            let stands = |message: &&&Message| !self.is_left_behind(message, &entry.stream);
            if messages.iter().filter(stands).count() < 2 {
                continue;
            }
            let excused = match entry.kind.as_str() {
                "received" | "message_lost" if messages[0].thread_ts.is_none() => {
                    self.possibly_twice("shown", &entry.stream) > 0
                }
                "escalated" => self.possibly_twice("notified", &entry.stream) > 0,
                // A line leaves no entry of its own.
                _ => refused,
            };
            if !excused {
                let said: Vec<_> =
                    messages.iter().map(|m| (&m.channel, &m.ts, m.readable())).collect();
                faults.push(format!("{id} was said {} times: {said:#?}", said.len()));
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// Whoever the journal says was told was told, once for each rung, and whoever was told is in the journal.
    fn told_as_said(&mut self) {
        let mut faults = Vec::new();
        let mut keys = BTreeSet::new();
        for entry in self.entries.iter().filter(|entry| entry.kind == "notified") {
            let told = &entry.body["told"];
            let people = told["people"].as_array().cloned().unwrap_or_default();
            let targets = if people.is_empty() { vec![told["how"].clone()] } else { people };
            for target in targets {
                let key = format!(
                    "{} round {} rung {} repeat {} {target}",
                    entry.stream, told["round"], told["rung"], told["repeat"]
                );
                if !keys.insert(key.clone()) {
                    faults.push(format!("told twice: {key}"));
                }
            }
            let (channel, ts) = (&entry.body["channel"], &entry.body["ts"]);
            let stands = self.messages.iter().any(|(m, _)| *channel == m.channel && *ts == m.ts);
            if !stands {
                faults.push(format!("nobody sees what was told: {entry:?}"));
            }
        }
        for (message, marks) in &self.messages {
            for (_, seq) in marks {
                let Some(entry) = self.wanted_by(*seq).filter(|e| e.kind == "escalated") else {
                    continue;
                };
                let recorded = self.entries.iter().any(|other| {
                    other.kind == "notified"
                        && other.body["ts"] == message.ts
                        && other.stream == entry.stream
                });
                let twice = self.possibly_twice("notified", &entry.stream) > 0;
                let dropped =
                    self.calls.iter().any(|c| c.method.starts_with("conversations.") && failed(c));
                let left = self.is_left_behind(message, &entry.stream);
                if !recorded && !twice && !dropped && !left {
                    faults.push(format!("the journal does not know of {:?}", message.readable()));
                }
            }
        }
        let mut rungs = BTreeSet::new();
        for entry in self.entries.iter().filter(|entry| entry.kind == "escalated") {
            let told = &entry.body["told"];
            let rung =
                format!("{} {} {} {}", entry.stream, told["round"], told["rung"], told["repeat"]);
            if !rungs.insert(rung.clone()) {
                faults.push(format!("a rung was reached twice: {rung}"));
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// Whoever was to be told was told, or could not be, or need not be any more.
    fn nobody_forgotten(&mut self, alerts: &BTreeMap<String, Alert>) {
        let mut faults = Vec::new();
        for entry in self.entries.iter().filter(|e| e.kind == "escalated" && e.at < self.ended) {
            let told = &entry.body["told"];
            let later = |other: &&Entry| other.stream == entry.stream && other.seq > entry.seq;
            let same = |other: &Entry| {
                let theirs = &other.body["told"];
                ["round", "rung", "repeat", "how"].iter().all(|key| theirs[key] == told[key])
            };
            let heard = |person: &Value| {
                self.entries.iter().filter(later).any(|other| {
                    let people = other.body["told"]["people"].as_array();
                    matches!(other.kind.as_str(), "notified" | "not_told")
                        && same(other)
                        && (person.is_null()
                            || people.is_some_and(|people| people.contains(person)))
                })
            };
            let people = told["people"].as_array().cloned().unwrap_or_default();
            let people = if people.is_empty() { vec![Value::Null] } else { people };
            let missing: Vec<_> = people.iter().filter(|person| !heard(person)).collect();
            let overtaken = self.entries.iter().filter(later).any(|other| {
                let theirs = &other.body["told"];
                other.kind == "escalated"
                    && theirs["rung"] == told["rung"]
                    && theirs["repeat"].as_u64() > told["repeat"].as_u64()
            });
            let over = alerts.get(&entry.stream).is_some_and(|alert| {
                alert.rounds.iter().any(|round| {
                    Some(round.number) == told["round"].as_u64() && round.until < i64::MAX
                })
            });
            if !missing.is_empty() && !overtaken && !over {
                faults.push(format!("nobody told {missing:?} of {entry:?}"));
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// Nobody is told of what no longer waits, beyond what was under way.
    fn nobody_disturbed(&mut self, alerts: &BTreeMap<String, Alert>) {
        let mut faults = Vec::new();
        let posts = self.calls.iter().filter(|c| c.method == "chat.postMessage" && !failed(c));
        for call in posts {
            for (_, seq) in marks_of(call.body.get("metadata")) {
                let Some(entry) = self.wanted_by(seq).filter(|e| e.kind == "escalated") else {
                    continue;
                };
                let round = entry.body["told"]["round"].as_u64();
                let until = alerts.get(&entry.stream).and_then(|alert| {
                    let of = alert.rounds.iter().find(|of| Some(of.number) == round)?;
                    Some(of.until)
                });
                // A restart with a clock that was set back is earlier than what was before it.
                let (then, now) = (call.at.saturating_sub(LATE), call.at);
                let lately = self.told.clock.app(then).min(self.told.clock.app(now));
                if until.is_some_and(|until| until < lately) {
                    faults.push(format!(
                        "told, although it had not waited since {until:?}: {entry:?}"
                    ));
                }
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// What happened to an alert stands in its thread.
    fn lines(&mut self) {
        if self.told.archived || !self.told.deleted.is_empty() {
            // Slack refuses a line there, and it is not said again.
            return;
        }
        let kinds = ["ceased", "acknowledged", "reopened", "assigned", "returned", "resolved"];
        let said: BTreeSet<i64> =
            self.messages.iter().flat_map(|(_, marks)| marks.iter().map(|(_, seq)| *seq)).collect();
        let missing: Vec<String> = self
            .entries
            .iter()
            .filter(|entry| kinds.contains(&entry.kind.as_str()) && entry.at < self.ended)
            .filter(|entry| !said.contains(&entry.seq))
            .map(|entry| format!("the thread does not say {entry:?}"))
            .collect();
        self.faults.extend(missing);
    }

    /// Each rung whose time came while somebody could take it was taken.
    fn ladders(&mut self, alerts: &BTreeMap<String, Alert>) {
        let mut faults = Vec::new();
        let spans = self.told.lives.iter().map(|(from, until)| (*from, until.unwrap_or(i64::MAX)));
        let lives: Vec<_> = spans.flat_map(|span| self.told.clock.pieces(span)).collect();
        for (id, alert) in alerts {
            let rounds = alert.rounds.iter().filter(|round| !round.assigned);
            for round in rounds {
                for (level, after) in rungs(alert.critical) {
                    let due = round.since + after;
                    let end = round.until.min(self.ended);
                    let could = lives.iter().any(|(from, until)| {
                        let start = due.max(*from);
                        start + LATE <= end.min(*until)
                    });
                    let taken = self.entries.iter().any(|entry| {
                        let told = entry.body.get("told").unwrap_or(&entry.body);
                        entry.stream == *id
                            && matches!(entry.kind.as_str(), "escalated" | "nobody_meant")
                            && told["round"].as_u64() == Some(round.number)
                            && told["level"].as_u64() == Some(*level)
                    });
                    if could && !taken {
                        faults.push(format!("{id} did not reach level {level} of {round:?}"));
                    }
                }
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// No call while Slack wants to hear nothing: of a post in that channel, of anything else anywhere. A process that was
    /// started since knows nothing of it.
    fn windows(&mut self) {
        let mut faults = Vec::new();
        let place = |call: &Call| {
            let posts = ["chat.postMessage", "chat.postEphemeral"].contains(&call.method.as_str());
            let channel = call.body["channel"].as_str().filter(|_| posts).unwrap_or_default();
            let id = self.w.slack().channel(channel).map(|channel| channel.id);
            (call.method.clone(), id.unwrap_or_else(|| channel.to_owned()))
        };
        let mut closed: BTreeMap<(String, String), (i64, i64)> = BTreeMap::new();
        for call in &self.calls {
            let place = place(call);
            if let Some((from, until)) = closed.get(&place) {
                let forgot =
                    self.told.lives.iter().any(|(start, _)| *start >= *from && *start <= call.at);
                if call.at > *from && call.at < *until && !forgot {
                    let (late, left) = (call.at - from, until - call.at);
                    faults.push(format!(
                        "{place:?} was called {late} ms after Slack limited it, {left} ms too early"
                    ));
                }
            }
            if let Some(seconds) = call.retry_after {
                let until = call.at + i64::try_from(seconds).expect("short") * 1000;
                let window = closed.entry(place).or_insert((call.at, until));
                if until > window.1 {
                    *window = (call.at, until);
                }
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// One acknowledgement for each envelope that was delivered.
    fn acknowledgements(&mut self) {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for ack in self.w.slack().acks() {
            *counts.entry(ack.envelope_id).or_default() += 1;
        }
        let twice = counts.values().filter(|count| **count == 2).count();
        let more = counts.values().any(|count| *count > 2);
        if more || twice > self.told.repeats {
            self.fault(format!("{twice} envelopes were acknowledged twice: {counts:?}"));
        }
    }

    /// After an outage the worst go first, of those that waited in one channel.
    fn worst_first(&mut self) {
        let mut faults = Vec::new();
        for (from, until) in &self.told.outages {
            if until - from < 2 * MINUTE {
                continue;
            }
            let restarted =
                self.told.lives.iter().any(|(start, _)| (*from..until + MINUTE).contains(start));
            let posts = self.first_posts(*until);
            let before = self.told.clock.app(until - 1000);
            for channel in ["C0SEC", "C0SOC"] {
                let waited: Vec<_> = posts
                    .iter()
                    .filter(|post| post.channel == channel && post.since < before)
                    .collect();
                for two in waited.windows(2) {
                    let severity = |post: &Post| self.severity_at(&post.stream, two[0].at);
                    // A restart tries what was tried last only after its pause; and what was tried in vain waits for its own.
                    // So does what was on its way when Slack went: nothing is known of that call here.
                    let tried = two[1].failed || two[1].since <= self.told.clock.app(*from + 1000);
                    if severity(two[0]) > severity(two[1]) && !restarted && !tried {
                        faults
                            .push(format!("after an outage {:?} went before {:?}", two[0], two[1]));
                    }
                }
            }
        }
        faults.into_iter().for_each(|fault| self.fault(fault));
    }

    /// The posts of alerts that stood only after this moment, in the order in which they did.
    fn first_posts(&self, after: i64) -> Vec<Post> {
        let mut done = BTreeSet::new();
        let mut failing = BTreeSet::new();
        let mut posts = Vec::new();
        for call in self.calls.iter().filter(|call| call.method == "chat.postMessage") {
            for (_, seq) in marks_of(call.body.get("metadata")) {
                let Some(entry) = self.wanted_by(seq).filter(|entry| entry.kind == "received")
                else {
                    continue;
                };
                if failed(call) {
                    failing.insert(seq);
                } else if done.insert(seq) && call.at >= after {
                    posts.push(Post {
                        stream: entry.stream.clone(),
                        channel: self.channel_of(call),
                        since: entry.at,
                        at: self.told.clock.app(call.at),
                        failed: failing.contains(&seq),
                    });
                }
            }
        }
        posts
    }

    fn channel_of(&self, call: &Call) -> String {
        let named = call.body["channel"].as_str().unwrap_or_default();
        self.w.slack().channel(named).map_or_else(|| named.to_owned(), |channel| channel.id)
    }

    fn severity_at(&self, stream: &str, at: i64) -> usize {
        let words = ["critical", "high", "medium", "low", "info"];
        self.entries
            .iter()
            .filter(|entry| entry.stream == stream && entry.at <= at)
            .filter_map(|entry| entry.body["severity"].as_str())
            .filter_map(|word| words.iter().position(|known| *known == word))
            .min()
            .unwrap_or(words.len())
    }
}

/// An alert's first message that stood.
#[derive(Debug)]
struct Post {
    stream: String,
    channel: String,
    since: i64,
    /// By the app's clock.
    at: i64,
    failed: bool,
}

fn is_about_people(method: &str) -> bool {
    ["users.", "usergroups.", "auth.", "team."].iter().any(|family| method.starts_with(family))
}

/// Whether the caller did not get what it asked for.
fn failed(call: &Call) -> bool {
    call.status != 200 || call.error.is_some()
}

/// What a message stands for: the marks, and the journal's entry that wanted each.
fn marks_of(metadata: Option<&Value>) -> Vec<(String, i64)> {
    let ids = metadata.and_then(|metadata| metadata["event_payload"]["ids"].as_array());
    ids.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter_map(|id| {
            Some((id.to_owned(), id.split('/').nth(1)?.parse::<i64>().ok()? / EFFECTS))
        })
        .collect()
}

/// Why a message does not read as its alert is.
fn misread(message: &Message, (id, alert): (&str, &Alert), own: bool) -> Option<String> {
    let reads = message.readable();
    if let Some(row) = reads.lines().find(|line| line.contains(&format!(" · {id}"))) {
        return misread_in_digest(row, alert, own);
    }
    let (status, who) = match alert.state {
        "open" => ("*Open", None),
        "acknowledged" => ("*Acknowledged*", alert.holder.clone()),
        _ if alert.resolver.as_ref().is_some_and(|by| by.starts_with("source")) => {
            ("*Closed*", None)
        }
        _ => ("*Resolved*", alert.resolver.clone()),
    };
    // What is posted late names people so that it rings nobody.
    let named = who.is_none_or(|id| {
        let handle = id.trim_start_matches("U0").to_lowercase();
        // Before Slack has told who it is, by the bare id.
        [
            format!("{status} by <@{id}>"),
            format!("{status} by @{handle}"),
            format!("{status} by {id}"),
        ]
        .iter()
        .any(|words| reads.contains(words))
    });
    let times = format!("Seen {} times", alert.occurrences);
    let buttons = message.buttons();
    let expected: &[&str] = match alert.state {
        "open" => &["Acknowledge", "Resolve…"],
        "acknowledged" => &["Resolve…"],
        _ => &["Reopen"],
    };
    // Of a direct message only what can be done matters; a count is not brought up to date there.
    let good = named
        && reads.contains(status)
        && buttons == expected
        && (!own || alert.occurrences < 2 || reads.contains(&times));
    (!good)
        .then(|| format!("it should read {status} ({times}) with {expected:?}, and reads\n{reads}"))
}

/// The same of an alert's row in a message that shows several.
fn misread_in_digest(row: &str, alert: &Alert, own: bool) -> Option<String> {
    let who = match alert.state {
        "open" => None,
        "acknowledged" => alert.holder.clone(),
        _ => alert.resolver.clone().filter(|by| !by.starts_with("source")),
    };
    // Before Slack has told who it is, by the bare id.
    let states = match who {
        Some(id) => {
            let handle = id.trim_start_matches("U0").to_lowercase();
            vec![format!("{} by @{handle}", alert.state), format!("{} by {id}", alert.state)]
        }
        None => vec![alert.state.to_owned()],
    };
    let times = format!("seen {} times", alert.occurrences);
    let good = states.iter().any(|state| row.contains(state))
        && (!own || alert.occurrences < 2 || row.contains(&times));
    (!good).then(|| format!("it should read {states:?} ({times}), and reads {row}"))
}
