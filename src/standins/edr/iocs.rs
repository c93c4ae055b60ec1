//! Indicators that are detected or blocked: hashes, domains, addresses.

use super::{Edr, found, ids, meta, page, refused, rfc3339, unknown};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

const PROPERTIES: [&str; 5] = ["id", "type", "value", "action", "severity"];
const KINDS: [&str; 5] = ["sha256", "md5", "domain", "ipv4", "ipv6"];
const ACTIONS: [&str; 6] =
    ["no_action", "allow", "detect", "prevent", "prevent_no_ui", "block_and_allow_children"];

/// An indicator, as it was given.
#[derive(Clone, Debug)]
pub struct Indicator {
    id: String,
    pub kind: String,
    pub value: String,
    pub action: String,
    given: Value,
    at_ms: i64,
}

impl Indicator {
    fn property(&self, name: &str) -> Vec<String> {
        self.wire()[name].as_str().map(str::to_owned).into_iter().collect()
    }

    fn wire(&self) -> Value {
        let mut wire = self.given.clone();
        wire["id"] = json!(self.id);
        wire["created_on"] = json!(rfc3339(self.at_ms));
        wire["deleted"] = json!(false);
        wire
    }
}

impl Edr {
    pub(super) fn query_indicators(&self, request: &Request) -> Answer {
        page(request, ("ioc-service", &PROPERTIES), &self.indicators, Indicator::property)
    }

    pub(super) fn get_indicators(&self, request: &Request) -> Answer {
        let (mut resources, mut errors) = (Vec::new(), Vec::new());
        for id in ids(request, "ids") {
            match self.indicators.iter().find(|one| one.id == id) {
                Some(one) => resources.push(one.wire()),
                None => errors.push(unknown(&id)),
            }
        }
        found("ioc-service", &resources, &errors)
    }

    /// All of them or none.
    pub(super) fn add_indicators(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let given = body["indicators"].as_array().cloned().unwrap_or_default();
        if given.is_empty() {
            return refused(400, "indicators: at least one is required");
        }
        if let Some(why) = given.iter().find_map(|one| self.objection(one)) {
            return refused(400, &why);
        }
        let mut made = Vec::new();
        for one in given {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            let (kind, value, action) = (text("type"), text("value"), text("action"));
            let id = format!("{:064x}", self.next());
            made.push(Indicator { id, kind, value, action, given: one, at_ms: request.at_ms });
        }
        let words: Vec<String> =
            made.iter().map(|one| format!("{} {}", one.action, one.value)).collect();
        let resources: Vec<Value> = made.iter().map(Indicator::wire).collect();
        self.indicators.extend(made);
        Answer::json(
            201,
            json!({"meta": meta("ioc-service"), "errors": [], "resources": resources}),
        )
        .did(words.join(", "))
    }

    fn objection(&self, one: &Value) -> Option<String> {
        let text = |name: &str| one[name].as_str().unwrap_or_default();
        let (kind, value) = (text("type"), text("value"));
        if !KINDS.contains(&kind) {
            return Some(format!("Invalid type: {kind:?}"));
        }
        if value.is_empty() || !ACTIONS.contains(&text("action")) {
            return Some(format!("Invalid value or action: {value:?}, {:?}", text("action")));
        }
        if one["platforms"].as_array().is_none_or(Vec::is_empty) {
            return Some("platforms is required".into());
        }
        let groups = one["host_groups"].as_array().is_some_and(|groups| !groups.is_empty());
        if one["applied_globally"] != true && !groups {
            return Some("Either host_groups or applied_globally is required".into());
        }
        let hash = matches!(kind, "sha256" | "md5");
        if !hash && !matches!(text("action"), "detect" | "no_action") {
            return Some(format!("Action {} is for hashes only", text("action")));
        }
        if matches!(text("action"), "detect" | "prevent") && text("severity").is_empty() {
            return Some("severity is required for this action".into());
        }
        let known = self.indicators.iter().any(|one| one.kind == kind && one.value == value);
        known.then(|| format!("Duplicate type: '{kind}' and value: '{value}' combination."))
    }

    pub(super) fn delete_indicators(&mut self, request: &Request) -> Answer {
        let ids = ids(request, "ids");
        if ids.is_empty() {
            return refused(400, "The 'ids' parameter must be present at least once.");
        }
        if let Some(id) = ids.iter().find(|id| !self.indicators.iter().any(|one| one.id == **id)) {
            return found("ioc-service", &[], &[unknown(id)]);
        }
        let gone = self.indicators.iter().filter(|one| ids.contains(&one.id));
        let words: Vec<String> = gone.map(|one| one.value.clone()).collect();
        self.indicators.retain(|one| !ids.contains(&one.id));
        Answer::json(200, json!({"meta": meta("ioc-service"), "errors": [], "resources": ids}))
            .did(format!("forget {}", words.join(", ")))
    }
}
