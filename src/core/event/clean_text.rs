//! Text that may stand in a log.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;

use crate::core::text;

/// Text that was capped in length and in which every control and bidirectional character is escaped.
///
/// Borrowed when there was nothing to escape.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CleanText<'a>(Cow<'a, str>);

impl<'a> CleanText<'a> {
    /// Cleans `text` and cuts it to at most `cap` bytes, an ellipsis included.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::core::CleanText;
    ///
    /// assert_eq!(&*CleanText::new("a\u{1b}[31mb", 64), "a\\u{1b}[31mb");
    /// ```
    #[must_use]
    pub fn new(text: &'a str, cap: usize) -> Self {
        Self(text::clean(text, cap))
    }

    /// Cleans bytes that are supposed to be UTF-8; those that are not become `\x..`.
    #[must_use]
    pub fn from_bytes(bytes: &'a [u8], cap: usize) -> Self {
        Self(text::clean_bytes(bytes, cap))
    }

    /// Makes it independent of what it was borrowed from.
    #[must_use]
    pub fn into_owned(self) -> CleanText<'static> {
        CleanText(Cow::Owned(self.0.into_owned()))
    }
}

impl Deref for CleanText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CleanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
