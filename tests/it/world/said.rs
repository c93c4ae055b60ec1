//! What our stories said to Slack, written down for the JSON Schema made from Slack's own types (`tests/clients/schema`).
//!
//! Only where `VIGIE_SAID` names a folder; a file for each story's thread, a distinct call or acknowledgement a line.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::{OpenOptions, create_dir_all};
use std::io::Write;
use std::path::PathBuf;
use vigie::sim::Sim;

pub fn write(sim: &Sim) {
    let Some(folder) = std::env::var_os("VIGIE_SAID").map(PathBuf::from) else { return };
    create_dir_all(&folder).expect("the folder that VIGIE_SAID names can be made");
    let thread = std::thread::current().name().unwrap_or("story").replace("::", ".");
    let path = folder.join(format!("{thread}-{}.jsonl", std::process::id()));
    let mut file = OpenOptions::new().create(true).append(true).open(path).expect("opens");
    for line in lines(sim) {
        writeln!(file, "{line}").expect("writes");
    }
}

fn lines(sim: &Sim) -> BTreeSet<String> {
    let calls = sim.calls().into_iter().map(|call| json!({"said": call.method, "body": call.body}));
    let payloads = sim.acks().into_iter().filter_map(|ack| ack.payload);
    let acks = payloads.map(|payload| json!({"said": kind(&payload), "body": payload}));
    calls.chain(acks).map(|line| line.to_string()).collect()
}

/// An acknowledgement of a form, or a message to who typed a command.
fn kind(payload: &Value) -> &'static str {
    if payload.get("response_action").is_some() { "ack of a form" } else { "ack of a command" }
}
