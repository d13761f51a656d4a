//! Web origins: one strict parser for configuration, one allocation-free reader for requests, one matcher for both of
//! [`mod@crate::cors`] and [`mod@crate::csrf`].
//!
//! A browser names the page that sends a request by its *serialised origin*, `scheme://host[:port]` ([RFC 6454 section 6.2],
//! [HTML Standard, origin]). Attacks on origin checks are attacks on loose comparison: `https://example.com.evil.test`,
//! `https://evilexample.com`, `http://example.com` in a hostile network. So nothing here compares parts of strings:
//!
//! 1. Configured origins are parsed by [`OriginPattern`], which accepts the text a browser would send and nothing else. A
//!    configured origin that could never match (`https://example.com/`, `:443`, upper case) is an error that says what to write.
//! 2. [`TrustedOrigins`] compiles them once. Origins that may ride on the user's cookies are checked further: `https` beyond
//!    localhost, and no wildcard over a domain where strangers get names ([`PublicSuffixes`]).
//! 3. The `Origin` of a request is compared byte by byte, and against wildcards label by label after [`OriginRef`] has accepted
//!    it. Neither allocates, and the cost does not depend on the number of trusted origins, nor on what a header has beyond the 326
//!    bytes of the longest origin.
//! 4. [`SelfOrigin`] knows which origin is the server's own.
//!
//! What it does not do: it does not resolve names, and it does not know whether a trusted origin has been taken over.
//!
//! # Example
//!
//! ```
//! use tower_security::core::origin::TrustedOrigins;
//!
//! let trusted = TrustedOrigins::builder()
//!     .origins(["https://app.example.com", "https://*.apps.example.com"])
//!     .build()?;
//! assert!(trusted.matches(b"https://app.example.com").is_some());
//! assert!(trusted.matches(b"https://shop.apps.example.com").is_some());
//! assert!(trusted.matches(b"https://app.example.com.evil.test").is_none());
//! assert!(trusted.matches(b"null").is_none());
//!
//! let errors = TrustedOrigins::builder()
//!     .origins(["https://app.example.com/", "https://*.github.io"])
//!     .build()
//!     .unwrap_err();
//! let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
//! assert_eq!(codes, ["invalid_origin_path", "refused_public_suffix"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [RFC 6454 section 6.2]: https://www.rfc-editor.org/rfc/rfc6454#section-6.2
//! [HTML Standard, origin]: https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin

mod error;
mod host;
mod index;
mod parse;
mod pattern;
mod punycode;
mod self_origin;
mod set;
mod suffix;
mod suffix_table;
#[cfg(test)]
mod tests;

pub use error::OriginError;
pub use parse::{Origin, OriginRef};
pub use pattern::OriginPattern;
pub use self_origin::SelfOrigin;
pub(crate) use set::CredentialRules;
pub use set::{Match, OriginGrant, TrustedOrigins, TrustedOriginsBuilder};
pub use suffix::PublicSuffixes;
