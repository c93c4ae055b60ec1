//! What of a file is never shown: literals that stand where a secret belongs. A mistake is told with its line, and lines
//! are pasted into tickets.

use super::tree::{Node, What};

/// The text of a node that must not be shown, and where it stands.
pub type Literal<'n> = (&'n Node, String);

/// Every such literal of a file.
pub fn literals(root: &Node) -> Vec<Literal<'_>> {
    let mut found = Vec::new();
    gather(root, false, &mut found);
    // Also where it is no map: the address alone is what somebody wrote there.
    if let Some(heartbeat) = root.get("heartbeat") {
        let inside = heartbeat.get("url").unwrap_or(heartbeat);
        gather(inside, true, &mut found);
    }
    let api_url = root.get("slack").and_then(|slack| slack.get("api_url"));
    if let Some(Node { what: What::Text(text), .. }) = api_url
        && text.contains('@')
    {
        found.extend(api_url.map(|node| (node, text.clone())));
    }
    found
}

fn gather<'n>(node: &'n Node, secret: bool, found: &mut Vec<Literal<'n>>) {
    match &node.what {
        What::Map(entries) => {
            for (key, value) in entries {
                let inside = match key.text.as_str() {
                    // The ways to name a secret without telling it; who puts the secret itself there is not shown either.
                    "env" => secret && !is_variable(value),
                    "file" | "command" | "preset" => false,
                    name => secret || names_a_secret(name),
                };
                gather(value, inside, found);
            }
        }
        What::List(items) => items.iter().for_each(|item| gather(item, secret, found)),
        What::Text(text) if secret && text != "none" => found.push((node, text.clone())),
        // Where the path of its file belongs, as `http.tls.key` has it.
        What::Text(text) if text.contains("PRIVATE KEY-----") => found.push((node, text.clone())),
        What::Number(number) if secret => found.push((node, number.to_string())),
        What::Nothing | What::Flag(_) | What::Number(_) | What::Text(_) => {}
    }
}

fn is_variable(node: &Node) -> bool {
    matches!(&node.what, What::Text(name) if is_name(name))
}

/// Whether a text can be the name of an environment variable.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.chars().all(fits) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a key is called as secrets are.
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let whole = ["auth", "bearer", "hmac"];
    let parts = ["token", "secret", "password", "api_key"];
    whole.contains(&key.as_str()) || parts.iter().any(|part| key.contains(part))
}

/// Which lines of a file that is no YAML may hold a secret: those that speak of one, and those below them.
pub fn doubtful(lines: &[String]) -> Vec<bool> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let speaks = |line: &str| {
        let line = line.to_lowercase();
        let words = ["auth", "bearer", "token", "secret", "password", "key", "hmac", "url", "://"];
        words.iter().any(|word| line.contains(word))
    };
    let mut above: Option<usize> = None;
    let mut doubtful = Vec::with_capacity(lines.len());
    for line in lines {
        if above.is_some_and(|above| indent(line) <= above && !line.trim().is_empty()) {
            above = None;
        }
        if above.is_none() && speaks(line) {
            above = Some(indent(line));
        }
        doubtful.push(above.is_some());
    }
    doubtful
}
