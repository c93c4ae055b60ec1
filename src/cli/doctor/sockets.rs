//! Whether another process uses the app token: Slack gives each click to any one of an app's sockets.

use super::finding::Finding;
use crate::cli::check::counted;
use crate::slack::api::Api;
use crate::slack::socket::{SocketSettings, count};

const SOCKETS: &str = "sockets";
const GAUGE: &str = "vigie_slack_ghost_sockets";

/// By the text of the running bot's `/metrics`: it counts them, and a socket of ours beside it would be given its clicks.
pub fn beside_a_bot(metrics: Option<&str>) -> Finding {
    let Some(metrics) = metrics else {
        return Finding::untried(SOCKETS, "the bot that runs does not hand its /metrics out");
    };
    match gauge(metrics) {
        Some(ghosts) => judge(ghosts),
        None => Finding::untried(SOCKETS, "the bot that runs has not heard from Slack yet"),
    }
}

/// By Slack's hello on a socket that is opened for a moment; only where no bot runs.
pub async fn alone(api: &Api) -> Finding {
    match count(api, &SocketSettings::default()).await {
        // Slack counts this one.
        Ok(Some(counted)) => judge(counted.saturating_sub(1)),
        Ok(None) => Finding::untried(SOCKETS, "Slack does not say how many it counts"),
        Err(failure) => Finding::mend(
            SOCKETS,
            format!("no socket could be opened: {failure}"),
            "let this machine reach wss-primary.slack.com and wss-backup.slack.com, port 443",
        ),
    }
}

fn judge(ghosts: u64) -> Finding {
    if ghosts == 0 {
        return Finding::good(SOCKETS, "nobody else uses this app token");
    }
    let counted = counted(usize::try_from(ghosts).unwrap_or(usize::MAX), "socket");
    let words =
        format!("Slack counts {counted} of this app elsewhere, which get some of the clicks");
    let mend = "stop whatever else uses this app token (another machine, a test); after a crash Slack forgets within some 12 min";
    Finding::warning(SOCKETS, words, mend.to_owned())
}

/// The gauge's value in Prometheus' text format.
fn gauge(metrics: &str) -> Option<u64> {
    let value = metrics.lines().find_map(|line| line.strip_prefix(GAUGE)?.strip_prefix(' '))?;
    value.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::Verdict;

    #[test]
    fn the_gauge_tells_of_ghosts() {
        let metrics = |value: &str| {
            format!(
                "# TYPE {GAUGE} gauge\n{GAUGE}_since 9\n{GAUGE} {value}\nvigie_slack_sockets 2\n"
            )
        };
        assert_eq!(beside_a_bot(Some(&metrics("0"))).verdict, Verdict::Good);
        let two = beside_a_bot(Some(&metrics("2")));
        assert_eq!(two.verdict, Verdict::Warning);
        assert!(two.words.contains("counts 2 sockets"), "{two:?}");
        assert!(beside_a_bot(Some("")).words.contains("has not heard from Slack"));
        assert!(beside_a_bot(None).words.contains("/metrics"));
    }
}
