//! What Slack sent and we did not understand: counted, and the newest kept where a person can look. Slack's docs change late.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

const KEPT: usize = 20;
/// So many bytes of each are kept.
const LONGEST: usize = 16 * 1024;

/// A frame that was not understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFrame {
    /// What was new about it: `event:team_rename`, `interaction:block_suggestion`, `unparsable`.
    pub kind: String,
    /// The frame as it came, cut where it is very long.
    pub raw: String,
}

#[derive(Default)]
pub(super) struct Unknown {
    recent: Mutex<VecDeque<UnknownFrame>>,
}

impl Unknown {
    pub(super) fn keep(&self, kind: &str, mut raw: String) {
        let label = label(kind);
        metrics::counter!("vigie_slack_frames_not_understood_total", "type" => label.clone())
            .increment(1);
        tracing::warn!(
            kind = label,
            bytes = raw.len(),
            "Slack sent something that is not understood"
        );
        raw.truncate(raw.floor_char_boundary(LONGEST));
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == KEPT {
            recent.pop_front();
        }
        recent.push_back(UnknownFrame { kind: kind.to_owned(), raw });
    }

    pub(super) fn recent(&self) -> Vec<UnknownFrame> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// A metric's label must stay short and plain, whatever Slack sends.
fn label(kind: &str) -> String {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_:./".contains(c);
    if kind.len() <= 60 && kind.chars().all(plain) { kind.to_owned() } else { "odd".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_are_kept_and_no_character_is_cut_in_half() {
        let unknown = Unknown::default();
        for n in 0..KEPT + 5 {
            unknown.keep(&format!("event:{n}"), "é".repeat(LONGEST));
        }
        let recent = unknown.recent();
        assert_eq!(recent.len(), KEPT);
        assert_eq!(recent[0].kind, "event:5");
        assert_eq!(recent[0].raw.len(), LONGEST);
        assert_eq!(label("event:\"} evil"), "odd");
    }
}
