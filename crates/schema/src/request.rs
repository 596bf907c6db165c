//! A request: the images of one capture and how to treat them.

use std::borrow::Cow;
use std::fmt;

use serde::{Serialize, Serializer};
use zeroize::Zeroize;

/// A request to score one capture.
///
/// A caller in the same process builds one. A service parses a body with
/// [`RequestDocument`](crate::RequestDocument), or with [`Request::from_json`] when it does not know
/// the models.
///
/// ```
/// use face_liveness_schema::{Image, Request};
///
/// let request = Request::new([Image::rgb(0, "/9j/4AAQ")]).with_auto_rotate(true);
/// let body = serde_json::to_string(&request)?;
/// assert_eq!(
///     body,
///     r#"{"images":[{"index":0,"type":"RGB","data":"/9j/4AAQ"}],"autoRotate":true}"#
/// );
/// assert_eq!(Request::from_json(body.as_bytes())?, request);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(description = "A request to score one capture."))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Request<'a> {
    /// The images of the capture, in any order; their indexes order them.
    pub images: Vec<Image<'a>>,
    /// Apply each image's Exif orientation before anything else.
    #[serde(default)]
    pub auto_rotate: bool,
    /// The liveness model to use; the engine's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "String"))]
    pub model: Option<String>,
    /// Whether the response should say what it was made from: see
    /// [`Provenance`](crate::Provenance). Not in the vendor's contract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(
        feature = "json-schema",
        schemars(description = "Whether the response should say what it was made from.")
    )]
    pub provenance: bool,
    /// Whether the response should have measures of the face: see [`Quality`](crate::Quality). Not
    /// in the vendor's contract.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(
        feature = "json-schema",
        schemars(description = "Whether the response should have measures of the face.")
    )]
    pub quality: bool,
}

impl<'a> Request<'a> {
    /// A request for the default model, without `autoRotate`, `provenance` and `quality`.
    pub fn new(images: impl IntoIterator<Item = Image<'a>>) -> Self {
        let images = images.into_iter().collect();
        Self { images, auto_rotate: false, model: None, provenance: false, quality: false }
    }

    /// Sets whether Exif orientations are applied.
    #[must_use]
    pub fn with_auto_rotate(mut self, auto_rotate: bool) -> Self {
        self.auto_rotate = auto_rotate;
        self
    }

    /// Names the liveness model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Sets whether the response says what it was made from.
    #[must_use]
    pub fn with_provenance(mut self, provenance: bool) -> Self {
        self.provenance = provenance;
        self
    }

    /// Sets whether the response has measures of the face.
    #[must_use]
    pub fn with_quality(mut self, quality: bool) -> Self {
        self.quality = quality;
        self
    }
}

/// One image of a [`Request`].
///
/// ```
/// use face_liveness_schema::{Image, ImageType};
///
/// let image = Image::new(0, "RGB", "/9j/4AAQ").with_auto_rotate(true);
/// assert_eq!(image.image_type, ImageType::Rgb);
/// assert_eq!(image.auto_rotate, Some(true));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "json-schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "json-schema", schemars(description = "One image of a request."))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Image<'a> {
    /// Counts 0, 1, 2 … and orders the images.
    #[cfg_attr(feature = "json-schema", schemars(range(min = 0)))]
    pub index: i64,
    /// The camera that took it.
    #[serde(rename = "type")]
    pub image_type: ImageType,
    /// The encoded image, in base64.
    pub data: ImageData<'a>,
    /// Overrides the request's `autoRotate` for this image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "json-schema", schemars(with = "bool"))]
    pub auto_rotate: Option<bool>,
}

impl<'a> Image<'a> {
    /// An image of a type that a model takes.
    pub fn new(
        index: i64,
        image_type: impl Into<ImageType>,
        data: impl Into<ImageData<'a>>,
    ) -> Self {
        Self { index, image_type: image_type.into(), data: data.into(), auto_rotate: None }
    }

    /// A colour image from an RGB camera.
    pub fn rgb(index: i64, data: impl Into<ImageData<'a>>) -> Self {
        Self::new(index, ImageType::Rgb, data)
    }

    /// Overrides the request's `autoRotate` for this image.
    #[must_use]
    pub fn with_auto_rotate(mut self, auto_rotate: bool) -> Self {
        self.auto_rotate = Some(auto_rotate);
        self
    }
}

/// The camera that took an image. The list grows with new models.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ImageType {
    /// `RGB`: a colour image from an RGB camera.
    Rgb,
    /// Any other name; a custom model may take it. Only `ImageType::from` makes this variant, so a
    /// name never has two representations.
    #[non_exhaustive]
    Other(String),
}

impl ImageType {
    /// The name on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Rgb => "RGB",
            Self::Other(name) => name,
        }
    }
}

impl From<&str> for ImageType {
    fn from(name: &str) -> Self {
        match name {
            "RGB" => Self::Rgb,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl Serialize for ImageType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ImageType {
    fn schema_name() -> Cow<'static, str> {
        "ImageType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "examples": ["RGB"] })
    }
}

/// The base64 text of an encoded image.
///
/// Borrowed from the body where possible. An owned copy is wiped when dropped. `Debug` shows the
/// length only:
///
/// ```
/// use face_liveness_schema::ImageData;
///
/// let data = ImageData::from("/9j/4AAQ");
/// assert_eq!(format!("{data:?}"), "ImageData(8 characters)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ImageData<'a>(Cow<'a, str>);

impl<'a> ImageData<'a> {
    /// The text, as the client wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same text without a copy.
    pub(crate) fn borrowed(&self) -> ImageData<'_> {
        ImageData(Cow::Borrowed(&self.0))
    }

    /// Reads a well-formed JSON string, quotes included.
    ///
    /// serde_json would unescape into a buffer that it does not wipe. Most PHP and .NET clients
    /// escape `/` or `+`, so that buffer would hold the whole image.
    pub(crate) fn from_json_string(quoted: &'a str) -> Self {
        let mut rest = &quoted[1..quoted.len() - 1];
        let escape = |text: &str| memchr::memchr(b'\\', text.as_bytes());
        if escape(rest).is_none() {
            return Self(Cow::Borrowed(rest));
        }
        // Unescaping never lengthens the text, so this never reallocates and leaves no stale copy.
        let mut plain = String::with_capacity(rest.len());
        while let Some(at) = escape(rest) {
            plain.push_str(&rest[..at]);
            let mut escaped = rest[at + 1..].chars();
            plain.push(unescape(&mut escaped));
            rest = escaped.as_str();
        }
        plain.push_str(rest);
        Self(Cow::Owned(plain))
    }
}

/// The character that an escape stands for, read from after its backslash. Half of a surrogate pair
/// becomes U+FFFD, which is not base64 either.
fn unescape(rest: &mut std::str::Chars<'_>) -> char {
    match rest.next() {
        Some('b') => '\u{8}',
        Some('f') => '\u{c}',
        Some('n') => '\n',
        Some('r') => '\r',
        Some('t') => '\t',
        Some('u') => {
            let code =
                rest.by_ref().take(4).fold(0, |code, c| code << 4 | c.to_digit(16).unwrap_or(0));
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(c) => c,
        None => char::REPLACEMENT_CHARACTER,
    }
}

impl<'a> From<&'a str> for ImageData<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<String> for ImageData<'_> {
    fn from(text: String) -> Self {
        Self(Cow::Owned(text))
    }
}

impl Drop for ImageData<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            // Spare capacity is wiped in large blocks; `String::zeroize` writes byte by byte.
            let mut bytes = std::mem::take(text).into_bytes();
            bytes.clear();
            bytes.spare_capacity_mut().zeroize();
        }
    }
}

impl fmt::Debug for ImageData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageData({} characters)", self.0.len())
    }
}

impl Serialize for ImageData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ImageData<'_> {
    fn schema_name() -> Cow<'static, str> {
        "ImageData".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "contentEncoding": "base64",
            "description": "A JPEG, PNG, GIF (first frame), WebP or BMP file in base64",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_read_and_plain_text_is_borrowed() {
        let plain = ImageData::from_json_string(r#""/9j+AAQ=""#);
        assert!(matches!(plain.0, Cow::Borrowed("/9j+AAQ=")));
        let escaped = ImageData::from_json_string(r#""\/9j\u002BAA\nQ\u003d\"\\\ud800\b\f\r\t""#);
        assert_eq!(escaped.as_str(), "/9j+AA\nQ=\"\\\u{fffd}\u{8}\u{c}\r\t");
    }

    #[test]
    fn debug_shows_no_image_data() {
        let request = Request::new([Image::rgb(0, "SECRETSECRET".to_owned())]);
        assert!(!format!("{request:?}").contains("SECRET"));
        assert!(format!("{request:?}").contains("12 characters"));
    }
}
