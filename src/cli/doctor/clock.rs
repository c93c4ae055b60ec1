//! This machine's clock against Slack's. Reminders, quiet hours and the record go by ours.

use super::finding::Finding;
use crate::domain::time::Timestamp;

const CLOCK: &str = "clock";
/// Answers take their time, and Slack tells whole seconds: less than this is no difference.
const FAR_SECONDS: u64 = 30;

/// What it means that it is `ours` here and `slacks` there.
pub fn judge(ours: Timestamp, slacks: Option<Timestamp>) -> Finding {
    let Some(slacks) = slacks else {
        return Finding::untried(CLOCK, "Slack's answer names no time");
    };
    let ahead = (ours.as_millis() - slacks.as_millis()) / 1000;
    let by = ahead.unsigned_abs();
    if by <= FAR_SECONDS {
        return Finding::good(CLOCK, "this machine's clock and Slack's agree");
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let words = format!("this machine's clock is {by} s {side} Slack's");
    Finding::mend(CLOCK, words, "let the system keep its time: timedatectl set-ntp true")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn half_a_minute_is_too_much_either_way() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for (ours, verdict, words) in [
            (1000, Verdict::Good, "agree"),
            (1030, Verdict::Good, "agree"),
            (970, Verdict::Good, "agree"),
            (1031, Verdict::Mend, "31 s ahead of"),
            (400, Verdict::Mend, "600 s behind"),
        ] {
            let finding = judge(at(ours), Some(at(1000)));
            assert_eq!(finding.verdict, verdict, "{ours}");
            assert!(finding.words.contains(words), "{finding:?}");
        }
        assert_eq!(judge(at(0), None).verdict, Verdict::Warning);
    }
}
