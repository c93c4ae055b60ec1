//! Where Slack's inbound side meets the views: what our buttons mean, and how a form is rendered.

use crate::clock::Clock;
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Binding, Form, Verb};
use crate::domain::refusal::Refusal;
use crate::engine::Surroundings;
use crate::slack::action_id::{self, Signer};
use crate::slack::command;
use crate::slack::inbound::{FormSource, Mistakes, Vocabulary};
use crate::slack::view::{self, Look, form};
use crate::store::{Reader, alerts};
use async_trait::async_trait;
use serde_json::Value;

/// What was pressed, sent and typed, in our own words.
pub struct Words {
    pub signer: Signer,
}

impl Vocabulary for Words {
    fn pressed(&self, action_id: &str, value: &str) -> Vec<(Act, Binding)> {
        action_id::pressed(action_id, value, &self.signer)
    }

    fn submitted(
        &self,
        callback_id: &str,
        metadata: &str,
        values: &Value,
    ) -> Option<Result<(Act, Binding), Mistakes>> {
        form::submitted(callback_id, metadata, values, &self.signer)
    }

    fn mistakes(&self, sent: &Act, refusal: &Refusal) -> Mistakes {
        form::mistakes(sent, refusal)
    }

    fn command(&self, text: &str) -> Verb {
        command::parse(text)
    }
}

/// Renders forms from the newest state.
pub struct Forms {
    pub reader: Reader,
    pub surroundings: Surroundings,
    pub signer: Signer,
    pub clock: Clock,
}

#[async_trait]
impl FormSource for Forms {
    async fn form(&self, form: Form, alert: &AlertId) -> Option<Value> {
        let id = alert.clone();
        let loaded = self.reader.query(move |connection| alerts::load(connection, &id)).await;
        let alert = match loaded {
            Ok(alert) => alert?,
            Err(error) => {
                tracing::error!(%error, "A form cannot be rendered: the store does not read");
                return None;
            }
        };
        let (policy, directory) = self.surroundings.now();
        let look = Look {
            directory: &directory,
            zone: &policy.timezone,
            now: self.clock.now(),
            signer: &self.signer,
        };
        Some(view::form::open(form, &alert, &look).0)
    }
}
