//! `Detector`: a word of somebody's own on a field, for the log.

use crate::core::text::cap::start_of;

/// What a detector sees of a value, in bytes.
const MOST: usize = 4 << 10;

/// Looks at the value of a field and says whether it looks like an attack: a signal for the log, beside protection and never instead of it.
///
/// There is none in this crate. A detector of SQL or scripts in text knows neither the query nor the page that the text goes to: it refuses
/// Mr. O'Brien and lets pass what was written around it. What prevents injection are bound parameters and encoding where text is shown. A
/// detector tells who is trying.
///
/// It is called on the executor, for the fields that the layer was given alone, with the first 4 KiB of the value: it has to be quick and
/// must not block.
///
/// # Example
///
/// ```
/// use tower_security::sanitize::{Detector, Field, Finding};
///
/// /// A script that scans for old forums leaves its name.
/// struct Scanner;
///
/// impl Detector for Scanner {
///     fn name(&self) -> &'static str {
///         "scanner"
///     }
///
///     fn inspect(&self, field: Field<'_>) -> Option<Finding> {
///         let found = field.value().contains("acunetix_wvs_security_test");
///         found.then(|| Finding::new(self.name(), "acunetix", 100))
///     }
/// }
///
/// assert!(Scanner.inspect(Field::new("/q", "acunetix_wvs_security_test")).is_some());
/// assert!(Scanner.inspect(Field::new("/q", "Conan O'Brien")).is_none());
/// ```
pub trait Detector: Send + Sync + 'static {
    /// Returns the name of the detector, as events are to have it.
    fn name(&self) -> &'static str;

    /// Returns what was found in a field.
    fn inspect(&self, field: Field<'_>) -> Option<Finding>;
}

/// A field that a [`Detector`] looks at.
#[derive(Clone, Copy)]
pub struct Field<'f> {
    pointer: &'f str,
    value: &'f str,
}

impl<'f> Field<'f> {
    /// A field, as for a test of a detector. Of the value the first 4 KiB are kept.
    #[must_use]
    pub fn new(pointer: &'f str, value: &'f str) -> Self {
        Self {
            pointer,
            value: start_of(value, MOST),
        }
    }

    /// Returns where it stands: a JSON pointer (RFC 6901), or the name of a form field.
    #[must_use]
    pub const fn pointer(&self) -> &'f str {
        self.pointer
    }

    /// Returns the value, decoded: its first 4 KiB.
    #[must_use]
    pub const fn value(&self) -> &'f str {
        self.value
    }
}

/// The value may be a secret of whoever sent it.
impl std::fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Field")
            .field("pointer", &self.pointer)
            .field("value", &format_args!("{} bytes", self.value.len()))
            .finish()
    }
}

/// What a [`Detector`] found. Its words are fixed, so that nothing of the value gets into a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Finding {
    detector: &'static str,
    fingerprint: &'static str,
    score: u8,
}

impl Finding {
    /// A finding of a detector, which names the shape that it saw, and says how sure it is: 0 to 100, by its own measure.
    #[must_use]
    pub const fn new(detector: &'static str, fingerprint: &'static str, score: u8) -> Self {
        Self {
            detector,
            fingerprint,
            score,
        }
    }

    /// Returns the name of the detector.
    #[must_use]
    pub const fn detector(&self) -> &'static str {
        self.detector
    }

    /// Returns the shape that was seen: what a field can be allowed to have.
    #[must_use]
    pub const fn fingerprint(&self) -> &'static str {
        self.fingerprint
    }

    /// Returns how sure the detector is.
    #[must_use]
    pub const fn score(&self) -> u8 {
        self.score
    }
}

#[cfg(test)]
mod tests {
    use super::Field;

    #[test]
    fn a_value_is_cut_and_not_shown() {
        let long = format!("{}\u{e9}", "s".repeat(4_095));
        assert_eq!(Field::new("/q", &long).value().len(), 4_095);
        assert_eq!(
            Field::new("/q", long.get(1..).unwrap()).value().len(),
            4_096
        );
        let shown = format!("{:?}", Field::new("/q", "secret"));
        assert_eq!(shown, "Field { pointer: \"/q\", value: 6 bytes }");
    }
}
