//! Finding a message that may or may not have been posted, by the mark that it carries.

use crate::domain::alert::lifecycle::Posted;
use crate::domain::ids::{ChannelId, MessageTs};
use crate::domain::people::ChannelRef;
use crate::slack::failure::Failure;
use crate::slack::outbound::{EVENT_TYPE, MessageMark, Outbound, Place, Target, lock};
use serde_json::{Value, json};
use std::time::Duration;

/// How many messages a page has; 200 is what Slack recommends at most.
const PAGE: u32 = 200;
/// After so many messages it cannot be told.
pub(super) const PAGES: usize = 10;
/// Names are looked up in so many channels at most.
const CHANNEL_PAGES: usize = 20;
/// Clocks do not run quite alike: a message may be a little older than it is by ours.
const SKEW: Duration = Duration::from_secs(5 * 60);

/// What came of looking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the message of each mark stands; in their order.
    pub stands: Vec<Option<Posted>>,
    /// All that could hold them was read: what was not found does not stand. False where there is more than is read, or the
    /// channel is not known by its name.
    pub is_all: bool,
}

impl Outbound {
    /// Looks for the messages with these marks, of which none can be older than `age`. What time it is does not matter, for the
    /// machine's clock may be wrong: in a channel it looks from the newest message so far back, a thread is read whole. An error:
    /// Slack does not tell (no history scope, not in the channel).
    pub async fn find(
        &self,
        place: &Place,
        marks: &[MessageMark],
        age: Duration,
    ) -> Result<Found, Failure> {
        let mut found = Found { stands: vec![None; marks.len()], is_all: false };
        let Some(channel) = self.channel_of(&place.target).await? else { return Ok(found) };
        let bot = self.own_bot().await;
        let mut arguments = json!({
            "channel": channel.as_str(), "include_all_metadata": true, "limit": PAGE,
        });
        let method = match &place.thread {
            Some(thread) => {
                arguments["ts"] = thread.as_str().into();
                "conversations.replies"
            }
            None => "conversations.history",
        };
        let mut oldest = None;
        let mut is_past = false;
        for _ in 0..PAGES {
            let answer = self.api.call(method, &arguments).await?;
            let messages = answer.get("messages").and_then(Value::as_array);
            for message in messages.into_iter().flatten() {
                let Some(ts) = message.get("ts").and_then(Value::as_str) else { continue };
                if place.thread.is_none() {
                    let at = seconds(ts);
                    let reach = (age + SKEW).as_secs();
                    is_past |= at < *oldest.get_or_insert(at.saturating_sub(reach));
                }
                for (mark, stands) in marks.iter().zip(&mut found.stands) {
                    if stands.is_none() && is_ours(message, mark, bot.as_deref()) {
                        let (channel, ts) = (channel.clone(), MessageTs::new(ts));
                        *stands = Some(Posted { channel, ts });
                    }
                }
            }
            let cursor = next_cursor(&answer);
            found.is_all = is_past || cursor.is_none();
            if found.is_all || found.stands.iter().all(Option::is_some) {
                return Ok(found);
            }
            arguments["cursor"] = cursor.into();
        }
        Ok(found)
    }

    async fn channel_of(&self, target: &Target) -> Result<Option<ChannelId>, Failure> {
        match target {
            Target::Channel(id) => Ok(Some(id.clone())),
            Target::Person(user) => self.open_dm(user).await.map(Some),
            Target::Named(name) => self.look_up(name).await,
        }
    }

    /// History wants an id, where posting takes a name.
    async fn look_up(&self, name: &ChannelRef) -> Result<Option<ChannelId>, Failure> {
        if let Some(known) = lock(&self.known.channels).get(name) {
            return Ok(Some(known.clone()));
        }
        let bare = name.0.trim_start_matches('#');
        let mut arguments = json!({
            "types": "public_channel,private_channel", "exclude_archived": true, "limit": PAGE,
        });
        for _ in 0..CHANNEL_PAGES {
            let answer = self.api.call("conversations.list", &arguments).await?;
            let channels = answer.get("channels").and_then(Value::as_array);
            let is_it = |c: &&Value| c.get("name").and_then(Value::as_str) == Some(bare);
            let found = channels.into_iter().flatten().find(is_it);
            if let Some(id) = found.and_then(|c| c.get("id")).and_then(Value::as_str) {
                let id = ChannelId::new(id);
                lock(&self.known.channels).insert(name.clone(), id.clone());
                return Ok(Some(id));
            }
            let Some(cursor) = next_cursor(&answer) else { break };
            arguments["cursor"] = cursor.into();
        }
        Ok(None)
    }

    /// Our own bot's id, so that another app's message with our mark is not taken for ours.
    async fn own_bot(&self) -> Option<String> {
        let asked = self.known.bot.get_or_try_init(async || {
            let answer = self.api.call("auth.test", &json!({})).await?;
            Ok::<_, Failure>(answer.get("bot_id").and_then(Value::as_str).map(str::to_owned))
        });
        asked.await.ok().cloned().flatten()
    }
}

fn is_ours(message: &Value, mark: &MessageMark, bot: Option<&str>) -> bool {
    let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
    let ids = message.pointer("/metadata/event_payload/ids").and_then(Value::as_array);
    let ids: Vec<&str> = ids.into_iter().flatten().filter_map(Value::as_str).collect();
    let marked = text("/metadata/event_type") == Some(EVENT_TYPE) && mark.is_among(&ids);
    marked && (bot.is_none() || text("/bot_id").is_none() || text("/bot_id") == bot)
}

/// Where the next page starts; Slack ends with an empty cursor, or none.
pub fn next_cursor(answer: &Value) -> Option<String> {
    let cursor = answer.pointer("/response_metadata/next_cursor")?.as_str()?;
    (!cursor.is_empty()).then(|| cursor.to_owned())
}

/// The whole seconds of a message's stamp, `1732500000.000100`. What cannot be read counts as new.
fn seconds(ts: &str) -> u64 {
    ts.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_marked_message_is_taken_over() {
        let mark = MessageMark::new("jrn_1/7".into());
        let message = |kind: &str, id: &str, bot: &str| json!({"bot_id": bot, "metadata": {"event_type": kind, "event_payload": {"ids": ["jrn_1/6", id]}}});
        let table = [
            (message("vigie", "jrn_1/7", "B1"), true),
            (message("vigie", "jrn_1/8", "B1"), false),
            (message("other", "jrn_1/7", "B1"), false),
            (message("vigie", "jrn_1/7", "B2"), false),
            (json!({"text": "jrn_1/7"}), false),
        ];
        for (message, ours) in table {
            assert_eq!(is_ours(&message, &mark, Some("B1")), ours, "{message}");
        }
        assert!(is_ours(&message("vigie", "jrn_1/7", "B2"), &mark, None));
    }

    #[test]
    fn a_stamp_is_read_by_its_seconds() {
        assert_eq!(seconds("1732500000.000100"), 1_732_500_000);
        assert_eq!(seconds("?"), u64::MAX);
    }
}
