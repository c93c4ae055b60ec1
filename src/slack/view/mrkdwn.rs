//! Text in Slack's markup, built from parts that cannot be misread: our own words, names made inert, mentions from ids.

use crate::domain::ids::{ChannelId, UserId, UsergroupId};
use crate::slack::view::clean::{Shape, escape, fit};
use crate::slack::view::permalink::Permalink;

/// Markup under construction. What an alert says never enters it; a name of the config or of Slack does, escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mrkdwn {
    /// Each part stands as a whole or not at all, so that a cut never leaves half a mention.
    parts: Vec<String>,
}

/// How long one name may be.
const NAME: usize = 80;

impl Mrkdwn {
    /// Our own words, markup and all.
    pub fn words(words: &'static str) -> Self {
        Self { parts: vec![words.to_owned()] }
    }

    /// Adds our own words, markup and all.
    #[must_use]
    pub fn say(mut self, words: &'static str) -> Self {
        self.parts.push(words.to_owned());
        self
    }

    /// Adds a name, a number or a time.
    #[must_use]
    pub fn name(mut self, text: impl std::fmt::Display) -> Self {
        self.parts.push(escape(&fit(&text.to_string(), NAME, Shape::Line)));
        self
    }

    /// Adds a name between backticks, to be copied.
    #[must_use]
    pub fn code(mut self, text: impl std::fmt::Display) -> Self {
        let inert = fit(&text.to_string(), NAME, Shape::Line).replace('`', "'");
        self.parts.push(format!("`{}`", escape(&inert)));
        self
    }

    /// Mentions a person.
    #[must_use]
    pub fn person(self, user: &UserId) -> Self {
        if !is_id(user.as_str(), &['U', 'W']) {
            return self.name(user);
        }
        self.mention(format!("<@{user}>"))
    }

    /// Mentions a user group.
    #[must_use]
    pub fn group(self, group: &UsergroupId) -> Self {
        if !is_id(group.as_str(), &['S']) {
            return self.name(group);
        }
        self.mention(format!("<!subteam^{group}>"))
    }

    /// Names a channel.
    #[must_use]
    pub fn channel(self, channel: &ChannelId) -> Self {
        if !is_id(channel.as_str(), &['C', 'G']) {
            return self.name(channel);
        }
        self.mention(format!("<#{channel}>"))
    }

    /// Links to a message.
    #[must_use]
    pub fn link(self, to: &Permalink, words: &'static str) -> Self {
        self.mention(format!("<{}|{words}>", to.as_str()))
    }

    fn mention(mut self, mention: String) -> Self {
        self.parts.push(mention);
        self
    }

    /// Adds another text behind this one.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Adds another text where there is one.
    #[must_use]
    pub fn maybe(self, other: Option<Self>) -> Self {
        match other {
            Some(other) => self.then(other),
            None => self,
        }
    }

    /// The text, at most `limit` long; what does not fit is left out as whole parts.
    pub fn render(&self, limit: usize) -> String {
        let length = |text: &str| text.encode_utf16().count();
        let whole: usize = self.parts.iter().map(|part| length(part)).sum();
        if whole <= limit {
            return self.parts.concat();
        }
        let mut out = String::new();
        let mut used = 1;
        for part in &self.parts {
            used += length(part);
            if used > limit {
                break;
            }
            out.push_str(part);
        }
        out.push('…');
        out
    }
}

/// Whether a text is an id of Slack's of one of these kinds, and so can stand in a mention.
pub fn is_id(text: &str, prefixes: &[char]) -> bool {
    (2..=32).contains(&text.len())
        && text.starts_with(prefixes)
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_inert_and_mentions_come_from_ids_only() {
        let text = Mrkdwn::words("*By* ")
            .name("<!channel> & co")
            .say(" ")
            .person(&"U0ALICE".into())
            .say(" ")
            .person(&"U1> <!here".into())
            .say(" ")
            .code("a`b");
        assert_eq!(
            text.render(3000),
            "*By* &lt;!channel&gt; &amp; co <@U0ALICE> U1&gt; &lt;!here `a'b`"
        );
    }

    #[test]
    fn a_cut_never_halves_a_mention() {
        let text = Mrkdwn::words("a ").person(&"U0ALICE".into()).person(&"U0BEA".into());
        assert_eq!(text.render(13), "a <@U0ALICE>…");
        assert_eq!(text.render(12), "a …");
        assert_eq!(text.render(20), "a <@U0ALICE><@U0BEA>");
    }
}
