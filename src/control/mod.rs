//! The control socket: commands that write go through the running process, which alone writes to its database.
//!
//! One request and one answer a connection, each a line of JSON. Whoever asks is an account of this machine, as the kernel says;
//! the socket is for the bot's own account and for root, and what it may do to an alert the config's roles say.

mod client;
mod server;

pub use client::{Unreachable, ask, is_heard};
pub use server::Server;

use crate::domain::alert::{Disposition, Severity};
use crate::domain::ids::{AlertId, PlaybookName, RunId, SourceName};
use crate::domain::input::{Act, Answer};
use crate::domain::playbook::Asked;
use crate::domain::playbook::run::event::{CallId, Choice};
use nix::unistd::{Uid, User};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What can be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "ask")]
pub enum Request {
    Acknowledge {
        alert: AlertId,
    },
    Resolve {
        alert: AlertId,
        disposition: Disposition,
        note: Option<String>,
    },
    TestAlert {
        source: SourceName,
        severity: Severity,
        title: String,
    },
    /// A body as the source sends it, read by the source's own mapping; its alerts are test alerts.
    TestBody {
        source: SourceName,
        body: String,
    },
    /// Plan a run of a playbook. Nothing of it is done until it is started.
    PlanRun {
        alert: AlertId,
        playbook: PlaybookName,
        asked: Asked,
    },
    /// Do something to a run; `plan` is the one that whoever asks has seen.
    OfRun {
        run: RunId,
        plan: Option<String>,
        what: OfRun,
    },
}

/// What can be done to a run that there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfRun {
    Start,
    Approve,
    Decline,
    Cancel,
    Decide { call: CallId, choice: Choice },
}

impl OfRun {
    fn act(self) -> Act {
        match self {
            Self::Start => Act::StartRun,
            Self::Approve => Act::ApproveRun,
            Self::Decline => Act::DeclineRun,
            Self::Cancel => Act::CancelRun,
            Self::Decide { call, choice } => Act::DecideStep { call, choice },
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// It was decided, and stands on disk; a refusal too. One answer for each alert.
    Decided(Vec<Answer>),
    /// Nothing was written; why, in words.
    Not(String),
}

/// No request or answer is longer, in bytes.
const LONGEST: u64 = 1024 * 1024;

/// The name of the account that this process runs as; its number where it has none.
pub fn account() -> String {
    name_of(Uid::effective())
}

fn name_of(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

/// Where the socket of a database is: beside it, with `.sock` behind its name. By whatever name the database is reached, it is
/// the same.
pub fn path_of(database: &Path) -> PathBuf {
    let real = database.canonicalize();
    let mut name = real.as_deref().unwrap_or(database).as_os_str().to_owned();
    name.push(".sock");
    PathBuf::from(name)
}
