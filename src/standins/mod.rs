//! Stand-ins for the tools that playbooks call, as local HTTP servers with a world of their own. They know nothing of ours and
//! speak only the vendors' wire protocols, as far as our actions use them.
//!
//! | where | what |
//! | --- | --- |
//! | `edr/` | hosts, alerts and indicators, as CrowdStrike Falcon has them |
//! | `iam/` | users, sessions and groups, as Okta has them |
//! | `jira/` | issues, comments, transitions and links, as Jira Cloud has them |
//! | `github/` | repositories, secret-scanning alerts, members, as GitHub has them |
//! | `desk`, `server`, `wire` | a vendor's world behind its lock; HTTP; requests and answers |
//! | `faults` | what goes wrong on purpose: lost, late, cut, refused |
//! | `control` | the same from outside, for another process or a page: state, calls, faults |
//!
//! All time is tokio's, so a test may pause it; nothing here starts a thread.

mod control;
mod desk;
mod edr;
mod faults;
mod github;
mod iam;
mod jira;
mod server;
#[cfg(test)]
mod tests;
mod wire;

pub use control::routes;
pub use desk::Call;
pub use edr::{Edr, Host};
pub use faults::{Fault, Target};
pub use github::GitHub;
pub use iam::{Iam, User};
pub use jira::Jira;

use desk::{Desk, Vendor};
use serde_json::Value;
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What the stand-ins start with. `Options::default()` is Example Corp: the hosts and people that the demo's alerts speak of.
#[derive(Clone, Debug)]
pub struct Options {
    /// Ports on loopback, in the order of [`Standins::all`]; 0 lets the system choose.
    pub ports: [u16; 4],
    /// "Now" at the start, in unix milliseconds. From then on the tokio clock moves it.
    pub epoch_ms: i64,
    pub edr: Edr,
    pub iam: Iam,
    pub jira: Jira,
    pub github: GitHub,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ports: [0; 4],
            epoch_ms: 1_795_860_000_000,
            edr: Edr::example_corp(),
            iam: Iam::example_corp(),
            jira: Jira::example_corp(),
            github: GitHub::example_corp(),
        }
    }
}

/// All of them, running.
#[derive(Clone)]
pub struct Standins {
    pub edr: Standin,
    pub iam: Standin,
    pub jira: Standin,
    pub github: Standin,
}

impl Standins {
    /// Starts listening. Fails where a port cannot be bound.
    pub async fn start(options: Options) -> std::io::Result<Self> {
        let [edr, iam, jira, github] = options.ports;
        let epoch_ms = options.epoch_ms;
        Ok(Self {
            edr: Standin::start(Box::new(options.edr), edr, epoch_ms).await?,
            iam: Standin::start(Box::new(options.iam), iam, epoch_ms).await?,
            jira: Standin::start(Box::new(options.jira), jira, epoch_ms).await?,
            github: Standin::start(Box::new(options.github), github, epoch_ms).await?,
        })
    }

    /// Each with the name by which it is spoken of from outside.
    pub fn all(&self) -> [(&'static str, &Standin); 4] {
        [("edr", &self.edr), ("iam", &self.iam), ("jira", &self.jira), ("github", &self.github)]
    }

    /// Stops listening and drops every connection.
    pub fn shutdown(&self) {
        self.all().iter().for_each(|(_, standin)| standin.desk.shut_down());
    }
}

/// One of them. Cloning gives another handle on the same one.
#[derive(Clone)]
pub struct Standin {
    desk: Arc<Desk>,
}

impl Standin {
    async fn start(vendor: Box<dyn Vendor>, port: u16, epoch_ms: i64) -> std::io::Result<Self> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let desk = Arc::new(Desk::new(vendor, listener.local_addr()?, epoch_ms));
        tokio::spawn(server::serve(Arc::clone(&desk), listener));
        Ok(Self { desk })
    }

    /// Where it is, without a trailing slash: the tool's base URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.desk.addr)
    }

    /// What is so now, for people: hosts, users, tickets.
    pub fn state(&self) -> Value {
        let now = self.desk.now_ms();
        self.desk.read(|world| world.vendor.state(now))
    }

    /// Every call that was read to its end, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        self.desk.read(|world| world.calls.clone())
    }

    /// Those whose line begins so: `POST /devices/entities/devices-actions`.
    pub fn calls_of(&self, line: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.line().starts_with(line)).collect()
    }

    /// What was really done, in words, oldest first: `contain fin-laptop-12`. However often it was asked for, a thing that was
    /// done once stands here once.
    pub fn effects(&self) -> Vec<String> {
        self.calls().into_iter().filter_map(|call| call.did).collect()
    }

    /// The next call that this means (`*`, `changes`, `POST /devices`) goes wrong so; several queue up.
    pub fn fail_next(&self, target: &str, fault: Fault) {
        self.desk.change(|world| world.faults.push(target.into(), fault));
    }

    /// Every call that this means goes wrong so, until [`Standin::heal`].
    pub fn fail_always(&self, target: &str, fault: Fault) {
        self.desk.change(|world| world.faults.set_always(target.into(), fault));
    }

    /// Nothing goes wrong on purpose any more.
    pub fn heal(&self) {
        self.desk.change(|world| world.faults.heal());
    }

    /// From now on a call with an `Idempotency-Key` that was seen before gets its first answer, and nothing is done. None of these
    /// vendors does that; it stands for one that does.
    pub fn honour_keys(&self) {
        self.desk.change(|world| world.keys.get_or_insert_with(HashMap::new).len());
    }

    /// Waits until something that it shows is so.
    pub async fn until<T>(&self, found: impl Fn(&Self) -> Option<T>) -> T {
        let mut changes = self.desk.changes();
        loop {
            changes.borrow_and_update();
            if let Some(found) = found(self) {
                return found;
            }
            // What comes about by itself, as a containment does, is no change that anybody tells of.
            let _ = tokio::time::timeout(std::time::Duration::from_millis(100), changes.changed())
                .await;
        }
    }

    /// Counts up with each change that somebody made.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.desk.changes()
    }

    fn faults(&self) -> (Vec<&'static str>, Vec<&'static str>) {
        self.desk.read(|world| world.faults.told())
    }
}
