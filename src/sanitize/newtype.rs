//! What the text types have in common.

/// Gives a tuple struct around a private `String` its constructor and the traits of text. There is no `From<String>` and no way to change
/// the value: whoever has one has a checked one.
macro_rules! checked_text {
    ($name:ident $(<const $max:ident>)?, $error:ty, $check:expr) => {
        impl $(<const $max: usize>)? $name $(<$max>)? {
            /// Checks the text. Nothing is trimmed, escaped or changed.
            ///
            /// # Errors
            ///
            /// The text breaks one of the rules above. The error names the rule, and nothing of the text.
            pub fn new(text: impl Into<String>) -> Result<Self, $error> {
                let text = text.into();
                let check: fn(&str) -> Result<(), $error> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// Returns the text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Returns the text as a string, which says no more that it was checked.
            #[must_use]
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl $(<const $max: usize>)? std::fmt::Display for $name $(<$max>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl $(<const $max: usize>)? AsRef<str> for $name $(<$max>)? {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl $(<const $max: usize>)? std::str::FromStr for $name $(<$max>)? {
            type Err = $error;

            fn from_str(text: &str) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl $(<const $max: usize>)? TryFrom<String> for $name $(<$max>)? {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, $error> {
                Self::new(text)
            }
        }

        impl<'de $(, const $max: usize)?> serde::Deserialize<'de> for $name $(<$max>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }

        impl $(<const $max: usize>)? serde::Serialize for $name $(<$max>)? {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
    };
}

pub(super) use checked_text;
