//! Where browsers send reports: what an endpoint of `Reporting-Endpoints` may be called and be.

use http::HeaderName;

use super::origin::Origin;

pub(crate) static REPORTING_ENDPOINTS: HeaderName = HeaderName::from_static("reporting-endpoints");

/// The address of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportAddress {
    /// An absolute path, or an address of `https`.
    Sound,
    /// An address of `http`.
    Insecure,
    Invalid,
}

impl ReportAddress {
    pub(crate) fn of(url: &str) -> Self {
        // Neither ends the quoted text of RFC 9651 nor is read in two ways by URL parsers; a fragment is never sent.
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\<>^`{|}#".contains(&byte);
        if !url.bytes().all(is_plain) {
            return Self::Invalid;
        }
        if url.starts_with('/') {
            return if url.starts_with("//") {
                Self::Invalid
            } else {
                Self::Sound
            };
        }
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        match Origin::parse(&format!("{scheme}://{authority}")) {
            Ok(origin) if origin.scheme() == "https" => Self::Sound,
            Ok(origin) if origin.scheme() == "http" => Self::Insecure,
            // Another scheme, or no address at all.
            Ok(_) | Err(_) => Self::Invalid,
        }
    }
}

/// A key of RFC 9651, section 3.1.2: what an endpoint may be called.
pub(crate) fn is_key(text: &str) -> bool {
    let rest =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
        && text.bytes().all(rest)
}
