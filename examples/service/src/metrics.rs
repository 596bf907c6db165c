//! The metrics for Prometheus: counts and durations, never the content of a request.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use face_liveness::{Progress, Response, Stage, Warning};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The thresholds of the models' cards; and both tails, where most scores are, so that a shift is
/// seen before it reaches a threshold.
const SCORE_BUCKETS: [f64; 15] =
    [0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999];
/// Models with a label of their own. An engine has four built in; but behind NATS, the names come
/// from the workers. Further ones share the label `other`.
const MAX_MODELS: usize = 16;
const OTHER: &str = "other";

/// The counters, gauges and histograms of a process. Cloning copies a pointer.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    steps: Family<StepLabels, Histogram, fn() -> Histogram>,
    models: Mutex<BTreeSet<String>>,
    spoof_scores: Family<ModelLabels, Histogram, fn() -> Histogram>,
    warnings: Family<WarningLabels, Counter>,
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

    /// Counts the score and the warnings.
    pub(crate) fn scored(&self, response: &Response) {
        let model = self.model_label(&response.model);
        let labels = ModelLabels { model: model.clone() };
        self.0.spoof_scores.get_or_create(&labels).observe(response.spoof_score.into());
        for known in Warning::ALL.iter().filter(|known| response.warnings.contains(known)) {
            self.count_warning(&model, known.to_string(), 1);
        }
        // A newer worker may send other warnings. Their names are not ours, so they share a label.
        if response.warnings.iter().any(|warning| !Warning::ALL.contains(warning)) {
            self.count_warning(&model, OTHER.to_owned(), 1);
        }
    }

    fn count_warning(&self, model: &str, warning: String, count: u64) {
        let labels = WarningLabels { model: model.to_owned(), warning };
        self.0.warnings.get_or_create(&labels).inc_by(count);
    }

    /// The name of the model, or `other` beyond the limit. From the first answer of a label on,
    /// each known warning has a counter: a rate needs a zero to start from.
    fn model_label(&self, name: &str) -> String {
        let mut models = self.0.models.lock().unwrap_or_else(PoisonError::into_inner);
        let label = match models.contains(name) || models.len() < MAX_MODELS {
            true => name,
            false => OTHER,
        };
        if models.insert(label.to_owned()) {
            for known in Warning::ALL {
                self.count_warning(label, known.to_string(), 0);
            }
        }
        label.to_owned()
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
        let scores: fn() -> Histogram = || Histogram::new(SCORE_BUCKETS);
        let mut inner = Inner {
            registry: Registry::with_prefix("face_liveness"),
            requests: Family::default(),
            steps: Family::new_with_constructor(times),
            models: Mutex::default(),
            spoof_scores: Family::new_with_constructor(scores),
            warnings: Family::default(),
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
        let help = "Spoof scores returned, by model";
        registry.register("spoof_score", help, inner.spoof_scores.clone());
        let help = "Answers with each warning, by model";
        registry.register("warnings", help, inner.warnings.clone());
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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ModelLabels {
    model: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WarningLabels {
    model: String,
    warning: String,
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

#[cfg(test)]
mod tests {
    use face_liveness::Position;

    use super::*;

    #[test]
    fn names_of_workers_make_a_bounded_number_of_labels() {
        let metrics = Metrics::default();
        let position = Position { top: 0, left: 0, width: 1, height: 1 };
        for index in 0..100 {
            let warning = serde_json::from_str(&format!("\"fog {index}\""));
            let warning: Warning = warning.expect("a string is a warning");
            let response = Response::new(0.5, position, format!("model {index}"));
            metrics.scored(&response.with_warnings([warning, Warning::Blurred]));
        }
        let text = metrics.text();
        let count = |start: &str| text.lines().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("face_liveness_spoof_score_count"), MAX_MODELS + 1);
        let known = Warning::ALL.len();
        assert_eq!(count("face_liveness_warnings_total"), (MAX_MODELS + 1) * (known + 1));
        assert!(text.contains("spoof_score_count{model=\"other\"} 84\n"), "{text}");
        assert!(text.contains("total{model=\"other\",warning=\"other\"} 84\n"), "{text}");
    }
}
