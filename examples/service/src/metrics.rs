//! What Prometheus is told. Counts and times: never what a request held.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use face_liveness::{Progress, Stage};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets, linear_buckets};
use prometheus_client::registry::{Registry, Unit};

/// The counters, gauges and histograms of a process. Cloning one copies a pointer.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    stages: Family<StageLabels, Histogram, fn() -> Histogram>,
    spoof_scores: Histogram,
    queued: Gauge,
    working: Gauge,
    body_bytes: Gauge,
    retries: Counter,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    path: &'static str,
    status: u16,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StageLabels {
    stage: Part,
}

/// A part of the time that a request takes: before the engine, in it, and all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    /// Receiving the body.
    Receive,
    /// Waiting for a worker.
    Queue,
    /// A stage of the engine.
    Engine(Stage),
    /// From the request's headers to the answer.
    Total,
}

impl EncodeLabelValue for Part {
    fn encode(
        &self,
        encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        let name = match self {
            Self::Receive => "receive",
            Self::Queue => "queue",
            Self::Engine(stage) => stage.name(),
            Self::Total => "total",
        };
        name.encode(encoder)
    }
}

thread_local! {
    /// How long each stage of this thread's request took until now, in the order of [`Stage::ALL`].
    static WORK: Cell<Option<[Duration; Stage::ALL.len()]>> = const { Cell::new(None) };
}

impl Default for Metrics {
    fn default() -> Self {
        // From 0.25 ms to 8 s.
        let times: fn() -> Histogram = || Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let mut inner = Inner {
            registry: Registry::with_prefix("face_liveness"),
            requests: Family::default(),
            stages: Family::new_with_constructor(times),
            spoof_scores: Histogram::new(linear_buckets(0.05, 0.05, 20)),
            queued: Gauge::default(),
            working: Gauge::default(),
            body_bytes: Gauge::default(),
            retries: Counter::default(),
        };
        let registry = &mut inner.registry;
        registry.register(
            "requests",
            "Requests by path, status and code of the contract",
            inner.requests.clone(),
        );
        registry.register_with_unit(
            "stage",
            "How long requests took, by stage",
            Unit::Seconds,
            inner.stages.clone(),
        );
        registry.register("spoof_score", "Scores answered", inner.spoof_scores.clone());
        registry.register("queue_depth", "Requests that wait for a worker", inner.queued.clone());
        registry.register("working", "Requests that are worked on", inner.working.clone());
        registry.register("body_bytes", "Bytes of request bodies held", inner.body_bytes.clone());
        registry.register("retries", "Requests sent to another worker", inner.retries.clone());
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// Everything, as text in the format of OpenMetrics.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// For [`EngineBuilder::on_progress`](face_liveness::EngineBuilder::on_progress): times the stages
    /// of the request that this thread works on.
    pub fn ended(progress: &Progress) {
        if let Some(mut took) = WORK.get() {
            took[progress.stage as usize] += progress.duration;
            WORK.set(Some(took));
        }
    }

    /// Does the work of one request and notes how long its stages took.
    pub(crate) fn timed<T>(&self, work: impl FnOnce() -> T) -> T {
        WORK.set(Some(Default::default()));
        let result = work();
        if let Some(took) = WORK.take() {
            for (stage, took) in
                Stage::ALL.iter().copied().zip(took).filter(|(_, took)| !took.is_zero())
            {
                self.took(Part::Engine(stage), took);
            }
        }
        result
    }

    pub(crate) fn took(&self, stage: Part, time: Duration) {
        self.0.stages.get_or_create(&StageLabels { stage }).observe(time.as_secs_f64());
    }

    pub(crate) fn answered(&self, path: &'static str, status: u16, code: u16) {
        self.0.requests.get_or_create(&RequestLabels { path, status, code }).inc();
    }

    pub(crate) fn scored(&self, spoof_score: f64) {
        self.0.spoof_scores.observe(spoof_score);
    }

    pub(crate) fn retried(&self) {
        self.0.retries.inc();
    }

    /// One more in the queue, for as long as what it returns lives.
    pub(crate) fn queued(&self) -> Held {
        Held::new(&self.0.queued, 1)
    }

    /// One more worked on.
    pub(crate) fn working(&self) -> Held {
        Held::new(&self.0.working, 1)
    }

    /// So many bytes of bodies more.
    pub(crate) fn body_bytes(&self) -> Held {
        Held::new(&self.0.body_bytes, 0)
    }
}

/// An amount by which a gauge is higher until this is dropped.
pub(crate) struct Held {
    gauge: Gauge,
    amount: i64,
}

impl Held {
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

impl Drop for Held {
    fn drop(&mut self) {
        self.gauge.dec_by(self.amount);
    }
}
