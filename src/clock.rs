//! The only place that knows what time it is.
//!
//! Two faces. *Real* time follows the machine's wall clock. *Steady* time counts tokio's clock from a given moment, so
//! that paused test time moves it. Policy time (due times, ages) may run ahead by an offset, for the demo's fast-forward.

use crate::domain::time::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Tells the time; clones share the offset.
#[derive(Clone, Debug)]
pub struct Clock {
    face: Face,
    ahead_millis: Arc<AtomicI64>,
}

#[derive(Clone, Copy, Debug)]
enum Face {
    Real,
    Steady { epoch: Timestamp, start: Instant },
}

impl Clock {
    /// The machine's wall clock.
    pub fn real() -> Self {
        Self { face: Face::Real, ahead_millis: Arc::default() }
    }

    /// `epoch` now, then onward by tokio's clock.
    pub fn steady(epoch: Timestamp) -> Self {
        Self::steady_from(epoch, Instant::now())
    }

    /// `epoch` at `start`, then onward by tokio's clock: for one that goes on after a restart.
    pub fn steady_from(epoch: Timestamp, start: Instant) -> Self {
        Self { face: Face::Steady { epoch, start }, ahead_millis: Arc::default() }
    }

    /// A moment for measuring spans, which no clock that is set can move.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// What time it is, for what people read and what is recorded.
    pub fn now(&self) -> Timestamp {
        let base = match self.face {
            Face::Real => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(Timestamp::from_millis(0), |d| Timestamp::from_millis(0) + d),
            Face::Steady { epoch, start } => epoch + start.elapsed(),
        };
        base + Duration::from_millis(self.ahead_millis.load(Ordering::Relaxed).unsigned_abs())
    }

    /// Runs ahead by so much more, for the demo's fast-forward.
    pub fn skip(&self, span: Duration) {
        let millis = i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
        self.ahead_millis.fetch_add(millis, Ordering::Relaxed);
    }
}
