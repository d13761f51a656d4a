use std::fmt;

/// How a client proved who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// A key in a header of its own.
    ApiKey,
    /// A token that whoever has it may use (RFC 6750).
    Bearer,
    /// A way of your own, by its name.
    Custom(&'static str),
    /// A token bound to a key, with a proof of its possession (RFC 9449).
    DPoP,
    /// A token that the issuer was asked about (RFC 7662).
    Introspection,
    /// A client certificate.
    Mtls,
    /// A session cookie.
    Session,
}

impl AuthMethod {
    /// Returns the name in snake case; that of [`AuthMethod::Custom`] as it is.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApiKey => "api_key",
            Self::Bearer => "bearer",
            Self::Custom(name) => name,
            Self::DPoP => "dpop",
            Self::Introspection => "introspection",
            Self::Mtls => "mtls",
            Self::Session => "session",
        }
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The key to which a credential is bound, so that a stolen copy is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Confirmation {
    /// SHA-256 of a client certificate (`x5t#S256`, RFC 8705 section 3.1).
    CertificateSha256([u8; 32]),
    /// SHA-256 thumbprint of a public key (`jkt`, RFC 9449 section 6.1).
    JwkSha256([u8; 32]),
}
