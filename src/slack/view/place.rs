//! Why an alert is not where it belongs, so that somebody mends it.

use crate::domain::alert::lifecycle::Alert;
use crate::domain::people::ChannelRef;
use crate::slack::view::mrkdwn::Mrkdwn;

/// `⚠️ It belongs in #sec, which is archived: …`; nothing where it stands there.
pub fn line(alert: &Alert) -> Option<Mrkdwn> {
    let displaced = alert.displaced.as_ref()?;
    let line = named(Mrkdwn::words("⚠️ It belongs in "), &displaced.from);
    Some(why(line, &displaced.why).say(" New alerts go there again as soon as it takes them."))
}

/// `*No channel takes it*: #sec …`.
pub fn nowhere(alert: &Alert, word: &str) -> Mrkdwn {
    let line =
        named(Mrkdwn::words("⚠️ *No channel shows this alert.* It belongs in "), alert.place());
    why(line, word)
}

/// What Slack's error word means, and what to do.
pub fn words(word: &str) -> Option<&'static str> {
    Some(match word {
        "is_archived" | "is_inactive" | "channel_is_archived" => {
            "is archived: unarchive it, or name another channel in the config"
        }
        "not_in_channel" => "does not have Vigie in it: invite it there",
        "channel_not_found" => {
            "Slack does not find: it was deleted, or it is private and Vigie is not in it"
        }
        "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "channel_is_limited_access"
        | "cannot_post_in_channel" => "lets only some people post: let Vigie post there",
        "external_channel_migrating" => "Slack is moving at the moment",
        _ => return None,
    })
}

fn why(line: Mrkdwn, word: &str) -> Mrkdwn {
    match words(word) {
        Some(words) => line.say(", which ").say(words).say("."),
        None => line.say(", and Slack says ").name(word).say("."),
    }
}

fn named(line: Mrkdwn, channel: &ChannelRef) -> Mrkdwn {
    match channel.id() {
        Some(id) => line.channel(&id.into()),
        None => line.name(&channel.0),
    }
}
