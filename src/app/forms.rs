//! Where Slack's inbound side meets the views: what our buttons mean, and how a form is rendered.

use crate::clock::Clock;
use crate::domain::alert::lifecycle::Alert;
use crate::domain::ids::AlertId;
use crate::domain::input::{Act, Binding, Form, Verb};
use crate::domain::playbook::run::Run;
use crate::domain::refusal::Refusal;
use crate::engine::Surroundings;
use crate::slack::action_id::{self, Signer};
use crate::slack::command;
use crate::slack::inbound::{FormSource, Mistakes, Vocabulary};
use crate::slack::view::run::Shown;
use crate::slack::view::{self, Look, OnOffer, form};
use crate::store::{Reader, alerts, runs};
use async_trait::async_trait;
use rusqlite::Connection;
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
        let (run, alert) = self.load(&form, alert).await?;
        let (policy, directory) = self.surroundings.now();
        let look = Look {
            directory: &directory,
            zone: &policy.timezone,
            now: self.clock.now(),
            signer: &self.signer,
            offered: OnOffer::default(),
        };
        let modal = match (form, alert, run) {
            (Form::Resolve, Some(alert), _) => view::form::resolve(&alert, &look),
            (Form::Assign, Some(alert), _) => view::form::assign(&alert, &look),
            (Form::Ask { playbook }, Some(alert), _) => {
                view::run::ask::form(policy.playbooks.0.get(&playbook)?, &alert, &look)?
            }
            (Form::Plan { .. }, alert, Some(run)) => {
                let shown =
                    Shown { run: &run, alert: alert.as_ref(), catalogue: &policy.catalogue };
                view::run::plan::form(&shown, &look)
            }
            (Form::Run { .. }, alert, Some(run)) => {
                let shown =
                    Shown { run: &run, alert: alert.as_ref(), catalogue: &policy.catalogue };
                view::run::plan::shown(&shown, &look)
            }
            (_, None, _) | (_, _, None) => return None,
        };
        Some(modal.0)
    }
}

impl Forms {
    /// What the form shows, as it stands.
    async fn load(&self, form: &Form, alert: &AlertId) -> Option<(Option<Run>, Option<Alert>)> {
        let id = alert.clone();
        let run = match form {
            Form::Plan { run } | Form::Run { run } => Some(run.clone()),
            Form::Resolve | Form::Assign | Form::Ask { .. } => None,
        };
        let load = move |connection: &Connection| {
            let run = run.map(|run| runs::load(connection, &run)).transpose()?.flatten();
            let of = run.as_ref().and_then(|run| run.planned.alert.clone()).unwrap_or(id);
            Ok((run, alerts::load(connection, &of)?))
        };
        match self.reader.query(load).await {
            Ok(loaded) => Some(loaded),
            Err(error) => {
                tracing::error!(%error, "A form cannot be rendered: the store does not read");
                None
            }
        }
    }
}
