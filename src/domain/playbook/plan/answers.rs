//! What a playbook asks: which answers there are to choose from, and whether those that were given will do.

use super::{PlanRefusal, Wanted};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Ask, Asked, Field, Playbook};
use serde_json::Value as Json;

/// The words of one `choose`, by the name of what is asked.
pub type Choices = Vec<(String, Vec<String>)>;

/// What there is to choose from for this alert, in the order of the form. An expression that fails gives nothing to choose.
pub fn choices(playbook: &Playbook, about: &About) -> Choices {
    let asks = playbook.ask.iter();
    asks.filter_map(|ask| words(ask, about).map(|words| (ask.name.clone(), words))).collect()
}

fn words(ask: &Ask, about: &About) -> Option<Vec<String>> {
    let Field::Choose(from) = &ask.field else { return None };
    let mut words: Vec<String> = Vec::new();
    let items = match from.value_or_missing(&about.value()) {
        Ok(Some(Json::Array(items))) => items,
        Ok(Some(one)) => vec![one],
        Ok(None) | Err(_) => Vec::new(),
    };
    for word in items.iter().filter_map(plain) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    Some(words)
}

fn plain(value: &Json) -> Option<String> {
    match value {
        Json::String(text) if text.trim().is_empty() => None,
        Json::String(text) => Some(text.clone()),
        Json::Number(_) | Json::Bool(_) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

/// The answers as the steps see them: what was left empty is left out.
pub(super) fn checked(wanted: &Wanted<'_>) -> Result<Asked, PlanRefusal> {
    let asks = &wanted.playbook.ask;
    if let Some(name) = wanted.asked.keys().find(|name| asks.iter().all(|ask| ask.name != **name)) {
        return Err(PlanRefusal::NotAsked { name: name.clone() });
    }
    let mut all = Asked::new();
    for ask in asks {
        if let Some(answer) = answer(ask, wanted)? {
            all.insert(ask.name.clone(), answer);
        }
    }
    Ok(all)
}

fn answer(ask: &Ask, wanted: &Wanted<'_>) -> Result<Option<Json>, PlanRefusal> {
    let given = wanted.asked.get(&ask.name);
    let given = given.filter(|value| {
        !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty())
    });
    let wrong = |wants| PlanRefusal::WrongAnswer { ask: ask.name.clone(), wants };
    let Some(given) = given else {
        return match (&ask.field, ask.required) {
            (_, true) => Err(missing(ask)),
            // A box that nobody ticked says no.
            (Field::Confirm, false) => Ok(Some(false.into())),
            (Field::Text { .. } | Field::Choose(_) | Field::Person | Field::Number, false) => {
                Ok(None)
            }
        };
    };
    let fits = match &ask.field {
        Field::Text { .. } => given.is_string().then_some(()).ok_or_else(|| wrong("a text")),
        Field::Person => given.is_string().then_some(()).ok_or_else(|| wrong("a person")),
        Field::Number => given.is_number().then_some(()).ok_or_else(|| wrong("a number")),
        Field::Confirm if ask.required && *given == Json::Bool(false) => Err(missing(ask)),
        Field::Confirm => given.is_boolean().then_some(()).ok_or_else(|| wrong("yes or no")),
        Field::Choose(_) => {
            let choices = words(ask, wanted.about).unwrap_or_default();
            let said = plain(given).unwrap_or_default();
            let refused = || PlanRefusal::NotOneOfTheChoices {
                ask: ask.name.clone(),
                said: said.clone(),
                choices: choices.clone(),
            };
            choices.contains(&said).then_some(()).ok_or_else(refused)
        }
    };
    fits.map(|()| Some(given.clone()))
}

fn missing(ask: &Ask) -> PlanRefusal {
    PlanRefusal::Missing { ask: ask.name.clone(), label: ask.label.clone() }
}
