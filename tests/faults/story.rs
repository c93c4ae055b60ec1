//! What happens in each case: webhooks come, people act, the ladder goes on; and what was promised to whom.

use crate::house::{Bot, House, LONG};
use crate::tools::HOST;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::time::Duration;
use vigie::sim::{CannotAct, Delivery, Message, Sim};

/// An answer that has left may still be on its way to who reads it.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// One alert of a webhook.
#[derive(Clone, Copy, Debug)]
pub struct Alert {
    pub title: &'static str,
    severity: &'static str,
    pub fires: bool,
    host: &'static str,
}

/// A webhook, and the answer that came.
#[derive(Clone, Debug)]
pub struct Hook {
    pub alerts: Vec<Alert>,
    pub answer: Option<Answered>,
}

#[derive(Clone, Debug)]
pub struct Answered {
    pub status: u16,
    pub retry_after: Option<String>,
    pub body: Value,
}

/// What a person did, and whether Slack got its acknowledgement.
#[derive(Clone, Debug)]
pub struct Act {
    pub who: &'static str,
    pub action: &'static str,
    pub title: Option<&'static str>,
    pub acknowledged: bool,
}

/// All that was said to the bot, and what it promised.
#[derive(Debug, Default)]
pub struct Told {
    pub hooks: RefCell<Vec<Hook>>,
    pub acts: RefCell<Vec<Act>>,
}

/// Why the story does not go on.
#[derive(Debug)]
pub enum Over {
    /// The bot has ended.
    Gone,
    /// It lives, and this did not come.
    Stuck(String),
}

type Step = Result<(), Over>;

/// Tells the story to one life of the bot.
pub struct Teller<'h> {
    pub house: &'h House,
    pub bot: &'h Bot,
    pub told: &'h Told,
    /// How long something is waited for.
    pub patience: Duration,
}

const fn fires(severity: &'static str, title: &'static str) -> Alert {
    Alert { title, severity, fires: true, host: "db-2" }
}

pub const RANSOMWARE: Alert = fires("critical", "ransomware on web-1");
pub const BEACON: Alert = fires("high", "beacon from db-2");
pub const ADMIN: Alert = fires("medium", "a new admin");
pub const SCAN: Alert = fires("low", "port scan");
pub const EXFILTRATION: Alert = fires("critical", "exfiltration from db-2");
pub const DUMP: Alert = Alert { host: HOST, ..fires("high", "credential dump") };
const DISK_FULL: Alert = fires("high", "disk almost full");
const SLOW: Alert = fires("low", "slow answers");
const BURST: [[Alert; 2]; 3] = [
    [fires("high", "burst one"), fires("low", "burst two")],
    [fires("high", "burst three"), fires("low", "burst four")],
    [fires("critical", "burst five"), fires("low", "burst six")],
];

impl Alert {
    /// One that comes when all is nearly over.
    pub const fn late(title: &'static str) -> Self {
        fires("high", title)
    }
}

impl Teller<'_> {
    /// The whole story, up to the moment when all that was wanted has been said.
    pub async fn tell(&self) -> Step {
        self.arrivals().await?;
        self.forms().await?;
        self.ladder().await?;
        self.burst().await?;
        self.quiet().await
    }

    /// The first half of it.
    pub async fn arrivals(&self) -> Step {
        self.hook("edr", &[RANSOMWARE]).await?;
        self.hook("edr", &[BEACON, ADMIN, SCAN]).await?;
        let page = self.shown("#sec", RANSOMWARE).await?;
        let (ana, bea) = (self.house.sim.by("ana"), self.house.sim.by("bea"));
        let about = Some(RANSOMWARE.title);
        let (first, second) = tokio::join!(
            self.act(("ana", "acknowledge", about), ana.click(&page, "Acknowledge")),
            self.act(("bea", "acknowledge", about), bea.click(&page, "Acknowledge")),
        );
        first.and(second)?;
        self.hook("edr", &[BEACON, EXFILTRATION]).await?;
        self.act(("ana", "list", None), ana.slash("#soc-alerts", "/vigie list")).await
    }

    /// Resolved and reopened, assigned, ended by its source.
    pub async fn forms(&self) -> Step {
        let (ana, bea) = (self.house.sim.by("ana"), self.house.sim.by("bea"));
        let page = self.shown("#soc-alerts", ADMIN).await?;
        let about = Some(ADMIN.title);
        self.act(("ana", "resolve_form", about), ana.click(&page, "Resolve…")).await?;
        self.until("ana's form", |sim| sim.open_view("ana")).await?;
        let form = json!({"disposition": "false_positive", "note": "the backup job"});
        self.act(("ana", "resolve", about), ana.submit(form)).await?;
        self.reads("#soc-alerts", ADMIN, "Resolved").await?;
        self.act(("bea", "reopen", about), bea.click(&page, "Reopen")).await?;
        let page = self.shown("#soc-alerts", BEACON).await?;
        let about = Some(BEACON.title);
        self.act(("bea", "assign_form", about), bea.choose(&page, "more", "Assign…")).await?;
        self.until("bea's form", |sim| sim.open_view("bea")).await?;
        self.act(("bea", "assign", about), bea.submit(json!({"assignee": "ana"}))).await?;
        self.hook("edr", &[Alert { fires: false, ..SCAN }]).await?;
        self.hook("prometheus", &[DISK_FULL, SLOW]).await?;
        self.hook("prometheus", &[DISK_FULL, Alert { fires: false, ..SLOW }]).await
    }

    /// Nobody has acknowledged: three rungs, then somebody does in a direct message.
    pub async fn ladder(&self) -> Step {
        let told = |who: &'static str| {
            move |sim: &Sim| sim.dms(who).into_iter().find(|m| says(m, EXFILTRATION.title))
        };
        let told_bea = self.until("bea is told", told("bea")).await?;
        self.until("lea is told", told("lea")).await?;
        let doing = self.house.sim.by("bea");
        let doing = doing.click(&told_bea, "Acknowledge");
        self.act(("bea", "acknowledge", Some(EXFILTRATION.title)), doing).await
    }

    /// Much at once, so that a commit holds several.
    pub async fn burst(&self) -> Step {
        let (ana, lea) = (self.house.sim.by("ana"), self.house.sim.by("lea"));
        let page = self.shown("#soc-alerts", BEACON).await?;
        let about = Some(BEACON.title);
        let steps = tokio::join!(
            self.hook("edr", &BURST[0]),
            self.hook("edr", &BURST[1]),
            self.hook("edr", &BURST[2]),
            self.act(("ana", "acknowledge", about), ana.click(&page, "Acknowledge")),
            self.act(("lea", "help", None), lea.slash("#soc-alerts", "/vigie help")),
            self.act(("lea", "coverage", None), lea.slash("#soc-alerts", "/vigie coverage")),
        );
        steps.0.and(steps.1).and(steps.2).and(steps.3).and(steps.4).and(steps.5)
    }

    /// Waits until all is shown and nothing more is said for a moment.
    pub async fn quiet(&self) -> Step {
        for alert in BURST.into_iter().flatten() {
            let channel = if alert.severity == "critical" { "#sec" } else { "#soc-alerts" };
            self.shown(channel, alert).await?;
        }
        let mut calls = 0;
        while self.house.sim.calls().len() > calls {
            calls = self.house.sim.calls().len();
            self.alive()?;
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        self.alive()
    }

    /// Posts a webhook as its source does.
    pub async fn hook(&self, source: &str, alerts: &[Alert]) -> Step {
        let at = self.told.hooks.borrow().len();
        self.told.hooks.borrow_mut().push(Hook { alerts: alerts.to_vec(), answer: None });
        let answer = self.post(source, alerts).await;
        self.told.hooks.borrow_mut()[at].answer = answer;
        self.alive()
    }

    async fn post(&self, source: &str, alerts: &[Alert]) -> Option<Answered> {
        let url = format!("http://{}/hooks/{source}", self.bot.address.as_ref()?);
        let client = reqwest::Client::builder().no_proxy().timeout(LONG).build().expect("a client");
        let body = if source == "edr" { generic(alerts) } else { alertmanager(alerts) };
        let request = client.post(url).bearer_auth(crate::house::SECRETS[0]).json(&body);
        let answer = request.send().await.ok()?;
        let retry_after = answer.headers().get("retry-after").and_then(|v| v.to_str().ok());
        let (status, retry_after) = (answer.status().as_u16(), retry_after.map(str::to_owned));
        Some(Answered { status, retry_after, body: answer.json().await.unwrap_or_default() })
    }

    /// Somebody does something. What cannot be done, because the button is not there, was not done.
    pub async fn act(
        &self,
        (who, action, title): (&'static str, &'static str, Option<&'static str>),
        doing: impl Future<Output = Result<Delivery, CannotAct>>,
    ) -> Step {
        let at = self.told.acts.borrow().len();
        self.told.acts.borrow_mut().push(Act { who, action, title, acknowledged: false });
        let delivered = tokio::select! {
            delivered = doing => delivered,
            () = self.gone() => return Err(Over::Gone),
        };
        match delivered {
            Ok(delivery) => self.told.acts.borrow_mut()[at].acknowledged = delivery.is_acked(),
            Err(CannotAct(why)) => return Err(Over::Stuck(format!("{who} {action}: {why}"))),
        }
        self.alive()
    }

    /// The alert's message, once it stands.
    pub async fn shown(&self, channel: &str, alert: Alert) -> Result<Message, Over> {
        let what = format!("{channel} shows {:?}", alert.title);
        self.until(&what, |sim| message_of(sim, channel, alert)).await
    }

    async fn reads(&self, channel: &str, alert: Alert, word: &str) -> Step {
        let what = format!("{:?} reads {word}", alert.title);
        let found = |sim: &Sim| message_of(sim, channel, alert).filter(|m| says(m, word));
        self.until(&what, found).await.map(drop)
    }

    pub async fn until<T>(&self, what: &str, found: impl Fn(&Sim) -> Option<T>) -> Result<T, Over> {
        tokio::select! {
            found = self.house.sim.until(found) => Ok(found),
            () = self.gone() => Err(Over::Gone),
            () = tokio::time::sleep(self.patience) => Err(Over::Stuck(what.to_owned())),
        }
    }

    async fn gone(&self) {
        self.bot.end().await;
        tokio::time::sleep(ON_ITS_WAY).await;
    }

    fn alive(&self) -> Step {
        if self.bot.ended().is_some() { Err(Over::Gone) } else { Ok(()) }
    }
}

pub fn says(message: &Message, words: &str) -> bool {
    message.readable().contains(words)
}

fn message_of(sim: &Sim, channel: &str, alert: Alert) -> Option<Message> {
    let is_it = |m: &Message| m.by_bot && m.thread_ts.is_none() && says(m, alert.title);
    sim.messages(channel).into_iter().find(is_it)
}

fn status(alert: &Alert) -> &'static str {
    if alert.fires { "firing" } else { "resolved" }
}

fn generic(alerts: &[Alert]) -> Value {
    let one = |alert: &Alert| json!({"id": alert.title, "title": alert.title, "severity": alert.severity, "status": status(alert), "hosts": [alert.host]});
    if let [alert] = alerts { one(alert) } else { alerts.iter().map(one).collect() }
}

fn alertmanager(alerts: &[Alert]) -> Value {
    let one = |alert: &Alert| {
        json!({
            "status": status(alert), "fingerprint": alert.title, "startsAt": "2026-11-25T09:00:00Z",
            "labels": {"alertname": alert.title, "severity": alert.severity}, "annotations": {"summary": alert.title},
        })
    };
    json!({"version": "4", "status": "firing", "alerts": alerts.iter().map(one).collect::<Vec<_>>()})
}
