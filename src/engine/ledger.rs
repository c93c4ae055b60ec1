//! Whether the store writes; and while it does not, what was said without record, until it stands in the journal.
//!
//! The writer says when it begins and ends, and folds the notes in before anything else is written. Who pages meanwhile asks to
//! `enter` for each message, so that nothing is under way when the notes are folded in.

use crate::clock::Clock;
use crate::domain::alert::dedup::hex;
use crate::domain::alert::lifecycle::Posted;
use crate::domain::alert::{Severity, Status};
use crate::domain::event::Told;
use crate::domain::ids::{AlertId, InputKey};
use crate::domain::input::{Delivery, Incoming, Input, Moment};
use crate::domain::time::Timestamp;
use crate::domain::unrecorded::{Heard, Unrecorded, Whose};
use crate::store::emergency::{EmergencyFile, path_of};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::mpsc;

/// So many refused inputs wait to be looked at.
const HEARD: usize = 4096;

/// What the writer refused, and paging does not let go.
#[derive(Debug)]
pub enum Refused {
    Alert { key: Option<InputKey>, at: Timestamp, incoming: Box<Incoming> },
    Due(AlertId),
}

/// A note, as it stands in the emergency file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// The store takes no writes from here on: what is tried meanwhile is not noted in the outbox.
    Begun {},
    /// A source sent this, and was told to send it again.
    Alert {
        key: Option<InputKey>,
        incoming: Box<IncomingText>,
    },
    Shown {
        whose: Whose,
        posted: Posted,
    },
    /// A rung is being told.
    Reached {
        whose: Whose,
        told: Told,
        nobody: bool,
    },
    /// Of it, these have heard.
    Heard {
        whose: Whose,
        heard: Heard,
    },
    /// A step of the ladder that tells nobody.
    Stepped {
        alert: AlertId,
    },
}

/// An alert as JSON text: the file's reader compares nothing in it.
pub type IncomingText = serde_json::Value;

#[derive(Clone, Debug)]
struct Kept {
    at: Timestamp,
    note: Note,
    line: String,
    /// It was refused for itself: it is not tried again before the next start.
    stuck: bool,
}

/// Shared by the writer, who pages meanwhile, and who tells of it.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    clock: Clock,
    state: Mutex<State>,
    refused: mpsc::Sender<Refused>,
    heard: Mutex<Option<mpsc::Receiver<Refused>>>,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    /// How many troubles there have been: who pages begins anew with each.
    number: u64,
    closing: bool,
    under_way: usize,
    kept: Vec<Kept>,
    file: Option<EmergencyFile>,
    file_fails: bool,
    said: u64,
    news: Vec<News>,
}

/// What the log is to say.
#[derive(Debug)]
enum News {
    Begun { error: String },
    Over { seconds: Option<u64>, said: u64, notes: usize },
}

/// The store does not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub number: u64,
    pub since: Timestamp,
}

/// Held while a message is under way.
#[derive(Debug)]
pub struct UnderWay(Ledger);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.lock().under_way -= 1;
    }
}

impl Ledger {
    /// One that keeps its notes in memory only.
    pub fn in_memory(clock: Clock) -> Self {
        let (refused, heard) = mpsc::channel(HEARD);
        let heard = Mutex::new(Some(heard));
        Self(Arc::new(Shared { clock, state: Mutex::default(), refused, heard }))
    }

    /// Opens the emergency file beside the database. Where that fails it is said, and notes are kept in memory only.
    pub fn open(database: &Path, clock: Clock) -> Self {
        let ledger = Self::in_memory(clock);
        let file = path_of(database);
        match EmergencyFile::open(database) {
            Ok((open, left)) => {
                let mut state = ledger.lock();
                state.file = Some(open);
                if left.unreadable > 0 {
                    tracing::error!(file = %file.display(), lines = left.unreadable, "Lines of the emergency file cannot be read: they are left out");
                }
                state.kept.extend(left.lines.into_iter().filter_map(read));
                drop(state);
            }
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "There is no emergency file: what is said while the disk takes no writes would be lost with the process");
            }
        }
        metrics::gauge!("vigie_store_writes").set(1.0);
        ledger
    }

    /// What the writer refuses from now on; for one listener.
    pub fn listen(&self) -> Option<mpsc::Receiver<Refused>> {
        self.0.heard.lock().expect("nothing panics while it is held").take()
    }

    /// The trouble that there is.
    pub fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble
    }

    // --- the writer's side ---

    /// The store does not write. Said once, when it begins.
    pub fn begin(&self, error: &rusqlite::Error) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        if state.trouble.is_none() {
            state.number += 1;
            state.trouble = Some(Trouble { number: state.number, since: now });
            metrics::gauge!("vigie_store_writes").set(0.0);
            state.news.push(News::Begun { error: error.to_string() });
            drop(state);
            self.keep(now, Note::Begun {});
        }
    }

    /// Whether an earlier process ended while its store took no writes: what it tried is not in the outbox.
    pub fn is_of_an_earlier_trouble(&self) -> bool {
        let state = self.lock();
        state.trouble.is_none() && state.kept.iter().any(|kept| kept.note == Note::Begun {})
    }

    /// Says in the log what has begun or ended.
    pub fn tell(&self) {
        let news = std::mem::take(&mut self.lock().news);
        for one in news {
            match one {
                News::Begun { error } => {
                    tracing::error!(%error, "Vigie cannot write to its disk: nothing is recorded, no click is taken, webhooks are answered 503; people are told without record. Make room, or look at the disk");
                }
                News::Over { seconds: Some(seconds), said, notes } => {
                    tracing::warn!(
                        seconds,
                        said,
                        notes,
                        "Vigie writes to its disk again: what was said without record stands in the journal"
                    );
                }
                News::Over { seconds: None, notes, .. } => {
                    tracing::warn!(
                        notes,
                        "What an earlier process said without record stands in the journal"
                    );
                }
            }
        }
    }

    /// A refused input: paging does not let go of it.
    pub fn refused(&self, delivery: &Delivery) {
        let refused = match &delivery.input {
            Input::Alert(incoming)
                if incoming.alert.severity <= Severity::High
                    && incoming.alert.status == Status::Firing =>
            {
                let incoming = incoming.clone();
                Refused::Alert { key: delivery.key.clone(), at: delivery.at, incoming }
            }
            Input::Moment(Moment::Due { alert }) => Refused::Due(alert.clone()),
            Input::Alert(_)
            | Input::Click(_)
            | Input::Command(_)
            | Input::Moment(_)
            | Input::Outcome(_) => return,
        };
        if self.lock().trouble.is_some() && self.0.refused.try_send(refused).is_err() {
            metrics::counter!("vigie_unrecorded_total", "what" => "not_said").increment(1);
        }
    }

    /// Whether there is something to be done before the next input is written.
    pub fn has_business(&self) -> bool {
        let state = self.lock();
        state.trouble.is_some() || state.kept.iter().any(|kept| !kept.stuck)
    }

    /// The disk writes: no message begins any more. The notes as inputs, once none is under way.
    pub fn close(&self) -> Option<Vec<Delivery>> {
        let mut state = self.lock();
        state.closing = true;
        (state.under_way == 0).then(|| fold(&state.kept))
    }

    /// The notes could not be written: it goes on.
    pub fn reopen(&self) {
        self.lock().closing = false;
    }

    /// The notes stand in the journal, but for those that were refused by themselves: the trouble is over.
    pub fn end(&self, refused: &[InputKey]) {
        let now = self.0.clock.now();
        let mut state = self.lock();
        let folded = state.kept.len();
        let notes = state.kept.iter().filter(|kept| kept.note != Note::Begun {}).count();
        state.kept.retain(|kept| refused.contains(&kept.key()));
        state.kept.iter_mut().for_each(|kept| kept.stuck = true);
        if !state.kept.is_empty() {
            tracing::error!(
                notes = state.kept.len(),
                "Notes of the emergency file could not be recorded: they stay there until the next start"
            );
        }
        if folded > 0 {
            state.rewrite();
        }
        state.closing = false;
        let said = std::mem::take(&mut state.said);
        let since = state.trouble.take().map(|trouble| trouble.since);
        let seconds = since.map(|since| now.since(since).as_secs());
        if seconds.is_some() || notes > 0 {
            state.news.push(News::Over { seconds, said, notes });
        }
        metrics::gauge!("vigie_store_writes").set(1.0);
    }

    // --- the side of who pages meanwhile ---

    /// Leave to say or note something of this trouble; none where it is over, or about to be.
    pub fn enter(&self, trouble: Option<Trouble>) -> Option<UnderWay> {
        let mut state = self.lock();
        if trouble.is_none() || state.trouble != trouble || state.closing {
            return None;
        }
        state.under_way += 1;
        Some(UnderWay(self.clone()))
    }

    /// Keeps a note, on disk where that goes.
    pub async fn note(&self, at: Timestamp, note: Note) {
        let ledger = self.clone();
        let noted = tokio::task::spawn_blocking(move || ledger.keep(at, note));
        noted.await.expect("keeping a note does not panic");
    }

    fn keep(&self, at: Timestamp, note: Note) {
        let line = serde_json::to_string(&(at, &note)).expect("a note is plain data");
        let mut state = self.lock();
        state.said += u64::from(matches!(note, Note::Shown { .. } | Note::Heard { .. }));
        state.append(&line);
        state.kept.push(Kept { at, note, line, stuck: false });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nothing panics while it is held")
    }
}

impl State {
    fn append(&mut self, line: &str) {
        let Some(file) = &mut self.file else { return };
        match file.append(line) {
            Ok(()) => self.file_fails = false,
            Err(error) => {
                if !self.file_fails {
                    tracing::error!(%error, "Not even the emergency file takes what is said without record: it is in memory only");
                }
                self.file_fails = true;
            }
        }
    }

    fn rewrite(&mut self) {
        let Some(file) = &mut self.file else { return };
        let blanked = file
            .blank()
            .and_then(|()| self.kept.iter().try_for_each(|kept| file.append(&kept.line)));
        if let Err(error) = blanked {
            tracing::error!(%error, "The emergency file could not be emptied: its lines are known at the next start");
        }
    }
}

impl Kept {
    /// Names this very note: written twice, it is recorded once.
    fn key(&self) -> InputKey {
        match &self.note {
            Note::Alert { key: Some(key), .. } => key.clone(),
            _ => InputKey::new(format!("emergency:{}", &hex(&Sha256::digest(&self.line))[..32])),
        }
    }
}

fn read(line: String) -> Option<Kept> {
    match serde_json::from_str(&line) {
        Ok((at, note)) => Some(Kept { at, note, line, stuck: false }),
        Err(error) => {
            tracing::error!(%error, "A line of the emergency file is none of this release");
            None
        }
    }
}

/// The notes as the inputs that they would have been. Alerts first, then where they stand: the others may be about them.
fn fold(kept: &[Kept]) -> Vec<Delivery> {
    let mut notes: Vec<&Kept> = kept.iter().filter(|kept| !kept.stuck).collect();
    notes.sort_by_key(|kept| match kept.note {
        Note::Begun {} | Note::Alert { .. } => 0,
        Note::Shown { .. } => 1,
        Note::Reached { .. } | Note::Heard { .. } | Note::Stepped { .. } => 2,
    });
    notes.into_iter().filter_map(|one| delivery(one, kept)).collect()
}

fn delivery(one: &Kept, all: &[Kept]) -> Option<Delivery> {
    let unrecorded =
        |whose: &Whose, said| Input::Moment(Moment::Unrecorded { whose: whose.clone(), said });
    let input = match &one.note {
        Note::Alert { incoming, .. } => match serde_json::from_value(incoming.as_ref().clone()) {
            Ok(incoming) => Input::Alert(Box::new(incoming)),
            Err(error) => {
                tracing::error!(%error, "An alert of the emergency file is none of this release");
                return None;
            }
        },
        Note::Shown { whose, posted } => unrecorded(whose, Unrecorded::Shown(posted.clone())),
        Note::Reached { whose, told, nobody } => {
            let heard = all.iter().filter_map(|other| heard_of((whose, told), &other.note));
            let (reached, heard) = (told.clone(), heard.collect());
            unrecorded(whose, Unrecorded::Rung { reached, nobody: *nobody, heard })
        }
        Note::Begun {} | Note::Heard { .. } => return None,
        Note::Stepped { alert } => Input::Moment(Moment::Due { alert: alert.clone() }),
    };
    Some(Delivery { key: Some(one.key()), at: one.at, input })
}

fn heard_of((whose, reached): (&Whose, &Told), note: &Note) -> Option<Heard> {
    let name = |told: &Told| (told.round, told.rung.clone(), told.repeat);
    match note {
        Note::Heard { whose: other, heard }
            if other == whose && name(&heard.told) == name(reached) =>
        {
            Some(heard.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "ledger_tests.rs"]
mod tests;
