//! Every alert is accounted for: received = shown + suppressed + pending, and who has not treated what.

use crate::domain::alert::{Severity, State};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::time::Timestamp;
use serde::Serialize;

/// The coverage equation at a moment. Test alerts are counted in `tests` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub received: u64,
    pub shown: u64,
    /// By which rule, and how many.
    pub suppressed: Vec<(String, u64)>,
    pub pending: u64,
    pub tests: u64,
    /// Alerts that the team's policy does not count as treated, worst first.
    pub untreated: Vec<Untreated>,
    /// How many more there are than are listed.
    pub unlisted: u64,
    /// Counted from this moment; `None`: from the first alert.
    pub since: Option<Timestamp>,
}

/// An alert that was not treated, and who was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Untreated {
    pub alert: AlertId,
    pub title: Option<String>,
    pub severity: Severity,
    pub state: State,
    pub received_at: Timestamp,
    /// Who was told, and when, newest last.
    pub told: Vec<(Timestamp, UserId)>,
}

impl Coverage {
    /// How many were not treated, listed or not.
    pub fn untreated_count(&self) -> u64 {
        self.untreated.len() as u64 + self.unlisted
    }

    /// Whether received = shown + suppressed + pending. Anything else is a defect of ours.
    pub fn adds_up(&self) -> bool {
        let suppressed: u64 = self.suppressed.iter().map(|(_, count)| count).sum();
        self.received == self.shown + suppressed + self.pending
    }
}
