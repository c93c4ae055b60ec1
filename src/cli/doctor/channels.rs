//! The channels that the config names: there, open, with the bot in them, and ours alone.

use super::finding::Finding;
use super::scopes::holds;
use super::slack::Bot;
use crate::domain::ids::ChannelId;
use crate::domain::people::{ChannelRef, Directory};
use crate::slack::adoption::next_cursor;
use crate::slack::api::Api;
use crate::slack::failure::Failure;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const CHANNEL: &str = "channel";
/// `conversations.list` gives so many a page, and so many pages are looked through for one that is archived.
const PAGE: u32 = 1000;
const PAGES: usize = 5;

/// Looks at each of them. The directory knows the ids of those that are open.
pub async fn look(
    (api, bot): (&Api, &Bot),
    directory: &Directory,
    wanted: &BTreeSet<ChannelRef>,
) -> Vec<Finding> {
    if !holds(bot.scopes.as_ref(), "channels:read") {
        return vec![Finding::untried(CHANNEL, "the scope channels:read is missing")];
    }
    let named = wanted.iter().map(|written| (written, directory.channel(written)));
    let (found, unknown): (Vec<_>, Vec<_>) = named.partition(|(_, id)| id.is_some());
    let archived = match unknown.is_empty() {
        true => BTreeMap::new(),
        false => archived(api).await,
    };
    let mut findings: Vec<Finding> =
        unknown.into_iter().map(|(written, _)| nowhere(&written.0, &archived, &bot.name)).collect();
    let asked = found.into_iter().filter_map(|(written, id)| Some((written, id?)));
    let told = asked.map(async |(written, id): (&ChannelRef, ChannelId)| {
        let answer = api.call("conversations.info", &json!({"channel": id.as_str()})).await;
        judge(&written.0, &answer, bot)
    });
    findings.extend(join_all(told).await.into_iter().flatten());
    findings
}

/// The names of archived channels, as far as they can be told.
async fn archived(api: &Api) -> BTreeMap<String, ChannelId> {
    let mut found = BTreeMap::new();
    let mut asked = json!({"types": "public_channel,private_channel", "limit": PAGE});
    for _ in 0..PAGES {
        let Ok(answer) = api.call("conversations.list", &asked).await else { break };
        for channel in answer.get("channels").and_then(Value::as_array).into_iter().flatten() {
            let text = |field: &str| channel.get(field).and_then(Value::as_str);
            if channel.get("is_archived") == Some(&Value::Bool(true))
                && let (Some(name), Some(id)) = (text("name"), text("id"))
            {
                found.insert(name.to_owned(), ChannelId::new(id));
            }
        }
        match next_cursor(&answer) {
            Some(cursor) => asked["cursor"] = cursor.into(),
            None => break,
        }
    }
    found
}

fn nowhere(name: &str, archived: &BTreeMap<String, ChannelId>, bot: &str) -> Finding {
    if archived.contains_key(name.trim_start_matches('#')) {
        return is_archived(name);
    }
    let words =
        format!("{name}: there is no such channel, or it is private and the bot is not in it");
    let mend =
        format!("make it, or correct the name in the config; then type in it: /invite @{bot}");
    Finding::mend(CHANNEL, words, mend)
}

fn is_archived(name: &str) -> Finding {
    let words = format!("{name} is archived: nothing can be posted there");
    Finding::mend(CHANNEL, words, "unarchive it in Slack, or name another channel in the config")
}

/// What Slack tells of one channel. Field names and meaning: docs.slack.dev, "Conversation object".
fn judge(name: &str, answer: &Result<Value, Failure>, bot: &Bot) -> Vec<Finding> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(Failure::Rejected { word }) if word == "channel_not_found" => {
            return vec![nowhere(name, &BTreeMap::new(), &bot.name)];
        }
        Err(failure) => {
            return vec![Finding::warning(
                CHANNEL,
                format!("{name} was not seen: {failure}"),
                None,
            )];
        }
    };
    let is = |field: &str| answer.pointer(&format!("/channel/{field}")) == Some(&Value::Bool(true));
    if is("is_archived") {
        return vec![is_archived(name)];
    }
    let mut findings = Vec::new();
    if !is("is_member") {
        let words = format!(
            "{name}: the bot is not in it, and so can neither post nor see that a message was deleted"
        );
        findings.push(Finding::mend(
            CHANNEL,
            words,
            format!("type in that channel: /invite @{}", bot.name),
        ));
    }
    if is("is_read_only") || is_for_others(answer, &bot.user) {
        let words = format!("{name}: only some may post there, and the bot is not among them");
        let mend =
            format!("in the channel's settings, Posting permissions: let @{} post", bot.name);
        findings.push(Finding::mend(CHANNEL, words, mend));
    }
    if is("is_ext_shared") || is("is_pending_ext_shared") {
        let words = format!(
            "{name} is shared with another organisation, which reads every alert (Slack Connect)"
        );
        let mend = "name a channel that is yours alone, unless that is meant".to_owned();
        findings.push(Finding::warning(CHANNEL, words, mend));
    }
    if findings.is_empty() {
        findings.push(Finding::good(CHANNEL, format!("{name} takes the bot's messages")));
    }
    findings
}

/// Whether posting is left to kinds of people that a bot is never of, and the bot is not named beside them.
fn is_for_others(answer: &Value, bot: &str) -> bool {
    let restricted = |field: &str| {
        let pointer = format!("/channel/properties/posting_restricted_to/{field}");
        let list = answer.pointer(&pointer).and_then(Value::as_array).into_iter().flatten();
        list.filter_map(Value::as_str).collect::<Vec<_>>()
    };
    let (kinds, people) = (restricted("type"), restricted("user"));
    let are_persons = kinds.iter().all(|kind| ["admin", "owner", "org_admin"].contains(kind));
    !(kinds.is_empty() && people.is_empty()) && are_persons && !people.contains(&bot)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    fn bot() -> Bot {
        Bot { name: "vigie".to_owned(), user: "U0BOT".to_owned(), scopes: None }
    }

    #[test]
    fn what_slack_tells_of_a_channel_is_judged_in_words() {
        let good = json!({"is_archived": false, "is_member": true, "is_ext_shared": false});
        let with = |more: Value| {
            let mut channel = good.clone();
            channel
                .as_object_mut()
                .expect("a map")
                .extend(more.as_object().expect("a map").clone());
            judge("#soc", &Ok(json!({"channel": channel})), &bot())
        };
        let only = |kind: &str, user: &str| json!({"properties": {"posting_restricted_to": {"type": [kind], "user": [user]}}});
        for (told, verdict, words) in [
            (json!({}), Verdict::Good, "takes the bot's messages"),
            (json!({"is_archived": true, "is_member": false}), Verdict::Mend, "is archived"),
            (json!({"is_member": false}), Verdict::Mend, "the bot is not in it"),
            (json!({"is_read_only": true}), Verdict::Mend, "only some may post"),
            (only("admin", "U0ADMIN"), Verdict::Mend, "only some may post"),
            (only("admin", "U0BOT"), Verdict::Good, "takes"),
            (only("ra", "U0ADMIN"), Verdict::Good, "takes"),
            (json!({"is_ext_shared": true}), Verdict::Warning, "another organisation"),
            (json!({"is_pending_ext_shared": true}), Verdict::Warning, "another organisation"),
        ] {
            let findings = with(told.clone());
            assert_eq!(findings.len(), 1, "{told}");
            assert_eq!(findings[0].verdict, verdict, "{told}");
            assert!(findings[0].words.contains(words), "{findings:?}");
        }
        let outside = with(json!({"is_member": false, "is_ext_shared": true}));
        assert_eq!(outside[0].mend.as_deref(), Some("type in that channel: /invite @vigie"));
        assert_eq!(outside.len(), 2);
    }
}
