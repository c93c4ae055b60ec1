//! The two forms: how it ended, and who gets it. And reading what was sent.

use crate::domain::alert::Disposition;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::RoleName;
use crate::domain::input::{Act, Binding, Form};
use crate::domain::people::UsergroupRef;
use crate::domain::refusal::Refusal;
use crate::slack::action_id::{CallbackId, Signer};
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::kit::size;
use crate::slack::view::{Look, Modal, alert, kit, words};
use serde_json::{Value, json};

/// The fields, each the name of its block and of its element.
pub const DISPOSITION: &str = "disposition";
pub const NOTE: &str = "note";
pub const ASSIGNEE: &str = "assignee";

/// The longest note that Slack's own input takes.
const NOTE_LENGTH: usize = 3000;

/// What is wrong with a form: the block's id, and what to do.
pub type Mistakes = Vec<(&'static str, String)>;

/// The form as it opens.
pub fn open(form: Form, alert: &Alert, look: &Look<'_>) -> Modal {
    match form {
        Form::Resolve => resolve(alert, look),
        Form::Assign => assign(alert, look),
    }
}

fn resolve(alert: &Alert, look: &Look<'_>) -> Modal {
    let needed = alert.received.treated.note.contains(&alert.severity);
    let label = if needed { "Note (required for this severity)" } else { "Note" };
    let mut blocks = about(alert);
    blocks.push(input(DISPOSITION, "What was it?", verdicts(), false));
    blocks.push(input(NOTE, label, note_field(), !needed));
    modal(CallbackId::Resolve, ("Resolve alert", "Resolve"), blocks, alert, look)
}

fn assign(alert: &Alert, look: &Look<'_>) -> Modal {
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
    };
    Some(act.map(|act| (act, signer.read(private_metadata, id.action()))))
}

/// Reads the fields of the form for resolving. Whether a note is needed is the policy's to say, later.
pub fn read_resolve(values: &Value) -> Result<Act, Mistakes> {
    let chosen = values[DISPOSITION][DISPOSITION]["selected_option"]["value"].as_str();
    let Some(disposition) = chosen.and_then(Disposition::parse) else {
        return Err(vec![(DISPOSITION, "Choose what it was.".to_owned())]);
    };
    let note = values[NOTE][NOTE]["value"].as_str().map(str::trim).filter(|text| !text.is_empty());
    // Slack's own input holds to this length; a look-alike's may not.
    let length = note.map_or(0, |text| text.chars().count());
    if length > NOTE_LENGTH {
        let words = format!(
            "The note has {length} characters; at most {NOTE_LENGTH} are kept. Please shorten it."
        );
        return Err(vec![(NOTE, words)]);
    }
    Ok(Act::Resolve { disposition, note: note.map(str::to_owned) })
}

/// Reads the field of the form for assigning.
pub fn read_assign(values: &Value) -> Result<Act, Mistakes> {
    let chosen = values[ASSIGNEE][ASSIGNEE]["selected_user"].as_str();
    match chosen.filter(|user| crate::slack::view::mrkdwn::is_id(user, &['U', 'W'])) {
        Some(user) => Ok(Act::Assign { to: user.into() }),
        None => Err(vec![(ASSIGNEE, "Choose a person.".to_owned())]),
    }
}

/// Why what was sent is refused, at a field of its form: what is so, and what to do next. What was typed stays there.
pub fn mistakes(sent: &Act, refusal: &Refusal) -> Mistakes {
    let field = match sent {
        Act::Assign { .. } => ASSIGNEE,
        Act::Resolve { .. } | Act::Acknowledge | Act::Reopen | Act::AskResolve | Act::AskAssign => {
            NOTE
        }
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
        // Not a form's to be refused by; said all the same, so that nothing typed is lost.
        Refusal::AlreadyAcknowledged { .. }
        | Refusal::AlreadyOpen
        | Refusal::UnknownCommand { .. } => {
            "The alert stands otherwise than when this form was opened. Copy what you typed, cancel, and look at its \
             message."
        }
    };
    words.to_owned()
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
