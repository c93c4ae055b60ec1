//! What a playbook would do for an alert: each call as far as it is known, and when there is no plan at all.

use super::{edr, good};
use crate::domain::alert::Normalised;
use crate::domain::playbook::plan::{
    Act, Condition, Outline, Plan, PlanRefusal, Planned, Undo, Wanted, choices,
};
use crate::domain::playbook::scope::About;
use crate::domain::playbook::{Asked, plan};
use crate::domain::tool::{Catalogue, Risk};
use serde_json::{Value as Json, json};
use std::sync::Arc;

const ISOLATE: &str = "\
title: Isolate a host
when: alert.hosts
who: analyst
approve: {by: lead, within: 15m}
ask:
  host: {choose: alert.hosts}
  reason: {text: Why, required: true}
steps:
  - id: find
    uses: edr.find_host
    with: {hostname: '{{ ask.host }}'}
  - id: contain
    uses: edr.contain
    with: {device_id: '{{ steps.find.id }}'}
  - id: ticket
    uses: jira.create_issue
    when: alert.severity == 'critical'
    with: {project: SEC, summary: '{{ alert.title }}: {{ steps.find.os }} of {{ ask.host }}', description: '{{ alert.description }}'}
  - say: Contained {{ steps.find.id }}, by {{ run.started_by }}.
    when: steps.contain.state == 'contained'
on_failure:
  - say: 'Isolation failed: {{ error.message }}'
";

fn about(more: Json) -> About {
    let mut alert = json!({
        "title": "Malware on web-1", "severity": "critical", "status": "firing", "dedup_key": "m-1", "hosts": ["web-1", "web-2"],
    });
    alert.as_object_mut().expect("a map").extend(more.as_object().cloned().unwrap_or_default());
    let alert: Normalised = serde_json::from_value(alert).expect("an alert");
    About { source: "edr".into(), alert }
}

fn asked(answers: Json) -> Asked {
    serde_json::from_value(answers).expect("answers by name")
}

fn make(text: &str, about: &About, answers: Json) -> Result<Plan, PlanRefusal> {
    made(text, &edr::catalogue(), (about, answers))
}

fn made(
    text: &str,
    catalogue: &Catalogue,
    (about, answers): (&About, Json),
) -> Result<Plan, PlanRefusal> {
    let playbook = good(text).playbook;
    Plan::make(&Wanted { playbook: &playbook, catalogue, about, asked: &asked(answers) })
}

/// A plan as one line a step.
fn told(steps: &[Planned]) -> Vec<String> {
    let act = |act: &Act| match act {
        Act::Call(call) => {
            let with: Vec<_> =
                call.with.iter().map(|(name, value)| format!("{name}={}", value.value)).collect();
            format!("{}({})", call.uses, with.join(", "))
        }
        Act::Say(text) => format!("say {}", text.value),
        Act::Change(change) => format!("change {:?}", change.severity),
    };
    let when = |when: &Condition| match when {
        Condition::Always => String::new(),
        Condition::Skipped(why) => format!(" skipped: {why}"),
        Condition::If(expr) => format!(" if {expr}"),
    };
    steps
        .iter()
        .map(|step| format!("{}: {}{}", step.step, act(&step.act), when(&step.when)))
        .collect()
}

#[test]
fn each_call_is_shown_as_far_as_it_is_known() {
    let plan = make(ISOLATE, &about(json!({})), json!({"host": "web-1", "reason": "beacons"}))
        .expect("a plan");
    let outline = plan.outline();
    assert_eq!(
        told(&outline.steps),
        [
            "find: edr.find_host(hostname=\"web-1\")",
            "contain: edr.contain(device_id=\"‹find.id›\")",
            "ticket: jira.create_issue(project=\"SEC\", summary=\"Malware on web-1: ‹find.os› of web-1\")",
            "step4: say \"Contained ‹find.id›, by ‹run.started_by›.\" if steps.contain.state == 'contained'",
        ]
    );
    assert_eq!(
        told(&outline.on_failure),
        ["on_failure1: say \"Isolation failed: ‹error.message›\""]
    );
    assert_eq!((outline.risk, plan.hash().len()), (Risk::Destructive, 64));
    let contain = outline.steps[1].call().expect("a call");
    assert_eq!(
        contain.undo,
        Undo::By(crate::domain::tool::Uses::parse("edr.lift_containment").expect("a use"))
    );
    assert!(
        contain
            .touches
            .iter()
            .any(|touch| touch.value.value == "‹find.id›" && !touch.value.settled)
    );
    assert_eq!(outline.steps[0].call().expect("a call").undo, Undo::Nothing);
}

#[test]
fn what_does_not_hold_for_this_alert_is_skipped_and_counts_for_no_risk() {
    let text = "title: T\nsteps:\n  - uses: edr.contain\n    when: alert.severity == 'low'\n    with: {device_id: '{{ alert.users[0] }}'}\n  - say: x\n";
    let plan =
        make(text, &about(json!({})), json!({})).expect("what is skipped may lack something");
    assert_eq!(
        told(&plan.outline().steps)[0],
        "step1: edr.contain(device_id=\"‹alert.users[0]›\") skipped: alert.severity == 'low'"
    );
    assert_eq!(plan.outline().risk, Risk::Read);
}

/// Whether it comes to that step, the run will know; and it looks again then.
#[test]
fn what_may_be_skipped_may_lack_something() {
    let text = "title: T\nsteps:\n  - id: find\n    uses: edr.find_host\n    with: {hostname: x}\n  - uses: edr.contain\n    when: steps.find.os == 'Linux'\n    with: {device_id: '{{ alert.users[0] }}'}\n";
    let plan = make(text, &about(json!({})), json!({})).expect("a plan");
    assert_eq!(
        told(&plan.outline().steps)[1],
        "step2: edr.contain(device_id=\"‹alert.users[0]›\") if steps.find.os == 'Linux'"
    );
}

#[test]
fn a_list_that_is_known_becomes_one_call_each() {
    let text = "title: T\nsteps:\n  - id: find\n    for_each: alert.hosts\n    when: item != 'web-2'\n    let: {name: '{{ item|upper }}'}\n    uses: edr.find_host\n    with: {hostname: '{{ name }}'}\n  - for_each: steps.find.items\n    say: '{{ item.id }}'\n";
    let plan = make(text, &about(json!({})), json!({})).expect("a plan");
    assert_eq!(
        told(&plan.outline().steps),
        [
            "find: edr.find_host(hostname=\"WEB-1\")",
            "find: edr.find_host(hostname=\"WEB-2\") skipped: item != 'web-2'",
            "step2: say \"‹item.id›\"",
        ]
    );
    let rounds: Vec<_> = plan
        .outline()
        .steps
        .iter()
        .map(|step| (step.round, step.item.clone(), step.each.clone()))
        .collect();
    assert_eq!(rounds[1], (Some(1), Some(json!("web-2")), None));
    assert_eq!(rounds[2], (None, None, Some("steps.find.items".to_owned())));
    let many: Vec<String> = (0..201).map(|n| format!("h{n}")).collect();
    assert_eq!(
        make(text, &about(json!({"hosts": many})), json!({})),
        Err(PlanRefusal::TooMany { calls: 200 })
    );
}

#[test]
fn a_name_that_let_gives_is_known_when_what_it_reads_is() {
    let text = "title: T\nsteps:\n  - id: find\n    let: {host: '{{ alert.hosts[0] }}', who: '{{ alert.users[0] }}'}\n    uses: edr.find_host\n    with: {hostname: '{{ host }}'}\n  - let: {id: '{{ steps.find.id }}'}\n    uses: edr.contain\n    with: {device_id: '{{ id }}'}\n";
    let plan =
        make(text, &about(json!({})), json!({})).expect("who is missing, and nobody uses it");
    assert_eq!(
        told(&plan.outline().steps),
        ["find: edr.find_host(hostname=\"web-1\")", "step2: edr.contain(device_id=\"‹id›\")"]
    );
    let used = text.replace("{{ host }}", "{{ who }}");
    assert!(
        matches!(make(&used, &about(json!({})), json!({})), Err(PlanRefusal::Undefined { input, .. }) if input == "hostname")
    );
}

#[test]
fn there_is_no_plan_where_something_is_missing_or_wrong() {
    let all = || json!({"host": "web-1", "reason": "x"});
    for (about, answers, said) in [
        (
            about(json!({"hosts": []})),
            all(),
            "It is not for this alert: `alert.hosts` does not hold.",
        ),
        (about(json!({})), json!({"host": "web-1"}), "Why (`reason`) is wanted."),
        (about(json!({})), json!({"host": "web-1", "reason": "  "}), "Why (`reason`) is wanted."),
        (
            about(json!({})),
            json!({"host": "web-9", "reason": "x"}),
            "`web-9` is no choice for `host`: it can be web-1, web-2.",
        ),
        (about(json!({})), json!({"host": "web-1", "reason": 5}), "`reason` wants a text."),
        (
            about(json!({})),
            json!({"host": "web-1", "reason": "x", "hots": "y"}),
            "It does not ask for `hots`.",
        ),
    ] {
        let refusal = make(ISOLATE, &about, answers).expect_err(said);
        assert_eq!(refusal.to_string(), said);
    }
    let lacks = "title: T\nsteps:\n  - uses: edr.find_host\n    with: {hostname: 'host-{{ alert.users[0] }}'}\n";
    assert_eq!(
        make(lacks, &about(json!({})), json!({})).expect_err("no user").to_string(),
        "The step `step1` would lack `hostname`: `alert.users[0]` is missing in this alert. Nothing was done."
    );
    let blank =
        "title: T\nsteps:\n  - uses: edr.find_host\n    with: {hostname: '{{ alert.hosts[0] }}'}\n";
    assert_eq!(
        make(blank, &about(json!({"hosts": [" "]})), json!({})).expect_err("no name").to_string(),
        "The step `step1` cannot be done: `hostname` is empty. Nothing was done."
    );
    let text = "title: T\nsteps:\n  - for_each: alert.hosts|first\n    say: x\n";
    let refusal =
        make(text, &about(json!({})), json!({})).expect_err("a text is no list").to_string();
    assert!(refusal.contains("it is no list"), "{refusal}");
    let nothing =
        made(ISOLATE, &Catalogue::default(), (&about(json!({})), all())).expect_err("no tools");
    assert!(nothing.to_string().contains("`edr.find_host`, which is not connected"), "{nothing}");
}

#[test]
fn the_hash_changes_with_whatever_would_be_done_and_with_nothing_else() {
    let (alert, answers) = (about(json!({})), json!({"host": "web-1", "reason": "x"}));
    let first = make(ISOLATE, &alert, answers.clone()).expect("a plan");
    assert_eq!(first, make(ISOLATE, &alert, answers.clone()).expect("the same again"));
    let mut moved = edr::catalogue();
    let tool = moved.0.get_mut(&"edr".into()).map(Arc::make_mut).expect("an EDR");
    tool.print = "another address".to_owned();
    for other in [
        make(ISOLATE, &alert, json!({"host": "web-2", "reason": "x"})),
        make(ISOLATE, &alert, json!({"host": "web-1", "reason": "y"})),
        make(ISOLATE, &about(json!({"title": "Other"})), answers.clone()),
        make(&ISOLATE.replace("15m", "16m"), &alert, answers.clone()),
        made(ISOLATE, &moved, (&alert, answers.clone())),
    ] {
        assert_ne!(other.expect("a plan").hash(), first.hash());
    }
}

#[test]
fn a_plan_that_was_kept_can_be_shown_and_says_when_it_was_changed() {
    let plan =
        make(ISOLATE, &about(json!({})), json!({"host": "web-1", "reason": "x"})).expect("a plan");
    let kept = serde_json::to_string(plan.outline()).expect("plain data");
    let read: Outline = serde_json::from_str(&kept).expect("reads back");
    assert_eq!((&read, read.hash().as_str()), (plan.outline(), plan.hash()));
    let forged: Outline = serde_json::from_str(&kept.replace("web-1", "web-2")).expect("reads");
    assert_ne!(forged.hash(), plan.hash());
}

#[test]
fn what_there_is_to_choose_from_is_the_alerts() {
    let text = "title: T\nask:\n  host: {choose: alert.hosts}\n  how: {choose: [quick, full]}\n  user: {choose: alert.users}\n  why: {text: Why}\nsteps: [{say: x}]\n";
    let playbook = good(text).playbook;
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        choices(&playbook, &about(json!({"hosts": ["web-1", "web-1", "web-2"]}))),
        [
            ("host".to_owned(), words(&["web-1", "web-2"])),
            ("how".to_owned(), words(&["quick", "full"])),
            ("user".to_owned(), words(&[]))
        ]
    );
}

#[test]
fn what_a_step_is_given_when_its_turn_comes_lacks_nothing_that_it_needs() {
    use crate::domain::playbook::What;
    use crate::domain::playbook::scope::{Given, Scope};
    use crate::domain::tool::Values;
    use crate::domain::tool::call::{Answered, Found};
    let playbook = good(ISOLATE).playbook;
    let (catalogue, about, lets) = (edr::catalogue(), about(json!({})), Values::new());
    let answers = asked(json!({"host": "web-1", "reason": "x"}));
    let given = |out: Json| {
        let out: Values = serde_json::from_value(out).expect("outputs");
        let found = Found { count: 1, items: vec![out.clone()], more: false };
        [("find".into(), Given::One(Answered { out, found: Some(found), already: false }))].into()
    };
    let resolve = |index: usize, out: Json| {
        let given = given(out);
        let scope = Scope {
            about: &about,
            asked: &answers,
            given: &given,
            lets: &lets,
            item: None,
            error: None,
            run: None,
        }
        .value();
        let What::Use(call) = &playbook.steps[index].what else { panic!("a call") };
        let (_, action) = catalogue.find(&call.uses).expect("known");
        plan::resolve(call, action, &scope)
    };
    let device = Values::from([("device_id".to_owned(), json!("d-1"))]);
    assert_eq!(resolve(1, json!({"id": "d-1"})), Ok(device));
    assert_eq!(
        resolve(1, json!({})).expect_err("no id").to_string(),
        "`device_id` has no value: `steps.find.id` is missing"
    );
    let ticket = resolve(2, json!({"os": "Linux"})).expect("the description may be left out");
    assert_eq!(ticket.keys().collect::<Vec<_>>(), ["project", "summary"]);
}
