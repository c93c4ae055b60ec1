//! Block Kit as plain text: what a person reads on a message or a view, a line each.
use serde_json::Value;

use super::state::messages::Message;
use super::state::views::View;

/// A whole message; its blocks if it has any, else its text.
pub fn message(message: &Message) -> String {
    let mut lines = blocks(&message.blocks);
    if lines.is_empty() && !message.text.is_empty() {
        lines.push(message.text.clone());
    }
    for attachment in &message.attachments {
        let inner = blocks(attachment["blocks"].as_array().map_or(&[], Vec::as_slice));
        let plain = ["pretext", "title", "text"].iter().filter_map(|key| attachment[*key].as_str());
        lines.extend(plain.map(ToString::to_string).chain(inner).map(|line| format!("| {line}")));
    }
    lines.join("\n")
}

/// A view: its title, its blocks with what is filled in, its errors.
pub fn view(view: &View) -> String {
    let mut lines = vec![format!("# {}", view.title())];
    lines.extend(view.trouble.iter().map(|trouble| format!("!! {trouble}")));
    for block in view.blocks() {
        lines.extend(blocks(std::slice::from_ref(block)));
        let error =
            block["block_id"].as_str().and_then(|id| view.errors.get(id)).and_then(Value::as_str);
        lines.extend(error.map(|error| format!("!! {error}")));
    }
    lines.join("\n")
}

fn blocks(blocks: &[Value]) -> Vec<String> {
    blocks.iter().map(block).filter(|line| !line.is_empty()).collect()
}

fn block(block: &Value) -> String {
    let items = |key: &str| block[key].as_array().map_or(&[][..], Vec::as_slice);
    match block["type"].as_str().unwrap_or_default() {
        "divider" => "---".to_string(),
        "header" => format!("# {}", text(&block["text"])),
        "section" => {
            let mut parts = vec![text(&block["text"])];
            parts.extend(items("fields").iter().map(|field| text(field).replace('\n', " ")));
            parts.extend(block.get("accessory").map(element));
            parts.retain(|part| !part.is_empty());
            parts.join(" · ")
        }
        "context" => items("elements").iter().map(element).collect::<Vec<_>>().join(" "),
        "actions" => items("elements").iter().map(element).collect::<Vec<_>>().join(" "),
        "input" => format!("{}: {}", text(&block["label"]), element(&block["element"])),
        "image" => format!("[image: {}]", block["alt_text"].as_str().unwrap_or_default()),
        "rich_text" => items("elements").iter().map(rich).collect::<Vec<_>>().join("\n"),
        "table" => items("rows").iter().map(row).collect::<Vec<_>>().join("\n"),
        _ => text(&block["text"]),
    }
}

fn text(text: &Value) -> String {
    text.as_str().or_else(|| text["text"].as_str()).unwrap_or_default().to_string()
}

fn element(element: &Value) -> String {
    match element["type"].as_str().unwrap_or_default() {
        "mrkdwn" | "plain_text" => text(element),
        "button" => format!("[{}]", text(&element["text"])),
        "overflow" => format!("[… {}]", options(element)),
        "image" => format!("[image: {}]", element["alt_text"].as_str().unwrap_or_default()),
        kind if element.get("options").is_some() => format!("<{kind} {}>", options(element)),
        kind => format!("<{kind} {}>", text(&element["placeholder"])),
    }
}

fn options(element: &Value) -> String {
    let all = element["options"].as_array().into_iter().flatten();
    all.map(|option| text(&option["text"])).collect::<Vec<_>>().join(" | ")
}

fn row(row: &Value) -> String {
    row.as_array().into_iter().flatten().map(cell).collect::<Vec<_>>().join(" | ")
}

fn cell(cell: &Value) -> String {
    if cell["type"] == "rich_text" { block(cell) } else { text(&cell["text"]) }
}

/// A rich text section, list, quote or preformatted part.
fn rich(part: &Value) -> String {
    let inner = part["elements"].as_array().map_or(&[][..], Vec::as_slice);
    match part["type"].as_str().unwrap_or_default() {
        "rich_text_list" => {
            inner.iter().map(|item| format!("• {}", rich(item))).collect::<Vec<_>>().join("\n")
        }
        "rich_text_quote" => format!("> {}", leaves(inner)),
        "rich_text_preformatted" => format!("```{}```", leaves(inner)),
        _ => leaves(inner),
    }
}

fn leaves(elements: &[Value]) -> String {
    elements.iter().map(leaf).collect()
}

fn leaf(leaf: &Value) -> String {
    let field = |key: &str| leaf[key].as_str().unwrap_or_default();
    match leaf["type"].as_str().unwrap_or_default() {
        "text" => field("text").to_string(),
        "link" if field("text").is_empty() => field("url").to_string(),
        "link" => field("text").to_string(),
        "user" => format!("<@{}>", field("user_id")),
        "usergroup" => format!("<!subteam^{}>", field("usergroup_id")),
        "channel" => format!("<#{}>", field("channel_id")),
        "broadcast" => format!("@{}", field("range")),
        "emoji" => format!(":{}:", field("name")),
        "date" => field("fallback").to_string(),
        _ => String::new(),
    }
}
