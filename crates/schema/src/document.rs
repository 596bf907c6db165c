//! A request body as it came: JSON to [`RequestDocument`], and on to the images that a model takes.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::RequestError;
use crate::request::{Image, ImageData, ImageType, Request};
use crate::select::{ModelInputs, SelectedImage, select};

/// JSON's.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A request body whose shape and indexes are checked, and whose images are not yet.
///
/// It borrows from the body. Fields that the contract does not know are ignored; a known field that
/// stands twice in one object is refused (116), since parsers differ in which of the two they believe.
#[derive(Clone)]
pub struct RequestDocument<'a> {
    images: Vec<ImageFields<'a>>,
    auto_rotate: bool,
    model: Option<String>,
}

#[derive(Clone)]
struct ImageFields<'a> {
    index: i64,
    image_type: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    auto_rotate: Option<&'a RawValue>,
}

impl<'a> RequestDocument<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// 112 on `body` when it is not JSON; 110 and 111 for `images`, `autoRotate`, `model`, the images and
    /// their indexes; 116 for a field that stands twice.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let text =
            std::str::from_utf8(body).map_err(|_| RequestError::invalid_value("body", "is not UTF-8"))?;
        if !text.trim_start_matches(WHITE_SPACE).starts_with('{') {
            let body: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
            expect_type(body, "body", Type::Object)?;
        }
        let [images, auto_rotate, model] = fields(text, "", ["images", "autoRotate", "model"])?;

        let images = images.ok_or_else(|| RequestError::Missing { path: "images".into() })?;
        expect_type(images, "images", Type::Array)?;
        let images = serde_json::from_str::<Images<'a>>(images.get()).map_err(|error| not_json(&error))?;
        Ok(Self {
            images: images.0?,
            auto_rotate: auto_rotate.map_or(Ok(false), |value| boolean(value, "autoRotate"))?,
            model: model.map(|value| string(value, "model")).transpose()?,
        })
    }

    /// The model that the body names.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// The images that a model takes, in the order of their indexes; the others are ignored, whatever
    /// they hold.
    ///
    /// # Errors
    /// Those of [`Request::select`], and 110 and 111 for the fields of the images taken.
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
    /// Reads a body without regard to a model: every image must have all of its fields.
    ///
    /// # Errors
    /// Those of [`RequestDocument::parse`], and 110 and 111 for the fields of any image.
    pub fn from_json(body: &'a [u8]) -> Result<Self, RequestError> {
        let RequestDocument { images, auto_rotate, model } = RequestDocument::parse(body)?;
        let images = images.iter().enumerate().map(|(place, image)| image.checked(place));
        Ok(Self { images: images.collect::<Result<_, _>>()?, auto_rotate, model })
    }
}

impl<'a> ImageFields<'a> {
    fn parse(value: &'a RawValue, place: usize) -> Result<Self, RequestError> {
        let path = format!("images[{place}]");
        let names = ["index", "type", "data", "autoRotate"];
        expect_type(value, &path, Type::Object)?;
        let [index, image_type, data, auto_rotate] = fields(value.get(), &format!("{path}."), names)?;
        let path = format!("{path}.index");
        let index = integer(index.ok_or_else(|| RequestError::Missing { path: path.clone() })?, &path)?;
        Ok(Self { index, image_type, data, auto_rotate })
    }

    fn checked(&self, place: usize) -> Result<Image<'a>, RequestError> {
        let path = |field: &str| format!("images[{place}].{field}");
        let required = |value: Option<&'a RawValue>, field| {
            value.ok_or_else(|| RequestError::Missing { path: path(field) })
        };
        let image_type = string(required(self.image_type, "type")?, &path("type"))?;
        let data = required(self.data, "data")?;
        expect_type(data, &path("data"), Type::String)?;
        Ok(Image {
            index: self.index,
            image_type: ImageType::from(image_type.as_str()),
            data: ImageData::from_json_string(data.get()),
            auto_rotate: self.auto_rotate.map(|value| boolean(value, &path("autoRotate"))).transpose()?,
        })
    }
}

/// The elements of the `images` array, each parsed as it is met, so that an array of a million wrong
/// ones costs no more than its first.
struct Images<'a>(Result<Vec<ImageFields<'a>>, RequestError>);

impl<'de> Deserialize<'de> for Images<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = Images<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let mut images = Vec::new();
                while let Some(value) = elements.next_element::<&'de RawValue>()? {
                    match ImageFields::parse(value, images.len()) {
                        Ok(image) => images.push(image),
                        Err(error) => {
                            while elements.next_element::<IgnoredAny>()?.is_some() {}
                            return Ok(Images(Err(error)));
                        }
                    }
                }
                Ok(Images(Ok(images)))
            }
        }

        deserializer.deserialize_seq(Elements)
    }
}

/// The values of the named fields of an object, whose paths begin with a prefix; other fields are ignored.
fn fields<'a, const N: usize>(
    object: &'a str,
    prefix: &str,
    names: [&'static str; N],
) -> Result<[Option<&'a RawValue>; N], RequestError> {
    struct Fields<const N: usize>([&'static str; N]);

    impl<'de, const N: usize> Visitor<'de> for Fields<N> {
        type Value = Result<[Option<&'de RawValue>; N], &'static str>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = [None; N];
            let mut duplicate = None;
            while let Some(Key(key)) = map.next_key()? {
                let Some(i) = self.0.iter().position(|name| *name == key) else {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                };
                if values[i].replace(map.next_value()?).is_some() {
                    duplicate.get_or_insert(self.0[i]);
                }
            }
            Ok(duplicate.map_or(Ok(values), Err))
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(object);
    let values = deserializer.deserialize_map(Fields(names)).map_err(|error| not_json(&error))?;
    deserializer.end().map_err(|error| not_json(&error))?;
    values.map_err(|name| RequestError::Duplicated {
        path: format!("{prefix}{name}"),
        problem: "stands twice in the same object".into(),
    })
}

/// An object's key, borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

fn boolean(value: &RawValue, path: &str) -> Result<bool, RequestError> {
    expect_type(value, path, Type::Boolean)?;
    Ok(value.get() == "true")
}

fn string(value: &RawValue, path: &str) -> Result<String, RequestError> {
    expect_type(value, path, Type::String)?;
    serde_json::from_str(value.get())
        .map_err(|_| RequestError::invalid_value(path, "is not a Unicode string"))
}

fn integer(value: &RawValue, path: &str) -> Result<i64, RequestError> {
    expect_type(value, path, Type::Integer)?;
    value.get().parse().map_err(|_| RequestError::invalid_value(path, "is out of range"))
}

fn expect_type(value: &RawValue, path: &str, expected: Type) -> Result<(), RequestError> {
    let found = Type::of(value);
    if found == expected {
        return Ok(());
    }
    Err(RequestError::InvalidType { path: path.to_owned(), expected: expected.name(), found: found.name() })
}

/// The type of a JSON value, with integers apart from other numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    fn of(value: &RawValue) -> Self {
        match value.get().as_bytes() {
            [b'n', ..] => Self::Null,
            [b't' | b'f', ..] => Self::Boolean,
            [b'"', ..] => Self::String,
            [b'[', ..] => Self::Array,
            [b'{', ..] => Self::Object,
            digits if digits.iter().any(|byte| matches!(byte, b'.' | b'e' | b'E')) => Self::Number,
            _ => Self::Integer,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Number => "a number",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// serde_json's own words are left out: some of them quote what they reject.
fn not_json(error: &serde_json::Error) -> RequestError {
    let problem = format!("is not valid JSON (line {}, column {})", error.line(), error.column());
    RequestError::invalid_value("body", problem)
}
