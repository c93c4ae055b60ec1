//! Cutting a text at its `{{ … }}`.

use super::{BadText, Part};
use crate::domain::playbook::expr::Expr;

/// Cuts a text into what stands as it is and what is computed.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, BadText> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('{') {
        let (before, after) = rest.split_at(at);
        match after.as_bytes().get(1) {
            Some(b'{') => {
                push(&mut parts, before);
                let (expr, behind) = computed(after)?;
                parts.push(Part::Expr(expr));
                rest = behind;
            }
            Some(b'%' | b'#') => return Err(block(after)),
            _ => {
                push(&mut parts, &rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    push(&mut parts, rest);
    Ok(parts)
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn block(text: &str) -> BadText {
    let part: String = text.lines().next().unwrap_or_default().chars().take(30).collect();
    let why = "only {{ … }} is filled in: a condition is a step's `when`, a loop its `for_each`; \
               where it is meant as text, write {{ '{%' }}";
    BadText { part, why: why.to_owned() }
}

/// Reads `{{ … }}` at the start of `text`: the expression, and what stands behind it.
fn computed(text: &str) -> Result<(Expr, &str), BadText> {
    let short = || text.lines().next().unwrap_or_default().chars().take(30).collect::<String>();
    let inside = &text[2..];
    let Some(end) = end_of(inside) else {
        let why = "`}}` is missing".to_owned();
        return Err(BadText { part: short(), why });
    };
    let written = inside[..end].trim();
    let bad = |why: &str| BadText { part: written.to_owned(), why: why.to_owned() };
    if inside.starts_with('-') || inside[..end].ends_with('-') {
        return Err(bad("`{{-` and `-}}` are not known here: write a blank before and after"));
    }
    if outside_of_quotes(written).any(|(_, letter)| letter == '~') {
        // What is missing would be an empty text in it, and nobody would see that it was.
        return Err(bad("`~` is not known here: write the parts side by side, \"{{ a }}{{ b }}\""));
    }
    let expr = Expr::compile(written).map_err(|why| bad(&why.to_string()))?;
    Ok((expr, &inside[end + 2..]))
}

/// Where the `}}` stands that closes it: not one within quotes, nor the end of a map.
fn end_of(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, letter) in outside_of_quotes(text) {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' if text[at..].starts_with("}}") => return Some(at),
            _ => {}
        }
    }
    None
}

fn outside_of_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, letter)| match quote {
        Some(_) if escaped => {
            escaped = false;
            false
        }
        Some(_) if *letter == '\\' => {
            escaped = true;
            false
        }
        Some(open) => {
            if open == *letter {
                quote = None;
            }
            false
        }
        None if matches!(letter, '\'' | '"') => {
            quote = Some(*letter);
            false
        }
        None => true,
    })
}
