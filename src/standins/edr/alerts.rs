//! Alerts: found by a filter, read, and changed one parameter at a time.

use super::{Edr, found, ids, meta, page, refused, rfc3339, unknown};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

const PROPERTIES: [&str; 8] = [
    "composite_id",
    "status",
    "severity_name",
    "display_name",
    "device.hostname",
    "assigned_to_uid",
    "created_timestamp",
    "user_name",
];
const STATUSES: [&str; 4] = ["new", "in_progress", "closed", "reopened"];

/// A detection on a host.
#[derive(Clone, Debug)]
pub struct Alert {
    /// The composite id.
    pub id: String,
    pub name: String,
    pub severity: String,
    pub device_id: String,
    pub hostname: String,
    pub user: String,
    pub status: String,
    pub comments: Vec<String>,
    pub tags: Vec<String>,
    pub assigned_to: Option<String>,
    created_ms: i64,
}

impl Alert {
    fn property(&self, name: &str) -> Vec<String> {
        let one = match name {
            "composite_id" => &self.id,
            "status" => &self.status,
            "severity_name" => &self.severity,
            "display_name" => &self.name,
            "device.hostname" => &self.hostname,
            "user_name" => &self.user,
            "created_timestamp" => return vec![rfc3339(self.created_ms)],
            _ => return self.assigned_to.iter().cloned().collect(),
        };
        vec![one.clone()]
    }

    fn wire(&self, at_ms: i64) -> Value {
        let comment =
            |value: &String| json!({"value": value, "falcon_user_id": "standin-edr-client"});
        json!({
            "composite_id": self.id, "display_name": self.name, "severity_name": self.severity, "status": self.status,
            "device": {"device_id": self.device_id, "hostname": self.hostname}, "tags": self.tags,
            "assigned_to_uid": self.assigned_to, "comments": self.comments.iter().map(comment).collect::<Vec<_>>(),
            "user_name": self.user, "created_timestamp": rfc3339(self.created_ms),
            "falcon_host_link": format!("https://falcon.crowdstrike.com/unified-detections/{}", self.id),
            "product": "epp", "type": "ldt", "updated_timestamp": rfc3339(at_ms),
        })
    }

    /// One of the parameters that Falcon knows; false where it does not know it.
    fn change(&mut self, name: &str, value: &str) -> bool {
        match name {
            "update_status" if STATUSES.contains(&value) => value.clone_into(&mut self.status),
            "append_comment" => self.comments.push(value.to_owned()),
            "add_tag" if !self.tags.iter().any(|tag| tag == value) => {
                self.tags.push(value.to_owned())
            }
            "add_tag" => {}
            "remove_tag" => self.tags.retain(|tag| tag != value),
            "assign_to_uuid" | "assign_to_user_id" | "assign_to_name" => {
                self.assigned_to = Some(value.to_owned());
            }
            "unassign" => self.assigned_to = None,
            _ => return false,
        }
        true
    }
}

impl Edr {
    pub(super) fn query_alerts(&self, request: &Request) -> Answer {
        page(request, ("detectsapi", &PROPERTIES), &self.alerts, Alert::property)
    }

    pub(super) fn get_alerts(&self, request: &Request) -> Answer {
        let (mut resources, mut errors) = (Vec::new(), Vec::new());
        for id in ids(request, "composite_ids") {
            match self.alerts.iter().find(|alert| alert.id == id) {
                Some(alert) => resources.push(alert.wire(request.at_ms)),
                None => errors.push(unknown(&id)),
            }
        }
        found("detectsapi", &resources, &errors)
    }

    pub(super) fn update_alerts(&mut self, request: &Request) -> Answer {
        let (body, ids) = (request.json(), ids(request, "composite_ids"));
        let parameters: Vec<(&str, &str)> = body["action_parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| {
                Some((one["name"].as_str()?, one["value"].as_str().unwrap_or_default()))
            })
            .collect();
        if ids.is_empty() || parameters.is_empty() {
            return refused(400, "composite_ids and action_parameters are required");
        }
        let mut changed = Vec::new();
        for id in &ids {
            let Some(alert) = self.alerts.iter().find(|alert| alert.id == *id) else {
                return found("detectsapi", &[], &[unknown(id)]);
            };
            let mut alert = alert.clone();
            if let Some((name, _)) =
                parameters.iter().find(|(name, value)| !alert.change(name, value))
            {
                return refused(400, &format!("invalid action parameter: {name}"));
            }
            changed.push(alert);
        }
        let names: Vec<String> = changed.iter().map(|alert| alert.name.clone()).collect();
        for alert in changed {
            self.alerts
                .iter_mut()
                .filter(|known| known.id == alert.id)
                .for_each(|known| known.clone_from(&alert));
        }
        let mut head = meta("detectsapi");
        head["writes"] = json!({"resources_affected": ids.len()});
        let did: Vec<&str> = parameters.iter().map(|(name, _)| *name).collect();
        Answer::json(200, json!({"meta": head, "errors": [], "resources": []})).did(format!(
            "{} on {}",
            did.join(", "),
            names.join(", ")
        ))
    }
}

/// What the demo's first alert is about.
pub fn example_corp() -> Vec<Alert> {
    vec![Alert {
        id: "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f:ind:1f9a3c5e7b2d4f6081a3c5e7092b4d6f:9913".into(),
        name: "CredentialDumping".into(),
        severity: "Critical".into(),
        device_id: "1f9a3c5e7b2d4f6081a3c5e7092b4d6f".into(),
        hostname: "fin-laptop-12".into(),
        user: "CORP\\m.leroy".into(),
        status: "new".into(),
        comments: Vec::new(),
        tags: Vec::new(),
        assigned_to: None,
        created_ms: 1_795_860_000_000,
    }]
}
