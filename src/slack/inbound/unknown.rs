//! What Slack sent and we did not understand: each counted by its kind, and a few of a kind kept where a person can look.
//! Slack's docs change late.

use crate::inbox::{Inbox, StrangeFrame};
use crate::slack::inbound::redact::redacted;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// So many of a kind are kept at once, and then one more for each span: a flood must not fill the disk.
const OF_A_KIND: (u32, Duration) = (5, Duration::from_secs(720));
/// The same of all kinds together.
const IN_ALL: (u32, Duration) = (50, Duration::from_secs(60));
/// So many kinds have a name of their own in the metric; later ones are `odd`.
const KINDS: usize = 100;

/// What came and what of it may be kept.
pub(super) struct Unknown {
    kinds: Mutex<Kinds>,
}

struct Kinds {
    each: BTreeMap<String, Allowance>,
    all: Allowance,
}

/// So many at once, and then one more for each span.
#[derive(Clone, Copy)]
struct Allowance {
    left: u32,
    since: Instant,
}

impl Allowance {
    fn new((most, _): (u32, Duration), now: Instant) -> Self {
        Self { left: most, since: now }
    }

    fn take(&mut self, (most, span): (u32, Duration), now: Instant) -> bool {
        while self.left < most && now.saturating_duration_since(self.since) >= span {
            (self.left, self.since) = (self.left + 1, self.since + span);
        }
        if self.left == most {
            self.since = now;
        }
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }
}

impl Unknown {
    pub(super) fn new(now: Instant) -> Self {
        let kinds = Kinds { each: BTreeMap::new(), all: Allowance::new(IN_ALL, now) };
        Self { kinds: Mutex::new(kinds) }
    }

    /// Counts it, and hands it to the writer where it may be kept; never waits for that.
    pub(super) fn keep(&self, inbox: &Inbox, now: Instant, (kind, frame): (&str, &str)) {
        let (label, may) = self.count(kind, now);
        metrics::counter!("vigie_slack_frames_not_understood_total", "type" => label.clone())
            .increment(1);
        if may {
            tracing::warn!(
                kind = label,
                bytes = frame.len(),
                "Slack sent something that is not understood: `vigie source kept` shows it"
            );
            inbox.keep_frame(StrangeFrame { kind: label, frame: redacted(frame) });
        }
    }

    /// Its name in the metric, and whether it may be kept.
    fn count(&self, kind: &str, now: Instant) -> (String, bool) {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let mut label = label(kind);
        if kinds.each.len() >= KINDS && !kinds.each.contains_key(&label) {
            "odd".clone_into(&mut label);
        }
        let new = Allowance::new(OF_A_KIND, now);
        let may = kinds.each.entry(label.clone()).or_insert(new).take(OF_A_KIND, now);
        (label, may && kinds.all.take(IN_ALL, now))
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

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_one_kind_leaves_a_few_and_room_for_others() {
        let begun = Instant::now();
        let unknown = Unknown::new(begun);
        let kept = |kind: &str, count: u32, at: Instant| {
            (0..count).filter(|_| unknown.count(kind, at).1).count()
        };
        assert_eq!(kept("event:x", 1000, begun), 5);
        assert_eq!(kept("event:y", 2, begun), 2);
        let hour = Duration::from_secs(3600);
        assert_eq!(kept("event:x", 1000, begun + hour), 5, "the newest of each hour too");
        assert_eq!(kept("event:x", 1000, begun + hour + Duration::from_secs(720)), 1);
        let later = begun + 10 * hour;
        let all: usize = (0..80).map(|n| kept(&format!("event:{n}"), 3, later)).sum();
        assert_eq!(all, 50, "of all kinds together");
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_has_a_name_of_its_own_while_there_are_not_too_many() {
        let unknown = Unknown::new(Instant::now());
        let name = |kind: &str| unknown.count(kind, Instant::now()).0;
        assert_eq!(name("event:\"} evil"), "odd");
        for n in 0..KINDS {
            name(&format!("event:{n}"));
        }
        assert_eq!((name("event:5").as_str(), name("event:new").as_str()), ("event:5", "odd"));
    }
}
