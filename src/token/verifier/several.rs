use std::fmt;
use std::sync::Arc;

use http::request::Parts;

use super::{JwtConfigError, JwtVerifier, Presented};
use crate::core::{ConfigErrors, Lookup, Mistakes, Principal};
use crate::token::claims::issuer_of;
use crate::token::error::TokenError;
use crate::token::jws::base64url;
use crate::token::jws::compact::{MOST_TOKEN, Segments};
use crate::token::verified_cache;

use super::steps::refused;

/// Verifiers of several issuers, of which each token is given to that of its exact `iss`. Cloning shares them.
///
/// The keys of one issuer never verify a token that names another.
///
/// # Example
///
/// ```
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tower_security::core::Secret;
/// use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
/// use tower_security::token::{JwtVerifier, JwtVerifiers};
///
/// let verifier = |issuer: &str, secret| {
///     let key = Jwk::hmac(Secret::from(secret), Algorithm::Hs256)?;
///     let verifier = JwtVerifier::builder()
///         .issuer(issuer)
///         .audience("https://api.example.com")
///         .keys(JwkSet::from_keys([key]))
///         .build()?;
///     Ok::<_, Box<dyn std::error::Error>>(verifier)
/// };
/// let staff = verifier("https://staff.example.com/", b"an example: take 32 random bytes")?;
/// let shop = verifier("https://shop.example.com/", b"another one: take random bytes!!")?;
/// assert!(JwtVerifiers::new([staff.clone(), staff.clone()]).is_err());
///
/// let both = JwtVerifiers::new([staff, shop])?;
/// # let _ = both;
/// # Ok(())
/// # }
/// # #[cfg(not(any(feature = "jwt", feature = "jwt-rust-crypto")))]
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct JwtVerifiers(Arc<[JwtVerifier]>);

impl JwtVerifiers {
    /// Takes one verifier for each issuer, 1 to 64.
    ///
    /// # Errors
    ///
    /// [`JwtConfigError::Duplicate`] for a second one of an issuer, [`JwtConfigError::VerifierCount`] for none or too many.
    pub fn new(verifiers: impl IntoIterator<Item = JwtVerifier>) -> Result<Self, ConfigErrors> {
        const MOST: usize = 64;
        let verifiers: Vec<_> = verifiers.into_iter().take(MOST.saturating_add(1)).collect();
        let mut mistakes = Mistakes::default();
        let count = verifiers.len();
        if !(1..=MOST).contains(&count) {
            mistakes.push("token.verifiers", JwtConfigError::VerifierCount { count });
        }
        for (index, verifier) in verifiers.iter().enumerate() {
            let mut before = verifiers.iter().take(index);
            if before.any(|other| other.issuer() == verifier.issuer()) {
                let kind = JwtConfigError::Duplicate {
                    issuer: verifier.issuer().to_owned(),
                };
                mistakes.push(format!("token.verifiers[{index}]"), kind);
            }
        }
        mistakes.finish(Self(verifiers.into()))
    }

    /// Verifies a token that no request has brought, as a bearer token. See [`JwtVerifier::verify`].
    #[must_use]
    pub fn verify(&self, token: &str) -> Lookup<Result<Principal, TokenError>> {
        self.verify_presented(Presented {
            token: token.as_bytes(),
            is_dpop: false,
            head: None,
        })
    }

    /// Verifies a token that came by the scheme `DPoP`. See [`JwtVerifier::verify_dpop`].
    #[must_use]
    pub fn verify_dpop(&self, token: &str, head: &Parts) -> Lookup<Result<Principal, TokenError>> {
        self.verify_presented(Presented {
            token: token.as_bytes(),
            is_dpop: true,
            head: Some(head),
        })
    }

    /// Returns the verifiers.
    #[must_use]
    pub fn verifiers(&self) -> &[JwtVerifier] {
        &self.0
    }

    pub(crate) fn verify_presented(
        &self,
        presented: Presented<'_>,
    ) -> Lookup<Result<Principal, TokenError>> {
        if let [only] = &*self.0 {
            return only.verify_presented(presented);
        }
        if presented.token.len() > MOST_TOKEN {
            return Lookup::Ready(Err(TokenError::invalid("too_long")));
        }
        let is_cached = self.0.iter().any(JwtVerifier::has_cache);
        let digest = is_cached.then(|| verified_cache::digest(presented.token));
        let remembering = digest.as_ref().and_then(|digest| {
            let mut verifiers = self.0.iter();
            verifiers.find(|verifier| verifier.remembers(digest))
        });
        let chosen = match remembering {
            Some(verifier) => Ok(verifier),
            None => self.of_issuer(presented.token),
        };
        match chosen {
            Ok(verifier) => verifier.verify_digested(presented, digest),
            Err(error) => Lookup::Ready(Err(error)),
        }
    }

    /// The verifier of the issuer that the token names. That it tells the truth is shown by the keys of that issuer.
    fn of_issuer(&self, token: &[u8]) -> Result<&JwtVerifier, TokenError> {
        let segments = Segments::split(token, MOST_TOKEN).map_err(refused)?;
        let payload = base64url::decode(segments.payload).map_err(refused)?;
        let issuer = issuer_of(&payload).map_err(|fault| TokenError::invalid(fault.0))?;
        let mut verifiers = self.0.iter();
        verifiers
            .find(|verifier| verifier.issuer() == issuer)
            .ok_or_else(|| TokenError::invalid("issuer"))
    }
}

impl From<JwtVerifier> for JwtVerifiers {
    fn from(verifier: JwtVerifier) -> Self {
        Self(Arc::new([verifier]))
    }
}

impl fmt::Debug for JwtVerifiers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&*self.0).finish()
    }
}
