//! Parses a request body, first without regard to a model, then for the images that a model takes.
//!
//! serde_json reads every value; this module sees only its text. Image data is scanned twice: to
//! find the `images` array, and to find the fields of each image.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer};
use serde_json::value::RawValue;

use crate::RequestError;
use crate::fields::{Fields, Named};
use crate::json_type::{Type, boolean, integer, string};
use crate::model_inputs::{ModelInputs, SelectedImage, select};
use crate::request::{Image, ImageData, ImageType, Request};

/// A request body with a valid shape and valid indexes. Its images are not checked yet.
///
/// The document borrows from the body. Unknown fields are ignored. A known field that appears more
/// than once in an object is refused (116), because parsers disagree on which value counts.
///
/// ```
/// use face_liveness_schema::{ImageType, ModelInputs, RequestDocument};
///
/// let body = br#"{"images": [{"index": 0, "type": "RGB", "data": "\/9j\/4AAQ"}]}"#;
/// let document = RequestDocument::parse(body)?;
/// assert_eq!(document.model(), None);
/// let images = document.select(&ModelInputs::single(ImageType::Rgb))?;
/// assert_eq!(images[0].data.as_str(), "/9j/4AAQ");
/// # Ok::<(), face_liveness_schema::RequestError>(())
/// ```
#[derive(Clone)]
pub struct RequestDocument<'a> {
    images: Vec<ImageFields<'a>>,
    auto_rotate: bool,
    model: Option<String>,
    provenance: bool,
    quality: bool,
}

impl<'a> RequestDocument<'a> {
    /// Parses a body.
    ///
    /// # Errors
    /// 112 on `body` when it is not JSON; 110 and 111 for `images`, `autoRotate`, `model`,
    /// `provenance`, `quality`, each image and each index; 112 for an index that does not fit into
    /// 64 bits; 116 for a field that appears more than once.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| RequestError::invalid_value("body", "is not UTF-8"))?;
        // .NET and PowerShell write a byte order mark.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if !text.trim_start_matches(WHITE_SPACE).starts_with('{') {
            let value: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
            Type::Object.check(value.get(), "body")?;
        }
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let fields = Named(["images", "autoRotate", "model", "provenance", "quality"])
            .deserialize(&mut deserializer)
            .and_then(|fields| deserializer.end().map(|()| fields))
            .map_err(|error| not_json(&error))?;
        let [images, auto_rotate, model, provenance, quality] = fields.values("")?;
        let flag = |value: Option<_>, path| value.map_or(Ok(false), |value| boolean(value, path));

        let images = images.ok_or_else(|| RequestError::Missing { path: "images".into() })?;
        Type::Array.check(images, "images")?;
        Ok(Self {
            images: ImageFields::parse_all(images)?,
            auto_rotate: flag(auto_rotate, "autoRotate")?,
            model: model.map(|value| string(value, "model")).transpose()?,
            provenance: flag(provenance, "provenance")?,
            quality: flag(quality, "quality")?,
        })
    }

    /// The model that the body names.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Whether the response should say what it was made from.
    #[must_use]
    pub fn wants_provenance(&self) -> bool {
        self.provenance
    }

    /// Whether the response should have measures of the face.
    #[must_use]
    pub fn wants_quality(&self) -> bool {
        self.quality
    }

    /// The images that a model takes, in the order of their indexes. Other images are ignored;
    /// their fields may hold anything.
    ///
    /// # Errors
    /// The errors of [`Request::select`]; 110 and 111 for the fields of the selected images.
    pub fn select(&self, inputs: &ModelInputs) -> Result<Vec<SelectedImage<'a>>, RequestError> {
        let indexes: Vec<_> = self.images.iter().map(|image| image.index).collect();
        select(&indexes, inputs, self.auto_rotate, |place| self.images[place].checked(place))
    }
}

impl fmt::Debug for RequestDocument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestDocument({} images)", self.images.len())
    }
}

impl<'a> Request<'a> {
    /// Parses a body without regard to a model: every image needs all of its required fields.
    ///
    /// # Errors
    /// The errors of [`RequestDocument::parse`]; 110 and 111 for the fields of every image.
    pub fn from_json(body: &'a [u8]) -> Result<Self, RequestError> {
        let document = RequestDocument::parse(body)?;
        let RequestDocument { images, auto_rotate, model, provenance, quality } = document;
        let images = images.iter().enumerate().map(|(place, image)| image.checked(place));
        let images = images.collect::<Result<_, _>>()?;
        Ok(Self { images, auto_rotate, model, provenance, quality })
    }
}

/// The fields of an image. Only the index is checked: the model may ignore the image.
#[derive(Clone)]
struct ImageFields<'a> {
    index: i64,
    image_type: Option<&'a str>,
    data: Option<&'a str>,
    auto_rotate: Option<&'a str>,
}

impl<'a> ImageFields<'a> {
    /// Parses the elements of a well-formed array up to the first faulty one, so that a million
    /// faulty elements cost no more than one.
    fn parse_all(array: &'a str) -> Result<Vec<Self>, RequestError> {
        let mut images = Vec::new();
        let mut rest = array[1..].trim_start_matches(BETWEEN_ELEMENTS);
        while !rest.starts_with(']') {
            let (image, length) = Self::parse(rest, images.len())?;
            images.push(image);
            rest = rest[length..].trim_start_matches(BETWEEN_ELEMENTS);
        }
        Ok(images)
    }

    /// Parses the element at the start of the text. Also returns its length in bytes.
    fn parse(text: &'a str, place: usize) -> Result<(Self, usize), RequestError> {
        let path = format!("images[{place}]");
        if !text.starts_with('{') {
            let (value, _) = first_value::<&RawValue>(text)?;
            Type::Object.check(value.get(), &path)?;
        }
        let (ImageObject(fields), length) = first_value(text)?;
        let [index, image_type, data, auto_rotate] = fields.values(&format!("{path}."))?;
        let path = format!("{path}.index");
        let index = index.ok_or_else(|| RequestError::Missing { path: path.clone() })?;
        let index = integer(index, &path)?;
        Ok((Self { index, image_type, data, auto_rotate }, length))
    }

    fn checked(&self, place: usize) -> Result<Image<'a>, RequestError> {
        let path = |field: &str| format!("images[{place}].{field}");
        let required = |value: Option<&'a str>, field| {
            value.ok_or_else(|| RequestError::Missing { path: path(field) })
        };
        let image_type = string(required(self.image_type, "type")?, &path("type"))?;
        let data = required(self.data, "data")?;
        Type::String.check(data, &path("data"))?;
        Ok(Image {
            index: self.index,
            image_type: ImageType::from(image_type.as_str()),
            data: ImageData::from_json_string(data),
            auto_rotate: self
                .auto_rotate
                .map(|value| boolean(value, &path("autoRotate")))
                .transpose()?,
        })
    }
}

struct ImageObject<'a>(Fields<'a, 4>);

impl<'de> Deserialize<'de> for ImageObject<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Named(["index", "type", "data", "autoRotate"]).deserialize(deserializer).map(Self)
    }
}

/// The value at the start of a well-formed text, and its length in bytes.
fn first_value<'a, T: Deserialize<'a>>(text: &'a str) -> Result<(T, usize), RequestError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    match values.next() {
        Some(Ok(value)) => Ok((value, values.byte_offset())),
        _ => Err(RequestError::invalid_value("body", "is not valid JSON")),
    }
}

/// serde_json's own message is dropped, because it may quote the value that it rejects.
fn not_json(error: &serde_json::Error) -> RequestError {
    let problem = format!("is not valid JSON (line {}, column {})", error.line(), error.column());
    RequestError::invalid_value("body", problem)
}

/// The white space of JSON.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
const BETWEEN_ELEMENTS: [char; 5] = [',', ' ', '\t', '\n', '\r'];

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> String {
        RequestDocument::parse(body.as_bytes()).expect_err(body).to_string()
    }

    #[test]
    fn white_space_is_allowed_between_all_tokens() {
        let body = "\t{ \"images\" : [ { \"index\" : 1 } ,\r\n{\"index\":0}\n] , \"x\" : { } } \n";
        let document = RequestDocument::parse(body.as_bytes()).expect("valid");
        assert!(document.images.iter().map(|image| image.index).eq([1, 0]));
    }

    #[test]
    fn one_byte_order_mark_is_skipped() {
        let body = "\u{feff}{ \"images\": [{ \"index\": 0 }] }";
        assert!(RequestDocument::parse(body.as_bytes()).is_ok());
        assert!(error(&format!("\u{feff}{body}")).starts_with("body is not valid JSON"));
    }

    #[test]
    fn malformed_json_is_112_on_body_whatever_else_is_wrong() {
        for body in [
            "",
            "nul",
            "[1,]",
            "{} {}",
            r#"{"images": 1, "images": 2"#,
            r#"{"images": [5, {"index": 0}}"#,
            r#"{"images": [{"index": 0},]}"#,
            r#"{"images": [{"index": 0} {"index": 1}]}"#,
            r#"{"images": [{"index": 0}, , {"index": 1}]}"#,
            r#"{"images": [{"index": 0, "data": "\x"}]}"#,
            r#"{"images": [{"index": 0, "data": "\ud80"}]}"#,
            "{\"images\": [{\"index\": 0, \"data\": \"\n\"}]}",
        ] {
            let error = error(body);
            assert!(error.starts_with("body is not valid JSON (line "), "{body}: {error}");
        }
    }

    #[test]
    fn nesting_is_read_without_recursion() {
        // serde_json refuses 128 levels where it recurses.
        let nested = "[".repeat(10_000) + &"]".repeat(10_000);
        let body = format!(r#"{{"images": [{{"index": 0, "x": {nested}}}], "x": {nested}}}"#);
        assert!(RequestDocument::parse(body.as_bytes()).is_ok());
    }

    #[test]
    fn the_first_faulty_image_is_named() {
        for (images, expected) in [
            (r#"[{"index": 0}, "no image", 7]"#, "images[1] must be an object, not a string"),
            (r#"[{"index": 0}, 7, {}]"#, "images[1] must be an object, not an integer"),
            (r#"[7, 0.5]"#, "images[0] must be an object, not an integer"),
            (r#"[0.5, 7]"#, "images[0] must be an object, not a number"),
            (r#"[[{"index": 0}]]"#, "images[0] must be an object, not an array"),
            (r#"[{"index": 0}, {}, null]"#, "images[1].index is missing"),
            (r#"{"index": 0}"#, "images must be an array, not an object"),
        ] {
            assert_eq!(error(&format!(r#"{{"images": {images}}}"#)), expected);
        }
    }
}
