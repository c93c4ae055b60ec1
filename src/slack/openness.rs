//! Whether a channel takes our messages, as Slack tells it: events about it come late, twice, or not at all.

use crate::domain::ids::ChannelId;
use crate::slack::failure::Failure;
use crate::slack::outbound::Outbound;
use serde_json::{Value, json};

impl Outbound {
    /// Slack's error word for why nobody of ours can write in that channel; `None` where it takes messages, or where Slack
    /// will not tell. An error: Slack cannot tell now.
    pub async fn closed(&self, channel: &ChannelId) -> Result<Option<&'static str>, Failure> {
        let asked = json!({"channel": channel.as_str()});
        match self.api.call("conversations.info", &asked).await {
            Ok(answer) => Ok(of(&answer)),
            Err(Failure::Rejected { word }) if word == "channel_not_found" => {
                Ok(Some("channel_not_found"))
            }
            Err(Failure::Rejected { .. } | Failure::BadToken { .. }) => Ok(None),
            Err(
                failure @ (Failure::NotSent { .. }
                | Failure::RateLimited { .. }
                | Failure::Uncertain { .. }),
            ) => Err(failure),
        }
    }
}

/// Field names and meaning: docs.slack.dev, "Conversation object".
fn of(answer: &Value) -> Option<&'static str> {
    let says = |field: &str| answer.pointer(&format!("/channel/{field}")).and_then(Value::as_bool);
    match (says("is_archived"), says("is_member")) {
        (Some(true), _) => Some("is_archived"),
        (_, Some(false)) => Some("not_in_channel"),
        (_, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_closed_only_where_slack_says_so() {
        let table = [
            (json!({"channel": {"is_archived": true, "is_member": true}}), Some("is_archived")),
            (
                json!({"channel": {"is_archived": false, "is_member": false}}),
                Some("not_in_channel"),
            ),
            (json!({"channel": {"is_archived": false, "is_member": true}}), None),
            (json!({"channel": {"id": "C1"}}), None),
            (json!({}), None),
        ];
        for (answer, closed) in table {
            assert_eq!(of(&answer), closed, "{answer}");
        }
    }
}
