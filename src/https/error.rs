//! What can be wrong with a configuration.

use crate::core::{ConfigErrorKind, ErrorClass};

/// A mistake in the configuration of an [`HttpsLayer`](super::HttpsLayer).
///
/// Proxies that are none or anybody are refused by
/// [`SchemeSource::forwarded_proto`](crate::core::SchemeSource::forwarded_proto) already, as a
/// [`SchemeConfigError`](crate::core::SchemeConfigError); a list of more than 65,536 hosts is an
/// [`OriginError`](crate::core::origin::OriginError).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HttpsConfigError {
    /// Requests would be redirected to, or accepted for, any host that a client names.
    #[error(
        "refused {}: any host would do, which is an open redirect, name the hosts as in \"app.example.com\" or \
         \"*.shop.example.com\", by `RedirectHost::allow` or `allowed_hosts`",
        value.as_deref().map_or_else(|| "redirect to no named host".to_owned(), |value| format!("host {value:?}"))
    )]
    HostMissing {
        /// The entry as given; `None` if there is none at all.
        value: Option<String>,
    },
    /// The text is no bare host name, or a wildcard over names that strangers can get.
    #[error(
        "invalid host {value:?}: write a bare lower-case name without scheme, port and path, in Punycode, as in {instead:?}; \
         `*.` may stand before a domain of your own"
    )]
    InvalidHost {
        /// The text as given, without a user name and password.
        value: String,
        /// What to write instead, or an example.
        instead: String,
    },
    /// The path of an exemption is no exact path.
    #[error(
        "invalid exempt path {value:?}: write one exact path of unescaped characters without a query, as in \"/healthz\""
    )]
    InvalidPath {
        /// The path as given.
        value: String,
    },
    /// The port is 0.
    #[error("invalid port 0: write the port of the TLS listener as clients reach it, such as 443")]
    InvalidPort,
    /// `preload` without what the preload list asks for.
    #[error(
        "refused HSTS preload with {missing}: the preload list asks for a max-age of at least 31536000 seconds, \
         `include_subdomains` and a redirect from HTTP, write these or leave `preload` out"
    )]
    PreloadIncomplete {
        /// What is not enough, such as `max-age=300`.
        missing: String,
    },
    /// Every request is taken for HTTPS, so that none is ever redirected.
    #[error(
        "refused redirect beside `SchemeSource::AssumeHttps`: it never happens, leave it out, or write the source that tells \
         HTTP from HTTPS"
    )]
    Unreachable,
    /// HSTS that lasts for no time, or that is off and still says more.
    #[error(
        "refused HSTS of no duration: write `Hsts::disable_by_expiry()` to make browsers forget, `Hsts::none()` to say nothing, \
         or a duration of at least one second"
    )]
    UseExpiry,
}

impl ConfigErrorKind for HttpsConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::InvalidHost { .. } | Self::InvalidPath { .. } | Self::InvalidPort => {
                ErrorClass::Invalid
            }
            Self::HostMissing { .. }
            | Self::PreloadIncomplete { .. }
            | Self::Unreachable
            | Self::UseExpiry => ErrorClass::Refused,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::HostMissing { .. } => "host_missing",
            Self::InvalidHost { .. } => "invalid_host",
            Self::InvalidPath { .. } => "invalid_path",
            Self::InvalidPort => "invalid_port",
            Self::PreloadIncomplete { .. } => "preload_incomplete",
            Self::Unreachable => "unreachable",
            Self::UseExpiry => "use_expiry",
        }
    }
}
