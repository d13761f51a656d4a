//! `Sanitize` and `Sanitized`: checks of users' own types.

use std::error::Error;
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A type that can say whether its values are sound, and bring them into one form.
///
/// What a field alone can say belongs into its type, such as [`PlainLine`](super::PlainLine) or
/// [`SafeFileName`](super::SafeFileName). This is for what several fields say together. [`Sanitized`] calls it.
pub trait Sanitize {
    /// Why a value is refused. Its text goes to the client in some frameworks: it names the rule, and nothing of the value.
    type Error: Error;

    /// Checks the value, and brings it into its form.
    ///
    /// # Errors
    ///
    /// The value is not sound.
    fn sanitize(&mut self) -> Result<(), Self::Error>;
}

/// A value that was [checked](Sanitize::sanitize). It comes into being by [`new`](Self::new) and by being deserialized, so that
/// `Json<Sanitized<T>>`, `Form<Sanitized<T>>` and `Query<Sanitized<T>>` hold sound values alone. It can be read and taken out, and not
/// changed.
///
/// # Example
///
/// ```
/// use serde::Deserialize;
/// use tower_security::sanitize::{PlainLine, Sanitize, Sanitized};
///
/// #[derive(Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Booking {
///     guest: PlainLine<80>,
///     from: u32,
///     to: u32,
/// }
///
/// #[derive(Debug, thiserror::Error)]
/// #[error("a booking ends after it begins")]
/// struct NoNights;
///
/// impl Sanitize for Booking {
///     type Error = NoNights;
///
///     fn sanitize(&mut self) -> Result<(), NoNights> {
///         if self.from < self.to { Ok(()) } else { Err(NoNights) }
///     }
/// }
///
/// let booking: Sanitized<Booking> = serde_json::from_str(r#"{"guest": "Ada", "from": 3, "to": 5}"#)?;
/// assert_eq!(booking.guest.as_str(), "Ada");
///
/// let none = serde_json::from_str::<Sanitized<Booking>>(r#"{"guest": "Ada", "from": 5, "to": 5}"#);
/// assert!(none.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sanitized<T>(T);

impl<T: Sanitize> Sanitized<T> {
    /// Checks a value.
    ///
    /// # Errors
    ///
    /// The value is not sound.
    pub fn new(mut value: T) -> Result<Self, T::Error> {
        value.sanitize()?;
        Ok(Self(value))
    }
}

impl<T> Sanitized<T> {
    /// Returns the value, which can be changed then.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Sanitized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<'de, T: Sanitize + Deserialize<'de>> Deserialize<'de> for Sanitized<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = T::deserialize(deserializer)?;
        Self::new(value).map_err(de::Error::custom)
    }
}

impl<T: Serialize> Serialize for Sanitized<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
