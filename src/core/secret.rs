//! Values that must not be shown.

use std::fmt;
use std::hint::black_box;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A password, key or token: printed as `[redacted]`, compared in constant time, wiped from memory when dropped.
///
/// Meant for `String`, `Vec<u8>` and `[u8; N]`. There is no `Display` and no `Serialize`, so that neither a format string nor a
/// configuration dump can show the value; the only way to it is [`expose`](Secret::expose), which one search through the code finds.
///
/// Wiping reaches the value alone: a `String` that grew before it was wrapped, or an array that was moved, may have left copies.
/// Two secrets are compared in time that depends on their length only; the length itself is not hidden.
///
/// With the feature `serde` it can be read from a configuration, and an error of doing so does not quote the value.
///
/// # Example
///
/// ```
/// use tower_security::core::Secret;
///
/// let password = Secret::new(String::from("correct horse"));
/// assert_eq!(format!("{password:?}"), "[redacted]");
/// assert_eq!(password.expose(), "correct horse");
/// assert!(password != Secret::from("battery staple"));
/// ```
///
/// ```compile_fail,E0277
/// # use tower_security::core::Secret;
/// println!("{}", Secret::from("correct horse"));
/// ```
#[derive(Clone)]
pub struct Secret<T: Zeroize>(T);

impl<T: Zeroize> Secret<T> {
    /// Takes `value` into custody.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// Shows the value.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl From<&str> for Secret<String> {
    fn from(value: &str) -> Self {
        Self::new(value.to_owned())
    }
}

impl<const N: usize> From<[u8; N]> for Secret<Vec<u8>> {
    fn from(mut value: [u8; N]) -> Self {
        let kept = Self::new(value.to_vec());
        value.zeroize();
        kept
    }
}

impl<const N: usize> From<&[u8; N]> for Secret<Vec<u8>> {
    fn from(value: &[u8; N]) -> Self {
        Self::new(value.to_vec())
    }
}

impl From<&[u8]> for Secret<Vec<u8>> {
    fn from(value: &[u8]) -> Self {
        Self::new(value.to_vec())
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_ref(), other.0.as_ref())
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

#[cfg(feature = "serde")]
impl<'de, T: Zeroize + serde::Deserialize<'de>> serde::Deserialize<'de> for Secret<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own text quotes what it found: `invalid type: string "hunter2"`.
        T::deserialize(deserializer).map(Self::new).map_err(|_| {
            <D::Error as serde::de::Error>::custom("invalid secret: wrong type or length")
        })
    }
}

/// Whether a key can be guessed: shorter than 128 bits, one byte over and over, or filled up with zeros.
pub(crate) fn is_weak_key(key: &[u8]) -> bool {
    const LEAST: usize = 16;
    // A random key ends with one zero by chance, and with five never.
    const LEAST_COUNTED: usize = LEAST - 4;
    key.len() < LEAST || key_strength(key) < LEAST_COUNTED
}

/// Bytes of a key that count. Zeros at its end do not, for HMAC fills any key up with them (RFC 2104 section 2), so that 32 of them are
/// the empty key; and one byte over and over is one byte.
pub(crate) fn key_strength(key: &[u8]) -> usize {
    let padding = key.iter().rev().take_while(|byte| **byte == 0).count();
    let length = key.len().saturating_sub(padding);
    let mut counted = key.iter().take(length);
    if counted.all(|byte| Some(byte) == key.first()) {
        return length.min(1);
    }
    length
}

/// Compares in time that depends on the lengths only.
pub(crate) fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut difference = 0;
    for (left, right) in left.iter().zip(right) {
        // Hides the running value from the optimiser, which could otherwise leave the loop at the first difference.
        difference = black_box(difference | (left ^ right));
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_content() {
        let rows: [(&[u8], &[u8], bool); 7] = [
            (b"", b"", true),
            (b"a", b"a", true),
            (b"a", b"b", false),
            (b"a", b"", false),
            (b"abc", b"abcd", false),
            (b"\x00bc", b"\x80bc", false),
            (b"ab\x00", b"ab\x01", false),
        ];
        for (left, right, expected) in rows {
            assert_eq!(
                Secret::from(left) == Secret::from(right),
                expected,
                "{left:?} and {right:?}"
            );
        }
        assert_eq!(Secret::new([1_u8; 64]), Secret::new([1; 64]));
        assert_ne!(Secret::from("pa"), Secret::from("pA"));
    }

    #[test]
    fn a_key_has_128_bits_that_are_not_all_alike() {
        let mut key = [7; 16];
        assert!(is_weak_key(&key));
        key[15] = 8;
        assert!(!is_weak_key(&key));
        assert!(is_weak_key(&key[..15]));
        assert!(is_weak_key(b"") && is_weak_key(&[0; 64]));
        for (counted, is_weak) in [(1, true), (11, true), (12, false), (16, false)] {
            let mut padded = [0; 64];
            for (byte, value) in padded.iter_mut().take(counted).zip(1..) {
                *byte = value;
            }
            assert_eq!(is_weak_key(&padded), is_weak, "{counted}");
            assert_eq!(key_strength(&padded), counted);
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::from("hunter2")), "[redacted]");
        assert_eq!(
            format!("{:#?}", Some(Secret::new([7_u8; 2]))),
            "Some(\n    [redacted],\n)"
        );
    }

    #[test]
    fn dropping_wipes_each_value_once() {
        use std::cell::Cell;
        use std::rc::Rc;

        #[derive(Clone)]
        struct Spy(Rc<Cell<u32>>);
        impl Zeroize for Spy {
            fn zeroize(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }

        let wiped = Rc::new(Cell::new(0));
        let secret = Secret::new(Spy(Rc::clone(&wiped)));
        let copy = secret.clone();
        assert_eq!(wiped.get(), 0);
        drop(secret);
        assert_eq!(wiped.get(), 1);
        drop(copy);
        assert_eq!(wiped.get(), 2);
    }

    #[cfg(feature = "serde")]
    #[test]
    fn is_read_from_a_configuration_and_errors_do_not_quote_it() {
        let text: Secret<String> = serde_json::from_str(r#""hunter2""#).unwrap();
        assert_eq!(text.expose(), "hunter2");
        let bytes: Secret<[u8; 3]> = serde_json::from_str("[1, 2, 3]").unwrap();
        assert_eq!(bytes.expose(), &[1, 2, 3]);

        let error = serde_json::from_str::<Secret<Vec<u8>>>(r#""hunter2""#).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(error.to_string().contains("invalid secret"), "{error}");
    }
}
