//! The few pieces of Block Kit that we use, each kept within Slack's sizes (docs.slack.dev/reference/block-kit) by cutting.

use crate::domain::ids::UserId;
use crate::slack::action_id::ActionId;
use crate::slack::view::clean::{Shape, fit};
use crate::slack::view::mrkdwn::{Mrkdwn, is_id};
use serde_json::{Value, json};

/// Slack's sizes, in characters or pieces.
pub mod size {
    pub const SECTION: usize = 3000;
    pub const HEADER: usize = 150;
    pub const BUTTON: usize = 75;
    pub const OPTION: usize = 75;
    pub const OPTION_VALUE: usize = 150;
    pub const VALUE: usize = 2000;
    pub const URL: usize = 3000;
    pub const ID: usize = 255;
    pub const MODAL_TITLE: usize = 24;
    pub const METADATA: usize = 3000;
    pub const BLOCKS: usize = 50;
    pub const MODAL_BLOCKS: usize = 100;
    pub const ACTIONS: usize = 25;
    pub const CONTEXT: usize = 10;
    pub const OVERFLOW: usize = 5;
    pub const SELECT: usize = 100;
    pub const CHECKBOXES: usize = 10;
    pub const INPUT_LABEL: usize = 2000;
    pub const PLACEHOLDER: usize = 150;
    pub const CONFIRM_TITLE: usize = 100;
    pub const CONFIRM: usize = 300;
    pub const CONFIRM_BUTTON: usize = 30;
    /// Ours: Slack refuses a message at about 13,200 characters in all, and does not say what it counts.
    pub const MESSAGE: usize = 12_000;
    /// Ours: the notification on a lock screen; Slack takes 40,000.
    pub const FALLBACK: usize = 300;
}

/// Plain text: no markup, no `:emoji:`, no links.
pub fn plain(text: &str, limit: usize) -> Value {
    plain_in(text, limit, Shape::Line)
}

fn plain_in(text: &str, limit: usize, shape: Shape) -> Value {
    let fitted = fit(text, limit, shape);
    let shown = if fitted.is_empty() { "(empty)" } else { &fitted };
    json!({"type": "plain_text", "text": shown, "emoji": false})
}

/// A headline.
pub fn header(text: &str) -> Value {
    json!({"type": "header", "text": plain(text, size::HEADER)})
}

/// A paragraph in markup; `verbatim`, so that Slack makes no links of its own.
pub fn section(text: &Mrkdwn) -> Value {
    json!({"type": "section", "text": markup(text, size::SECTION)})
}

fn markup(text: &Mrkdwn, limit: usize) -> Value {
    json!({"type": "mrkdwn", "text": text.render(limit), "verbatim": true})
}

/// A paragraph of plain text.
pub fn paragraph(text: &str, limit: usize) -> Value {
    json!({"type": "section", "text": plain_in(text, limit.min(size::SECTION), Shape::Lines)})
}

/// Small print in markup.
pub fn context(text: &Mrkdwn) -> Value {
    json!({"type": "context", "elements": [markup(text, size::SECTION)]})
}

/// Small print in plain text.
pub fn small(text: &str, limit: usize) -> Value {
    json!({"type": "context", "elements": [plain(text, limit)]})
}

/// A row of buttons and menus.
pub fn actions(elements: Vec<Value>) -> Value {
    let kept: Vec<Value> = elements.into_iter().take(size::ACTIONS).collect();
    json!({"type": "actions", "elements": kept})
}

/// How much a button asks to be pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    Plain,
    Primary,
}

/// A button that carries a signed value.
pub fn button(id: ActionId, label: &str, value: &str, style: Style) -> Value {
    let mut button = json!({
        "type": "button",
        "action_id": id.as_str(),
        "text": plain(label, size::BUTTON),
        "value": value,
    });
    if style == Style::Primary {
        button["style"] = json!("primary");
    }
    button
}

/// What Slack asks before a press counts.
#[derive(Clone, Copy, Debug)]
pub struct Sure<'a> {
    pub title: &'a str,
    pub text: &'a str,
    pub yes: &'a str,
    /// Something stops working by it.
    pub danger: bool,
}

/// The same button, with a question before it counts.
pub fn confirmed(mut button: Value, sure: Sure<'_>) -> Value {
    button["confirm"] = json!({
        "title": plain(sure.title, size::CONFIRM_TITLE),
        "text": plain_in(sure.text, size::CONFIRM, Shape::Lines),
        "confirm": plain(sure.yes, size::CONFIRM_BUTTON),
        "deny": plain("Cancel", size::CONFIRM_BUTTON),
        "style": if sure.danger { "danger" } else { "primary" },
    });
    button
}

/// The same where several of one kind stand in a message: each id once.
pub fn numbered(mut button: Value, index: usize) -> Value {
    let id = button["action_id"].as_str().unwrap_or_default();
    button["action_id"] = ActionId::numbered(id, index).into();
    button
}

/// A paragraph with a button beside it.
pub fn beside(mut paragraph: Value, button: Value) -> Value {
    paragraph["accessory"] = button;
    paragraph
}

/// The menu behind three dots: label and signed value of each choice.
pub fn overflow(id: ActionId, choices: &[(&str, String)]) -> Value {
    let options: Vec<Value> =
        choices.iter().take(size::OVERFLOW).map(|(label, value)| option(label, value)).collect();
    json!({"type": "overflow", "action_id": id.as_str(), "options": options})
}

/// One choice of a menu.
pub fn option(label: &str, value: &str) -> Value {
    json!({"text": plain(label, size::OPTION), "value": value})
}

/// One choice of a menu, with a line that explains it.
pub fn described(label: &str, value: &str, description: &str) -> Value {
    let mut option = option(label, value);
    option["description"] = plain(description, size::OPTION);
    option
}

/// The part of a message with a bar of colour beside it.
pub fn attachment(color: &str, fallback: &str, blocks: &[Value]) -> Value {
    json!([{"color": color, "fallback": fallback, "blocks": blocks}])
}

/// Rich text of several paragraphs; `None` where all are empty.
pub fn rich_text(paragraphs: Vec<Rich>) -> Option<Value> {
    let elements: Vec<Value> =
        paragraphs.into_iter().filter(|p| !p.is_empty()).map(Rich::element).collect();
    (!elements.is_empty()).then(|| json!({"type": "rich_text", "elements": elements}))
}

/// One paragraph of rich text: the place for untrusted text, for its characters mean nothing there.
#[derive(Clone, Debug)]
pub struct Rich {
    kind: &'static str,
    parts: Vec<Value>,
}

impl Rich {
    /// A paragraph.
    pub fn line() -> Self {
        Self { kind: "rich_text_section", parts: Vec::new() }
    }

    /// A quotation.
    pub fn quote() -> Self {
        Self { kind: "rich_text_quote", parts: Vec::new() }
    }

    /// Several paragraphs as the lines of one: neighbouring sections break differently from client to client.
    pub fn rows(rows: Vec<Self>) -> Self {
        rows.into_iter().filter(|row| !row.is_empty()).fold(Self::line(), |mut all, row| {
            if !all.is_empty() {
                all = all.say("\n");
            }
            all.parts.extend(row.parts);
            all
        })
    }

    /// Adds text as it is.
    #[must_use]
    pub fn text(self, text: &str, limit: usize) -> Self {
        let fitted = fit(text, limit, Shape::Line);
        self.push(&fitted, None)
    }

    /// Adds text of several lines.
    #[must_use]
    pub fn lines(self, text: &str, limit: usize) -> Self {
        let fitted = fit(text, limit, Shape::Lines);
        self.push(&fitted, None)
    }

    /// Adds our own words, white space and all.
    #[must_use]
    pub fn say(self, words: &str) -> Self {
        self.push(words, None)
    }

    /// Adds our own words in bold.
    #[must_use]
    pub fn bold(self, words: &str) -> Self {
        self.push(words, Some("bold"))
    }

    /// Adds text in bold.
    #[must_use]
    pub fn bold_text(self, text: &str, limit: usize) -> Self {
        let fitted = fit(text, limit, Shape::Line);
        self.push(&fitted, Some("bold"))
    }

    /// Adds text as code: its beginning and end can be seen, and it can be copied.
    #[must_use]
    pub fn code(self, text: &str, limit: usize) -> Self {
        let fitted = fit(text, limit, Shape::Line);
        self.push(&fitted, Some("code"))
    }

    /// Names a person; in an answer for one pair of eyes nobody is rung by it.
    #[must_use]
    pub fn person(mut self, user: &UserId) -> Self {
        if !is_id(user.as_str(), &['U', 'W']) {
            return self.text(user.as_str(), 40);
        }
        self.parts.push(json!({"type": "user", "user_id": user.as_str()}));
        self
    }

    /// Adds a link; the address has been checked.
    #[must_use]
    pub fn link(mut self, url: &url::Url, text: &str) -> Self {
        let shown = fit(text, 150, Shape::Line);
        self.parts.push(json!({"type": "link", "url": url.as_str(), "text": shown}));
        self
    }

    fn push(mut self, text: &str, style: Option<&str>) -> Self {
        if text.is_empty() {
            return self;
        }
        let mut part = json!({"type": "text", "text": text});
        if let Some(style) = style {
            part["style"] = json!({style: true});
        }
        self.parts.push(part);
        self
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn element(self) -> Value {
        json!({"type": self.kind, "elements": self.parts})
    }
}
