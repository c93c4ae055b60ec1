//! The demo, as its page and what stands behind it use it: the real binary, over HTTP.

use crate::process::{Running, folder, vigie};
use crate::two_instances::count;
use serde_json::{Value, json};
use std::io::BufReader;
use std::time::Duration;

/// A running demo, and who looks at it.
struct Demo {
    _process: Running,
    http: reqwest::Client,
    page: String,
    behind: String,
}

impl Demo {
    async fn start(folder: &std::path::Path) -> Self {
        let mut process = Running::start(&mut vigie(
            folder,
            &["demo", "--no-open", "--port", "0", "--keep", "."],
        ));
        let mut told = BufReader::new(process.0.stdout.take().expect("piped"));
        let page = Running::says(&mut told, "the page").trim().to_owned();
        // Whatever it says further is read, so that it does not wait for us.
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut demo = Self { _process: process, http, page, behind: String::new() };
        let panels = demo.sees("alice").await["panels"].clone();
        demo.behind = panels[0]["url"].as_str().expect("a panel").to_owned();
        demo
    }

    async fn json(&self, request: reqwest::RequestBuilder) -> Value {
        request.send().await.expect("it answers").json().await.expect("JSON")
    }

    async fn sees(&self, who: &str) -> Value {
        self.json(self.http.get(format!("{}page/state?user={who}", self.page))).await
    }

    async fn behind(&self, path: &str, body: Value) -> Value {
        self.json(self.http.post(format!("{}{path}", self.behind)).json(&body)).await
    }

    async fn record(&self) -> Value {
        self.json(self.http.get(format!("{}record", self.behind))).await
    }

    /// Waits until somebody sees a message that says this, and says which.
    async fn message(&self, who: &str, says: &str) -> Value {
        for _ in 0..600 {
            let seen = self.sees(who).await;
            let channels = seen["channels"].as_array().cloned().unwrap_or_default();
            for channel in channels {
                let messages = channel["messages"].as_array().cloned().unwrap_or_default();
                let found = messages.into_iter().find(|m| m.to_string().contains(says));
                if let Some(message) = found {
                    return json!({"channel": channel["id"], "ts": message["ts"]});
                }
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody told {who} {says:?}");
    }

    /// Waits until somebody has a direct message that says this.
    async fn is_told(&self, who: &str, says: &str) {
        for _ in 0..600 {
            let seen = self.sees(who).await;
            let channels = seen["channels"].as_array().expect("a list").iter();
            if channels.filter(|c| c["dm"] == true).any(|dm| dm.to_string().contains(says)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{who} was not told {says:?}");
    }

    /// Waits until the line above the messages says this.
    async fn prompts(&self, says: &str) {
        let mut prompt = String::new();
        for _ in 0..600 {
            prompt = self.sees("alice").await["prompt"].as_str().unwrap_or_default().to_owned();
            if prompt.contains(says) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it says {prompt:?}, and not {says:?}");
    }

    /// Waits until no socket of the bot is open any more: each sees for itself that Slack is away.
    async fn is_cut_off(&self) {
        for _ in 0..600 {
            if self.sees("alice").await["sockets"] == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("the bot is still connected");
    }

    async fn click(&self, who: &str, message: &Value, control: &str) {
        let act = json!({"user": who, "act": "click", "control": control, "channel": message["channel"], "ts": message["ts"]});
        let done = self.json(self.http.post(format!("{}page/act", self.page)).json(&act)).await;
        assert_eq!(done["ok"], true, "{done}");
    }
}

#[tokio::test]
async fn behind_the_scenes_of_the_demo_everything_can_be_tried() {
    let folder = folder();
    let demo = Demo::start(folder.path()).await;
    demo.prompts("press Acknowledge").await;
    let seen = demo.sees("alice").await;
    assert_eq!(
        (&seen["commands"][0]["command"], &seen["home_tab"]),
        (&json!("/vigie"), &json!(false))
    );

    let critical = demo.message("alice", "Credential dump").await;
    demo.click("alice", &critical, "ack").await;
    demo.click("dave", &critical, "resolve").await;
    let record = demo.record().await;
    let told: Vec<_> = record["interactions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| format!("{} {} {}", one["actor"], one["action"], one["outcome"]))
        .collect();
    assert_eq!(told, [r#""U0DAVE" "resolve_form" "denied""#, r#""U0ALICE" "acknowledge" "done""#]);
    demo.prompts("Be Alice again").await;
    assert_eq!(record["head"]["hash"].as_str().map(str::len), Some(64));

    // Slack is away, the bot crashes, and an alert comes in all the same.
    demo.behind("slack", json!({"down": true})).await;
    demo.is_cut_off().await;
    assert_eq!(demo.behind("crash", json!({})).await, json!({"crashed": true}));
    let sent =
        demo.behind("alert", json!({"id": "own", "title": "My own", "severity": "high"})).await;
    assert_eq!(
        (&sent["status"], &sent["answer"]["alerts"][0]["outcome"]),
        (&json!(202), &json!("created"))
    );
    let starts = "SELECT count(*) FROM journal WHERE kind = 'started'";
    assert_eq!(count(folder.path(), starts), 2, "it was started again");
    demo.behind("slack", json!({"down": false})).await;
    demo.message("alice", "My own").await;

    // Nobody acknowledges it: it climbs to the lead.
    assert_eq!(demo.behind("time", json!({"seconds": 360})).await["skipped_seconds"], 360);
    demo.is_told("carla", "My own").await;

    // Its source says that it is over: nobody has resolved it.
    let over = json!({"id": "own", "title": "My own", "status": "resolved"});
    assert_eq!(demo.behind("alert", over).await["answer"]["alerts"][0]["outcome"], "resolved");
    demo.message("alice", "*Closed*").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    demo.prompts("resolve the alert").await;
}

#[tokio::test]
async fn only_this_machine_by_its_own_name_sees_behind_the_scenes() {
    let folder = folder();
    let demo = Demo::start(folder.path()).await;
    let crash = || demo.http.post(format!("{}crash", demo.behind));
    let elsewhere = crash().header("host", "evil.example.com:4041").json(&json!({}));
    assert_eq!(elsewhere.send().await.expect("it answers").status(), 403);
    let form = crash().body("{}").send().await.expect("it answers");
    assert_eq!(form.status(), 415, "no other site's form can do that");
}

#[tokio::test]
async fn beside_the_demo_stand_the_tools_with_the_hosts_and_people_of_its_alerts() {
    let folder = folder();
    let demo = Demo::start(folder.path()).await;
    let panels = demo.sees("alice").await["panels"].clone();
    assert_eq!(panels[1]["title"], "Stand-ins: EDR · IAM · Jira");
    let page = panels[1]["url"].as_str().expect("a page");
    let html = demo.http.get(page).send().await.expect("it answers").text().await.expect("a page");
    assert!(html.contains("next answer") && html.contains("Crash the bot"));
    let state = demo.json(demo.http.get(format!("{page}/state"))).await;
    let edr = &state[0]["state"]["hosts"];
    let hosts: Vec<_> = edr.as_array().expect("hosts").iter().map(|host| &host["name"]).collect();
    assert!(
        hosts.contains(&&json!("fin-laptop-12")) && hosts.contains(&&json!("prod-db-1")),
        "{edr}"
    );
    let people = state[1]["state"]["users"].to_string();
    assert!(people.contains("j.durand@example.com") && people.contains("m.leroy@example.com"));

    let order = demo.http.post(format!("{page}/faults"));
    let order = order.json(&json!({"tool": "jira", "to": "changes", "fault": "lose_answer"}));
    assert_eq!(demo.json(order).await, json!({"ok": true}));
    let state = demo.json(demo.http.get(format!("{page}/state"))).await;
    assert_eq!(state[2]["next"], json!(["lose_answer"]));
    let elsewhere = demo.http.get(page).header("host", "evil.example.com:4041").send().await;
    assert_eq!(elsewhere.expect("it answers").status(), 403);
}
