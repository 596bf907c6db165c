//! API keys, stored as hashes and compared in constant time.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// The clients and the SHA-256 of their keys. Keys are random, so a plain hash resists dictionary
/// attacks.
pub struct Keys(Vec<(String, [u8; 32])>);

/// A file of keys, or a client name, is invalid.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// A line has another form.
    #[error("line {0} is not a NAME and the 64 hexadecimal digits of a SHA-256")]
    Line(usize),
    /// The name is empty, starts with `#` or contains white space.
    #[error("a client name must not be empty, start with # or contain white space")]
    Name,
    /// The file has no keys.
    #[error("the file has no keys")]
    Empty,
}

impl Keys {
    /// Reads lines of `NAME SHA-256`. Blank lines and lines that start with `#` are skipped.
    ///
    /// # Errors
    /// [`KeysError::Line`] and [`KeysError::Empty`].
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

    /// Makes a key of 244 random bits, and its line for the file.
    ///
    /// # Errors
    /// [`KeysError::Name`].
    pub fn make(name: &str) -> Result<(String, String), KeysError> {
        if name.is_empty() || name.starts_with('#') || name.contains(char::is_whitespace) {
            return Err(KeysError::Name);
        }
        let key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let hash: String = Sha256::digest(&key).iter().map(|byte| format!("{byte:02x}")).collect();
        Ok((key, format!("{name} {hash}\n")))
    }

    /// The client with this key. Compares every hash in full, so that the time reveals nothing.
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
            Keys::parse(&format!("# clients\n\n{line}  {other_line}")).expect("a file of two keys");
        assert_eq!(keys.client(key.as_bytes()), Some("bank"));
        assert_eq!(keys.client(other.as_bytes()), Some("wallet"));
        assert_eq!(keys.client(b""), None);
        assert_eq!(format!("{keys:?}"), r#"["bank", "wallet"]"#);
        let hash = line.strip_prefix("bank ").expect("a name and a hash");
        assert_eq!(keys.client(hash.trim().as_bytes()), None, "the hash is not the key");
    }

    #[test]
    fn an_invalid_file_is_refused_with_the_line() {
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
