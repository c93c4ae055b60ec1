//! The workspace behind its lock: one place where state is read and changed, where time comes from, and who is told.
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{broadcast, watch};
use tokio::time::Instant;

use super::happenings::Happening;
use super::options::Options;
use super::state::State;

/// How many happenings a slow subscriber may lag behind before it loses the oldest.
const LAG: usize = 4096;

pub struct Workspace {
    pub addr: SocketAddr,
    epoch_ms: i64,
    started: Instant,
    state: Mutex<State>,
    revision: watch::Sender<u64>,
    happenings: broadcast::Sender<Happening>,
    /// True once the workspace shuts down.
    pub stop: watch::Sender<bool>,
}

impl Workspace {
    pub fn new(mut options: Options, addr: SocketAddr) -> Self {
        options.listen = addr;
        Self {
            addr,
            epoch_ms: options.epoch_ms,
            started: Instant::now(),
            state: Mutex::new(State::new(options)),
            revision: watch::Sender::new(0),
            happenings: broadcast::Sender::new(LAG),
            stop: watch::Sender::new(false),
        }
    }

    /// Unix milliseconds by the tokio clock.
    pub fn now_ms(&self) -> i64 {
        self.epoch_ms + i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    /// Looks at the state; nobody is told.
    pub fn read<R>(&self, look: impl FnOnce(&State) -> R) -> R {
        look(&self.lock())
    }

    /// Changes the state, then tells everybody who waits.
    pub fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, fresh) = {
            let mut state = self.lock();
            let result = change(&mut state);
            (result, std::mem::take(&mut state.fresh))
        };
        for happening in fresh {
            // Nobody listening is normal.
            let _ = self.happenings.send(happening);
        }
        self.revision.send_modify(|revision| *revision += 1);
        result
    }

    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    pub fn subscribe(&self) -> broadcast::Receiver<Happening> {
        self.happenings.subscribe()
    }

    /// Returns once the workspace shuts down.
    pub async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives in `self`, so this cannot fail before it is told.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// A panic elsewhere must not hide the state from the test that reports it, so poison is ignored.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.now_ms = self.now_ms();
        state
    }
}
