//! What can go wrong with a call on purpose, and which call it strikes next.

use hyper::Method;
use serde::{Deserialize, Deserializer};
use std::collections::VecDeque;
use std::time::Duration;

/// One way for a call to go wrong. In JSON a span of time is a number of seconds: `{"slow": 1.5}`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing is done; the answer has this status, in the vendor's words.
    Status(u16),
    /// Nothing is done; 429 with `Retry-After` (whole seconds, rounded up).
    #[serde(deserialize_with = "seconds")]
    Limited(Duration),
    /// It is done, and the connection is cut before the answer.
    LoseAnswer,
    /// It is done, and the connection is cut in the middle of the answer.
    HalfAnswer,
    /// Nothing is done, nor even read: the connection is cut.
    Drop,
    /// It is done at once; the answer leaves so much later.
    #[serde(deserialize_with = "seconds")]
    Slow(Duration),
    /// Held up on its way: it is done only after so long, also where nobody waits for it any more.
    #[serde(deserialize_with = "seconds")]
    Late(Duration),
}

fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(serde::de::Error::custom)
}

impl Fault {
    /// Its name, as a call that it struck is noted with.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Status(_) => "status",
            Self::Limited(_) => "limited",
            Self::LoseAnswer => "lose_answer",
            Self::HalfAnswer => "half_answer",
            Self::Drop => "drop",
            Self::Slow(_) => "slow",
            Self::Late(_) => "late",
        }
    }
}

/// Which calls a fault strikes. As text: `*`, `changes`, or how the call's line begins: `POST /devices`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Any,
    /// Whatever changes something: a token that is fetched or a search that is posted does not.
    Changes,
    Line(String),
}

impl From<&str> for Target {
    fn from(text: &str) -> Self {
        match text {
            "*" => Self::Any,
            "changes" => Self::Changes,
            line => Self::Line(line.to_owned()),
        }
    }
}

/// A call, as far as a fault cares.
#[derive(Clone, Copy, Debug)]
pub struct Struck<'c> {
    pub line: &'c str,
    pub changes: bool,
}

impl Target {
    fn means(&self, call: Struck<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Changes => call.changes,
            Self::Line(begins) => call.line.starts_with(begins.as_str()),
        }
    }
}

/// The methods that look.
pub fn only_looks(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Faults that wait for their call.
#[derive(Debug, Default)]
pub struct Faults {
    next: VecDeque<(Target, Fault)>,
    always: Vec<(Target, Fault)>,
}

impl Faults {
    pub fn push(&mut self, target: Target, fault: Fault) {
        self.next.push_back((target, fault));
    }

    pub fn set_always(&mut self, target: Target, fault: Fault) {
        self.always.retain(|(known, _)| *known != target);
        self.always.push((target, fault));
    }

    pub fn heal(&mut self) {
        *self = Self::default();
    }

    /// The fault for this call: the first that waits for one like it, else what always goes wrong.
    pub fn take(&mut self, call: Struck<'_>) -> Option<Fault> {
        let waits = self.next.iter().position(|(target, _)| target.means(call));
        let waits = waits.and_then(|at| self.next.remove(at)).map(|(_, fault)| fault);
        let always = || self.always.iter().find(|(target, _)| target.means(call));
        waits.or_else(|| always().map(|(_, fault)| fault.clone()))
    }

    /// Whether the next connection, whatever it is for, is cut before anything is read of it.
    pub fn cuts_connection(&mut self) -> bool {
        let cut = (Target::Any, Fault::Drop);
        let waits = self.next.front() == Some(&cut);
        if waits {
            self.next.pop_front();
        }
        waits || self.always.contains(&cut)
    }

    /// Whether something goes wrong until it is healed, and what waits: for people.
    pub fn told(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        let names = |(_, fault): &(Target, Fault)| fault.name();
        (self.next.iter().map(names).collect(), self.always.iter().map(names).collect())
    }
}
