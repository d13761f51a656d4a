//! The verifier of JSON Web Tokens.

use http::request::Parts;

use super::error::TokenError;
use crate::core::{Lookup, Principal};

/// Verifies JSON Web Tokens. Cloning shares it.
#[derive(Clone, Debug)]
pub struct JwtVerifier {}

/// A token, and how it came.
#[derive(Clone, Copy)]
pub(crate) struct Presented<'a> {
    pub(crate) token: &'a [u8],
    /// `DPoP` instead of `Bearer`: a proof has to stand in the request.
    pub(crate) is_dpop: bool,
    /// For the proof; absent where no request is there.
    pub(crate) head: Option<&'a Parts>,
}

impl JwtVerifier {
    /// Verifies a token that no request has brought, as a bearer token.
    #[must_use]
    pub fn verify(&self, token: &str) -> Lookup<Result<Principal, TokenError>> {
        self.verify_presented(Presented {
            token: token.as_bytes(),
            is_dpop: false,
            head: None,
        })
    }

    pub(crate) fn verify_presented(
        &self,
        presented: Presented<'_>,
    ) -> Lookup<Result<Principal, TokenError>> {
        let _ = presented;
        Lookup::Ready(Err(TokenError::invalid("stub")))
    }
}
