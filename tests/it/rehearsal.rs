//! Tests of playbooks as data: those that we ship hold, each way in which one can be wrong is told with its place, and what is tried
//! without tools comes out as with them.

use crate::world::{World, with_tools};
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use vigie::connectors::Library as Connectors;
use vigie::domain::playbook::Playbook;
use vigie::playbooks::rehearsal::{reference, rehearse, schema};
use vigie::playbooks::{Known, Library, check};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("playbooks/tests")
}

/// The problems of all cases, or of the file.
fn told(cases: &str, playbook: &str) -> Vec<String> {
    let catalogue = Connectors::shipped().unconnected();
    let known = Known { catalogue: &catalogue, roles: None };
    let playbook = check("p.yaml", playbook, known).expect("a good playbook").playbook;
    tried(cases, &Arc::new(playbook), known)
}

fn tried(cases: &str, playbook: &Arc<Playbook>, known: Known<'_>) -> Vec<String> {
    let problems = match rehearse(("t.yaml", cases), playbook, known) {
        Ok(cases) => cases.into_iter().flat_map(|case| case.problems).collect(),
        Err(problems) => problems,
    };
    let line = |problem: &vigie::yaml::Problem| {
        let hint = problem.hint.as_ref().map(|hint| format!(" = {hint}")).unwrap_or_default();
        format!("{}{hint}", problem.headline())
    };
    problems.iter().map(line).collect()
}

#[test]
fn every_playbook_that_we_ship_does_what_its_cases_say() {
    let catalogue = Connectors::shipped().unconnected();
    let known = Known { catalogue: &catalogue, roles: None };
    let library = Library::shipped(known);
    for (name, playbook) in &library.playbooks.0 {
        let path = folder().join(format!("{name}.yaml"));
        let text = std::fs::read_to_string(&path).expect("each has its cases");
        assert_eq!(tried(&text, playbook, known), Vec::<String>::new(), "{name}");
        for wanted in ["ends: done", "ends: refused", "fails: {", "unsure: "] {
            assert!(text.contains(wanted), "{name} has no case of {wanted}");
        }
    }
    let files = std::fs::read_dir(folder()).expect("the folder").count();
    assert_eq!(files, library.playbooks.0.len(), "each file is of a playbook");
}

const ISOLATE: &str = "
title: T
approve: {by: lead, quorum: 2}
ask: {host: {choose: alert.hosts}}
steps:
  - {id: find, uses: crowdstrike.find_host, with: {hostname: '{{ ask.host }}'}}
  - {id: contain, uses: crowdstrike.contain, with: {device_id: '{{ steps.find.id }}'}}
  - say: '{{ steps.find.id }} is off'
on_failure:
  - say: '{{ error.step }}: {{ error.message }}'
";

/// A case of `ISOLATE`, with these lines of its own.
fn case(own: &str) -> Vec<String> {
    told(
        &format!("- name: it\n  alert: {{hosts: [web-1]}}\n  ask: {{host: web-1}}\n{own}"),
        ISOLATE,
    )
}

#[test]
fn what_comes_out_otherwise_is_told_at_the_line_that_says_so() {
    let found = "{uses: crowdstrike.find_host, found: [{id: a}]}";
    let contained = "{uses: crowdstrike.contain, out: {}}";
    for (own, said) in [
        (format!("  answers: [{found}, {contained}]\n  says: [a is off]\n  ends: done\n"), vec![]),
        (
            format!("  answers: [{found}, {contained}]\n  ends: failed\n"),
            vec!["t.yaml:5:9: `it` ends as `done`, not as `failed`"],
        ),
        (
            format!("  answers: [{found}, {contained}]\n  says: [b is off]\n  ends: done\n"),
            vec!["t.yaml:5:9: it says something else = it says [\"a is off\"]"],
        ),
        (
            format!("  answers: [{found}]\n  ends: done\n"),
            vec!["t.yaml:1:3: `it`: no answer is left for `crowdstrike.contain` = it is called with {\"device_id\":\"a\"}"],
        ),
        (
            format!("  answers: [{contained}]\n  ends: done\n"),
            vec!["t.yaml:4:13: `crowdstrike.find_host` is called here, not `crowdstrike.contain` = it is called with {\"hostname\":\"web-1\"}"],
        ),
        (
            format!("  answers:\n    - {found}\n    - {{uses: crowdstrike.contain, with: {{device_id: b}}, out: {{}}}}\n  ends: done\n"),
            vec!["t.yaml:6:53: `crowdstrike.contain` is called with device_id = \"a\""],
        ),
        (
            format!("  answers:\n    - {found}\n    - {contained}\n    - {contained}\n  ends: done\n"),
            vec!["t.yaml:7:7: nothing calls `crowdstrike.contain` any more"],
        ),
        (
            format!("  answers: [{found}, {contained}]\n  decide: [{{step: find, choice: again}}]\n  ends: done\n"),
            vec!["t.yaml:5:12: `find` is not asked about"],
        ),
        (
            "  answers: [{uses: crowdstrike.find_host, found: []}]\n  decide: [{step: contain, choice: again}]\n  ends: failed\n".to_owned(),
            vec!["t.yaml:5:12: `contain` is not asked about here: `find` is"],
        ),
        (
            "  answers: [{uses: crowdstrike.find_host, found: []}]\n  decide: [{step: find, choice: happened}]\n  ends: failed\n".to_owned(),
            vec!["t.yaml:5:12: this is no answer to what `find` asks"],
        ),
        (
            "  answers: [{uses: crowdstrike.find_host, fails: {why: refused, message: not here}}]\n  ends: failed\n  because: nobody\n".to_owned(),
            vec!["t.yaml:6:12: it ends because of something else: not here"],
        ),
        (
            "  says: [it is done]\n  ends: done\n".replace("  says", "  source: x\n  says"),
            vec!["t.yaml:1:3: `it`: no answer is left for `crowdstrike.find_host` = it is called with {\"hostname\":\"web-1\"}"],
        ),
    ] {
        assert_eq!(case(&own), said, "{own}");
    }
    let refused = "- name: it\n  alert: {hosts: [web-1]}\n  answers: [{uses: crowdstrike.contain, out: {}}]\n  says: [x]\n  ends: done\n";
    assert_eq!(
        told(refused, ISOLATE),
        [
            "t.yaml:3:13: nothing is called: it is refused (missing host)",
            "t.yaml:4:9: it says nothing: it is refused (missing host)",
            "t.yaml:5:9: `it` ends as `refused`, not as `done`: missing host",
        ]
    );
}

#[test]
fn a_file_that_is_wrong_is_told_with_its_places_and_nothing_of_it_is_tried() {
    let one = |line: &str| told(&format!("- name: it\n  ends: done\n  {line}\n"), ISOLATE);
    for (line, said) in [
        ("anwsers: []", "t.yaml:3:3: `anwsers` is no key of a case = did you mean `answers`?"),
        ("alert: {host: [x]}", "t.yaml:3:11: an alert has no `host` = did you mean `hosts`?"),
        (
            "alert: {hosts: x}",
            "t.yaml:3:18: `hosts`: invalid type: string \"x\", expected a sequence",
        ),
        ("answers: x", "t.yaml:3:12: `answers` wants a list"),
        (
            "answers: [{uses: crowdstrike.contian, out: {}}]",
            "t.yaml:3:20: `crowdstrike` has no action `contian` = did you mean `contain`?",
        ),
        (
            "answers: [{uses: falcon.contain, out: {}}]",
            "t.yaml:3:20: there is no tool `falcon` = it can be `crowdstrike`, `github`, `http`, `jira` or `okta`",
        ),
        (
            "answers: [{uses: crowdstrike.contain}]",
            "t.yaml:3:13: `crowdstrike.contain` answers in one way: out, found, already, fails, unsure = for example out: {id: abc}",
        ),
        (
            "answers: [{uses: crowdstrike.contain, out: {}, already: true}]",
            "t.yaml:3:13: `crowdstrike.contain` answers in one way: out, found, already, fails, unsure = for example out: {id: abc}",
        ),
        (
            "answers: [{uses: crowdstrike.contain, with: {divice_id: a}, out: {}}]",
            "t.yaml:3:48: `divice_id` is no input of `contain` = did you mean `device_id`?",
        ),
        (
            "answers: [{uses: crowdstrike.contain, found: []}]",
            "t.yaml:3:48: `contain` finds nothing: `out` is what it gives",
        ),
        (
            "answers: [{uses: crowdstrike.find_host, found: [{hostname: x}]}]",
            "t.yaml:3:51: `find_host` always gives `id`",
        ),
        (
            "answers: [{uses: crowdstrike.find_host, found: [{id: 7}]}]",
            "t.yaml:3:56: `id` is a text",
        ),
        (
            "answers: [{uses: crowdstrike.find_host, found: [{id: a, idd: b}]}]",
            "t.yaml:3:59: `find_host` gives no `idd` = did you mean `id`?",
        ),
        (
            "answers: [{uses: crowdstrike.contain, fails: {why: refsued}}]",
            "t.yaml:3:54: `refsued` is no value of `why` = did you mean `refused`?",
        ),
        (
            "answers: [{uses: crowdstrike.contain, unsure: timedout}]",
            "t.yaml:3:49: `timedout` is no value of `unsure` = did you mean `timed_out`?",
        ),
        (
            "decide: [{step: find, choice: take}]",
            "t.yaml:3:33: `take` is no choice = did you mean `take=1`?",
        ),
        ("decide: [{choice: again}]", "t.yaml:3:12: a word wants `step`"),
        ("says: [1]", "t.yaml:3:10: `says` wants a text"),
    ] {
        assert_eq!(one(line), [said], "{line}");
    }
    for (file, said) in [
        (
            "name: it\n",
            "t.yaml:1:1: a list of cases is wanted here = each begins with a dash: - {name: …, ends: done}",
        ),
        ("[]\n", "t.yaml:1:1: there is no case here"),
        ("- {name: it}\n", "t.yaml:1:3: a case wants `ends`"),
        (
            "- {name: it, ends: planned}\n",
            "t.yaml:1:20: `planned` is no value of `ends` = it can be `done`, `failed`, `refused`, `cancelled` or `in_doubt`",
        ),
    ] {
        assert_eq!(told(file, ISOLATE), [said], "{file}");
    }
}

#[test]
fn one_that_a_new_alert_starts_is_tried_too_with_its_rounds_and_its_changes_of_the_alert() {
    let playbook = "
title: T
on: alert
when: alert.severity == 'high'
steps:
  - for_each: alert.hosts
    let: {short: \"{{ item|split('.')|first }}\"}
    when: short != 'web-2'
    say: '{{ short }} of {{ item }}'
  - alert: {severity: low, resolve: {disposition: duplicate}}
  - say: 'by {{ run.started_by }}'
";
    let cases = "
- name: it
  alert: {hosts: [web-1.example.com, web-2.example.com, web-3.example.com]}
  says: [web-1 of web-1.example.com, web-3 of web-3.example.com, by system]
  ends: done
- name: no round is wanted
  alert: {hosts: [web-2.example.com]}
  says: [by system]
  ends: done
- name: not for this one
  alert: {severity: low}
  ends: refused
";
    assert_eq!(told(cases, playbook), Vec::<String>::new());
}

/// The same as the case of `enrich`, with a real EDR: what is tried is what is done.
#[test]
fn each_round_of_a_step_sees_its_own_item_in_when_and_let() {
    World::run_with_tools(&with_tools(), async |w, _tools| {
        let hosts = json!(["fin-laptop-12", "no-such-host"]);
        w.alert(json!({"id": "1", "title": "Odd", "severity": "critical", "hosts": hosts})).await;
        let page = w.message("#sec", "Odd").await;
        w.by("ana").click(&page, "Look up hosts and users…").await;
        w.by("ana").submit(json!({})).await;
        page.expect_line("fin-laptop-12: Windows").await;
        page.reply("Look up hosts and users").await.expect("Done.").await;
        w.sleep(Duration::from_secs(60)).await;
        w.read_all();
        let said = "SELECT iteration, state FROM steps_v1 WHERE step = 'step2' ORDER BY iteration";
        assert_eq!(w.rows(said), ["0 done"]);
    });
}

#[test]
fn the_schema_of_the_tests_takes_ours_and_refuses_what_is_wrong_in_shape() {
    let validator = jsonschema::draft202012::new(&schema()).expect("a schema");
    let yaml = |text: &str| {
        let options = serde_saphyr::options! { strict_booleans: true };
        serde_saphyr::from_str_with_options::<Json>(text, options).expect("YAML")
    };
    for entry in std::fs::read_dir(folder()).expect("the folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("text");
        let told: Vec<_> = validator.iter_errors(&yaml(&text)).map(|why| why.to_string()).collect();
        assert_eq!(told, Vec::<String>::new(), "{}", path.display());
    }
    for wrong in [
        "[]",
        "- {name: it}",
        "- {name: it, ends: planned}",
        "- {name: it, ends: done, anwsers: []}",
        "- {name: it, ends: done, alert: {host: x}}",
        "- {name: it, ends: done, answers: [{uses: contain, out: {}}]}",
        "- {name: it, ends: done, answers: [{uses: a.b}]}",
        "- {name: it, ends: done, answers: [{uses: a.b, out: {}, already: true}]}",
        "- {name: it, ends: done, answers: [{uses: a.b, unsure: perhaps}]}",
        "- {name: it, ends: done, answers: [{uses: a.b, fails: {why: because}}]}",
        "- {name: it, ends: done, decide: [{step: a, choice: take=0}]}",
    ] {
        assert!(!validator.is_valid(&yaml(wrong)), "{wrong}");
    }
}

/// The tables of docs/playbooks.md are the ones that test files are read by. To write them anew:
/// `VIGIE_WRITE_DOCS=1 cargo test --test it the_page_has_every_key_of_a_test`.
#[test]
fn the_page_has_every_key_of_a_test() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/playbooks.md");
    let page = std::fs::read_to_string(&path).expect("the page");
    let mut written = page.clone();
    for (place, table) in reference() {
        let mark = format!("<!-- test keys: {place} -->\n");
        let start = page.find(&mark).unwrap_or_else(|| panic!("no place for {place}")) + mark.len();
        let end = page[start..].find("<!-- end -->").expect("the table ends") + start;
        let old = &page[start - mark.len()..end];
        written = written.replace(old, &format!("{mark}\n{table}\n"));
    }
    if std::env::var_os("VIGIE_WRITE_DOCS").is_some() {
        std::fs::write(&path, &written).expect("written");
    }
    assert!(page == written, "the page is behind: see above this test");
}
