//! The playbooks that we ship, each from its button to what the tools then hold; and what a connector can ask in several calls.

use crate::world::{Page, World, with_tools};
use serde_json::{Value, json};
use std::time::Duration;

const MIN: Duration = Duration::from_secs(60);

/// An alert for all of them: a host, a user, a repository and a page of its own.
fn about_all() -> Value {
    json!({
        "id": "edr-1", "title": "Credential dump", "severity": "high", "url": "https://edr.example.com/a/1",
        "hosts": ["fin-laptop-12"], "users": ["m.leroy"], "repositories": ["example/payments"],
    })
}

async fn shown(w: &World) -> Page<'_> {
    w.alert(about_all()).await;
    w.message("#soc-alerts", "Credential dump").await
}

/// Somebody starts one and answers what it asks; the run's message.
async fn begin<'w>(
    w: &'w World,
    (who, page): (&str, &Page<'w>),
    title: &str,
    answers: Value,
) -> Page<'w> {
    w.by(who).begin(page, title).await;
    if answers != json!({}) {
        w.by(who).submit(answers).await;
    }
    w.by(who).submit(json!({})).await;
    page.reply(title).await
}

/// The same of one that a lead must approve.
async fn begin_approved<'w>(
    w: &'w World,
    page: &Page<'w>,
    title: &str,
    answers: Value,
) -> Page<'w> {
    let run = begin(w, ("ana", page), title, answers).await;
    let wanted = w.dm("lea", "Your approval is wanted").await;
    w.by("lea").click(&wanted, "Approve").await;
    run.expect("Done.").await;
    run
}

#[test]
fn a_host_goes_off_the_network_and_a_lead_lets_it_back() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = shown(w).await;
        let asked = json!({"ask.host": "fin-laptop-12", "ask.reason": "It dumps credentials"});
        begin_approved(w, &page, "Isolate a host", asked).await;
        page.expect_line("fin-laptop-12 is off the network. Why: It dumps credentials").await;
        let asked = json!({"ask.host": "fin-laptop-12", "ask.reason": "Made anew"});
        let run = begin(w, ("lea", &page), "Lift a host's isolation", asked).await;
        run.expect("Done.").await;
        page.expect_line("fin-laptop-12 is let back onto the network. Why: Made anew").await;
        assert_eq!(
            tools.edr.effects(),
            ["contain fin-laptop-12", "lift containment of fin-laptop-12"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_user_is_suspended_and_signed_out_everywhere() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = shown(w).await;
        let asked = json!({"ask.user": "m.leroy", "ask.reason": "Their token is for sale"});
        begin_approved(w, &page, "Suspend a user", asked).await;
        page.expect_line("m.leroy@example.com is suspended, and signed out everywhere.").await;
        assert_eq!(
            tools.iam.effects(),
            ["suspend m.leroy@example.com", "revoke sessions of m.leroy@example.com"]
        );
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_leaked_secret_is_revoked_a_ticket_opened_and_the_forges_alert_closed() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = shown(w).await;
        let asked = json!({
            "ask.repository": "example/payments", "ask.number": "7", "ask.project": "SEC",
        });
        begin_approved(w, &page, "Revoke a leaked secret", asked).await;
        page.expect_line("The secret is revoked. SEC-1 is for replacing it.").await;
        assert_eq!(tools.github.effects(), ["revoke 1 credentials", "resolve secret alert 7"]);
        assert_eq!(tools.jira.effects(), ["create SEC-1"]);
        let transcript = w.slack().transcript();
        assert!(!transcript.contains("ghp_"), "the secret itself is told to nobody");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn a_ticket_is_opened_and_each_of_both_leads_to_the_other() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = shown(w).await;
        let asked = json!({"ask.project": "SEC", "ask.comment": "Look at it"});
        let run = begin(w, ("ana", &page), "Open a ticket", asked).await;
        run.expect("Done.").await;
        page.expect_line("SEC-1: http").await;
        assert_eq!(tools.jira.effects(), ["create SEC-1", "link SEC-1"]);
        let links = tools.jira.calls_of("POST /rest/api/3/issue/SEC-1/remotelink");
        assert_eq!(links[0].body["object"]["url"], "https://edr.example.com/a/1");
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_is_known_of_hosts_and_users_is_said_and_nothing_is_changed() {
    World::run_with_tools(&with_tools(), async |w, tools| {
        let page = shown(w).await;
        let run = begin(w, ("ana", &page), "Look up hosts and users", json!({})).await;
        run.expect("Done.").await;
        page.expect_line("fin-laptop-12: Windows").await;
        page.expect_line("Marc Leroy (m.leroy@example.com): ACTIVE").await;
        for tool in tools.all() {
            assert!(tool.1.effects().is_empty(), "{}", tool.0);
        }
        w.sleep(MIN).await;
        w.read_all();
    });
}

#[test]
fn what_a_tool_does_in_its_own_time_is_asked_after_until_it_is_done() {
    World::run_with_tools(&with_tools(), async |w, _| {
        let text = "
title: See who works there
who: analyst
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: fin-laptop-12}}
  - {id: session, uses: crowdstrike.rtr_session, with: {device_id: '{{ steps.find.id }}'}}
  - id: told
    uses: crowdstrike.rtr_command
    with: {session_id: '{{ steps.session.session_id }}', command: ps, line: ps}
    timeout: 2m
  - say: \"{{ 'm.leroy works there' if 'm.leroy' in steps.told.stdout else 'nobody' }}\"
";
        w.write_playbook("enrich", text);
        w.read_again().await.expect("the playbook is taken up");
        let page = shown(w).await;
        let run = begin(w, ("ana", &page), "See who works there", json!({})).await;
        run.expect("Done.").await;
        page.expect_line("m.leroy works there").await;
        let asked = w.tools().edr.calls_of("GET /real-time-response/entities/command").len();
        assert!(asked >= 2, "it was not done at once: {asked}");
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// A connector of one's own: one ticket a page, and no more than three pages.
const TICKETS: &str = r#"
tool: tickets
title: Our tickets
connection:
  fields: {base_url: {type: url, hosts: ["*"]}, token: {type: secret}}
  auth: {basic: {user: vigie@example.com, password: "{{ token }}"}}
actions:
  search: &search
    title: Search tickets
    path: /rest/api/3/search/jql
    query: {jql: "{{ in.jql }}", maxResults: 1, fields: summary}
    in: {jql: {required: true}}
    paginate: {by: cursor, from: body.nextPageToken, to: nextPageToken, most: 3}
    found: body.issues
    out: {key: found.key}
  first: {<<: *search, title: Look at the first, paginate: {by: cursor, from: body.nextPageToken, to: nextPageToken, most: 1}}
"#;

#[test]
fn a_list_of_several_pages_is_read_to_its_end_or_to_where_the_connector_stops() {
    let config = with_tools().replace(
        "  jira:\n",
        "  tickets: {type: tickets, base_url: \"JIRA\", internal: [127.0.0.1], token: {env: TOOL_SECRET_2}}\n  jira:\n",
    );
    World::run_with_tools(&with_tools(), async |w, tools| {
        w.write_connector("tickets", TICKETS);
        let text = "
title: Count the tickets
who: analyst
steps:
  - {id: open, uses: jira.create_issue, with: {project: SEC, summary: '{{ alert.title }}'}}
  - {id: all, uses: tickets.search, with: {jql: 'project = SEC'}, expect: some}
  - let: {keys: '{{ steps.all.items|map(attribute=\"key\")|join(\" \") }}'}
    say: '{{ steps.all.count }}{{ \" or more\" if steps.all.more else \"\" }}: {{ keys }}'
  - {id: only, when: steps.all.more, uses: tickets.first, with: {jql: 'project = SEC'}, expect: one}
";
        w.write_playbook("enrich", text);
        w.reload_with_tools(&config).await;
        let page = shown(w).await;
        for (times, told) in [
            (1, "1: SEC-1"),
            (2, "2: SEC-1 SEC-2"),
            (3, "3: SEC-1 SEC-2 SEC-3"),
            (4, "3 or more: SEC-1 SEC-2 SEC-3"),
        ] {
            w.by("ana").click(&page, "Count the tickets…").await;
            w.by("ana").submit(json!({})).await;
            page.expect_line(told).await;
            assert_eq!(tools.jira.effects().len(), times);
        }
        let run = page.reply("found at least 1, and one is expected").await;
        w.by("ana").click(&run, "SEC-1").await;
        run.expect("Done.").await;
        w.sleep(MIN).await;
        w.read_all();
    });
}

/// `http` speaks to any API, with what its config says in the header.
#[test]
fn an_api_that_has_no_connector_is_called_by_http_with_its_secret() {
    let own = "  any: {type: http, base_url: \"IAM\", internal: [127.0.0.1], authorization: {env: TOOL_AUTHORIZATION}}\n  jira:\n";
    let config = with_tools().replace("  jira:\n", own);
    World::run_with_tools(&config, async |w, tools| {
        let text = "
title: Sign them out
who: analyst
steps:
  - {id: who, uses: any.request, with: {method: GET, path: '/api/v1/users/{{ alert.users[0]|urlencode }}'}}
  - {uses: any.request, with: {method: DELETE, path: '/api/v1/users/{{ steps.who.body.id }}/sessions'}}
  - say: '{{ steps.who.status }}: {{ steps.who.body.profile.login }}'
";
        w.write_playbook("enrich", text);
        w.read_again().await.expect("the playbook is taken up");
        let page = shown(w).await;
        let run = begin(w, ("ana", &page), "Sign them out", json!({})).await;
        run.expect("Done.").await;
        page.expect_line("200: m.leroy@example.com").await;
        assert_eq!(tools.iam.effects(), ["revoke sessions of m.leroy@example.com"]);
        w.sleep(MIN).await;
        w.read_all();
    });
}
