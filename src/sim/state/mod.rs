//! The state of the workspace: who is there, what was said, what is open. Held behind one mutex by `Workspace`.
pub mod channels;
pub mod messages;
pub mod tickets;
pub mod users;
pub mod views;

use std::collections::{BTreeMap, HashMap, VecDeque};

use serde_json::Value;

use super::delivery::Outbox;
use super::faults::Faults;
use super::happenings::Happening;
use super::options::Options;
use channels::Channel;
use messages::Message;
use tickets::{Hook, Trigger};
use users::{Dnd, User, Usergroup};
use views::View;

/// How many recorded Web API calls and happenings are kept; the oldest go first.
const KEPT: usize = 50_000;

/// One Web API call as it was received and answered.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// Arguments from query and body, without the token.
    pub body: Value,
    /// Unix milliseconds.
    pub at: i64,
    /// The HTTP status that was answered; 0 where the connection was closed without an answer.
    pub status: u16,
    /// Slack's error word where the answer was not `ok`.
    pub error: Option<String>,
    /// `Retry-After`, in whole seconds, where it was answered.
    pub retry_after: Option<u64>,
}

/// All that the workspace knows.
pub struct State {
    /// With `listen` as it really is.
    pub options: Options,
    pub now_ms: i64,
    pub users: BTreeMap<String, User>,
    pub channels: BTreeMap<String, Channel>,
    pub usergroups: BTreeMap<String, Usergroup>,
    pub dnd: HashMap<String, Dnd>,
    /// Messages by channel, oldest first.
    pub messages: HashMap<String, Vec<Message>>,
    pub ephemerals: Vec<Message>,
    pub views: HashMap<String, View>,
    /// Open modals by user, the topmost last.
    pub stacks: HashMap<String, Vec<String>>,
    /// View id of the App Home by user.
    pub homes: HashMap<String, String>,
    pub triggers: HashMap<String, Trigger>,
    pub hooks: HashMap<String, Hook>,
    pub calls: VecDeque<Call>,
    pub log: VecDeque<(i64, Happening)>,
    /// Happenings not broadcast yet.
    pub fresh: Vec<Happening>,
    pub faults: Faults,
    pub outbox: Outbox,
    /// Next moment a post is allowed, by channel (see `Rate`).
    pub post_budget: HashMap<String, i64>,
    /// Socket Mode tickets not used yet, with the moment they were made.
    pub links: HashMap<String, i64>,
    /// Events that a change caused, not sent yet.
    pub events_due: Vec<Value>,
    /// What the page asks its reader to do.
    pub prompt: String,
    last_ts_us: i64,
    counter: u64,
    random: u64,
}

impl State {
    pub fn new(options: Options) -> Self {
        let bot = User::bot(&options.app);
        Self {
            now_ms: options.epoch_ms,
            users: BTreeMap::from([(bot.id.clone(), bot)]),
            channels: BTreeMap::new(),
            usergroups: BTreeMap::new(),
            dnd: HashMap::new(),
            messages: HashMap::new(),
            ephemerals: Vec::new(),
            views: HashMap::new(),
            stacks: HashMap::new(),
            homes: HashMap::new(),
            triggers: HashMap::new(),
            hooks: HashMap::new(),
            calls: VecDeque::new(),
            log: VecDeque::new(),
            fresh: Vec::new(),
            faults: Faults::default(),
            outbox: Outbox::default(),
            post_budget: HashMap::new(),
            links: HashMap::new(),
            events_due: Vec::new(),
            prompt: String::new(),
            last_ts_us: 0,
            counter: 0,
            random: options.seed,
            options,
        }
    }

    /// A message's time stamp: "seconds.micros", unique and increasing in the whole workspace.
    pub fn next_ts(&mut self) -> String {
        let now_us = self.now_ms * 1000;
        self.last_ts_us = (self.last_ts_us + 100).max(now_us + 100);
        ts(self.last_ts_us)
    }

    /// The next number of a sequence that all ids share.
    pub fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }

    /// Sixteen hexadecimal digits; splitmix64, so that a seed decides them.
    pub fn secret(&mut self) -> String {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        format!("{:016x}", z ^ (z >> 31))
    }

    /// An id of Slack's form: a letter and ten characters.
    pub fn next_id(&mut self, prefix: char) -> String {
        format!("{prefix}{:010X}", 0x0a_0000_0000_u64 + self.next_number())
    }

    /// Something that a person watching would notice.
    pub fn note(&mut self, happening: Happening) {
        if self.log.len() >= KEPT {
            self.log.pop_front();
        }
        self.log.push_back((self.now_ms, happening.clone()));
        self.fresh.push(happening);
    }

    pub fn record_call(&mut self, call: Call) {
        if self.calls.len() >= KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }
}

/// Microseconds as Slack writes a time stamp.
pub fn ts(micros: i64) -> String {
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

/// A Slack time stamp in microseconds; `None` where it is none.
pub fn ts_micros(ts: &str) -> Option<i64> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, "0"));
    let micros: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(seconds.parse::<i64>().ok()? * 1_000_000 + micros)
}
