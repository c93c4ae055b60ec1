//! What a mapping can say, shown by small ones; and the two that we ship.

use super::*;
use crate::domain::alert::{Entities, dedup};
use crate::domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::path::Path;

fn mapping(yaml: &str) -> Mapping {
    check::mapping("mini", "sources/mini.yaml", yaml).unwrap_or_else(|mistake| panic!("{mistake}"))
}

fn read_with(
    mapping: &Mapping,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reading, Unreadable> {
    let headers = headers.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    mapping.read(&Request { source: "mini", headers: &headers, body })
}

fn alerts(mapping: &Mapping, body: &Json) -> Vec<Normalised> {
    let reading = read_with(mapping, &[], body.to_string().as_bytes()).expect("an alert");
    reading.alerts.into_iter().map(|mapped| mapped.alert).collect()
}

fn only(mapping: &Mapping, body: &Json) -> Normalised {
    let mut all = alerts(mapping, body);
    assert_eq!(all.len(), 1);
    all.remove(0)
}

fn refused(mapping: &Mapping, body: &Json) -> String {
    read_with(mapping, &[], body.to_string().as_bytes()).expect_err("not an alert").to_string()
}

fn shipped(name: &str) -> std::sync::Arc<Mapping> {
    static SHIPPED: std::sync::LazyLock<Mappings> = std::sync::LazyLock::new(Mappings::shipped);
    SHIPPED.get(name).expect("shipped").clone()
}

// --- generic ---------------------------------------------------------------------------------------------------------

#[test]
fn generic_reads_every_field_under_its_own_name() {
    let body = json!({
        "id": "edr-1", "title": " Malware ", "description": "d", "rule": "r", "severity": "high", "status": "resolved",
        "dedup_key": "k", "url": "https://edr.example.com/1", "hosts": ["a", "b", "a", null, " "], "users": "bea",
        "ips": ["10.0.0.1"], "domains": ["x.example"], "urls": ["http://x.example/"], "hashes": ["ab"],
        "emails": ["bea@example.com"], "resources": ["arn:1"], "repositories": ["o/r"], "tactic": "TA0001",
        "technique": "T1059", "occurred_at": "2026-11-25T01:07:33.438Z", "extra": {"kept": "in raw"}
    });
    let read = serde_json::to_value(only(&shipped("generic"), &body)).expect("JSON");
    let mut expected = body;
    for (name, value) in
        [("title", json!("Malware")), ("hosts", json!(["a", "b"])), ("users", json!(["bea"]))]
    {
        expected[name] = value;
    }
    expected.as_object_mut().expect("an object").remove("extra");
    assert_eq!(read, expected);
}

#[test]
fn generic_needs_only_a_title() {
    let generic = shipped("generic");
    let alert = only(
        &generic,
        // Go writes a time that is not set like this.
        &json!({"title": "Sudo", "severity": null, "hosts": null, "url": " ", "occurred_at": "0001-01-01T00:00:00Z"}),
    );
    assert_eq!((alert.severity, alert.status), (Severity::Medium, Status::Firing));
    assert_eq!((alert.id, alert.url, alert.occurred_at), (None, None, None));
    assert_eq!(alert.dedup_key, dedup::default_key("mini", "Sudo", &Entities::default()));
    assert_eq!(only(&generic, &json!({"title": "Sudo", "id": "7"})).dedup_key, "7");
    assert_eq!(only(&generic, &json!({"title": "S", "severity": "HIGH"})).severity, Severity::High);
}

#[test]
fn generic_says_which_field_is_wrong_and_why() {
    for (body, expected) in [
        (json!({}), "title: is missing or blank"),
        (json!({"title": " \u{200b}\n"}), "title: is missing or blank"),
        (json!({"title": 5}), "title: is a number, not text"),
        (
            json!({"title": "t", "severity": "urgent"}),
            "severity: \"urgent\" is not one of critical, high, medium, low, info",
        ),
        (json!({"title": "t", "severity": 3}), "severity: is a number, not text"),
        (
            json!({"title": "t", "status": "open"}),
            "status: \"open\" is not one of firing, resolved",
        ),
        (json!({"title": "t", "id": 7}), "id: is a number, not text"),
        (json!({"title": "t", "url": []}), "url: is a list, not text"),
        (
            json!({"title": "t", "url": "javascript:1"}),
            "url: \"javascript:1\" is not a whole http or https address",
        ),
        (
            json!({"title": "t", "url": "/alerts/7"}),
            "url: \"/alerts/7\" is not a whole http or https address",
        ),
        (json!({"title": "t", "hosts": {}}), "hosts: is an object, not a text or a list of texts"),
        (json!({"title": "t", "ips": ["1.2.3.4", 5]}), "ips: is a number, not a list of texts"),
        (
            json!({"title": "t", "occurred_at": "yesterday"}),
            "occurred_at: \"yesterday\" is not an RFC 3339 time such as 2026-11-25T02:14:07Z",
        ),
        (
            json!({"title": "t", "occurred_at": "0000-01-01T00:00:00Z"}),
            "occurred_at: \"0000-01-01T00:00:00Z\" lies too far from now: the years 1 to 9998 can be held",
        ),
        (
            json!({"title": "t", "occurred_at": "9999-12-31T23:59:59Z"}),
            "occurred_at: \"9999-12-31T23:59:59Z\" lies too far from now: the years 1 to 9998 can be held",
        ),
        (json!({"title": "t", "occurred_at": 1_795_568_853}), "occurred_at: is a number, not text"),
        (
            json!([{"title": "a"}, {"title": "b"}, {"title": "c", "severity": "urgent"}]),
            "[2].severity: \"urgent\" is not one of critical, high, medium, low, info",
        ),
        (json!([{"title": "a"}, 5]), "[1]: is a number, not an object"),
        (json!("title"), "body: is a text, not a list of alerts"),
        (json!(null), "body: is null, not a list of alerts"),
    ] {
        assert_eq!(refused(&shipped("generic"), &body), expected);
    }
    let why = read_with(&shipped("generic"), &[], b"title=x").expect_err("a form").to_string();
    assert!(why.starts_with("body: is not JSON: "), "{why}");
}

#[test]
fn generic_takes_one_object_or_an_array_and_keeps_each_raw() {
    let generic = shipped("generic");
    let one = b"\xef\xbb\xbf{\"title\": \"a\", \"n\": 1.10}";
    let reading = read_with(&generic, &[("idempotency-key", "d-1")], one).expect("an alert");
    assert_eq!(reading.delivery.as_deref(), Some("d-1"));
    assert_eq!(reading.alerts[0].raw, "{\"title\": \"a\", \"n\": 1.10}");
    let two = br#"[{"title": "a", "n": 18446744073709551615}, {"title": "b", "z": 1, "a": null}]"#;
    let reading = read_with(&generic, &[], two).expect("alerts");
    let raws: Vec<_> = reading.alerts.iter().map(|mapped| mapped.raw.as_str()).collect();
    assert_eq!(
        raws,
        [r#"{"title":"a","n":18446744073709551615}"#, r#"{"title":"b","z":1,"a":null}"#]
    );
    assert_eq!(reading.delivery, None);
    assert_eq!(alerts(&generic, &json!([])), []);
}

// --- alertmanager ----------------------------------------------------------------------------------------------------

fn fixture(text: &str) -> Json {
    serde_json::from_str(text).expect("a fixture is JSON")
}

#[test]
fn alertmanager_fans_a_group_out() {
    let body = fixture(include_str!("../../../tests/data/intake/alertmanager_group.json"));
    let [page, shop, nameless] = alerts(&shipped("alertmanager"), &body).try_into().expect("three");

    assert_eq!(page.title, "SudoAsRoot");
    assert_eq!(page.id.as_deref(), Some("aaaa000000000001"));
    assert_eq!(page.dedup_key, "aaaa000000000001");
    assert_eq!(page.rule.as_deref(), Some("SudoAsRoot"));
    assert_eq!((page.severity, page.status), (Severity::High, Status::Firing));
    assert_eq!(page.entities.hosts, ["db-1"]);
    assert_eq!(page.entities.ips, ["10.1.2.3"]);
    assert_eq!(page.entities.users, ["bea@example.com"]);
    assert_eq!(page.entities.emails, ["bea@example.com"]);
    assert_eq!(page.entities.resources, ["payments"]);
    assert_eq!(page.occurred_at, Timestamp::parse("2026-11-25T01:07:33.438Z"));
    assert_eq!(page.url.as_deref(), Some("https://prometheus.example.com/graph?g0.expr=up"));

    assert_eq!(shop.title, "Root on the shop");
    assert_eq!((shop.severity, shop.status), (Severity::Medium, Status::Resolved));
    assert_eq!(shop.entities.hosts, ["shop.example.com"]);
    assert_eq!(shop.url, None, "relative");

    assert_eq!(nameless.title, "Alert aaaa000000000003");
    assert_eq!((nameless.url, nameless.occurred_at), (None, None));
}

#[test]
fn alertmanager_says_what_is_not_one_of_its_webhooks() {
    for (body, expected) in [
        (json!([]), "body: is not an object: "),
        (json!({"title": "generic"}), "alerts: is not a list: "),
        (json!({"alerts": {}}), "alerts: is not a list: "),
        (json!({"alerts": ["x"]}), "alerts[0]: is a text, not an object"),
    ] {
        let why = refused(&shipped("alertmanager"), &body);
        assert!(why.starts_with(expected), "{why}");
    }
    assert_eq!(alerts(&shipped("alertmanager"), &json!({"alerts": []})), []);
}

#[test]
fn alertmanager_loses_no_alert_for_one_that_says_little() {
    let labels =
        json!({"alertname": "Sudo", "severity": "catastrophic", "host": {"not": "a text"}});
    let body =
        json!({"alerts": [{"labels": labels, "status": "odd", "startsAt": 7}, {"labels": {}}, {}]});
    let [sudo, nameless, bare] = alerts(&shipped("alertmanager"), &body).try_into().expect("three");
    assert_eq!((sudo.title.as_str(), sudo.severity), ("Sudo", Severity::Medium));
    assert_eq!((sudo.status, sudo.occurred_at), (Status::Firing, None));
    assert_eq!(nameless.title, "Alertmanager alert without a name");
    assert_eq!(bare.title, nameless.title);
}

#[test]
fn alertmanager_reads_what_a_real_one_sent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/payloads/alertmanager");
    let Ok(text) = std::fs::read_to_string(folder.join("webhook_v4_firing.json")) else { return };
    let alert = only(&shipped("alertmanager"), &fixture(&text));
    assert_eq!(alert.title, "Shell spawned in a container");
    assert_eq!(alert.description.as_deref(), Some("A shell was spawned in payments-6d9 by root"));
    assert_eq!(alert.rule.as_deref(), Some("FalcoCriticalEvent"));
    assert_eq!((alert.severity, alert.status), (Severity::Critical, Status::Firing));
    assert_eq!(alert.entities.hosts, ["node-3"]);
    assert_eq!(alert.entities.resources, ["payments-6d9"]);
    assert_eq!(alert.url.as_deref(), Some("http://prometheus.example.com/graph"));

    let text = std::fs::read_to_string(folder.join("webhook_v4_resolved.json")).expect("beside it");
    let over = only(&shipped("alertmanager"), &fixture(&text));
    assert_eq!((over.status, &over.dedup_key), (Status::Resolved, &alert.dedup_key));
    assert_eq!(over.url, None);
}

#[test]
fn grafana_sends_nearly_the_same() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/payloads/grafana/webhook_v12_test.json");
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let alert = only(&shipped("alertmanager"), &fixture(&text));
    assert_eq!((alert.title.as_str(), alert.rule.as_deref()), ("TEST", Some("TestAlert")));
    assert_eq!(alert.url, None, "relative");
}

// --- what other sources need -----------------------------------------------------------------------------------------

#[test]
fn dotted_keys_and_nested_objects_are_read_side_by_side_and_lists_of_one_are_their_value() {
    let elastic = mapping(
        r#"
product: Elastic Security
accept:
  - {when: "get(body, 'kibana.alert.uuid')", field: kibana.alert.uuid, why: is missing}
alert:
  id: get(body, 'kibana.alert.uuid')
  title: get(body, 'kibana.alert.rule.name')
  severity: get(body, 'kibana.alert.severity')
  hosts: get(body, 'host.name')
  hashes: ["get(body, 'process.hash.sha256')", "get(body, 'file.hash.sha256')"]
  tactic: get(body, 'kibana.alert.rule.threat')|map(attribute='tactic.name')|first
  occurred_at: body['@timestamp']
"#,
    );
    let alert = only(
        &elastic,
        &json!({
            "kibana.alert.uuid": "u1", "kibana.alert.rule.name": ["Sudo"], "kibana": {"alert": {"severity": "high"}},
            "kibana.alert.rule.threat": [{"tactic": {"name": "Execution"}}], "host": {"name": ["db-1"]},
            "process.hash": {"sha256": "abc"}, "@timestamp": "2026-11-25T01:07:33.438Z"
        }),
    );
    assert_eq!((alert.title.as_str(), alert.severity), ("Sudo", Severity::High));
    assert_eq!(
        (alert.entities.hosts, alert.entities.hashes),
        (vec!["db-1".into()], vec!["abc".into()])
    );
    assert_eq!(alert.tactic.as_deref(), Some("Execution"));
    assert!(alert.occurred_at.is_some());
    assert_eq!(refused(&elastic, &json!({})), "kibana.alert.uuid: is missing");
}

#[test]
fn variants_scale_numbers_by_the_kind_of_event_and_read_windows_time() {
    let falcon = mapping(
        r#"
product: CrowdStrike Falcon
alert:
  let: {e: item.event}
  id: e.CompositeId
  title: [e.Name, e.DetectName]
  severity: {from: [e.SeverityName, e.Severity], table: {critical: critical, high: high, medium: medium, low: low, informational: info}, default: medium}
  hosts: [e.Hostname, e.ComputerName]
  occurred_at: {from: e.StartTime, format: filetime}
variants:
  - name: epp
    when: item.metadata.eventType == 'EppDetectionSummaryEvent'
    alert:
      severity: {from: [e.SeverityName, e.Severity], table: {low: low}, at_least: [[80, critical], [60, high], [40, medium], [20, low], [0, info]]}
  - name: detection
    when: item.metadata.eventType == 'DetectionSummaryEvent'
    alert:
      severity: {from: e.Severity, table: {5: critical, 4: high, 3: medium, 2: low, 1: info}, default: medium}
  - {name: audit, when: item.metadata.eventType == 'AuthActivityAuditEvent', ignore: true}
"#,
    );
    let event = |kind: &str, severity: Json| {
        json!({"metadata": {"eventType": kind}, "event": {"Name": "n", "Severity": severity, "Hostname": "h",
            "StartTime": 134_400_424_534_380_000_i64}})
    };
    for (kind, severity, expected) in [
        ("EppDetectionSummaryEvent", json!(30), Severity::Low),
        ("EppDetectionSummaryEvent", json!("85.5"), Severity::Critical),
        ("DetectionSummaryEvent", json!(5), Severity::Critical),
        ("DetectionSummaryEvent", json!(5.0), Severity::Critical),
        ("DetectionSummaryEvent", json!(9), Severity::Medium),
        ("IdpDetectionSummaryEvent", json!(2), Severity::Medium),
    ] {
        let alert = only(&falcon, &event(kind, severity.clone()));
        assert_eq!(alert.severity, expected, "{kind} {severity}");
        assert_eq!(alert.occurred_at, Timestamp::parse("2026-11-25T01:07:33.438Z"));
        assert_eq!(alert.entities.hosts, ["h"]);
    }
    // A new word of the vendor's loses nobody an alert.
    let odd = only(&falcon, &event("EppDetectionSummaryEvent", json!(-5)));
    assert_eq!(odd.severity, Severity::Medium);
    assert_eq!(alerts(&falcon, &event("AuthActivityAuditEvent", json!(1))), []);
}

#[test]
fn json_in_a_string_is_read_whatever_it_is_wrapped_in() {
    let guardduty = mapping(
        r#"
product: Amazon GuardDuty
let:
  message: coalesce(body.Message|from_json, body)
  findings: coalesce(message.detail.findings, [coalesce(message.detail, message)])
delivery: body.MessageId
each: findings
alert:
  id: [item.id, item.Id]
  title: [item.title, item.Title]
  severity: {from: [item.severity, item.Severity], at_least: [[9, critical], [7, high], [4, medium], [0, low]]}
  resolved: item.service.archived
  tactic: item.type|split(':')|first
  technique: item.AttackTechniques|from_json|first
"#,
    );
    let finding = json!({"id": "f1", "title": "Key used", "severity": 8, "type": "UnauthorizedAccess:IAMUser/X",
        "service": {"archived": true}, "AttackTechniques": "[\"T1078\", \"T1110\"]"});
    let wrapped = json!({"detail-type": "GuardDuty Finding", "detail": finding});
    for body in [
        finding.clone(),
        wrapped.clone(),
        json!({"MessageId": "m1", "Message": wrapped.to_string()}),
        json!({"detail": {"findings": [finding]}}),
    ] {
        let alert = only(&guardduty, &body);
        assert_eq!((alert.severity, alert.status), (Severity::High, Status::Resolved), "{body}");
        assert_eq!(alert.tactic.as_deref(), Some("UnauthorizedAccess"));
        assert_eq!(alert.technique.as_deref(), Some("T1078"));
    }
    let pascal = only(&guardduty, &json!({"Id": "f2", "Title": "t", "Severity": 9.0}));
    assert_eq!((pascal.severity, pascal.status), (Severity::Critical, Status::Firing));
}

#[test]
fn a_list_in_a_list_is_fanned_out_with_what_it_stood_in() {
    let nested = mapping(
        "
product: Nested
strict: true
each: [body.groups, item.alerts]
alert:
  title: \"parent.name ~ ': ' ~ item.name\"
  severity: item.severity
",
    );
    let body = json!({"groups": [
        {"name": "a", "alerts": [{"name": "1"}, {"name": "2"}]},
        {"name": "b", "alerts": [{"name": "3", "severity": "high"}]},
    ]});
    let titles: Vec<_> = alerts(&nested, &body).into_iter().map(|alert| alert.title).collect();
    assert_eq!(titles, ["a: 1", "a: 2", "b: 3"]);
    let body =
        json!({"groups": [{"alerts": []}, {"alerts": [{"name": "x", "severity": "worst"}]}]});
    let why = refused(&nested, &body);
    assert!(why.starts_with("groups[1].alerts[0].severity: \"worst\" is not one of"), "{why}");
    let why = refused(&nested, &json!({"groups": [{"name": "a"}]}));
    assert_eq!(why, "groups[0].alerts: is missing, not a list of alerts");
}

#[test]
fn an_event_that_only_a_header_names_is_told_apart() {
    let github = mapping(
        r#"
product: GitHub
delivery: headers['x-github-delivery']
let: {event: "headers['x-github-event']"}
accept:
  - {when: "event in ['ping', 'secret_scanning_alert', 'dependabot_alert']", field: X-GitHub-Event, why: names no alert that we read}
alert:
  dedup_key: body.repository.full_name ~ '/' ~ event ~ '/' ~ body.alert.number
  repositories: body.repository.full_name
  status: {from: body.action, table: {resolved: resolved, fixed: resolved}, default: firing}
variants:
  - {name: ping, when: event == 'ping', ignore: true}
  - name: secret
    when: event == 'secret_scanning_alert'
    alert: {title: "'Secret leaked: ' ~ body.alert.secret_type", severity: "'high'"}
  - name: dependabot
    when: event == 'dependabot_alert'
    alert: {title: body.alert.security_advisory.summary, severity: body.alert.security_advisory.severity}
"#,
    );
    let body = json!({"action": "resolved", "alert": {"number": 42, "secret_type": "aws"}, "repository": {"full_name": "o/r"}});
    let body = body.to_string();
    let secret = [("x-github-event", "secret_scanning_alert"), ("x-github-delivery", "g-1")];
    let reading = read_with(&github, &secret, body.as_bytes()).expect("an alert");
    assert_eq!(reading.delivery.as_deref(), Some("g-1"));
    let alert = &reading.alerts[0].alert;
    assert_eq!((alert.title.as_str(), alert.severity), ("Secret leaked: aws", Severity::High));
    assert_eq!(
        (alert.dedup_key.as_str(), alert.status),
        ("o/r/secret_scanning_alert/42", Status::Resolved)
    );
    let ping = read_with(&github, &[("x-github-event", "ping")], body.as_bytes()).expect("known");
    assert_eq!(ping.alerts, []);
    let push =
        read_with(&github, &[("x-github-event", "push")], body.as_bytes()).expect_err("no alert");
    assert_eq!(push.field, "X-GitHub-Event");
}

// --- files -----------------------------------------------------------------------------------------------------------

#[test]
fn a_mistake_in_a_file_is_told_with_its_place_and_the_nearest_right_word() {
    for (yaml, expected) in [
        (
            "product: P\nalert:\n  titel: body.x\n",
            "sources/mini.yaml:3:3: unknown key \"titel\": did you mean \"title\"?",
        ),
        (
            "product: P\nalert: {title: body.x}\neech: body\n",
            "sources/mini.yaml:3:1: unknown key \"eech\": did you mean \"each\"?",
        ),
        (
            "product: P\nalert:\n  title: bodi.x\n",
            "sources/mini.yaml:3:10: alert.title: unknown name `bodi` in `bodi.x`: did you mean \"body\"?",
        ),
        ("product: P\nalert:\n  title: body.x|frist\n", "sources/mini.yaml:3:10: alert.title: "),
        ("product: P\nalert:\n  title: body.x or\n", "sources/mini.yaml:3:10: alert.title: "),
        (
            "product: P\nalert:\n  title: body.x\n  severity: {from: body.s, tabel: {a: high}}\n",
            "sources/mini.yaml:4:28: unknown key \"tabel\": did you mean \"table\"?",
        ),
        (
            "product: P\nalert:\n  title: body.x\n  severity: {from: body.s, table: {a: hihg}}\n",
            "sources/mini.yaml:4:",
        ),
        (
            "product: P\nalert:\n  title: body.x\n  occurred_at: {from: body.t, format: iso}\n",
            "sources/mini.yaml:4:39: \"iso\" is not one of rfc3339",
        ),
        ("product: P\nalert:\n  title: {a: b}\n", "sources/mini.yaml:3:"),
        ("product: P\nalert: {title: body.x, title: body.y}\n", "sources/mini.yaml:2:"),
        (
            "product: P\nalert:\n  title: item.x\n  status: body.s\n  resolved: body.r\n",
            "sources/mini.yaml:5:3: give `status` or `resolved`",
        ),
        (
            "product: P\nlet: {b: a.x, a: body.a}\nalert: {title: a}\n",
            "sources/mini.yaml:2:10: let.b: unknown name `a`",
        ),
        ("alert: {title: body.x}\n", "sources/mini.yaml:1:"),
        ("product: P\nalert: {rule: body.x}\n", "sources/mini.yaml:2:1: an alert needs a title"),
        ("product: [\n", "sources/mini.yaml:"),
    ] {
        let mistake =
            check::mapping("mini", "sources/mini.yaml", yaml).expect_err(yaml).to_string();
        assert!(mistake.starts_with(expected), "{yaml}\n  is: {mistake}\nnot: {expected}");
    }
}

#[test]
fn the_example_of_the_docs_is_a_good_mapping() {
    let docs = include_str!("../../../docs/sources.md");
    let (_, section) = docs.split_once("## A mapping, key by key").expect("the section");
    let block = section.lines().skip(2).take_while(|line| line.starts_with("    "));
    let door = mapping(&block.map(|line| format!("{}\n", &line[4..])).collect::<String>());
    let payload = json!({"doors": [
        {"uid": 7, "door": "B2", "level": "RED", "badge": {"holder": {"login": "bea"}}, "ts": 1_795_568_853, "drill": true},
        {"kind": "ping"},
    ]});
    let alert = only(&door, &json!({"payload": payload.to_string()}));
    assert_eq!((alert.title.as_str(), alert.severity), ("Door B2 forced", Severity::Info));
    assert_eq!((alert.id.as_deref(), alert.entities.users), (Some("7"), vec!["bea".to_owned()]));
}

#[test]
fn a_folder_overrides_and_adds_by_file_name() {
    let folder = tempfile::tempdir().expect("a folder");
    assert!(Mappings::load(&folder.path().join("none")).is_ok());
    let write =
        |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    write("generic.yaml", "product: Ours\nalert: {title: body.headline}\n");
    write("door.yaml", "product: Door\nalert: {title: body.door}\n");
    write("README.md", "not a mapping");
    let all = Mappings::load(folder.path()).expect("good files");
    assert_eq!(all.names().collect::<Vec<_>>(), ["alertmanager", "door", "generic"]);
    assert_eq!(all.get("generic").expect("there").product(), "Ours");
    write("bad.yaml", "product: Bad\n");
    write("worse.yaml", "");
    assert_eq!(Mappings::load(folder.path()).expect_err("two bad ones").len(), 2);
}

// --- whatever comes --------------------------------------------------------------------------------------------------

fn any_json() -> impl Strategy<Value = Json> {
    let key = prop_oneof![
        "[a-z]{1,3}",
        proptest::sample::select(vec![
            "title",
            "severity",
            "status",
            "hosts",
            "alerts",
            "labels",
            "annotations",
            "startsAt",
            "occurred_at",
            "url",
            "instance"
        ])
        .prop_map(str::to_owned)
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
        Just(json!("critical")),
        Just(json!("2026-11-25T01:07:33Z")),
    ];
    leaf.prop_recursive(4, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|pairs| Json::Object(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_make_a_mapping_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for mapping in ["generic", "alertmanager"].map(shipped) {
            let _ = read_with(&mapping, &[], &bytes);
        }
    }

    #[test]
    fn whatever_json_comes_it_is_alerts_with_a_title_or_a_reason(body in any_json()) {
        for body in [body.clone(), json!({"alerts": [{"labels": body}]}), json!({"title": "t", "hosts": body})] {
            for mapping in ["generic", "alertmanager"].map(shipped) {
                match read_with(&mapping, &[], body.to_string().as_bytes()) {
                    Ok(reading) => for mapped in reading.alerts {
                        prop_assert!(!mapped.alert.title.is_empty() && !mapped.alert.dedup_key.is_empty());
                        prop_assert!(serde_json::from_str::<Json>(&mapped.raw).is_ok());
                    },
                    Err(unreadable) => prop_assert!(!unreadable.field.is_empty() && !unreadable.why.is_empty()),
                }
            }
        }
    }
}
