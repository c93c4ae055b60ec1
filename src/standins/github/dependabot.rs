//! Alerts about dependencies, dismissed and opened again.

use super::{GitHub, refused};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

const REASONS: [&str; 5] =
    ["fix_started", "inaccurate", "no_bandwidth", "not_used", "tolerable_risk"];

/// A dependency that is known to be unsafe.
#[derive(Clone, Debug)]
pub struct Dependabot {
    number: u64,
    package: String,
    state: &'static str,
    reason: Option<String>,
    comment: Option<String>,
}

impl Dependabot {
    pub(super) fn wire(&self) -> Value {
        json!({
            "number": self.number, "state": self.state, "dismissed_reason": self.reason, "dismissed_comment": self.comment,
            "dependency": {"package": {"ecosystem": "npm", "name": self.package}, "manifest_path": "package.json"},
        })
    }
}

impl GitHub {
    fn find_dependabot(&mut self, number: &str) -> Option<&mut Dependabot> {
        let number: u64 = number.parse().ok()?;
        self.dependabot.iter_mut().find(|alert| alert.number == number)
    }

    pub(super) fn get_dependabot(&mut self, number: &str) -> Answer {
        match self.find_dependabot(number) {
            Some(alert) => Answer::json(200, alert.wire()),
            None => refused(404, "Not Found"),
        }
    }

    pub(super) fn update_dependabot(&mut self, number: &str, request: &Request) -> Answer {
        let Some(alert) = self.find_dependabot(number) else { return refused(404, "Not Found") };
        let body = request.json();
        let reason = body["dismissed_reason"].as_str();
        alert.state = match body["state"].as_str() {
            Some("dismissed") if reason.is_some_and(|reason| REASONS.contains(&reason)) => {
                "dismissed"
            }
            Some("dismissed") => return refused(422, "A dismissed_reason is required"),
            Some("open") => "open",
            _ => return refused(422, "state is dismissed or open"),
        };
        alert.reason = reason.map(str::to_owned);
        alert.comment = body["dismissed_comment"].as_str().map(str::to_owned);
        let did = format!("{} dependabot alert {number}", alert.state);
        Answer::json(200, alert.wire()).did(did)
    }
}

/// One that waits for a newer release.
pub fn example_corp() -> Vec<Dependabot> {
    vec![Dependabot {
        number: 3,
        package: "left-pad".into(),
        state: "open",
        reason: None,
        comment: None,
    }]
}
