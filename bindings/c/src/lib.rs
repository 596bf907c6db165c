#![doc = include_str!("../README.md")]
// Pointers from C.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::slice;

use face_liveness::{Engine, Error, JsonAnswer};

/// A detector and liveness models, loaded once. Any number of threads may use one at a time.
pub struct FaceLivenessEngine(Engine);

/// An answer. Free it with `face_liveness_free_answer`.
#[repr(C)]
pub struct FaceLivenessAnswer {
    /// As over HTTP: 200, 400, 413 or 500. 0 for a null pointer, and when the engine could not
    /// answer; then there is no body.
    pub status: u16,
    /// JSON in UTF-8, without a terminating zero.
    pub body: *mut u8,
    /// The length of the body in bytes.
    pub length: usize,
}

/// Loads the networks. Returns null when it fails.
#[unsafe(no_mangle)]
pub extern "C" fn face_liveness_create() -> *mut FaceLivenessEngine {
    match catch_unwind(|| Engine::builder().build()) {
        Ok(Ok(engine)) => Box::into_raw(Box::new(FaceLivenessEngine(engine))),
        _ => ptr::null_mut(),
    }
}

/// Answers the body of a request, `length` bytes of JSON, as the Liveness API does over HTTP. Reads
/// nothing of a body that is longer than the limit of 5,000,000 bytes, which is answered with 413.
///
/// # Safety
/// `engine` is null or comes from `face_liveness_create` and has not been freed. `body` is null or
/// points to `length` bytes that do not change meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_liveness_detect(
    engine: *const FaceLivenessEngine,
    body: *const u8,
    length: usize,
) -> FaceLivenessAnswer {
    // SAFETY: it is null, or a live engine.
    let Some(FaceLivenessEngine(engine)) = (unsafe { engine.as_ref() }) else {
        return FaceLivenessAnswer::NONE;
    };
    if body.is_null() && length > 0 {
        return FaceLivenessAnswer::NONE;
    }
    let limit = engine.limits().max_body_bytes;
    let answer = catch_unwind(AssertUnwindSafe(|| {
        if length > limit {
            return JsonAnswer::from(Err(Error::BodyTooLarge { length, limit }));
        }
        let body = if length == 0 {
            &[]
        } else {
            // SAFETY: it is not null, and points to that many bytes, far fewer than `isize::MAX`.
            unsafe { slice::from_raw_parts(body, length) }
        };
        engine.detect_json(body)
    }));
    answer.map_or(FaceLivenessAnswer::NONE, FaceLivenessAnswer::from)
}

/// Frees the body of an answer and sets its fields to zero, so that a second call does nothing.
///
/// # Safety
/// `answer` is null, or points to an answer of `face_liveness_detect` of which no copy has been
/// freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_liveness_free_answer(answer: *mut FaceLivenessAnswer) {
    // SAFETY: it is null, or an answer.
    let Some(answer) = (unsafe { answer.as_mut() }) else { return };
    let FaceLivenessAnswer { body, length, .. } =
        std::mem::replace(answer, FaceLivenessAnswer::NONE);
    if !body.is_null() {
        // SAFETY: `from` made both from a boxed slice.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(body, length)) });
    }
}

/// Frees an engine and sets the pointer to null, so that a second call does nothing.
///
/// # Safety
/// `engine` is null, or points to null or to an engine that no other thread uses and of which no
/// copy has been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn face_liveness_free(engine: *mut *mut FaceLivenessEngine) {
    // SAFETY: it is null, or a pointer.
    let Some(engine) = (unsafe { engine.as_mut() }) else { return };
    let engine = std::mem::replace(engine, ptr::null_mut());
    if !engine.is_null() {
        // SAFETY: `face_liveness_create` made it from a box.
        drop(unsafe { Box::from_raw(engine) });
    }
}

impl FaceLivenessAnswer {
    const NONE: Self = Self { status: 0, body: ptr::null_mut(), length: 0 };
}

impl From<JsonAnswer> for FaceLivenessAnswer {
    fn from(answer: JsonAnswer) -> Self {
        let body = Box::leak(answer.body.into_boxed_slice());
        Self { status: answer.status, length: body.len(), body: body.as_mut_ptr() }
    }
}
