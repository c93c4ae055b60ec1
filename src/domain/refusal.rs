//! Why something may not be: an answer, not an error. Each is recorded, and said to who asked with what to do next.

use crate::domain::ids::*;
use crate::domain::people::UsergroupRef;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A refusal. `code` is what stands in `interactions_v1.reason`; the words for people are `slack::view`'s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "code")]
pub enum Refusal {
    /// None of the person's roles allows it; `needs` are the roles that would.
    NotAllowed { needs: Vec<RoleName> },
    /// A role could allow it, but Slack cannot tell who is in its group.
    GroupUnknown { groups: Vec<UsergroupRef> },
    /// The click came from another workspace (Slack Connect).
    ForeignWorkspace,
    /// The person is a guest.
    Guest,
    /// The person is who the alert is about.
    OwnCase,
    /// No alert has this id.
    NoSuchAlert,
    /// Someone has acknowledged it already.
    AlreadyAcknowledged { by: String, at: Timestamp },
    /// It is resolved already.
    AlreadyResolved { by: String, at: Timestamp },
    /// It is open already, so there is nothing to reopen.
    AlreadyOpen,
    /// It is assigned to that person already.
    AlreadyAssigned { to: UserId },
    /// The button is of an earlier life of the alert, or the alert is resolved.
    Stale,
    /// The button's value is not one of ours.
    Forged,
    /// The team's policy wants a note for this severity.
    NoteRequired,
    /// Who it would be assigned to may not acknowledge it.
    AssigneeMayNot { to: UserId },
    /// There is no such command; `nearest` is the one perhaps meant.
    UnknownCommand { nearest: Option<String> },
    /// No run has this id.
    NoSuchRun,
    /// No playbook of that name is in force, or that the run is pinned to can be read.
    NoSuchPlaybook,
    /// Another version of the playbook is in force than the one that was planned with.
    PlaybookChanged,
    /// The playbook is not offered for this alert.
    NotForThisAlert,
    /// What it would be planned from was erased.
    Erased,
    /// It cannot be planned; `why` is the plan's word, `at` the step, the input or the question.
    NotPlanned { why: String, at: Option<String> },
    /// The same playbook runs on this alert.
    AlreadyRunning { run: RunId },
    /// Whoever planned it has not started it.
    NotStarted,
    /// It goes on already.
    AlreadyStarted,
    /// It has ended.
    RunOver,
    /// The button is of another plan.
    PlanChanged,
    /// The time for an approval is over.
    TooLate,
    /// Who started a run does not approve it.
    OwnRun,
    /// This person has approved it.
    AlreadyApproved,
    /// Somebody has stopped it.
    AlreadyCancelled,
    /// The step is not in doubt any more, or not about this.
    AlreadyDecided,
    /// What the run did was taken back, or is being taken back.
    AlreadyUndone { run: RunId },
    /// Something that the run did cannot be taken back, or there is nothing to take back.
    NoUndo,
}

/// How an interaction ended, in the words of `interactions_v1.outcome`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InteractionOutcome {
    Done,
    Denied,
    Repeated,
    Stale,
    Failed,
}

impl InteractionOutcome {
    /// The word in the view.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Repeated => "repeated",
            Self::Stale => "stale",
            Self::Failed => "failed",
        }
    }
}

impl Refusal {
    /// Its word in `interactions_v1.reason`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAllowed { .. } => "not_allowed",
            Self::GroupUnknown { .. } => "group_unknown",
            Self::ForeignWorkspace => "foreign_workspace",
            Self::Guest => "guest",
            Self::OwnCase => "own_case",
            Self::NoSuchAlert => "no_such_alert",
            Self::AlreadyAcknowledged { .. } => "already_acknowledged",
            Self::AlreadyResolved { .. } => "already_resolved",
            Self::AlreadyOpen => "already_open",
            Self::AlreadyAssigned { .. } => "already_assigned",
            Self::Stale => "stale",
            Self::Forged => "forged",
            Self::NoteRequired => "note_required",
            Self::AssigneeMayNot { .. } => "assignee_may_not",
            Self::UnknownCommand { .. } => "unknown_command",
            Self::NoSuchRun => "no_such_run",
            Self::NoSuchPlaybook => "no_such_playbook",
            Self::PlaybookChanged => "playbook_changed",
            Self::NotForThisAlert => "not_for_this_alert",
            Self::Erased => "erased",
            Self::NotPlanned { .. } => "not_planned",
            Self::AlreadyRunning { .. } => "already_running",
            Self::NotStarted => "not_started",
            Self::AlreadyStarted => "already_started",
            Self::RunOver => "run_over",
            Self::PlanChanged => "plan_changed",
            Self::TooLate => "too_late",
            Self::OwnRun => "own_run",
            Self::AlreadyApproved => "already_approved",
            Self::AlreadyCancelled => "already_cancelled",
            Self::AlreadyDecided => "already_decided",
            Self::AlreadyUndone { .. } => "already_undone",
            Self::NoUndo => "no_undo",
        }
    }

    /// How the interaction counts.
    pub fn outcome(&self) -> InteractionOutcome {
        match self {
            Self::NotAllowed { .. }
            | Self::GroupUnknown { .. }
            | Self::ForeignWorkspace
            | Self::Guest
            | Self::OwnCase
            | Self::OwnRun
            | Self::PlanChanged
            | Self::Forged => InteractionOutcome::Denied,
            Self::AlreadyAcknowledged { .. }
            | Self::AlreadyResolved { .. }
            | Self::AlreadyOpen
            | Self::AlreadyAssigned { .. }
            | Self::AlreadyRunning { .. }
            | Self::AlreadyStarted
            | Self::AlreadyApproved
            | Self::AlreadyCancelled
            | Self::AlreadyDecided
            | Self::AlreadyUndone { .. } => InteractionOutcome::Repeated,
            Self::Stale | Self::PlaybookChanged | Self::RunOver | Self::TooLate => {
                InteractionOutcome::Stale
            }
            Self::NoSuchAlert
            | Self::NoteRequired
            | Self::AssigneeMayNot { .. }
            | Self::UnknownCommand { .. }
            | Self::NoSuchRun
            | Self::NoSuchPlaybook
            | Self::NotForThisAlert
            | Self::Erased
            | Self::NotPlanned { .. }
            | Self::NotStarted
            | Self::NoUndo => InteractionOutcome::Failed,
        }
    }
}
