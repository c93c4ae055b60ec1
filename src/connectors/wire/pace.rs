//! How fast a tool may be asked: so many requests in any such span, and nothing while it wants to hear nothing.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// At most so many requests within any such span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
}

/// Longer than this nobody waits, whatever a tool says: it is asked once a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Debug)]
pub(super) struct Pace {
    rate: Option<Rate>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the last ones left or will leave, the earliest first: as many as the rate counts.
    left: VecDeque<Instant>,
    /// The tool wants to hear nothing before.
    closed: Option<Instant>,
}

impl Pace {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self { rate: rate.filter(|rate| rate.requests > 0), state: Mutex::default() }
    }

    /// When the next request may leave; or in how long, where that is after `deadline`: then its place stays free.
    pub(super) fn turn(&self, now: Instant, deadline: Instant) -> Result<Instant, Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = state.closed.map_or(now, |until| until.max(now));
        if let Some(Rate { requests, per }) = self.rate {
            let all = usize::try_from(requests).unwrap_or(usize::MAX);
            while state.left.len() > all {
                state.left.pop_front();
            }
            if state.left.len() == all {
                at = state.left.front().map_or(at, |first| at.max(*first + per));
            }
        }
        if at >= deadline {
            return Err(at.saturating_duration_since(now));
        }
        if self.rate.is_some() {
            state.left.push_back(at);
        }
        Ok(at)
    }

    /// The tool has just said that it wants to hear nothing for so long.
    pub(super) fn close(&self, now: Instant, after: Duration) {
        let until = now + after.min(LONGEST);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed = Some(state.closed.map_or(until, |before| before.max(until)));
    }

    /// Until when nothing may leave, where that is still to come.
    pub(super) fn closed(&self, now: Instant) -> Option<Instant> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.closed.filter(|until| *until > now)
    }
}
