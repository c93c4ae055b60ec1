//! An envelope becomes an input; the input's answer, once it is on disk, becomes the acknowledgement.
//!
//! Persist, acknowledge, then work: an envelope whose input was not written is not acknowledged. Slack sends events again,
//! and shows a person whose click got lost a warning, so that they click again.

mod opening;
mod redact;
mod translate;
mod unknown;

use crate::clock::Clock;
use crate::domain::ids::{AlertId, ChannelId, InputKey};
use crate::domain::input::{Act, Answer, Binding, Delivery, Form, Input, Verb};
use crate::domain::people::Actor;
use crate::domain::refusal::Refusal;
use crate::domain::time::Timestamp;
use crate::fresh;
use crate::inbox::Inbox;
use crate::slack::directory::Hint;
use crate::slack::outbound::Outbound;
use crate::slack::payload::Envelope;
use crate::slack::socket::Hearer;
use async_trait::async_trait;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use translate::{Asked, Heard};
use unknown::Unknown;

/// What is wrong with a form: the block's id, and what to do.
pub type Mistakes = Vec<(String, String)>;

/// What our own buttons, forms and commands mean. `slack::action_id`, `slack::view::form` and `slack::command` say it.
pub trait Vocabulary: Send + Sync + 'static {
    /// A button's or choice's act, on each alert that it is for; none where it is not one of ours.
    fn pressed(&self, action_id: &str, value: &str) -> Vec<(Act, Binding)>;
    /// A form sent (`view.callback_id`, `view.private_metadata`, `view.state.values`); `None` where it is not one of ours.
    fn submitted(
        &self,
        callback_id: &str,
        private_metadata: &str,
        values: &Value,
    ) -> Option<Result<(Act, Binding), Mistakes>>;
    /// Why a form that was sent is refused, to be said in it while it is still open.
    fn mistakes(&self, sent: &Act, refusal: &Refusal) -> Mistakes;
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
    /// Where it is said that a channel may be closed to us.
    pub places: UnboundedSender<ChannelId>,
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
            self.strange("unparsable", &frame);
            return None;
        };
        let Some(id) = envelope.envelope_id.clone() else {
            let kind = envelope.kind.as_deref().unwrap_or("none");
            self.strange(&format!("frame:{kind}"), &frame);
            return None;
        };
        self.say_when();
        let payload = self.take(envelope, frame).await?;
        Some(match payload {
            Some(payload) => json!({"envelope_id": id, "payload": payload}).to_string(),
            None => json!({"envelope_id": id}).to_string(),
        })
    }
}

impl Inbound {
    pub fn new(parts: Parts) -> Self {
        let unknown = Arc::new(Unknown::new(parts.clock.instant()));
        Self { parts: Arc::new(parts), unknown }
    }

    /// It is not understood. Slack need not send it again, so whoever has an envelope acknowledges it.
    fn strange(&self, kind: &str, frame: &str) {
        self.unknown.keep(&self.parts.inbox, self.parts.clock.instant(), (kind, frame));
    }

    /// Somebody can be told when nothing has come for longer than it ever does.
    fn say_when(&self) {
        let now = Duration::from_millis(self.parts.clock.now().as_millis().unsigned_abs());
        metrics::gauge!("vigie_slack_last_envelope_timestamp_seconds").set(now.as_secs_f64());
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
            Heard::Closed(channel) => {
                let _ = self.parts.places.send(channel);
                Some(None)
            }
            Heard::Nothing => Some(None),
            Heard::Unknown(kind) => {
                self.strange(&kind, &frame);
                Some(None)
            }
        }
    }

    async fn offer(&self, asked: Asked) -> Option<Option<Value>> {
        let first = asked.inputs.first().map(|(_, input)| input);
        if let Some(Actor::Person(user)) = first.map(Input::actor) {
            let _ = self.parts.hints.send(Hint::Met(user));
        }
        let sent = first.and_then(sent_form).cloned();
        let reply_to = first.and_then(Input::reply_to).cloned();
        let at = self.parts.clock.now();
        let deliveries = asked.inputs.into_iter().map(|(key, input)| Delivery {
            key: key.map(InputKey::new),
            at,
            input: with_a_run(input, at),
        });
        let answers = match self.parts.inbox.offer_all(deliveries).await {
            Ok(answers) => answers,
            Err(not_written) => {
                metrics::counter!("vigie_slack_envelopes_not_written_total").increment(1);
                tracing::warn!(
                    "an interaction was not recorded, and so not acknowledged: {not_written}"
                );
                return None;
            }
        };
        let mut payload = None;
        for answer in answers {
            match answer {
                // A form that was sent goes on as the next one, while it is open.
                Answer::Form { form, alert } if sent.is_some() => {
                    let view = self.parts.forms.form(form, &alert).await;
                    payload = view.map(|view| json!({"response_action": "update", "view": view}));
                }
                Answer::Form { form, alert } => {
                    let (parts, trigger) = (self.parts.clone(), asked.trigger.clone());
                    let reply_to = reply_to.clone();
                    tokio::spawn(async move {
                        opening::open(&parts, trigger, (form, alert), reply_to).await;
                    });
                }
                Answer::Refused { refusal } => {
                    let mistakes =
                        sent.as_ref().map(|act| self.parts.vocabulary.mistakes(act, &refusal));
                    payload = mistakes.map(|mistakes| correction(&mistakes));
                }
                Answer::Done | Answer::Alert { .. } | Answer::Call(_) => {}
            }
        }
        Some(payload)
    }
}

/// What begins a run gets the run's id: nobody but us gives one.
fn with_a_run(mut input: Input, at: Timestamp) -> Input {
    if let Input::Click(click) = &mut input
        && let Act::AskRun { run, .. } | Act::PlanRun { run, .. } | Act::UndoRun { run } =
            &mut click.act
    {
        *run = fresh::run_id(at);
    }
    input
}

/// What a form that was sent does. The domain leaves its refusals to the acknowledgement (`react`).
fn sent_form(input: &Input) -> Option<&Act> {
    match input {
        Input::Click(click) => Some(&click.act).filter(|act| act.action().is_sent_by_a_form()),
        Input::Alert(_) | Input::Command(_) | Input::Moment(_) | Input::Outcome(_) => None,
    }
}

/// The acknowledgement that keeps a form open and shows what is wrong.
fn correction(mistakes: &Mistakes) -> Value {
    let errors: Map<String, Value> =
        mistakes.iter().map(|(block, words)| (block.clone(), words.as_str().into())).collect();
    json!({"response_action": "errors", "errors": errors})
}

#[cfg(test)]
mod tests;
