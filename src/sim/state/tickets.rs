//! Things that are good for a short time only: trigger ids and response URLs.
use super::State;

/// A trigger id works once, within 3 s. (docs.slack.dev, "Handling user interaction")
const TRIGGER_MS: i64 = 3_000;
/// A response URL works five times within 30 min. (same page)
const HOOK_MS: i64 = 30 * 60 * 1000;
const HOOK_USES: u32 = 5;

#[derive(Clone, Debug)]
pub struct Trigger {
    pub user: String,
    expires_ms: i64,
    used: bool,
}

/// Where a response URL answers to.
#[derive(Clone, Debug)]
pub struct Hook {
    pub user: String,
    pub channel: String,
    /// The message (or ephemeral) that was clicked; `None` for a slash command.
    pub message_ts: Option<String>,
    made_ms: i64,
    uses: u32,
}

impl State {
    pub fn new_trigger(&mut self, user: &str) -> String {
        let id = format!(
            "{}.{}.{}",
            self.next_number() + 8_000_000_000,
            self.now_ms % 1_000_000_000,
            self.secret()
        );
        let trigger =
            Trigger { user: user.to_string(), expires_ms: self.now_ms + TRIGGER_MS, used: false };
        self.triggers.insert(id.clone(), trigger);
        id
    }

    /// Uses a trigger up and says whose it was.
    pub fn use_trigger(&mut self, id: &str) -> Result<String, &'static str> {
        let trigger = self.triggers.get_mut(id).ok_or("invalid_trigger_id")?;
        if trigger.used {
            return Err("exchanged_trigger_id");
        }
        if self.now_ms > trigger.expires_ms {
            return Err("expired_trigger_id");
        }
        trigger.used = true;
        Ok(trigger.user.clone())
    }

    /// Makes a response URL's path.
    pub fn new_hook(&mut self, user: &str, channel: &str, message_ts: Option<&str>) -> String {
        let folder = if message_ts.is_some() { "actions" } else { "commands" };
        let (number, secret) = (self.next_number(), self.secret());
        let path = format!("/{folder}/{}/{number}/{secret}", self.options.team.id);
        let hook = Hook {
            user: user.to_string(),
            channel: channel.to_string(),
            message_ts: message_ts.map(ToString::to_string),
            made_ms: self.now_ms,
            uses: 0,
        };
        self.hooks.insert(path.clone(), hook);
        path
    }

    /// Counts one use of a response URL.
    pub fn use_hook(&mut self, path: &str) -> Result<Hook, &'static str> {
        let now_ms = self.now_ms;
        let hook = self.hooks.get_mut(path).ok_or("no_such_hook")?;
        if now_ms > hook.made_ms + HOOK_MS {
            return Err("expired_url");
        }
        if hook.uses >= HOOK_USES {
            return Err("used_url");
        }
        hook.uses += 1;
        Ok(hook.clone())
    }
}
