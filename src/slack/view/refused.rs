//! Every refusal in plain words: what happened, and what to do next.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::RoleName;
use crate::domain::people::Actor;
use crate::domain::refusal::{InteractionOutcome, Refusal};
use crate::domain::time::Timestamp;
use crate::slack::view::mrkdwn::Mrkdwn;
use crate::slack::view::words::Naming;
use crate::slack::view::{Look, Message, form, kit, status, words};

/// The answer to who was refused.
pub fn refused(refusal: &Refusal, alert: Option<&Alert>, look: &Look<'_>) -> Message {
    let words = what(refusal, look).say("\n").then(next(refusal, alert));
    let mut blocks = vec![kit::section(&words)];
    if let Some(alert) = alert {
        blocks.push(kit::small(&words::headline(alert), kit::size::FALLBACK));
        blocks.push(kit::context(
            &status::line(alert, Naming::Mention, look).say("\n").code(&alert.id),
        ));
    }
    match refusal.outcome() {
        InteractionOutcome::Denied => {
            blocks.push(kit::context(&Mrkdwn::words("Nothing was done. The attempt was recorded.")))
        }
        InteractionOutcome::Done
        | InteractionOutcome::Repeated
        | InteractionOutcome::Stale
        | InteractionOutcome::Failed => {}
    }
    Message::new(summary(refusal), blocks)
}

/// What happened, for a lock screen.
fn summary(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::NotAllowed { .. } => "Your roles do not allow this.",
        Refusal::GroupUnknown { .. } => "I cannot see who is in a group that matters here.",
        Refusal::ForeignWorkspace => "You belong to another workspace.",
        Refusal::Guest => "Guests cannot act on alerts.",
        Refusal::OwnCase => "This alert is about you.",
        Refusal::NoSuchAlert => "No alert has this id.",
        Refusal::AlreadyAcknowledged { .. } => "It is acknowledged already.",
        Refusal::AlreadyResolved { .. } => "It is resolved already.",
        Refusal::AlreadyOpen => "It is open already.",
        Refusal::AlreadyAssigned { .. } => "It is assigned to them already.",
        Refusal::Stale => "This button is from an earlier state of the alert.",
        Refusal::Forged => "This button is not one of mine.",
        Refusal::NoteRequired => "A note is needed to resolve this alert.",
        Refusal::AssigneeMayNot { .. } => "They may not acknowledge this alert.",
        Refusal::UnknownCommand { .. } => "I do not know that command.",
        Refusal::NoSuchRun => "No run has this id.",
        Refusal::NoSuchPlaybook => "This playbook is not in force any more.",
        Refusal::PlaybookChanged => "This playbook has changed since it was planned.",
        Refusal::NotForThisAlert => "This playbook is not for this alert.",
        Refusal::Erased => "What this would be planned from was erased.",
        Refusal::NotPlanned { .. } => "It cannot be planned for this alert.",
        Refusal::AlreadyRunning { .. } => "This playbook runs on this alert already.",
        Refusal::NotStarted => "Whoever planned it has not started it.",
        Refusal::AlreadyStarted => "It goes on already.",
        Refusal::RunOver => "This run is over.",
        Refusal::PlanChanged => "This button is of another plan.",
        Refusal::TooLate => "The time for an approval is over.",
        Refusal::OwnRun => "Who starts a run does not approve it.",
        Refusal::AlreadyApproved => "You have approved it already.",
        Refusal::AlreadyCancelled => "Somebody has stopped it already.",
        Refusal::AlreadyDecided => "This was decided already.",
        Refusal::AlreadyUndone { .. } => "This was taken back already.",
        Refusal::NoUndo => "This cannot be taken back.",
    }
}

/// What happened, in bold; with names where the refusal has some.
fn what(refusal: &Refusal, look: &Look<'_>) -> Mrkdwn {
    let say = Mrkdwn::words;
    match refusal {
        Refusal::GroupUnknown { groups } => say("*I can't see who is in ")
            .then(either(groups.iter().map(|group| group.0.as_str())))
            .say(" because Slack doesn't tell me.*"),
        Refusal::AlreadyAcknowledged { by, at } => done("*Acknowledged already*", by, *at, look),
        Refusal::AlreadyResolved { by, at } => done("*Resolved already*", by, *at, look),
        Refusal::AlreadyAssigned { to } => say("*It is assigned to ").person(to).say(" already.*"),
        Refusal::AssigneeMayNot { to } => {
            say("*").person(to).say(" may not acknowledge this alert*, so it would lie there.")
        }
        Refusal::NotAllowed { .. }
        | Refusal::ForeignWorkspace
        | Refusal::Guest
        | Refusal::OwnCase
        | Refusal::NoSuchAlert
        | Refusal::AlreadyOpen
        | Refusal::Stale
        | Refusal::Forged
        | Refusal::NoteRequired
        | Refusal::UnknownCommand { .. }
        | Refusal::NoSuchRun
        | Refusal::NoSuchPlaybook
        | Refusal::PlaybookChanged
        | Refusal::NotForThisAlert
        | Refusal::Erased
        | Refusal::NotPlanned { .. }
        | Refusal::AlreadyRunning { .. }
        | Refusal::NotStarted
        | Refusal::AlreadyStarted
        | Refusal::RunOver
        | Refusal::PlanChanged
        | Refusal::TooLate
        | Refusal::OwnRun
        | Refusal::AlreadyApproved
        | Refusal::AlreadyCancelled
        | Refusal::AlreadyDecided
        | Refusal::AlreadyUndone { .. }
        | Refusal::NoUndo => say("*").say(summary(refusal)).say("*"),
    }
}

/// What to do next.
fn next(refusal: &Refusal, alert: Option<&Alert>) -> Mrkdwn {
    let words = match refusal {
        Refusal::NotAllowed { needs } => return role_needed(needs),
        Refusal::Stale => return stale(alert),
        Refusal::Forged => {
            return Mrkdwn::words("It was changed, or made with another key. ").then(fresh(alert));
        }
        Refusal::UnknownCommand { nearest } => return unknown(nearest.as_deref()),
        Refusal::GroupUnknown { .. } => {
            "Until Slack tells me, I don't let anyone through on its account. Ask a lead to do it, \
             and whoever runs me to look at `vigie check` and at the app's scope `usergroups:read`."
        }
        Refusal::ForeignWorkspace => {
            "Only people of the workspace that I am installed in act on its alerts. Tell one of them."
        }
        Refusal::Guest => "Tell a full member of the team what you see, in the thread.",
        Refusal::OwnCase => {
            "Nobody closes their own case. Ask a colleague to take it; the buttons work for them."
        }
        Refusal::NoSuchAlert => {
            "Check for a letter lost in copying. `/vigie list` has the open alerts with their ids."
        }
        Refusal::AlreadyAcknowledged { .. } => {
            "You need do nothing. To take it over: three dots, *Assign…*, yourself."
        }
        Refusal::AlreadyResolved { .. } => "If it is not over, press *Reopen*.",
        Refusal::AlreadyOpen => "There is nothing to reopen. Press *Acknowledge* to take it.",
        Refusal::AlreadyAssigned { .. } => "You need do nothing.",
        Refusal::NoteRequired => {
            "Your team wants to read what you found and did. Press *Resolve…* again, with a note."
        }
        Refusal::AssigneeMayNot { .. } => {
            "Choose someone who may, or ask a lead to give them the role."
        }
        Refusal::NotPlanned { why, at } => {
            return Mrkdwn::default().name(form::not_planned(why, at.as_deref()));
        }
        Refusal::NoSuchRun => "Press the button of the message in the alert's thread again.",
        Refusal::NoSuchPlaybook | Refusal::NotForThisAlert => {
            "Nothing was done. The alert's message has the buttons of those that fit."
        }
        Refusal::PlaybookChanged => {
            "Nothing was done. Press its button at the alert again, and look at the new plan."
        }
        Refusal::Erased => "Nothing can be done with it any more.",
        Refusal::AlreadyRunning { .. } => {
            "One at a time: its message is in the alert's thread. Stop it there, or wait for its end."
        }
        Refusal::NotStarted => "There is nothing to approve until it is started.",
        Refusal::AlreadyStarted => {
            "You need do nothing: its message in the thread shows how it goes."
        }
        Refusal::RunOver => "To do it again, press the playbook's button at the alert.",
        Refusal::PlanChanged => {
            "You would approve something that you have not seen. Look at the run's own message in the thread."
        }
        Refusal::TooLate => {
            "It was refused, and nothing was done. Whoever wants it starts it again."
        }
        Refusal::OwnRun => "Two people see more than one. Ask somebody who holds the role.",
        Refusal::AlreadyApproved => "It waits for somebody else's approval.",
        Refusal::NoUndo => {
            "Not everything that it did has a way back that I know. Take it back in the tool itself."
        }
        Refusal::AlreadyUndone { .. } => {
            "Once is enough: what was done again since then is another run's to take back. Look at the thread."
        }
        Refusal::AlreadyCancelled | Refusal::AlreadyDecided => {
            "You need do nothing: the message in the thread shows how it goes."
        }
    };
    Mrkdwn::words(words)
}

fn role_needed(needs: &[RoleName]) -> Mrkdwn {
    if needs.is_empty() {
        return Mrkdwn::words("No role of yours covers it at the moment. Ask a lead to do it.");
    }
    Mrkdwn::words("It takes the role ")
        .then(either(needs.iter().map(RoleName::as_str)))
        .say(". Ask someone who has it to do it, or to have you added.")
}

/// ` by @alice 02:15`, behind what was done.
fn done(what: &'static str, by: &str, at: Timestamp, look: &Look<'_>) -> Mrkdwn {
    let at = words::when(at, look.now, look);
    let by = words::by(&Actor::parse(by), Naming::Mention, look);
    Mrkdwn::words(what).say(" by ").then(by).say(" ").name(at).say(".")
}

fn stale(alert: Option<&Alert>) -> Mrkdwn {
    let words = Mrkdwn::words("I am refreshing the message; its buttons will fit what is so now. ");
    words.then(fresh(alert))
}

fn fresh(alert: Option<&Alert>) -> Mrkdwn {
    let words = Mrkdwn::words("For fresh buttons: ");
    match alert {
        Some(alert) => words.code(format!("/vigie show {}", alert.id)),
        None => words.say("`/vigie list`, then `/vigie show` with the alert's id"),
    }
}

fn unknown(nearest: Option<&str>) -> Mrkdwn {
    match nearest {
        Some("show") => Mrkdwn::words(
            "`/vigie show` wants an alert's id behind it: `alr_` and 26 letters and digits. \
             `/vigie list` has the ids of the open ones.",
        ),
        Some(nearest) => Mrkdwn::words("Did you mean ")
            .code(format!("/vigie {nearest}"))
            .say("? `/vigie help` shows all."),
        None => Mrkdwn::words("`/vigie help` shows what I know."),
    }
}

/// `*analyst* or *lead*`: up to five names.
fn either<'a>(names: impl Iterator<Item = &'a str>) -> Mrkdwn {
    names.take(5).enumerate().fold(Mrkdwn::default(), |text, (i, name)| {
        let text = if i == 0 { text } else { text.say(" or ") };
        text.name(name)
    })
}
