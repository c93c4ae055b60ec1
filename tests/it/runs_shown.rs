//! What stands in the thread of a run that is faster than Slack, and of steps that are done for each of several.

use crate::world::{World, with_tools};
use serde_json::json;
use std::time::Duration;
use vigie::sim::Fault;

const MIN: Duration = Duration::from_secs(60);

fn of_a_laptop() -> serde_json::Value {
    json!({"id": "edr-1", "title": "Credential dump", "severity": "critical",
        "hosts": ["fin-laptop-12", "no-such-host"], "users": ["m.leroy@example.com"]})
}

#[test]
fn a_run_that_is_over_before_its_message_stands_does_not_stand_there_as_running_for_ever() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Look it up
who: analyst
steps:
  - {uses: crowdstrike.find_host, with: {hostname: fin-laptop-12}}
  - say: Looked
";
        w.write_playbook("enrich", text);
        w.read_again().await.expect("the playbook is taken up");
        w.alert(of_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Look it up…").await;
        w.slack().fail_next("chat.postMessage", Fault::Slow(Duration::from_secs(5)));
        w.by("ana").submit(json!({})).await;
        page.reply("Look it up").await.expect("Done.").await;
        page.expect_line("Looked").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_was_found_of_each_host_and_user_is_said_and_of_what_was_not_found_nothing() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.alert(of_a_laptop()).await;
        let page = w.message("#sec", "Credential dump").await;
        w.by("ana").click(&page, "Look up hosts and users…").await;
        w.by("ana").submit(json!({})).await;
        page.expect_line("fin-laptop-12: Windows 11, normal").await;
        page.expect_line("Marc Leroy (m.leroy@example.com): ACTIVE").await;
        page.reply("Look up hosts and users").await.expect("Done.").await;
        assert_eq!(
            w.rows(
                "SELECT step, iteration FROM steps_v1 WHERE uses IS NULL ORDER BY step, iteration"
            ),
            ["step2 0", "step4 0"],
            "one line for the host, one for the user"
        );
        assert!(tools.edr.effects().is_empty() && tools.iam.effects().is_empty());
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// Nobody says yes to what they could not see.
#[test]
fn who_approves_is_told_of_each_call_that_is_dangerous_however_many_they_are() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Isolate them all
who: analyst
approve: {by: lead}
steps:
  - {for_each: 'range(45)', uses: crowdstrike.contain, with: {device_id: 'dev-{{ item }}'}}
";
        w.write_playbook("isolate-host", text);
        w.read_again().await.expect("the playbook is taken up");
        w.alert(json!({"id": "1", "title": "Worm", "severity": "critical", "hosts": ["web-1"]}))
            .await;
        let page = w.message("#sec", "Worm").await;
        w.by("ana").click(&page, "Isolate them all…").await;
        let plan = w.by("ana").form().await.readable();
        w.by("ana").submit(json!({})).await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        wanted.expect("and 25 more · 25 of them 💥 destructive").await;
        w.by("lea").click(&wanted, "Details…").await;
        let details = w.by("lea").form().await.readable();
        for number in 0..45 {
            let device = format!("dev-{number}");
            assert!(plan.contains(&device) && details.contains(&device), "{device}:\n{details}");
        }
        w.slack().by("lea").close_all().await.expect("it can be closed");
        w.by("lea").click(&wanted, "Refuse").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn who_approves_is_told_that_a_call_is_made_for_each_of_a_list_that_nobody_knows_yet() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: Isolate what is found
who: analyst
approve: {by: lead}
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: kiosk-2}, expect: any}
  - {for_each: steps.find.items, uses: crowdstrike.contain, with: {device_id: '{{ item.id }}'}}
";
        w.write_playbook("isolate-host", text);
        w.read_again().await.expect("the playbook is taken up");
        w.alert(json!({"id": "1", "title": "Worm", "severity": "critical", "hosts": ["kiosk-2"]}))
            .await;
        let page = w.message("#sec", "Worm").await;
        w.by("ana").click(&page, "Isolate what is found…").await;
        w.by("ana").submit(json!({})).await;
        let wanted = w.dm("lea", "Your approval is wanted").await;
        wanted.expect("Take a host off the network · for each of steps.find.items").await;
        w.by("lea").click(&wanted, "Refuse").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}
