//! Block Kit as data: for every type its fields, which of them must be there, and their limits.
//!
//! Source: docs.slack.dev, reference pages of blocks, block elements, composition objects and views.

/// What a field may hold.
pub enum Rule {
    Any,
    Bool,
    Number,
    /// A string of so many characters, least and most.
    Str(usize, usize),
    /// An absolute URL of at most 3,000 characters.
    Url,
    OneOf(&'static [&'static str]),
    /// A `plain_text` object of at most so many characters.
    Plain(usize),
    /// A `plain_text` or `mrkdwn` object.
    Text(usize),
    Object(&'static [Field]),
    /// An object of one of these types.
    Typed(&'static [&'static str]),
    /// Items, least and most.
    List(&'static Rule, usize, usize),
}

use Rule::{Any, Bool, List, Number, Object, OneOf, Plain, Str, Text, Typed, Url};

/// A field's name, whether it must be there, and what it may hold.
pub type Field = (&'static str, bool, Rule);

/// Blocks that a message may hold.
pub const MESSAGE: &[&str] = &[
    "section",
    "header",
    "context",
    "actions",
    "divider",
    "image",
    "input",
    "rich_text",
    "markdown",
    "table",
];
/// Blocks that a modal or a home may hold.
pub const VIEW: &[&str] =
    &["section", "header", "context", "actions", "divider", "image", "input", "rich_text"];

pub const MODAL: &[Field] = &[
    ("title", true, Plain(24)),
    ("blocks", true, Any),
    ("close", false, Plain(24)),
    ("submit", false, Plain(24)),
    ("private_metadata", false, Str(0, 3000)),
    ("callback_id", false, Str(0, 255)),
    ("clear_on_close", false, Bool),
    ("notify_on_close", false, Bool),
    ("external_id", false, Str(0, 255)),
    ("submit_disabled", false, Bool),
];

pub const HOME: &[Field] = &[
    ("blocks", true, Any),
    ("private_metadata", false, Str(0, 3000)),
    ("callback_id", false, Str(0, 255)),
    ("external_id", false, Str(0, 255)),
];

pub const PLAIN_TEXT: &[Field] = &[("text", true, Str(1, usize::MAX - 1)), ("emoji", false, Bool)];
pub const MRKDWN: &[Field] = &[("text", true, Str(1, usize::MAX - 1)), ("verbatim", false, Bool)];

const ID: Rule = Str(1, 255);
const BLOCK_ID: Field = ("block_id", false, ID);
const ACTION_ID: Field = ("action_id", false, ID);
const PLACEHOLDER: Field = ("placeholder", false, Plain(150));
const FOCUS: Field = ("focus_on_load", false, Bool);
const CONFIRM: Field = ("confirm", false, Object(CONFIRMATION));

const CONFIRMATION: &[Field] = &[
    ("title", true, Plain(100)),
    ("text", true, Text(300)),
    ("confirm", true, Plain(30)),
    ("deny", true, Plain(30)),
    ("style", false, OneOf(&["primary", "danger"])),
];

const OPTION: &[Field] = &[
    ("text", true, Plain(75)),
    ("value", true, Str(1, 150)),
    ("description", false, Plain(75)),
    ("url", false, Url),
];
/// Radio buttons and checkboxes take mrkdwn as well.
const RICH_OPTION: &[Field] =
    &[("text", true, Text(75)), ("value", true, Str(1, 150)), ("description", false, Text(75))];
const GROUP: &[Field] =
    &[("label", true, Plain(75)), ("options", true, List(&Object(OPTION), 1, 100))];

const ACCESSORIES: &[&str] = &[
    "button",
    "image",
    "overflow",
    "static_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "external_select",
    "multi_static_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "multi_external_select",
    "datepicker",
    "timepicker",
    "radio_buttons",
    "checkboxes",
];
const ACTIONS: &[&str] = &[
    "button",
    "overflow",
    "static_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "external_select",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "radio_buttons",
    "checkboxes",
];
const INPUTS: &[&str] = &[
    "plain_text_input",
    "static_select",
    "users_select",
    "conversations_select",
    "channels_select",
    "external_select",
    "multi_static_select",
    "multi_users_select",
    "multi_conversations_select",
    "multi_channels_select",
    "multi_external_select",
    "datepicker",
    "timepicker",
    "datetimepicker",
    "radio_buttons",
    "checkboxes",
    "number_input",
    "email_text_input",
    "url_text_input",
];
const RICH: &[&str] =
    &["rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"];
const LEAVES: &[&str] =
    &["text", "link", "user", "usergroup", "channel", "broadcast", "emoji", "date", "color"];
const STYLE: Field = ("style", false, Object(LEAF_STYLE));
const LEAF_STYLE: &[Field] = &[
    ("bold", false, Bool),
    ("italic", false, Bool),
    ("strike", false, Bool),
    ("code", false, Bool),
    ("underline", false, Bool),
    ("highlight", false, Bool),
    ("client_highlight", false, Bool),
    ("unlink", false, Bool),
];
const LEAF_LIST: Rule = List(&Typed(LEAVES), 0, usize::MAX);

/// The fields of a type; `None`: there is no such type.
pub fn of(kind: &str) -> Option<&'static [Field]> {
    block(kind)
        .or_else(|| element(kind))
        .or_else(|| select(kind))
        .or_else(|| input(kind))
        .or_else(|| rich_text(kind))
}

fn block(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "section" => &[
            BLOCK_ID,
            ("text", false, Text(3000)),
            ("fields", false, List(&Text(2000), 1, 10)),
            ("accessory", false, Typed(ACCESSORIES)),
            ("expand", false, Bool),
        ],
        "header" => &[BLOCK_ID, ("text", true, Plain(150))],
        "context" => {
            &[BLOCK_ID, ("elements", true, List(&Typed(&["image", "mrkdwn", "plain_text"]), 1, 10))]
        }
        "actions" => &[BLOCK_ID, ("elements", true, List(&Typed(ACTIONS), 1, 25))],
        "divider" => &[BLOCK_ID],
        // Both the block and the element are called `image`.
        "image" => &[
            BLOCK_ID,
            ("image_url", false, Url),
            ("slack_file", false, Any),
            ("alt_text", true, Str(1, 2000)),
            ("title", false, Plain(2000)),
        ],
        "input" => &[
            BLOCK_ID,
            ("label", true, Plain(2000)),
            ("element", true, Typed(INPUTS)),
            ("dispatch_action", false, Bool),
            ("hint", false, Plain(2000)),
            ("optional", false, Bool),
        ],
        "rich_text" => &[BLOCK_ID, ("elements", true, List(&Typed(RICH), 0, usize::MAX))],
        "markdown" => &[BLOCK_ID, ("text", true, Str(1, 12_000))],
        "table" => &[
            BLOCK_ID,
            ("rows", true, List(&List(&Typed(&["raw_text", "rich_text"]), 1, 20), 1, 100)),
            ("column_settings", false, List(&Any, 0, 20)),
        ],
        _ => return None,
    })
}

fn element(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "plain_text" => PLAIN_TEXT,
        "mrkdwn" => MRKDWN,
        "raw_text" => &[("text", true, Str(1, 3000))],
        "button" => &[
            ACTION_ID,
            CONFIRM,
            ("text", true, Plain(75)),
            ("url", false, Url),
            ("value", false, Str(0, 2000)),
            ("style", false, OneOf(&["primary", "danger"])),
            ("accessibility_label", false, Str(1, 75)),
        ],
        "overflow" => &[ACTION_ID, CONFIRM, ("options", true, List(&Object(OPTION), 1, 5))],
        "radio_buttons" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            ("options", true, List(&Object(RICH_OPTION), 1, 10)),
            ("initial_option", false, Object(RICH_OPTION)),
        ],
        "checkboxes" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            ("options", true, List(&Object(RICH_OPTION), 1, 10)),
            ("initial_options", false, List(&Object(RICH_OPTION), 1, 10)),
        ],
        "datepicker" => {
            &[ACTION_ID, CONFIRM, FOCUS, PLACEHOLDER, ("initial_date", false, Str(10, 10))]
        }
        "timepicker" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            ("initial_time", false, Str(5, 5)),
            ("timezone", false, Str(1, 100)),
        ],
        "datetimepicker" => &[ACTION_ID, CONFIRM, FOCUS, ("initial_date_time", false, Number)],
        _ => return None,
    })
}

fn select(kind: &str) -> Option<&'static [Field]> {
    const OPTIONS: Field = ("options", false, List(&Object(OPTION), 1, 100));
    const GROUPS: Field = ("option_groups", false, List(&Object(GROUP), 1, 100));
    const MOST: Field = ("max_selected_items", false, Number);
    const URLS: Field = ("response_url_enabled", false, Bool);
    const MINE: Field = ("default_to_current_conversation", false, Bool);
    const FILTER: Field = ("filter", false, Any);
    const QUERY: Field = ("min_query_length", false, Number);
    Some(match kind {
        "static_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            OPTIONS,
            GROUPS,
            ("initial_option", false, Object(OPTION)),
        ],
        "external_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            QUERY,
            ("initial_option", false, Object(OPTION)),
        ],
        "users_select" => &[ACTION_ID, CONFIRM, FOCUS, PLACEHOLDER, ("initial_user", false, ID)],
        "channels_select" => {
            &[ACTION_ID, CONFIRM, FOCUS, PLACEHOLDER, URLS, ("initial_channel", false, ID)]
        }
        "conversations_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            URLS,
            MINE,
            FILTER,
            ("initial_conversation", false, ID),
        ],
        "multi_static_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            OPTIONS,
            GROUPS,
            MOST,
            ("initial_options", false, List(&Object(OPTION), 1, 100)),
        ],
        "multi_external_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            QUERY,
            MOST,
            ("initial_options", false, List(&Object(OPTION), 1, 100)),
        ],
        "multi_users_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            MOST,
            ("initial_users", false, List(&ID, 1, 100)),
        ],
        "multi_channels_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            MOST,
            ("initial_channels", false, List(&ID, 1, 100)),
        ],
        "multi_conversations_select" => &[
            ACTION_ID,
            CONFIRM,
            FOCUS,
            PLACEHOLDER,
            MOST,
            MINE,
            FILTER,
            ("initial_conversations", false, List(&ID, 1, 100)),
        ],
        _ => return None,
    })
}

fn input(kind: &str) -> Option<&'static [Field]> {
    const DISPATCH: Field = ("dispatch_action_config", false, Any);
    Some(match kind {
        "plain_text_input" => &[
            ACTION_ID,
            FOCUS,
            PLACEHOLDER,
            DISPATCH,
            ("initial_value", false, Str(0, 3000)),
            ("multiline", false, Bool),
            ("min_length", false, Number),
            ("max_length", false, Number),
        ],
        "number_input" => &[
            ACTION_ID,
            FOCUS,
            PLACEHOLDER,
            DISPATCH,
            ("is_decimal_allowed", true, Bool),
            ("initial_value", false, Str(0, 3000)),
            ("min_value", false, Str(0, 100)),
            ("max_value", false, Str(0, 100)),
        ],
        "email_text_input" | "url_text_input" => {
            &[ACTION_ID, FOCUS, PLACEHOLDER, DISPATCH, ("initial_value", false, Str(0, 3000))]
        }
        _ => return None,
    })
}

fn rich_text(kind: &str) -> Option<&'static [Field]> {
    const BORDER: Field = ("border", false, Number);
    Some(match kind {
        "rich_text_section" => &[("elements", true, LEAF_LIST)],
        "rich_text_preformatted" => {
            &[("elements", true, LEAF_LIST), BORDER, ("language", false, Str(1, 100))]
        }
        "rich_text_quote" => &[("elements", true, LEAF_LIST), BORDER],
        "rich_text_list" => &[
            ("elements", true, List(&Typed(&["rich_text_section"]), 0, usize::MAX)),
            ("style", true, OneOf(&["bullet", "ordered"])),
            ("indent", false, Number),
            ("offset", false, Number),
            BORDER,
        ],
        "text" => &[("text", true, Str(1, usize::MAX - 1)), STYLE],
        "link" => &[
            ("url", true, Str(1, 3000)),
            ("text", false, Str(0, usize::MAX - 1)),
            ("unsafe", false, Bool),
            STYLE,
        ],
        "user" => &[("user_id", true, ID), STYLE],
        "usergroup" => &[("usergroup_id", true, ID), STYLE],
        "channel" => &[("channel_id", true, ID), STYLE],
        "broadcast" => &[("range", true, OneOf(&["here", "channel", "everyone"])), STYLE],
        "emoji" => &[
            ("name", true, Str(1, 255)),
            ("unicode", false, Any),
            ("skin_tone", false, Number),
            STYLE,
        ],
        "date" => &[
            ("timestamp", true, Number),
            ("format", true, Str(1, 255)),
            ("url", false, Url),
            ("fallback", false, Str(1, 3000)),
            STYLE,
        ],
        "color" => &[("value", true, Str(1, 255))],
        _ => return None,
    })
}
