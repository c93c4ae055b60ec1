//! The two forms: how it ended, and who gets it. And reading what was sent.

use crate::domain::alert::Disposition;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::Action;
use crate::domain::ids::{PlaybookName, RoleName, RunId};
use crate::domain::input::{Act, Binding};
use crate::domain::people::UsergroupRef;
use crate::domain::refusal::Refusal;
use crate::slack::action_id::{CallbackId, Signer};
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::size;
use crate::slack::view::run::ask;
use crate::slack::view::{Look, Modal, alert, kit, words};
use serde_json::{Value, json};

/// The fields, each the name of its block and of its element.
pub const DISPOSITION: &str = "disposition";
pub const NOTE: &str = "note";
pub const ASSIGNEE: &str = "assignee";

/// The longest note that Slack's own input takes.
const NOTE_LENGTH: usize = 3000;

/// What is wrong with a form: the block's id, and what to do.
pub type Mistakes = Vec<(String, String)>;

/// The form in which an alert is resolved.
pub fn resolve(alert: &Alert, look: &Look<'_>) -> Modal {
    let needed = alert.received.treated.note.contains(&alert.severity);
    let label = if needed { "Note (required for this severity)" } else { "Note" };
    let mut blocks = about(alert);
    blocks.push(input(DISPOSITION, "What was it?", verdicts(), false));
    blocks.push(input(NOTE, label, note_field(), !needed));
    modal(CallbackId::Resolve, ("Resolve alert", "Resolve"), blocks, alert, look)
}

/// The form in which an alert is assigned.
pub fn assign(alert: &Alert, look: &Look<'_>) -> Modal {
    let people = json!({
        "type": "users_select",
        "action_id": ASSIGNEE,
        "placeholder": kit::plain("Choose a person", size::PLACEHOLDER),
    });
    let mut blocks = about(alert);
    blocks.push(input(ASSIGNEE, "Who takes it?", people, false));
    blocks.push(kit::small(
        "They get a direct message. If they stay silent, it goes back to the team.",
        size::SECTION,
    ));
    modal(CallbackId::Assign, ("Assign alert", "Assign"), blocks, alert, look)
}

/// Which alert it is: the title in whole, for a form hides the message.
fn about(of: &Alert) -> Vec<Value> {
    vec![alert::header(of), kit::small(of.id.as_str(), 60)]
}

fn verdicts() -> Value {
    let options: Vec<Value> = Disposition::ALL
        .iter()
        .map(|verdict| {
            let (label, meaning) = words::disposition(*verdict);
            kit::described(label, verdict.as_str(), meaning)
        })
        .collect();
    json!({
        "type": "static_select",
        "action_id": DISPOSITION,
        "placeholder": kit::plain("Choose one", size::PLACEHOLDER),
        "options": options,
    })
}

fn note_field() -> Value {
    json!({
        "type": "plain_text_input",
        "action_id": NOTE,
        "multiline": true,
        "max_length": NOTE_LENGTH,
        "placeholder": kit::plain("What you found, and what you did", size::PLACEHOLDER),
    })
}

fn input(block: &str, label: &str, element: Value, optional: bool) -> Value {
    json!({
        "type": "input",
        "block_id": block,
        "label": kit::plain(label, size::INPUT_LABEL),
        "element": element,
        "optional": optional,
    })
}

fn modal(
    id: CallbackId,
    (title, submit): (&str, &str),
    blocks: Vec<Value>,
    alert: &Alert,
    look: &Look<'_>,
) -> Modal {
    Modal(json!({
        "type": "modal",
        "callback_id": id.as_str(),
        "title": kit::plain(title, size::MODAL_TITLE),
        "submit": kit::plain(submit, size::MODAL_TITLE),
        "close": kit::plain("Cancel", size::MODAL_TITLE),
        "private_metadata": look.signer.sign(id.action(), &alert.id, alert.life),
        "blocks": blocks,
    }))
}

/// What was sent: `view.callback_id`, `view.private_metadata`, `view.state.values`. `None` where it is no form of ours.
pub fn submitted(
    callback_id: &str,
    private_metadata: &str,
    values: &Value,
    signer: &Signer,
) -> Option<Result<(Act, Binding), Mistakes>> {
    let id = CallbackId::parse(callback_id)?;
    let act = match id {
        CallbackId::Resolve => read_resolve(values),
        CallbackId::Assign => read_assign(values),
        CallbackId::Ask => return Some(Ok(asked(private_metadata, values, signer))),
        CallbackId::Plan => {
            let read = signer.read_run(private_metadata, Action::StartRun);
            let binding = read.map_or(Binding::Forged, |(_, binding)| binding);
            return Some(Ok((Act::StartRun, binding)));
        }
    };
    Some(act.map(|act| (act, signer.read(private_metadata, id.action()))))
}

/// What a playbook asked. Whoever hears it gives the run its id.
fn asked(private_metadata: &str, values: &Value, signer: &Signer) -> (Act, Binding) {
    let (playbook, binding) = signer
        .read_for(private_metadata, Action::PlanRun)
        .unwrap_or_else(|| (PlaybookName::new(""), Binding::Forged));
    (Act::PlanRun { playbook, run: RunId::new(""), asked: ask::read(values) }, binding)
}

/// Reads the fields of the form for resolving. Whether a note is needed is the policy's to say, later.
pub fn read_resolve(values: &Value) -> Result<Act, Mistakes> {
    let chosen = values[DISPOSITION][DISPOSITION]["selected_option"]["value"].as_str();
    let Some(disposition) = chosen.and_then(Disposition::parse) else {
        return Err(vec![(DISPOSITION.to_owned(), "Choose what it was.".to_owned())]);
    };
    let note = values[NOTE][NOTE]["value"].as_str().map(str::trim).filter(|text| !text.is_empty());
    // Slack's own input holds to this length; a look-alike's may not.
    let length = note.map_or(0, |text| text.chars().count());
    if length > NOTE_LENGTH {
        let words = format!(
            "The note has {length} characters; at most {NOTE_LENGTH} are kept. Please shorten it."
        );
        return Err(vec![(NOTE.to_owned(), words)]);
    }
    Ok(Act::Resolve { disposition, note: note.map(str::to_owned) })
}

/// Reads the field of the form for assigning.
pub fn read_assign(values: &Value) -> Result<Act, Mistakes> {
    let chosen = values[ASSIGNEE][ASSIGNEE]["selected_user"].as_str();
    match chosen.filter(|user| crate::slack::view::mrkdwn::is_id(user, &['U', 'W'])) {
        Some(user) => Ok(Act::Assign { to: user.into() }),
        None => Err(vec![(ASSIGNEE.to_owned(), "Choose a person.".to_owned())]),
    }
}

/// Why what was sent is refused, at a field of its form: what is so, and what to do next. What was typed stays there.
pub fn mistakes(sent: &Act, refusal: &Refusal) -> Mistakes {
    let field = match sent {
        Act::Assign { .. } => ASSIGNEE.to_owned(),
        Act::PlanRun { asked, .. } => ask::field(asked, refusal),
        Act::Resolve { .. }
        | Act::Acknowledge
        | Act::Reopen
        | Act::AskResolve
        | Act::AskAssign
        | Act::AskRun { .. }
        | Act::StartRun
        | Act::ApproveRun
        | Act::DeclineRun
        | Act::CancelRun
        | Act::DecideStep { .. }
        | Act::UndoRun { .. }
        | Act::ShowRun => NOTE.to_owned(),
    };
    vec![(field, refused(refusal))]
}

fn refused(refusal: &Refusal) -> String {
    let words = match refusal {
        Refusal::NotAllowed { needs } => return role_needed(needs),
        Refusal::GroupUnknown { groups } => return group_unknown(groups),
        Refusal::NoteRequired => {
            "Your team wants a note for this severity: what you found, and what you did."
        }
        Refusal::AssigneeMayNot { .. } => {
            "This person may not acknowledge this alert. Choose someone who may."
        }
        Refusal::AlreadyAssigned { .. } => "They have it already. Choose someone else, or cancel.",
        Refusal::ForeignWorkspace => {
            "You belong to another workspace, whose people do not act on these alerts. Ask someone of this one."
        }
        Refusal::Guest => {
            "Guests do not act on alerts. Tell a full member of the team; copy what you typed for them."
        }
        Refusal::OwnCase => {
            "This alert is about you, and nobody closes their own case. Ask a colleague to do it."
        }
        Refusal::AlreadyResolved { .. } => {
            "It was resolved meanwhile. Copy what you typed into its thread, and cancel; Reopen is on its message."
        }
        Refusal::Stale => {
            "The alert was reopened since this form was opened. Copy what you typed, cancel, and use the message's \
             button again."
        }
        Refusal::Forged => {
            "This form was made with another key, or changed on its way. Copy what you typed, cancel, and use the \
             message's button again."
        }
        Refusal::NoSuchAlert => {
            "I do not find this alert any more. Copy what you typed, and tell whoever runs me."
        }
        Refusal::NotPlanned { why, at } => return not_planned(why, at.as_deref()),
        Refusal::AlreadyRunning { .. } => {
            "This playbook runs on this alert already: see its message in the thread."
        }
        Refusal::NotForThisAlert => "It is not for this alert as it stands now. Cancel.",
        Refusal::NoSuchPlaybook => {
            "This playbook is not in force any more. Cancel; the message has those that are."
        }
        Refusal::PlaybookChanged => {
            "This playbook has changed since it was planned. Cancel, and press its button again."
        }
        Refusal::Erased => "What it would be planned from was erased. Cancel.",
        // Not a form's to be refused by; said all the same, so that nothing typed is lost.
        Refusal::NoSuchRun
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
        | Refusal::NoUndo
        | Refusal::AlreadyAcknowledged { .. }
        | Refusal::AlreadyOpen
        | Refusal::UnknownCommand { .. } => {
            "The alert stands otherwise than when this form was opened. Copy what you typed, cancel, and look at its \
             message."
        }
    };
    words.to_owned()
}

/// Why it cannot be planned, by the plan's own word.
pub(super) fn not_planned(why: &str, at: Option<&str>) -> String {
    let at = fit(at.unwrap_or("it"), 60, Shape::Line);
    match why {
        "missing" => "This is wanted before it can be planned.".to_owned(),
        "not_one_of_the_choices" => {
            "This is none of the choices for this alert. Choose again; the alert may have changed."
                .to_owned()
        }
        "wrong_answer" => "This is of the wrong sort: look at what is asked.".to_owned(),
        "not_asked" => {
            format!("The playbook does not ask for {at} any more. Cancel, and open it again.")
        }
        "undefined" => {
            format!("The alert does not say what the step needs ({at}). Nothing was done.")
        }
        "not_a_list" => format!("The step {at} cannot go through what is no list in this alert."),
        "too_many" => "It would make too many calls at once. Choose fewer.".to_owned(),
        "unknown_tool" => {
            format!("The step {at} wants a tool that is not connected. Tell whoever runs me.")
        }
        _ => format!("It cannot be planned ({at}). Tell whoever runs me to look at vigie check."),
    }
}

fn role_needed(needs: &[RoleName]) -> String {
    match needs {
        [] => "None of your roles covers it at the moment. Ask a lead to do it.".to_owned(),
        needs => format!(
            "It takes the role {}. Ask someone who has it to do it, or to have you added.",
            either(needs.iter().map(RoleName::as_str))
        ),
    }
}

fn group_unknown(groups: &[UsergroupRef]) -> String {
    format!(
        "Slack does not tell me who is in {}, so I let nobody through on its account. Ask a lead to do it; whoever runs \
         me checks the scope usergroups:read.",
        either(groups.iter().map(|group| group.0.as_str()))
    )
}

/// `analyst or lead`: up to three names.
fn either<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.take(3).map(|name| fit(name, 40, Shape::Line)).collect();
    names.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(disposition: Value, note: Value) -> Value {
        json!({
            "disposition": {"disposition": {"type": "static_select", "selected_option": disposition}},
            "note": {"note": {"type": "plain_text_input", "value": note}},
        })
    }

    #[test]
    fn a_form_is_read_and_its_mistakes_name_the_block() {
        let chosen =
            json!({"value": "false_positive", "text": {"type": "plain_text", "text": "x"}});
        let act = |note: Option<&str>| Act::Resolve {
            disposition: Disposition::FalsePositive,
            note: note.map(str::to_owned),
        };
        assert_eq!(read_resolve(&resolve(chosen.clone(), json!(null))), Ok(act(None)));
        assert_eq!(read_resolve(&resolve(chosen.clone(), json!(" \n"))), Ok(act(None)));
        assert_eq!(read_resolve(&resolve(chosen, json!(" why "))), Ok(act(Some("why"))));
        for bad in [resolve(json!(null), json!("x")), json!({}), json!(null), json!([1])] {
            assert_eq!(read_resolve(&bad).expect_err("no disposition")[0].0, "disposition");
            assert_eq!(read_assign(&bad).expect_err("no person")[0].0, "assignee");
        }
        let person = json!({"assignee": {"assignee": {"selected_user": "U0BEA"}}});
        assert_eq!(read_assign(&person), Ok(Act::Assign { to: "U0BEA".into() }));
    }

    #[test]
    fn a_note_is_never_cut() {
        let chosen = json!({"value": "test"});
        let noted =
            |length: usize| read_resolve(&resolve(chosen.clone(), json!("é".repeat(length))));
        assert!(
            matches!(noted(3000), Ok(Act::Resolve { note: Some(n), .. }) if n.chars().count() == 3000)
        );
        let mistakes = noted(3001).expect_err("too long");
        assert!(mistakes[0].0 == "note" && mistakes[0].1.contains("3001"), "{mistakes:?}");
    }

    #[test]
    fn every_refusal_has_words_for_the_form_that_it_stands_in() {
        let sent = [
            (Act::Resolve { disposition: Disposition::Test, note: None }, "note"),
            (Act::Assign { to: "U0BEA".into() }, "assignee"),
        ];
        for refusal in crate::slack::view::tests::every_refusal() {
            for (act, field) in &sent {
                let mistakes = mistakes(act, &refusal);
                assert_eq!(mistakes[0].0, *field);
                assert!((20..=250).contains(&mistakes[0].1.len()), "{refusal:?}: {mistakes:?}");
            }
        }
    }

    #[test]
    fn only_our_forms_are_read_and_only_with_our_signature() {
        let signer = Signer::new(&[1; 32]);
        let values = json!({"assignee": {"assignee": {"selected_user": "U0BEA"}}});
        assert_eq!(submitted("other", "", &values, &signer), None);
        let (_, binding) = submitted("assign", "x", &values, &signer).expect("ours").expect("read");
        assert_eq!(binding, Binding::Forged);
    }
}
