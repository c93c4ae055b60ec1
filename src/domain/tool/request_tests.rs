//! Requests as they leave, and what no value can make of them.

use super::input::InputError;
use super::request::{Body, Piece, Request};
use super::{Action, Tool, Values};
use crate::connectors::spec;
use crate::domain::ids::ActionName;
use serde_json::{Value as Json, json};

const FILE: &str = r#"
tool: edr
title: EDR
connection:
  fields:
    base_url: {type: url, hosts: ["*.example.com"]}
    tenant: {}
    api_key: {type: secret}
  auth: none
  headers: {X-Tenant: "{{ tenant }}"}
actions:
  look:
    title: Look
    path: /v1/{tenant}/hosts/{name}/x-{tag}
    query: {filter: "name:{{ in.name|fql }}", tag: "{{ in.tags }}", note: "{{ in.note }}", api: "{{ api_key }}"}
    in: {name: {required: true}, tag: {default: a}, tags: {type: list}, note: {}}
  write:
    title: Write
    first: {path: /v1/find, let: {ids: body.ids}}
    method: POST
    path: /v1/notes
    headers: {Idempotency-Key: "{{ key }}", X-Note: "{{ in.note }}"}
    body:
      text: "Note: {{ in.note }}"
      also: {name: "{{ in.name }}", deep: ["{{ in.note }}"]}
      count: "{{ in.count }}"
      ids: "{{ ids }}"
      signed: "key {{ api_key }}"
      fixed: {}
      nothing: null
    in: {name: {}, note: {}, count: {type: integer, required: true}}
    risk: write
    in_doubt: keyed
  send:
    title: Send a form
    method: POST
    path: /form
    form: {a: "{{ in.a }}", b: x y}
    in: {a: {type: list}}
    risk: write
    in_doubt: repeat
"#;

fn tool() -> Tool {
    let spec = spec::read("edr", "edr.yaml", FILE).unwrap_or_else(|problems| {
        panic!("{}", problems.iter().map(|problem| format!("{problem}\n")).collect::<String>())
    });
    let fields = json!({"base_url": "https://eu.example.com/api/", "tenant": "ac me"});
    spec.tool("edr".into(), values(fields))
}

fn values(json: Json) -> Values {
    let Json::Object(entries) = json else { panic!("a map") };
    entries.into_iter().collect()
}

fn action<'a>(tool: &'a Tool, name: &str) -> &'a Action {
    tool.actions.get(&ActionName::from(name)).expect("it has that")
}

fn request(name: &str, with: Json) -> Result<Request, InputError> {
    let tool = tool();
    let mut requests = tool.requests(action(&tool, name), &values(with))?;
    Ok(requests.pop().expect("its own request is the last"))
}

fn said(name: &str, with: Json) -> String {
    request(name, with).map_or_else(|why| why.to_string(), |request| request.to_string())
}

#[test]
fn a_request_is_shown_as_it_leaves_with_its_secrets_as_names() {
    assert_eq!(
        said("look", json!({"name": "web-1", "tags": ["a&b", "c"]})),
        "GET https://eu.example.com/api/v1/ac%20me/hosts/web-1/x-a?filter=name:%27web-1%27&tag=a%26b&tag=c&api=‹api_key›\n\
         X-Tenant: ac me"
    );
    assert_eq!(
        said("write", json!({"count": 2, "name": "db", "note": "so \"what\""})),
        "POST https://eu.example.com/api/v1/notes\nX-Tenant: ac me\nIdempotency-Key: ‹key›\nX-Note: so \"what\"\n\
         {\"text\":\"Note: so \\\"what\\\"\",\"also\":{\"name\":\"db\",\"deep\":[\"so \\\"what\\\"\"]},\"count\":2,\
         \"ids\":\"‹ids›\",\"signed\":\"key ‹api_key›\",\"fixed\":{},\"nothing\":null}"
    );
    assert_eq!(
        said("send", json!({"a": ["1", "2"]})),
        "POST https://eu.example.com/api/form\nX-Tenant: ac me\na=1\na=2\nb=x y"
    );
}

/// What is not given leaves no trace: no header, no key, no empty list in its place. What a file writes as null stays.
#[test]
fn what_is_missing_is_left_out_wherever_it_stands() {
    let bare = "POST https://eu.example.com/api/v1/notes\nX-Tenant: ac me\nIdempotency-Key: ‹key›\n\
                {\"count\":2,\"ids\":\"‹ids›\",\"signed\":\"key ‹api_key›\",\"fixed\":{},\"nothing\":null}";
    assert_eq!(said("write", json!({"count": 2})), bare);
    assert_eq!(said("write", json!({"count": 2, "note": null})), bare);
}

#[test]
fn a_value_never_leads_to_another_address() {
    for (name, path) in [
        ("a/b", "a%2Fb"),
        ("a?x=1", "a%3Fx%3D1"),
        ("a#b", "a%23b"),
        ("@evil.example.com", "@evil.example.com"),
        ("https://evil.example.com", "https%3A%2F%2Fevil.example.com"),
        ("50%", "50%25"),
        ("a..b", "a..b"),
        ("ü", "%C3%BC"),
    ] {
        let request = request("look", json!({"name": name, "tag": "t"}));
        let url = request.expect("it is one segment").url(&|piece| match piece {
            Piece::Plain(text) => text.clone(),
            Piece::Secret(_) | Piece::Later(_) => "s".to_owned(),
        });
        let url = url::Url::parse(&url).expect("an address");
        assert_eq!(url.host_str(), Some("eu.example.com"));
        assert_eq!(url.path(), format!("/api/v1/ac%20me/hosts/{path}/x-t"), "{name}");
    }
    for name in
        ["..", ".", "../x", "x/..", "..\\x", "%2e", "%2e%2e", "%252e%252E", ".%2e", "", "a\nb"]
    {
        assert!(request("look", json!({"name": name})).is_err(), "{name:?}");
    }
}

#[test]
fn a_header_holds_no_second_one() {
    let said = said("write", json!({"count": 1, "note": "a\r\nX-Admin: 1"}));
    assert_eq!(said, "`X-Note` would have a line break in a header");
}

#[test]
fn later_values_take_their_slots_with_their_type() {
    let before = request("write", json!({"count": 1})).expect("good");
    let after = before.later(&values(json!({"ids": [1, 2], "key": "k1"}))).expect("good");
    let text = after.to_string();
    assert!(text.contains("\"ids\":[1,2]") && text.contains("Idempotency-Key: k1"), "{text}");
    assert!(text.contains("‹api_key›"), "a secret stays one: {text}");
    let without = before.later(&Values::new()).expect("good").to_string();
    assert!(!without.contains("ids") && !without.contains("Idempotency"), "{without}");
}

#[test]
fn the_hash_is_of_everything_that_is_sent() {
    let hash = |with| request("write", with).expect("good").hash();
    let base = hash(json!({"count": 1, "note": "a"}));
    assert_eq!(base, hash(json!({"note": "a", "count": 1})));
    for other in [
        json!({"count": 2, "note": "a"}),
        json!({"count": 1, "note": "b"}),
        json!({"count": 1}),
        json!({"count": 1, "note": "a", "name": ""}),
    ] {
        assert_ne!(base, hash(other.clone()), "{other}");
    }
    let request = request("write", json!({"count": 1, "note": "a"})).expect("good");
    let moved = Request { base: "https://us.example.com".to_owned(), ..request.clone() };
    let bare = Request { body: Body::None, ..request.clone() };
    let anonymous = Request { anonymous: true, ..request };
    for other in [moved, bare, anonymous] {
        assert_ne!(base, other.hash());
    }
}

#[test]
fn inputs_are_checked_before_anything_is_made_of_them() {
    for (name, with, wanted) in [
        ("look", json!({}), "`name` is missing"),
        ("look", json!({"name": null}), "`name` is missing"),
        ("look", json!({"name": " "}), "`name` is empty"),
        ("look", json!({"name": 5}), "`name` is a number, and a text is wanted"),
        ("look", json!({"nam": "x"}), "`nam` is no input of `look`: did you mean `name`?"),
        ("look", json!({"name": "x", "tags": "a"}), "`tags` is a text, and a list is wanted"),
        ("look", json!({"name": "x' + y"}), "`name` has no value"),
        ("write", json!({"count": 1.5}), "`count` is a number, and a whole number is wanted"),
        ("request", json!({"method": "HEAD", "path": "/"}), "`method` is \"HEAD\", and can be"),
    ] {
        let said = said(name, with.clone());
        assert!(said.starts_with(wanted), "{name} {with}: {said}");
    }
}

#[test]
fn any_request_stays_on_the_tools_own_host() {
    let get = |path: &str| said("request", json!({"method": "GET", "path": path}));
    assert_eq!(
        get("/v1/a b/ü/"),
        "GET https://eu.example.com/api/v1/a%20b/%C3%BC/\nX-Tenant: ac me"
    );
    for path in [
        "v1",
        "//evil.example.com",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a?b",
        "/a#b",
        "/a\\b",
        "@evil",
        "/a\nb",
        "/..",
    ] {
        let said = get(path);
        assert!(said.starts_with("`path`"), "{path}: {said}");
    }
    let post = json!({"method": "POST", "path": "/x", "query": {"q": ["1", 2], "n": null}, "body": {"a": null}});
    assert_eq!(
        said("request", post),
        "POST https://eu.example.com/api/x?q=1&q=2\nX-Tenant: ac me\n{\"a\":null}"
    );
}

#[test]
fn any_request_is_as_dangerous_as_its_method() {
    use super::Risk::{Destructive, Read};
    let tool = tool();
    let request = action(&tool, "request");
    for (method, risk) in
        [("GET", Read), ("POST", Destructive), ("DELETE", Destructive), ("get", Destructive)]
    {
        assert_eq!(
            request.risk_of(&values(json!({"method": method, "path": "/"}))),
            risk,
            "{method}"
        );
    }
    assert_eq!(request.risk_of(&Values::new()), Destructive);
}
