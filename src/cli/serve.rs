//! `vigie serve`: the bot.

use super::Exit;
use super::config_file::ConfigFile;
use super::signals::{Asked, Signals};
use crate::app::{App, TakenUp};
use crate::clock::Clock;
use crate::config::Settings;
use crate::intake::mapping::Mappings;
use crate::slack::socket::Link;
use std::time::Duration;
use tokio::sync::watch;

/// After so long a config that could not be taken up is tried again.
const AGAIN: Duration = Duration::from_secs(30);

/// Runs until SIGINT or SIGTERM, or until the disk can no longer be trusted. `settings` and `mappings` are what stood in `file`.
pub async fn run(file: ConfigFile, settings: Settings, mappings: Mappings) -> anyhow::Result<Exit> {
    let mut signals = Signals::hear()?;
    let mut app = App::start(settings, mappings, Clock::real()).await?;
    let mut reloading = Reloading::new(file);
    tracing::info!(listen = %app.listen(), "Vigie takes webhooks; connecting to Slack");
    let telling = tokio::spawn(tell(app.link()));
    let failed = loop {
        tokio::select! {
            asked = signals.next() => match asked {
                Asked::Stop => break None,
                Asked::HangUp => {}
            },
            () = reloading.wanted() => {}
            error = app.failed() => break Some(error),
        }
        // Slack may be slow to say who is meant: a stop does not wait for that.
        tokio::select! {
            () = reloading.run(&app) => {}
            () = signals.stop() => break None,
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

/// A config that is read again while the process runs.
struct Reloading {
    file: ConfigFile,
    /// What is wrong with it, as it was last said.
    said: Option<String>,
}

impl Reloading {
    fn new(file: ConfigFile) -> Self {
        metrics::gauge!("vigie_config_last_reload_successful").set(1.0);
        Self { file, said: None }
    }

    /// Until the file is another; where it could not be taken up, until it is tried once more: a secret may be at hand by then.
    async fn wanted(&self) {
        let again = async {
            match self.said {
                Some(_) => tokio::time::sleep(AGAIN).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.file.changed() => {}
            () = again => {}
        }
    }

    async fn run(&mut self, app: &App) {
        tracing::debug!("Reading the config again");
        let taken = match self.file.read_again().await {
            Ok((settings, mappings)) => app.reload(&settings, &mappings).await,
            Err(mistakes) => Err(mistakes),
        };
        metrics::gauge!("vigie_config_last_reload_successful").set(f64::from(taken.is_ok()));
        match taken {
            Ok(taken) => {
                self.said = None;
                report(&taken);
            }
            Err(why) => self.complain(app, format!("{why:#}")),
        }
    }

    /// Once, however often the same is tried. Whoever reaches `/readyz` may not be meant to read the config.
    fn complain(&mut self, app: &App, why: String) {
        app.keep_config();
        if self.said.as_ref() != Some(&why) {
            tracing::error!(
                "The config cannot be taken up, and the one before stays in force: {why}"
            );
            self.said = Some(why);
        }
    }
}

fn report(taken: &TakenUp) {
    match taken.changed {
        true => tracing::info!("A changed config is in force"),
        false => {
            tracing::info!("The config was read again; only secrets and mappings may have changed")
        }
    }
    for key in &taken.waiting {
        tracing::warn!("{key} has changed: it counts from the next start on");
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
