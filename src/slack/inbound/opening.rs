//! Opens the form that a click asked for; where that fails, who clicked is told what happened and what to do.

use crate::domain::effect::ReplyTo;
use crate::domain::ids::AlertId;
use crate::domain::input::Form;
use crate::slack::failure::Failure;
use crate::slack::inbound::Parts;
use crate::slack::outbound::{MessageMark, Place, Replied};
use crate::slack::view::Message;
use crate::slack::view::clean::escape;
use serde_json::json;

/// Opens the form. The acknowledgement does not wait for it.
pub(super) async fn open(
    parts: &Parts,
    trigger: Option<String>,
    (form, alert): (Form, AlertId),
    who: Option<ReplyTo>,
) {
    let Err(words) = try_open(parts, trigger, (form, &alert)).await else { return };
    metrics::counter!("vigie_slack_forms_not_opened_total").increment(1);
    if let Some(who) = who
        && let Err(failure) = tell(parts, &who, words).await
    {
        tracing::warn!(%alert, "that a form was not opened could not be said: {failure}");
    }
}

/// `Err` says why not, in words for who clicked.
async fn try_open(
    parts: &Parts,
    trigger: Option<String>,
    (form, alert): (Form, &AlertId),
) -> Result<(), String> {
    let Some(trigger) = trigger else {
        tracing::warn!(%alert, "a click that asks for a form came without a trigger");
        return Err("The form could not be opened: Slack sent your click without what it takes to open one. \
                    Please click again; if it stays so, tell whoever runs me."
            .to_owned());
    };
    let Some(view) = parts.forms.form(form, alert).await else {
        tracing::warn!(%alert, "the alert whose form was asked for cannot be read");
        return Err(
            "The form could not be opened: I cannot read this alert now. Nothing was changed. \
                    Try again in a minute; if it stays so, tell whoever runs me."
                .to_owned(),
        );
    };
    match parts.outbound.open_view(&trigger, &view).await {
        Ok(()) => Ok(()),
        // The same click delivered twice: its form is open.
        Err(failure) if failure.word() == Some("exchanged_trigger_id") => Ok(()),
        Err(failure) => {
            tracing::warn!(%alert, "a form could not be opened: {failure}");
            Err(not_opened(&failure))
        }
    }
}

async fn tell(parts: &Parts, who: &ReplyTo, words: String) -> Result<(), Failure> {
    let message = Message { text: escape(&words), blocks: json!([]), attachments: json!([]) };
    match parts.outbound.reply(who, &message).await? {
        Replied::Said => Ok(()),
        Replied::OnlyByDm => {
            let place = Place::person(who.user.clone());
            parts.outbound.post(&place, &message, &MessageMark::unsought()).await.map(drop)
        }
    }
}

/// Only what was too late is worth another click; what Slack refuses, it refuses again.
fn not_opened(failure: &Failure) -> String {
    match failure {
        Failure::Rejected { word } if word.contains("trigger") => {
            "The form could not be opened in time. Please click again.".to_owned()
        }
        Failure::Uncertain { .. } | Failure::NotSent { .. } => {
            "The form could not be opened: Slack did not answer in time. Please click again."
                .to_owned()
        }
        Failure::RateLimited { after, .. } => format!(
            "The form could not be opened: Slack limits how many I may open. Please click again in {} s.",
            after.as_secs().max(1)
        ),
        Failure::Rejected { .. } | Failure::BadToken { .. } => format!(
            "The form could not be opened. {failure}. Clicking again will not help: tell whoever runs me."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_was_too_late_is_worth_another_click() {
        let refused = |word: &str| Failure::Rejected { word: word.to_owned() };
        let again = |failure: &Failure| not_opened(failure).contains("lease click again");
        assert!(again(&refused("expired_trigger_id")));
        assert!(again(&Failure::Uncertain { why: "no answer within 10 s".into() }));
        let limited = Failure::RateLimited { method: "views.open", after: Duration::from_secs(7) };
        assert!(not_opened(&limited).contains("in 7 s"));
        let view = not_opened(&refused("invalid_arguments"));
        assert!(view.contains("invalid_arguments") && view.contains("whoever runs me"), "{view}");
        let token = Failure::BadToken { word: "token_revoked".into(), needed: None };
        assert!(!again(&token) && not_opened(&token).contains("token_revoked"));
    }
}
