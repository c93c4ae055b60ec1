//! Twelve secrets go through every path of a run, the failing ones too, and a tool repeats each in every spelling: nobody reads
//! one of them, in no log, message, journal, export or panic.

use crate::canaries::{KEPT, MARKS, Parrot, SPELLINGS, canary, excerpt, found};
use crate::world::{CONFIG, World};
use serde_json::json;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;
use vigie::clock::Clock;
use vigie::connectors::Client;
use vigie::connectors::wire::{Outside, Redactor, Transport};
use vigie::domain::tool::call::Permit;
use vigie::domain::tool::{Uses, Values};

/// Each way to show who we are, and what it keeps secret.
const WAYS: [(&str, &str, usize); 6] = [
    ("header", "{header: {name: X-Token, value: \"{{ token }}\"}}", 0),
    ("bearer", "{bearer: \"{{ token }}\"}", 1),
    ("basic", "{basic: {user: vigie, password: \"{{ token }}\"}}", 2),
    (
        "granted",
        "{oauth2: {token_url: \"{{ base_url }}/token\", client_id: vigie, client_secret: \"{{ token }}\"}}",
        3,
    ),
    (
        "sent",
        "{oauth2: {token_url: \"{{ base_url }}/token\", client_id: vigie, client_secret: \"{{ token }}\", send: basic}}",
        4,
    ),
    (
        "ticket",
        "{login: {path: /login, body: {user: vigie, password: \"{{ token }}\"}, token: body.jwt, header: {name: Authorization, value: \"Bearer {{ token }}\"}}}",
        5,
    ),
];

/// A connector of this way: a look, a change, something destructive, and one that looks a secret up first.
fn connector(way: &str, auth: &str) -> String {
    let auth = match way {
        // What the login gives has a name that no secret of the connection has.
        "ticket" => auth.replace("\"{{ token }}\"}, token", "\"{{ password }}\"}, token"),
        _ => auth.to_owned(),
    };
    let secret = if way == "ticket" { "password" } else { "token" };
    format!(
        "
tool: {way}
title: Parrot {way}
connection:
  fields: {{base_url: {{type: url, hosts: [\"*\"]}}, {secret}: {{type: secret}}, query: {{type: secret}}, sign: {{type: secret}}}}
  auth: {auth}
actions:
  ask:
    title: Ask
    path: /{{how}}
    query: {{key: \"{{{{ query }}}}\"}}
    in: {{how: {{required: true}}}}
    out:
      body: {{type: any, from: body, optional: true}}
      header: {{from: \"headers['x-heard']\", optional: true}}
      name: {{from: body.message, optional: true}}
  change: &change
    title: Change
    method: POST
    path: /{{how}}
    query: {{key: \"{{{{ query }}}}\"}}
    body: {{signed: \"{{{{ sign }}}}\"}}
    in: {{how: {{required: true}}}}
    risk: write
    in_doubt: verify
    verify: {{uses: ask, with: {{how: 200-0}}, happened: \"out.body is defined\"}}
    out: {{body: {{type: any, from: body, optional: true}}}}
  cut:
    title: Cut off
    method: POST
    path: /{{how}}
    in: {{how: {{required: true, entity: host, by: id}}}}
    risk: destructive
    in_doubt: repeat
    identify: {{entity: host, uses: ask, with: {{how: \"{{{{ in.how }}}}\"}}, names: out.name}}
  revoke:
    title: Revoke
    first: {{path: /leaked, let: {{leaked: body.secret}}, secret: true}}
    method: POST
    path: /{{how}}
    body: {{credential: \"{{{{ leaked }}}}\"}}
    in: {{how: {{required: true}}}}
    risk: write
    in_doubt: repeat
    out: {{body: {{type: any, from: body, optional: true}}}}
"
    )
}

fn tool(name: &str, (way, number): (&str, usize), url: &str) -> String {
    let secret = if way == "ticket" { "password" } else { "token" };
    format!(
        "  {name}: {{type: {way}, base_url: \"{url}\", internal: [127.0.0.1], {secret}: {{env: CANARY_{number}}}, query: {{env: CANARY_6}}, sign: {{env: CANARY_7}}}}\n"
    )
}

/// Tools of every way at the parrot; one where nobody listens, one that speaks no TLS, and one that may not be reached.
fn tools(parrot: &str) -> String {
    let mut all = "\ntools:\n".to_owned();
    for (way, _, number) in WAYS {
        all += &tool(way, (way, number), parrot);
    }
    all += &tool("closed", ("header", 0), "http://127.0.0.1:1");
    all += &tool("secured", ("bearer", 1), &parrot.replace("http:", "https:"));
    let outside = tool("outside", ("basic", 2), "https://127.0.0.1:9");
    all + &outside.replace(" internal: [127.0.0.1],", "")
}

/// What comes back from a tool: a good answer in every spelling, refusals in some; of the first whatever else there is.
fn answers(way: &str) -> Vec<String> {
    let good = (0..SPELLINGS).map(|n| format!("200-{n}"));
    let refused = (0..SPELLINGS).step_by(4).map(|n| format!("400-{n}"));
    let others = match way {
        "header" => {
            "403-2 404-3 422-4 500-5 429-0 503-0 denied-6 half-0 noise-0 text-0 text-3 text-9 html-1 html-12 torn-0 torn-7"
        }
        _ => "401-1 500-8 lost-0",
    };
    good.chain(refused).chain(others.split(' ').map(str::to_owned)).collect()
}

/// Every action of a tool with every answer; what comes back is said, and what fails is told.
fn playbook(way: &str) -> String {
    let few = ["200-0", "500-8", "half-0", "lost-0"].map(str::to_owned);
    let each = |answers: &[String]| {
        let quoted: Vec<String> = answers.iter().map(|how| format!("'{how}'")).collect();
        format!("[{}]", quoted.join(", "))
    };
    let (all, few) = (each(&answers(way)), each(&few));
    let calls = match way {
        "closed" | "secured" | "outside" => vec![("ask", &few)],
        // Who would be cut off is told with secrets, and so is refused: that ends it.
        _ => vec![("ask", &all), ("change", &few), ("revoke", &few), ("cut", &few)],
    };
    let mut text = format!("title: Ask {way}\nwho: analyst\nsteps:\n");
    for (action, each) in calls {
        let uses =
            format!("uses: {way}.{action}, with: {{how: \"{{{{ item }}}}\"}}, on_error: continue");
        let _ = writeln!(text, "  - {{id: {action}, for_each: \"{each}\", {uses}}}");
        let say = match way {
            // Each by itself, so that nothing of it is cut.
            "header" => format!("for_each: steps.{action}.items, say: \"{{{{ item }}}}\""),
            _ => format!("say: \"{{{{ steps.{action}.items }}}}\""),
        };
        let _ = writeln!(text, "  - {{{say}}}");
    }
    text
}

/// An analyst has it all asked of one tool, on an alert of its own.
async fn ask_it_all(w: &World, way: &str) {
    w.write_playbook("all", &playbook(way));
    w.read_again().await.expect("it is taken up");
    let title = format!("About {way}");
    w.alert(json!({"id": way, "title": title, "severity": "low"})).await;
    let page = w.message("#soc-alerts", &title).await;
    w.by("ana").click(&page, &format!("Ask {way}…")).await;
    clean("the plan", &w.by("ana").form().await.body.to_string());
    w.by("ana").submit(json!({})).await;
    let run = page.reply(&format!("Ask {way}")).await;
    for _ in 0..200 {
        if w.ask("SELECT count(*) FROM runs_v1 WHERE finished_at IS NULL") == "0" {
            break;
        }
        w.sleep(Duration::from_secs(60)).await;
        // Where nobody knows whether it happened, what the tool said is shown to whoever has to say.
        if run.buttons().iter().any(|button| button == "It happened") {
            w.by("ana").click(&run, "It happened").await;
        }
    }
    let ends = ["closed", "secured", "outside"].contains(&way);
    run.expect(if ends { "Done." } else { "It ended at the step `cut`" }).await;
    w.settle().await;
    w.by("ana").click(&run, "Details…").await;
    clean("the details", &w.by("ana").form().await.body.to_string());
    w.slack().by("ana").close_all().await.expect("it can be closed");
}

/// Nothing of what a person, a log or a file could show has a secret in it.
fn clean(what: &str, text: &str) {
    let found = found(text);
    assert!(found.is_empty(), "{found:?} in {what}: {}", excerpt(text).unwrap_or_default());
}

#[test]
fn no_secret_of_a_tool_is_read_anywhere_whatever_the_tool_repeats() {
    World::play(CONFIG, async |w, log| {
        let parrot = Parrot::start().await;
        for (way, auth, _) in WAYS {
            w.write_connector(way, &connector(way, auth));
        }
        let config =
            format!("{CONFIG}{}protected: {{hosts: [\"*redacted*\"]}}\n", tools(&parrot.url));
        w.reload(&config).await.expect("it is taken up");
        for way in WAYS.map(|(way, ..)| way).into_iter().chain(["closed", "secured", "outside"]) {
            ask_it_all(w, way).await;
        }
        let mut heard = found(&parrot.heard());
        heard.push(MARKS[9]);
        heard.sort_unstable();
        let mut all = MARKS.to_vec();
        all.sort_unstable();
        assert_eq!(heard, all, "each was sent, but for the one that only renews");
        w.settle().await;
        w.read_all();

        for path in ["metrics", "readyz", "healthz"] {
            let url = format!("http://{}/{path}", w.app().listen());
            let answer = w.http().get(url).send().await.expect("it answers");
            clean(path, &answer.text().await.expect("a text"));
        }
        what_code_could_print(w).await;
        for file in std::fs::read_dir(w.database().parent().expect("a folder")).expect("reads") {
            let path = file.expect("an entry").path();
            if path.is_file() {
                let bytes = std::fs::read(&path).expect("reads");
                clean(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
        clean("Slack", &format!("{:?} {}", w.slack().calls(), w.slack().transcript()));
        clean("Slack's acknowledgements", &format!("{:?}", w.slack().acks()));
        assert!(w.slack().transcript().contains("[redacted]"), "what was repeated is shown");
        let kept = "SELECT count(*) FROM private WHERE content LIKE '%[redacted]%'";
        assert_ne!(w.ask(kept), "0", "and kept");
        w.stop().await;
        clean("the log", &log.text());
        w.sound(log, &[]);
    });
}

/// What a careless line of code could print of them.
async fn what_code_could_print(w: &World) {
    let settings = w.settings();
    let clock = Clock::real();
    let outside = Outside::of_this_machine(clock.clone()).expect("authorities");
    let transport = std::sync::Arc::new(Transport::new(outside, Redactor::default()));
    let client = Client::new(transport, settings.lines.clone(), clock);
    for (way, ..) in WAYS {
        let (uses, how) = (Uses { tool: way.into(), action: "ask".into() }, "200-0");
        let (tool, action) = settings.catalogue.find(&uses).expect("it is there");
        let with = Values::from([("how".to_owned(), json!(how))]);
        for request in tool.requests(action, &with).expect("it is good") {
            clean("a request", &format!("{request:?} {request} {}", request.hash()));
        }
        let permit =
            Permit::read(tool, &action.name, with, Duration::from_secs(5)).expect("a read");
        clean("a permit", &format!("{permit:?}"));
        clean("what came of a call", &format!("{:?}", client.call(&permit).await));
        clean("a connection", &format!("{:?}", settings.lines.get(&tool.name)));
        // A panic prints what a careless line hands it: the log and what is told of the run hear that too.
        let line = settings.lines.get(&tool.name);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            panic!("{permit:?} {line:?} {client:?} {tool:?} {:?}", settings.catalogue)
        }));
        let told = panicked.expect_err("it panics");
        let words = told.downcast_ref::<String>().expect("it says why");
        assert!(words.len() > 1000, "it has them all");
        clean("a panic", words);
    }
    clean("a client", &format!("{client:?}"));
    clean("the settings", &format!("{settings:?} {settings:#?}"));
}

/// The command line asks the same tools, and its words end in somebody's terminal, or in a file.
#[test]
fn no_secret_of_a_tool_is_read_on_the_command_line() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let parrot = runtime.block_on(Parrot::start());
    let folder = tempfile::tempdir().expect("a folder");
    let connectors = folder.path().join("connectors");
    std::fs::create_dir_all(&connectors).expect("a folder");
    for (way, auth, _) in WAYS {
        let path = connectors.join(format!("{way}.yaml"));
        std::fs::write(path, connector(way, auth)).expect("a file");
    }
    let rest = "sources: {scanner: {type: generic, auth: none}}\nroutes: [{name: everything}]\n";
    let roles = "slack: {channel: \"#soc\"}\nroles: {analyst: {users: [alice@example.com]}}\n";
    let config = folder.path().join("vigie.yaml");
    std::fs::write(&config, format!("{roles}{rest}{}", tools(&parrot.url))).expect("a file");
    let vigie = |args: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(args)
            .args(["--config", config.to_str().expect("UTF-8")])
            .env_clear()
            .env("RUST_LOG", "debug")
            .envs([("SLACK_BOT_TOKEN", "xoxb-1"), ("SLACK_APP_TOKEN", "xapp-1")])
            .envs((0..KEPT).map(|number| (format!("CANARY_{number}"), canary(number))))
            .output()
            .expect("it runs");
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        clean(&format!("{args:?}"), &said);
        said
    };
    for (way, ..) in WAYS {
        let ask = format!("{way}.ask");
        for how in ["how=200-0", "how=200-12", "how=401-0", "how=500-6", "how=half-0", "how=lost-0"]
        {
            vigie(&["connector", "call", &ask, how]);
        }
        let said = vigie(&["connector", "call", &ask, "how=400-0", "--format", "json"]);
        assert!(said.contains("[redacted]"), "{said}");
        vigie(&["connector", "call", &format!("{way}.change"), "how=200-0", "--dry"]);
    }
    for rest in
        [&["connector", "list"][..], &["connector", "test"], &["check"], &["playbook", "list"]]
    {
        vigie(rest);
    }
    let heard = found(&parrot.heard());
    for mark in &MARKS[..7] {
        assert!(heard.contains(mark), "{mark} was not sent");
    }
}
