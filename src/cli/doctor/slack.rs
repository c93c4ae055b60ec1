//! The two tokens: do they work, are they of the right kind, and of the same app.

use super::finding::Finding;
use super::{clock, scopes};
use crate::clock::Clock;
use crate::config;
use crate::slack::api::{Api, ApiSettings};
use crate::slack::failure::Failure;
use crate::slack::identity::{Introduction, introduce};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const SLACK: &str = "slack";
/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(3);
const BOT: (&str, &str) =
    ("the bot token (SLACK_BOT_TOKEN)", "OAuth & Permissions: copy the Bot User OAuth Token");
const APP: (&str, &str) = (
    "the app token (SLACK_APP_TOKEN)",
    "Basic Information, App-Level Tokens: make one with connections:write",
);

/// The bot, as Slack knows it.
#[derive(Clone, Debug)]
pub struct Bot {
    /// Its handle, without `@`.
    pub name: String,
    pub user: String,
    /// What its token may do; `None` where Slack does not say.
    pub scopes: Option<BTreeSet<String>>,
}

/// What the tokens led to.
pub struct Entrance {
    pub findings: Vec<Finding>,
    /// Where the bot token works.
    pub bot: Option<(Api, Bot)>,
    /// Whether a socket can be had.
    pub opens: bool,
}

/// Tries both tokens. No message, no socket.
pub async fn look(settings: &config::Slack, clock: &Clock) -> anyhow::Result<Entrance> {
    let mut entrance = Entrance { findings: Vec::new(), bot: None, opens: false };
    let Some(tokens) = &settings.tokens else {
        entrance.findings.push(Finding::untried(SLACK, "mend the secrets first"));
        return Ok(entrance);
    };
    let url = &settings.api_url;
    let api = Api::new(ApiSettings {
        timeout: PATIENCE,
        ..ApiSettings::new(url.as_str(), tokens.bot.clone(), tokens.app.clone())
    })?;
    let nothing = json!({});
    let (bot, app, opened) = tokio::join!(
        introduce(url, &tokens.bot, PATIENCE),
        introduce(url, &tokens.app, PATIENCE),
        api.call("apps.connections.open", &nothing),
    );
    let now = clock.wall();
    if let Err(failure @ (Failure::NotSent { .. } | Failure::Uncertain { .. })) = &bot.answer {
        entrance.findings.push(away(url.as_str(), failure));
        return Ok(entrance);
    }
    if let Err(Some(word)) = bot.answer.as_ref().map_err(Failure::word)
        && word.starts_with("http_")
    {
        entrance.findings.push(no_slack(url.as_str(), word));
        return Ok(entrance);
    }
    entrance.findings.push(clock::judge(now, bot.slack_time));
    entrance.opens = opened.is_ok();
    entrance.findings.push(judge_app(&opened));
    match &bot.answer {
        Err(failure) => entrance.findings.push(refused(BOT, failure)),
        Ok(answer) => {
            let known = bot_of(answer, &bot);
            let words = format!("the bot token works: @{} in {}", known.name, text(answer, "team"));
            entrance.findings.push(Finding::good(SLACK, words));
            entrance.findings.extend(scopes::judge(known.scopes.as_ref()));
            entrance.findings.extend(same_app(&api, answer, &app).await);
            entrance.bot = Some((api, known));
        }
    }
    Ok(entrance)
}

fn text<'a>(answer: &'a Value, field: &str) -> &'a str {
    answer.get(field).and_then(Value::as_str).unwrap_or("?")
}

fn bot_of(answer: &Value, introduction: &Introduction) -> Bot {
    Bot {
        name: text(answer, "user").to_owned(),
        user: text(answer, "user_id").to_owned(),
        scopes: introduction.scopes.clone(),
    }
}

fn away(url: &str, failure: &Failure) -> Finding {
    let why = match failure {
        Failure::NotSent { why } | Failure::Uncertain { why } => why.clone(),
        other => other.to_string(),
    };
    let words = format!("Slack cannot be asked at {url}: {why}");
    let mend = format!(
        "this machine must reach it by itself, without a proxy: look at DNS, firewall and slack.api_url; try curl -I {url}"
    );
    Finding::mend(SLACK, words, mend)
}

/// Something answers there that does not speak Slack's Web API: it says nothing of the tokens.
fn no_slack(url: &str, word: &str) -> Finding {
    let words = format!("what answers at {url} is no Slack ({word}): the tokens were not tried");
    let mend = "SLACK_API_URL, slack.api_url: an address that ends with /api/, as https://slack.com/api/ does";
    Finding::mend(SLACK, words, mend)
}

/// A token that Slack does not take, in words; `what` is its name and where a good one is.
fn refused((name, place): (&str, &str), failure: &Failure) -> Finding {
    let word = match failure {
        Failure::RateLimited { after, .. } => {
            let words = format!("{name} was not judged: Slack limits us for {} s", after.as_secs());
            return Finding::warning(SLACK, words, "try again after that".to_owned());
        }
        failure => failure.word().unwrap_or("no answer"),
    };
    let why = match word {
        "invalid_auth" | "not_authed" => "Slack does not know it",
        "token_revoked" => "it was revoked",
        "account_inactive" => "the app was taken out of the workspace, or its bot was deactivated",
        "token_expired" => "it has expired: token rotation is on, and must be off for this app",
        "not_allowed_token_type" => "it is of the other kind: the two tokens may be swapped",
        "missing_scope" | "no_permission" => "it lacks connections:write",
        "org_login_required"
        | "team_access_not_granted"
        | "access_denied"
        | "ekm_access_denied" => "the organisation has not let the app in",
        _ => "Slack refuses it",
    };
    let again = match word {
        "token_revoked" | "account_inactive" => "install the app again; then ",
        _ => "",
    };
    let mend = format!("api.slack.com/apps, your app: {again}{place}");
    Finding::mend(SLACK, format!("{name} does not work: {why} ({word})"), mend)
}

fn judge_app(opened: &Result<Value, Failure>) -> Finding {
    match opened {
        Ok(_) => Finding::good(SLACK, "the app token works: Slack lets it open sockets"),
        Err(Failure::Rejected { word }) => Finding::mend(
            SLACK,
            format!("Slack gives the app no socket: {word}"),
            "api.slack.com/apps, your app, Socket Mode: switch it on",
        ),
        Err(failure @ (Failure::NotSent { .. } | Failure::Uncertain { .. })) => Finding::warning(
            SLACK,
            format!("the app token was not judged: {failure}"),
            "try again in a minute".to_owned(),
        ),
        Err(failure) => refused(APP, failure),
    }
}

/// Whether the tokens are of two apps, where Slack tells of both. Then no click ever reaches the bot.
async fn same_app(api: &Api, bot: &Value, app: &Introduction) -> Option<Finding> {
    let of_app = app.answer.as_ref().ok()?.get("app_id")?.as_str()?;
    let bot_id = bot.get("bot_id")?.as_str()?;
    let told = api.call("bots.info", &json!({"bot": bot_id})).await.ok()?;
    let of_bot = told.pointer("/bot/app_id")?.as_str()?;
    let words = format!(
        "the two tokens are of different apps ({of_bot} and {of_app}): no click would reach the bot"
    );
    let mend = format!("take both from one app: api.slack.com/apps/{of_bot}");
    (of_app != of_bot).then(|| Finding::mend(SLACK, words, mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_a_token_is_told_in_words() {
        let token = |word: &str| Failure::BadToken { word: word.to_owned(), needed: None };
        for (word, said, mend) in [
            ("invalid_auth", "Slack does not know it", "OAuth & Permissions"),
            ("token_revoked", "it was revoked", "install the app again"),
            ("account_inactive", "taken out of the workspace", "install the app again"),
            ("token_expired", "token rotation is on", "OAuth & Permissions"),
            ("not_allowed_token_type", "may be swapped", "OAuth & Permissions"),
        ] {
            let finding = refused(BOT, &token(word));
            assert!(finding.words.contains(said) && finding.words.contains(word), "{finding:?}");
            assert!(finding.mend.expect("told").contains(mend), "{word}");
        }
        let finding = judge_app(&Err(token("missing_scope")));
        assert!(finding.words.contains("lacks connections:write"), "{finding:?}");
    }
}
