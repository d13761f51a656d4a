//! `RedisRevocations`: who is logged out on one node is logged out on all.

use std::fmt;
use std::sync::LazyLock;
use std::time::SystemTime;

use ::redis::Script;

use super::call::Failure;
use super::records::{Records, Wait, corrupt, count, decimal, digest, parse_decimal};
use super::store::RedisStore;
use crate::core::{Lookup, StoreError, StoreErrorKind};
use crate::token::{Revocation, RevocationStore, TokenRef, first_second, second};

static REVOCATIONS: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("revocations.lua")));

/// What stands in the place of a date: no token is good, whenever it was issued.
const ALL: &[u8] = b"all";

/// Keeps revocations on a Redis server (6.2 or later), for all nodes.
///
/// A request asks once for token, session and subject together, and waits as long as
/// [`RedisStoreBuilder::timeout`](super::RedisStoreBuilder::timeout) says; a logout waits 250 ms. While the server is away, requests with a
/// token get a 503, and after five failures nobody waits. Revocations vanish when no token can be good any more that they are about;
/// how long that is is counted by the server from when it was told. The server holds digests of ids and subjects. All revocations
/// live on one node of a cluster.
///
/// The server has to keep what it is given: with an eviction policy other than `noeviction`, or after a failover to a replica that
/// lags, revoked tokens are good again until their end.
///
/// # Example
///
/// ```no_run
/// # #[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
/// # fn verifier(
/// #     store: &tower_security::redis::RedisStore,
/// #     keys: tower_security::token::jws::JwkSet,
/// # ) -> Result<tower_security::token::JwtVerifier, tower_security::core::ConfigErrors> {
/// use tower_security::redis::RedisRevocations;
/// use tower_security::token::JwtVerifier;
///
/// JwtVerifier::builder()
///     .issuer("https://id.example.com/")
///     .audience("https://api.example.com")
///     .keys(keys)
///     .revocation(RedisRevocations::new(store))
///     .build()
/// # }
/// ```
pub struct RedisRevocations(Records);

impl RedisRevocations {
    /// Keeps revocations on the server of `store`, under its prefix.
    #[must_use]
    pub fn new(store: &RedisStore) -> Self {
        Self(Records::new(store.inner(), "revocations", &REVOCATIONS))
    }

    fn name(&self, kind: &str, text: &str) -> String {
        self.0.record(&format!("{kind}:{}", digest(text)))
    }

    fn revoke(
        &self,
        name: String,
        valid_from: Vec<u8>,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let arguments = vec![valid_from, self.0.rest_until(until)];
        self.0
            .run(("revoke", Wait::Handler), vec![name], arguments, |answer| {
                count(answer).map(|_| ())
            })
    }
}

const TOKEN: &str = "token";
const SESSION: &str = "session";
const SUBJECT: &str = "subject";

/// Whether a token of this date was revoked by what stands there.
fn is_revoked(issued_at: Option<SystemTime>, value: &[u8]) -> Result<bool, Failure> {
    if value == ALL {
        return Ok(true);
    }
    let error = || StoreError::new(StoreErrorKind::Corrupt, "a revocation without its date");
    let from = parse_decimal(value).ok_or_else(|| corrupt(error()))?;
    // A token that does not say when it was issued may be older.
    Ok(issued_at.is_none_or(|date| second(date) < from))
}

impl RevocationStore for RedisRevocations {
    fn check(&self, token: &TokenRef<'_>) -> Lookup<Result<Revocation, StoreError>> {
        let asked = [
            (TOKEN, token.token_id),
            (SESSION, token.session_id),
            (SUBJECT, Some(token.subject)),
        ];
        let names: Vec<String> = asked
            .into_iter()
            .filter_map(|(kind, text)| Some(self.name(kind, text?)))
            .collect();
        let issued_at = token.issued_at;
        self.0.all_of(&names, move |values| {
            for value in values.into_iter().flatten() {
                if is_revoked(issued_at, &value)? {
                    return Ok(Revocation::Revoked);
                }
            }
            Ok(Revocation::Valid)
        })
    }

    fn revoke_token(&self, token_id: &str, until: SystemTime) -> Lookup<Result<(), StoreError>> {
        self.revoke(self.name(TOKEN, token_id), ALL.to_vec(), until)
    }

    fn revoke_session(
        &self,
        session_id: &str,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        self.revoke(self.name(SESSION, session_id), ALL.to_vec(), until)
    }

    fn revoke_subject(
        &self,
        subject: &str,
        not_before: SystemTime,
        until: SystemTime,
    ) -> Lookup<Result<(), StoreError>> {
        let valid_from = decimal(first_second(not_before));
        self.revoke(self.name(SUBJECT, subject), valid_from, until)
    }
}

impl fmt::Debug for RedisRevocations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisRevocations")
            .field("prefix", &self.0.prefix())
            .finish_non_exhaustive()
    }
}
