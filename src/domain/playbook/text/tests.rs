//! What templates fill in, what they refuse, and what is no template.

use super::*;
use crate::domain::playbook::expr;
use serde_json::json;

fn scope() -> Value {
    expr::json(&json!({
        "alert": {"title": "sudo {{ alert.secret }}", "hosts": ["db-1", "db-2"], "users": [], "url": null, "n": 7},
        "steps": {"find": {"id": "d-1"}},
        "odd": ["a", null],
    }))
}

fn template(written: Json) -> Template {
    Template::compile(&written).unwrap_or_else(|why| panic!("{why}"))
}

#[test]
fn a_text_that_is_one_expression_keeps_its_type_and_others_are_text() {
    for (written, expected) in [
        (json!("{{ alert.n }}"), json!(7)),
        (json!(" {{ alert.hosts }}\n"), json!(["db-1", "db-2"])),
        (json!("{{ alert.n }} times"), json!("7 times")),
        (json!("{{ alert.n }}{{ alert.n }}"), json!("77")),
        (json!("a {b} }} c"), json!("a {b} }} c")),
        (json!("{{ '}}' }}"), json!("}}")),
        (json!("{{ {'a': {'b': 1}} }}"), json!({"a": {"b": 1}})),
        (json!("{{ '{%' }} {{ \"a\\\"}}\" }}"), json!("{% a\"}}")),
        (
            json!({"ids": ["{{ steps.find.id }}"], "n": 1, "no": null}),
            json!({"ids": ["d-1"], "n": 1, "no": null}),
        ),
        (json!("{{ alert.url|default('none') }}"), json!("none")),
        (json!("{{ coalesce(alert.url, alert.hosts[0]) }}"), json!("db-1")),
        (json!("{{ 'yes' if alert.url is defined else 'no' }}"), json!("no")),
        (json!("{{ alert.hosts|join(', ') }}"), json!("db-1, db-2")),
    ] {
        assert_eq!(template(written.clone()).value(&scope()), Ok(expected), "{written}");
    }
}

/// A lost filter would contain the first host of all.
#[test]
fn whatever_is_missing_anywhere_in_it_refuses_and_is_named() {
    for (written, missing) in [
        (json!("{{ alert.url }}"), "alert.url"),
        (json!("{{ steps.fnd.id }}"), "steps.fnd.id"),
        (json!("hostname:'{{ alert.users[0] }}'"), "alert.users[0]"),
        (json!({"filter": {"ids": ["x", "{{ steps.find.other }}"]}}), "steps.find.other"),
        (json!("{{ [alert.url, 'x'] }}"), "[alert.url, 'x']"),
        (json!("{{ [alert.url, 'x']|join(',') }}"), "[alert.url, 'x']|join(',')"),
        (json!("{{ odd|join(',') }}"), "odd|join(',')"),
        (json!("{{ {'a': {'b': alert.url}}|tojson }}"), "{'a': {'b': alert.url}}|tojson"),
        (json!("{{ alert.users|first }}"), "alert.users|first"),
        (json!("{{ 'x' if alert.url else 'y' }}"), "'x' if alert.url else 'y'"),
        (json!("{{ alert.url or 'x' }}"), "alert.url or 'x'"),
    ] {
        let refused = template(written.clone()).value(&scope());
        assert_eq!(refused, Err(NoValue::Undefined(missing.to_owned())), "{written}");
    }
}

/// Each filter that there is, over what is missing: it stops, or what comes out is missing too.
#[test]
fn no_filter_makes_something_of_what_is_missing() {
    let filters = [
        "safe",
        "lower",
        "upper",
        "title",
        "capitalize",
        "replace('a', 'b')",
        "length",
        "items",
        "reverse",
        "trim",
        "join",
        "split",
        "lines",
        "round",
        "abs",
        "int",
        "float",
        "attr('a')",
        "first",
        "last",
        "min",
        "max",
        "sort",
        "list",
        "string",
        "bool",
        "batch(2)",
        "slice(2)",
        "sum",
        "select",
        "reject",
        "selectattr('a')",
        "rejectattr('a')",
        "map('upper')",
        "groupby('a')",
        "unique",
        "format('a')",
        "tojson",
        "dictsort",
        "from_json",
        "flatten",
        "host",
    ];
    let kept = filters.iter().filter_map(|filter| {
        let text = format!("{{{{ alert.url|{filter} }}}}");
        let value = Template::text(&text).expect(filter).value(&scope()).ok()?;
        Some(format!("{filter} makes {value}"))
    });
    assert_eq!(kept.collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn where_it_may_be_missing_it_is_left_out() {
    let optional = |written: Json| template(written).value_or_missing(&scope()).expect("evaluates");
    assert_eq!(optional(json!("{{ alert.url }}")), None);
    assert_eq!(optional(json!("see {{ alert.url }}")), Some(json!("see ")));
    assert_eq!(optional(json!({"a": "{{ alert.url }}", "b": 1})), Some(json!({"b": 1})));
    let said = |text: &str| template(json!(text)).said(&scope()).expect("evaluates");
    assert_eq!(said("on {{ alert.hosts }}: {{ alert.url }}"), "on db-1, db-2: ");
}

#[test]
fn what_an_alert_says_is_never_compiled() {
    assert_eq!(
        template(json!("{{ alert.title }}!")).value(&scope()),
        Ok(json!("sudo {{ alert.secret }}!"))
    );
}

#[test]
fn what_cannot_be_filled_in_is_told() {
    for (text, why) in [
        ("{{ alert.title", "`{{ alert.title`: `}}` is missing"),
        ("{% if x %}", "`{% if x %}`: only {{ … }} is filled in"),
        ("{# x #}", "`{# x #}`: only {{ … }} is filled in"),
        ("{{- alert.title -}}", "are not known here"),
        ("{{ alert.title ~ '.corp' }}", "`~` is not known here"),
        ("{{ alert.hosts|frist }}", "frist"),
        ("{{ }}", "``: "),
    ] {
        let told = Template::text(text).expect_err(text).to_string();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn its_names_are_known_before_anything_runs() {
    let template =
        template(json!({"a": "{{ steps.find.id }}", "b": ["{{ alert.hosts[0] }} {{ ask.why }}"]}));
    assert_eq!(template.names(), ["alert.hosts", "ask.why", "steps.find.id"]);
}
