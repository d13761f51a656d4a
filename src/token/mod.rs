#![doc = include_str!("guide.md")]
#![cfg_attr(
    not(test),
    warn(clippy::arithmetic_side_effects, clippy::cast_possible_truncation)
)]

#[cfg(feature = "_jwt")]
mod claim_path;
#[cfg(feature = "_jwt")]
mod claims;
#[cfg(feature = "_jwt")]
mod dpop;
#[cfg(feature = "_jwt")]
mod error;
#[cfg(feature = "_jwt")]
mod grant;
#[cfg(feature = "_jwt")]
mod header_memo;
#[cfg(feature = "_jwt")]
#[doc = include_str!("identity_provider.md")]
pub mod identity_provider {}
#[cfg(feature = "_jwt")]
mod issuer;
#[cfg(feature = "_jwt")]
mod jwks;
#[cfg(feature = "_jwt")]
pub mod jws;
#[cfg(feature = "_jwt")]
mod profile;
#[cfg(feature = "_jwt")]
mod refresh;
#[cfg(feature = "_jwt")]
#[doc = include_str!("refresh/guide.md")]
pub mod refresh_tokens {}
mod revocation;
#[cfg(feature = "_jwt")]
mod source;
#[cfg(feature = "_jwt")]
mod typed;
#[cfg(feature = "_jwt")]
mod verified_cache;
#[cfg(feature = "_jwt")]
mod verifier;

#[cfg(feature = "_jwt")]
pub use dpop::DpopPolicy;
#[cfg(feature = "_jwt")]
pub use error::{TokenError, TokenErrorKind};
#[cfg(feature = "_jwt")]
pub use grant::Grant;
#[cfg(feature = "_jwt")]
pub use issuer::{
    AccessToken, IssueError, IssuerConfigError, JwksDocument, KeyRing, TokenIssuer,
    TokenIssuerBuilder,
};
#[cfg(feature = "jwks")]
pub use jwks::HttpsJwksFetch;
#[cfg(feature = "_jwt")]
pub use jwks::{
    FetchError, FetchErrorKind, JwksCache, JwksCacheBuilder, JwksConfigError, JwksFetch, JwksReply,
    JwksUrlProblem,
};
#[cfg(feature = "_jwt")]
pub use profile::Profile;
#[cfg(feature = "_jwt")]
#[doc(hidden)]
pub use refresh::contract as refresh_store_contract;
#[cfg(feature = "_jwt")]
pub use refresh::{
    FamilyId, FamilyRecord, MemoryRefreshStore, RefreshConfigError, RefreshContext, RefreshError,
    RefreshInfo, RefreshService, RefreshServiceBuilder, RefreshStore, Replaced, RevokeReason,
    TokenPair,
};
#[doc(hidden)]
pub use revocation::contract as revocation_store_contract;
#[cfg(any(feature = "_jwt", all(feature = "redis", feature = "opaque-tokens")))]
pub(crate) use revocation::first_second;
#[cfg(all(feature = "redis", feature = "opaque-tokens"))]
pub(crate) use revocation::second;
pub use revocation::{MemoryRevocationStore, Revocation, RevocationStore, TokenRef};
#[cfg(feature = "_jwt")]
pub use source::{KeySnapshot, KeySource, KeySourceError, KeyState};
#[cfg(feature = "_jwt")]
pub use typed::ClaimsError;
#[cfg(feature = "_jwt")]
pub use verified_cache::TokenCache;
#[cfg(feature = "_jwt")]
pub(crate) use verifier::Presented;
#[cfg(feature = "_jwt")]
pub use verifier::{JwtConfigError, JwtVerifier, JwtVerifierBuilder, JwtVerifiers, VerifyingKeys};
