//! API keys: known by their hashes alone, compared in constant time.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The clients that may ask, with the SHA-256 of each one's key. Keys are random, so a plain hash cannot be searched.
pub struct Keys(Vec<(String, [u8; 32])>);

/// Why a file of keys cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// A line is something else.
    #[error("line {0} is not NAME and the 64 hexadecimal digits of a SHA-256")]
    Line(usize),
    /// A client's name is empty, begins with `#` or has white space in it.
    #[error("a client's name has no white space and does not begin with #")]
    Name,
    /// There is no key in it.
    #[error("it holds no key")]
    Empty,
}

impl Keys {
    /// Reads lines of `NAME SHA-256`; blank ones and those that begin with `#` are passed over.
    ///
    /// # Errors
    /// When a line is something else, or there is none.
    ///
    /// ```
    /// use face_liveness_service::Keys;
    ///
    /// let (key, line) = Keys::make("wallet")?;
    /// let keys = Keys::parse(&line)?;
    /// assert_eq!(keys.client(key.as_bytes()), Some("wallet"));
    /// assert_eq!(keys.client(b"guessed"), None);
    /// # Ok::<(), face_liveness_service::KeysError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let mut keys = Vec::new();
        for (index, line) in text.lines().map(str::trim).enumerate() {
            if !line.is_empty() && !line.starts_with('#') {
                keys.push(parse_line(line).ok_or(KeysError::Line(index + 1))?);
            }
        }
        if keys.is_empty() { Err(KeysError::Empty) } else { Ok(Self(keys)) }
    }

    /// A new key of 244 random bits, and its line.
    ///
    /// # Errors
    /// When the name is none.
    pub fn make(name: &str) -> Result<(String, String), KeysError> {
        if name.is_empty() || name.starts_with('#') || name.contains(char::is_whitespace) {
            return Err(KeysError::Name);
        }
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let hash: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((key, format!("{name} {hash}\n")))
    }

    /// Whose key it is. Every hash is compared, each in full, so that the time says nothing.
    pub fn client(&self, key: &[u8]) -> Option<&str> {
        let hash: [u8; 32] = Sha256::digest(key).into();
        let mut client = None;
        for (name, known) in &self.0 {
            if bool::from(known.ct_eq(&hash)) {
                client = Some(name.as_str());
            }
        }
        client
    }
}

fn parse_line(line: &str) -> Option<(String, [u8; 32])> {
    let (name, digits) = line.split_once(char::is_whitespace)?;
    let digits = digits.trim_start();
    let mut hash = [0; 32];
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some((name.to_owned(), hash))
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_keys_is_read_line_by_line() {
        let (key, line) = Keys::make("bank").expect("a name");
        let (other, other_line) = Keys::make("wallet").expect("a name");
        let keys =
            Keys::parse(&format!("# whose\n\n{line}  {other_line}")).expect("a file of two keys");
        assert_eq!(keys.client(key.as_bytes()), Some("bank"));
        assert_eq!(keys.client(other.as_bytes()), Some("wallet"));
        assert_eq!(keys.client(b""), None);
        assert_eq!(format!("{keys:?}"), r#"["bank", "wallet"]"#);
        let hash = line.strip_prefix("bank ").expect("a name and a hash");
        assert_eq!(keys.client(hash.trim().as_bytes()), None, "the hash is not the key");
    }

    #[test]
    fn a_file_that_is_none_says_where() {
        for text in ["", "# nothing\n"] {
            assert_eq!(Keys::parse(text).err(), Some(KeysError::Empty));
        }
        let digits = "0".repeat(64);
        for line in [
            "bank",
            "bank 00",
            &digits,
            &format!("bank {digits}0"),
            &format!("bank +{}", &digits[1..]),
        ] {
            assert_eq!(Keys::parse(&format!("\n{line}")).err(), Some(KeysError::Line(2)), "{line}");
        }
    }
}
