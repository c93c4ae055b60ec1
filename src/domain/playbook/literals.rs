//! Words that severity and status are compared with: a mistyped one would never match, and nobody would notice.

use crate::domain::alert::{Severity, Status};

/// A comparison that never holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never<'a> {
    /// `alert.severity`.
    pub name: &'static str,
    pub word: &'a str,
    /// The words that it can be.
    pub right: Vec<&'static str>,
}

/// Each such comparison of an expression.
pub fn never(said: &str) -> Vec<Never<'_>> {
    let severities: Vec<_> = Severity::ALL.iter().map(|severity| severity.as_str()).collect();
    let statuses: Vec<_> = Status::ALL.iter().map(|status| status.as_str()).collect();
    let mut found = Vec::new();
    for (name, right) in [("alert.severity", severities), ("alert.status", statuses)] {
        for (at, _) in said.match_indices(name) {
            let words = compared(said[at + name.len()..].trim_start());
            let wrong = words.into_iter().filter(|word| !right.contains(word));
            found.extend(wrong.map(|word| Never { name, word, right: right.clone() }));
        }
    }
    found
}

/// The quoted words after `==`, `!=` or `in [`.
fn compared(after: &str) -> Vec<&str> {
    let quoted = |text: &'_ str| text.split(['\'', '"']).skip(1).step_by(2).count();
    let (text, most) = if let Some(rest) = after.strip_prefix("==").or(after.strip_prefix("!=")) {
        let rest = rest.trim_start();
        (rest, usize::from(rest.starts_with(['\'', '"'])))
    } else if let Some(rest) = after.strip_prefix("not in").or(after.strip_prefix("in")) {
        let list = rest.trim_start().strip_prefix(['[', '(']).unwrap_or_default();
        let list = list.split([']', ')']).next().unwrap_or_default();
        (list, quoted(list))
    } else {
        ("", 0)
    };
    text.split(['\'', '"']).skip(1).step_by(2).take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_it_can_never_be_is_found_in_every_way_of_comparing() {
        let words = |said| never(said).iter().map(|never| never.word).collect::<Vec<_>>();
        assert_eq!(words("alert.severity == 'hihg' or alert.status != \"gone\""), ["hihg", "gone"]);
        assert_eq!(words("alert.severity in ['critical', 'hgh'] and alert.title == 'x'"), ["hgh"]);
        assert_eq!(words("alert.severity == ask.severity"), Vec::<&str>::new());
    }
}
