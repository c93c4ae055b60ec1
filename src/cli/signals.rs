//! What the system asks of a command that runs on: to end, or to read its config again.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Heard from when it is made on; before that, each of them kills the process.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// SIGINT (Ctrl-C) or SIGTERM.
    Stop,
    /// SIGHUP: a terminal was closed, or somebody wants the config to be read again.
    HangUp,
}

impl Signals {
    pub fn hear() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Until it is to end. What else is asked meanwhile waits.
    pub async fn stop(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.hangup.recv() => Asked::HangUp,
        }
    }
}
