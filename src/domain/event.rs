//! What has happened: the journal's vocabulary. A variant's meaning never changes; a new meaning is a new variant.
//!
//! An event's body holds ids, enums, numbers and hashes only. Whatever a person wrote or a tool said stands in `Private`,
//! which the journal commits to by a salted hash and which can be erased without breaking the chain.

use crate::domain::alert::escalation::Acknowledge;
use crate::domain::alert::{Disposition, Entities, Severity, State, Status};
use crate::domain::ids::*;
use crate::domain::input::{Reach, Sent};
use crate::domain::people::{Actor, ChannelRef, Roles, Surface};
use crate::domain::playbook::run::event::RunEvent;
use crate::domain::playbook::run::{Opened, PlanContent};
use crate::domain::policy::Treated;
use crate::domain::refusal::{InteractionOutcome, Refusal};
use crate::domain::time::Timestamp;
use crate::domain::tool::call::Answered;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One thing that has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "body")]
pub enum Event {
    /// The journal's first entry.
    #[serde(rename = "journal.opened")]
    JournalOpened {
        journal_id: JournalId,
        software: String,
    },
    /// The process started. Private: `Private::Config`.
    Started {
        boot: BootId,
        version: String,
        config_hash: String,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        ladders: BTreeMap<EscalationName, String>,
    },
    /// A changed config came into force while the process ran. Private: `Private::Config`.
    Configured {
        config_hash: String,
        /// The print of each ladder (`Ladder::print`).
        ladders: BTreeMap<EscalationName, String>,
    },
    /// The process stopped in good order.
    Stopped {},

    /// A source sent an alert that is new to us. Private: `Private::Alert`.
    Received(Box<Received>),
    /// The source sent it again. Private: `Private::Alert`, as it was sent this time.
    Repeated {
        severity: Severity,
        occurred_at: Option<Timestamp>,
    },
    /// The source says that it is over, which closes it. Private: `Private::Alert`.
    Ceased {},
    /// The source says that it is over, and it was resolved already. Private: `Private::Alert`.
    CeaseConfirmed {},
    /// Its message stands in its channel; `again` where an earlier one was lost.
    Shown {
        channel: ChannelId,
        ts: MessageTs,
        how: Sent,
        again: bool,
    },
    /// Its message cannot be shown; `why` is Slack's error word.
    NotShown {
        why: String,
    },
    /// Its message is gone from its channel (someone deleted it); `why` is Slack's word.
    MessageLost {
        why: String,
    },
    /// The channel where it belongs does not take its message, or lets nobody write beside it any more: it is shown in another.
    /// `why` is Slack's error word.
    Displaced {
        from: ChannelRef,
        why: String,
        to: ChannelRef,
    },
    /// The ladder reached a rung: these people are to be told.
    Escalated {
        told: Told,
    },
    /// The ladder reached a rung while the store took no writes: who was told then stands in the `Notified` that follow.
    EscalatedUnrecorded {
        told: Told,
    },
    /// They were told.
    Notified {
        told: Told,
        channel: ChannelId,
        ts: MessageTs,
        how: Sent,
        reach: Reach,
    },
    /// They could not be told; `why` is Slack's error word.
    NotTold {
        told: Told,
        why: String,
    },
    /// The ladder reached a rung that means nobody at this moment (an empty role, a schedule with a gap).
    NobodyMeant {
        round: u32,
        level: u32,
        rung: RungKey,
        repeat: u32,
    },

    Acknowledged {},
    /// An acknowledgement or a resolution was taken back.
    Reopened {
        from: State,
    },
    Assigned {
        to: UserId,
    },
    /// Who had it by name did not acknowledge it (stayed silent, or is gone): it is the team's again.
    Returned {
        from: UserId,
    },
    /// Whoever had acknowledged it has no active account any more: their acknowledgement stands no longer, and it waits again.
    HolderGone {
        who: UserId,
    },
    /// Private: `Private::Note`, where one was given.
    Resolved {
        disposition: Option<Disposition>,
    },

    /// A playbook starts by itself, for this alert.
    Triggered {
        playbook: PlaybookName,
    },
    /// A playbook has set its severity.
    SeveritySet {
        to: Severity,
    },
    /// A playbook has found out what else it is about. Private: `Private::Entities`, what is new of them.
    EntitiesAdded {},

    /// Someone looked something up, or opened a form.
    Asked {
        action: Action,
    },
    /// Someone was refused.
    Refused {
        action: Action,
        refusal: Refusal,
    },

    /// Something of a run.
    #[serde(untagged)]
    Run(RunEvent),
}

/// All that was decided when an alert came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    pub source: SourceName,
    /// SHA-256 of source and dedup key, hex.
    pub fingerprint: String,
    pub severity: Severity,
    pub status: Status,
    pub occurred_at: Option<Timestamp>,
    /// The earlier alert of the same fingerprint.
    pub previous: Option<AlertId>,
    pub test: bool,
    /// Why it is not shown, where it is not.
    pub suppressed_by: Option<Suppression>,
    pub route: RouteName,
    pub team: Option<TeamName>,
    pub channel: ChannelRef,
    pub escalation: EscalationName,
    /// Whose acknowledgement it waits for.
    pub acknowledge: Acknowledge,
    /// The ladder's rungs as they stood: a rung that a later edit makes already past is told by not being here.
    pub rungs: Vec<RungKey>,
    pub treated: Treated,
    pub config_hash: String,
}

/// Why an alert is kept but not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Suppression {
    /// It was over before we heard of it: its first word was `resolved`.
    ResolvedBeforeSeen,
}

impl Suppression {
    /// The word in `alerts_v1.suppressed_by`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResolvedBeforeSeen => "resolved_before_seen",
        }
    }
}

/// A rung's name: the first 16 hex digits of SHA-256 over its content (after, how, whom) and its repeat's number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RungKey(pub String);

/// Who is told, by which rung of which round, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Counts up each time the ladder starts again (assigned, returned, reopened).
    pub round: u32,
    /// 1 is the ladder's first rung.
    pub level: u32,
    pub rung: RungKey,
    /// 0 for the rung itself, then which repeat of it.
    pub repeat: u32,
    pub how: Way,
    /// The people, each with a row in `notifications_v1`; for a channel none.
    pub people: Vec<UserId>,
    /// Groups that are mentioned: in place of their members, who stand in `people` as far as Slack could tell.
    pub groups: Vec<UsergroupId>,
}

impl Told {
    /// How many rows it has in `notifications_v1`: its people, else the channel.
    pub fn heads(&self) -> u32 {
        u32::try_from(self.people.len().max(1)).unwrap_or(u32::MAX)
    }
}

/// How someone is told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// A mention in the alert's thread.
    Thread,
    /// A direct message.
    Dm,
    /// A message in another channel.
    Channel(ChannelRef),
}

/// What an interaction tried, in the words of `interactions_v1.action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Acknowledge,
    Reopen,
    ResolveForm,
    AssignForm,
    Resolve,
    Assign,
    Help,
    List,
    Runs,
    Show,
    Coverage,
    UnknownCommand,
    RunForm,
    PlanRun,
    StartRun,
    ApproveRun,
    DeclineRun,
    CancelRun,
    DecideStep,
    ShowRun,
    UndoRun,
}

impl Action {
    /// The word in the view.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Reopen => "reopen",
            Self::ResolveForm => "resolve_form",
            Self::AssignForm => "assign_form",
            Self::Resolve => "resolve",
            Self::Assign => "assign",
            Self::Help => "help",
            Self::List => "list",
            Self::Runs => "runs",
            Self::Show => "show",
            Self::Coverage => "coverage",
            Self::UnknownCommand => "unknown_command",
            Self::RunForm => "run_form",
            Self::PlanRun => "plan_run",
            Self::StartRun => "run",
            Self::ApproveRun => "approve",
            Self::DeclineRun => "decline",
            Self::CancelRun => "cancel_run",
            Self::DecideStep => "decide_step",
            Self::ShowRun => "show_run",
            Self::UndoRun => "undo",
        }
    }

    /// Whether a form is sent for it. Its refusal is said in that form, which stays open with what was typed, and nowhere
    /// else.
    pub fn is_sent_by_a_form(self) -> bool {
        match self {
            Self::Resolve | Self::Assign | Self::PlanRun => true,
            Self::Acknowledge
            | Self::Reopen
            | Self::ResolveForm
            | Self::AssignForm
            | Self::Help
            | Self::List
            | Self::Runs
            | Self::Show
            | Self::Coverage
            | Self::UnknownCommand
            | Self::RunForm
            | Self::StartRun
            | Self::ApproveRun
            | Self::DeclineRun
            | Self::CancelRun
            | Self::DecideStep
            | Self::ShowRun
            | Self::UndoRun => false,
        }
    }
}

/// What people wrote and tools said. Stored beside the journal, committed to by `private_hash`, erasable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "private")]
pub enum Private {
    Alert(Box<AlertContent>),
    Note {
        note: String,
    },
    /// The config, and who holds which role, as it writes them.
    Config {
        config: String,
        roles: BTreeMap<RoleName, Vec<String>>,
    },
    /// What a person typed that was no command; or why a step failed.
    Said {
        said: String,
    },
    /// What a run was asked for, and its plan.
    Plan(Box<PlanContent>),
    /// A step's names, and what it is done for.
    Opened(Box<Opened>),
    /// What a tool gave back, as far as its action declares.
    Answered(Box<Answered>),
    /// What an alert is about beside what its source said.
    Entities(Box<Entities>),
}

/// The words of an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertContent {
    pub source_id: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub rule: Option<String>,
    pub url: Option<String>,
    pub entities: Entities,
    pub tactic: Option<String>,
    pub technique: Option<String>,
    /// The part of the webhook's body that it was read from, JSON text.
    pub raw: String,
}

/// What `decide` returns: an event, with its private content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub event: Event,
    pub private: Option<Private>,
}

impl From<Event> for Fact {
    fn from(event: Event) -> Self {
        Self { event, private: None }
    }
}

/// The part of the journal that an event belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    System,
    Alert(AlertId),
    Run(RunId),
}

impl Stream {
    /// The text in `journal.stream`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::System => "system",
            Self::Alert(id) => id.as_str(),
            Self::Run(id) => id.as_str(),
        }
    }
}

/// One line of the journal, as `apply` sees it. `private` is `None` where there was none, or where it was erased.
#[derive(Clone, Debug)]
pub struct Entry {
    pub seq: i64,
    pub at: Timestamp,
    pub stream: Stream,
    pub actor: Actor,
    pub roles: Roles,
    pub via: Surface,
    pub event: Event,
    pub private: Option<Private>,
}

impl Event {
    /// Where it stands in `interactions_v1`: what was tried, how it ended, and why not. `None` for what is no interaction.
    pub fn interaction(&self) -> Option<(Action, InteractionOutcome, Option<&'static str>)> {
        let done = |action| Some((action, InteractionOutcome::Done, None));
        match self {
            Self::Acknowledged {} => done(Action::Acknowledge),
            Self::Reopened { .. } => done(Action::Reopen),
            Self::Assigned { .. } => done(Action::Assign),
            Self::Resolved { .. } | Self::Ceased {} => done(Action::Resolve),
            Self::Asked { action } => done(*action),
            Self::Run(event) => event.action().and_then(done),
            Self::Refused { action, refusal } => {
                Some((*action, refusal.outcome(), Some(refusal.code())))
            }
            Self::JournalOpened { .. }
            | Self::Started { .. }
            | Self::Configured { .. }
            | Self::Stopped {}
            | Self::Received(_)
            | Self::Repeated { .. }
            | Self::CeaseConfirmed {}
            | Self::Shown { .. }
            | Self::NotShown { .. }
            | Self::MessageLost { .. }
            | Self::Displaced { .. }
            | Self::HolderGone { .. }
            | Self::Escalated { .. }
            | Self::EscalatedUnrecorded { .. }
            | Self::Notified { .. }
            | Self::NotTold { .. }
            | Self::NobodyMeant { .. }
            | Self::Returned { .. }
            | Self::Triggered { .. }
            | Self::SeveritySet { .. }
            | Self::EntitiesAdded {} => None,
        }
    }
}
