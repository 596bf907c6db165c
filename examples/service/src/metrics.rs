//! The metrics for Prometheus: counts and durations, never the content of a request.

use std::sync::Arc;
use std::time::Duration;

use face_liveness::{Progress, Stage};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets, linear_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The counters, gauges and histograms of a process. Cloning copies a pointer.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    steps: Family<StepLabels, Histogram, fn() -> Histogram>,
    spoof_scores: Histogram,
    queued: Gauge,
    working: Gauge,
    body_bytes: Gauge,
    retries: Counter,
    lost_events: Counter,
}

impl Metrics {
    /// All metrics, in the OpenMetrics text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// Records the stages of an engine: the callback for
    /// [`EngineBuilder::on_progress`](face_liveness::EngineBuilder::on_progress).
    pub fn on_progress(&self) -> impl Fn(&Progress) + Send + Sync + 'static {
        let metrics = self.clone();
        move |progress| metrics.took(Step::Engine(progress.stage), progress.duration)
    }

    pub(crate) fn took(&self, stage: Step, time: Duration) {
        self.0.steps.get_or_create(&StepLabels { stage }).observe(time.as_secs_f64());
    }

    pub(crate) fn answered(&self, path: &'static str, status: u16, code: u16) {
        self.0.requests.get_or_create(&RequestLabels { path, status, code }).inc();
    }

    pub(crate) fn scored(&self, spoof_score: f32) {
        self.0.spoof_scores.observe(spoof_score.into());
    }

    pub(crate) fn retried(&self) {
        self.0.retries.inc();
    }

    pub(crate) fn audit_event_lost(&self) {
        self.0.lost_events.inc();
    }

    /// Counts a request as queued until the guard is dropped.
    pub(crate) fn queued(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.queued, 1)
    }

    /// Counts a request as in progress until the guard is dropped.
    pub(crate) fn working(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.working, 1)
    }

    /// Counts the bytes that are added to the guard until it is dropped.
    pub(crate) fn body_bytes(&self) -> GaugeGuard {
        GaugeGuard::new(&self.0.body_bytes, 0)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        // From 0.25 ms to 8 s.
        let times: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let mut inner = Inner {
            registry: Registry::with_prefix("face_liveness"),
            requests: Family::default(),
            steps: Family::new_with_constructor(times),
            spoof_scores: Histogram::new(linear_buckets(0.05, 0.05, 20)),
            queued: Gauge::default(),
            working: Gauge::default(),
            body_bytes: Gauge::default(),
            retries: Counter::default(),
            lost_events: Counter::default(),
        };
        let registry = &mut inner.registry;
        let help = "Requests by path, status and error code";
        registry.register("requests", help, inner.requests.clone());
        let help = "Duration of each stage of a request; decode and detect count each image";
        registry.register_with_unit("stage", help, Unit::Seconds, inner.steps.clone());
        registry.register("spoof_score", "Spoof scores returned", inner.spoof_scores.clone());
        registry.register("queue_depth", "Requests waiting for a worker", inner.queued.clone());
        registry.register("working", "Requests in progress", inner.working.clone());
        registry.register("body_bytes", "Bytes of request bodies held", inner.body_bytes.clone());
        registry.register("retries", "Requests sent to another worker", inner.retries.clone());
        let help = "Audit events that were not written";
        registry.register("lost_audit_events", help, inner.lost_events.clone());
        Self(Arc::new(inner))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    path: &'static str,
    status: u16,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    stage: Step,
}

/// A step of the service, or a stage of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Receiving the body.
    Receive,
    /// Waiting for a worker.
    Queue,
    /// A stage of the engine.
    Engine(Stage),
    /// From the headers of the request to the answer.
    Total,
}

impl EncodeLabelValue for Step {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Receive => "receive",
            Self::Queue => "queue",
            Self::Engine(stage) => stage.name(),
            Self::Total => "total",
        };
        name.encode(encoder)
    }
}

/// Raises a gauge until it is dropped.
pub(crate) struct GaugeGuard {
    gauge: Gauge,
    amount: i64,
}

impl GaugeGuard {
    fn new(gauge: &Gauge, amount: i64) -> Self {
        gauge.inc_by(amount);
        Self { gauge: gauge.clone(), amount }
    }

    pub(crate) fn add(&mut self, amount: usize) {
        let amount = i64::try_from(amount).unwrap_or(i64::MAX);
        self.gauge.inc_by(amount);
        self.amount += amount;
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.gauge.dec_by(self.amount);
    }
}
