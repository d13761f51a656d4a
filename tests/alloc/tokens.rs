//! Tokens that are issued, and the store of revocations.

use std::time::{Duration, SystemTime};

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
use tower_security::core::Confirmation;
use tower_security::core::Lookup;
use tower_security::token::{MemoryRevocationStore, Revocation, RevocationStore, TokenRef};

use super::*;

#[cfg(any(feature = "jwt", feature = "jwt-rust-crypto"))]
#[test]
fn issuing_makes_at_most_twelve() {
    use tower_security::token::jws::{Algorithm, SigningKey};
    use tower_security::token::{Grant, KeyRing, TokenIssuer};

    let alice = Principal::builder("alice")
        .client_id("web")
        .tenant("acme")
        .scopes(["orders:read", "orders:write"])
        .roles(["admin", "cook"])
        .acr("aal2")
        .amr(["pwd", "otp"])
        .auth_time(SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600))
        .session_id("s-1")
        .confirmation(Confirmation::JwkSha256([7; 32]))
        .build();
    let grant = Grant::new(alice).claim("plan", "gold");
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256] {
        let key = SigningKey::generate(algorithm).expect("there is randomness");
        let issuer = TokenIssuer::builder()
            .issuer("https://id.example.com/")
            .audience("https://api.example.com")
            .signing(KeyRing::new(key))
            .build()
            .expect("it is sound");
        issuer.issue(&grant).expect("it is issued");
        let (token, made) = counted(|| issuer.issue(&grant));
        assert!(token.is_ok());
        #[cfg(feature = "jwt")]
        assert!(made <= 12, "{algorithm}: {made}");
        #[cfg(not(feature = "jwt"))]
        assert!(made <= 24, "{algorithm}: {made}, the key is read anew");
    }
}

#[test]
fn asking_for_a_revocation_makes_none() {
    let store = MemoryRevocationStore::new();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    for number in 0..1_000 {
        let revoked = store.revoke_token(&format!("t-{number}"), end);
        assert!(matches!(revoked, Lookup::Ready(Ok(()))));
    }
    assert!(matches!(
        store.revoke_subject("mallory", end, end),
        Lookup::Ready(Ok(()))
    ));
    for (token_id, subject, expected) in [
        ("t-7", "alice", Revocation::Revoked),
        ("t-x", "mallory", Revocation::Revoked),
        ("t-x", "alice", Revocation::Valid),
    ] {
        let mut token = TokenRef::new(subject);
        (token.token_id, token.session_id) = (Some(token_id), Some("s-1"));
        token.issued_at = Some(SystemTime::UNIX_EPOCH);
        let (answer, made) = counted(|| store.check(&token));
        assert!(
            matches!(answer, Lookup::Ready(Ok(found)) if found == expected),
            "{token_id}"
        );
        assert_eq!(made, 0, "{token_id}");
    }
}
