//! Hosts: who they are, and how they are contained and let go.

use super::{Edr, found, ids, meta, page, refused, rfc3339, unknown};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};
use std::time::Duration;

/// At most so many hosts are acted on, or looked at by a query, at once.
const MOST: usize = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// What a filter may speak of.
const PROPERTIES: [&str; 10] = [
    "device_id",
    "hostname",
    "status",
    "platform_name",
    "os_version",
    "local_ip",
    "external_ip",
    "mac_address",
    "last_login_user",
    "last_seen",
];

/// A host with a sensor on it.
#[derive(Clone, Debug)]
pub struct Host {
    /// 32 hexadecimal digits.
    pub id: String,
    pub hostname: String,
    /// `Windows`, `Mac` or `Linux`.
    pub platform: String,
    pub os: String,
    pub local_ip: String,
    /// Who signed in last.
    pub user: String,
    /// How long it has not been heard of.
    pub silent: Duration,
    /// Whether it is to be cut off; since when that is wanted, in unix milliseconds, where it ever changed.
    contained: bool,
    since_ms: Option<i64>,
}

impl Host {
    pub fn new(id: &str, hostname: &str, (platform, os): (&str, &str), user: &str) -> Self {
        let tail = id.bytes().rev().take(2).fold(0_u32, |sum, digit| sum + u32::from(digit));
        Self {
            id: id.into(),
            hostname: hostname.into(),
            platform: platform.into(),
            os: os.into(),
            local_ip: format!("10.20.0.{}", tail % 250 + 1),
            user: user.into(),
            silent: Duration::from_secs(40),
            contained: false,
            since_ms: None,
        }
    }

    /// `normal`, `containment_pending`, `contained` or `lift_containment_pending`.
    pub fn status(&self, at_ms: i64, settles: Duration) -> &'static str {
        let settles = i64::try_from(settles.as_millis()).unwrap_or(i64::MAX);
        let settled = self.since_ms.is_none_or(|since| at_ms - since >= settles);
        match (self.contained, settled) {
            (false, true) => "normal",
            (true, false) => "containment_pending",
            (true, true) => "contained",
            (false, false) => "lift_containment_pending",
        }
    }

    fn property(&self, name: &str, (at_ms, settles): (i64, Duration)) -> Vec<String> {
        let wire = self.wire(at_ms, settles);
        wire[name].as_str().map(str::to_owned).into_iter().collect()
    }

    fn wire(&self, at_ms: i64, settles: Duration) -> Value {
        let silent = i64::try_from(self.silent.as_millis()).unwrap_or(i64::MAX);
        json!({
            "device_id": self.id, "cid": "0c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f", "hostname": self.hostname,
            "status": self.status(at_ms, settles), "platform_name": self.platform, "os_version": self.os,
            "product_type_desc": if self.platform == "Linux" { "Server" } else { "Workstation" },
            "local_ip": self.local_ip, "external_ip": "198.51.100.7", "mac_address": format!("02-42-ac-{}-{}-{}", &self.id[..2], &self.id[2..4], &self.id[4..6]),
            "last_login_user": self.user, "agent_version": "7.31.20309.0", "tags": [], "groups": [],
            "first_seen": rfc3339(at_ms - 200 * DAY_MS), "last_seen": rfc3339(at_ms.saturating_sub(silent)),
        })
    }
}

impl Edr {
    pub(super) fn query_hosts(&self, request: &Request) -> Answer {
        let now = (request.at_ms, self.settles);
        let property = |host: &Host, name: &str| host.property(name, now);
        page(request, ("device-api", &PROPERTIES), &self.hosts, property)
    }

    pub(super) fn get_hosts(&self, request: &Request) -> Answer {
        let ids = ids(request, "ids");
        if ids.is_empty() {
            return refused(400, "The 'ids' parameter must be present at least once.");
        }
        let (mut resources, mut errors) = (Vec::new(), Vec::new());
        for id in &ids {
            match self.hosts.iter().find(|host| host.id == *id) {
                Some(host) => resources.push(host.wire(request.at_ms, self.settles)),
                None => errors.push(unknown(id)),
            }
        }
        found("device-api", &resources, &errors)
    }

    /// Nothing is done unless all of it can be.
    pub(super) fn act_on_hosts(&mut self, request: &Request) -> Answer {
        let ids = ids(request, "ids");
        let contain = match request.asked("action_name") {
            Some("contain") => true,
            Some("lift_containment") => false,
            other => {
                let other = other.unwrap_or_default();
                return refused(
                    400,
                    &format!("Provided data does not match expected 'action_name' values: {other}"),
                );
            }
        };
        if ids.is_empty() || ids.len() > MOST {
            return refused(400, &format!("Number of IDs must be between 1 and {MOST}"));
        }
        let mut meant = Vec::new();
        for id in &ids {
            match self.hosts.iter_mut().find(|host| host.id == *id) {
                None => return found("device-api", &[], &[unknown(id)]),
                Some(host) if host.contained == contain => {
                    let state = host.status(request.at_ms, self.settles);
                    return refused(409, &format!("Device {id} is in the state {state} already"));
                }
                Some(host) => meant.push(host.hostname.clone()),
            }
        }
        for host in self.hosts.iter_mut().filter(|host| ids.contains(&host.id)) {
            host.contained = contain;
            host.since_ms = Some(request.at_ms);
        }
        let link = |id: &String| json!({"id": id, "path": format!("/devices/entities/devices/v1?ids={id}")});
        let resources: Vec<Value> = ids.iter().map(link).collect();
        let word = if contain { "contain" } else { "lift containment of" };
        Answer::json(202, json!({"meta": meta("device-api"), "errors": [], "resources": resources}))
            .did(format!("{word} {}", meant.join(", ")))
    }
}

/// The hosts that the demo's alerts speak of. Two go by the name `kiosk-2`: one of them was made anew, and its old record stayed.
pub fn example_corp() -> Vec<Host> {
    const WINDOWS: (&str, &str) = ("Windows", "Windows 11");
    const LINUX: (&str, &str) = ("Linux", "Debian GNU 13");
    let old_kiosk = Host {
        silent: Duration::from_secs(90 * 24 * 60 * 60),
        ..Host::new("6b1f0d7e9a2c4b3f8d5e7c6a1b0f9e8d", "kiosk-2", WINDOWS, "kiosk")
    };
    vec![
        Host::new("1f9a3c5e7b2d4f6081a3c5e7092b4d6f", "fin-laptop-12", WINDOWS, "CORP\\m.leroy"),
        Host::new(
            "2a0b4d6f8c3e507192b4d6f81a3c5e70",
            "laptop-7",
            ("Mac", "Tahoe (26)"),
            "j.durand",
        ),
        Host::new("3b1c5e709d4f6182a3c5e7092b4d6f81", "prod-db-1", LINUX, "postgres"),
        Host::new("4c2d6f81ae507293b4d6f81a3c5e7092", "node-3", LINUX, "root"),
        Host::new("5d3e7092bf6183a4c5e7092b4d6f81a3", "nas-2", LINUX, "backup"),
        Host::new(
            "7e4f81a3c07294b5d6f81a3c5e7092b4",
            "dc-1",
            ("Windows", "Windows Server 2025"),
            "CORP\\svc-ad",
        ),
        Host::new("8f5092b4d183a5c6e7092b4d6f81a3c5", "kiosk-2", WINDOWS, "kiosk"),
        old_kiosk,
    ]
}
