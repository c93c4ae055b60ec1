//! A message as text, for reviewing: roughly what a person sees, line by line.

use crate::slack::view::{Message, Modal};
use serde_json::Value;

/// The lock screen's line, the blocks, and the attachments behind a bar.
pub fn message(message: &Message) -> String {
    let mut out = format!("lock screen: {}\n\n", message.text);
    out.push_str(&blocks(&message.blocks));
    for attachment in each(&message.attachments) {
        let color = attachment["color"].as_str().unwrap_or_default();
        out.push_str(&format!("▌ {color}\n"));
        for line in blocks(&attachment["blocks"]).lines() {
            out.push_str(&format!("▌ {line}\n"));
        }
    }
    out
}

/// A form.
pub fn modal(modal: &Modal) -> String {
    let view = &modal.0;
    format!(
        "=== {} ===\n{}[{}] [{}]\n",
        text(&view["title"]),
        blocks(&view["blocks"]),
        text(&view["submit"]),
        text(&view["close"])
    )
}

fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value["text"].as_str().unwrap_or_default()
}

fn blocks(blocks: &Value) -> String {
    each(blocks).map(|block| block_text(block) + "\n").collect()
}

fn block_text(block: &Value) -> String {
    match block["type"].as_str().unwrap_or_default() {
        "header" => format!("# {}", text(&block["text"])),
        "section" => text(&block["text"]).to_owned(),
        "context" => each(&block["elements"]).map(|e| format!("({})", text(e))).collect(),
        "actions" => each(&block["elements"]).map(element).collect::<Vec<_>>().join(" "),
        "input" => {
            let optional = if block["optional"] == true { "" } else { " *" };
            format!("{}{optional}: {}", text(&block["label"]), element(&block["element"]))
        }
        "rich_text" => each(&block["elements"]).map(paragraph).collect::<Vec<_>>().join("\n"),
        other => format!("<{other}>"),
    }
}

fn element(element: &Value) -> String {
    let asks = &element["confirm"];
    let asked = if asks.is_null() {
        String::new()
    } else {
        let parts = ["title", "text", "confirm", "deny"].map(|part| text(&asks[part]));
        format!(" ({} {} [{}] [{}])", parts[0], parts[1].replace('\n', " "), parts[2], parts[3])
    };
    format!("{}{asked}", control(element))
}

fn control(element: &Value) -> String {
    let choices =
        || each(&element["options"]).map(|o| text(&o["text"])).collect::<Vec<_>>().join(" | ");
    match element["type"].as_str().unwrap_or_default() {
        "button" if element["style"] == "primary" => format!("[[{}]]", text(&element["text"])),
        "button" => format!("[{}]", text(&element["text"])),
        "overflow" => format!("[⋯ {}]", choices()),
        "static_select" => format!("{{{}}}", choices()),
        other => format!("{{{other}: {}}}", text(&element["placeholder"])),
    }
}

fn paragraph(paragraph: &Value) -> String {
    let line: String = each(&paragraph["elements"]).map(part).collect();
    if paragraph["type"] == "rich_text_quote" {
        return line.lines().map(|l| format!("> {l}\n")).collect::<String>().trim_end().to_owned();
    }
    line
}

fn part(part: &Value) -> String {
    let words = part["text"].as_str().unwrap_or_default();
    match part["type"].as_str().unwrap_or_default() {
        "user" => format!("<@{}>", part["user_id"].as_str().unwrap_or_default()),
        "link" => format!("[{words}]({})", part["url"].as_str().unwrap_or_default()),
        _ if part["style"]["code"] == true => format!("`{words}`"),
        _ if part["style"]["bold"] == true => format!("*{words}*"),
        _ => words.to_owned(),
    }
}
