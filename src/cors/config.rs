//! The configuration as data, and what can be wrong with it.

use thiserror::Error;

use super::{CorsBuilder, CorsPolicy, MaxAge, Refuse};
use crate::core::{ConfigErrorKind, ConfigErrors, ErrorClass};

/// The origins of a [`CorsConfig`]: `"*"` or a list in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(try_from = "OriginsText", into = "OriginsText")
)]
#[non_exhaustive]
pub enum CorsOrigins {
    /// [`any_origin`](CorsBuilder::any_origin).
    Any,
    /// [`origins`](CorsBuilder::origins).
    List(Vec<String>),
}

impl Default for CorsOrigins {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

/// What stands in a file.
#[cfg(feature = "serde")]
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(untagged)]
enum OriginsText {
    Any(String),
    List(Vec<String>),
}

#[cfg(feature = "serde")]
impl TryFrom<OriginsText> for CorsOrigins {
    type Error = String;

    fn try_from(text: OriginsText) -> Result<Self, String> {
        match text {
            OriginsText::Any(any) if any == "*" => Ok(Self::Any),
            OriginsText::Any(text) => Err(format!(
                "invalid origins {text:?}: write \"*\" or a list of origins"
            )),
            OriginsText::List(list) => Ok(Self::List(list)),
        }
    }
}

#[cfg(feature = "serde")]
impl From<CorsOrigins> for OriginsText {
    fn from(origins: CorsOrigins) -> Self {
        match origins {
            CorsOrigins::Any => Self::Any("*".to_owned()),
            CorsOrigins::List(list) => Self::List(list),
        }
    }
}

/// A CORS policy as data, for configuration files.
///
/// Its fields are the setters of [`CorsBuilder`], with the same meaning, defaults and checks. What only code can give has no field:
/// the event sink, a predicate and a public suffix list. [`CorsHandle::try_reload`](super::CorsHandle::try_reload) keeps these of the
/// policy in force, so that `"*"` conflicts with its predicate; a set given by
/// [`trusted_origins`](CorsBuilder::trusted_origins) is not kept: its origins stand in [`origins`](Self::origins) or are gone.
///
/// With feature `serde` it can be read from and written to a file. Unknown fields are errors, left out ones have their default.
///
/// # Example
///
/// ```
/// use tower_security::cors::{CorsConfig, CorsLayer, CorsOrigins};
///
/// let mut config = CorsConfig::default();
/// config.origins = CorsOrigins::List(vec!["https://app.example.com".to_owned()]);
/// config.methods = vec!["PUT".to_owned()];
/// let layer = CorsLayer::new(config.build()?);
/// # let _ = layer;
///
/// config.methods = vec!["patch".to_owned()];
/// let errors = config.build().unwrap_err();
/// assert_eq!(errors.iter().next().map(|error| error.path()), Some("cors.methods[0]"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one line of a file and reads as a fact"
)]
pub struct CorsConfig {
    /// `"*"` or a list. See [`CorsBuilder::origins`] and [`CorsBuilder::any_origin`].
    pub origins: CorsOrigins,
    /// See [`CorsBuilder::credentials`]. Default: `false`.
    pub credentials: bool,
    /// See [`CorsBuilder::methods`]. Default: none but `GET`, `HEAD` and `POST`.
    pub methods: Vec<String>,
    /// See [`CorsBuilder::any_method`]. Default: `false`.
    pub any_method: bool,
    /// See [`CorsBuilder::request_headers`]. Default: none.
    pub request_headers: Vec<String>,
    /// See [`CorsBuilder::any_request_header`]. Default: `false`.
    pub any_request_header: bool,
    /// See [`CorsBuilder::expose_headers`]. Default: none.
    pub expose_headers: Vec<String>,
    /// See [`CorsBuilder::expose_any_header`]. Default: `false`.
    pub expose_any_header: bool,
    /// See [`MaxAge`]: seconds, -1 for [`MaxAge::Disabled`], 0 (the default) for [`MaxAge::BrowserDefault`].
    pub max_age_secs: i64,
    /// See [`CorsBuilder::preflight_success_status`]. Default: 204.
    pub preflight_success_status: u16,
    /// See [`CorsBuilder::refuse`]. Default: `preflight`.
    pub refuse: Refuse,
    /// See [`CorsBuilder::self_origins`]. Default: none; the server's own origin is read from the request.
    pub self_origins: Vec<String>,
    /// See [`CorsBuilder::vary_on_preflight`]. Default: `false`.
    pub vary_on_preflight: bool,
    /// See [`CorsBuilder::vary`]. Default: none.
    pub vary: Vec<String>,
    /// See [`CorsBuilder::grpc_web`]. Default: `false`.
    pub grpc_web: bool,
    /// See [`CorsBuilder::explain_failures`]. Default: `false`.
    pub explain_failures: bool,
    /// See [`CorsBuilder::dangerous_allow_insecure_origins`]. Default: `false`.
    pub dangerous_allow_insecure_origins: bool,
    /// See [`CorsBuilder::dangerous_allow_public_suffix_subdomains`]. Default: `false`.
    pub dangerous_allow_public_suffix_subdomains: bool,
    /// See [`CorsBuilder::dangerous_allow_private_network`]. Default: `false`.
    pub dangerous_allow_private_network: bool,
    /// See [`CorsBuilder::dangerous_keep_inner_cors`]. Default: `false`.
    pub dangerous_keep_inner_cors: bool,
}

impl CorsConfig {
    /// Checks the configuration and compiles it.
    ///
    /// # Errors
    ///
    /// Every mistake in it, in the order of the fields.
    pub fn build(&self) -> Result<CorsPolicy, ConfigErrors> {
        CorsBuilder::from(self).build_policy()
    }
}

impl Default for CorsConfig {
    fn default() -> Self {
        Self {
            origins: CorsOrigins::default(),
            credentials: false,
            methods: Vec::new(),
            any_method: false,
            request_headers: Vec::new(),
            any_request_header: false,
            expose_headers: Vec::new(),
            expose_any_header: false,
            max_age_secs: MaxAge::BrowserDefault.to_secs(),
            preflight_success_status: 204,
            refuse: Refuse::Preflight,
            self_origins: Vec::new(),
            vary_on_preflight: false,
            vary: Vec::new(),
            grpc_web: false,
            explain_failures: false,
            dangerous_allow_insecure_origins: false,
            dangerous_allow_public_suffix_subdomains: false,
            dangerous_allow_private_network: false,
            dangerous_keep_inner_cors: false,
        }
    }
}

/// A CORS configuration that cannot be used as it stands.
///
/// A mistake in one of the origins is an [`OriginError`](crate::core::origin::OriginError) instead;
/// [`ConfigError::downcast`](crate::core::ConfigError::downcast) gives either back.
///
/// # Example
///
/// ```
/// use tower_security::core::ConfigErrorKind;
/// use tower_security::cors::{CorsConfigError, CorsLayer};
///
/// let errors = CorsLayer::builder().any_origin().credentials(true).build().unwrap_err();
/// let error = errors.iter().next().and_then(|error| error.downcast());
/// assert_eq!(error, Some(&CorsConfigError::RefusedAnyOriginWithCredentials));
/// assert_eq!(error.map(CorsConfigError::code), Some("refused_any_origin_with_credentials"));
/// ```
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CorsConfigError {
    /// `expose_any_header()` and a list of headers.
    #[error("invalid exposed headers: write `expose_any_header()` or a list, not both")]
    ConflictingExposeHeaders,
    /// `any_method()` and a list of methods.
    #[error("invalid methods: write `any_method()` or a list, not both")]
    ConflictingMethods,
    /// `any_origin()` and a list of origins, or a predicate.
    #[error(
        "invalid origins: write `any_origin()` or name origins by a list or a predicate, not both"
    )]
    ConflictingOrigins,
    /// `any_request_header()` and names that it covers.
    #[error(
        "invalid request headers: `any_request_header()` covers every name but `authorization`, drop the others"
    )]
    ConflictingRequestHeaders,
    /// A header that no page can read.
    #[error("forbidden exposed header {name:?}: browsers never show it to a page, drop it")]
    ForbiddenExposeHeader {
        /// The name as given.
        name: String,
    },
    /// A method that no page can use.
    #[error("forbidden method {method:?}: browsers do not let pages use it, drop it")]
    ForbiddenMethod {
        /// The method as given.
        method: String,
    },
    /// A header that no page can set.
    #[error(
        "forbidden request header {name:?}: pages cannot set it and no preflight asks for it, drop it"
    )]
    ForbiddenRequestHeader {
        /// The name as given.
        name: String,
    },
    /// An exposed name that is no header name.
    #[error("invalid exposed header {name:?}: write a header name as in \"etag\"")]
    InvalidExposeHeader {
        /// The name as given.
        name: String,
    },
    /// A time that is neither a number of seconds nor one of the two special values.
    #[error(
        "invalid max age {seconds}: write 1 to 86400 seconds, `Disabled` (-1 in a file) or `BrowserDefault` (0 in a file)"
    )]
    InvalidMaxAge {
        /// The seconds as given.
        seconds: i64,
    },
    /// A method that is no token.
    #[error("invalid method {method:?}: write a method as in \"PUT\"")]
    InvalidMethod {
        /// The method as given.
        method: String,
    },
    /// A status that a browser does not take for success.
    #[error("invalid preflight status {status}: browsers want one of 200 to 299, write 204")]
    InvalidPreflightStatus {
        /// The status as given.
        status: u16,
    },
    /// A request header that is no header name.
    #[error("invalid request header {name:?}: write a header name as in \"x-tenant\"")]
    InvalidRequestHeader {
        /// The name as given.
        name: String,
    },
    /// A name for `Vary` that is no header name.
    #[error("invalid name for Vary {name:?}: write a header name as in \"x-tenant\"")]
    InvalidVaryName {
        /// The name as given.
        name: String,
    },
    /// Nobody is allowed anything.
    #[error("invalid origins: there are none, name some or write `any_origin()`")]
    MissingOrigins,
    /// Any site would act with the user's cookies. Browsers ignore `*` together with credentials.
    #[error(
        "refused credentials with any origin: every site would act as the user, list the origins"
    )]
    RefusedAnyOriginWithCredentials,
    /// Browsers take `*` literally together with credentials.
    #[error(
        "refused exposing any header with credentials: browsers ignore `*` there, list the names"
    )]
    RefusedExposeAnyWithCredentials,
    /// A header of the CORS protocol that means nothing to a page.
    #[error(
        "refused exposed header {name:?}: it is part of the protocol and tells a page nothing, drop it"
    )]
    RefusedExposeHeader {
        /// The name as given.
        name: String,
    },
    /// A time that no browser keeps to.
    #[error(
        "refused max age {seconds}: Firefox keeps a preflight for at most 86400 seconds, Chromium 7200, Safari 600; write at most 86400"
    )]
    RefusedMaxAge {
        /// The seconds as given.
        seconds: i64,
    },
    /// `patch` in lower case, which is another method than `PATCH`.
    #[error("refused method {method:?}: browsers send it as the page spells it, write \"PATCH\"")]
    RefusedMethodCase {
        /// The method as given.
        method: String,
    },
    /// Any site could reach into the private network.
    #[error("refused private network access for any origin: list the origins")]
    RefusedPrivateNetworkAnyOrigin,
    /// A header that this layer answers with.
    #[error(
        "refused request header {name:?}: it belongs to answers and this layer sets it, drop it"
    )]
    RefusedRequestHeader {
        /// The name as given.
        name: String,
    },
    /// The list is too long.
    #[error("refused list of more than {limit} {entries}: write {instead}")]
    RefusedTooManyNames {
        /// The largest number.
        limit: usize,
        /// What was counted.
        entries: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// Nothing could ever be cached.
    #[error("refused \"*\" for Vary: name the request headers that the answer depends on")]
    RefusedVaryStar,
    /// `*` in the list of exposed headers.
    #[error("refused \"*\" in a list of exposed headers: write `expose_any_header()`")]
    RefusedWildcardExposeHeader,
    /// `*` in the list of methods.
    #[error("refused \"*\" in a list of methods: write `any_method()`")]
    RefusedWildcardMethod,
    /// `*` in the list of request headers.
    #[error("refused \"*\" in a list of request headers: write `any_request_header()`")]
    RefusedWildcardRequestHeader,
}

impl ConfigErrorKind for CorsConfigError {
    fn class(&self) -> ErrorClass {
        let code = self.code();
        if code.starts_with("refused") {
            ErrorClass::Refused
        } else if code.starts_with("forbidden") {
            ErrorClass::Forbidden
        } else {
            ErrorClass::Invalid
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ConflictingExposeHeaders => "conflicting_expose_headers",
            Self::ConflictingMethods => "conflicting_methods",
            Self::ConflictingOrigins => "conflicting_origins",
            Self::ConflictingRequestHeaders => "conflicting_request_headers",
            Self::ForbiddenExposeHeader { .. } => "forbidden_expose_header",
            Self::ForbiddenMethod { .. } => "forbidden_method",
            Self::ForbiddenRequestHeader { .. } => "forbidden_request_header",
            Self::InvalidExposeHeader { .. } => "invalid_expose_header",
            Self::InvalidMaxAge { .. } => "invalid_max_age",
            Self::InvalidMethod { .. } => "invalid_method",
            Self::InvalidPreflightStatus { .. } => "invalid_preflight_status",
            Self::InvalidRequestHeader { .. } => "invalid_request_header",
            Self::InvalidVaryName { .. } => "invalid_vary_name",
            Self::MissingOrigins => "missing_origins",
            Self::RefusedAnyOriginWithCredentials => "refused_any_origin_with_credentials",
            Self::RefusedExposeAnyWithCredentials => "refused_expose_any_with_credentials",
            Self::RefusedExposeHeader { .. } => "refused_expose_header",
            Self::RefusedMaxAge { .. } => "refused_max_age",
            Self::RefusedMethodCase { .. } => "refused_method_case",
            Self::RefusedPrivateNetworkAnyOrigin => "refused_private_network_any_origin",
            Self::RefusedRequestHeader { .. } => "refused_request_header",
            Self::RefusedTooManyNames { .. } => "refused_too_many_names",
            Self::RefusedVaryStar => "refused_vary_star",
            Self::RefusedWildcardExposeHeader => "refused_wildcard_expose_header",
            Self::RefusedWildcardMethod => "refused_wildcard_method",
            Self::RefusedWildcardRequestHeader => "refused_wildcard_request_header",
        }
    }
}
