//! People, groups of people, and when they do not want to be disturbed.
use serde_json::{Value, json};

use super::State;
use crate::sim::options::App;

/// A person (or the bot user). Fields that a test cares about; the rest of Slack's shape is filled in.
#[derive(Clone, Debug, Default)]
pub struct User {
    /// `U…`; empty when adding: one is made.
    pub id: String,
    /// The handle, without `@`.
    pub name: String,
    pub real_name: String,
    /// What they are, in the profile's words.
    pub title: String,
    pub email: String,
    /// IANA name.
    pub tz: String,
    /// Seconds east of UTC.
    pub tz_offset: i64,
    pub deleted: bool,
    pub is_bot: bool,
    /// A multi-channel guest.
    pub is_restricted: bool,
    /// A single-channel guest.
    pub is_ultra_restricted: bool,
    pub is_admin: bool,
    /// The workspace a Slack Connect person comes from; `None`: ours.
    pub foreign_team: Option<String>,
}

/// A user group (`@blue-team`).
#[derive(Clone, Debug, Default)]
pub struct Usergroup {
    /// `S…`; empty when adding: one is made.
    pub id: String,
    pub handle: String,
    pub name: String,
    pub users: Vec<String>,
    pub disabled: bool,
}

/// A person's do-not-disturb, in unix seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dnd {
    pub enabled: bool,
    pub next_start: i64,
    pub next_end: i64,
    /// "Pause notifications" until then.
    pub snooze_until: Option<i64>,
}

impl User {
    /// A person with a handle; e-mail, real name and zone follow from it.
    pub fn named(name: &str) -> Self {
        let mut letters = name.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        Self {
            name: name.to_string(),
            real_name: first + letters.as_str(),
            email: format!("{name}@example.com"),
            tz: "Europe/Paris".into(),
            tz_offset: 3600,
            ..Self::default()
        }
    }

    pub(super) fn bot(app: &App) -> Self {
        Self {
            id: app.bot_user.clone(),
            is_bot: true,
            email: String::new(),
            ..Self::named(&app.name)
        }
    }

    /// The user object of `users.info`; the e-mail only with its scope.
    pub(in crate::sim) fn wire(&self, state: &State) -> Value {
        let home = &state.options.team.id;
        let mut profile = json!({
            "real_name": self.real_name, "display_name": self.name, "real_name_normalized": self.real_name,
            "display_name_normalized": self.name, "title": self.title, "status_text": "", "status_emoji": "", "team": home,
        });
        if !self.email.is_empty() && state.options.scopes.iter().any(|s| s == "users:read.email") {
            profile["email"] = json!(self.email);
        }
        let mut user = json!({
            "id": self.id, "team_id": self.foreign_team.as_ref().unwrap_or(home), "name": self.name,
            "deleted": self.deleted, "real_name": self.real_name, "tz": self.tz, "tz_label": self.tz,
            "tz_offset": self.tz_offset, "profile": profile, "is_admin": self.is_admin, "is_owner": false,
            "is_primary_owner": false, "is_restricted": self.is_restricted,
            "is_ultra_restricted": self.is_ultra_restricted, "is_bot": self.is_bot, "is_app_user": false,
            "updated": state.options.epoch_ms / 1000,
        });
        if self.foreign_team.is_some() {
            user["is_stranger"] = json!(true);
        }
        if self.is_bot {
            user["profile"]["bot_id"] = json!(state.options.app.bot_id);
            user["profile"]["api_app_id"] = json!(state.options.app.id);
        }
        user
    }
}

impl Usergroup {
    /// The subteam object of `usergroups.list`.
    pub(in crate::sim) fn wire(&self, state: &State, include_users: bool) -> Value {
        let made = state.options.epoch_ms / 1000;
        let mut group = json!({
            "id": self.id, "team_id": state.options.team.id, "is_usergroup": true, "is_subteam": true,
            "name": self.name, "description": "", "handle": self.handle, "is_external": false,
            "date_create": made, "date_update": state.now_ms / 1000,
            "date_delete": if self.disabled { state.now_ms / 1000 } else { 0 },
            "auto_type": null, "auto_provision": false, "created_by": state.options.app.bot_user,
            "updated_by": state.options.app.bot_user, "deleted_by": null,
            "prefs": {"channels": [], "groups": []}, "user_count": self.users.len(),
        });
        if include_users {
            group["users"] = json!(self.users);
        }
        group
    }
}

impl Dnd {
    /// The answer of `dnd.info` without `ok`; `whole` adds the snooze, which others are not shown.
    pub(in crate::sim) fn wire(self, now_ms: i64, whole: bool) -> Value {
        let mut dnd = json!({
            "dnd_enabled": self.enabled, "next_dnd_start_ts": self.next_start.max(1), "next_dnd_end_ts": self.next_end.max(1),
        });
        if whole {
            let until = self.snooze_until.filter(|until| *until * 1000 > now_ms);
            dnd["snooze_enabled"] = json!(until.is_some());
            if let Some(until) = until {
                dnd["snooze_endtime"] = json!(until);
                dnd["snooze_remaining"] = json!(until - now_ms / 1000);
            }
        }
        dnd
    }
}

impl State {
    /// The id of who is named by id, `@handle` or handle.
    pub fn user_id(&self, who: &str) -> Option<String> {
        let name = who.trim_start_matches('@');
        if self.users.contains_key(name) {
            return Some(name.to_string());
        }
        self.users.values().find(|user| user.name == name).map(|user| user.id.clone())
    }

    pub fn user_name(&self, id: &str) -> String {
        self.users.get(id).map_or_else(|| id.to_string(), |user| user.name.clone())
    }
}
