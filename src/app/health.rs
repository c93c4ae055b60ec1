//! Whether we live, are ready, and say so: a heartbeat leaves only while every loop advances.

use crate::clock::Clock;
use crate::config::Heartbeat;
use crate::engine::Pulse;
use crate::engine::ledger::Ledger;
use crate::inbox::Inbox;
use crate::intake::http;
use crate::intake::tls::Tls;
use crate::slack::socket::Link;
use std::time::Duration;
use tokio::sync::watch;

/// A loop that has not advanced for so long is stuck; each looks around at least every 30 s.
const STUCK: Duration = Duration::from_secs(90);
/// How long the writer may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the process knows of itself.
#[derive(Clone, Debug)]
pub struct Health {
    pub clock: Clock,
    pub timer: Pulse,
    pub dispatcher: Pulse,
    pub caller: Pulse,
    pub writer: Pulse,
    pub ledger: Ledger,
    pub tls: Option<Tls>,
    pub link: watch::Receiver<Link>,
    /// How many sockets Slack counts that are not ours.
    pub ghosts: watch::Receiver<u64>,
    /// What of the config on disk is not in force.
    pub config: watch::Receiver<Vec<String>>,
    pub stopping: watch::Receiver<bool>,
}

impl http::Health for Health {
    fn stuck(&self) -> Vec<String> {
        let now = self.clock.instant();
        let loops = [
            ("the timer", &self.timer),
            ("the dispatcher", &self.dispatcher),
            ("the caller", &self.caller),
        ];
        loops
            .into_iter()
            .filter(|(_, pulse)| pulse.age(now) > STUCK)
            .map(|(name, pulse)| format!("{name} has not moved for {} s", pulse.age(now).as_secs()))
            .collect()
    }

    fn unready(&self) -> Vec<String> {
        let mut reasons = self.stuck();
        match &*self.link.borrow() {
            Link::Connected { .. } => {}
            Link::Connecting => reasons.push("Slack is not connected; trying".to_owned()),
            Link::Refused { words } => reasons.push(words.clone()),
        }
        if let Some(trouble) = self.ledger.trouble() {
            reasons.push(format!(
                "the store has not taken writes since {}: make room, or look at the disk",
                trouble.since
            ));
        } else if self.writer.is_ill() {
            reasons.push("the store did not take the last write".to_owned());
        }
        if *self.stopping.borrow() {
            reasons.push("the process is stopping".to_owned());
        }
        reasons
    }

    /// To start again or to be taken out of service mends no ghost: it is said, and we stay ready.
    fn warnings(&self) -> Vec<String> {
        let mut warnings = self.tls.as_ref().map(Tls::warnings).unwrap_or_default();
        warnings.extend(self.config.borrow().iter().cloned());
        match *self.ghosts.borrow() {
            0 => {}
            ghosts => warnings.push(format!(
                "Slack counts {ghosts} more socket(s) of this app than we hold, and gives them some of the clicks: stop \
                 whatever else uses this app token"
            )),
        }
        warnings
    }
}

/// Tries the store again where it refused a write: else nobody would learn that the disk has room again.
pub async fn probe(health: Health, inbox: Inbox) {
    loop {
        tokio::time::sleep(PATIENCE).await;
        if health.writer.is_ill() || health.ledger.has_business() {
            let _ = tokio::time::timeout(PATIENCE, inbox.ping()).await;
        }
    }
}

/// Calls the heartbeat's URL while all is well; where it stays away, whoever waits for it raises the alarm.
pub async fn beat(heartbeat: Heartbeat, health: Health, inbox: Inbox) {
    let client = match reqwest::Client::builder().timeout(PATIENCE).build() {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(%error, "The heartbeat cannot be sent");
            return;
        }
    };
    loop {
        if is_well(&health, &inbox).await {
            // The URL is a secret of its kind: it is left out of what is logged.
            match client
                .get(heartbeat.url.expose().clone())
                .send()
                .await
                .and_then(reqwest::Response::error_for_status)
            {
                Ok(_) => count("taken"),
                Err(error) => {
                    count("refused");
                    tracing::warn!(error = %error.without_url(), "The heartbeat was not taken");
                }
            }
        } else {
            count("held_back");
            tracing::warn!("The heartbeat is held back: something does not move");
        }
        tokio::time::sleep(heartbeat.every).await;
    }
}

fn count(result: &'static str) {
    metrics::counter!("vigie_heartbeats_total", "result" => result).increment(1);
}

async fn is_well(health: &Health, inbox: &Inbox) -> bool {
    // It writes: an answer alone would say nothing of a disk that is full.
    let answers = tokio::time::timeout(PATIENCE, inbox.ping()).await.is_ok_and(|answered| answered);
    answers && http::Health::unready(health).is_empty()
}
