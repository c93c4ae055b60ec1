//! An envelope becomes an input; the input's answer, once it is on disk, becomes the acknowledgement.
//!
//! Persist, acknowledge, then work: an envelope whose input was not written is not acknowledged. Slack sends events again,
//! and shows a person whose click got lost a warning, so that they click again.

mod translate;
mod unknown;

pub use unknown::UnknownFrame;

use crate::clock::Clock;
use crate::domain::effect::ReplyTo;
use crate::domain::ids::{AlertId, InputKey};
use crate::domain::input::{Act, Answer, Binding, Delivery, Form, Input, Verb};
use crate::domain::refusal::Refusal;
use crate::inbox::Inbox;
use crate::slack::directory::Hint;
use crate::slack::outbound::Outbound;
use crate::slack::payload::Envelope;
use crate::slack::socket::Hearer;
use crate::slack::view::Message;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use translate::{Asked, Heard};
use unknown::Unknown;

/// What is wrong with a form: the block's id, and what to do.
pub type Mistakes = Vec<(&'static str, String)>;

/// What our own buttons, forms and commands mean. `slack::action_id`, `slack::view::form` and `slack::command` say it.
pub trait Vocabulary: Send + Sync + 'static {
    /// A button's or choice's act; `None` where it is not one of ours.
    fn pressed(&self, action_id: &str, value: &str) -> Option<(Act, Binding)>;
    /// A form sent (`view.callback_id`, `view.private_metadata`, `view.state.values`); `None` where it is not one of ours.
    fn submitted(
        &self,
        callback_id: &str,
        private_metadata: &str,
        values: &Value,
    ) -> Option<Result<(Act, Binding), Mistakes>>;
    /// A refusal that is about a field of a form, to be said there while the form is still open.
    fn mistakes(&self, refusal: &Refusal) -> Option<Mistakes>;
    /// What was typed after `/vigie`.
    fn command(&self, text: &str) -> Verb;
}

/// Renders a form from the newest state.
#[async_trait]
pub trait FormSource: Send + Sync + 'static {
    /// The view for `views.open`; `None` where there is no such alert any more.
    async fn form(&self, form: Form, alert: &AlertId) -> Option<Value>;
}

/// What `Inbound` works with.
pub struct Parts {
    pub inbox: Inbox,
    pub clock: Clock,
    pub vocabulary: Arc<dyn Vocabulary>,
    pub forms: Arc<dyn FormSource>,
    pub outbound: Outbound,
    /// Where it is said that people, groups or channels have changed.
    pub hints: UnboundedSender<Hint>,
}

/// Takes Slack's envelopes. Cheap to clone.
#[derive(Clone)]
pub struct Inbound {
    parts: Arc<Parts>,
    unknown: Arc<Unknown>,
}

#[async_trait]
impl Hearer for Inbound {
    async fn hear(&self, frame: String) -> Option<String> {
        let Ok(envelope) = serde_json::from_str::<Envelope>(&frame) else {
            self.unknown.keep("unparsable", frame);
            return None;
        };
        let Some(id) = envelope.envelope_id.clone() else {
            self.unknown
                .keep(&format!("frame:{}", envelope.kind.as_deref().unwrap_or("none")), frame);
            return None;
        };
        let payload = self.take(envelope, frame).await?;
        Some(match payload {
            Some(payload) => json!({"envelope_id": id, "payload": payload}).to_string(),
            None => json!({"envelope_id": id}).to_string(),
        })
    }
}

impl Inbound {
    pub fn new(parts: Parts) -> Self {
        Self { parts: Arc::new(parts), unknown: Arc::default() }
    }

    /// The newest frames that were not understood, oldest first, for a person who looks into it. They hold what people wrote.
    pub fn recent_unknown(&self) -> Vec<UnknownFrame> {
        self.unknown.recent()
    }

    /// The acknowledgement's payload, if it has one. `None`: it must not be acknowledged.
    async fn take(&self, envelope: Envelope, frame: String) -> Option<Option<Value>> {
        let may_answer = envelope.accepts_response_payload.unwrap_or(true);
        match translate::translate(envelope, self.parts.vocabulary.as_ref()) {
            Heard::Asked(asked) => {
                let payload = self.offer(*asked).await?;
                Some(payload.filter(|_| may_answer))
            }
            Heard::Mistaken(mistakes) => Some(Some(correction(&mistakes))),
            Heard::Changed(hint) => {
                let _ = self.parts.hints.send(hint);
                Some(None)
            }
            Heard::Nothing => Some(None),
            Heard::Unknown(kind) => {
                self.unknown.keep(&kind, frame);
                Some(None)
            }
        }
    }

    async fn offer(&self, asked: Asked) -> Option<Option<Value>> {
        let mut payload = None;
        for (key, input) in asked.inputs {
            let sends_form = matches!(&input, Input::Click(click) if is_form(&click.act));
            let reply_to = input.reply_to().cloned();
            let delivery =
                Delivery { key: Some(InputKey::new(key)), at: self.parts.clock.now(), input };
            let answer = match self.parts.inbox.offer(delivery).await {
                Ok(answer) => answer,
                Err(not_written) => {
                    metrics::counter!("vigie_slack_envelopes_not_written_total").increment(1);
                    tracing::warn!(
                        "an interaction was not recorded, and so not acknowledged: {not_written}"
                    );
                    return None;
                }
            };
            match answer {
                Answer::Form { form, alert } => {
                    self.open(asked.trigger.clone(), (form, alert), reply_to);
                }
                Answer::Refused { refusal } if sends_form => {
                    payload = self.parts.vocabulary.mistakes(&refusal).map(|m| correction(&m));
                }
                Answer::Refused { .. } | Answer::Done | Answer::Alert { .. } => {}
            }
        }
        Some(payload)
    }

    /// Opens a form beside the acknowledgement, which does not wait for it.
    fn open(&self, trigger: Option<String>, (form, alert): (Form, AlertId), who: Option<ReplyTo>) {
        let Some(trigger) = trigger else { return };
        let parts = self.parts.clone();
        tokio::spawn(async move {
            let Some(view) = parts.forms.form(form, &alert).await else {
                tracing::warn!(%alert, "the alert whose form was asked for is not there");
                return;
            };
            let Err(failure) = parts.outbound.open_view(&trigger, &view).await else { return };
            // The same click delivered twice: its form is open.
            if failure.word() == Some("exchanged_trigger_id") {
                return;
            }
            metrics::counter!("vigie_slack_forms_not_opened_total").increment(1);
            tracing::warn!(%alert, "a form could not be opened: {failure}");
            if let Some(who) = who
                && let Err(failure) = parts.outbound.reply(&who, &not_opened()).await
            {
                tracing::warn!(%alert, "nor could that be said: {failure}");
            }
        });
    }
}

fn is_form(act: &Act) -> bool {
    match act {
        Act::Resolve { .. } | Act::Assign { .. } => true,
        Act::Acknowledge | Act::Reopen | Act::AskResolve | Act::AskAssign => false,
    }
}

fn not_opened() -> Message {
    let text = "The form could not be opened in time. Please click again.".to_owned();
    Message { text, blocks: json!([]), attachments: json!([]) }
}

/// The acknowledgement that keeps a form open and shows what is wrong.
fn correction(mistakes: &Mistakes) -> Value {
    let errors: Map<String, Value> = mistakes
        .iter()
        .map(|(block, words)| ((*block).to_owned(), words.as_str().into()))
        .collect();
    json!({"response_action": "errors", "errors": errors})
}

#[cfg(test)]
mod tests;
