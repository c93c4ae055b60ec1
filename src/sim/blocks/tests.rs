//! Block Kit's limits, one line each: what is sent, and the problem that Slack would name.
use serde_json::{Value, json};

use super::{check_message, check_view, too_long};

fn plain(length: usize) -> Value {
    json!({"type": "plain_text", "text": "x".repeat(length)})
}

fn mrkdwn(length: usize) -> Value {
    json!({"type": "mrkdwn", "text": "x".repeat(length)})
}

fn button(id: &str, length: usize) -> Value {
    json!({"type": "button", "action_id": id, "text": plain(length)})
}

fn options(count: usize) -> Vec<Value> {
    (0..count).map(|i| json!({"text": plain(3), "value": i.to_string()})).collect()
}

fn actions(elements: Vec<Value>) -> Value {
    json!({"type": "actions", "elements": elements})
}

/// Each block alone in a message, and where its only problem must point; empty: it is valid.
fn table() -> Vec<(Value, &'static str)> {
    let many = (0..26).map(|i| button(&i.to_string(), 1)).collect();
    vec![
        (json!({"type": "section", "text": mrkdwn(3000)}), ""),
        (
            json!({"type": "section", "text": mrkdwn(3001)}),
            "must be less than 3001 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            json!({"type": "section", "text": mrkdwn(0)}),
            "must be more than 0 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            json!({"type": "section"}),
            "missing required field: text or fields [json-pointer:/blocks/0]",
        ),
        (
            json!({"type": "section", "fields": vec![mrkdwn(1); 11]}),
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            json!({"type": "section", "fields": [mrkdwn(2001)]}),
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        (
            json!({"type": "section", "text": mrkdwn(1), "colour": 1}),
            "invalid additional property: colour [json-pointer:/blocks/0]",
        ),
        (json!({"type": "header", "text": plain(150)}), ""),
        (
            json!({"type": "header", "text": plain(151)}),
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            json!({"type": "header", "text": mrkdwn(1)}),
            "must be a valid enum value [json-pointer:/blocks/0/text/type]",
        ),
        (
            json!({"type": "context", "elements": vec![mrkdwn(1); 11]}),
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        (
            json!({"type": "context", "elements": [button("a", 1)]}),
            "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
        ),
        (json!({"type": "carousel"}), "unsupported type: carousel [json-pointer:/blocks/0/type]"),
        (json!({"text": mrkdwn(1)}), "missing required field: type [json-pointer:/blocks/0]"),
        (json!({"type": "divider"}), ""),
        (
            json!({"type": "divider", "block_id": "b".repeat(256)}),
            "must be less than 256 characters [json-pointer:/blocks/0/block_id]",
        ),
        (actions(vec![button("a", 75)]), ""),
        (
            actions(vec![button("a", 76)]),
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            actions(vec![button("a", 1), button("a", 1)]),
            "duplicate action_id: a [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (actions(many), "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
        (actions(vec![]), "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (
            actions(vec![json!({"type": "button", "text": plain(1), "style": "loud"})]),
            "must be a valid enum value [json-pointer:/blocks/0/elements/0/style]",
        ),
        (
            actions(vec![json!({"type": "button", "text": plain(1), "value": "v".repeat(2001)})]),
            "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]",
        ),
        (
            actions(vec![json!({"type": "button", "text": plain(1), "url": "nowhere"})]),
            "must be a valid url [json-pointer:/blocks/0/elements/0/url]",
        ),
        (actions(vec![json!({"type": "overflow", "options": options(5)})]), ""),
        (
            actions(vec![json!({"type": "overflow", "options": options(6)})]),
            "no more than 5 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            actions(vec![json!({"type": "static_select", "options": options(101)})]),
            "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            actions(vec![json!({"type": "radio_buttons", "options": options(11)})]),
            "no more than 10 items allowed [json-pointer:/blocks/0/elements/0/options]",
        ),
        (
            json!({"type": "markdown", "text": "m".repeat(12_001)}),
            "must be less than 12001 characters [json-pointer:/blocks/0/text]",
        ),
        (
            json!({"type": "table", "rows": vec![json!([{"type": "raw_text", "text": "x"}]); 100]}),
            "",
        ),
        (
            json!({"type": "table", "rows": vec![json!([{"type": "raw_text", "text": "x"}]); 101]}),
            "no more than 100 items allowed [json-pointer:/blocks/0/rows]",
        ),
        (
            json!({"type": "image", "image_url": "https://example.com/a.png"}),
            "missing required field: alt_text [json-pointer:/blocks/0]",
        ),
        (
            json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "a", "style": {"bold": true}}]}]}),
            "",
        ),
        (
            json!({"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [{"type": "text"}]}]}),
            "missing required field: text [json-pointer:/blocks/0/elements/0/elements/0]",
        ),
    ]
}

#[test]
fn each_limit_is_refused_in_slacks_words() {
    for (block, wanted) in table() {
        let problems = check_message(&json!({"blocks": [block]}));
        let wanted: Vec<String> =
            if wanted.is_empty() { vec![] } else { vec![format!("[ERROR] {wanted}")] };
        assert_eq!(problems, wanted, "{block}");
    }
}

/// A crate that others wrote from the same documentation agrees on every length.
#[test]
fn slackblocks_agrees() {
    for (block, wanted) in table() {
        let message = json!({"channel": "C1", "text": "t", "blocks": [block]});
        let theirs = slackblocks::MessagePayload::try_from(message);
        if wanted.is_empty() {
            assert!(theirs.is_ok(), "{block}: {theirs:?}");
        } else if wanted.contains("less than") || wanted.contains("no more than") {
            assert!(theirs.is_err(), "{wanted}");
        }
    }
}

#[test]
fn a_message_holds_fifty_blocks_and_an_id_once() {
    assert!(check_message(&json!({"blocks": vec![json!({"type": "divider"}); 50]})).is_empty());
    let problems = check_message(&json!({"blocks": vec![json!({"type": "divider"}); 51]}));
    assert_eq!(problems, ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]);
    let twice = json!({"type": "divider", "block_id": "b"});
    let problems = check_message(&json!({"blocks": [twice], "attachments": [{"blocks": [twice]}]}));
    assert_eq!(
        problems,
        ["[ERROR] duplicate block_id: b [json-pointer:/attachments/0/blocks/0/block_id]"]
    );
}

#[test]
fn all_text_together_has_a_limit() {
    let message = |count: usize| json!({"blocks": vec![json!({"type": "section", "text": mrkdwn(3000)}); count]});
    assert!(!too_long(&message(4)));
    assert!(too_long(&message(5)));
}

#[test]
fn views_have_their_own_limits() {
    let modal = |title: usize, blocks: Vec<Value>| json!({"type": "modal", "title": plain(title), "blocks": blocks});
    assert!(check_view(&modal(24, vec![])).is_empty());
    assert_eq!(
        check_view(&modal(25, vec![])),
        ["[ERROR] must be less than 25 characters [json-pointer:/view/title/text]"]
    );
    let hundred = vec![json!({"type": "divider"}); 101];
    assert_eq!(
        check_view(&modal(1, hundred)),
        ["[ERROR] no more than 100 items allowed [json-pointer:/view/blocks]"]
    );
    let input = json!({"type": "input", "label": plain(1), "element": {"type": "plain_text_input", "action_id": "a"}});
    assert_eq!(
        check_view(&modal(1, vec![input])),
        ["[ERROR] missing required field: submit [json-pointer:/view]"]
    );
    assert!(check_view(&json!({"type": "home", "blocks": []})).is_empty());
    assert_eq!(
        check_view(&json!({"type": "popup"})),
        ["[ERROR] must be a valid enum value [json-pointer:/view/type]"]
    );
}
