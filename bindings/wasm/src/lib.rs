#![doc = include_str!("../README.md")]
// The macro writes the glue that JavaScript calls.
#![allow(unsafe_code)]

use face_liveness::imaging::{RgbImage, ZeroizeVec};
use face_liveness::{Error, ImageSource};
use js_sys::{JSON, Object, Reflect, Uint8Array, Uint8ClampedArray};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

#[wasm_bindgen]
extern "C" {
    /// The pixels of a canvas, as the browser hands them out: R, G, B, A, row by row.
    #[wasm_bindgen(typescript_type = "ImageData | Pixels")]
    pub type Pixels;
    #[wasm_bindgen(method, getter)]
    fn data(this: &Pixels) -> Uint8ClampedArray;
    #[wasm_bindgen(method, getter)]
    fn width(this: &Pixels) -> u32;
    #[wasm_bindgen(method, getter)]
    fn height(this: &Pixels) -> u32;

    /// The body of a request.
    #[wasm_bindgen(typescript_type = "string | Uint8Array")]
    pub type Body;

    /// The options of `detectImage`.
    #[wasm_bindgen(typescript_type = "ImageOptions")]
    pub type ImageOptions;
    #[wasm_bindgen(method, getter, js_name = autoRotate)]
    fn auto_rotate(this: &ImageOptions) -> Option<bool>;

    /// An answer to a request body.
    #[wasm_bindgen(typescript_type = "JsonAnswer")]
    pub type JsonAnswer;
    /// The response for one image.
    #[wasm_bindgen(typescript_type = "LivenessResponse")]
    pub type LivenessResponse;
}

/// The detector and the built-in models, loaded once.
#[wasm_bindgen]
pub struct Engine(face_liveness::Engine);

#[wasm_bindgen]
impl Engine {
    /// Loads the networks.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Result<Self, JsError> {
        let engine = face_liveness::Engine::builder().build();
        engine.map(Self).map_err(|error| JsError::new(&with_causes(&error)))
    }

    /// Answers the body of a request, as the Liveness API does over HTTP.
    #[wasm_bindgen(js_name = detectJson)]
    pub fn detect_json(&self, body: &Body) -> Result<JsonAnswer, JsValue> {
        let body = match body.as_string() {
            Some(text) => ZeroizeVec::from(text.into_bytes()),
            None => copy(body.unchecked_ref()),
        };
        let answer = self.0.detect_json(&body);
        let object = Object::new();
        Reflect::set(&object, &"status".into(), &answer.status.into())?;
        let text = String::from_utf8_lossy(&answer.body);
        Reflect::set(&object, &"body".into(), &(&*text).into())?;
        Ok(object.unchecked_into())
    }

    /// Scores the bytes of a JPEG, PNG, GIF, WebP or BMP file.
    #[wasm_bindgen(js_name = detectImage)]
    pub fn detect_image(
        &self,
        bytes: &Uint8Array,
        options: Option<ImageOptions>,
    ) -> Result<LivenessResponse, JsValue> {
        let auto_rotate = options.and_then(|options| options.auto_rotate()).unwrap_or_default();
        self.detect(ImageSource::Encoded { bytes: &copy(bytes), auto_rotate })
    }

    /// Scores the pixels of a canvas or of a camera's frame.
    #[wasm_bindgen(js_name = detectPixels)]
    pub fn detect_pixels(&self, pixels: &Pixels) -> Result<LivenessResponse, JsValue> {
        let data = pixels.data();
        let mut rgba = vec![0; data.length() as usize];
        data.copy_to(&mut rgba);
        let image = RgbImage::from_rgba(pixels.width(), pixels.height(), rgba);
        self.detect(ImageSource::Rgb(image.map_err(JsError::from)?.view()))
    }

    fn detect(&self, image: ImageSource<'_>) -> Result<LivenessResponse, JsValue> {
        let detection = self.0.detect_image(image).map_err(|error| to_js(&error))?;
        let text = serde_json::to_string(&detection.response).map_err(JsError::from)?;
        Ok(JSON::parse(&text)?.unchecked_into())
    }
}

/// A copy in the module's memory, wiped when dropped. A `&[u8]` argument would not be.
fn copy(bytes: &Uint8Array) -> ZeroizeVec<u8> {
    let mut copy = ZeroizeVec::from(vec![0; bytes.length() as usize]);
    bytes.copy_to(&mut copy);
    copy
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A JavaScript `Error` with the fields of the contract's error.
fn to_js(error: &Error) -> JsValue {
    let detail = error.to_body().error;
    let thrown = js_sys::Error::new(&detail.description);
    thrown.set_name("LivenessError");
    // Setting a field of a new object cannot fail.
    let _ = Reflect::set(&thrown, &"code".into(), &u16::from(detail.code).into());
    thrown.into()
}
