//! What Slack sends over its sockets, read leniently: every field may be missing, null or of another shape than promised.
//!
//! slack-morphism's own structs refuse every Enterprise Grid click (`team: null`) and drop half of the fields (SLACK.md).
//! A field of an odd shape is as good as missing here; only what is no JSON at all, or no object, is not understood.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Reads what it can; what does not fit is none.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    input: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(input)?).ok())
}

/// A list whose odd members are left out.
fn lenient_list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    input: D,
) -> Result<Vec<T>, D::Error> {
    let list = match Value::deserialize(input)? {
        Value::Array(list) => list,
        _ => Vec::new(),
    };
    Ok(list.into_iter().filter_map(|member| serde_json::from_value(member).ok()).collect())
}

/// `true`, `"true"`: Slack writes `is_enterprise_install` both ways.
fn lenient_flag<'de, D: Deserializer<'de>>(input: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(input)? {
        Value::Bool(flag) => Some(flag),
        Value::String(word) => word.parse().ok(),
        _ => None,
    })
}

/// Defines structs of which every field is optional and read leniently, and which keep what they do not know.
macro_rules! payload {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(default)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(deserialize_with = "lenient")] pub $field: Option<$type>,)*
            /// Whatever else Slack sent.
            #[serde(flatten)]
            pub rest: Map<String, Value>,
        }
    )*};
}

payload! {
    /// The wrapper of everything that wants an acknowledgement.
    Envelope {
        envelope_id: String,
        #[serde(rename = "type")]
        kind: String,
        /// Whether the acknowledgement may carry a payload.
        accepts_response_payload: bool,
        payload: Value,
    }

    /// Somebody, as an interaction or event names them.
    User { id: String, team_id: String, name: String, username: String }

    /// A workspace. Null for an app that an organisation installed.
    Team { id: String, domain: String, enterprise_id: String }

    /// An organisation of Enterprise Grid.
    Enterprise { id: String, name: String }

    Channel { id: String, name: String }

    /// Where an element stood.
    Container { #[serde(rename = "type")] kind: String, channel_id: String, message_ts: String, view_id: String }

    /// A menu's choice.
    Choice { value: String }

    /// A form or the Home tab.
    View {
        id: String,
        #[serde(rename = "type")]
        kind: String,
        callback_id: String,
        private_metadata: String,
        state: ViewState,
    }

    /// What was entered: by block, by action, the element's state.
    ViewState { values: Map<String, Value> }

    /// The inside of an `events_api` envelope.
    EventCallback { event_id: String, event: Event, team_id: String }

    /// An event; only its kind and whom or what it is about matter here.
    Event {
        #[serde(rename = "type")]
        kind: String,
        subtype: String,
        user: Value,
        /// An id, or the whole channel.
        channel: Value,
        deleted_ts: String,
        /// What a message has become.
        message: ChangedMessage,
    }

    /// A message within an event.
    ChangedMessage { subtype: String, ts: String }
}

/// The inside of an `interactive` envelope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Interaction {
    #[serde(rename = "type", deserialize_with = "lenient")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub user: Option<User>,
    #[serde(deserialize_with = "lenient")]
    pub team: Option<Team>,
    #[serde(deserialize_with = "lenient")]
    pub enterprise: Option<Enterprise>,
    #[serde(deserialize_with = "lenient")]
    pub channel: Option<Channel>,
    #[serde(deserialize_with = "lenient")]
    pub container: Option<Container>,
    #[serde(deserialize_with = "lenient")]
    pub view: Option<View>,
    #[serde(deserialize_with = "lenient")]
    pub trigger_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub response_url: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub callback_id: Option<String>,
    #[serde(deserialize_with = "lenient_flag")]
    pub is_enterprise_install: Option<bool>,
    #[serde(deserialize_with = "lenient_list")]
    pub actions: Vec<Action>,
    /// Whatever else Slack sent.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

payload! {
    /// One element that was used.
    Action {
        #[serde(rename = "type")]
        kind: String,
        action_id: String,
        block_id: String,
        value: String,
        selected_option: Choice,
        /// A link button's: Slack has opened it, and tells us.
        url: String,
        action_ts: String,
    }
}

/// The inside of a `slash_commands` envelope.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct SlashCommand {
    #[serde(deserialize_with = "lenient")]
    pub command: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub text: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub user_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub user_name: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub team_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub enterprise_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub channel_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub response_url: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub trigger_id: Option<String>,
    #[serde(deserialize_with = "lenient_flag")]
    pub is_enterprise_install: Option<bool>,
    /// Whatever else Slack sent.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_grid_click_parses_and_keeps_what_it_does_not_know() {
        let click: Interaction = serde_json::from_value(json!({
            "type": "block_actions", "team": null, "enterprise": {"id": "E1", "name": "Org"},
            "user": {"id": "W1", "team_id": "T1"}, "is_enterprise_install": "true",
            "actions": [{"action_id": "ack", "value": "v"}, "odd", {"selected_option": {"text": 5, "value": "x"}}],
            "channel": "odd", "new_in_2027": [1],
        }))
        .expect("it parses");
        assert!(click.team.is_none());
        assert_eq!(click.enterprise.and_then(|e| e.id).as_deref(), Some("E1"));
        assert_eq!(click.is_enterprise_install, Some(true));
        assert_eq!(click.actions.len(), 2);
        assert!(click.channel.is_none());
        assert_eq!(click.rest["new_in_2027"], json!([1]));
    }

    #[test]
    fn a_flag_is_read_in_both_of_its_spellings() {
        for (written, read) in
            [(json!(false), Some(false)), (json!("false"), Some(false)), (json!(7), None)]
        {
            let command: SlashCommand =
                serde_json::from_value(json!({"is_enterprise_install": written}))
                    .expect("it parses");
            assert_eq!(command.is_enterprise_install, read, "{written}");
        }
    }
}
