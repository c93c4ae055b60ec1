//! Cursors: cutting a list into pages as Slack does.
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::Refused;
use super::args::Args;

/// One page of `all`, and the next page's cursor (empty at the end). `default` and `most` bound `limit`.
pub fn page<T: Clone>(
    all: &[T],
    args: &Args,
    (default, most): (usize, usize),
) -> Result<(Vec<T>, String), Refused> {
    let limit = args.number("limit").filter(|limit| *limit > 0).unwrap_or(default).min(most);
    let start = match args.text("cursor") {
        None => 0,
        Some(cursor) => {
            offset(cursor).filter(|start| *start <= all.len()).ok_or("invalid_cursor")?
        }
    };
    let end = all.len().min(start + limit);
    let next = if end < all.len() { STANDARD.encode(format!("next:{end}")) } else { String::new() };
    Ok((all.get(start..end).unwrap_or_default().to_vec(), next))
}

fn offset(cursor: &str) -> Option<usize> {
    let text = String::from_utf8(STANDARD.decode(cursor).ok()?).ok()?;
    text.strip_prefix("next:")?.parse().ok()
}

/// `response_metadata` with the cursor.
pub fn cursor(next: &str) -> Value {
    json!({"next_cursor": next})
}
