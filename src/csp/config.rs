//! What a layer is made of besides its policies.

use thiserror::Error;

use super::layer::{Core, CspLayer};
use super::media::{self, NonceTypes};
use super::policy::CspPolicy;
use crate::core::{
    ConfigErrorKind, ConfigErrors, ErrorClass, EventSink, Events, Mistakes, Mode, SchemeSource,
    collected, is_grpc_type,
};

/// Which policy is sent where the handler has set the header itself. Decided for the enforced policy and for the report-only one
/// each by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Precedence {
    /// Both: the layer's line is added, and browsers allow only what each line allows.
    Both,
    /// The handler's. The default: a route knows best what its page needs.
    #[default]
    Handler,
    /// The layer's: whatever the handler has set is replaced.
    Layer,
}

/// What becomes of an answer with a nonce that says nothing of caching.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum NonceCaching {
    /// It gets `Cache-Control: no-store`. The default: a cache that hands a page to many hands all of them one nonce. A handler's
    /// own `Cache-Control` stays; one without `no-store` and `private` is told to the event sink, once.
    #[default]
    NoStore,
    /// Nothing is added and nothing is told: for a cache in front that writes a new nonce into each copy, or that keeps no pages.
    Leave,
}

/// A setting of a [`CspLayer`] that would not hold. What is wrong with a policy is said when the policy is built.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CspLayerConfigError {
    /// The two policies report to two places under one name.
    #[error(
        "invalid report endpoint {name:?}: it is another place in the enforced policy, and browsers know one for a name; give it \
         another name"
    )]
    ConflictingEndpoint {
        /// The name.
        name: String,
    },
    /// A type that gRPC answers have: they get no policy.
    #[error("refused media type {value:?}: gRPC answers are never shown, and get no policy")]
    GrpcMediaType {
        /// The type.
        value: String,
    },
    /// Not one type.
    #[error(
        "invalid media type {value:?}: write one type and subtype without parameters, such as `image/svg+xml`"
    )]
    InvalidMediaType {
        /// The text.
        value: String,
    },
    /// A layer that would send nothing.
    #[error(
        "refused layer without a policy: give it one by `enforce` or `report_only`, or write `CspLayer::strict()`"
    )]
    MissingPolicy,
    /// A list that every answer would be compared with.
    #[error("refused {count} media types: name at most 32")]
    TooManyMediaTypes {
        /// How many there are.
        count: usize,
    },
}

impl ConfigErrorKind for CspLayerConfigError {
    fn class(&self) -> ErrorClass {
        match self {
            Self::ConflictingEndpoint { .. } | Self::InvalidMediaType { .. } => ErrorClass::Invalid,
            Self::GrpcMediaType { .. } | Self::MissingPolicy | Self::TooManyMediaTypes { .. } => {
                ErrorClass::Refused
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::ConflictingEndpoint { .. } => "conflicting_endpoint",
            Self::GrpcMediaType { .. } => "grpc_media_type",
            Self::InvalidMediaType { .. } => "invalid_media_type",
            Self::MissingPolicy => "missing_policy",
            Self::TooManyMediaTypes { .. } => "too_many_media_types",
        }
    }
}

/// Builds a [`CspLayer`]. Made by [`CspLayer::builder`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CspLayerBuilder {
    enforce: Option<CspPolicy>,
    report_only: Option<CspPolicy>,
    precedence: Precedence,
    mode: Mode,
    scheme: Option<SchemeSource>,
    nonce_media_types: Vec<String>,
    nonce_caching: NonceCaching,
    events: Events,
}

impl CspLayerBuilder {
    /// Sets the policy that browsers enforce. Default: none; a layer has this one, the report-only one or both.
    pub fn enforce(mut self, policy: CspPolicy) -> Self {
        self.enforce = Some(policy);
        self
    }

    /// Sets the policy whose violations browsers report without acting on them, such as a stricter one that is to come. Default:
    /// none.
    ///
    /// Accepted: a policy with `.report_to(..)`. Refused: one that reports to nobody, and one with `sandbox` or
    /// `upgrade-insecure-requests`, which browsers ignore there.
    pub fn report_only(mut self, policy: CspPolicy) -> Self {
        self.report_only = Some(policy);
        self
    }

    /// Sets which policy is sent where the handler has set one. Default: [`Precedence::Handler`].
    pub fn precedence(mut self, precedence: Precedence) -> Self {
        self.precedence = precedence;
        self
    }

    /// Sets the mode. Default: [`Mode::Enforce`].
    ///
    /// [`Mode::ReportOnly`] sends the enforced policy as a report-only one, and what is refused of those is refused of it.
    /// [`Mode::Off`] sends nothing; requests still get a nonce, so that handlers that need one go on working.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets where the scheme of a request is learnt from that no other layer has found out. Default: nowhere.
    ///
    /// Over plain HTTP `upgrade-insecure-requests` is left out: it would send the page's own files to a port that may not answer. A
    /// scheme that is unknown counts as TLS.
    pub fn scheme(mut self, source: SchemeSource) -> Self {
        self.scheme = Some(source);
        self
    }

    /// Sets further types of documents in which the handler writes the nonce. Default: none, which leaves HTML, XHTML,
    /// `multipart/x-mixed-replace` and answers without a type. At most 32.
    ///
    /// Accepted: `image/svg+xml`, `application/xml`. Refused: `text/*`, `text/html; charset=utf-8`, `application/grpc`.
    pub fn nonce_media_types(mut self, types: impl IntoIterator<Item: AsRef<str>>) -> Self {
        self.nonce_media_types = collected(types);
        self
    }

    /// Sets what becomes of an answer with a nonce that says nothing of caching. Default: [`NonceCaching::NoStore`].
    pub fn nonce_caching(mut self, caching: NonceCaching) -> Self {
        self.nonce_caching = caching;
        self
    }

    /// Sets where events go. Default: the stack's sink, else `tracing`.
    pub fn events(mut self, sink: impl EventSink) -> Self {
        self.events = Events::new(sink);
        self
    }

    /// Makes the layer. What deserves a second look in its policies ([`CspPolicy::lints`]) goes to the event sink.
    ///
    /// # Errors
    ///
    /// Fails with every mistake at once: [`CspLayerConfigError`], and [`CspConfigError`](super::CspConfigError) for a policy that
    /// cannot be a report-only one.
    ///
    /// # Example
    ///
    /// ```
    /// use tower_security::csp::{CspLayer, Csp};
    ///
    /// let layer = CspLayer::builder()
    ///     .enforce(Csp::strict().build()?)
    ///     .nonce_media_types(["image/svg+xml"])
    ///     .build()?;
    /// # let _ = layer;
    ///
    /// let errors = CspLayer::builder().nonce_media_types(["image/*"]).build().unwrap_err();
    /// let codes: Vec<_> = errors.iter().map(|error| error.code()).collect();
    /// assert_eq!(codes, ["missing_policy", "invalid_media_type"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(self) -> Result<CspLayer, ConfigErrors> {
        let mut mistakes = Mistakes::default();
        if self.enforce.is_none() && self.report_only.is_none() {
            mistakes.push("csp", CspLayerConfigError::MissingPolicy);
        }
        let watched = match self.mode {
            Mode::ReportOnly => self.enforce.as_ref(),
            Mode::Enforce | Mode::Off => None,
        };
        for (path, policy) in [
            ("csp.enforce", watched),
            ("csp.report_only", self.report_only.as_ref()),
        ] {
            for mistake in policy.map(CspPolicy::check_report_only).unwrap_or_default() {
                mistakes.push(path, mistake);
            }
        }
        if let Some(name) = conflicting_endpoint(self.enforce.as_ref(), self.report_only.as_ref()) {
            let mistake = CspLayerConfigError::ConflictingEndpoint { name };
            mistakes.push("csp.report_only", mistake);
        }
        let nonce_types = nonce_types(&self.nonce_media_types, &mut mistakes);
        let layer = CspLayer::of(Core {
            nonce_types,
            precedence: self.precedence,
            mode: self.mode,
            scheme: self.scheme,
            nonce_caching: self.nonce_caching,
            events: self.events,
            ..Core::new(self.enforce, self.report_only)
        });
        let layer = mistakes.finish(layer)?;
        layer.warn();
        Ok(layer)
    }
}

/// The name under which two policies report to two places. A second declaration takes the place of the first (RFC 9651, section
/// 3.2).
fn conflicting_endpoint(one: Option<&CspPolicy>, other: Option<&CspPolicy>) -> Option<String> {
    let one = one?.reporting_endpoints()?.as_bytes();
    let other = other?.reporting_endpoints()?.as_bytes();
    let name = |endpoint: &[u8]| -> Option<String> {
        let name = endpoint.split(|byte| *byte == b'=').next()?;
        String::from_utf8(name.to_vec()).ok()
    };
    name(one).filter(|_| one != other && name(one) == name(other))
}

fn nonce_types(names: &[String], mistakes: &mut Mistakes) -> NonceTypes {
    const MAX: usize = 32;
    if names.len() > MAX {
        let count = names.len();
        let mistake = CspLayerConfigError::TooManyMediaTypes { count };
        mistakes.push("csp.nonce_media_types", mistake);
        return NonceTypes::default();
    }
    for (at, name) in names.iter().enumerate() {
        let value = name.clone();
        let mistake = if !media::is_essence(name.as_bytes()) || name.contains('*') {
            CspLayerConfigError::InvalidMediaType { value }
        } else if is_grpc_type(name.as_bytes()) {
            CspLayerConfigError::GrpcMediaType { value }
        } else {
            continue;
        };
        mistakes.push(format!("csp.nonce_media_types[{at}]"), mistake);
    }
    names
        .iter()
        .map(|name| name.to_ascii_lowercase().into())
        .collect()
}
