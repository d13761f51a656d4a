//! What of a page no hash can allow.

use crate::core::{ConfigErrorKind, ErrorClass};

/// The longest page, in bytes.
pub(super) const MOST_BYTES: usize = 16 * 1024 * 1024;
/// Documents in `srcdoc` attributes inside each other.
pub(super) const MOST_SRCDOC: usize = 8;

/// Something in a page of [`CspHashes`](super::CspHashes) that its hashes would not allow. The line is that on which the tag ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CspHashesError {
    /// An `integrity` attribute that no script can match: the browser would refuse to run it.
    #[error(
        "invalid integrity {value:?} on line {line}: write \"sha256-\", \"sha384-\" or \"sha512-\" and the digest in base64"
    )]
    InvalidIntegrity {
        /// The line of the tag.
        line: u64,
        /// The hash as given.
        value: String,
    },
    /// A handler in an `on...` attribute.
    #[error(
        "refused event handler {attribute:?} of <{element}> on line {line}: hashes do not allow attributes, call \
         `addEventListener` in a script"
    )]
    RefusedEventHandler {
        /// The line of the tag.
        line: u64,
        /// The name of the element.
        element: String,
        /// The name of the attribute.
        attribute: String,
    },
    /// An address with the scheme `javascript`.
    #[error(
        "refused `javascript:` address in {attribute:?} of <{element}> on line {line}: hashes do not allow it, write a button and \
         call `addEventListener` in a script"
    )]
    RefusedJavascriptUrl {
        /// The line of the tag.
        line: u64,
        /// The name of the element.
        element: String,
        /// The name of the attribute.
        attribute: String,
    },
    /// The page is longer than any page that is written by hand or by a build.
    #[error("refused page of {bytes} bytes: write at most {MOST_BYTES}")]
    RefusedPageLength {
        /// Its length.
        bytes: usize,
    },
    /// Documents in `srcdoc` attributes stand too deep inside each other.
    #[error(
        "refused srcdoc on line {line}: it stands more than {MOST_SRCDOC} documents deep, serve the inner page at an address of \
         its own"
    )]
    RefusedSrcdocDepth {
        /// The line of the outermost frame.
        line: u64,
    },
    /// Declarations in a `style` attribute.
    #[error(
        "refused style attribute of <{element}> on line {line}: hashes do not allow attributes, write a class in a style sheet"
    )]
    RefusedStyleAttribute {
        /// The line of the tag.
        line: u64,
        /// The name of the element.
        element: String,
    },
}

impl ConfigErrorKind for CspHashesError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidIntegrity { .. } => ErrorClass::Invalid,
            Self::RefusedEventHandler { .. }
            | Self::RefusedJavascriptUrl { .. }
            | Self::RefusedPageLength { .. }
            | Self::RefusedSrcdocDepth { .. }
            | Self::RefusedStyleAttribute { .. } => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::InvalidIntegrity { .. } => "invalid_integrity",
            Self::RefusedEventHandler { .. } => "refused_event_handler",
            Self::RefusedJavascriptUrl { .. } => "refused_javascript_url",
            Self::RefusedPageLength { .. } => "refused_page_length",
            Self::RefusedSrcdocDepth { .. } => "refused_srcdoc_depth",
            Self::RefusedStyleAttribute { .. } => "refused_style_attribute",
        }
    }
}
