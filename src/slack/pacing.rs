//! When a call may go: a steady rate a channel, silence while Slack limits a method, longer waits after each failure. Pure:
//! the moment is handed in.

use crate::slack::failure::Failure;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// Where calls queue behind each other: a channel's id or name, a person, or nothing in particular.
pub type Lane = String;

/// How fast a lane may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The time from one post to the next. Slack: about one message a second and channel.
    pub every: Duration,
    /// How many may go at once after a quiet time ("short bursts" are allowed).
    pub burst: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { every: Duration::from_secs(1), burst: 3 }
    }
}

/// What has been sent lately. The dispatcher owns one, asks `wait` before a call and tells `sent` and `limited` after it.
#[derive(Debug)]
pub struct Pacing {
    posts: Rate,
    /// By lane: the moment at which its bucket is full again (a generic cell rate).
    lanes: HashMap<Lane, Instant>,
    /// Not before this moment: a method in a lane, or (without a lane) the method everywhere.
    closed: HashMap<(&'static str, Option<Lane>), Instant>,
    /// Where posts were limited lately, and when.
    limited: Vec<(&'static str, Lane, Instant)>,
}

/// Slack limits posts by channel, and by workspace: so many lanes limited within so long mean the workspace.
const LANES: usize = 3;
const LATELY: Duration = Duration::from_secs(10);

/// These make a message, and so count against the channel.
fn is_post(method: &str) -> bool {
    matches!(method, "chat.postMessage" | "chat.postEphemeral")
}

impl Pacing {
    /// `posts` is `slack.post_rate`.
    pub fn new(posts: Rate) -> Self {
        Self { posts, lanes: HashMap::new(), closed: HashMap::new(), limited: Vec::new() }
    }

    /// How long this call must still wait; zero: it may go now.
    pub fn wait(&self, method: &'static str, lane: &str, now: Instant) -> Duration {
        let until = |moment: Instant| moment.saturating_duration_since(now);
        let places = [(method, None), (method, Some(lane.to_owned()))];
        let closed = places.iter().filter_map(|place| self.closed.get(place)).max();
        let closed = closed.copied().map_or(Duration::ZERO, until);
        if !is_post(method) {
            return closed;
        }
        let slack = self.posts.every * self.posts.burst.saturating_sub(1);
        let lane = self.lanes.get(lane).map_or(Duration::ZERO, |full| until(*full));
        closed.max(lane.saturating_sub(slack))
    }

    /// The call goes out now, whatever comes of it.
    pub fn sent(&mut self, method: &str, lane: &str, now: Instant) {
        if !is_post(method) {
            return;
        }
        if self.lanes.len() > 1024 {
            self.lanes.retain(|_, full| *full > now);
        }
        let full = self.lanes.entry(lane.to_owned()).or_insert(now);
        *full = (*full).max(now) + self.posts.every;
    }

    /// Slack answered with `Retry-After`: nothing of this method before it is over. Of a post only in its lane, for Slack
    /// counts a channel's posts; where it limits several lanes at once it counts the workspace's.
    pub fn limited(&mut self, (method, lane): (&'static str, &str), after: Duration, now: Instant) {
        self.closed.retain(|_, moment| *moment > now);
        self.limited.retain(|(_, _, at)| now.saturating_duration_since(*at) <= LATELY);
        if !is_post(method) {
            return self.close((method, None), now + after);
        }
        self.limited.retain(|(other, place, _)| (*other, place.as_str()) != (method, lane));
        self.limited.push((method, lane.to_owned(), now));
        let everywhere =
            self.limited.iter().filter(|(other, ..)| *other == method).count() >= LANES;
        self.close((method, (!everywhere).then(|| lane.to_owned())), now + after);
    }

    /// The same lane by another name: it counts once.
    pub fn limited_too(
        &mut self,
        (method, lane): (&'static str, &str),
        after: Duration,
        now: Instant,
    ) {
        if is_post(method) {
            self.close((method, Some(lane.to_owned())), now + after);
        }
    }

    fn close(&mut self, place: (&'static str, Option<Lane>), until: Instant) {
        let moment = self.closed.entry(place).or_insert(until);
        *moment = (*moment).max(until);
    }
}

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// How long after its `failures`th failure in a row (1 is the first) a call is tried again; `None`: never.
pub fn again(failure: &Failure, failures: u32) -> Option<Duration> {
    let doubled = FIRST.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST);
    match failure {
        Failure::NotSent { .. } | Failure::Uncertain { .. } => Some(doubled),
        Failure::RateLimited { after, .. } => Some(*after),
        // A person must act first, and nothing is lost meanwhile.
        Failure::BadToken { .. } => Some(LONGEST),
        Failure::Rejected { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const POST: &str = "chat.postMessage";

    #[test]
    fn a_channel_takes_a_small_burst_and_then_one_a_second() {
        let start = Instant::now();
        let mut pacing = Pacing::new(Rate { every: SECOND, burst: 3 });
        let mut now = start;
        let mut times = Vec::new();
        for _ in 0..6 {
            now += pacing.wait(POST, "C1", now);
            pacing.sent(POST, "C1", now);
            times.push((now - start).as_secs());
        }
        assert_eq!(times, [0, 0, 0, 1, 2, 3]);
        assert_eq!(
            pacing.wait(POST, "C2", now),
            Duration::ZERO,
            "another channel is not held back"
        );
        assert_eq!(
            pacing.wait("chat.update", "C1", now),
            Duration::ZERO,
            "an update makes no message"
        );
        assert_eq!(pacing.wait(POST, "C1", now + 60 * SECOND), Duration::ZERO);
    }

    #[test]
    fn nothing_of_a_method_goes_while_slack_limits_it() {
        let now = Instant::now();
        let mut pacing = Pacing::new(Rate::default());
        pacing.limited(("chat.update", "C1"), 7 * SECOND, now);
        pacing.limited(("chat.update", "C2"), SECOND, now);
        let table =
            [("chat.update", 0, 7), ("chat.update", 6, 1), ("chat.update", 7, 0), (POST, 0, 0)];
        for (method, at, wait) in table {
            assert_eq!(
                pacing.wait(method, "C1", now + at * SECOND),
                wait * SECOND,
                "{method} {at}"
            );
        }
    }

    #[test]
    fn a_limited_channel_holds_up_no_other_and_three_at_once_mean_the_workspace() {
        let now = Instant::now();
        let mut pacing = Pacing::new(Rate::default());
        let wait = |pacing: &Pacing, lane: &str, at: u32| {
            pacing.wait(POST, lane, now + at * SECOND).as_secs()
        };
        pacing.limited((POST, "C1"), 30 * SECOND, now);
        pacing.limited((POST, "C1"), 30 * SECOND, now + SECOND);
        pacing.limited((POST, "C2"), 30 * SECOND, now + SECOND);
        assert_eq!((wait(&pacing, "C1", 1), wait(&pacing, "C9", 1)), (30, 0));
        pacing.limited((POST, "C3"), 30 * SECOND, now + 12 * SECOND);
        assert_eq!(wait(&pacing, "C9", 12), 0, "not within ten seconds");
        pacing.limited((POST, "C4"), 5 * SECOND, now + 13 * SECOND);
        pacing.limited((POST, "C5"), 5 * SECOND, now + 14 * SECOND);
        assert_eq!((wait(&pacing, "C9", 14), wait(&pacing, "C3", 14)), (5, 28));
        assert_eq!(pacing.wait("chat.update", "C9", now + 14 * SECOND), Duration::ZERO);
    }

    #[test]
    fn each_failure_waits_longer_and_never_more_than_half_a_minute() {
        let lost = Failure::Uncertain { why: "reset".into() };
        let waits: Vec<_> = [1, 2, 3, 4, 5, 6, 7, 8, 40]
            .map(|n| again(&lost, n).expect("again").as_millis())
            .into();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
        let limited = Failure::RateLimited { method: POST, after: 90 * SECOND };
        assert_eq!(again(&limited, 1), Some(90 * SECOND), "Slack's own time counts");
        assert_eq!(again(&Failure::Rejected { word: "is_archived".into() }, 1), None);
    }
}
