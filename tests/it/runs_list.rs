//! `/vigie runs`: what waits for somebody and what goes on, worst first, each a press away.

use crate::world::{World, with_tools};
use serde_json::json;
use std::time::Duration;

const HOST: &str = "fin-laptop-12";
const MIN: Duration = Duration::from_secs(60);

#[test]
fn whoever_asks_sees_the_runs_that_wait_worst_first_and_opens_one() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.by("ana").slash("/vigie runs").await;
        w.whisper("ana", "No run waits, and none goes on.").await;
        for (id, severity) in [("Odd login", "high"), ("Credential dump", "critical")] {
            w.alert(json!({"id": id, "title": id, "severity": severity, "hosts": [HOST]})).await;
            let channel = if severity == "critical" { "#sec" } else { "#soc-alerts" };
            let page = w.message(channel, id).await;
            w.by("ana").click(&page, "Isolate a host…").await;
            w.by("ana").submit(json!({"ask.host": HOST, "ask.reason": "odd"})).await;
            w.by("ana").submit(json!({})).await;
            page.reply("Waits for 1 approval").await;
        }
        w.sleep(Duration::from_secs(10)).await;
        w.read_all();
        w.by("eve").slash("/vigie runs").await;
        w.whisper("eve", "Your roles do not allow this").await;
        w.by("lea").slash("/vigie runs").await;
        let (list, text) = w.whispered("lea", "2 runs wait or go on").await;
        let (worst, other) = (text.find("Credential dump"), text.find("Odd login"));
        assert!(worst.is_some() && worst < other, "the critical one comes first:\n{text}");
        assert!(text.contains("✋ waits for an approval by lead"), "{text}");
        w.by("lea").click(&list, "Details…").await;
        let form = w.by("lea").form().await.readable();
        assert!(form.contains("crowdstrike.contain"), "{form}");
        assert_eq!(
            w.rows("SELECT actor, action, outcome FROM interactions_v1 WHERE action IN ('runs', 'show_run') ORDER BY seq"),
            ["U0ANA runs done", "U0EVE runs denied", "U0LEA runs done", "U0LEA show_run done"]
        );
        assert!(tools.edr.calls().is_empty());
        w.sleep(16 * MIN).await;
        w.read_all();
    });
}
