//! What a message looks like on Slack's wire.

use serde_json::Value;

/// A message: the fallback that phones show, its blocks, and the attachments that carry the colour bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    pub text: String,
    pub blocks: Value,
    pub attachments: Value,
}
