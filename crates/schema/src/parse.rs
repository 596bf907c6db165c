//! A request body as it came: JSON to [`RequestDocument`], and on to the images that a model takes.

use std::fmt;

use crate::RequestError;
use crate::cursor::Cursor;
use crate::model_inputs::{ModelInputs, SelectedImage, select};
use crate::request::{Image, ImageData, ImageType, Request};

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
    image_type: Option<&'a str>,
    data: Option<&'a str>,
    auto_rotate: Option<&'a str>,
}

impl<'a> RequestDocument<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// 112 on `body` when it is not JSON; 110 and 111 for `images`, `autoRotate`, `model`, the images and
    /// their indexes; 116 for a field that stands twice.
    pub fn parse(body: &'a [u8]) -> Result<Self, RequestError> {
        let text = std::str::from_utf8(body)
            .map_err(|_| RequestError::invalid_value("body", "is not UTF-8"))?;
        let mut body = Cursor::new(text).map_err(|error| not_json(&error))?;
        if body.peek() != Some(b'{') {
            expect_type(body.value(), "body", Type::Object)?;
        }
        let [images, auto_rotate, model] =
            fields(&mut body, "", ["images", "autoRotate", "model"])?;

        let images = images.ok_or_else(|| RequestError::Missing { path: "images".into() })?;
        expect_type(images, "images", Type::Array)?;
        Ok(Self {
            images: ImageFields::all(images)?,
            auto_rotate: auto_rotate.map_or(Ok(false), |value| boolean(value, "autoRotate"))?,
            model: model.map(|value| string(value, "model")).transpose()?,
        })
    }

    /// The model that the body names.
    #[must_use]
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
    /// The elements of the `images` array, each checked as it is met, so that an array of a million wrong ones costs no more than its
    /// first.
    fn all(array: &'a str) -> Result<Vec<Self>, RequestError> {
        let mut images = Ok(Vec::new());
        Cursor::within(array).elements(|cursor| match &mut images {
            Ok(parsed) => match Self::parse(cursor, parsed.len()) {
                Ok(image) => parsed.push(image),
                Err(error) => images = Err(error),
            },
            Err(_) => _ = cursor.value(),
        });
        images
    }

    fn parse(cursor: &mut Cursor<'a>, place: usize) -> Result<Self, RequestError> {
        let path = format!("images[{place}]");
        if cursor.peek() != Some(b'{') {
            expect_type(cursor.value(), &path, Type::Object)?;
        }
        let names = ["index", "type", "data", "autoRotate"];
        let [index, image_type, data, auto_rotate] = fields(cursor, &format!("{path}."), names)?;
        let path = format!("{path}.index");
        let index =
            integer(index.ok_or_else(|| RequestError::Missing { path: path.clone() })?, &path)?;
        Ok(Self { index, image_type, data, auto_rotate })
    }

    fn checked(&self, place: usize) -> Result<Image<'a>, RequestError> {
        let path = |field: &str| format!("images[{place}].{field}");
        let required = |value: Option<&'a str>, field| {
            value.ok_or_else(|| RequestError::Missing { path: path(field) })
        };
        let image_type = string(required(self.image_type, "type")?, &path("type"))?;
        let data = required(self.data, "data")?;
        expect_type(data, &path("data"), Type::String)?;
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

/// The values of the named fields of the object that comes next, whose paths begin with a prefix; other fields are ignored. The
/// cursor leaves the object.
fn fields<'a, const N: usize>(
    cursor: &mut Cursor<'a>,
    prefix: &str,
    names: [&'static str; N],
) -> Result<[Option<&'a str>; N], RequestError> {
    let (mut values, mut duplicate) = ([None; N], None);
    let keys = cursor.members(|cursor, key| {
        let value = cursor.value();
        if let Some(place) = names.iter().position(|name| *name == key)
            && values[place].replace(value).is_some()
        {
            duplicate.get_or_insert(names[place]);
        }
    });
    keys.map_err(|_| RequestError::invalid_value("body", "has a key that is not Unicode"))?;
    duplicate.map_or(Ok(values), |name| {
        Err(RequestError::Duplicated {
            path: format!("{prefix}{name}"),
            problem: "stands twice in the same object".into(),
        })
    })
}

fn boolean(value: &str, path: &str) -> Result<bool, RequestError> {
    expect_type(value, path, Type::Boolean)?;
    Ok(value == "true")
}

fn string(value: &str, path: &str) -> Result<String, RequestError> {
    expect_type(value, path, Type::String)?;
    serde_json::from_str(value)
        .map_err(|_| RequestError::invalid_value(path, "is not a Unicode string"))
}

fn integer(value: &str, path: &str) -> Result<i64, RequestError> {
    expect_type(value, path, Type::Integer)?;
    value.parse().map_err(|_| RequestError::invalid_value(path, "is out of range"))
}

fn expect_type(value: &str, path: &str, expected: Type) -> Result<(), RequestError> {
    let found = Type::of(value);
    if found == expected {
        return Ok(());
    }
    Err(RequestError::InvalidType {
        path: path.to_owned(),
        expected: expected.name(),
        found: found.name(),
    })
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
    fn of(value: &str) -> Self {
        match value.as_bytes() {
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
