//! What must be so after whatever happened: nothing that was promised is lost, nothing stands twice, the record is good.

use crate::house::{CHANNELS, House, PEOPLE, SECRETS};
use crate::runs::{self, Doubts};
use crate::story::{Act, Alert, Hook, Told};
use crate::tools::TOOL_SECRETS;
use rusqlite::{Connection, named_params};
use std::collections::BTreeMap;
use std::fmt;
use vigie::sim::Message;
use vigie::store::Reader;

/// What sort of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// It was acknowledged, or recorded as said, and is not there.
    Lost,
    /// It stands twice.
    Twice,
    /// Something else is not as it must be.
    Wrong,
}

/// One thing that is not so.
#[derive(Clone, Debug)]
pub struct Complaint(pub Sort, pub String);

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.0, self.1)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Findings {
    pub complaints: Vec<Complaint>,
    /// Answers for one person's eyes, which Slack lets nobody look for: given again after a crash.
    pub answered_again: usize,
}

impl Findings {
    pub fn add(&mut self, sort: Sort, what: impl Into<String>) {
        self.complaints.push(Complaint(sort, what.into()));
    }
}

/// Looks at everything while the bot rests. Where the disk failed, a message is known by its mark alone: people may have been
/// told without a record, and what was not recorded is told again. So it is of a run, of which one is told at several rungs.
pub fn look(house: &House, told: &Told, (disk, doubts): (bool, Doubts)) -> Findings {
    let mut findings = Findings::default();
    let reader = Reader::of(&house.file("")).expect("the database is there");
    let looked = reader.read(|connection| {
        hooks(connection, &told.hooks.borrow(), &mut findings)?;
        acts(connection, &told.acts.borrow(), &mut findings)?;
        shown(connection, house, &mut findings)?;
        threads(connection, house, &mut findings)?;
        ladder(connection, &mut findings)?;
        match &house.tools {
            Some(tools) => runs::look(connection, (house, tools), doubts, &mut findings),
            None => Ok(()),
        }
    });
    if let Err(error) = looked {
        findings.add(Sort::Wrong, format!("the database cannot be read: {error}"));
    }
    if house.sim.acks().iter().filter(|ack| ack.in_time).count() != told.acknowledged() {
        findings.add(Sort::Wrong, "the case did not note each acknowledgement");
    }
    twice(house, disk || house.tools.is_some(), &mut findings);
    findings.answered_again = again(house);
    secrets(house, &mut findings);
    findings
}

impl Told {
    fn acknowledged(&self) -> usize {
        self.acts.borrow().iter().filter(|act| act.acknowledged).count()
    }

    /// How many webhooks and acts were promised.
    pub fn promises(&self) -> (usize, usize) {
        let taken = |hook: &&Hook| hook.answer.as_ref().is_some_and(|a| a.status == 202);
        (self.hooks.borrow().iter().filter(taken).count(), self.acknowledged())
    }
}

fn number(connection: &Connection, sql: &str) -> rusqlite::Result<usize> {
    connection.query_row(sql, [], |row| row.get(0))
}

/// Each alert that got a 202 is there, as often as it was sent and not more often than it was tried.
fn hooks(connection: &Connection, hooks: &[Hook], found: &mut Findings) -> rusqlite::Result<()> {
    let mut fired = BTreeMap::<&str, (u64, u64)>::new();
    for hook in hooks {
        let taken = hook.answer.as_ref().filter(|answer| answer.status == 202);
        for (at, alert) in hook.alerts.iter().enumerate() {
            let (promised, tried) = fired.entry(alert.title).or_default();
            *tried += u64::from(alert.fires);
            let Some(answer) = taken else { continue };
            *promised += u64::from(alert.fires);
            promised_alert(connection, alert, answer.body["alerts"][at]["id"].as_str(), found)?;
        }
    }
    for (title, (promised, tried)) in fired {
        let sql =
            "SELECT coalesce(sum(occurrences), 0), count(*) FROM alerts_v1 WHERE title = :title";
        let (times, rows): (u64, u64) =
            connection.query_row(sql, named_params! {":title": title}, |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        if times < promised {
            found.add(
                Sort::Lost,
                format!("{title:?}: {promised} firings got 202, {times} are on disk"),
            );
        }
        if times > tried || rows > 1 {
            found.add(
                Sort::Twice,
                format!(
                    "{title:?}: sent {tried} times, {times} firings of {rows} alerts are on disk"
                ),
            );
        }
    }
    Ok(())
}

fn promised_alert(
    connection: &Connection,
    alert: &Alert,
    id: Option<&str>,
    found: &mut Findings,
) -> rusqlite::Result<()> {
    let sql = "SELECT count(*) FROM alerts_v1 WHERE id = :id AND title = :title AND (:fires OR status = 'resolved')";
    let values = named_params! {":id": id, ":title": alert.title, ":fires": alert.fires};
    let rows: usize = connection.query_row(sql, values, |row| row.get(0))?;
    if rows != 1 {
        found.add(Sort::Lost, format!("{alert:?} got 202 as {id:?}, and is not there"));
    }
    Ok(())
}

/// Each acknowledged act is in the record, and none more often than it was done.
fn acts(connection: &Connection, acts: &[Act], found: &mut Findings) -> rusqlite::Result<()> {
    let mut done = BTreeMap::<_, (usize, usize)>::new();
    for act in acts {
        let (promised, tried) = done.entry((act.who, act.action, act.title)).or_default();
        *promised += usize::from(act.acknowledged);
        *tried += 1;
    }
    let sql = "SELECT count(*) FROM interactions_v1 i LEFT JOIN alerts_v1 a ON a.id = i.alert_id
               WHERE i.actor = :actor AND i.action = :action AND a.title IS :title";
    for ((who, action, title), (promised, tried)) in done {
        let actor = format!("U0{}", who.to_uppercase());
        let values = named_params! {":actor": actor, ":action": action, ":title": title};
        let rows: usize = connection.query_row(sql, values, |row| row.get(0))?;
        let what = format!(
            "{who} {action} {title:?}: done {tried} times, acknowledged {promised}, recorded {rows}"
        );
        if rows < promised {
            found.add(Sort::Lost, &what);
        }
        if rows > tried {
            found.add(Sort::Twice, &what);
        }
    }
    let sql = "SELECT count(*) FROM interactions_v1 WHERE outcome NOT IN ('done', 'repeated')";
    if number(connection, sql)? > 0 {
        found.add(Sort::Wrong, "somebody who may was refused");
    }
    Ok(())
}

/// Each alert is shown where the record says, and reads as it is; whoever was told has the message.
fn shown(connection: &Connection, house: &House, found: &mut Findings) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("SELECT title, state, channel, message_ts FROM alerts_v1")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (title, state): (String, String) = (row.get(0)?, row.get(1)?);
        let (channel, ts): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
        let message = house.sim.message(&channel.unwrap_or_default(), &ts.unwrap_or_default());
        let reads = message.map(|message| message.readable()).unwrap_or_default();
        if !reads.contains(&title) {
            found.add(Sort::Lost, format!("{title:?} is not shown where the record says"));
        }
        let word = match state.as_str() {
            "acknowledged" => "*Acknowledged*",
            "resolved" => "*Resolved*",
            _ => "",
        };
        let closed = state == "resolved" && reads.contains("*Closed*");
        if !reads.contains(word) && !closed {
            found.add(Sort::Lost, format!("{title:?} is {state} and reads:\n{reads}"));
        }
    }
    let mut statement =
        connection.prepare("SELECT target, channel, message_ts FROM notifications_v1")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (target, channel, ts): (String, String, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        if house.sim.message(&channel, &ts).is_none() {
            found.add(
                Sort::Lost,
                format!("{target} was told, says the record, and there is no message"),
            );
        }
    }
    Ok(())
}

/// Each act that was done has its line in the alert's thread: one.
fn threads(connection: &Connection, house: &House, found: &mut Findings) -> rusqlite::Result<()> {
    let sql = "SELECT i.action, lower(substr(i.actor, 3)), count(*), a.channel, a.message_ts, a.title
               FROM interactions_v1 i JOIN alerts_v1 a ON a.id = i.alert_id
               WHERE i.actor LIKE 'U0%' AND i.outcome = 'done' AND i.action IN ('acknowledge', 'resolve', 'reopen', 'assign')
               GROUP BY 1, 2, 4, 5, 6";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (action, who, wanted): (String, String, usize) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (channel, ts): (Option<String>, Option<String>) = (row.get(3)?, row.get(4)?);
        let line = match action.as_str() {
            "acknowledge" => format!("Acknowledged by @{who}."),
            "resolve" => format!("Resolved by @{who} "),
            "reopen" => format!("Reopened by @{who}."),
            _ => format!("Assigned to @ana by @{who}."),
        };
        let thread = house.sim.thread(&channel.unwrap_or_default(), &ts.unwrap_or_default());
        let stands: usize = thread.iter().map(|m| m.readable().matches(&line).count()).sum();
        let title: String = row.get(5)?;
        let what =
            format!("{title:?}: the thread says {stands} times {line:?}, the record {wanted}");
        if stands < wanted {
            found.add(Sort::Lost, &what);
        }
        if stands > wanted {
            found.add(Sort::Twice, &what);
        }
    }
    Ok(())
}

/// Who was meant was told, once a rung; nowhere had we to post without having been able to look.
fn ladder(connection: &Connection, found: &mut Findings) -> rusqlite::Result<()> {
    let silent = "SELECT count(*) FROM alerts_v1 a, (VALUES (0), (1), (2), (3)) AS level
                  WHERE a.route = 'critical' AND a.acknowledged_at IS NULL AND NOT EXISTS
                  (SELECT 1 FROM notifications_v1 n WHERE n.alert_id = a.id AND n.level = level.column1)";
    if number(connection, silent)? > 0 {
        found.add(Sort::Lost, "an open critical has a rung of which nobody was told");
    }
    let twice = "SELECT count(*) FROM (SELECT 1 FROM notifications_v1
                 GROUP BY alert_id, round, level, target, reason HAVING count(*) > 1)";
    if number(connection, twice)? > 0 {
        found.add(Sort::Twice, "the record says that somebody was told twice of one rung");
    }
    if number(connection, "SELECT count(*) FROM journal WHERE body LIKE '%possibly_twice%'")? > 0 {
        found.add(Sort::Twice, "history is allowed, and the record says possibly_twice");
    }
    Ok(())
}

fn of_the_bot(house: &House) -> Vec<Message> {
    let channels = CHANNELS.into_iter().flat_map(|channel| house.sim.messages(channel));
    let all = channels.chain(PEOPLE.into_iter().flat_map(|who| house.sim.dms(who)));
    all.filter(|message| message.by_bot).collect()
}

/// No mark and no words stand twice in one place.
fn twice(house: &House, only_marks: bool, found: &mut Findings) {
    let mut marks = BTreeMap::<String, usize>::new();
    let mut words = BTreeMap::<(String, Option<String>, String), usize>::new();
    for message in of_the_bot(house) {
        let ids =
            message.metadata.as_ref().and_then(|m| m.pointer("/event_payload/ids")?.as_array());
        for id in ids.into_iter().flatten() {
            *marks.entry(id.to_string()).or_default() += 1;
        }
        let place = (message.channel.clone(), message.thread_ts.clone());
        // An alert is known by its first line; in a thread each line begins with its time.
        let reads = message.readable();
        let reads: Vec<&str> = match &place.1 {
            None => reads.lines().take(1).collect(),
            Some(_) => reads
                .lines()
                .map(|line| line.split_once("  ").map_or(line, |(_, rest)| rest))
                .collect(),
        };
        for line in reads {
            *words.entry((place.0.clone(), place.1.clone(), line.to_owned())).or_default() += 1;
        }
    }
    for (mark, _) in marks.into_iter().filter(|(_, times)| *times > 1) {
        found.add(Sort::Twice, format!("the mark {mark} stands on several messages"));
    }
    if !only_marks {
        for ((channel, _, line), times) in words.into_iter().filter(|(_, times)| *times > 1) {
            found.add(Sort::Twice, format!("{channel} says {times} times {line:?}"));
        }
    }
}

fn again(house: &House) -> usize {
    let mut answers = BTreeMap::<(&str, String), usize>::new();
    for who in PEOPLE {
        for answer in house.sim.ephemerals(who) {
            *answers.entry((who, answer.readable())).or_default() += 1;
        }
    }
    answers.into_values().filter(|times| *times > 1).map(|times| times - 1).sum()
}

fn secrets(house: &House, found: &mut Findings) {
    let said: String = of_the_bot(house).iter().map(|m| m.readable() + &m.text).collect();
    let files = std::fs::read_dir(house.folder()).expect("the folder is there");
    let files = files.map(|file| file.expect("an entry").path());
    // strace writes down what is sent to Slack, tokens too.
    let files: Vec<_> = files.filter(|path| path.is_file() && !path.ends_with("trace")).collect();
    for secret in SECRETS.into_iter().chain(TOOL_SECRETS) {
        let holds =
            |bytes: &[u8]| bytes.windows(secret.len()).any(|part| part == secret.as_bytes());
        let is_in =
            |path: &&std::path::PathBuf| std::fs::read(path).is_ok_and(|bytes| holds(&bytes));
        if let Some(path) = files.iter().find(is_in) {
            found.add(Sort::Wrong, format!("a secret stands in {}", path.display()));
        }
        if said.contains(secret) {
            found.add(Sort::Wrong, "a secret stands in a message");
        }
    }
}
