//! The form with what a playbook asks, and reading what was answered.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::event::Action;
use crate::domain::playbook::plan::choices;
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Ask, Asked, Field, Playbook};
use crate::domain::refusal::Refusal;
use crate::slack::action_id::CallbackId;
use crate::slack::view::clean::is_hidden;
use crate::slack::view::kit::{self, size};
use crate::slack::view::{Look, Modal, alert as view};
use serde_json::{Value, json};

/// What begins the block ids of questions.
const ASK: &str = "ask.";
/// Slack's own input takes no more.
const LONGEST: usize = 3000;

/// The form; `None` where the alert's words were erased, so that nothing can be chosen.
pub fn form(playbook: &Playbook, alert: &Alert, look: &Look<'_>) -> Option<Modal> {
    let about = About::of(alert)?;
    let offered = choices(playbook, &about);
    let mut blocks = vec![view::header(alert)];
    if let Some(description) = &playbook.description {
        blocks.push(kit::paragraph(description, 600));
    }
    for ask in &playbook.ask {
        let words = offered.iter().find(|(name, _)| *name == ask.name);
        let words = words.map_or(&[][..], |(_, words)| words.as_slice());
        blocks.push(input(ask, words));
    }
    Some(Modal(json!({
        "type": "modal",
        "callback_id": CallbackId::Ask.as_str(),
        "title": kit::plain(&playbook.title, size::MODAL_TITLE),
        "submit": kit::plain("Next", size::MODAL_TITLE),
        "close": kit::plain("Cancel", size::MODAL_TITLE),
        "private_metadata": look.signer.sign_for(Action::PlanRun, (&alert.id, alert.life), &playbook.name),
        "blocks": blocks,
    })))
}

fn input(ask: &Ask, words: &[String]) -> Value {
    let id = format!("{ASK}{}", ask.name);
    let mut element = match &ask.field {
        Field::Text { multiline } => json!({
            "type": "plain_text_input", "multiline": multiline, "max_length": LONGEST,
        }),
        Field::Choose(_) => choose(words),
        Field::Person => json!({
            "type": "users_select", "placeholder": kit::plain("Choose a person", size::PLACEHOLDER),
        }),
        Field::Number => json!({"type": "number_input", "is_decimal_allowed": true}),
        Field::Confirm => json!({"type": "checkboxes", "options": [kit::option("Yes", "yes")]}),
    };
    element["action_id"] = json!(id);
    json!({
        "type": "input",
        "block_id": id,
        "label": kit::plain(&ask.label, size::INPUT_LABEL),
        "element": element,
        "optional": !ask.required || matches!(ask.field, Field::Confirm),
    })
}

/// A choice is its own value. What is too long for one, is one of too many, or hides something from who chooses, cannot be
/// chosen here.
fn choose(words: &[String]) -> Value {
    let is_honest = |word: &str| !word.is_empty() && !word.chars().any(is_hidden);
    let fits =
        |word: &&String| is_honest(word) && word.encode_utf16().count() <= size::OPTION_VALUE;
    let options: Vec<Value> =
        words.iter().filter(fits).take(size::SELECT).map(|word| kit::option(word, word)).collect();
    if options.is_empty() {
        // Slack takes no menu without choices.
        return json!({"type": "plain_text_input", "max_length": LONGEST});
    }
    let mut element = json!({
        "type": "static_select",
        "placeholder": kit::plain("Choose one", size::PLACEHOLDER),
        "options": options,
    });
    if let [only] = options.as_slice() {
        element["initial_option"] = only.clone();
    }
    element
}

/// The field at which a refusal is said: the one that it names, else the first.
pub fn field(asked: &Asked, refusal: &Refusal) -> String {
    let named = match refusal {
        // Any other names a step: a field that the form does not have, and Slack would show nothing at all.
        Refusal::NotPlanned { at: Some(at), why } if is_of_a_question(why) => Some(at.as_str()),
        _ => None,
    };
    let name = named.or_else(|| asked.keys().next().map(String::as_str)).unwrap_or_default();
    format!("{ASK}{name}")
}

fn is_of_a_question(why: &str) -> bool {
    matches!(why, "missing" | "not_one_of_the_choices" | "wrong_answer")
}

/// Reads the answers: `view.state.values`. What they must be is the plan's to say.
pub fn read(values: &Value) -> Asked {
    let mut asked = Asked::new();
    for (block, fields) in values.as_object().into_iter().flatten() {
        let Some(name) = block.strip_prefix(ASK) else { continue };
        if let Some(value) = answer(&fields[block]) {
            asked.insert(name.to_owned(), value);
        }
    }
    asked
}

fn answer(field: &Value) -> Option<Value> {
    let text = |value: &Value| {
        let text = value.as_str()?.trim();
        (!text.is_empty()).then(|| Value::from(text))
    };
    match field["type"].as_str()? {
        "static_select" => text(&field["selected_option"]["value"]),
        "users_select" => text(&field["selected_user"]),
        "checkboxes" => {
            let chosen = field["selected_options"].as_array()?;
            Some(Value::from(!chosen.is_empty()))
        }
        "number_input" => serde_json::from_str(field["value"].as_str()?).ok(),
        _ => text(&field["value"]),
    }
}
