use std::fmt::{self, Write};
use std::sync::{Arc, LazyLock};

use http::{Extensions, HeaderValue, StatusCode};

use super::ChallengesBuilder;
use super::failure::ChallengeFailure;
use crate::core::principal::Attached;
use crate::core::{AuthMethod, Rejection};

/// What a client may authenticate with, as the lines of `WWW-Authenticate` that a 401 or 403 carries (RFC 9110 section 11.6.1).
///
/// One line for each scheme, made once. The authentication layer attaches them to every request, anonymous ones too, and all layers
/// behind it answer with the same. Where none are attached, a 401 says `Bearer realm="api"`.
///
/// # Example
///
/// ```
/// use tower_security::core::{ChallengeScheme, Challenges};
///
/// let challenges = Challenges::builder()
///     .realm("orders")
///     .add_scheme(ChallengeScheme::bearer())
///     .add_scheme(ChallengeScheme::session())
///     .build()?;
/// let lines: Vec<_> = challenges.lines().collect();
/// assert_eq!(lines, [r#"Bearer realm="orders""#, r#"Session realm="orders""#]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Challenges(pub(super) Arc<[Line]>);

pub(super) struct Line {
    pub(super) scheme: Box<str>,
    /// `Bearer realm="api"` and the scheme's own parameters.
    pub(super) head: Box<str>,
    /// `ES256 EdDSA`, told when a proof of possession fails.
    pub(super) algs: Option<Box<str>>,
    /// `, resource_metadata="https://..."`, or nothing.
    pub(super) metadata: Box<str>,
    /// Head and metadata.
    pub(super) plain: HeaderValue,
}

pub(super) const DEFAULT_LINE: HeaderValue = HeaderValue::from_static(r#"Bearer realm="api""#);

static DEFAULT: LazyLock<Challenges> = LazyLock::new(Challenges::default);

impl Challenges {
    /// Begins without a scheme and with the realm `api`.
    pub const fn builder() -> ChallengesBuilder {
        ChallengesBuilder::new()
    }

    /// Returns the challenges that an authentication layer has attached to these extensions of a request.
    #[must_use]
    pub fn from_extensions(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Attached>()?.challenges.as_ref()
    }

    /// Attaches these challenges to a request, for an authentication layer of your own. A principal stays attached.
    pub fn attach(self, extensions: &mut Extensions) {
        Attached::update(extensions, |attached| attached.challenges = Some(self));
    }

    /// Returns the lines for a client that has presented nothing.
    pub fn lines(&self) -> impl Iterator<Item = HeaderValue> {
        self.0.iter().map(|line| line.plain.clone())
    }

    /// The attached challenges, or those that hold without any.
    pub(crate) fn of(extensions: &Extensions) -> &Self {
        Self::from_extensions(extensions).unwrap_or_else(|| &*DEFAULT)
    }

    /// 401 `authentication_required`: nobody has logged in, or not in a way that is known here.
    pub(crate) fn authentication_required(&self) -> Rejection {
        Rejection::new(
            StatusCode::UNAUTHORIZED,
            "authentication_required",
            "Authentication is required",
        )
        .challenges(self.lines())
    }

    /// The lines for what was presented and did not suffice. The one of the scheme that decided says why; the first, when no scheme
    /// was at fault or it has no line.
    pub(crate) fn failure_lines(
        &self,
        decided_by: Option<AuthMethod>,
        failure: ChallengeFailure<'_>,
    ) -> impl Iterator<Item = HeaderValue> {
        let scheme = decided_by.and_then(scheme_of);
        let deciding = scheme
            .and_then(|scheme| {
                self.0
                    .iter()
                    .position(|line| line.scheme.eq_ignore_ascii_case(scheme))
            })
            .unwrap_or_default();
        self.0.iter().enumerate().map(move |(index, line)| {
            if index == deciding {
                line.failed(failure)
            } else {
                line.plain.clone()
            }
        })
    }
}

/// What holds without an authentication layer: `Bearer realm="api"`.
impl Default for Challenges {
    fn default() -> Self {
        Self(Arc::new([Line {
            scheme: "Bearer".into(),
            head: r#"Bearer realm="api""#.into(),
            algs: None,
            metadata: "".into(),
            plain: DEFAULT_LINE,
        }]))
    }
}

impl fmt::Debug for Challenges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.lines()).finish()
    }
}

impl Line {
    fn failed(&self, failure: ChallengeFailure<'_>) -> HeaderValue {
        let (error, description) = failure.words();
        let mut line = format!(
            r#"{}, error="{error}", error_description="{description}""#,
            self.head
        );
        // Writing to a string does not fail.
        let _ = match failure {
            ChallengeFailure::InsufficientScope(scope) => write!(line, r#", scope="{scope}""#),
            ChallengeFailure::StrongerAuthentication(Some(acr)) => {
                write!(line, r#", acr_values="{acr}""#)
            }
            ChallengeFailure::RecentAuthentication(max_age) => {
                write!(line, r#", max_age="{}""#, max_age.as_secs())
            }
            ChallengeFailure::ProofInvalid | ChallengeFailure::ProofNonce => match &self.algs {
                Some(algs) => write!(line, r#", algs="{algs}""#),
                None => Ok(()),
            },
            ChallengeFailure::Ambiguous
            | ChallengeFailure::Malformed
            | ChallengeFailure::StrongerAuthentication(None)
            | ChallengeFailure::TokenExpired
            | ChallengeFailure::TokenInvalid => Ok(()),
        };
        line.push_str(&self.metadata);
        // All parts were checked when they were configured; a line that is no header value loses its reason, not the challenge.
        HeaderValue::try_from(line).unwrap_or_else(|_| self.plain.clone())
    }
}

const fn scheme_of(method: AuthMethod) -> Option<&'static str> {
    match method {
        AuthMethod::ApiKey => Some("ApiKey"),
        AuthMethod::Bearer | AuthMethod::Introspection => Some("Bearer"),
        AuthMethod::Custom(name) => Some(name),
        AuthMethod::DPoP => Some("DPoP"),
        // Asked for in the TLS handshake, never in a header.
        AuthMethod::Mtls => None,
        AuthMethod::Session => Some("Session"),
    }
}
