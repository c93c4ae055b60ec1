//! How everything looks and reads: state in, blocks out. Pure; the words of each view stand in its file.
//!
//! What an alert says is untrusted: it stands only in `plain_text` and in rich text, cleaned and cut by `kit`. Markup is
//! built through `mrkdwn::Mrkdwn`, which it cannot enter. `checks` holds every message to that and to Slack's sizes.

pub mod alert;
pub mod checks;
pub mod clean;
pub mod digest;
mod facts;
pub mod form;
pub mod kit;
pub mod line;
pub mod mrkdwn;
pub mod notify;
pub mod permalink;
pub mod place;
mod refused;
pub mod reply;
pub mod run;
mod status;
pub mod unrecorded;
pub mod words;

use crate::domain::alert::lifecycle::Alert;
use crate::domain::people::Directory;
use crate::domain::playbook::{Playbook, Trigger};
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::slack::action_id::Signer;
use clean::{Shape, escape, fit};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// What a view needs beside the state it shows.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub directory: &'a Directory,
    /// Where people's times are told in.
    pub zone: &'a TimeZone,
    pub now: Timestamp,
    pub signer: &'a Signer,
    pub offered: OnOffer<'a>,
}

/// The playbooks that are offered at an alert.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnOffer<'a>(pub Option<&'a Policy>);

impl<'a> OnOffer<'a> {
    /// Those that somebody can start for this alert, by their names.
    pub fn at(self, alert: &Alert) -> Vec<&'a Playbook> {
        let Some(policy) = self.0 else { return Vec::new() };
        let all = policy.playbooks.0.values().filter(|playbook| playbook.on == Trigger::Button);
        all.filter(|playbook| policy.offers(alert, playbook)).map(AsRef::as_ref).collect()
    }
}

/// A message as it goes to Slack. All three parts go into every update, for Slack keeps what is left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What a lock screen and a screen reader get; escaped.
    pub text: String,
    pub blocks: Value,
    pub attachments: Value,
}

/// A form as `views.open` takes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Modal(pub Value);

impl Message {
    /// A message without attachments; `text` is plain and gets escaped.
    fn new(text: &str, blocks: Vec<Value>) -> Self {
        Self { text: fallback(text), blocks: Value::Array(blocks), attachments: json!([]) }
    }

    #[must_use]
    fn with_details(mut self, details: Value) -> Self {
        self.attachments = details;
        self
    }

    /// The first of these sizes at which the message stays within what Slack takes; the last where none does.
    fn at_most<T: Copy>(sizes: &[T], render: impl Fn(T) -> Self) -> Self {
        let (last, larger) = sizes.split_last().expect("there is always a size to try");
        let fitting = larger.iter().map(|size| render(*size)).find(Self::fits);
        fitting.unwrap_or_else(|| render(*last))
    }

    fn fits(&self) -> bool {
        length(&self.arguments()) <= kit::size::MESSAGE
    }

    /// The arguments of `chat.postMessage`, `chat.update` or an answer that are the view's to say. Nothing is unfurled.
    pub fn arguments(&self) -> Value {
        json!({
            "text": self.text,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "unfurl_links": false,
            "unfurl_media": false,
        })
    }
}

/// How long a message is by the strictest count: all of its JSON, in UTF-16 units.
pub fn length(arguments: &Value) -> usize {
    let parts = ["text", "blocks", "attachments"].map(|part| arguments[part].to_string());
    parts.iter().map(|part| part.encode_utf16().count()).sum()
}

/// The text that stands for the blocks where they cannot be shown.
fn fallback(text: &str) -> String {
    escape(&fit(text, kit::size::FALLBACK, Shape::Line))
}

#[cfg(test)]
mod tests;
