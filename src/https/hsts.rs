//! `Strict-Transport-Security` (RFC 6797).

use std::time::Duration;

use bytes::Bytes;
use http::header::STRICT_TRANSPORT_SECURITY;
use http::{HeaderValue, Response};

use super::error::HttpsConfigError;
use crate::core::{Amend, field};

const TWO_YEARS: u64 = 63_072_000;
/// What <https://hstspreload.org> asks for: one year.
const PRELOAD_MIN: u64 = 31_536_000;

/// What browsers are told to remember: that this host is reached over HTTPS alone.
///
/// It is written to answers over TLS and never to others, and to names alone: not for `localhost`, names below it and IP
/// addresses ([RFC 6797 section 8.1.1](https://www.rfc-editor.org/rfc/rfc6797#section-8.1.1)). A handler's own line is replaced,
/// since browsers read the first one.
///
/// A browser that has read it refuses plain HTTP and bad certificates for the whole time, with no way for the user to go on. Begin
/// with minutes where not all is HTTPS yet: `Hsts::new(Duration::from_secs(300))`.
///
/// # Example
///
/// ```
/// use std::time::Duration;
/// use tower_security::core::SchemeSource;
/// use tower_security::https::{Hsts, HttpsLayer};
///
/// let text = |hsts| -> Result<_, Box<dyn std::error::Error>> {
///     let layer = HttpsLayer::hsts_only(SchemeSource::Tls, hsts)?;
///     Ok(layer.policy().hsts().map(|value| value.to_str().map(str::to_owned)).transpose()?)
/// };
/// assert_eq!(text(Hsts::two_years())?.as_deref(), Some("max-age=63072000; includeSubDomains"));
/// assert_eq!(text(Hsts::new(Duration::from_secs(300)))?.as_deref(), Some("max-age=300"));
/// assert_eq!(text(Hsts::disable_by_expiry())?.as_deref(), Some("max-age=0"));
/// assert_eq!(text(Hsts::none())?, None);
/// assert!(text(Hsts::new(Duration::ZERO)).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "it does nothing until it is given to a builder"]
pub struct Hsts {
    kind: Kind,
    include_subdomains: bool,
    preload: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    None,
    Expired,
    /// In seconds.
    MaxAge(u64),
}

impl Hsts {
    /// Two years, for sub-domains too: `max-age=63072000; includeSubDomains`. The default, and the value that OWASP recommends.
    pub const fn two_years() -> Self {
        Self {
            kind: Kind::MaxAge(TWO_YEARS),
            include_subdomains: true,
            preload: false,
        }
    }

    /// This long, for this host alone. Whole seconds count; less than one is refused when the layer is built.
    pub const fn new(max_age: Duration) -> Self {
        Self {
            kind: Kind::MaxAge(max_age.as_secs()),
            include_subdomains: false,
            preload: false,
        }
    }

    /// `max-age=0`: browsers forget what they were told. Keep it in place for as long as the old value lasted.
    pub const fn disable_by_expiry() -> Self {
        Self {
            kind: Kind::Expired,
            include_subdomains: false,
            preload: false,
        }
    }

    /// No header at all: what browsers remember stays, and so does a handler's own line.
    pub const fn none() -> Self {
        Self {
            kind: Kind::None,
            include_subdomains: false,
            preload: false,
        }
    }

    /// Holds for every name below this host too, now and later: an intranet on plain HTTP below it is cut off.
    pub const fn include_subdomains(mut self) -> Self {
        self.include_subdomains = true;
        self
    }

    /// Consents to a place in the list that browsers are shipped with (<https://hstspreload.org>). Never a default: removal
    /// takes months.
    ///
    /// Refused when the layer is built unless the max-age is a year or more, sub-domains are included, and plain requests are
    /// redirected: by this layer, which [`Mode::ReportOnly`](crate::core::Mode::ReportOnly) does not, or before it where it sees none ([`SchemeSource::AssumeHttps`], a listener for HTTPS).
    ///
    /// [`SchemeSource::AssumeHttps`]: crate::core::SchemeSource::AssumeHttps
    pub const fn preload(mut self) -> Self {
        self.preload = true;
        self
    }

    /// The line, if there is to be one. `redirects`: whether plain requests are redirected here or before.
    pub(super) fn compile(self, redirects: bool) -> Result<Option<HeaderValue>, HttpsConfigError> {
        let max_age = match self.kind {
            Kind::None if self.include_subdomains || self.preload => {
                return Err(HttpsConfigError::UseExpiry);
            }
            Kind::None => return Ok(None),
            Kind::MaxAge(0) => return Err(HttpsConfigError::UseExpiry),
            Kind::Expired => 0,
            Kind::MaxAge(seconds) => seconds,
        };
        if self.preload {
            let missing = match self {
                _ if max_age < PRELOAD_MIN => Some(format!("max-age={max_age}")),
                Self {
                    include_subdomains: false,
                    ..
                } => Some("this host alone".to_owned()),
                _ if !redirects => Some("no redirect".to_owned()),
                _ => None,
            };
            if let Some(missing) = missing {
                return Err(HttpsConfigError::PreloadIncomplete { missing });
            }
        }
        let mut text = format!("max-age={max_age}");
        if self.include_subdomains {
            text.push_str("; includeSubDomains");
        }
        if self.preload {
            text.push_str("; preload");
        }
        // Of an owner, so that not even the first clone allocates. Visible ASCII is always a value: nobody goes without the header.
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        Ok(value.ok())
    }
}

impl Default for Hsts {
    fn default() -> Self {
        Self::two_years()
    }
}

/// What the layer does to an answer over TLS: the one `Strict-Transport-Security`.
#[derive(Debug)]
pub struct HttpsAmendment(pub(super) HeaderValue);

impl Amend for HttpsAmendment {
    #[inline]
    fn amend<B>(self, response: &mut Response<B>) {
        // Of an upgrade nothing but the switch itself is read.
        if !response.status().is_informational() {
            field::set(response.headers_mut(), STRICT_TRANSPORT_SECURITY, self.0);
        }
    }
}
