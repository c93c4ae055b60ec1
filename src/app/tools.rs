//! The tools as they are connected: one transport for all of them, and a client that knows the connections of the config in force.

use crate::clock::Clock;
use crate::config::Settings;
use crate::connectors::Client;
use crate::connectors::wire::{Outside, Redactor, Transport};
use anyhow::Context as _;
use std::sync::Arc;
use tokio::sync::watch;

/// Where a changed config connects tools anew.
pub(super) struct Connecting {
    transport: Arc<Transport>,
    clock: Clock,
    client: watch::Sender<Client>,
}

impl Connecting {
    /// The tools of a config, and where the newest client is.
    pub(super) fn begin(
        settings: &Settings,
        clock: &Clock,
    ) -> anyhow::Result<(Self, watch::Receiver<Client>)> {
        let outside = Outside::of_this_machine(clock.clone());
        let outside = outside.context("the certificates that this machine trusts")?;
        let transport = Arc::new(Transport::new(outside, Redactor::default()));
        let first = Client::new(transport.clone(), settings.lines.clone(), clock.clone());
        let (client, tools) = watch::channel(first);
        Ok((Self { transport, clock: clock.clone(), client }, tools))
    }

    /// Another config is in force. Calls under way end as they began.
    pub(super) fn connect(&self, settings: &Settings) {
        let lines = settings.lines.clone();
        self.client.send_replace(Client::new(self.transport.clone(), lines, self.clock.clone()));
    }
}
