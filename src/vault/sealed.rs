//! `Sealed`: a protected value as a field of what is serialized.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use super::error::VaultError;
use super::format::key_id;
use super::protector::Protector;
use super::text;
use crate::core::Secret;

/// A protected value in a structure that is serialized: it holds the text that [`Protector::protect_str`] writes, serializes as that and as
/// nothing else, and gives the value only to who has the protector and the context. `T` is `String`, `Vec<u8>` or `[u8; N]`.
///
/// # Example
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tower_security::vault::{KeyRing, Sealed};
///
/// #[derive(Serialize, Deserialize)]
/// struct User {
///     id: String,
///     ssn: Sealed<String>,
/// }
///
/// let ring = KeyRing::builder().active(1, KeyRing::generate_key()?).build()?;
/// let ssn = ring.purpose(&["users", "ssn"])?;
/// let user = User { id: "user-7".into(), ssn: Sealed::new(&ssn, "123-45-6789", &["user-7"])? };
///
/// let json = serde_json::to_string(&user)?;
/// assert!(!json.contains("123-45-6789"));
/// let read: User = serde_json::from_str(&json)?;
/// assert_eq!(read.ssn.open(&ssn, &[&read.id])?.expose(), "123-45-6789");
/// assert!(read.ssn.open(&ssn, &["user-8"]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Sealed<T> {
    text: Box<str>,
    of: PhantomData<fn() -> T>,
}

/// What a [`Sealed`] can hold.
pub trait SealedValue: Zeroize + Sized + private::Sealed {}

impl SealedValue for String {}
impl SealedValue for Vec<u8> {}
impl<const N: usize> SealedValue for [u8; N] {}

mod private {
    use zeroize::Zeroizing;

    #[expect(unnameable_types, reason = "sealed")]
    pub trait Sealed: Sized {
        /// `None` if it is no such value. The bytes are wiped then.
        fn of(bytes: Zeroizing<Vec<u8>>) -> Option<Self>;
    }

    impl Sealed for String {
        fn of(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
            std::str::from_utf8(&bytes).ok()?;
            Self::from_utf8(std::mem::take(&mut *bytes)).ok()
        }
    }

    impl Sealed for Vec<u8> {
        fn of(mut bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
            Some(std::mem::take(&mut *bytes))
        }
    }

    impl<const N: usize> Sealed for [u8; N] {
        fn of(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
            bytes.as_slice().try_into().ok()
        }
    }
}

impl<T: SealedValue> Sealed<T> {
    /// Protects a value. See [`Protector::protect`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn new<C: AsRef<[u8]>, const N: usize>(
        protector: &Protector,
        value: impl AsRef<[u8]>,
        context: &[C; N],
    ) -> Result<Self, VaultError> {
        let text = protector.protect_str(value.as_ref(), context)?;
        Ok(Self::of(text.into()))
    }

    /// Decrypts the value.
    ///
    /// # Errors
    ///
    /// [`VaultError::Rejected`], whatever is wrong with it: it is no `T`, too.
    pub fn open<C: AsRef<[u8]>, const N: usize>(
        &self,
        protector: &Protector,
        context: &[C; N],
    ) -> Result<Secret<T>, VaultError> {
        let bytes: Zeroizing<Vec<u8>> = protector.unprotect_str(&self.text, context)?;
        T::of(bytes).map(Secret::new).ok_or(VaultError::Rejected)
    }

    /// Encrypts the value anew with the active key; `None` if it need not be. See [`Protector::reprotect`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn reprotect<C: AsRef<[u8]>, const N: usize>(
        &self,
        protector: &Protector,
        context: &[C; N],
    ) -> Result<Option<Self>, VaultError> {
        let anew = protector.reprotect_str(&self.text, context)?;
        Ok(anew.map(|text| Self::of(text.into())))
    }
}

impl<T> Sealed<T> {
    const fn of(text: Box<str>) -> Self {
        let of = PhantomData;
        Self { text, of }
    }

    /// Returns the text, for a column.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::of(self.text.clone())
    }
}

/// Shows the id of the key alone.
impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = text::decode(&self.text).and_then(|bytes| key_id(&bytes));
        f.debug_struct("Sealed")
            .field("key_id", &id)
            .finish_non_exhaustive()
    }
}

impl<T> Serialize for Sealed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// Any text is taken: whether it opens is known when it is opened, with an event if it does not.
impl<'de, T> Deserialize<'de> for Sealed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Box::<str>::deserialize(deserializer).map(Self::of)
    }
}
