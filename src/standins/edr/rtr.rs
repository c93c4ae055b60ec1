//! Real-time response: a session on a host, and commands that only look, answered after a moment.

use super::{Edr, Host, meta, refused};
use crate::standins::wire::{Answer, Request};
use serde_json::{Value, json};
use std::time::Duration;

/// A host that was silent for longer does not answer.
const REACHABLE: Duration = Duration::from_secs(60 * 60);
/// A command takes so long, in milliseconds.
const TAKES_MS: i64 = 1500;

/// A session, and what was asked in it.
#[derive(Clone, Debug)]
pub struct Session {
    id: String,
    device_id: String,
    commands: Vec<Command>,
}

#[derive(Clone, Debug)]
struct Command {
    id: String,
    base: String,
    at_ms: i64,
}

impl Edr {
    /// A session that is open is given again.
    pub(super) fn open_session(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let wanted = body["device_id"].as_str().unwrap_or_default();
        let Some(host) = self.hosts.iter().find(|host| host.id == wanted) else {
            return refused(404, "Host not found");
        };
        if host.silent > REACHABLE {
            return refused(404, "could not establish sensor comms");
        }
        let (device_id, hostname) = (host.id.clone(), host.hostname.clone());
        let open = self.sessions.iter().find(|session| session.device_id == device_id);
        if let Some(session) = open {
            return session.given();
        }
        let id = format!("5f0c1a52-0000-4000-9000-{:012}", self.next());
        let session = Session { id, device_id, commands: Vec::new() };
        let answer = session.given().did(format!("open a session on {hostname}"));
        self.sessions.push(session);
        answer
    }

    pub(super) fn run_command(&mut self, request: &Request) -> Answer {
        let body = request.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let id = format!("5f0c1a52-0000-4000-a000-{:012}", self.next());
        let wanted = text("session_id");
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == wanted) else {
            return refused(404, "Session not found");
        };
        let base = text("base_command").to_owned();
        if base.is_empty() || !text("command_string").starts_with(&base) {
            return refused(400, "command_string must begin with base_command");
        }
        session.commands.push(Command { id: id.clone(), base: base.clone(), at_ms: request.at_ms });
        let resource = json!({"session_id": session.id, "cloud_request_id": id, "queued_command_offline": false});
        answered(201, &resource).did(format!("run {base}"))
    }

    pub(super) fn command_status(&self, request: &Request) -> Answer {
        let wanted = request.asked("cloud_request_id").unwrap_or_default();
        let command = self.sessions.iter().find_map(|session| {
            let command = session.commands.iter().find(|command| command.id == wanted)?;
            Some((session, command))
        });
        let Some((session, command)) = command else { return refused(404, "Command not found") };
        let complete = request.at_ms - command.at_ms >= TAKES_MS;
        let host = self.hosts.iter().find(|host| host.id == session.device_id);
        let said = host.filter(|_| complete).map(|host| host.says(&command.base));
        let (stdout, stderr) = match said {
            Some(Ok(text)) => (text, String::new()),
            Some(Err(text)) => (String::new(), text),
            None => Default::default(),
        };
        let resource = json!({
            "session_id": session.id, "task_id": command.id, "complete": complete, "stdout": stdout, "stderr": stderr,
            "base_command": command.base, "sequence_id": 0,
        });
        answered(200, &resource)
    }
}

impl Session {
    fn given(&self) -> Answer {
        answered(201, &json!({"session_id": self.id, "scripts": [], "existing_aid_sessions": 1}))
    }
}

impl Host {
    /// What it says to a command, as far as we know it.
    fn says(&self, command: &str) -> Result<String, String> {
        match command {
            "ps" => Ok(format!("1 init\n412 falcon-sensor\n977 {}\n", self.user)),
            "ipconfig" | "netstat" => Ok(format!("{} {}\n", self.hostname, self.local_ip)),
            "env" => Ok(format!("COMPUTERNAME={}\nOS={}\n", self.hostname, self.os)),
            other => Err(format!("{other}: nothing is there\n")),
        }
    }
}

fn answered(status: u16, resource: &Value) -> Answer {
    Answer::json(
        status,
        json!({"meta": meta("empower-api"), "errors": [], "resources": [resource]}),
    )
}
