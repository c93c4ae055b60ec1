//! What a step changes of the alert.

use super::AlertChange;
use super::run::event::Fault;
use super::text::Template;
use crate::domain::access;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::alert::{Entities, State};
use crate::domain::event::{Event, Fact, Private, Stream};
use crate::domain::people::UserRef;
use crate::domain::policy::{Context, Permission};
use minijinja::Value;
use serde_json::Value as Json;

/// What then has happened to it, or why it may not be.
pub fn facts(
    (context, alert): (&Context<'_>, Option<&Alert>),
    wanted: &AlertChange,
    scope: &Value,
) -> Result<Vec<(Stream, Fact)>, (Fault, String)> {
    let alert = alert.ok_or((Fault::Alert, "this run is of no alert".to_owned()))?;
    let mut facts = Vec::new();
    if let Some(to) = wanted.severity.filter(|to| *to != alert.severity) {
        facts.push(Event::SeveritySet { to }.into());
    }
    if !wanted.entities.is_empty() {
        facts.extend(entities(alert, wanted, scope)?);
    }
    if let Some(to) = &wanted.assign {
        facts.extend(assign(context, alert, &text(to, scope)?)?);
    }
    if let Some(resolve) = wanted.resolve.as_ref().filter(|_| alert.state != State::Resolved) {
        let note = resolve.note.as_ref().map(|note| text(note, scope)).transpose()?;
        let event = Event::Resolved { disposition: Some(resolve.disposition) };
        facts.push(Fact { event, private: note.map(|note| Private::Note { note }) });
    }
    let stream = Stream::Alert(alert.id.clone());
    Ok(facts.into_iter().map(|fact| (stream.clone(), fact)).collect())
}

fn assign(
    context: &Context<'_>,
    alert: &Alert,
    whom: &str,
) -> Result<Option<Fact>, (Fault, String)> {
    let no = |why: &str| Err((Fault::Alert, format!("it cannot be assigned to {whom}: {why}")));
    let Some(to) = context.directory.user(&UserRef(whom.to_owned())) else {
        return no("nobody of that name is known");
    };
    if alert.state == State::Resolved {
        return no("it is resolved");
    }
    if alert.assignee.as_ref() == Some(&to) {
        return Ok(None);
    }
    let may = access::holds(context, &to, Permission::Acknowledge).is_ok()
        && access::is_one_of_us(context.directory, &to);
    if !may || access::is_subject(context.directory, (&to, None), alert) {
        return no("they may not acknowledge it");
    }
    Ok(Some(Event::Assigned { to }.into()))
}

/// What is new of them.
fn entities(
    alert: &Alert,
    wanted: &AlertChange,
    scope: &Value,
) -> Result<Option<Fact>, (Fault, String)> {
    let mut added = Entities::default();
    for (kind, template) in &wanted.entities {
        let value = template.value(scope).map_err(|_| lacks(kind))?;
        let all = match value {
            Json::Array(items) => items,
            one => vec![one],
        };
        let known = alert.content.as_ref().map(|content| content.entities.kinds());
        let known = known.and_then(|kinds| kinds.into_iter().find(|(name, _)| name == kind));
        let known = known.map_or(&[][..], |(_, list)| list);
        let mut kinds = added.kinds_mut();
        let Some((_, list)) = kinds.iter_mut().find(|(name, _)| name == kind) else { continue };
        for text in all.iter().filter_map(Json::as_str).map(str::to_owned) {
            if !known.contains(&text) && !list.contains(&text) {
                list.push(text);
            }
        }
    }
    let fact = || Fact {
        event: Event::EntitiesAdded {},
        private: Some(Private::Entities(Box::new(added.clone()))),
    };
    Ok((added != Entities::default()).then(fact))
}

fn text(template: &Template, scope: &Value) -> Result<String, (Fault, String)> {
    match template.value(scope).map_err(|_| lacks("alert"))? {
        Json::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

fn lacks(name: &str) -> (Fault, String) {
    (Fault::NoValue, format!("`{name}` has no value"))
}
