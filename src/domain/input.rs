//! Whatever reaches us: an alert, a click, a command, a moment, or the outcome of something we did.

use crate::domain::alert::lifecycle::Posted;
use crate::domain::alert::place::Displaced;
use crate::domain::alert::{Disposition, Normalised};
use crate::domain::effect::{Effect, EffectId, ReplyTo};
use crate::domain::event::{Action, Told};
use crate::domain::ids::*;
use crate::domain::people::{Actor, Surface};
use crate::domain::playbook::Asked;
use crate::domain::playbook::run::event::{CallId, Choice, Purpose};
use crate::domain::playbook::run::gate::{Look, Named};
use crate::domain::policy::Policy;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::domain::tool::call::{Called, Permit};
use crate::domain::unrecorded::{Unrecorded, Whose};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One input, with the key that names this very delivery and the moment it reached us.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// `None` where a delivery has no name of its own: then each is a new one.
    pub key: Option<InputKey>,
    pub at: Timestamp,
    pub input: Input,
}

/// The five things that can reach us.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the large one is also the usual one: a box would only cost"
)]
pub enum Input {
    Alert(Box<Incoming>),
    Click(Box<Click>),
    Command(Box<Command>),
    Moment(Moment),
    Outcome(Outcome),
}

/// One alert of a webhook's body.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Incoming {
    /// The id it gets if it is a new one.
    pub id: AlertId,
    pub source: SourceName,
    pub alert: Normalised,
    /// The part of the body that this alert was read from, as JSON text. Kept as private content.
    pub raw: String,
    /// A test alert: marked everywhere, left out of reports.
    pub test: bool,
    /// The machine's account that sent it in the source's place, on the command line.
    #[serde(default)]
    pub by: Option<String>,
}

/// A person, as an interaction names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clicker {
    pub user: UserId,
    /// The handle that the payload gives, for where the directory does not know the person yet.
    pub name: Option<String>,
    /// The person's own workspace, where the payload names it (`user.team_id`, else `team.id`).
    pub workspace: Option<WorkspaceId>,
    pub enterprise: Option<EnterpriseId>,
}

/// Who wants something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Who {
    /// Someone in Slack.
    Person(Clicker),
    /// An account of the machine that we run on, by its name.
    Os(String),
}

impl Who {
    /// As the journal names them.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Person(person) => Actor::Person(person.user.clone()),
            Self::Os(name) => Actor::Os(name.clone()),
        }
    }
}

/// A button, an overflow's choice, or a form sent; or the same by name, on the command line.
#[derive(Clone, Debug)]
pub struct Click {
    pub who: Who,
    pub via: Surface,
    pub act: Act,
    pub binding: Binding,
    /// `None` where whoever asked waits for the answer itself.
    pub reply_to: Option<ReplyTo>,
}

/// What the value that a button or form carried turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binding {
    /// Signed by us: for this alert, in this life of it (`Alert::life`).
    Good { alert: AlertId, life: u32 },
    /// Nothing was carried: this alert was named, in whatever life it has.
    Named { alert: AlertId },
    /// Signed by us: for this run, and this plan of it.
    Run { run: RunId, plan: String },
    /// Nothing was carried: this run was named, whatever its plan.
    NamedRun { run: RunId },
    /// Not signed by us, or for another act.
    Forged,
}

impl Click {
    /// The plan that whoever pressed had before their eyes.
    pub fn plan(&self) -> Option<&str> {
        match &self.binding {
            Binding::Run { plan, .. } => Some(plan),
            Binding::Good { .. }
            | Binding::Named { .. }
            | Binding::NamedRun { .. }
            | Binding::Forged => None,
        }
    }
}

/// What a person can do to an alert, or to a run. A run that begins by it gets the id that is carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Acknowledge,
    Reopen,
    /// Open the form for `Resolve`.
    AskResolve,
    /// Open the form for `Assign`.
    AskAssign,
    Resolve {
        disposition: Disposition,
        note: Option<String>,
    },
    Assign {
        to: UserId,
    },
    /// Open the form for a playbook: what it asks, or where it asks nothing its plan.
    AskRun {
        playbook: PlaybookName,
        run: RunId,
    },
    PlanRun {
        playbook: PlaybookName,
        run: RunId,
        asked: Asked,
    },
    StartRun,
    ApproveRun,
    DeclineRun,
    CancelRun,
    DecideStep {
        call: CallId,
        choice: Choice,
    },
    /// Plan another run that takes back what this one did.
    UndoRun {
        run: RunId,
    },
    /// Look at its plan and its steps.
    ShowRun,
}

impl Act {
    /// What it is signed and recorded as.
    pub fn action(&self) -> Action {
        match self {
            Self::Acknowledge => Action::Acknowledge,
            Self::Reopen => Action::Reopen,
            Self::AskResolve => Action::ResolveForm,
            Self::AskAssign => Action::AssignForm,
            Self::Resolve { .. } => Action::Resolve,
            Self::Assign { .. } => Action::Assign,
            Self::AskRun { .. } => Action::RunForm,
            Self::PlanRun { .. } => Action::PlanRun,
            Self::StartRun => Action::StartRun,
            Self::ApproveRun => Action::ApproveRun,
            Self::DeclineRun => Action::DeclineRun,
            Self::CancelRun => Action::CancelRun,
            Self::DecideStep { .. } => Action::DecideStep,
            Self::UndoRun { .. } => Action::UndoRun,
            Self::ShowRun => Action::ShowRun,
        }
    }
}

/// A slash command.
#[derive(Clone, Debug)]
pub struct Command {
    pub person: Clicker,
    pub verb: Verb,
    pub reply_to: ReplyTo,
}

/// What can be asked with `/vigie`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    Help,
    List,
    Runs,
    Show {
        alert: AlertId,
    },
    Coverage,
    /// Not one of ours; `said` is what the person typed, `nearest` the verb perhaps meant.
    Unknown {
        said: String,
        nearest: Option<String>,
    },
}

/// Something that time, the process itself, or a change of the workspace brings about.
#[derive(Clone, Debug)]
pub enum Moment {
    /// The process has started, with this config.
    Started { boot: BootId, version: String, config: Version },
    /// Another config comes into force: whatever is recorded after it is decided by it.
    Configured { config: Version, policy: Arc<Policy> },
    /// The process is about to stop in good order.
    Stopping,
    /// An alert's due time has come (or its policy may have changed): look at its ladder.
    Due { alert: AlertId },
    /// The store writes again, and learns what was said meanwhile.
    Unrecorded { whose: Whose, said: Unrecorded },
    /// Slack says that a message is gone; whose it was, the store knows.
    MessageDeleted { channel: ChannelId, ts: MessageTs },
    /// Nobody can write any more in the channel where the alert's message stands; `why` is Slack's error word.
    PlaceClosed { alert: AlertId, channel: ChannelId, why: String },
    /// Somebody who has the alert may be gone.
    Departed { alert: AlertId },
    /// A run's due time has come.
    RunDue { run: RunId },
    /// A call's turn has come.
    CallDue(Box<CallDue>),
}

/// A call that waits to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallDue {
    pub run: RunId,
    pub call: CallId,
    pub purpose: Purpose,
    /// What the ids in it are called, where that had to be asked.
    pub names: Option<Vec<Named>>,
}

/// What may be done now for a call.
#[derive(Debug)]
pub enum Clearance {
    /// Make it.
    Go(Permit),
    /// Ask first what the ids in it are called.
    Identify(Vec<Look>),
}

/// A clearance on its way to who makes the call. Never kept with a key: it is good once.
#[derive(Clone, Debug)]
pub struct Cleared(Arc<Clearance>);

impl Cleared {
    pub(in crate::domain) fn of(clearance: Clearance) -> Self {
        Self(Arc::new(clearance))
    }

    /// What may be done.
    pub fn get(&self) -> &Clearance {
        &self.0
    }
}

impl PartialEq for Cleared {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
impl Eq for Cleared {}

/// A version of the config, as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// SHA-256, hex: `Policy::config_hash`.
    pub hash: String,
    /// The file, what is secret covered.
    pub text: String,
    /// Who holds which role, as the config writes them.
    pub roles: BTreeMap<RoleName, Vec<String>>,
    /// The print of each ladder (`Ladder::print`).
    pub ladders: BTreeMap<EscalationName, String>,
}

/// What came of an effect.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The outbox row, with the generation that was rendered.
    pub row: (EffectId, u32),
    pub effect: Effect,
    pub result: Done,
}

/// How an effect ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Done {
    /// The alert's message stands in its channel, rendered from the state after entry `as_of`.
    /// `instead`: in another than its own, which refused it in the same try.
    Shown { channel: ChannelId, ts: MessageTs, how: Sent, as_of: i64, instead: Option<Displaced> },
    /// People were told; one entry a person (or channel).
    Told { told: Told, channel: ChannelId, ts: MessageTs, how: Sent, reach: Reach },
    /// A message was changed, a thread line written or a reply given: nothing to record.
    Said,
    /// It was no longer wanted when its turn came.
    Dropped,
    /// It did not happen, and will be tried again at `again`; `uncertain` where it may have happened after all.
    Again { again: Timestamp, uncertain: bool },
    /// Slack refused the message that it shared with others: it is tried again in one of its own.
    Apart,
    /// A run's message stands in the alert's thread.
    RunShown { posted: Posted, beside: Posted, how: Sent },
    /// A call has ended, in whichever way.
    Called(Box<Called>),
    /// The playbook may start by itself: under this id.
    Triggered { run: RunId },
    /// It cannot happen as things are; `why` is Slack's own error word. An alert's message is tried `again` all the same.
    Failed { why: String, again: Option<Timestamp> },
}

/// How sure we are that a message stands once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sent {
    Posted,
    /// Found by its metadata after a crash or a lost answer, and taken over.
    Adopted,
    /// Posted again although an earlier try may have arrived: history was refused.
    PossiblyTwice,
    /// While the store took no writes: it was written down afterwards.
    Unrecorded,
}

/// Whether who is meant can hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    Delivered,
    DoNotDisturb,
}

/// What the caller of `handle` is told after the commit. Kept with the key, so that a repeat gets the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum Answer {
    /// For a webhook: `created`, `repeated`, `resolved` or `suppressed`.
    Alert {
        id: AlertId,
        outcome: Reception,
    },
    /// It was done, or noted.
    Done,
    /// The form that may be opened now.
    Form {
        form: Form,
        alert: AlertId,
    },
    /// A call may be made.
    #[serde(skip)]
    Call(Cleared),
    Refused {
        refusal: Refusal,
    },
}

/// What became of an alert that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reception {
    Created,
    Repeated,
    Resolved,
    Suppressed,
}

/// The forms we open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Resolve,
    Assign,
    /// What a playbook asks.
    Ask {
        playbook: PlaybookName,
    },
    /// The plan of a run, to be started.
    Plan {
        run: RunId,
    },
    /// A run's plan and its steps.
    Run {
        run: RunId,
    },
}

impl Input {
    /// Who acts by it.
    pub fn actor(&self) -> Actor {
        match self {
            Self::Alert(incoming) => match &incoming.by {
                Some(name) => Actor::Os(name.clone()),
                None => Actor::Source(incoming.source.clone()),
            },
            Self::Click(click) => click.who.actor(),
            Self::Command(command) => Actor::Person(command.person.user.clone()),
            Self::Moment(_) | Self::Outcome(_) => Actor::System,
        }
    }

    /// The way it came in.
    pub fn via(&self) -> Surface {
        match self {
            Self::Alert(incoming) if incoming.by.is_some() => Surface::Cli,
            Self::Alert(_) => Surface::Webhook,
            Self::Click(click) => click.via,
            Self::Command(_) => Surface::Slash,
            Self::Moment(_) | Self::Outcome(_) => Surface::Timer,
        }
    }

    /// Where an answer can be given.
    pub fn reply_to(&self) -> Option<&ReplyTo> {
        match self {
            Self::Click(click) => click.reply_to.as_ref(),
            Self::Command(command) => Some(&command.reply_to),
            Self::Alert(_) | Self::Moment(_) | Self::Outcome(_) => None,
        }
    }
}
