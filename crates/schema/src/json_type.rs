//! Parses the JSON text of one value, or returns the error that names its type.

use crate::RequestError;

/// Reads a boolean.
///
/// # Errors
/// 111 for another type.
pub(crate) fn boolean(value: &str, path: &str) -> Result<bool, RequestError> {
    Type::Boolean.check(value, path)?;
    Ok(value == "true")
}

/// Reads a string. Image data has its own reader, which wipes its copies.
///
/// # Errors
/// 111 for another type, 112 for half of a surrogate pair.
pub(crate) fn string(value: &str, path: &str) -> Result<String, RequestError> {
    Type::String.check(value, path)?;
    serde_json::from_str(value)
        .map_err(|_| RequestError::invalid_value(path, "is not a Unicode string"))
}

/// Reads an integer.
///
/// # Errors
/// 111 for another type, 112 for an integer that does not fit into 64 bits.
pub(crate) fn integer(value: &str, path: &str) -> Result<i64, RequestError> {
    Type::Integer.check(value, path)?;
    value.parse().map_err(|_| RequestError::invalid_value(path, "is out of range"))
}

/// The type of a JSON value. Integers are distinct from other numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Type {
    /// Checks the type of a value.
    ///
    /// # Errors
    /// 111 for another type.
    pub(crate) fn check(self, value: &str, path: &str) -> Result<(), RequestError> {
        let found = Self::of(value);
        if found == self {
            return Ok(());
        }
        Err(RequestError::InvalidType {
            path: path.to_owned(),
            expected: self.name(),
            found: found.name(),
        })
    }

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
