//! Who a token is, with what Slack says beside the answer: the scopes that it was granted, and Slack's time.
//!
//! slack-morphism hides an answer's headers, so this one call goes its own way.

use crate::domain::time::Timestamp;
use crate::slack::failure::{self, Failure};
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

/// What `auth.test` told, in its body and beside it.
#[derive(Clone, Debug)]
pub struct Introduction {
    pub answer: Result<Value, Failure>,
    /// `None` where Slack does not say.
    pub scopes: Option<BTreeSet<String>>,
    /// When Slack answered, in whole seconds.
    pub slack_time: Option<Timestamp>,
}

const METHOD: &str = "auth.test";
/// Where Slack limits a call and names no time.
const UNNAMED: Duration = Duration::from_secs(5);

/// Asks Slack whose token that is. `api` is the Web API's address; nothing goes through a proxy, for the bot's calls do not
/// either, and no redirect is followed.
pub async fn introduce(api: &Url, token: &SecretString, patience: Duration) -> Introduction {
    let asked = async {
        let client =
            reqwest::Client::builder().timeout(patience).redirect(Policy::none()).no_proxy();
        let address = format!("{}/{METHOD}", api.as_str().trim_end_matches('/'));
        client.build()?.post(address).bearer_auth(token.expose_secret()).send().await
    };
    let response = match asked.await {
        Ok(response) => response,
        Err(error) => return unanswered(&error),
    };
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    Introduction {
        scopes: text("x-oauth-scopes").map(scopes),
        slack_time: text(DATE.as_str()).and_then(time),
        answer: match response.bytes().await {
            Ok(body) => judge(status, &headers, &body),
            Err(_) => Err(Failure::Uncertain { why: "the answer broke off".to_owned() }),
        },
    }
}

fn unanswered(error: &reqwest::Error) -> Introduction {
    let why = failure::root(error);
    let failure = match error.is_timeout() && !error.is_connect() {
        true => Failure::Uncertain { why: "no answer in time".to_owned() },
        false => Failure::NotSent { why },
    };
    Introduction { answer: Err(failure), scopes: None, slack_time: None }
}

fn judge(status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Value, Failure> {
    if status == 429 {
        let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let after = after.map_or(UNNAMED, Duration::from_secs);
        return Err(Failure::RateLimited { method: METHOD, after });
    }
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match (status, answer.get("ok").and_then(Value::as_bool), answer.get("error")) {
        (200, Some(true), _) => Ok(answer),
        (200, Some(false), Some(Value::String(word))) => {
            Err(Failure::of_word(METHOD, word, &answer))
        }
        (200, _, _) => {
            Err(Failure::Uncertain { why: "what answers there is not Slack's Web API".to_owned() })
        }
        (status, _, _) => Err(failure::of_status(METHOD, status, &answer)),
    }
}

fn scopes(header: &str) -> BTreeSet<String> {
    header.split(',').map(|scope| scope.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

/// An HTTP date (RFC 9110, 5.6.7).
fn time(header: &str) -> Option<Timestamp> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(header).ok()?;
    Some(Timestamp::from_millis(parsed.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_the_scopes_and_the_time() {
        assert_eq!(
            scopes("chat:write, im:write,"),
            ["chat:write", "im:write"].map(Into::into).into()
        );
        assert_eq!(
            time("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(Timestamp::from_millis(784_111_777_000))
        );
        assert_eq!(time("yesterday"), None);
    }

    #[test]
    fn what_is_no_answer_of_slacks_is_told_apart_from_a_no() {
        let judge = |status, body: &str| judge(status, &HeaderMap::new(), body.as_bytes());
        assert!(judge(200, r#"{"ok": true}"#).is_ok());
        let word = judge(200, r#"{"ok": false, "error": "invalid_auth"}"#).expect_err("a no");
        assert_eq!(word.word(), Some("invalid_auth"));
        let page = judge(200, "<html>Sign in</html>").expect_err("a captive portal");
        assert_eq!(
            page,
            Failure::Uncertain { why: "what answers there is not Slack's Web API".into() }
        );
        assert!(judge(503, "").expect_err("away").may_have_happened());
        assert!(matches!(judge(429, ""), Err(Failure::RateLimited { after: UNNAMED, .. })));
    }
}
