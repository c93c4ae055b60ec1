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
    ("vigie_build_info", Kind::Gauge, "1, with the version as a label"),
    (
        "vigie_coverage_alerts",
        Kind::Gauge,
        "Alerts by part of the coverage equation: received, shown, suppressed, pending",
    ),
    (
        "vigie_coverage_adds_up",
        Kind::Gauge,
        "1 while received = shown + suppressed + pending; 0 is a defect",
    ),
    ("vigie_oldest_pending_seconds", Kind::Gauge, "Age of the oldest alert that is not shown yet"),
    ("vigie_hooks_total", Kind::Counter, "Webhook requests by source and outcome"),
    (
        "vigie_tls_handshakes_not_done_total",
        Kind::Counter,
        "TLS handshakes that came to nothing, by why: failed, slow, or crowded (too many at once)",
    ),
    ("vigie_commit_seconds", Kind::Seconds, "Time of one batch of the writer, with its commit"),
    (
        "vigie_tool_call_seconds",
        Kind::Seconds,
        "Time of one call to a tool, by action, whatever came of it",
    ),
    (
        "vigie_inputs_total",
        Kind::Counter,
        "Inputs that were handed to the writer, by what came of them: recorded or refused by the store",
    ),
    ("vigie_store_writes", Kind::Gauge, "1 while the store takes writes, 0 while it refuses them"),
    (
        "vigie_unrecorded_total",
        Kind::Counter,
        "What was said while the store took no writes, by what: shown, told, or not_said",
    ),
    ("vigie_outbox_waiting", Kind::Gauge, "Effects that are on disk and not yet done"),
    (
        "vigie_effects_total",
        Kind::Counter,
        "Effects by how their turn ended: done, dropped, again, failed",
    ),
    (
        "vigie_delivery_panics_total",
        Kind::Counter,
        "Deliveries to Slack that panicked: each is a defect",
    ),
    (
        "vigie_writer_panics_total",
        Kind::Counter,
        "Inputs whose recording panicked: each is a defect",
    ),
    ("vigie_slack_calls_total", Kind::Counter, "Web API calls by method and result"),
    ("vigie_slack_sockets", Kind::Gauge, "Socket Mode connections that are up"),
    (
        "vigie_slack_sockets_counted_by_slack",
        Kind::Gauge,
        "Connections that Slack counts for the app, as its last hello said",
    ),
    ("vigie_slack_socket_ends_total", Kind::Counter, "Connections that ended, by why"),
    (
        "vigie_slack_ghost_sockets",
        Kind::Gauge,
        "Connections that Slack counts and that are not ours: each takes some of the clicks",
    ),
    (
        "vigie_slack_envelope_panics_total",
        Kind::Counter,
        "Envelopes whose handling panicked: each is a defect",
    ),
    (
        "vigie_slack_envelopes_not_written_total",
        Kind::Counter,
        "Envelopes that were not recorded, and so not acknowledged",
    ),
    (
        "vigie_slack_forms_not_opened_total",
        Kind::Counter,
        "Forms that could not be opened while their trigger lived",
    ),
    (
        "vigie_slack_frames_not_understood_total",
        Kind::Counter,
        "Frames that were not understood, by type",
    ),
    (
        "vigie_slack_last_envelope_timestamp_seconds",
        Kind::Gauge,
        "When the newest envelope came, in unix time",
    ),
    (
        "vigie_config_last_reload_successful",
        Kind::Gauge,
        "1 while the config on disk is the one in force; 0 where it has a mistake and the one before stays",
    ),
    ("vigie_heartbeats_total", Kind::Counter, "Heartbeats by result: taken, refused, held back"),
];

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

/// Folds what the histograms have gathered: without it they grow until somebody reads them.
pub fn fold() {
    if let Some(handle) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// What `/metrics` answers, in Prometheus' text format; empty before `start`.
pub fn render() -> String {
    fold();
    RECORDER.get().map_or_else(String::new, PrometheusHandle::render)
}

fn describe() {
    for (name, kind, text) in TABLE {
        match kind {
            Kind::Counter => metrics::describe_counter!(*name, *text),
            Kind::Gauge => metrics::describe_gauge!(*name, *text),
            Kind::Seconds => metrics::describe_histogram!(*name, Unit::Seconds, *text),
        }
    }
    metrics::gauge!("vigie_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
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
        metrics::counter!("vigie_hooks_total", "source" => "scanner", "status" => "202")
            .increment(1);
        metrics::histogram!("vigie_commit_seconds").record(0.003);
        let text = render();
        assert!(text.contains("vigie_hooks_total{source=\"scanner\",status=\"202\"} 1"), "{text}");
        assert!(text.contains("vigie_commit_seconds_bucket{le=\"0.005\"} 1"), "{text}");
        assert!(text.contains("# HELP vigie_hooks_total"), "{text}");
    }
}
