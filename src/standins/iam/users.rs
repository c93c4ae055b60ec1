//! Users: looked for, suspended and let in again, their sessions ended, their passwords and factors reset.

use super::{Iam, error, not_found, paged, scim};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub login: String,
    pub first_name: String,
    pub last_name: String,
    /// Okta's word: `ACTIVE`, `SUSPENDED`, `PASSWORD_EXPIRED`, `RECOVERY`, `DEPROVISIONED` …
    pub status: &'static str,
    /// How many sessions are open.
    pub sessions: u32,
    /// How many second factors are enrolled.
    pub factors: u32,
}

impl User {
    /// An active one, with two sessions and a second factor.
    pub fn new(id: &str, login: &str, (first_name, last_name): (&str, &str)) -> Self {
        Self {
            id: id.into(),
            login: login.into(),
            first_name: first_name.into(),
            last_name: last_name.into(),
            status: "ACTIVE",
            sessions: 2,
            factors: 1,
        }
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    fn property(&self, name: &str) -> Option<String> {
        Some(match name {
            "id" => self.id.clone(),
            "status" => self.status.to_owned(),
            "profile.login" | "profile.email" => self.login.clone(),
            "profile.firstName" => self.first_name.clone(),
            "profile.lastName" => self.last_name.clone(),
            _ => return None,
        })
    }

    pub(super) fn wire(&self) -> Value {
        json!({
            "id": self.id, "status": self.status, "created": "2024-02-01T08:00:00.000Z",
            "activated": "2024-02-01T08:00:00.000Z", "statusChanged": null, "lastLogin": null,
            "lastUpdated": "2026-11-02T09:00:00.000Z", "passwordChanged": null,
            "type": {"id": "oty1gzckACOaSTANDIN"},
            "profile": {
                "login": self.login, "email": self.login, "firstName": self.first_name, "lastName": self.last_name,
                "displayName": self.name(), "mobilePhone": null, "secondEmail": null,
            },
            "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        })
    }

    /// What becomes of them: the log's word for it, and ours. `None` where there is no such thing.
    fn undergoes(&mut self, what: &str, request: &Request) -> Option<(&'static str, &'static str)> {
        Some(match what {
            "suspend" => {
                self.status = "SUSPENDED";
                ("user.lifecycle.suspend", "suspend")
            }
            "unsuspend" => {
                self.status = "ACTIVE";
                ("user.lifecycle.unsuspend", "unsuspend")
            }
            "deactivate" => {
                (self.status, self.sessions) = ("DEPROVISIONED", 0);
                ("user.lifecycle.deactivate", "deactivate")
            }
            "reset_factors" => {
                self.factors = 0;
                ("user.mfa.factor.reset_all", "reset factors of")
            }
            "expire_password" => {
                self.status = "PASSWORD_EXPIRED";
                ("user.account.expire_password", "expire password of")
            }
            "reset_password" => {
                self.status = "RECOVERY";
                if request.asked("revokeSessions") == Some("true") {
                    self.sessions = 0;
                }
                ("user.account.reset_password", "reset password of")
            }
            _ => return None,
        })
    }

    pub(super) fn factors(&self) -> Value {
        let factor = |at| json!({"id": format!("ostf{at}STANDIN"), "factorType": "token:software:totp", "provider": "OKTA", "status": "ACTIVE"});
        (0..self.factors).map(factor).collect()
    }
}

impl Iam {
    /// The user by id, by login, or by what stands before the login's @ where that means one.
    pub(super) fn find_user(&self, id: &str) -> Option<usize> {
        let known = |user: &User| user.id == id || user.login.eq_ignore_ascii_case(id);
        self.users.iter().position(known).or_else(|| {
            let short = |user: &User| {
                user.login.split('@').next().is_some_and(|s| s.eq_ignore_ascii_case(id))
            };
            let mut meant = self.users.iter().enumerate().filter(|(_, user)| short(user));
            meant.next().filter(|_| meant.next().is_none()).map(|(at, _)| at)
        })
    }

    pub(super) fn with_user(&self, id: &str, then: impl FnOnce(&Self, &User) -> Answer) -> Answer {
        let id = if id == "me" { super::ACTOR } else { id };
        match self.find_user(id) {
            Some(at) => then(self, &self.users[at]),
            None => not_found(id, "User"),
        }
    }

    pub(super) fn list_users(&self, request: &Request) -> Answer {
        let criteria = request.asked("search").or(request.asked("filter")).unwrap_or_default();
        let Ok(filter) = scim::Filter::parse(criteria) else {
            return error(400, "E0000031", "Invalid search criteria.");
        };
        let q = request.asked("q").unwrap_or_default().to_lowercase();
        let begins = |user: &User| {
            let names = [&user.login, &user.first_name, &user.last_name];
            names.into_iter().any(|name| name.to_lowercase().starts_with(&q))
        };
        // Without criteria the deactivated are left out.
        let listed = |user: &&User| {
            (!criteria.is_empty() || user.status != "DEPROVISIONED")
                && begins(user)
                && filter.holds(&|name| user.property(name))
        };
        paged(request, self.users.iter().filter(listed).map(User::wire).collect())
    }

    pub(super) fn revoke_sessions(&mut self, id: &str, request: &Request) -> Answer {
        let Some(at) = self.find_user(id) else { return not_found(id, "User") };
        self.users[at].sessions = 0;
        self.done(at, ("user.session.clear", "revoke sessions of"), request, Answer::empty(204))
    }

    /// What may be done depends on the status; what may not is refused in Okta's words.
    pub(super) fn lifecycle(&mut self, (id, what): (&str, &str), request: &Request) -> Answer {
        let Some(at) = self.find_user(id) else { return not_found(id, "User") };
        if let Some(refusal) = forbidden(self.users[at].status, what, request) {
            return refusal;
        }
        let Some(named) = self.users[at].undergoes(what, request) else {
            return not_found(what, "Lifecycle");
        };
        let answer = match what {
            "expire_password" => self.users[at].wire(),
            "reset_password" if request.asked("sendEmail") == Some("false") => {
                json!({"resetPasswordUrl": format!("{}/reset_password/standin-one-time-token", request.base())})
            }
            _ => json!({}),
        };
        self.done(at, named, request, Answer::json(200, answer))
    }

    fn done(
        &mut self,
        at: usize,
        (event, word): (&str, &str),
        request: &Request,
        answer: Answer,
    ) -> Answer {
        let user = self.users[at].clone();
        self.note((event, &user), request.at_ms);
        answer.did(format!("{word} {}", user.login))
    }
}

/// Why it may not be done to somebody of this status.
fn forbidden(status: &str, what: &str, request: &Request) -> Option<Answer> {
    let validation = |why: &str| error(400, "E0000001", &format!("Api validation failed: {why}"));
    match what {
        "suspend" if status != "ACTIVE" => {
            Some(validation("Cannot suspend a user that is not active"))
        }
        "unsuspend" if status != "SUSPENDED" => {
            Some(validation("Cannot unsuspend a user that is not suspended"))
        }
        "reset_password" if request.asked("sendEmail").is_none() => Some(validation("sendEmail")),
        "deactivate" | "reset_factors" | "expire_password" | "reset_password"
            if status == "DEPROVISIONED" =>
        {
            let words = "This operation is not allowed in the user's current status.";
            Some(error(403, "E0000038", words))
        }
        _ => None,
    }
}

/// The people that the demo's alerts speak of, and those who look at them. The first is whose token it is.
pub fn example_corp() -> Vec<User> {
    let breakglass = User {
        sessions: 0,
        factors: 2,
        ..User::new("00u9breakglass0000000", "breakglass@example.com", ("Break", "Glass"))
    };
    let former = User {
        status: "DEPROVISIONED",
        sessions: 0,
        factors: 0,
        ..User::new("00u7former00000000000", "t.former@example.com", ("Toni", "Former"))
    };
    vec![
        User::new(super::ACTOR, "vigie@example.com", ("Vigie", "Service")),
        User::new("00u1jdurand0000000000", "j.durand@example.com", ("Jeanne", "Durand")),
        User::new("00u2mleroy00000000000", "m.leroy@example.com", ("Marc", "Leroy")),
        User::new("00u3alice000000000000", "alice@example.com", ("Alice", "Martin")),
        User::new("00u4bob00000000000000", "bob@example.com", ("Bob", "Chen")),
        User::new("00u5carla000000000000", "carla@example.com", ("Carla", "Rossi")),
        User::new("00u6dave0000000000000", "dave@example.com", ("Dave", "Okoro")),
        former,
        breakglass,
    ]
}
