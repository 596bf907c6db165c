//! A walk through JSON that is known to be well-formed, each value as it stands in the text: no copy is made of any, and a picture's
//! characters are passed over many at a time.

use std::borrow::Cow;

use memchr::memchr2;
use serde::Deserialize;
use serde_json::value::RawValue;

/// JSON's.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\n', '\r'];

/// A place in well-formed JSON, before a value unless said otherwise.
pub(crate) struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    /// Before the value of a text that serde_json finds well-formed.
    pub(crate) fn new(text: &'a str) -> Result<Self, serde_json::Error> {
        Ok(Self::within(serde_json::from_str::<&RawValue>(text)?.get()))
    }

    /// Before a value that a cursor gave.
    pub(crate) fn within(value: &'a str) -> Self {
        Self { rest: value }
    }

    /// The first byte of what comes next.
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.bytes().next()
    }

    /// The value as it stands in the text; the cursor leaves it.
    pub(crate) fn value(&mut self) -> &'a str {
        self.take(length(self.rest.as_bytes()))
    }

    /// Before each element of an array, which `element` leaves.
    pub(crate) fn elements(&mut self, mut element: impl FnMut(&mut Self)) {
        self.take(1);
        while !matches!(self.peek(), Some(b']') | None) {
            element(self);
            self.take_comma();
        }
        self.take(1);
    }

    /// Before each value of an object, which `member` leaves, with its key.
    ///
    /// # Errors
    /// Of the last key that is no Unicode, half a surrogate pair. The cursor leaves the object all the same.
    pub(crate) fn members(
        &mut self,
        mut member: impl FnMut(&mut Self, &str),
    ) -> Result<(), serde_json::Error> {
        let mut keys = Ok(());
        self.take(1);
        while !matches!(self.peek(), Some(b'}') | None) {
            let key = serde_json::from_str::<Key<'a>>(self.value());
            self.take(1);
            match key {
                Ok(Key(key)) => member(self, &key),
                Err(error) => {
                    keys = Err(error);
                    self.value();
                }
            }
            self.take_comma();
        }
        self.take(1);
        keys
    }

    fn take_comma(&mut self) {
        if self.peek() == Some(b',') {
            self.take(1);
        }
    }

    /// So many bytes, and what white space follows them.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start_matches(WHITE_SPACE);
        taken
    }
}

/// Borrowed unless it has escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// How many bytes the value has with which a text begins; at least one, so that no walk stands still.
fn length(text: &[u8]) -> usize {
    match text.first() {
        Some(b'"') => string_length(text),
        Some(b'[' | b'{') => nested_length(text),
        _ => text.iter().position(|byte| b",]} \t\n\r".contains(byte)).unwrap_or(text.len()).max(1),
    }
}

/// How many bytes the array or object has with which a text begins, brackets included.
fn nested_length(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(byte) = text.get(at) {
        at += if *byte == b'"' { string_length(&text[at..]) } else { 1 };
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// How many bytes the string has with which a text begins, quotes included.
fn string_length(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// The value that comes next, put together from what the cursor gives.
    fn read(cursor: &mut Cursor<'_>) -> Value {
        match cursor.peek() {
            Some(b'{') => {
                let mut members = serde_json::Map::new();
                let keys =
                    cursor.members(|cursor, key| _ = members.insert(key.to_owned(), read(cursor)));
                keys.expect("Unicode");
                Value::Object(members)
            }
            Some(b'[') => {
                let mut elements = Vec::new();
                cursor.elements(|cursor| elements.push(read(cursor)));
                Value::Array(elements)
            }
            _ => serde_json::from_str(cursor.value()).expect("a whole value"),
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let text = || {
            proptest::string::string_regex(r#"[a\\"/\[\]{}:, \n\u{e9}\u{1F600}]{0,8}"#)
                .expect("a pattern")
        };
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((text(), inner), 0..5)
                    .prop_map(|members| members.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        #[cfg_attr(miri, ignore = "takes minutes there")]
        fn it_reads_what_serde_json_reads(value in json(), pretty: bool) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let text = text.expect("JSON");
            prop_assert_eq!(read(&mut Cursor::new(&text).expect("well-formed")), value);
        }
    }

    #[test]
    fn every_value_is_given_as_it_stands() {
        let text =
            r#" { "a" : [ 1 , "]\"}," , {"x":{"y":[]}} ] , "b\u0063":-1.5e3,"":null ,"d":{ } } "#;
        let mut cursor = Cursor::new(text).expect("well-formed");
        assert_eq!(cursor.peek(), Some(b'{'));
        let mut members = Vec::new();
        cursor
            .members(|cursor, key| members.push((key.to_owned(), cursor.value())))
            .expect("Unicode");
        let expected = [
            ("a", r#"[ 1 , "]\"}," , {"x":{"y":[]}} ]"#),
            ("bc", "-1.5e3"),
            ("", "null"),
            ("d", "{ }"),
        ];
        assert!(
            members.iter().map(|(key, value)| (key.as_str(), *value)).eq(expected),
            "{members:?}"
        );
        assert_eq!(cursor.peek(), None);

        let mut elements = Vec::new();
        Cursor::within(expected[0].1).elements(|cursor| elements.push(cursor.value()));
        assert_eq!(elements, ["1", r#""]\"},""#, r#"{"x":{"y":[]}}"#]);
    }

    #[test]
    fn a_key_that_is_no_unicode_is_an_error_behind_the_object() {
        let mut cursor = Cursor::new(r#"{"\ud800": 1, "a": 2}"#).expect("well-formed");
        let mut values = Vec::new();
        assert!(
            cursor.members(|cursor, key| values.push((key.to_owned(), cursor.value()))).is_err()
        );
        assert_eq!((values, cursor.peek()), (vec![("a".to_owned(), "2")], None));
    }

    #[test]
    fn what_is_not_well_formed_is_refused_and_walked_without_end_by_nobody() {
        for text in ["", "{", r#"{"a":}"#, r#"["#, r#""\"#, "[1,]", "{} {}", "nul"] {
            assert!(Cursor::new(text).is_err(), "{text}");
            let mut cursor = Cursor::within(text);
            let _ = cursor.members(|cursor, _| _ = cursor.value());
            Cursor::within(text).elements(|cursor| _ = cursor.value());
        }
    }
}
