//! Takes out of a frame what would let its reader act as Slack or as who clicked, before it is kept. Pure.

use serde_json::Value;

/// What stands in the place of what was taken out.
const REMOVED: &str = "[removed]";
/// A field whose name holds one of these is a secret for as long as it lives.
const SECRET_NAMES: [&str; 7] =
    ["token", "secret", "trigger", "response_url", "responseurl", "pointer", "ticket"];
/// What begins so is a secret wherever it stands.
const SECRET_BEGINNINGS: [&str; 10] = [
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxe-",
    "xoxe.",
    "xoxc-",
    "xoxd-",
    "xapp-",
    "xwfp-",
    "https://hooks.slack.com/",
];

/// So many bytes of a frame are gone through, and so many secrets of one text: what is beyond is left out.
const LONGEST: usize = 256 * 1024;
const MOST: usize = 200;

/// The frame without its secrets. What is no JSON, or too long to be read as such, is gone through as text.
pub(super) fn redacted(frame: &str) -> String {
    let frame = &frame[..frame.floor_char_boundary(LONGEST)];
    match serde_json::from_str(frame) {
        Ok(mut value) => {
            walk(&mut value);
            value.to_string()
        }
        Err(_) => text(frame),
    }
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if is_secret(name) { remove(value) } else { walk(value) }
            }
        }
        Value::Array(members) => members.iter_mut().for_each(walk),
        Value::String(words) => *words = text(words),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every word below is taken out; the shape stays, for it may be what is new.
fn remove(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(remove),
        Value::Array(members) => members.iter_mut().for_each(remove),
        Value::String(_) | Value::Number(_) => *value = REMOVED.into(),
        Value::Null | Value::Bool(_) => {}
    }
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}

/// Text, or JSON that is cut off or stands within a string: by how secrets begin, and by the names before them.
fn text(words: &str) -> String {
    let mut kept = String::with_capacity(words.len());
    let mut rest = words;
    for _ in 0..MOST {
        let Some(at) = next_secret(rest) else {
            kept.push_str(rest);
            return kept;
        };
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        kept.push_str(REMOVED);
        let quoted = before.ends_with(['"', '\'']);
        let end = from.find(|c| if quoted { "\"'\\".contains(c) } else { ends_a_secret(c) });
        rest = &from[end.unwrap_or(from.len())..];
    }
    kept
}

fn ends_a_secret(c: char) -> bool {
    c.is_whitespace() || "\"'\\<>,&|;)}]".contains(c)
}

/// Where the next secret begins that is not taken out yet.
fn next_secret(words: &str) -> Option<usize> {
    let begins = SECRET_BEGINNINGS.iter().filter_map(|begin| words.find(begin));
    let named = SECRET_NAMES.iter().filter_map(|name| named_value(words, name));
    begins.chain(named).min()
}

/// Where the value of the next field of this name begins: after `"name":"`, however its quotes are escaped, or `name=`.
fn named_value(words: &str, name: &str) -> Option<usize> {
    let lower = words.to_ascii_lowercase();
    lower.match_indices(name).find_map(|(at, _)| {
        let rest = lower[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let value = rest
            .trim_start_matches(|c: char| c.is_whitespace() || "\"'\\".contains(c))
            .strip_prefix([':', '='])?
            .trim_start_matches(|c: char| c.is_whitespace() || "\"'\\".contains(c));
        let is_one = !value.is_empty()
            && !value.starts_with(ends_a_secret)
            && !value.starts_with(['[', '{']);
        (is_one && !value.starts_with("null")).then(|| words.len() - value.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn secrets_are_taken_out_and_the_shape_stays() {
        let frame = json!({
            "type": "interactive", "envelope_id": "e1",
            "payload": {
                "token": "canary-1", "trigger_id": "1.2.canary-2", "type": "novelty",
                "response_url": "http://127.0.0.1/actions/canary-3",
                "response_urls": [{"response_url": "canary-4", "channel_id": null}],
                "interactivity": {"interactor": {"secret": "canary-5", "id": "U1"}, "interactivity_pointer": "canary-6"},
                "text": "use xoxb-canary-7, or <https://hooks.slack.com/actions/canary-8|this>",
                "inner": "{\"response_url\":\"canary-9\",\"user\":\"U2\"}",
                "bot_access_token": 12345, "user": {"id": "U1"},
            }
        });
        let kept = redacted(&frame.to_string());
        assert!(!kept.contains("canary") && !kept.contains("12345"), "{kept}");
        let kept: Value = serde_json::from_str(&kept).expect("still JSON");
        assert_eq!(kept["payload"]["type"], "novelty");
        assert_eq!(kept["payload"]["token"], REMOVED);
        assert_eq!(
            kept["payload"]["response_urls"],
            json!([{"response_url": REMOVED, "channel_id": null}])
        );
        assert_eq!(kept["payload"]["text"], "use [removed], or <[removed]|this>");
        assert_eq!(kept["payload"]["inner"], "{\"response_url\":\"[removed]\",\"user\":\"U2\"}");
        assert_eq!(kept["payload"]["interactivity"]["interactor"]["id"], "U1");
    }

    #[test]
    fn what_is_no_json_is_gone_through_as_text() {
        for (frame, kept) in [
            (
                r#"{"type":"x","response_url" : "canary","user":"U1""#,
                r#"{"type":"x","response_url" : "[removed]","user":"U1""#,
            ),
            (r#"{"trigger_id":"1.2.canary"#, r#"{"trigger_id":"[removed]"#),
            (r#"{"response_url":"http://x/?a=1&b=canary","#, r#"{"response_url":"[removed]","#),
            (
                "token=canary&user=U1&Response_URL=canary",
                "token=[removed]&user=U1&Response_URL=[removed]",
            ),
            (r#"x {\"token\":\"canary\"} y"#, r#"x {\"token\":\"[removed]\"} y"#),
            ("hé xapp-1-canary hé", "hé [removed] hé"),
            ("a token of esteem, no ticket: none", "a token of esteem, no ticket: [removed]"),
            ("plain", "plain"),
        ] {
            assert_eq!(redacted(frame), kept);
        }
    }
    #[test]
    fn a_text_full_of_secrets_is_cut_rather_than_gone_through_for_ever() {
        let kept = redacted(&"token=canary ".repeat(100_000));
        assert_eq!(kept.matches(REMOVED).count(), MOST);
        assert!(!kept.contains("canary"));
    }
}
