//! The class `Engine` and its exception.

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use face_liveness::Response;
use pyo3::create_exception;
use pyo3::exceptions::{PyException, PyRuntimeError, PyTypeError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyDict, PyList, PyTuple};
use rayon::ThreadPoolBuilder;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::images::Image;

create_exception!(
    face_liveness,
    LivenessError,
    PyException,
    "A request that has no score. `code` is the contract's number, `message` its name, `path` the \
     field at fault, or None, and `description` a sentence. None of them holds image data."
);

/// The settings of an engine, which are all that a pickled engine carries.
#[derive(Clone, PartialEq)]
struct Settings {
    default_model: Option<String>,
    provenance: bool,
}

/// The engines of this process. Engines with equal settings share their networks.
static ENGINES: Mutex<Vec<(Settings, face_liveness::Engine)>> = Mutex::new(Vec::new());

/// A detector and liveness models, loaded once and shared by all threads.
///
/// Args:
///     default_model: the model that scores a request without `model`.
///     provenance: whether each answer says what it was made from.
///
/// A pickled engine is its arguments: another process loads the networks once.
#[pyclass(frozen, module = "face_liveness")]
pub(crate) struct Engine {
    engine: face_liveness::Engine,
    settings: Settings,
}

#[pymethods]
impl Engine {
    #[new]
    #[pyo3(signature = (*, default_model=None, provenance=false))]
    fn new(py: Python<'_>, default_model: Option<String>, provenance: bool) -> PyResult<Self> {
        let settings = Settings { default_model, provenance };
        let engine = py.detach(|| shared(&settings)).map_err(PyRuntimeError::new_err)?;
        Ok(Self { engine, settings })
    }

    /// Scores a request of the Liveness API: a dict, or its JSON as str or bytes.
    ///
    /// Returns the response as a dict. Raises LivenessError.
    fn detect<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = body(request)?;
        let response = py.detach(|| self.engine.detect_body(&body));
        answer(py, response)
    }

    /// Answers the body of a request as the service does: the HTTP status, and a body of JSON.
    fn detect_json<'py>(&self, py: Python<'py>, body: PyBackedBytes) -> (u16, Bound<'py, PyBytes>) {
        let answer = py.detach(|| self.engine.detect_json(&body));
        (answer.status, PyBytes::new(py, &answer.body))
    }

    /// Scores an image: the bytes of a JPEG, PNG, GIF, WebP or BMP file, or an array of uint8 and
    /// height × width × 3, in the order R, G, B.
    ///
    /// `auto_rotate` applies the Exif orientation of a file. Returns the response as a dict. Raises
    /// LivenessError.
    #[pyo3(signature = (image, *, auto_rotate=false, model=None))]
    fn detect_image<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        auto_rotate: bool,
        model: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let image = Image::extract(image)?;
        let detection = py.detach(|| image.detect(&self.engine, auto_rotate, model));
        answer(py, detection.map(|detection| detection.response))
    }

    /// Scores many images, on `threads` threads or one for each core, while other Python threads
    /// run.
    ///
    /// Returns a list in the order of the images: the response of each as a dict, or its
    /// LivenessError, which is not raised.
    #[pyo3(signature = (images, *, threads=None, auto_rotate=false, model=None))]
    fn detect_many<'py>(
        &self,
        py: Python<'py>,
        images: &Bound<'py, PyAny>,
        threads: Option<NonZeroUsize>,
        auto_rotate: bool,
        model: Option<&str>,
    ) -> PyResult<Bound<'py, PyList>> {
        let images = images.try_iter()?.map(|image| Image::extract(&image?));
        let images = images.collect::<PyResult<Vec<_>>>()?;
        let cores = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let threads = threads.unwrap_or(cores).get().min(images.len());
        let pool = ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let score = |image: &Image| image.detect(&self.engine, auto_rotate, model);
        let detections: Vec<_> =
            py.detach(|| pool.install(|| images.par_iter().map(score).collect()));
        let answers = detections.into_iter().map(|detection| match detection {
            Ok(detection) => to_dict(py, &detection.response),
            Err(error) => Ok(to_exception(py, &error)?.into_value(py).into_bound(py).into_any()),
        });
        PyList::new(py, answers.collect::<PyResult<Vec<_>>>()?)
    }

    /// The name of the model that scores a request without `model`.
    #[getter]
    fn default_model(&self) -> &str {
        self.engine.default_model()
    }

    /// The names by which requests choose a model.
    #[getter]
    fn model_names(&self) -> Vec<&str> {
        self.engine.model_names().collect()
    }

    fn __repr__(&self) -> String {
        let Settings { provenance, .. } = self.settings;
        let provenance = if provenance { ", provenance=True" } else { "" };
        format!("Engine(default_model={:?}{provenance})", self.engine.default_model())
    }

    /// The arguments, for pickle.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let arguments = PyDict::new(py);
        arguments.set_item("default_model", self.settings.default_model.as_deref())?;
        arguments.set_item("provenance", self.settings.provenance)?;
        Ok((PyTuple::empty(py), arguments))
    }
}

/// The engine of this process with these settings, or why there can be none.
fn shared(settings: &Settings) -> Result<face_liveness::Engine, String> {
    // A panic leaves the list as it was.
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, engine)) = engines.iter().find(|(known, _)| known == settings) {
        return Ok(engine.clone());
    }
    let mut builder = face_liveness::Engine::builder().provenance(settings.provenance);
    if let Some(name) = &settings.default_model {
        builder = builder.default_model(name);
    }
    let engine = builder.build().map_err(|error| with_causes(&error))?;
    engines.push((settings.clone(), engine.clone()));
    Ok(engine)
}

/// The JSON of a request.
fn body(request: &Bound<'_, PyAny>) -> PyResult<PyBackedBytes> {
    if let Ok(bytes) = request.extract() {
        return Ok(bytes);
    }
    let text = if request.is_instance_of::<PyDict>() {
        request.py().import("json")?.call_method1("dumps", (request,))?
    } else {
        request.clone()
    };
    let encoded = text.call_method1("encode", ("utf-8", "surrogatepass"));
    encoded.and_then(|bytes| Ok(bytes.extract()?)).map_err(|_| {
        let kind = request.get_type();
        PyTypeError::new_err(format!("request is a {kind}; expected dict, str or bytes"))
    })
}

fn answer(
    py: Python<'_>,
    response: Result<Response, face_liveness::Error>,
) -> PyResult<Bound<'_, PyAny>> {
    match response {
        Ok(response) => to_dict(py, &response),
        Err(error) => Err(to_exception(py, &error)?),
    }
}

fn to_dict<'py>(py: Python<'py>, response: &Response) -> PyResult<Bound<'py, PyAny>> {
    let text = serde_json::to_string(response);
    let text = text.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
    py.import("json")?.call_method1("loads", (text,))
}

fn to_exception(py: Python<'_>, error: &face_liveness::Error) -> PyResult<PyErr> {
    let detail = error.to_body().error;
    let exception = LivenessError::new_err(detail.description.clone());
    let value = exception.value(py);
    value.setattr("code", u16::from(detail.code))?;
    value.setattr("message", detail.message)?;
    value.setattr("path", error.path())?;
    value.setattr("description", detail.description)?;
    Ok(exception)
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}
