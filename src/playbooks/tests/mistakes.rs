//! What is said of a file that is wrong: each mistake at once, with its place and the way out.

use super::{good, read};
use crate::domain::playbook::{Expect, What};

#[test]
fn every_mistake_of_a_file_is_told_at_once() {
    let text = "\
title: Isolate a host
wen: alert.hosts
who: anlyst
ask:
  host: {chose: alert.hosts}
steps:
  - id: find
    uses: edr.find_hst
    with: {hostname: '{{ ask.hst }}'}
  - uses: edr.contain
    with: {device: '{{ steps.fnd.id }}'}
";
    let told = read(text).expect_err("mistakes");
    insta::assert_snapshot!(
        told.iter().map(|problem| format!("{problem}\n\n")).collect::<String>()
    );
}

/// The body of one step, and what is said of it: the headline without the file's name, and the hint.
fn said(step: &str) -> String {
    let text = format!(
        "title: T\non: button\nwhen: alert.hosts\nask:\n  host: {{choose: alert.hosts}}\n  why: {{text: Why}}\nsteps:\n  - id: find\n    uses: edr.find_host\n    with: {{hostname: '{{{{ ask.host }}}}'}}\n{step}\n  - id: last\n    say: done\n"
    );
    let problems = read(&text).err().unwrap_or_default();
    let line = |problem: &crate::yaml::Problem| {
        let headline = problem.headline();
        let headline = headline.splitn(4, ':').nth(3).unwrap_or(&headline).trim().to_owned();
        match &problem.hint {
            Some(hint) => format!("{headline} ({hint})"),
            None => headline,
        }
    };
    problems.iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_name_that_does_not_exist_is_told_with_the_one_that_does() {
    for (step, expected) in [
        ("say: '{{ steps.fnd.id }}'", "there is no step `fnd` (did you mean `steps.find`?)"),
        (
            "say: '{{ steps.find.idd }}'",
            "`find_host` gives no `idd` (did you mean `steps.find.id`?)",
        ),
        ("say: '{{ steps.find.id.x }}'", "`steps.find.id` is a text: it has no `x`"),
        (
            "say: '{{ steps.last.x }}'",
            "the step `last` comes later: a step reads only those before it",
        ),
        (
            "say: '{{ steps.step2.x }}'",
            "the step `step2` comes later: a step reads only those before it",
        ),
        (
            "say: \"{{ steps['find'].id }}\"",
            "`steps` alone says nothing (write steps.ID and what it gives: steps.find.id)",
        ),
        ("say: '{{ alert.hsts }}'", "an alert has no `hsts` (did you mean `alert.hosts`?)"),
        ("say: '{{ hosts }}'", "there is no `hosts` here (did you mean `alert.hosts`?)"),
        ("say: '{{ why }}'", "there is no `why` here (did you mean `ask.why`?)"),
        ("say: '{{ ask.hst }}'", "nothing is asked by the name `hst` (did you mean `ask.host`?)"),
        (
            "say: '{{ run.by }}'",
            "`run` has no `by` (it can be `id`, `playbook`, `started_by` or `alert`)",
        ),
        ("say: '{{ item }}'", "`item` is known in a step with `for_each` only"),
        ("say: '{{ error.message }}'", "`error` is known in `on_failure` only"),
        ("say: '{{ alert.title'", "`{{ alert.title`: `}}` is missing"),
        (
            "say: '{% if x %}'",
            "`{% if x %}`: only {{ … }} is filled in: a condition is a step's `when`, a loop its `for_each`; where it is meant as text, write {{ '{%' }}",
        ),
        (
            "say: x\n    when: '{{ alert.hosts }}'",
            "`when` is a bare expression, without {{ }} (write alert.hosts)",
        ),
        (
            "say: x\n    when: alert.hosts|frist",
            "`when`: filter frist is unknown (at character 13)",
        ),
    ] {
        assert_eq!(said(&format!("  - {step}")), expected, "{step}");
    }
}

#[test]
fn a_call_that_cannot_be_made_is_told() {
    for (step, expected) in [
        ("uses: edrr.contain", "there is no tool `edrr` (did you mean `edr`?)"),
        (
            "uses: edr.contian\n    with: {device_id: x}",
            "`edr` has no action `contian` (did you mean `contain`?)",
        ),
        ("uses: edr", "`edr` is no tool.action (for example crowdstrike.contain)"),
        ("uses: edr.contain", "`contain` wants `device_id` (add it: with: {device_id: …})"),
        (
            "uses: edr.contain\n    with: {device_id: x, device: y}",
            "`device` is no input of `contain` (did you mean `device_id`?)",
        ),
        (
            "uses: jira.create_issue\n    with: {project: SEC, summary: 5}",
            "`summary` is a number, and a text is wanted",
        ),
        (
            "uses: jira.create_issue\n    with: {project: SEC, summary: x, labels: '{{ alert.title }}'}",
            "`labels` is a text, and a list is wanted",
        ),
        (
            "uses: jira.create_issue\n    with: {project: SEC, summary: x, priority: 'p{{ steps.find.count }}'}",
            "`priority` is a text, and a whole number is wanted",
        ),
        (
            "uses: edr.contain\n    with: {device_id: x}\n    expect: one",
            "`contain` finds nothing: `expect` is for actions that find",
        ),
        (
            "uses: edr.contain\n    with: {device_id: x}\n    retry: {times: 11}",
            "`times` is at most 10",
        ),
        (
            "uses: edr.contain\n    with: {device_id: x}\n    timeout: 0s",
            "`timeout` is nothing: no call can be made in it",
        ),
        ("say: x\n    timeout: 5s", "`timeout` is for steps with `uses`"),
        (
            "say: x\n    for_each: alert.title",
            "`alert.title` is a text: `for_each` wants a list (for example alert.hosts)",
        ),
        (
            "say: x\n    uses: edr.contain",
            "a step does one thing (give it one of `uses`, `say` and `alert`)",
        ),
        ("id: x", "a step does something (give it one of `uses`, `say` and `alert`)"),
        ("id: find\n    say: x", "the step `find` is given twice"),
        (
            "id: find-host\n    say: x",
            "`find-host` can be no name in expressions (small letters, digits and `_`, beginning with a letter: find_host)",
        ),
        ("say: x\n    let: {item: y}", "`item` is a name of ours: take another"),
        (
            "say: x\n    let: {not: y}",
            "`not` can be no name in expressions (small letters, digits and `_`, beginning with a letter: find_host)",
        ),
        ("alert: {severity: hihg}", "`hihg` is no value of `severity` (did you mean `high`?)"),
        ("alert: {resolve: {note: x}}", "`resolve` wants `disposition`"),
    ] {
        assert_eq!(said(&format!("  - {step}")), expected, "{step}");
    }
}

/// `for_each`: what each round gives is a list, and its names are its own.
#[test]
fn a_step_that_is_done_for_each_gives_a_list() {
    let each = |more: &str| {
        said(&format!(
            "  - id: each\n    for_each: alert.hosts\n    let: {{name: '{{{{ item }}}}'}}\n    uses: edr.find_host\n    with: {{hostname: '{{{{ name }}}}'}}\n  - say: '{{{{ {more} }}}}'"
        ))
    };
    assert_eq!(each("steps.each.items[0].id"), "");
    assert_eq!(
        each("steps.each.id"),
        "`steps.each` is done for each: it has no `id` (what each gave is a list: `steps.each.items`, and `steps.each.count`)"
    );
    assert!(each("name").starts_with("there is no `name` here"));
}

#[test]
fn something_destructive_that_nobody_approves_is_warned_of() {
    let text =
        "title: T\nsteps:\n  - uses: edr.contain\n    with: {device_id: '{{ alert.hosts[0] }}'}\n";
    let told: Vec<_> = good(text).warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "test.yaml:3:11: `edr.contain` is destructive, and nobody approves it\n   |\n 3 |   - uses: edr.contain\n   |           ^^^^^^^^^^^\n   = approve: {by: lead, within: 15m}"
        ]
    );
    assert!(good(&text.replace("steps:", "approve: {by: lead}\nsteps:")).warnings.is_empty());
}

/// Its line is shown without it.
#[test]
fn a_secret_in_a_playbook_is_warned_of_and_not_shown() {
    let text = "title: T\nsteps:\n  - uses: jira.create_issue\n    with: {project: SEC, summary: x, api_token: hunter2-hunter2}\n";
    let told: String =
        read(text).expect_err("no such input").iter().map(ToString::to_string).collect();
    assert!(told.contains("`api_token` is no input") && !told.contains("hunter2"), "{told}");
    let text = "title: T\nsteps:\n  - uses: edr.sign_in\n    with: {password: hunter2-hunter2}\n";
    let warnings = good(text).warnings;
    let told: String = warnings.iter().map(ToString::to_string).collect();
    assert!(told.contains("`password`: a secret has no place in a playbook"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn nobody_is_asked_when_an_alert_starts_it() {
    let text = "title: T\non: alert\nask: {why: {text: Why, required: true}}\nsteps: [{say: x}]\n";
    assert_eq!(
        read(text).expect_err("nobody there")[0].headline(),
        "test.yaml:3:6: `on: alert` has nobody to ask"
    );
    let later = read("title: T\non: escalated\nsteps: [{say: x}]\n").expect_err("not yet");
    assert_eq!(later[0].headline(), "test.yaml:2:5: `on: escalated` comes with a later release");
}

/// The first of several is never taken for it, unless the step says so.
#[test]
fn what_finds_must_find_one_where_the_file_says_nothing() {
    let expects = |more: &str| {
        let text =
            format!("title: T\nsteps:\n  - uses: edr.find_host\n    with: {{hostname: x}}\n{more}");
        match &good(&text).playbook.steps[0].what {
            What::Use(call) => call.expect,
            What::Say(_) | What::Alert(_) => panic!("a call"),
        }
    };
    assert_eq!(expects(""), Expect::One);
    assert_eq!(expects("    expect: some\n"), Expect::Some);
    assert_eq!(expects("    expect: any\n"), Expect::Any);
}
