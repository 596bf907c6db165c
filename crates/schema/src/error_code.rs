//! The `code` of an error body.

use serde::{Deserialize, Serialize};

/// The `code` of an error body.
///
/// The contract's list may grow. A client older than the service reads a new code as
/// [`Unknown`](Self::Unknown), which keeps the number.
///
/// ```
/// use face_liveness_schema::ErrorCode;
///
/// assert_eq!(ErrorCode::from(223), ErrorCode::NoFace);
/// assert_eq!(ErrorCode::NoFace.message(), "image_entity_not_found");
/// assert_eq!(u16::from(ErrorCode::from(299)), 299);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "u16", into = "u16")]
#[non_exhaustive]
pub enum ErrorCode {
    /// 110: a required field is absent.
    Missing,
    /// 111: a field has the wrong JSON type.
    InvalidType,
    /// 112: a field has the right type but a value that is not allowed.
    InvalidValue,
    /// 113: a field names something that does not exist.
    NotFound,
    /// 116: a value that must be unique appears more than once.
    Duplicated,
    /// 215: the image's format is not supported, it does not decode, or it exceeds a limit.
    ImageNotSupported,
    /// 219: fewer images than the model needs.
    TooFewImages,
    /// 223: no face was found.
    NoFace,
    /// 413: the body exceeds the size limit. The contract gives this case an HTTP status but no
    /// code; the status serves as both.
    BodyTooLarge,
    /// 500: the engine failed. The contract gives this case an HTTP status but no code; the status
    /// serves as both.
    Internal,
    /// Any other number. Only `ErrorCode::from` makes this variant, so a number never has two
    /// representations.
    #[non_exhaustive]
    Unknown(u16),
}

impl ErrorCode {
    /// Every code that has a name.
    pub const ALL: &'static [Self] = &[
        Self::Missing,
        Self::InvalidType,
        Self::InvalidValue,
        Self::NotFound,
        Self::Duplicated,
        Self::ImageNotSupported,
        Self::TooFewImages,
        Self::NoFace,
        Self::BodyTooLarge,
        Self::Internal,
    ];

    /// The `message` that goes with the code; `unknown` for [`Unknown`](Self::Unknown).
    #[must_use]
    pub fn message(self) -> &'static str {
        self.row().1
    }

    /// The HTTP status that goes with the code. An unknown code from 400 to 599 is its own status,
    /// like 413 and 500; other unknown codes map to 400.
    #[must_use]
    pub fn http_status(self) -> u16 {
        match u16::from(self) {
            status @ 400..=599 => status,
            _ => 400,
        }
    }

    /// The number and the message.
    fn row(self) -> (u16, &'static str) {
        match self {
            Self::Missing => (110, "body_parameter_missing"),
            Self::InvalidType => (111, "body_parameter_invalid_type"),
            Self::InvalidValue => (112, "body_parameter_invalid_value"),
            Self::NotFound => (113, "body_parameter_not_found"),
            Self::Duplicated => (116, "body_parameter_duplicated"),
            Self::ImageNotSupported => (215, "image_data_not_supported"),
            Self::TooFewImages => (219, "image_data_too_few"),
            Self::NoFace => (223, "image_entity_not_found"),
            Self::BodyTooLarge => (413, "body_too_large"),
            Self::Internal => (500, "internal_error"),
            Self::Unknown(number) => (number, "unknown"),
        }
    }
}

impl From<ErrorCode> for u16 {
    fn from(code: ErrorCode) -> Self {
        code.row().0
    }
}

impl From<u16> for ErrorCode {
    fn from(number: u16) -> Self {
        let named = Self::ALL.iter().find(|&&code| u16::from(code) == number);
        named.copied().unwrap_or(Self::Unknown(number))
    }
}

#[cfg(feature = "json-schema")]
impl schemars::JsonSchema for ErrorCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ErrorCode".into()
    }

    /// The codes with a name, and any HTTP error status.
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let numbers: Vec<_> = Self::ALL.iter().copied().map(u16::from).collect();
        schemars::json_schema!({
            "type": "integer",
            "anyOf": [{ "enum": numbers }, { "minimum": 400, "maximum": 599 }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_representation() {
        for number in 0..=u16::MAX {
            let code = ErrorCode::from(number);
            assert_eq!(u16::from(code), number);
            assert_eq!(matches!(code, ErrorCode::Unknown(_)), !ErrorCode::ALL.contains(&code));
        }
    }

    #[test]
    fn a_code_of_a_newer_version_survives_a_round_trip() {
        let code: ErrorCode = serde_json::from_str("299").expect("a number");
        assert_eq!((code, code.message()), (ErrorCode::Unknown(299), "unknown"));
        assert_eq!(serde_json::to_string(&code).expect("a number"), "299");
    }

    #[test]
    fn a_code_in_the_range_of_http_errors_is_its_own_status() {
        let statuses = [223, 299, 399, 400, 413, 429, 500, 599, 600].map(ErrorCode::from);
        assert_eq!(
            statuses.map(ErrorCode::http_status),
            [400, 400, 400, 400, 413, 429, 500, 599, 400]
        );
    }
}
