//! The scopes that the bot token was granted, against those of the manifest.

use super::finding::Finding;
use crate::slack::manifest::SCOPES;
use std::collections::BTreeSet;

const SCOPE: &str = "scopes";

/// One line for each scope that is missing, with what it is for.
pub fn judge(granted: Option<&BTreeSet<String>>) -> Vec<Finding> {
    let Some(granted) = granted else {
        return vec![Finding::untried(SCOPE, "Slack's answer does not say what the token may do")];
    };
    let missing: Vec<_> = SCOPES.iter().filter(|(scope, _)| !granted.contains(*scope)).collect();
    if missing.is_empty() {
        return vec![Finding::good(SCOPE, format!("the bot token has all {}", SCOPES.len()))];
    }
    let lacks = |(scope, why): &(&str, &str)| {
        let words = format!("the bot token lacks {scope}: {why}");
        let mend = format!(
            "api.slack.com/apps, your app, OAuth & Permissions: add {scope}, then reinstall the app"
        );
        Finding::mend(SCOPE, words, mend)
    };
    missing.into_iter().map(lacks).collect()
}

/// Whether the token may do what this scope allows; where Slack does not say, it is worth a try.
pub fn holds(granted: Option<&BTreeSet<String>>, scope: &str) -> bool {
    granted.is_none_or(|granted| granted.contains(scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scope_that_is_missing_is_told_with_what_it_is_for() {
        let mut granted: BTreeSet<String> = SCOPES.iter().map(|(s, _)| (*s).to_owned()).collect();
        assert_eq!(judge(Some(&granted))[0].words, "the bot token has all 12");
        granted.remove("dnd:read");
        granted.remove("im:write");
        granted.insert("files:write".to_owned());
        let told: Vec<_> = judge(Some(&granted)).into_iter().map(|finding| finding.words).collect();
        assert_eq!(
            told,
            [
                "the bot token lacks dnd:read: who has paused notifications",
                "the bot token lacks im:write: open a direct message with whoever is told next",
            ]
        );
        assert!(!holds(Some(&granted), "dnd:read") && holds(None, "dnd:read"));
    }
}
