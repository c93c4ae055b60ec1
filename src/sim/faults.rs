//! What can go wrong with a Web API call on purpose, and which call it strikes next.
use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// One way for a Web API call to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done; the answer is this bare HTTP status.
    Status(u16),
    /// Nothing is done; HTTP 429 with `Retry-After` (whole seconds, rounded up).
    RateLimited { retry_after: Duration },
    /// Nothing is done; `{"ok": false, "error": word}`.
    Error(String),
    /// It is done, but the caller gets HTTP 500.
    LoseResponse,
    /// It is done, but the connection closes without an answer.
    DropConnection,
    /// Nothing is done; the caller waits this long, then the connection closes without an answer.
    Hang(Duration),
    /// It is done at once; the answer leaves this much later.
    Slow(Duration),
    /// Held up on its way to us: done only after so long.
    Late(Duration),
}

impl Fault {
    /// `Fault::Error` without the `to_string`.
    pub fn error(word: &str) -> Self {
        Self::Error(word.to_string())
    }
}

/// Faults waiting for their call, by method; the method `*` stands for all of them.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    pub down: bool,
    pub hang_next_upgrade: bool,
}

impl Faults {
    pub fn push(&mut self, method: &str, fault: Fault) {
        self.next.entry(method.to_string()).or_default().push_back(fault);
    }

    pub fn set_always(&mut self, method: &str, fault: Fault) {
        self.always.insert(method.to_string(), fault);
    }

    pub fn heal(&mut self) {
        *self = Self::default();
    }

    /// The fault for this call: one pushed for it, else one pushed for `*`, else what always fails.
    pub fn take(&mut self, method: &str) -> Option<Fault> {
        for name in [method, "*"] {
            if let Some(fault) = self.next.get_mut(name).and_then(VecDeque::pop_front) {
                return Some(fault);
            }
        }
        self.always.get(method).or_else(|| self.always.get("*")).cloned()
    }
}
