//! Calls over real sockets: what is asked, in which order, and what is made of the answers.

use super::server::{Place, Said, nothing, says};
use crate::domain::tool::call::{Answered, Called, Failed, Found, Unsure, Why};
use serde_json::{Value as Json, json};

const FILE: &str = r#"
tool: edr
title: EDR
connection:
  fields: {base_url: {type: url, hosts: ["*"]}, token: {type: secret}}
  auth: {bearer: "{{ token }}"}
actions:
  find:
    title: Find
    first: {path: /ids, query: {name: "{{ in.name }}"}, let: {ids: body.ids}}
    path: /hosts
    query: {id: "{{ ids }}"}
    in: {name: {required: true}}
    found: body.hosts
    out: {id: found.id, os: {from: found.os, optional: true}}
  link: &list {title: List, path: /list, paginate: {by: link, most: 3}, found: body.items, out: {id: found}}
  cursor: {<<: *list, paginate: {by: cursor, from: body.next, to: after, most: 3}}
  offset: {<<: *list, paginate: {by: offset, to: skip, most: 3}}
  page: {<<: *list, paginate: {by: page, to: p, start: 0, most: 3}}
  plain: {title: List, path: /list, found: body.items, out: {id: found}}
  look: {title: Look, path: /look, out: {state: body.state, size: {type: integer, from: body.size, optional: true}}}
  contain:
    title: Contain
    method: POST
    path: /contain/{id}
    body: {id: "{{ in.id }}", signed: "by {{ token }}"}
    headers: {Idempotency-Key: "{{ key }}"}
    in: {id: {required: true, entity: host, by: name}}
    risk: destructive
    in_doubt: keyed
    already: status == 409
    ok: 202
  scan:
    title: Scan
    method: POST
    path: /scan
    risk: write
    in_doubt: ask
    poll: {let: {job: body.job}, path: "/jobs/{job}", until: body.done, every: 100ms, for: 300ms}
    out: {result: body.result}
  move:
    title: Move
    first: {path: /steps, let: {id: "(body.steps|selectattr('name', 'equalto', in.to)|first).id"}, missing: "it cannot go to {{ in.to }}"}
    method: POST
    path: /move
    body: {id: "{{ id }}"}
    in: {to: {required: true}}
    risk: write
    in_doubt: ask
  revoke:
    title: Revoke
    first: {path: /leaked, let: {found: body.secrets}, secret: true}
    method: POST
    path: /revoke
    body: {credentials: "{{ found }}"}
    risk: write
    in_doubt: repeat
  mark: {title: Mark, method: POST, path: /mark, risk: write, in_doubt: ask, out: {id: body.id}}
  open: {title: Open, method: POST, path: /open, auth: none, risk: write, in_doubt: repeat}
"#;

fn answered(called: Called) -> Answered {
    match called {
        Called::Answered(answered) => answered,
        other => panic!("{other:?}"),
    }
}

fn found(called: Called) -> Found {
    answered(called).found.expect("it finds")
}

fn failed(called: Called) -> Failed {
    match called {
        Called::Failed(failed) => failed,
        other => panic!("{other:?}"),
    }
}

fn ids(found: &Found) -> Vec<&str> {
    found.items.iter().filter_map(|item| item["id"].as_str()).collect()
}

#[tokio::test]
async fn ids_are_asked_first_and_then_the_things_themselves() {
    let place = Place::of(FILE, |heard, _| match heard.line.as_str() {
        "GET /ids?name=web-1" => says(200, json!({"ids": ["a", "b"]})),
        _ => says(200, json!({"hosts": [{"id": "a", "os": "linux"}, {"id": "b"}]})),
    })
    .await;
    let answered = answered(place.call("find", json!({"name": "web-1"})).await);
    assert_eq!(place.lines(), ["GET /ids?name=web-1", "GET /hosts?id=a&id=b"]);
    let found = answered.found.expect("it finds");
    assert_eq!((found.count, ids(&found)), (2, vec!["a", "b"]));
    assert_eq!(answered.out["os"], "linux", "the outputs are of the first");
}

/// No id: nothing is asked for, for a look without an id may find everything.
#[tokio::test]
async fn where_no_id_is_found_nothing_more_is_asked() {
    let place = Place::of(FILE, |_, _| says(200, json!({"ids": []}))).await;
    assert_eq!(found(place.call("find", json!({"name": "x"})).await), Found::default());
    assert_eq!(place.lines(), ["GET /ids?name=x"]);
}

/// The page of a proxy in between is not an empty list.
#[tokio::test]
async fn an_answer_without_its_list_is_not_nothing_found() {
    for (action, with) in [("plain", json!({})), ("find", json!({"name": "x"}))] {
        for body in ["<html>Please sign in</html>", "{}", "", "{\"items\": 5}"] {
            let said: Said = (200, Vec::new(), body.to_owned());
            let place = Place::of(FILE, move |_, _| said.clone()).await;
            let failed = failed(place.call(action, with.clone()).await);
            assert_eq!(failed.why, Why::Unreadable, "{action} {body}: {failed:?}");
        }
    }
    let place = Place::of(FILE, |_, _| says(200, json!({"items": null}))).await;
    assert_eq!(found(place.call("plain", json!({})).await).count, 0, "null is how some say none");
}

#[tokio::test]
async fn pages_are_followed_to_the_last_and_not_for_ever() {
    let pages = |action: &'static str, last: usize| async move {
        let place = Place::of(FILE, move |_, before| {
            let more = before < last;
            let items: Vec<String> = (0..2).map(|n| format!("{before}.{n}")).collect();
            let items = if more || before == last { items } else { Vec::new() };
            let next = if more { json!(format!("c{before}")) } else { Json::Null };
            says(200, json!({"items": items, "next": next}))
        })
        .await;
        let found = found(place.call(action, json!({})).await);
        (found.count, found.more, place.lines())
    };
    let (count, more, lines) = pages("cursor", 1).await;
    assert_eq!((count, more), (4, false));
    assert_eq!(lines, ["GET /list", "GET /list?after=c0"]);
    let (count, more, lines) = pages("cursor", 9).await;
    assert_eq!((count, more, lines.len()), (6, true, 3));
    let (count, more, lines) = pages("offset", 1).await;
    assert_eq!((count, more), (4, false));
    assert_eq!(lines, ["GET /list", "GET /list?skip=2", "GET /list?skip=4"]);
    let (_, _, lines) = pages("page", 0).await;
    assert_eq!(lines, ["GET /list", "GET /list?p=1"]);
}

#[tokio::test]
async fn a_linked_page_is_fetched_from_the_same_host_alone() {
    let place = Place::of(FILE, |heard, before| {
        let (status, mut headers, body) = says(200, json!({"items": [heard.line]}));
        let next = match before {
            0 => format!("http://{}/list?after=a%26b", heard.host),
            _ => "http://127.0.0.1:1/list".to_owned(),
        };
        headers.push(("link", format!("<{next}>; rel=\"next\"")));
        (status, headers, body)
    })
    .await;
    // Another port is another place.
    let failed = failed(place.call("link", json!({})).await);
    assert!(failed.message.contains("its next page is on another host"), "{failed:?}");
    assert_eq!(place.lines(), ["GET /list", "GET /list?after=a%26b"]);
}

#[tokio::test]
async fn what_a_status_means_depends_on_what_was_asked() {
    for (status, look, contain) in [
        (200, None, Some(Why::Refused)),
        (302, Some(Why::Refused), Some(Why::Refused)),
        (400, Some(Why::Refused), Some(Why::Refused)),
        (401, Some(Why::Unauthorised), Some(Why::Unauthorised)),
        (403, Some(Why::Unauthorised), Some(Why::Unauthorised)),
        (404, Some(Why::Refused), Some(Why::Refused)),
        (429, Some(Why::Limited), Some(Why::Limited)),
    ] {
        let said = move || says(status, json!({"state": "normal", "errors": [{"message": "no"}]}));
        let place = Place::of(FILE, move |_, _| said()).await;
        for (action, with, why) in
            [("look", json!({}), look), ("contain", json!({"id": "a"}), contain)]
        {
            match (place.call(action, with).await, why) {
                (Called::Answered(_), None) => {}
                (Called::Failed(failed), Some(why)) => {
                    assert_eq!(failed.why, why, "{status} {action}");
                    let told = failed.message.contains(&status.to_string());
                    assert!(told || failed.why == Why::Limited, "{failed:?}");
                }
                (other, _) => panic!("{status} {action}: {other:?}"),
            }
        }
    }
}

/// Nobody knows whether a tool that broke has done it; that it looked does not matter.
#[tokio::test]
async fn a_tool_that_breaks_may_have_done_it() {
    let place = Place::of(FILE, |_, _| says(500, json!({"message": "oops"}))).await;
    assert_eq!(failed(place.call("look", json!({})).await).why, Why::Broken);
    match place.call("contain", json!({"id": "a"})).await {
        Called::Unsure { why: Unsure::ServerError, message } => {
            assert_eq!(message, "answered 500: oops")
        }
        other => panic!("{other:?}"),
    }
    // A read before the request changes nothing, whatever becomes of it.
    assert_eq!(failed(place.call("move", json!({"to": "Done"})).await).why, Why::Broken);
}

/// Who stands between may say 503 of what was done; only one that names its time is believed.
#[tokio::test]
async fn a_write_that_is_answered_503_is_believed_where_a_time_is_named() {
    let bare = Place::of(FILE, |_, _| says(503, json!({}))).await;
    assert_eq!(failed(bare.call("look", json!({})).await).why, Why::Limited);
    let called = bare.call("contain", json!({"id": "a"})).await;
    assert!(matches!(called, Called::Unsure { why: Unsure::ServerError, .. }), "{called:?}");
    let later = Place::of(FILE, |_, _| {
        let (status, mut headers, body) = says(503, json!({}));
        headers.push(("retry-after", "7".to_owned()));
        (status, headers, body)
    })
    .await;
    let failed = failed(later.call("contain", json!({"id": "a"})).await);
    assert_eq!((failed.why, failed.retry_after_ms), (Why::Limited, Some(7_000)));
}

/// It was done, as its status says; whoever knows what came of it has to be asked.
#[tokio::test]
async fn a_write_whose_good_answer_cannot_be_read_may_have_happened() {
    for body in ["", "{}", "<html>", "{\"ids\": 5"] {
        let said: Said =
            (200, vec![("content-type", "application/json".to_owned())], body.to_owned());
        let place = Place::of(FILE, move |_, _| said.clone()).await;
        let called = place.call("mark", json!({})).await;
        assert!(matches!(called, Called::Unsure { why: Unsure::Broken, .. }), "{body}: {called:?}");
    }
}

/// An answer that was lost is the same: a look has done nothing, and of the rest nobody knows.
#[tokio::test]
async fn a_lost_answer_is_in_doubt_only_where_something_was_to_change() {
    let place = Place::silent(FILE).await;
    assert_eq!(failed(place.call("look", json!({})).await).why, Why::Broken);
    assert_eq!(failed(place.call("move", json!({"to": "Done"})).await).why, Why::Broken);
    let called = place.call("contain", json!({"id": "a"})).await;
    assert!(matches!(called, Called::Unsure { why: Unsure::Broken, .. }), "{called:?}");
}

#[tokio::test]
async fn what_was_so_before_is_no_failure() {
    let place = Place::of(FILE, |_, _| says(409, json!({"message": "contained already"}))).await;
    assert!(answered(place.call("contain", json!({"id": "a"})).await).already);
}

#[tokio::test]
async fn an_output_that_is_missing_or_of_another_sort_is_told() {
    for (body, said) in [
        (json!({}), "`state` is missing"),
        (json!({"state": ["a"]}), "`state` is a list"),
        (json!({"state": "a", "size": "big"}), "`size` is a text where `integer` is declared"),
    ] {
        let place = Place::of(FILE, move |_, _| says(200, body.clone())).await;
        let failed = failed(place.call("look", json!({})).await);
        assert!(failed.why == Why::Unreadable && failed.message.contains(said), "{failed:?}");
    }
    let place = Place::of(FILE, |_, _| says(200, json!({"state": 7, "size": null}))).await;
    let answered = answered(place.call("look", json!({})).await);
    assert_eq!(answered.out, [("state".to_owned(), json!("7"))].into(), "an id may be a number");
}

/// The rest of a scan is waited for; where it does not end in time, it has begun all the same.
#[tokio::test]
async fn what_is_begun_is_waited_for_and_never_told_as_not_done() {
    let place = Place::of(FILE, |heard, before| match heard.line.as_str() {
        "POST /scan" => says(200, json!({"job": "j/1"})),
        _ => says(200, json!({"done": before > 1, "result": "clean"})),
    })
    .await;
    assert_eq!(answered(place.call("scan", json!({})).await).out["result"], "clean");
    assert_eq!(place.lines(), ["POST /scan", "GET /jobs/j%2F1", "GET /jobs/j%2F1"]);

    for status in [200, 404, 500] {
        let place = Place::of(FILE, move |heard, _| match heard.line.as_str() {
            "POST /scan" => says(200, json!({"job": "1"})),
            _ => says(status, json!({"done": false})),
        })
        .await;
        let called = place.call("scan", json!({})).await;
        assert!(matches!(called, Called::Unsure { .. }), "{status}: {called:?}");
    }
}

#[tokio::test]
async fn a_value_that_is_looked_up_goes_into_the_request_or_says_what_is_missing() {
    let steps = json!({"steps": [{"id": 31, "name": "Done"}]});
    let place = Place::of(FILE, move |heard, _| match heard.line.as_str() {
        "GET /steps" => says(200, steps.clone()),
        _ => nothing(),
    })
    .await;
    answered(place.call("move", json!({"to": "Done"})).await);
    assert_eq!(place.heard()[1].body, r#"{"id":31}"#);
    let failed = failed(place.call("move", json!({"to": "Nowhere"})).await);
    assert_eq!((failed.why, failed.message.as_str()), (Why::Refused, "it cannot go to Nowhere"));
    assert_eq!(place.lines().len(), 3, "nothing was moved");
}

/// Secrets reach the tool and nobody else; a value that looks like a slot is a value.
#[tokio::test]
async fn secrets_are_filled_in_as_the_request_leaves() {
    let place = Place::of(FILE, |heard, _| says(500, json!({"message": heard.body}))).await;
    let called = place.keyed("contain", json!({"id": "‹token› {{ token }}"}), "k-1").await;
    let heard = place.heard().remove(0);
    assert_eq!(heard.authorization.as_deref(), Some("Bearer canary-7f3a"));
    assert_eq!(heard.key.as_deref(), Some("k-1"));
    assert_eq!(heard.body, r#"{"id":"‹token› {{ token }}","signed":"by canary-7f3a"}"#);
    assert!(!format!("{called:?}").contains("canary"), "{called:?}");
    assert!(!format!("{:?}", place.client).contains("canary"));
    let place = Place::of(FILE, |_, _| nothing()).await;
    answered(place.call("open", json!({})).await);
    assert_eq!(place.heard()[0].authorization, None, "it says `auth: none`");
}

/// A secret that is looked up for the next request is as secret as our own.
#[tokio::test]
async fn what_is_looked_up_and_secret_is_shown_nowhere() {
    let place = Place::of(FILE, |heard, _| match heard.line.as_str() {
        "GET /leaked" => says(200, json!({"secrets": ["canary-leaked-5e0b"]})),
        _ => says(422, json!({"message": format!("odd: {}", heard.body)})),
    })
    .await;
    let failed = failed(place.call("revoke", json!({})).await);
    assert_eq!(place.heard()[1].body, r#"{"credentials":["canary-leaked-5e0b"]}"#);
    assert_eq!(failed.message, r#"answered 422: odd: {"credentials":["[redacted]"]}"#);
}

/// A tool says how long it wants to hear nothing in seconds, or as a date (RFC 9110, 10.2.3).
#[tokio::test]
async fn a_tool_that_wants_it_later_is_heard_however_it_says_when() {
    for (said, at_most) in [("30", 30_000), ("Wed, 21 Oct 2099 07:28:00 GMT", u64::MAX)] {
        let later = vec![("retry-after", said.to_owned())];
        let place = Place::of(FILE, move |_, _| (429, later.clone(), String::new())).await;
        let failed = failed(place.call("look", json!({})).await);
        let after = failed.retry_after_ms.expect("it says when");
        assert!(failed.why == Why::Limited && (30_000..=at_most).contains(&after), "{after}");
    }
}

#[tokio::test]
async fn of_a_long_answer_the_beginning_is_kept() {
    let place = Place::of(FILE, |_, _| says(200, json!({"state": "ä".repeat(100_000)}))).await;
    let out = answered(place.call("look", json!({})).await).out;
    let state = out["state"].as_str().expect("a text");
    assert!(
        state.ends_with('…') && state.len() <= 64 * 1024 && state.len() > 10_000,
        "{}",
        state.len()
    );
    let place =
        Place::of(FILE, |_, _| says(200, json!({"items": vec!["x".repeat(5_000); 50]}))).await;
    let found = found(place.call("plain", json!({})).await);
    let size = serde_json::to_string(&found.items).expect("JSON").len();
    assert!(
        found.count == 50 && found.items.len() <= 20 && size < 66_000,
        "{} {size}",
        found.items.len()
    );
}
