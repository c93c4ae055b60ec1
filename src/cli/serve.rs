//! `vigie serve`: the bot.

use super::Exit;
use super::signals::{Asked, Signals};
use crate::app::App;
use crate::clock::Clock;
use crate::config::Settings;
use crate::intake::mapping::Mappings;
use crate::slack::socket::Link;
use tokio::sync::watch;

/// Runs until SIGINT or SIGTERM, or until the disk can no longer be trusted.
pub async fn run(settings: Settings, mappings: Mappings) -> anyhow::Result<Exit> {
    let mut signals = Signals::hear()?;
    let mut app = App::start(settings, mappings, Clock::real()).await?;
    tracing::info!(listen = %app.listen(), "Vigie takes webhooks; connecting to Slack");
    let telling = tokio::spawn(tell(app.link()));
    let failed = loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break None,
                Asked::HangUp => tracing::warn!(
                    "SIGHUP: the config is read at the start only; to read a changed one, start again"
                ),
            },
            error = app.failed() => break Some(error),
        }
    };
    telling.abort();
    match failed {
        Some(error) => Err(error),
        None => {
            tracing::info!("Stopping: what is under way ends first");
            app.stop().await?;
            tracing::info!("Stopped");
            Ok(Exit::Good)
        }
    }
}

/// Says in the log whether Slack is there, each time that changes.
async fn tell(mut link: watch::Receiver<Link>) {
    loop {
        match &*link.borrow_and_update() {
            Link::Connected { sockets } => tracing::info!(sockets, "Connected to Slack"),
            Link::Connecting => tracing::info!("Not connected to Slack; trying"),
            Link::Refused { words } => tracing::error!("Slack refuses us: {words}"),
        }
        if link.changed().await.is_err() {
            return;
        }
    }
}
