//! Atlassian's document format: whether a value is a document, and what a person reads of it.

use serde_json::Value;

/// The kinds of node that we may want to send; Jira knows some more.
const NODES: [&str; 17] = [
    "paragraph",
    "heading",
    "text",
    "hardBreak",
    "bulletList",
    "orderedList",
    "listItem",
    "codeBlock",
    "blockquote",
    "rule",
    "panel",
    "table",
    "tableRow",
    "tableHeader",
    "tableCell",
    "mention",
    "emoji",
];

/// Whether Jira takes it as a document.
pub fn is_document(value: &Value) -> bool {
    value["type"] == "doc"
        && value["version"] == 1
        && value["content"].as_array().is_some_and(|nodes| nodes.iter().all(is_node))
}

fn is_node(node: &Value) -> bool {
    let kind = node["type"].as_str().unwrap_or_default();
    // A text that is empty is refused.
    let says = kind != "text" || node["text"].as_str().is_some_and(|text| !text.is_empty());
    let inside = match node.get("content") {
        None => true,
        Some(content) => content.as_array().is_some_and(|nodes| nodes.iter().all(is_node)),
    };
    NODES.contains(&kind) && says && inside
}

/// Its text, a line for each block.
pub fn text(document: &Value) -> String {
    let mut lines = String::new();
    read(document, &mut lines);
    lines.trim_end().to_owned()
}

fn read(node: &Value, into: &mut String) {
    into.push_str(node["text"].as_str().unwrap_or_default());
    if node["type"] == "hardBreak" {
        into.push('\n');
    }
    for inner in node["content"].as_array().into_iter().flatten() {
        read(inner, into);
    }
    if matches!(node["type"].as_str(), Some("paragraph" | "heading" | "codeBlock" | "tableRow")) {
        into.push('\n');
    }
}
