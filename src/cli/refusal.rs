//! A refusal in plain words, for who sits at the machine.

use crate::domain::refusal::Refusal;

/// What happened, and what to do next. `account` is who asked.
pub fn words(refusal: &Refusal, account: &str) -> String {
    match refusal {
        Refusal::NotAllowed { needs } => {
            let roles: Vec<&str> = needs.iter().map(|role| role.as_str()).collect();
            let role = roles.first().unwrap_or(&"analyst");
            format!(
                "not done: the account `{account}` of this machine holds no role that may ({}). The attempt is recorded, and where the alert \
                 is shown its thread says so: whoever may can do it there.\nTo let this account do it at once, list it in the config:\n  \
                 roles: {{{role}: {{users: [\"os:{account}\"]}}}}",
                if roles.is_empty() { "no role may".to_owned() } else { roles.join(", ") }
            )
        }
        Refusal::OwnCase => {
            "not done: this alert is about this very account, and nobody closes their own case. Ask a colleague".to_owned()
        }
        Refusal::NoSuchAlert => "no alert has this id: `vigie coverage` names those that wait, `/vigie list` in Slack the open ones".to_owned(),
        Refusal::AlreadyAcknowledged { by, at } => format!("{by} acknowledged it already, at {at}"),
        Refusal::AlreadyResolved { by, at } => format!("{by} resolved it already, at {at}"),
        Refusal::NoteRequired => {
            "not done: alerts of this severity want a note. Say what you found and did: --note \"…\"".to_owned()
        }
        Refusal::Stale => "not done: it is resolved already".to_owned(),
        Refusal::GroupUnknown { .. }
        | Refusal::ForeignWorkspace
        | Refusal::Guest
        | Refusal::AlreadyOpen
        | Refusal::AlreadyAssigned { .. }
        | Refusal::Forged
        | Refusal::AssigneeMayNot { .. }
        | Refusal::UnknownCommand { .. } => format!("not done: {}", refusal.code().replace('_', " ")),
        Refusal::NoSuchRun => "no run has this id: `vigie playbook runs` lists them".to_owned(),
        Refusal::NoSuchPlaybook => "no playbook of that name is in force: `vigie playbook list`".to_owned(),
        Refusal::PlaybookChanged => "not done: this playbook has changed since it was planned. Plan it again".to_owned(),
        Refusal::NotForThisAlert => "not done: this playbook is not offered for this alert (its `when`, or the route's `playbooks`)".to_owned(),
        Refusal::Erased => "not done: what it would be planned from was erased".to_owned(),
        Refusal::NotPlanned { why, at } => format!(
            "not done: it cannot be planned, {} ({})",
            why.replace('_', " "),
            at.as_deref().unwrap_or("the alert")
        ),
        Refusal::AlreadyRunning { run } => format!("not done: it runs on this alert already, as {run}"),
        Refusal::OwnRun => "not done: who started a run does not approve it. Ask somebody else who holds the role".to_owned(),
        Refusal::NotStarted => "not done: nobody has started it, so there is nothing to approve".to_owned(),
        Refusal::AlreadyStarted => "it goes on already: `vigie playbook runs` says how it stands".to_owned(),
        Refusal::RunOver => "not done: this run is over. To do it again, start the playbook again".to_owned(),
        Refusal::PlanChanged => "not done: it has another plan than the one that you saw. Look at it again".to_owned(),
        Refusal::TooLate => "not done: the time for an approval is over, and it was refused. Whoever wants it starts it again".to_owned(),
        Refusal::AlreadyApproved => "you have approved it already: it waits for somebody else's approval".to_owned(),
        Refusal::AlreadyCancelled => "somebody has stopped it already".to_owned(),
        Refusal::AlreadyUndone { run } => format!("not done: {run} takes it back already, or has"),
        Refusal::AlreadyDecided => "not done: nothing is asked about this step, or this is no answer to it. `vigie playbook runs` names what is asked".to_owned(),
        Refusal::NoUndo => "not done: not everything that it did has a way back. Take it back in the tool itself".to_owned(),
    }
}
