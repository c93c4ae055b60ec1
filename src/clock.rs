//! The only place that knows what time it is.
//!
//! Two faces. *Real* time follows the machine's wall clock. *Steady* time counts tokio's clock from a given moment, so
//! that paused test time moves it. Either may be set forward or back; what `now` tells never goes back and never stands
//! still, for a ladder must not wait two hours because somebody has set a clock (`docs/adr/0005-time.md`).

use crate::domain::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// Two clocks that differ by less do not differ: reading them takes time.
const SLACK: Duration = Duration::from_secs(1);
/// A wall clock that is so far behind is worth a word.
const FAR: Duration = Duration::from_secs(60);

/// Tells the time; clones share what it was set by, and what it has told.
#[derive(Clone, Debug)]
pub struct Clock {
    face: Face,
    set_millis: Arc<AtomicI64>,
    told: Arc<Mutex<Told>>,
}

#[derive(Clone, Copy, Debug)]
enum Face {
    Real,
    Steady { epoch: Timestamp, start: Instant },
}

/// The last answer.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    last: Option<(Timestamp, Instant)>,
    /// The wall clock is far behind, and it was said.
    behind: bool,
}

impl Clock {
    /// The machine's wall clock.
    pub fn real() -> Self {
        Self::of(Face::Real)
    }

    /// `epoch` now, then onward by tokio's clock.
    pub fn steady(epoch: Timestamp) -> Self {
        Self::steady_from(epoch, Instant::now())
    }

    /// `epoch` at `start`, then onward by tokio's clock: for one that goes on after a restart.
    pub fn steady_from(epoch: Timestamp, start: Instant) -> Self {
        Self::of(Face::Steady { epoch, start })
    }

    fn of(face: Face) -> Self {
        Self { face, set_millis: Arc::default(), told: Arc::default() }
    }

    /// A moment for measuring spans, which no clock that is set can move.
    pub fn instant(&self) -> Instant {
        Instant::now()
    }

    /// What time it is, for what people read, what is recorded and what is due: the wall clock's. Where that was set back or
    /// stands still, time goes on from what was told last until the wall clock has caught up.
    pub fn now(&self) -> Timestamp {
        let (wall, instant) = (self.wall(), self.instant());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let now = told.last.map_or(wall, |(last, at)| {
            let steady = last + instant.saturating_duration_since(at);
            let behind = steady.since(wall);
            told.behind = told.behind && behind > FAR;
            if behind > FAR && !told.behind {
                told.behind = true;
                tracing::warn!(seconds = behind.as_secs(), "The wall clock is behind what was told: time goes on from there until it has caught up");
            }
            if behind > SLACK { steady } else { wall.max(last) }
        });
        told.last = Some((now, instant));
        now
    }

    /// The wall clock as it stands, right or wrong: what other machines would say.
    pub fn wall(&self) -> Timestamp {
        let base = match self.face {
            Face::Real => SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_or(Timestamp::from_millis(0), |d| Timestamp::from_millis(0) + d),
            Face::Steady { epoch, start } => epoch + start.elapsed(),
        };
        let set = self.set_millis.load(Ordering::Relaxed);
        let by = Duration::from_millis(set.unsigned_abs());
        if set < 0 { base - by } else { base + by }
    }

    /// What was told before a restart was told: time does not go back behind it.
    pub fn not_before(&self, last: Timestamp) {
        let instant = self.instant();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.last = Some((told.last.map_or(last, |(told, _)| told.max(last)), instant));
    }

    /// Sets the wall clock by so many milliseconds, forward or back: the demo's fast-forward, and whoever sets a clock.
    pub fn set(&self, millis: i64) {
        self.set_millis.fetch_add(millis, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_where_the_wall_clock_is_set_back_until_it_has_caught_up() {
        let clock = Clock::steady(at(10 * HOUR));
        assert_eq!(clock.now(), at(10 * HOUR));
        clock.set(-2 * HOUR);
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(), at(10 * HOUR + 60_000));
        assert_eq!(clock.wall(), at(8 * HOUR + 60_000));
        clock.set(3 * HOUR);
        assert_eq!(clock.now(), at(11 * HOUR + 60_000), "ahead, it is believed");
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_where_the_wall_clock_stands_still() {
        let clock = Clock::steady(at(HOUR));
        let first = clock.now();
        for _ in 0..10 {
            tokio::time::advance(Duration::from_secs(30)).await;
            clock.set(-30_000);
            clock.now();
        }
        assert_eq!(clock.wall(), at(HOUR));
        assert_eq!(clock.now().since(first), Duration::from_secs(300));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_told_from_before_what_was_told_before_a_restart() {
        let clock = Clock::steady(at(HOUR));
        clock.not_before(at(3 * HOUR));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(clock.now(), at(3 * HOUR + 5_000));
        let clock = Clock::steady(at(HOUR));
        clock.not_before(at(0));
        assert_eq!(clock.now(), at(HOUR), "the past holds nothing back");
    }
}
