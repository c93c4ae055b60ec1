//! Secret-scanning alerts, and credentials that somebody found.

use super::{GitHub, invalid, moment, refused};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

const RESOLUTIONS: [&str; 4] = ["false_positive", "wont_fix", "revoked", "used_in_tests"];
/// More are not taken at once.
const MOST: usize = 1000;

/// A secret that stands in the code.
#[derive(Clone, Debug)]
pub struct SecretAlert {
    pub number: u64,
    pub kind: String,
    pub state: String,
    pub resolution: Option<String>,
    secret: String,
    /// Whether it still opens something.
    pub active: bool,
    comment: Option<String>,
    resolved_ms: Option<i64>,
}

impl SecretAlert {
    /// With the secret, unless that is to be hidden.
    fn wire(&self, github: &GitHub, request: &Request) -> Value {
        let base = request.base();
        let hides = request.asked("hide_secret") == Some("true");
        let url = format!(
            "{base}/repos/{}/{}/secret-scanning/alerts/{}",
            github.org, github.repository, self.number
        );
        json!({
            "number": self.number, "created_at": "2026-11-27T16:20:00Z", "url": url, "html_url": url, "state": self.state,
            "resolution": self.resolution, "resolved_at": self.resolved_ms.map(moment),
            "resolved_by": self.resolved_ms.map(|_| GitHub::user("vigie-bot")), "resolution_comment": self.comment,
            "secret_type": self.kind, "secret_type_display_name": self.kind, "secret": (!hides).then_some(&self.secret),
            "validity": if self.active { "active" } else { "inactive" },
            "push_protection_bypassed": false,
        })
    }
}

impl GitHub {
    fn find_alert(&self, number: &str) -> Option<usize> {
        let number: u64 = number.parse().ok()?;
        self.alerts.iter().position(|alert| alert.number == number)
    }

    pub(super) fn list_alerts(&self, request: &Request) -> Answer {
        let wanted = request.asked("state");
        let meant =
            self.alerts.iter().filter(|alert| wanted.is_none_or(|state| alert.state == state));
        Answer::json(200, meant.map(|alert| alert.wire(self, request)).collect())
    }

    pub(super) fn get_alert(&self, number: &str, request: &Request) -> Answer {
        match self.find_alert(number) {
            Some(at) => Answer::json(200, self.alerts[at].wire(self, request)),
            None => refused(404, "Not Found"),
        }
    }

    pub(super) fn update_alert(&mut self, number: &str, request: &Request) -> Answer {
        let Some(at) = self.find_alert(number) else { return refused(404, "Not Found") };
        let body = request.json();
        let resolution = body["resolution"].as_str();
        let resolved = match body["state"].as_str() {
            Some("resolved") => true,
            Some("open") => false,
            _ => return refused(422, "state is open or resolved"),
        };
        if resolved && resolution.is_none_or(|word| !RESOLUTIONS.contains(&word)) {
            return refused(422, "A resolution is required where the state is resolved.");
        }
        let alert = &mut self.alerts[at];
        alert.state = if resolved { "resolved" } else { "open" }.to_owned();
        alert.resolution = resolution.filter(|_| resolved).map(str::to_owned);
        alert.comment = body["resolution_comment"].as_str().map(str::to_owned);
        alert.resolved_ms = resolved.then_some(request.at_ms);
        let did = format!("{} secret alert {number}", if resolved { "resolve" } else { "reopen" });
        Answer::json(200, self.alerts[at].wire(self, request)).did(did)
    }

    /// It is taken, whatever it is: GitHub says no more than that.
    pub(super) fn revoke(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let given = body["credentials"].as_array().map_or(0, Vec::len);
        if given == 0 || given > MOST {
            return invalid("Credential", "credentials", "invalid");
        }
        self.revoked += given;
        for alert in &mut self.alerts {
            let found = body["credentials"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|one| *one == *alert.secret);
            alert.active &= !found;
        }
        Answer::json(202, json!({})).did(format!("revoke {given} credentials"))
    }
}

/// A key that somebody pushed.
pub fn example_corp() -> Vec<SecretAlert> {
    vec![SecretAlert {
        number: 7,
        kind: "github_personal_access_token".into(),
        state: "open".into(),
        resolution: None,
        // In two parts, so that nobody's scanner takes it for one that opens something.
        secret: ["ghp", "StandinLeakedToken0000000000000000000"].join("_"),
        active: true,
        comment: None,
        resolved_ms: None,
    }]
}
