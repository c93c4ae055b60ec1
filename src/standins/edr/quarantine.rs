//! Files that a sensor has put away, and that are released or put away again.

use super::{Edr, found, ids, meta, refused, unknown};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};

/// A file in quarantine.
#[derive(Clone, Debug)]
pub struct File {
    id: String,
    name: String,
    hostname: String,
    state: &'static str,
}

impl File {
    pub(super) fn wire(&self) -> Value {
        json!({"id": self.id, "name": self.name, "host": self.hostname, "state": self.state})
    }
}

impl Edr {
    pub(super) fn release_files(&mut self, request: &Request) -> Answer {
        let ids = ids(request, "ids");
        let state = match request.json()["action"].as_str() {
            Some("release") => "released",
            Some("unrelease") => "quarantined",
            Some("delete") => "deleted",
            _ => return refused(400, "action is release, unrelease or delete"),
        };
        if let Some(id) = ids.iter().find(|id| !self.files.iter().any(|file| file.id == **id)) {
            return found("quarantine", &[], &[unknown(id)]);
        }
        let mut names = Vec::new();
        for file in self.files.iter_mut().filter(|file| ids.contains(&file.id)) {
            if file.state != state {
                file.state = state;
                names.push(file.name.clone());
            }
        }
        let answer =
            Answer::json(200, json!({"meta": meta("quarantine"), "errors": [], "resources": []}));
        match names.as_slice() {
            [] => answer,
            names => answer.did(format!("{state}: {}", names.join(", "))),
        }
    }
}

/// What was put away when the demo's first alert came.
pub fn example_corp() -> Vec<File> {
    vec![File {
        id: "1f9a3c5e7b2d4f6081a3c5e7092b4d6f_9f86d081884c7d65".into(),
        name: "procdump64.exe".into(),
        hostname: "fin-laptop-12".into(),
        state: "quarantined",
    }]
}
