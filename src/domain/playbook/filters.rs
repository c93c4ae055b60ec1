//! The filters that requests to tools need. Those that quote let no value out of its quotes.

use super::expr::json as json_value;
use crate::domain::time::Timestamp;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use minijinja::value::ValueKind;
use minijinja::{Environment, Error, ErrorKind, Value};
use serde_json::{Value as Json, json};

/// Adds them to the environment of all expressions.
pub(super) fn add(environment: &mut Environment<'_>) {
    environment.add_filter("urlencode", |value: &Value| of_text(value, urlencode));
    environment.add_filter("b64", |value: &Value| of_text(value, |text| Ok(STANDARD.encode(text))));
    environment.add_filter("b64url", |value: &Value| {
        of_text(value, |text| Ok(URL_SAFE_NO_PAD.encode(text)))
    });
    environment.add_filter("adf", |value: &Value| of_text(value, |text| Ok(adf(text))));
    environment.add_filter("iso", |value: &Value| of_text(value, iso));
    environment.add_filter("fql", |value: &Value| of_text(value, fql));
    environment.add_filter("quoted", |value: &Value| of_text(value, quoted));
}

/// Filters the text of a value. What is missing stays missing, so that whatever it stands in is left out.
fn of_text<T: Into<Value>>(
    value: &Value,
    filter: impl FnOnce(&str) -> Result<T, Error>,
) -> Result<Value, Error> {
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Value::UNDEFINED),
        ValueKind::String | ValueKind::Number | ValueKind::Bool => {
            filter(&value.to_string()).map(Into::into)
        }
        _ => Err(wrong("a text is wanted here")),
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.to_owned())
}

/// Percent-encoded, all but what RFC 3986 calls unreserved.
fn urlencode(text: &str) -> Result<String, Error> {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    Ok(encoded.collect())
}

/// A value in the quotes of CrowdStrike's query language: `hostname:{{ in.hostname|fql }}`. What could end the quotes, or stand for
/// anything (`*`), is refused rather than escaped: no host, user or id has it, and not every endpoint escapes alike.
fn fql(text: &str) -> Result<String, Error> {
    let stranger = |c: char| c.is_control() || "'\"\\*".contains(c);
    if text.trim().is_empty() || text.contains(stranger) {
        return Err(wrong("a quote, a backslash, a star or nothing at all makes no query"));
    }
    Ok(format!("'{text}'"))
}

/// A value in double quotes, as JQL and SCIM have them: a backslash before what would end them.
fn quoted(text: &str) -> Result<String, Error> {
    if text.trim().is_empty() || text.chars().any(char::is_control) {
        return Err(wrong("a line break or nothing at all makes no query"));
    }
    Ok(format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// A text as Jira's document format: a paragraph for each block, a break for each line.
/// <https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/>
fn adf(text: &str) -> Value {
    let text = text.replace("\r\n", "\n");
    let blocks = text.split("\n\n").map(|block| block.trim_matches('\n'));
    let paragraphs: Vec<_> =
        blocks.filter(|block| !block.trim().is_empty()).map(paragraph).collect();
    json_value(&json!({"type": "doc", "version": 1, "content": paragraphs}))
}

fn paragraph(block: &str) -> Json {
    let mut content = Vec::new();
    for (index, line) in block.lines().enumerate() {
        if index > 0 {
            content.push(json!({"type": "hardBreak"}));
        }
        // An empty text is none in ADF.
        if !line.is_empty() {
            content.push(json!({"type": "text", "text": line}));
        }
    }
    json!({"type": "paragraph", "content": content})
}

/// A time as RFC 3339 in UTC: of seconds or milliseconds since 1970, or of one that is written in RFC 3339 already.
fn iso(text: &str) -> Result<String, Error> {
    let time = match text.trim().parse::<i64>() {
        // Seconds are still below this in the year 5138, milliseconds above it since 1973.
        Ok(number) if number.abs() < 100_000_000_000 => Timestamp::from_millis(number * 1000),
        Ok(number) => Timestamp::from_millis(number),
        Err(_) => Timestamp::parse(text.trim()).ok_or_else(|| {
            wrong("this is no time: RFC 3339, or seconds or milliseconds since 1970, is wanted")
        })?,
    };
    Ok(time.to_string())
}

#[cfg(test)]
mod tests {
    use crate::domain::playbook::expr::Expr;
    use minijinja::context;

    fn said(text: &str) -> Result<String, String> {
        let context = context! {
            quote => "x' + status:'normal", star => "web*", plain => "WKS-1.corp", n => 1_732_500_000, lines => "a\nb\n\nc",
            jql => "a\" OR project = \"HR\\", line => "a\nb",
        };
        let value = Expr::compile(text).expect(text).value(&context);
        value.map(|value| value.to_string()).map_err(|why| why.to_string())
    }

    #[test]
    fn no_value_gets_out_of_its_quotes() {
        assert_eq!(said("plain|fql").as_deref(), Ok("'WKS-1.corp'"));
        for text in
            ["quote|fql", "star|fql", "''|fql", "jql|fql", "line|fql", "line|quoted", "' '|quoted"]
        {
            assert!(said(text).is_err(), "{text}: {:?}", said(text));
        }
        assert_eq!(said("jql|quoted").as_deref(), Ok(r#""a\" OR project = \"HR\\""#));
    }

    #[test]
    fn what_is_missing_stays_missing() {
        for filter in ["urlencode", "b64", "b64url", "adf", "iso", "fql", "quoted"] {
            assert_eq!(
                said(&format!("(nothing|{filter}) is undefined")).as_deref(),
                Ok("True"),
                "{filter}"
            );
            assert!(said(&format!("[1]|{filter}")).is_err(), "{filter}");
        }
    }

    #[test]
    fn values_are_written_as_tools_want_them() {
        for (text, wanted) in [
            ("'a b/ü'|urlencode", "a%20b%2F%C3%BC"),
            ("'a?>'|b64", "YT8+"),
            ("'a?>>'|b64url", "YT8-Pg"),
            ("n|iso", "2024-11-25T02:00:00.000Z"),
            ("(n * 1000)|iso", "2024-11-25T02:00:00.000Z"),
            ("'2024-11-25T03:00:00+01:00'|iso", "2024-11-25T02:00:00.000Z"),
            ("(lines|adf).content|length", "2"),
            (
                "(lines|adf).content[0].content|map(attribute='type')|join(' ')",
                "text hardBreak text",
            ),
        ] {
            assert_eq!(said(text).as_deref(), Ok(wanted), "{text}");
        }
    }
}
