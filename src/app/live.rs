//! What a running Vigie takes up of a changed config, and what waits for the next start.

use super::hooks;
use super::tools::Connecting;
use crate::clock::Clock;
use crate::config::{Settings, Tokens};
use crate::domain::input::{Delivery, Input, Moment};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::inbox::Inbox;
use crate::intake::Sources;
use crate::intake::mapping::Mappings;
use crate::slack::directory::{Known, Wanted};
use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Whom a changed config names is asked of Slack first, for so long: nobody is refused only because we do not know them yet.
const NAMES: Duration = Duration::from_secs(5);

/// The ends by which the parts are given another config.
pub(super) struct Live {
    /// What can only be set at a start is held against it.
    pub(super) started: Settings,
    /// The one in force.
    pub(super) policy: watch::Receiver<Arc<Policy>>,
    pub(super) wanted: watch::Sender<Wanted>,
    pub(super) known: watch::Sender<Known>,
    pub(super) sources: watch::Sender<Arc<Sources>>,
    pub(super) connecting: Connecting,
}

/// What became of a config that was read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenUp {
    /// Whether it differs from the one that was in force, so that the journal says so.
    pub changed: bool,
    /// The keys that count from the next start only.
    pub waiting: Vec<&'static str>,
}

impl Live {
    /// Brings another config into force. The journal says so first; where it does not take that, nothing changes. Sources are
    /// taken up also where the file is the same: a secret may be another.
    pub(super) async fn take(
        &self,
        settings: &Settings,
        mappings: &Mappings,
        (inbox, clock): (&Inbox, &Clock),
    ) -> anyhow::Result<TakenUp> {
        let sources = Arc::new(hooks::sources(settings, mappings)?);
        let changed = self.policy.borrow().config_hash != settings.config_hash;
        if changed {
            self.learn(&Wanted::of(&settings.policy(clock.now(), |_, _| None))).await;
            let at = clock.now();
            let policy = Arc::new(self.next(settings, at));
            let moment = Moment::Configured { config: settings.version(), policy };
            let delivery = Delivery { key: None, at, input: Input::Moment(moment) };
            let recorded = inbox.submit(delivery).await;
            recorded.context("the journal does not take the changed config")?;
        }
        self.sources.send_replace(sources);
        self.connecting.connect(settings);
        Ok(TakenUp { changed, waiting: self.waiting(settings) })
    }

    /// A ladder that is as it was goes on: only what has changed can have put a rung into the past.
    fn next(&self, settings: &Settings, at: Timestamp) -> Policy {
        let now = self.policy.borrow().clone();
        settings.policy(at, |name, ladder| {
            let same = now.escalations.get(name).is_some_and(|old| old.print() == ladder.print());
            same.then(|| now.ladder_since(name))
        })
    }

    /// Asks Slack about the names that are new.
    async fn learn(&self, wanted: &Wanted) {
        if *self.wanted.borrow() == *wanted {
            return;
        }
        // In this order: whoever still asks for the names of before sees that others are wanted, and says no more of them.
        self.wanted.send_replace(wanted.clone());
        self.known.send_modify(|known| *known = (*known).min(Known::Workspace));
        let mut known = self.known.subscribe();
        let _ = tokio::time::timeout(NAMES, known.wait_for(|known| *known >= Known::Named)).await;
    }

    /// What differs from the start and cannot be changed while the process runs.
    fn waiting(&self, now: &Settings) -> Vec<&'static str> {
        let then = &self.started;
        let keys = [
            ("slack.api_url", then.slack.api_url != now.slack.api_url),
            ("slack.post_rate", then.slack.post_rate != now.slack.post_rate),
            ("slack.bot_token", differs(&then.slack.tokens, &now.slack.tokens, |t| &t.bot)),
            ("slack.app_token", differs(&then.slack.tokens, &now.slack.tokens, |t| &t.app)),
            ("store.path", then.store.path != now.store.path),
            ("http.listen", then.http.listen != now.http.listen),
            ("http.max_body", then.http.max_body != now.http.max_body),
            ("http.tls", then.http.tls != now.http.tls),
            ("heartbeat", then.heartbeat != now.heartbeat),
            ("log", then.log != now.log),
        ];
        keys.into_iter().filter(|(_, differs)| *differs).map(|(key, _)| key).collect()
    }
}

fn differs(
    then: &Option<Tokens>,
    now: &Option<Tokens>,
    which: impl Fn(&Tokens) -> &secrecy::SecretString,
) -> bool {
    let text = |tokens: &Option<Tokens>| {
        tokens.as_ref().map(|tokens| which(tokens).expose_secret().to_owned())
    };
    text(then) != text(now)
}
