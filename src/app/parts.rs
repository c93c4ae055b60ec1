//! The parts of a running Vigie, each put together from what they share.

use super::forms::{Forms, Words};
use super::health::Health;
use crate::clock::Clock;
use crate::config::Settings;
use crate::connectors::Client;
use crate::domain::ids::{ChannelId, JournalId};
use crate::engine::calls::Caller;
use crate::engine::deliver::Deliverer;
use crate::engine::departures::Departures;
use crate::engine::dispatch::Dispatcher;
use crate::engine::emergency::Emergency;
use crate::engine::ledger::Ledger;
use crate::engine::places::Places;
use crate::engine::{Bells, Pulse, Surroundings, timer};
use crate::inbox::Inbox;
use crate::intake::hook::Hooks;
use crate::intake::http::Http;
use crate::intake::tls::Tls;
use crate::slack::action_id::Signer;
use crate::slack::directory::{Hint, Known};
use crate::slack::inbound::{self, Inbound};
use crate::slack::outbound::Outbound;
use crate::slack::pacing::Rate;
use crate::store::Reader;
use crate::store::checkpoint::Checkpointer;
use crate::{control, intake, metrics};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The first word from Slack on who is who is waited for this long before anyone is told anything.
const FIRST_DIRECTORY: Duration = Duration::from_secs(5);
/// How often the WAL is moved into the database.
const CHECKPOINT: Duration = Duration::from_secs(5);

/// What the parts share while they are put together.
pub(super) struct Frame {
    pub(super) clock: Clock,
    pub(super) bells: Bells,
    pub(super) reader: Reader,
    pub(super) inbox: Inbox,
    pub(super) surroundings: Surroundings,
    pub(super) outbound: Outbound,
    pub(super) signer: Signer,
    pub(super) known: watch::Receiver<Known>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Frame {
    pub(super) fn inbound(
        &self,
        hints: UnboundedSender<Hint>,
        places: UnboundedSender<ChannelId>,
    ) -> Inbound {
        let words = Words { signer: self.signer.clone() };
        let forms = Forms {
            reader: self.reader.clone(),
            surroundings: self.surroundings.clone(),
            signer: self.signer.clone(),
            clock: self.clock.clone(),
        };
        Inbound::new(inbound::Parts {
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            vocabulary: Arc::new(words),
            forms: Arc::new(forms),
            outbound: self.outbound.clone(),
            hints,
            places,
        })
    }

    pub(super) fn departures(&self, hints: UnboundedSender<Hint>) -> Departures {
        Departures {
            reader: self.reader.clone(),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            directory: self.surroundings.directory.clone(),
            hints,
        }
    }

    pub(super) fn places(&self, changed: UnboundedReceiver<ChannelId>) -> Places {
        Places {
            reader: self.reader.clone(),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            outbound: self.outbound.clone(),
            changed,
        }
    }

    pub(super) fn listen(
        &self,
        listener: TcpListener,
        hooks: Hooks,
        (health, tls): (Health, Option<Tls>),
    ) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
        let address = listener.local_addr()?;
        let http = Http { hooks, health: Arc::new(health), metrics: Arc::new(metrics::render) };
        let mut stop = self.stop.clone();
        let serving = async move {
            intake::serve(listener, http, tls, async move {
                let _ = stop.wait_for(|stop| *stop).await;
            })
            .await;
        };
        Ok((address, tokio::spawn(serving)))
    }

    /// Without it all goes on, but for commands that write.
    pub(super) fn control(
        &self,
        settings: &Settings,
        hooks: Hooks,
    ) -> impl Future<Output = ()> + use<> {
        let with = (self.inbox.clone(), self.clock.clone(), hooks);
        let server = control::Server::listen(&settings.store.path, with);
        async {
            match server {
                Ok(server) => server.run().await,
                Err(error) => {
                    tracing::warn!(%error, "No control socket: `vigie ack` and its like cannot reach this process");
                }
            }
        }
    }

    pub(super) fn checkpoint(
        &self,
        checkpointer: Checkpointer,
    ) -> impl Future<Output = ()> + use<> {
        let mut stop = self.stop.clone();
        async move {
            let checkpointer = Arc::new(std::sync::Mutex::new(checkpointer));
            loop {
                let stopping =
                    tokio::time::timeout(CHECKPOINT, stop.wait_for(|stop| *stop)).await.is_ok();
                let taken = checkpointer.clone();
                let run = move || taken.lock().expect("a checkpoint does not panic").run();
                match tokio::task::spawn_blocking(run).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "The WAL could not be checkpointed; it grows until it can")
                    }
                    Err(error) => tracing::error!(%error, "A checkpoint panicked"),
                }
                if stopping {
                    return;
                }
            }
        }
    }

    /// Waits until so much is known of who is who, for a moment: a group's members cannot be told before.
    pub(super) fn known(
        &self,
        enough: Known,
        patience: Duration,
    ) -> impl Future<Output = ()> + use<> {
        let mut known = self.known.clone();
        async move {
            let _ = tokio::time::timeout(patience, known.wait_for(|known| *known >= enough)).await;
        }
    }

    pub(super) fn timer(&self, pulse: Pulse) -> impl Future<Output = ()> + use<> {
        let times = (self.clock.clone(), self.bells.clone());
        let run = timer::run(
            (self.reader.clone(), self.inbox.clone()),
            times,
            self.surroundings.policy.clone(),
            pulse,
        );
        let (first, stop) = (self.known(Known::Named, FIRST_DIRECTORY), self.stop.clone());
        async move {
            first.await;
            until(stop, run).await;
        }
    }

    pub(super) fn deliverer(&self, journal: JournalId, settings: &Settings) -> Arc<Deliverer> {
        Arc::new(Deliverer {
            outbound: self.outbound.clone(),
            reader: self.reader.clone(),
            surroundings: self.surroundings.clone(),
            signer: self.signer.clone(),
            clock: self.clock.clone(),
            journal,
            rate: Rate { every: settings.slack.post_rate.interval(), burst: 1 },
        })
    }

    pub(super) fn emergency(
        &self,
        deliverer: Arc<Deliverer>,
        ledger: Ledger,
    ) -> impl Future<Output = ()> + use<> {
        let emergency = Emergency::new(deliverer, ledger, self.clock.clone());
        let (first, stop) = (self.known(Known::Named, FIRST_DIRECTORY), self.stop.clone());
        async move {
            first.await;
            until(stop, emergency.run()).await;
        }
    }

    /// Calls wait for the names that decide who may be told what comes of them.
    pub(super) fn caller(
        &self,
        tools: watch::Receiver<Client>,
        pulse: Pulse,
    ) -> impl Future<Output = ()> + use<> {
        let caller = Caller {
            tools,
            reader: self.reader.clone(),
            inbox: self.inbox.clone(),
            clock: self.clock.clone(),
            bells: self.bells.clone(),
        };
        let (first, stop) = (self.known(Known::Named, FIRST_DIRECTORY), self.stop.clone());
        async move {
            first.await;
            caller.run(stop, pulse).await;
        }
    }

    pub(super) fn dispatcher(
        &self,
        deliverer: Arc<Deliverer>,
        pulse: Pulse,
    ) -> impl Future<Output = ()> + use<> {
        let times = (self.clock.clone(), self.bells.clone());
        let dispatcher = Dispatcher::new(deliverer, self.reader.clone(), self.inbox.clone(), times);
        let (first, stop) = (self.known(Known::Named, FIRST_DIRECTORY), self.stop.clone());
        async move {
            first.await;
            dispatcher.run(stop, pulse).await;
        }
    }
}

pub(super) async fn until(mut stop: watch::Receiver<bool>, run: impl Future<Output = ()>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = run => {}
    }
}
