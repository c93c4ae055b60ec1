//! The tools of a case: stand-ins in this process, which outlive the bot's and count what it does to them.

use std::path::Path;
use std::time::Duration;
use vigie::standins::{Call, Fault, Options, Standins};

/// The host that is contained, by its name.
pub const HOST: &str = "fin-laptop-12";
/// A secret of each tool, to be found nowhere.
pub const TOOL_SECRETS: [&str; 3] =
    ["canary-edr-secret-2b7e", "canary-jira-token-4c1f", "canary-forge-token-77e3"];

/// A tool takes its time to answer: meanwhile the bot says how the run goes, and can be struck in it.
const THINKS: Duration = Duration::from_millis(200);

/// Where each of them is heard.
const CONTAIN: &str = "POST /devices/entities/devices-actions/v2";
const OPEN: &str = "POST /repos/example/payments/issues";
const TICKET: &str = "POST /rest/api/3/issue";

const CONFIG: &str = r#"
tools:
  crowdstrike: {base_url: "EDR", internal: [127.0.0.1], client_id: standin-edr-client, client_secret: {env: TOOL_SECRET_0}}
  jira: {base_url: "JIRA", internal: [127.0.0.1], email: vigie@example.com, token: {env: TOOL_SECRET_1}}
  forge: {base_url: "GITHUB", internal: [127.0.0.1], token: {env: TOOL_SECRET_2}}
"#;

/// None of the tools that we ship knows a key, so here is one that does.
const FORGE: &str = r#"
tool: forge
title: A forge that knows keys
connection:
  fields: {base_url: {type: url, hosts: ["*"]}, token: {type: secret}}
  auth: {bearer: "{{ token }}"}
actions:
  open_issue:
    title: Open an issue
    method: POST
    path: /repos/example/payments/issues
    headers: {Idempotency-Key: "{{ key }}"}
    body: {title: "{{ in.title }}"}
    in: {title: {required: true}}
    risk: write
    in_doubt: keyed
    undo: null
    ok: 201
    out: {number: {type: integer, from: body.number}}
"#;

/// A step of each way out of doubt: the tool is asked, it knows a key, a person is asked. A look comes after them, so that they
/// are not among the last calls, which a kill may not reach.
const RESPOND: &str = r#"
title: Respond
on: button
when: alert.hosts
who: analyst
approve: {by: lead, within: 15m}
ask:
  host: {choose: alert.hosts, label: Which host?}
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: "{{ ask.host }}"}, expect: one}
  - {id: contain, uses: crowdstrike.contain, with: {device_id: "{{ steps.find.id }}"}}
  - {id: issue, uses: forge.open_issue, with: {title: "{{ alert.title }}"}}
  - {id: ticket, uses: jira.create_issue, with: {project: SEC, summary: "{{ alert.title }}"}}
  - {id: look, uses: crowdstrike.get_host, with: {device_id: "{{ steps.find.id }}"}}
  - say: "{{ ask.host }} is off the network."
"#;

/// Stand-ins for an EDR, a ticket system, and a forge that honours keys.
pub struct Tools(Standins);

/// One step of the playbook, as the tool that it calls knows it.
pub struct Seen {
    pub step: &'static str,
    /// How often it was called.
    pub heard: usize,
    /// How often that changed something.
    pub effects: usize,
}

impl Tools {
    /// Starts them, and writes the playbook and the connector beside the config.
    pub async fn new(epoch_ms: i64, folder: &Path) -> Self {
        for (name, text) in [("connectors/forge.yaml", FORGE), ("playbooks/respond.yaml", RESPOND)]
        {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().expect("it is in a folder")).expect("a folder");
            std::fs::write(file, text).expect("writes");
        }
        let mut options = Options { epoch_ms, ..Options::default() };
        let [edr, jira, github] = TOOL_SECRETS.map(str::to_owned);
        (options.edr.client_secret, options.jira.token, options.github.token) = (edr, jira, github);
        let standins = Standins::start(options).await.expect("the stand-ins listen");
        standins.github.honour_keys();
        for (_, tool) in standins.all() {
            tool.fail_always("changes", Fault::Slow(THINKS));
        }
        Self(standins)
    }

    /// The config, with the tools, where they are, and the one playbook that is offered.
    pub fn config(&self, config: &str) -> String {
        let put = |text: String, (name, url): (&str, String)| text.replace(name, &url);
        let Standins { edr, jira, github, .. } = &self.0;
        let urls = [("EDR\"", edr), ("JIRA\"", jira), ("GITHUB\"", github)];
        let urls = urls.into_iter().map(|(name, tool)| (name, format!("{}\"", tool.url())));
        let offered = "escalation: standard, playbooks: [respond]}";
        config.replace("escalation: standard}", offered) + &urls.fold(CONFIG.to_owned(), put)
    }

    /// The environment that the config speaks of.
    pub fn secrets() -> impl Iterator<Item = (String, &'static str)> {
        let all = TOOL_SECRETS.into_iter().enumerate();
        all.map(|(at, secret)| (format!("TOOL_SECRET_{at}"), secret))
    }

    /// What they saw of each step that changes something, in its order.
    pub fn seen(&self) -> [Seen; 3] {
        let of = |step, calls: Vec<Call>| Seen {
            step,
            heard: calls.len(),
            effects: calls.iter().filter(|call| call.did.is_some()).count(),
        };
        [
            of("contain", self.0.edr.calls_of(CONTAIN)),
            of("issue", self.0.github.calls_of(OPEN)),
            of("ticket", self.0.jira.calls_of(TICKET)),
        ]
    }

    /// Whether a ticket stands: what a person sees who looks.
    pub fn has_ticket(&self) -> bool {
        self.0.jira.state()["tickets"].as_array().is_some_and(|tickets| !tickets.is_empty())
    }
}
