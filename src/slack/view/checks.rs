//! Holds what goes to Slack to Slack's rules and to ours: sizes, unique names, nothing hidden, no mention but from an id.
//!
//! Each check returns what is wrong, in words; nothing wrong, nothing returned. Tests use it on whatever they see posted.

use crate::slack::view::clean::is_hidden;
use crate::slack::view::kit::size;
use crate::slack::view::length;
use crate::slack::view::mrkdwn::is_id;
use crate::slack::view::permalink::is_permalink;
use serde_json::Value;
use std::collections::BTreeSet;

/// What is wrong with a message: an object with `text`, `blocks`, `attachments` (others are looked at for hidden
/// characters only).
pub fn message(message: &Value) -> Vec<String> {
    let mut found = Findings::default();
    let text = message["text"].as_str().unwrap_or_default();
    found.length("text", text, 1, 4000);
    found.markup("text", text);
    let mut blocks = found.blocks("blocks", &message["blocks"]);
    for (i, attachment) in each(&message["attachments"]).enumerate() {
        let at = format!("attachments[{i}]");
        found.markup(&at, attachment["fallback"].as_str().unwrap_or_default());
        blocks += found.blocks(&format!("{at}.blocks"), &attachment["blocks"]);
    }
    found.most("blocks in all", blocks, size::BLOCKS);
    found.most("characters in all", length(message), size::MESSAGE);
    found.everywhere("message", message);
    found.wrong
}

/// What is wrong with a modal, as `views.open` takes it.
pub fn modal(view: &Value) -> Vec<String> {
    let mut found = Findings::default();
    // A form that is only read has nothing to send.
    let is_read = view.get("submit").is_none() && !takes_something(view);
    let parts: &[&str] = if is_read { &["title", "close"] } else { &["title", "submit", "close"] };
    for part in parts {
        let text = view[part]["text"].as_str().unwrap_or_default();
        found.length(part, text, 1, size::MODAL_TITLE);
    }
    let metadata = view["private_metadata"].as_str().unwrap_or_default();
    found.length("private_metadata", metadata, 1, size::METADATA);
    found.length("callback_id", view["callback_id"].as_str().unwrap_or_default(), 1, size::ID);
    let blocks = found.blocks("blocks", &view["blocks"]);
    found.most("blocks", blocks, size::MODAL_BLOCKS);
    found.everywhere("view", view);
    found.wrong
}

/// Whether there is a field in it: Slack refuses fields that nobody can send.
fn takes_something(view: &Value) -> bool {
    each(&view["blocks"]).any(|block| block["type"] == "input")
}

/// Who and what a message mentions: people, groups and channels by id; `!here` and the like as they are.
pub fn mentions(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect_mentions(value, &mut found);
    found
}

fn collect_mentions(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for key in ["user_id", "usergroup_id", "channel_id", "range"] {
                found.extend(map.get(key).and_then(Value::as_str).map(str::to_owned));
            }
            let parsed = map.get("type").is_none_or(|kind| kind == "mrkdwn");
            if let (true, Some(text)) = (parsed, map.get("text").and_then(Value::as_str)) {
                let inner = text.split('<').skip(1).filter_map(|rest| rest.split('>').next());
                let inner = inner.filter(|inner| !is_link(inner));
                found.extend(inner.map(|inner| mentioned(inner).unwrap_or(inner).to_owned()));
            }
            map.values().for_each(|inner| collect_mentions(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect_mentions(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The id in `@U…`, `!subteam^S…`, `#C…`; `None` for anything else that may stand between angle brackets.
fn mentioned(inner: &str) -> Option<&str> {
    let kinds: [(&str, &[char]); 3] =
        [("@", &['U', 'W']), ("!subteam^", &['S']), ("#", &['C', 'G'])];
    kinds
        .iter()
        .find_map(|(sign, prefixes)| inner.strip_prefix(sign).filter(|id| is_id(id, prefixes)))
}

/// `address|words`, the address being a message's.
fn is_link(inner: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ';
    inner
        .split_once('|')
        .is_some_and(|(address, words)| is_permalink(address) && words.chars().all(plain))
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[derive(Default)]
struct Findings {
    wrong: Vec<String>,
    block_ids: BTreeSet<String>,
    action_ids: BTreeSet<String>,
}

impl Findings {
    fn say(&mut self, at: &str, what: impl std::fmt::Display) {
        self.wrong.push(format!("{at}: {what}"));
    }

    fn length(&mut self, at: &str, text: &str, least: usize, most: usize) {
        let length = units(text);
        if !(least..=most).contains(&length) {
            self.say(at, format!("{length} characters, not {least} to {most}"));
        }
    }

    fn most(&mut self, at: &str, count: usize, most: usize) {
        if count > most {
            self.say(at, format!("{count}, at most {most}"));
        }
    }

    fn unique(&mut self, at: &str, key: &'static str, value: &Value) {
        let Some(id) = value[key].as_str() else { return };
        self.length(&format!("{at}.{key}"), id, 1, size::ID);
        let seen = if key == "block_id" { &mut self.block_ids } else { &mut self.action_ids };
        if !seen.insert(id.to_owned()) {
            self.say(at, format!("{key} {id:?} stands twice"));
        }
    }

    fn blocks(&mut self, at: &str, blocks: &Value) -> usize {
        for (i, block) in each(blocks).enumerate() {
            let at = format!("{at}[{i}]");
            self.unique(&at, "block_id", block);
            self.block(&at, block);
        }
        each(blocks).count()
    }

    fn block(&mut self, at: &str, block: &Value) {
        match block["type"].as_str().unwrap_or_default() {
            "header" => self.text(at, &block["text"], size::HEADER),
            "section" => self.text(at, &block["text"], size::SECTION),
            "context" => {
                self.most(at, each(&block["elements"]).count(), size::CONTEXT);
                each(&block["elements"]).for_each(|text| self.text(at, text, size::SECTION));
            }
            "actions" => {
                self.most(at, each(&block["elements"]).count(), size::ACTIONS);
                each(&block["elements"]).for_each(|element| self.element(at, element));
            }
            "input" => {
                self.text(at, &block["label"], size::INPUT_LABEL);
                self.element(at, &block["element"]);
            }
            "rich_text" => each(&block["elements"]).for_each(|part| self.rich(at, part)),
            other => self.say(at, format!("a block of type {other:?} is none of ours")),
        }
    }

    fn element(&mut self, at: &str, element: &Value) {
        self.unique(at, "action_id", element);
        match element["type"].as_str().unwrap_or_default() {
            "button" => {
                self.text(at, &element["text"], size::BUTTON);
                self.length(at, element["value"].as_str().unwrap_or_default(), 1, size::VALUE);
            }
            "overflow" => self.options(at, &element["options"], size::OVERFLOW),
            "static_select" => self.options(at, &element["options"], size::SELECT),
            "checkboxes" => self.options(at, &element["options"], size::CHECKBOXES),
            "users_select" | "plain_text_input" | "number_input" => {}
            other => self.say(at, format!("an element of type {other:?} is none of ours")),
        }
        if element.get("placeholder").is_some() {
            self.text(at, &element["placeholder"], size::PLACEHOLDER);
        }
        if element.get("confirm").is_some() {
            self.confirm(&format!("{at}.confirm"), &element["confirm"]);
        }
    }

    /// The question before a press counts.
    fn confirm(&mut self, at: &str, confirm: &Value) {
        let parts = [
            ("title", size::CONFIRM_TITLE),
            ("text", size::CONFIRM),
            ("confirm", size::CONFIRM_BUTTON),
            ("deny", size::CONFIRM_BUTTON),
        ];
        for (part, most) in parts {
            self.text(&format!("{at}.{part}"), &confirm[part], most);
        }
    }

    fn options(&mut self, at: &str, options: &Value, most: usize) {
        let count = each(options).count();
        if count == 0 {
            self.say(at, "a menu without a choice");
        }
        self.most(at, count, most);
        for option in each(options) {
            self.text(at, &option["text"], size::OPTION);
            self.length(at, option["value"].as_str().unwrap_or_default(), 1, size::OPTION_VALUE);
            if option.get("description").is_some() {
                self.text(at, &option["description"], size::OPTION);
            }
        }
    }

    /// A text object, of either kind.
    fn text(&mut self, at: &str, text: &Value, most: usize) {
        let words = text["text"].as_str().unwrap_or_default();
        self.length(at, words, 1, most);
        match text["type"].as_str().unwrap_or_default() {
            "plain_text" => {}
            "mrkdwn" if text["verbatim"] == true => self.markup(at, words),
            "mrkdwn" => self.say(at, "markup that is not verbatim: Slack would make its own links"),
            other => self.say(at, format!("a text of type {other:?}")),
        }
    }

    fn rich(&mut self, at: &str, paragraph: &Value) {
        for part in each(&paragraph["elements"]) {
            match part["type"].as_str().unwrap_or_default() {
                "text" => {
                    self.length(at, part["text"].as_str().unwrap_or_default(), 1, size::SECTION)
                }
                "user" => self.id(at, &part["user_id"], &['U', 'W']),
                "link" => self.link(at, &part["url"]),
                other => self.say(at, format!("rich text of type {other:?} is none of ours")),
            }
        }
    }

    fn id(&mut self, at: &str, id: &Value, prefixes: &[char]) {
        if !id.as_str().is_some_and(|id| is_id(id, prefixes)) {
            self.say(at, format!("{id} is no id of Slack's"));
        }
    }

    fn link(&mut self, at: &str, url: &Value) {
        let url = url.as_str().unwrap_or_default();
        self.length(at, url, 1, size::URL);
        if !(url.starts_with("https://") || url.starts_with("http://")) {
            self.say(at, format!("{url:?} is no web address"));
        }
    }

    /// Text that Slack parses: nothing between angle brackets but mentions from ids and links to messages, and only Slack's three entities.
    fn markup(&mut self, at: &str, text: &str) {
        let mut rest = text;
        while let Some(start) = rest.find(['<', '>', '&']) {
            let tail = &rest[start..];
            let whole = ["&amp;", "&lt;", "&gt;"].into_iter().find(|e| tail.starts_with(e));
            let inner = tail.strip_prefix('<').and_then(|t| t.split_once('>')).map(|(i, _)| i);
            let skip = match (whole, inner) {
                (Some(entity), _) => entity.len(),
                (None, Some(inner)) if mentioned(inner).is_some() || is_link(inner) => {
                    inner.len() + 2
                }
                (None, _) => {
                    let shown: String = tail.chars().take(30).collect();
                    self.say(at, format!("raw markup {shown:?}"));
                    1
                }
            };
            rest = &tail[skip..];
        }
    }

    fn everywhere(&mut self, at: &str, value: &Value) {
        match value {
            Value::String(text) => {
                if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
                    self.say(at, format!("the hidden character {c:?}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.everywhere(at, item)),
            Value::Object(map) => {
                map.iter().for_each(|(key, item)| self.everywhere(&format!("{at}.{key}"), item))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn section(text: &str) -> Value {
        json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}})
    }

    #[test]
    fn each_fault_is_found() {
        let button = |id: &str| {
            json!({"type": "actions", "elements": [{"type": "button", "action_id": id, "value": "v",
                "text": {"type": "plain_text", "text": "x"}}]})
        };
        let far = json!([{"type": "rich_text", "elements": [{"type": "rich_text_section",
            "elements": [{"type": "link", "url": "javascript:alert(1)"}]}]}]);
        for (blocks, expected) in [
            (json!([section("<!channel>")]), "raw markup"),
            (json!([section("<@U0> a <https://evil|Approve>")]), "raw markup"),
            (json!([section("a & b")]), "raw markup"),
            (json!([section("a\u{202e}b")]), "hidden character"),
            (json!([section(&"x".repeat(3001))]), "3001 characters"),
            (json!([section("")]), "0 characters"),
            (json!([button("ack"), button("ack")]), "stands twice"),
            (json!([{"type": "divider"}]), "none of ours"),
            (far, "no web address"),
            (json!(vec![section("x"); 51]), "blocks in all"),
            (json!(vec![section(&"x".repeat(2900)); 5]), "characters in all"),
        ] {
            let wrong = message(&json!({"text": "x", "blocks": blocks, "attachments": []}));
            assert!(wrong.iter().any(|w| w.contains(expected)), "{expected}: {wrong:?}");
        }
        let fine = json!({"text": "a &amp; <@U0ALICE>", "blocks": [section("<!subteam^S0BLUE>")]});
        assert_eq!(message(&fine), Vec::<String>::new());
        assert_eq!(mentions(&fine).into_iter().collect::<Vec<_>>(), ["S0BLUE", "U0ALICE"]);
    }
}
