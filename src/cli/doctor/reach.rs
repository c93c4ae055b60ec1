//! Whether people can be reached: can their do-not-disturb be read, and can a direct message be opened. None is.

use super::finding::Finding;
use super::scopes::holds;
use super::slack::Bot;
use crate::domain::ids::UserId;
use crate::slack::api::Api;
use crate::slack::failure::Failure;
use serde_json::{Value, json};

const REACH: &str = "reach";

/// Tries it on one person whom the config names.
pub async fn look((api, bot): (&Api, &Bot), somebody: Option<&UserId>) -> Vec<Finding> {
    let Some(user) = somebody else {
        return vec![Finding::untried(REACH, "the config names nobody who is there")];
    };
    let mut findings = Vec::new();
    for scope in ["dnd:read", "im:write"] {
        if !holds(bot.scopes.as_ref(), scope) {
            findings.push(Finding::untried(REACH, &format!("the scope {scope} is missing")));
            continue;
        }
        findings.push(match scope {
            "dnd:read" => judge_quiet(&api.call("dnd.info", &json!({"user": user.as_str()})).await),
            _ => {
                // Slack only says whether there is a conversation: none is made.
                let asked = json!({"users": user.as_str(), "prevent_creation": true});
                judge_open(&api.call("conversations.open", &asked).await)
            }
        });
    }
    findings
}

fn judge_quiet(answer: &Result<Value, Failure>) -> Finding {
    match answer {
        Ok(_) => Finding::good(REACH, "do-not-disturb can be read"),
        Err(failure) => Finding::warning(
            REACH,
            format!("do-not-disturb cannot be read: {failure}"),
            "people are told all the same; who pauses notifications is not known".to_owned(),
        ),
    }
}

/// That there is none yet is no trouble: it is made when somebody is told.
fn judge_open(answer: &Result<Value, Failure>) -> Finding {
    match answer {
        Ok(_) => Finding::good(REACH, "direct messages can be opened"),
        Err(Failure::Rejected { word }) if word == "channel_not_found" => {
            Finding::good(REACH, "direct messages can be opened")
        }
        Err(failure @ (Failure::Rejected { .. } | Failure::BadToken { .. })) => Finding::mend(
            REACH,
            format!("direct messages cannot be opened: {failure}"),
            "ask whoever administers Slack whether apps may write to people",
        ),
        Err(failure) => Finding::warning(
            REACH,
            format!("whether direct messages can be opened: {failure}"),
            None,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn no_conversation_yet_is_no_trouble_and_a_refusal_is() {
        let rejected = |word: &str| Err(Failure::Rejected { word: word.to_owned() });
        assert_eq!(judge_open(&Ok(json!({}))).verdict, Verdict::Good);
        assert_eq!(judge_open(&rejected("channel_not_found")).verdict, Verdict::Good);
        assert_eq!(judge_open(&rejected("user_not_visible")).verdict, Verdict::Mend);
        assert_eq!(judge_quiet(&rejected("unknown_method")).verdict, Verdict::Warning);
    }
}
