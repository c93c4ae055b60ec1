//! Metrics for Prometheus: one table says what each name means, and `render` writes what `/metrics` answers.

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    /// Of seconds.
    Seconds,
}

/// Every metric: its name, its kind, what it tells. Labels are told in the text.
pub const TABLE: &[(&str, Kind, &str)] = &[
    (BUILD_INFO, Kind::Gauge, "1, with the version as a label"),
    (
        COVERAGE_ALERTS,
        Kind::Gauge,
        "Alerts by part of the coverage equation: received, shown, suppressed, pending",
    ),
    (
        COVERAGE_ADDS_UP,
        Kind::Gauge,
        "1 while received = shown + suppressed + pending; 0 is a defect",
    ),
    (OLDEST_PENDING_SECONDS, Kind::Gauge, "Age of the oldest alert that is not shown yet"),
    (HOOKS_TOTAL, Kind::Counter, "Webhook requests by source and HTTP status"),
    (INPUTS_TOTAL, Kind::Counter, "Inputs committed, by kind"),
    (REFUSALS_TOTAL, Kind::Counter, "Interactions that were refused, by code"),
    (
        COMMIT_SECONDS,
        Kind::Seconds,
        "Time of one batch of the writer, from its first input to the commit",
    ),
    (INPUTS_WAITING, Kind::Gauge, "Inputs that wait for the writer"),
    (OUTBOX_WAITING, Kind::Gauge, "Effects that are on disk and not yet done"),
    (OUTBOX_OLDEST_SECONDS, Kind::Gauge, "Age of the oldest effect that is not yet done"),
    (EFFECTS_TOTAL, Kind::Counter, "Effects by kind and how they ended"),
    (TIMER_LATE_SECONDS, Kind::Seconds, "How late a due time was handled"),
    (SLACK_CALLS_TOTAL, Kind::Counter, "Web API calls by method and result"),
    (SLACK_CALL_SECONDS, Kind::Seconds, "Time of Web API calls by method"),
    (SLACK_SOCKETS, Kind::Gauge, "Socket Mode connections that are up"),
    (
        SLACK_SOCKETS_COUNTED_BY_SLACK,
        Kind::Gauge,
        "Connections that Slack counts; more than ours are ghosts that take envelopes",
    ),
    (SLACK_SOCKET_ENDS_TOTAL, Kind::Counter, "Connections that ended, by why"),
    (
        SLACK_GHOST_SOCKETS_TOTAL,
        Kind::Counter,
        "Times that Slack counted more connections than are ours",
    ),
    (SLACK_ENVELOPES_TOTAL, Kind::Counter, "Envelopes by type"),
    (
        SLACK_ENVELOPE_PANICS_TOTAL,
        Kind::Counter,
        "Envelopes whose handling panicked: each is a defect",
    ),
    (HEARTBEATS_TOTAL, Kind::Counter, "Heartbeats by result"),
    (CONFIG_RELOADS_TOTAL, Kind::Counter, "Times that the config was read again, by result"),
];

pub const BUILD_INFO: &str = "vigie_build_info";
pub const COVERAGE_ALERTS: &str = "vigie_coverage_alerts";
pub const COVERAGE_ADDS_UP: &str = "vigie_coverage_adds_up";
pub const OLDEST_PENDING_SECONDS: &str = "vigie_oldest_pending_seconds";
pub const HOOKS_TOTAL: &str = "vigie_hooks_total";
pub const INPUTS_TOTAL: &str = "vigie_inputs_total";
pub const REFUSALS_TOTAL: &str = "vigie_refusals_total";
pub const COMMIT_SECONDS: &str = "vigie_commit_seconds";
pub const INPUTS_WAITING: &str = "vigie_inputs_waiting";
pub const OUTBOX_WAITING: &str = "vigie_outbox_waiting";
pub const OUTBOX_OLDEST_SECONDS: &str = "vigie_outbox_oldest_seconds";
pub const EFFECTS_TOTAL: &str = "vigie_effects_total";
pub const TIMER_LATE_SECONDS: &str = "vigie_timer_late_seconds";
pub const SLACK_CALLS_TOTAL: &str = "vigie_slack_calls_total";
pub const SLACK_CALL_SECONDS: &str = "vigie_slack_call_seconds";
pub const SLACK_SOCKETS: &str = "vigie_slack_sockets";
pub const SLACK_SOCKETS_COUNTED_BY_SLACK: &str = "vigie_slack_sockets_counted_by_slack";
pub const SLACK_SOCKET_ENDS_TOTAL: &str = "vigie_slack_socket_ends_total";
pub const SLACK_GHOST_SOCKETS_TOTAL: &str = "vigie_slack_ghost_sockets_total";
pub const SLACK_ENVELOPES_TOTAL: &str = "vigie_slack_envelopes_total";
pub const SLACK_ENVELOPE_PANICS_TOTAL: &str = "vigie_slack_envelope_panics_total";
pub const HEARTBEATS_TOTAL: &str = "vigie_heartbeats_total";
pub const CONFIG_RELOADS_TOTAL: &str = "vigie_config_reloads_total";

/// From one millisecond to a minute.
const BUCKETS: [f64; 12] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to record; a second call does nothing.
pub fn start() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &BUCKETS)
            .expect("there are buckets");
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::error!("another recorder is installed: /metrics will be empty");
        }
        describe();
        handle
    });
}

/// What `/metrics` answers, in Prometheus' text format; empty before `start`.
pub fn render() -> String {
    RECORDER.get().map_or_else(String::new, |handle| {
        handle.run_upkeep();
        handle.render()
    })
}

fn describe() {
    for (name, kind, text) in TABLE {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *text),
            Kind::Gauge => metrics::describe_gauge!(*name, *text),
            Kind::Seconds => metrics::describe_histogram!(*name, Unit::Seconds, *text),
        }
    }
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unlike_and_end_as_prometheus_wants() {
        let mut names: Vec<_> = TABLE.iter().map(|(name, ..)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for (name, kind, text) in TABLE {
            assert!(name.starts_with("vigie_") && !text.is_empty());
            assert_eq!(*kind == Kind::Counter, name.ends_with("_total"), "{name}");
            assert!(*kind != Kind::Seconds || name.ends_with("_seconds"), "{name}");
        }
    }

    #[test]
    fn what_was_counted_is_rendered() {
        start();
        start();
        metrics::counter!(HOOKS_TOTAL, "source" => "scanner", "status" => "202").increment(1);
        metrics::histogram!(COMMIT_SECONDS).record(0.003);
        let text = render();
        assert!(text.contains("vigie_hooks_total{source=\"scanner\",status=\"202\"} 1"), "{text}");
        assert!(text.contains("vigie_commit_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("# HELP vigie_hooks_total"), "{text}");
    }
}
