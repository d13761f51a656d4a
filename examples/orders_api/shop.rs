//! What handlers share, and how it is made.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sqlx::SqlitePool;
use tower_security::core::{PepperRing, Rejection};
use tower_security::mfa::{MemoryMfaStore, TotpService};
use tower_security::password::{Argon2Cost, PasswordHasher, PasswordPolicy};
use tower_security::rate_limit::login::LoginThrottle;
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    JwtVerifier, KeyRing as TokenKeys, MemoryRefreshStore, MemoryRevocationStore, RefreshService,
    TokenIssuer,
};
use tower_security::vault::{KeyRing, Protector};

use super::secrets::Secrets;

pub const ISSUER: &str = "https://shop.example";
pub const AUDIENCE: &str = "https://shop.example/api";
/// The one client that tokens are given to.
pub const CLIENT: &str = "web";

pub type Fault = Box<dyn Error + Send + Sync>;

/// What handlers share. A clone costs some reference counts.
#[derive(Clone)]
pub struct Shop {
    pub db: SqlitePool,
    pub throttle: Arc<LoginThrottle>,
    pub hasher: PasswordHasher,
    pub policy: PasswordPolicy,
    pub totp: TotpService,
    pub issuer: TokenIssuer,
    pub tokens: RefreshService,
    pub verifier: JwtVerifier,
    /// Seals the addresses of users.
    pub addresses: Protector,
    /// What everybody may download.
    pub downloads: Arc<PathBuf>,
}

impl Shop {
    pub fn new(
        db: SqlitePool,
        secrets: &Secrets,
        downloads: PathBuf,
        grace: Duration,
    ) -> Result<Self, Fault> {
        // In earnest these two are tables too, or the stores of feature `redis`: what is in memory ends with the process.
        let (families, factors) = (MemoryRefreshStore::new(), MemoryMfaStore::new());
        let revocations = MemoryRevocationStore::new();

        let key = SigningKey::from_pem(secrets.signing.expose(), Algorithm::EdDsa)?;
        // Access tokens live for 15 minutes, which is the default.
        let issuer = TokenIssuer::builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .signing(TokenKeys::new(key))
            .build()?;
        let verifier = JwtVerifier::builder()
            .issuer(ISSUER)
            .audience(AUDIENCE)
            .keys(issuer.clone())
            .revocation(revocations.clone())
            .build()?;
        let tokens = RefreshService::builder(families, issuer.clone())
            .rotation_key("2027", secrets.rotation.clone())
            .revocation(revocations)
            .grace(grace)
            .build()?;
        let ring = KeyRing::builder()
            .active(1, secrets.vault.clone())
            .build()?;
        let peppers = PepperRing::builder("2027", secrets.pepper.clone()).build()?;
        Ok(Self {
            db,
            throttle: Arc::new(LoginThrottle::builder(secrets.throttle.clone()).build()?),
            // What OWASP recommends and no more, so that a demonstration does not take long.
            hasher: PasswordHasher::builder()
                .argon2id(Argon2Cost::OWASP)
                .pepper(peppers)
                .build()?,
            policy: PasswordPolicy::single_factor()
                .context_words(["shop"])
                .build()?,
            totp: TotpService::builder(factors, "Shop")
                .seal(ring.purpose(&["users", "totp"])?)
                .build()?,
            issuer,
            tokens,
            verifier,
            addresses: ring.purpose(&["users", "address"])?,
            downloads: Arc::new(downloads),
        })
    }
}

/// The client learns nothing of what the database says.
pub fn broken(error: impl std::fmt::Display) -> Rejection {
    tracing::error!(%error, "a query has failed");
    Rejection::internal()
}
