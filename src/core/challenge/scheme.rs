use std::fmt::Write;

use http::{HeaderName, HeaderValue};

use super::lines::{DEFAULT_LINE, Line};

/// One way to authenticate as `WWW-Authenticate` names it: a scheme and its fixed parameters.
///
/// # Example
///
/// ```
/// use tower_security::core::{ChallengeScheme, Challenges};
///
/// let scheme = ChallengeScheme::custom("Signature").add_param("keys", "https://api.example.com/keys");
/// let challenges = Challenges::builder().add_scheme(scheme).build()?;
/// assert_eq!(
///     challenges.lines().next().ok_or("no line")?,
///     r#"Signature realm="api", keys="https://api.example.com/keys""#
/// );
///
/// let split = ChallengeScheme::custom("Signature").add_param("keys", "a\", error=\"none");
/// assert!(Challenges::builder().add_scheme(split).build().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ChallengeScheme {
    /// `None`: no line.
    pub(super) name: Option<String>,
    pub(super) params: Vec<(String, String)>,
    pub(super) algs: Option<String>,
    takes_metadata: bool,
}

impl ChallengeScheme {
    /// `Bearer` tokens (RFC 6750).
    pub fn bearer() -> Self {
        Self {
            takes_metadata: true,
            ..Self::custom("Bearer")
        }
    }

    /// `DPoP`-bound tokens (RFC 9449) and the algorithms accepted for a proof, such as `["ES256", "EdDSA"]`; a failing proof is told
    /// them.
    pub fn dpop(algs: impl IntoIterator<Item: AsRef<str>>) -> Self {
        let algs: Vec<_> = algs
            .into_iter()
            .map(|alg| alg.as_ref().to_owned())
            .collect();
        Self {
            algs: Some(algs.join(" ")),
            takes_metadata: true,
            ..Self::custom("DPoP")
        }
    }

    /// `ApiKey`: a key in a header of its own, which the line names.
    pub fn api_key(header: &HeaderName) -> Self {
        Self::custom("ApiKey").add_param("header", header.as_str())
    }

    /// `Session`: a session cookie.
    pub fn session() -> Self {
        Self::custom("Session")
    }

    /// A scheme of your own. A 403 names its line when the principal's method is `AuthMethod::Custom` of the same name.
    pub fn custom(name: impl Into<String>) -> Self {
        Self {
            name: Some(name.into()),
            params: Vec::new(),
            algs: None,
            takes_metadata: false,
        }
    }

    /// A credential that no header asks for, such as a client certificate: no line.
    pub fn silent() -> Self {
        Self {
            name: None,
            ..Self::custom("")
        }
    }

    /// Adds a fixed parameter, which stands behind the realm. The value is quoted: `%x20-21 / %x23-5B / %x5D-7E`.
    pub fn add_param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    pub(super) fn line(&self, realm: &str, metadata: Option<&str>) -> Line {
        let scheme = self.name.as_deref().unwrap_or_default();
        let mut head = format!(r#"{scheme} realm="{realm}""#);
        for (name, value) in &self.params {
            // Writing to a string does not fail.
            let _ = write!(head, r#", {name}="{value}""#);
        }
        let metadata = metadata
            .filter(|_| self.takes_metadata)
            .map(|url| format!(r#", resource_metadata="{url}""#))
            .unwrap_or_default();
        Line {
            // What is no header value was just reported as a mistake, and then nobody sees the line.
            plain: HeaderValue::try_from(format!("{head}{metadata}")).unwrap_or(DEFAULT_LINE),
            scheme: scheme.into(),
            head: head.into(),
            algs: self.algs.as_deref().map(Into::into),
            metadata: metadata.into(),
        }
    }
}
