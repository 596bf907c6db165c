//! The built-in detector and models. Each network is loaded once per process; all engines share it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use face_liveness_detection::HeatmapDetector;
use face_liveness_inference::{Frame, LivenessModel, RgbBurst, RgbSingle};
use face_liveness_models::{self as models, OperatingPoint, Origin};
use face_liveness_network::Error as NetworkError;
use face_liveness_schema::{ImageType, ModelInputs};

use crate::BuildError;

pub(crate) const SINGLE: &str = "rgb-single-v2";
pub(crate) const BURST: &str = "rgb-burst-v2";
/// The previous models, until version 0.3.
const EARLIER_SINGLE: &str = "rgb-single-v1";
const EARLIER_BURST: &str = "rgb-burst-v1";
/// All models.
pub(crate) const NAMES: [&str; 4] = [SINGLE, BURST, EARLIER_SINGLE, EARLIER_BURST];

pub(crate) fn detector() -> Result<Arc<HeatmapDetector>, BuildError> {
    static DETECTOR: OnceLock<Arc<HeatmapDetector>> = OnceLock::new();
    loaded_once(&DETECTOR, "face-detector-v1", || {
        let bundle = models::face_detector_v1().map_err(NetworkError::load)?;
        Ok(Arc::new(HeatmapDetector::new(&bundle)?))
    })
}

pub(crate) fn model(name: &str) -> Result<Box<dyn LivenessModel>, BuildError> {
    static NETWORKS: OnceLock<RgbSingle> = OnceLock::new();
    static EARLIER_NETWORKS: OnceLock<RgbSingle> = OnceLock::new();
    let load =
        |bundle: Result<_, models::Error>| RgbSingle::new(&bundle.map_err(NetworkError::load)?);
    let single = || loaded_once(&NETWORKS, SINGLE, || load(models::rgb_single_v2()));
    let earlier =
        || loaded_once(&EARLIER_NETWORKS, EARLIER_SINGLE, || load(models::rgb_single_v1()));
    match name {
        SINGLE => Ok(Box::new(single()?)),
        BURST => burst(BURST, models::rgb_burst_v2(), single()?),
        EARLIER_SINGLE => Ok(Box::new(earlier()?)),
        EARLIER_BURST => burst(EARLIER_BURST, models::rgb_burst_v1(), earlier()?),
        _ => {
            let setting = "built_in_models";
            Err(BuildError::UnknownModel { setting, name: name.to_owned() })
        }
    }
}

fn burst(
    name: &'static str,
    bundle: Result<models::RgbBurstBundle, models::Error>,
    single: RgbSingle,
) -> Result<Box<dyn LivenessModel>, BuildError> {
    let burst = bundle.map_err(NetworkError::load);
    let burst = burst.and_then(|bundle| RgbBurst::new(&bundle, single));
    Ok(Box::new(burst.map_err(|source| BuildError::Load { name, source })?))
}

/// The previous models, which are loaded when a request first names them.
pub(crate) fn earlier_models() -> Result<[OnDemand; 2], BuildError> {
    let bundle = models::rgb_burst_v1().map_err(NetworkError::load);
    let bundle = bundle.map_err(|source| BuildError::Load { name: EARLIER_BURST, source })?;
    let frames = bundle.min_frames..=bundle.max_frames;
    Ok([
        OnDemand::new(EARLIER_SINGLE, ModelInputs::single(ImageType::Rgb)),
        OnDemand::new(EARLIER_BURST, ModelInputs::burst(ImageType::Rgb, frames)),
    ])
}

pub(crate) struct OnDemand {
    name: &'static str,
    inputs: ModelInputs,
    loaded: OnceLock<Box<dyn LivenessModel>>,
}

impl OnDemand {
    fn new(name: &'static str, inputs: ModelInputs) -> Self {
        Self { name, inputs, loaded: OnceLock::new() }
    }
}

impl LivenessModel for OnDemand {
    fn name(&self) -> &str {
        self.name
    }

    fn inputs(&self) -> &ModelInputs {
        &self.inputs
    }

    fn spoof_score(&self, frames: &[Frame<'_>]) -> Result<f32, NetworkError> {
        let loaded = match self.loaded.get() {
            Some(loaded) => loaded,
            None => {
                let loaded = model(self.name).map_err(NetworkError::load)?;
                self.loaded.get_or_init(|| loaded)
            }
        };
        loaded.spoof_score(frames)
    }

    fn operating_points(&self) -> &[OperatingPoint] {
        self.loaded.get().map(|loaded| loaded.operating_points()).unwrap_or_default()
    }

    fn origin(&self) -> Origin {
        self.loaded.get().map(|loaded| loaded.origin()).unwrap_or_default()
    }
}

/// Clones the cell's value, after loading it if the cell is empty. Calls at the same time wait for
/// one load.
fn loaded_once<T: Clone>(
    cell: &OnceLock<T>,
    name: &'static str,
    load: impl FnOnce() -> Result<T, NetworkError>,
) -> Result<T, BuildError> {
    static LOADING: Mutex<()> = Mutex::new(());
    if let Some(loaded) = cell.get() {
        return Ok(loaded.clone());
    }
    let _one_load = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    match cell.get() {
        Some(loaded) => Ok(loaded.clone()),
        None => {
            let loaded = load().map_err(|source| BuildError::Load { name, source })?;
            Ok(cell.get_or_init(|| loaded).clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::Engine;

    #[test]
    fn each_built_in_model_can_be_chosen() {
        for name in NAMES {
            let builder = Engine::builder().built_in_models([name]).default_model(name);
            let engine = builder.build().expect("a built-in model");
            assert_eq!(engine.model_names().collect::<Vec<_>>(), [name]);
        }
    }

    #[test]
    fn calls_at_the_same_time_load_once() {
        static CELL: OnceLock<usize> = OnceLock::new();
        let loads = AtomicUsize::new(0);
        let load = || {
            thread::sleep(Duration::from_millis(20));
            Ok(loads.fetch_add(1, Relaxed))
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| loaded_once(&CELL, "a model", load).expect("no load fails"));
            }
        });
        assert_eq!(loads.into_inner(), 1);
    }

    #[test]
    fn an_earlier_model_on_demand_is_the_same_model() {
        for earlier in earlier_models().expect("built in") {
            let loaded = model(earlier.name()).expect("built in");
            assert_eq!(earlier.name(), loaded.name());
            assert_eq!(earlier.inputs(), loaded.inputs());
        }
    }
}
