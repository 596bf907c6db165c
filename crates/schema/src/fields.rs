//! The named fields of a JSON object.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::RequestError;

/// Reads the named fields of an object and ignores all others.
#[derive(Clone, Copy)]
pub(crate) struct Named<const N: usize>(pub(crate) [&'static str; N]);

/// The values of the named fields, each as its JSON text, borrowed from the body.
///
/// Values stay text because serde must not see them: it unescapes strings into a buffer that it
/// does not wipe, and its messages quote values of the wrong type.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a, const N: usize> {
    values: [Option<&'a str>; N],
    fault: Option<Fault>,
}

/// Why an object is refused although its JSON is well-formed.
#[derive(Clone, Copy)]
enum Fault {
    /// A key contains half of a surrogate pair.
    KeyNotUnicode,
    /// A named field appears more than once.
    Duplicated(&'static str),
}

impl<'a, const N: usize> Fields<'a, N> {
    /// The values in the order of the names. `prefix` starts the path of each field.
    ///
    /// # Errors
    /// 112 on `body` for a key that is not Unicode; 116 for a field that appears more than once.
    pub(crate) fn values(self, prefix: &str) -> Result<[Option<&'a str>; N], RequestError> {
        match self.fault {
            None => Ok(self.values),
            Some(Fault::KeyNotUnicode) => {
                Err(RequestError::invalid_value("body", "has a key that is not Unicode"))
            }
            Some(Fault::Duplicated(name)) => Err(RequestError::Duplicated {
                path: format!("{prefix}{name}"),
                problem: "appears more than once".into(),
            }),
        }
    }
}

impl<'de, const N: usize> DeserializeSeed<'de> for Named<N> {
    type Value = Fields<'de, N>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Named<N> {
    type Value = Fields<'de, N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields { values: [None; N], fault: None };
        while let Some(key) = object.next_key::<&RawValue>()? {
            let Ok(Key(key)) = serde_json::from_str(key.get()) else {
                fields.fault = Some(Fault::KeyNotUnicode);
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let Some(place) = self.0.iter().position(|name| *name == key) else {
                object.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = object.next_value::<&RawValue>()?.get();
            if fields.values[place].replace(value).is_some() {
                fields.fault.get_or_insert(Fault::Duplicated(self.0[place]));
            }
        }
        Ok(fields)
    }
}

/// Borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn read(object: &str) -> Fields<'_, 2> {
        let mut deserializer = serde_json::Deserializer::from_str(object);
        Named(["a", "b"]).deserialize(&mut deserializer).expect("well-formed")
    }

    #[test]
    fn values_keep_their_text() {
        let fields = read(r#" { "a" : [ 1 , "]\"}," , { } ] , "c" : "b" , "\u0062" :-1.5e3} "#);
        assert_eq!(
            fields.values("").expect("no fault"),
            [Some(r#"[ 1 , "]\"}," , { } ]"#), Some("-1.5e3")]
        );
    }

    #[test]
    fn a_field_that_appears_more_than_once_is_116() {
        let error = read(r#"{"a": 1, "c": 2, "c": 3, "b": 4, "\u0062": 5}"#).values("x.");
        assert_eq!(error.expect_err("b").to_string(), "x.b appears more than once");
    }

    #[test]
    fn a_key_that_is_not_unicode_is_112_whatever_else_is_wrong() {
        for object in [r#"{"a": 1, "a": 2, "\ud800": 3}"#, r#"{"\udc00": 3, "a": 1, "a": 2}"#] {
            let error = read(object).values("").expect_err("the key");
            assert_eq!(error.to_string(), "body has a key that is not Unicode");
        }
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "takes minutes there")]
        fn values_are_those_that_serde_json_reads(
            members in prop::collection::btree_map("[ab\\\\\"é]{0,2}", json(), 0..5),
            pretty: bool,
        ) {
            let print = if pretty { serde_json::to_string_pretty } else { serde_json::to_string };
            let text = print(&members).expect("JSON");
            let values = read(&text).values("").expect("no fault");
            for (name, text) in ["a", "b"].into_iter().zip(values) {
                let value = text.map(|text| serde_json::from_str(text).expect("a whole value"));
                prop_assert_eq!(value.as_ref(), members.get(name));
            }
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[ab\\\\\"/\\[\\]{}:, \né]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ab\"]{0,2}", inner, 0..4)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }
}
