//! Tokens that are issued, beside `jsonwebtoken::encode` and the signature alone, and what it costs to ask whether one was revoked.
//! See `harness` for the commands.
//!
//! ```text
//! cargo bench --all-features --bench tokens -- issue         signing
//! cargo bench --all-features --bench tokens -- revocation    the store in memory
//! cargo bench --all-features --bench tokens -- refresh       a refresh token for the next, beside the access token alone
//! ```
//!
//! Callgrind knows no SHA extensions: rows that hash are judged by time.

mod harness;

use std::collections::HashSet;
use std::hint::black_box;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::{Arc, RwLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use jsonwebtoken::{EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};
use serde::Serialize;

use tower_security::core::{Lookup, ManualClock, NoopSink, Principal};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    Grant, KeyRing, MemoryRefreshStore, MemoryRevocationStore, RefreshContext, RefreshService,
    Revocation, RevocationStore, TokenIssuer, TokenPair, TokenRef,
};

use harness::Group;

const OURS: &str = "tower-security";
const JSONWEBTOKEN: &str = "jsonwebtoken";
const RAW: &str = "signature alone";
const BY_HAND: &str = "RwLock, three sets";

const ISSUER: &str = "https://id.example.com/";
const AUDIENCE: &str = "https://api.example.com";
const SUBJECT: &str = "5f0c1ed1-7d0f-4d0c-9c4b-5d6e53f3a1de";

fn main() -> ExitCode {
    // `encode` asks the process for its backend; this crate does not.
    jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER
        .install_default()
        .expect("nobody else has installed one");
    harness::main("tokens", &groups())
}

fn groups() -> Vec<Group> {
    let mut groups = vec![
        issue("issue: EdDSA", Algorithm::EdDsa),
        issue("issue: ES256", Algorithm::Es256),
    ];
    groups.extend(revocation());
    groups.push(refresh());
    groups
}

/// What a token says besides who it is.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: String,
    sub: &'a str,
    client_id: &'a str,
    scope: &'a str,
    roles: [&'a str; 2],
}

/// An id is drawn and the date is read, as ours does.
fn claims(random: &SystemRandom) -> Claims<'static> {
    use aws_lc_rs::rand::SecureRandom as _;
    use base64::Engine as _;

    let mut drawn = [0; 16];
    random.fill(&mut drawn).expect("there is randomness");
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.expect("it is later").as_secs();
    Claims {
        iss: ISSUER,
        aud: AUDIENCE,
        exp: now + 900,
        iat: now,
        jti: base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(drawn),
        sub: SUBJECT,
        client_id: "web",
        scope: "orders:read orders:write profile",
        roles: ["editor", "support"],
    }
}

fn pem(algorithm: Algorithm) -> String {
    let pair = match algorithm {
        Algorithm::EdDsa => KeyPair::generate_for(&PKCS_ED25519),
        _ => KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256),
    };
    pair.expect("a key").serialize_pem()
}

/// The signature of so many bytes alone, with a key that was read before.
fn raw(algorithm: Algorithm, pem: &str) -> Box<dyn FnMut(&[u8]) -> Vec<u8>> {
    let pair = KeyPair::from_pem(pem).expect("a key");
    let der = pair.serialize_der();
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::EdDsa => {
            let key = Ed25519KeyPair::from_pkcs8(&der).expect("a key");
            Box::new(move |input| key.sign(input).as_ref().to_vec())
        }
        _ => {
            let scheme = &ECDSA_P256_SHA256_FIXED_SIGNING;
            let key = EcdsaKeyPair::from_pkcs8(scheme, &der).expect("a key");
            Box::new(move |input| {
                let signature = key.sign(&random, input).expect("it signs");
                signature.as_ref().to_vec()
            })
        }
    }
}

fn issue(name: &'static str, algorithm: Algorithm) -> Group {
    let pem = pem(algorithm);
    let issuer = TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(
            SigningKey::from_pem(&pem, algorithm).expect("a key"),
        ))
        .build()
        .expect("an issuer");
    let who = Principal::builder(SUBJECT)
        .client_id("web")
        .scopes(["orders:read", "orders:write", "profile"])
        .roles(["editor", "support"])
        .build();
    let grant = Grant::new(who);
    let token = issuer.issue(&grant).expect("a token");
    let input: Arc<str> = token
        .token()
        .expose()
        .rsplit_once('.')
        .expect("three")
        .0
        .into();
    let (raw_pem, their_pem) = (pem.clone(), pem);
    Group::new(name, RAW)
        .row("nothing", || (|| (), |()| ()))
        .row(RAW, move || {
            let (input, mut sign) = (Arc::clone(&input), raw(algorithm, &raw_pem));
            (|| (), move |()| sign(black_box(input.as_bytes())))
        })
        .row(JSONWEBTOKEN, move || {
            let pem = their_pem.as_bytes();
            let (theirs, key) = match algorithm {
                Algorithm::EdDsa => {
                    let key = EncodingKey::from_ed_pem(pem);
                    (jsonwebtoken::Algorithm::EdDSA, key)
                }
                _ => {
                    let key = EncodingKey::from_ec_pem(pem);
                    (jsonwebtoken::Algorithm::ES256, key)
                }
            };
            let key = key.expect("the same key");
            let mut header = Header::new(theirs);
            header.typ = Some("at+jwt".into());
            header.kid = Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k".into());
            let random = SystemRandom::new();
            let encode =
                move |()| jsonwebtoken::encode(&header, &claims(&random), &key).expect("a token");
            (|| (), encode)
        })
        .row(OURS, move || {
            let (issuer, grant) = (issuer.clone(), grant.clone());
            (|| (), move |()| issuer.issue(&grant).expect("a token"))
        })
}

/// A token that names all that can be revoked.
fn token(token_id: &str) -> TokenRef<'_> {
    let mut token = TokenRef::new(SUBJECT);
    token.issuer = Some(ISSUER);
    token.token_id = Some(token_id);
    token.session_id = Some("Zk9sTqfH2rVb0cXl3nJ4Wg");
    token.issued_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(1_735_689_600));
    token
}

const GOOD: &str = "q83vEjRWeJCrze8SNFZ4kA";
const BAD: &str = "AAAAAAAAAAAAAAAAAAAAAA";

fn revocation() -> Vec<Group> {
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    let store = |number: usize| {
        let store = MemoryRevocationStore::new();
        let done = |answer| assert!(matches!(answer, Lookup::Ready(Ok(()))));
        for number in 0..number {
            done(store.revoke_token(&format!("token-{number:016}"), end));
            done(store.revoke_session(&format!("session-{number:014}"), end));
            done(store.revoke_subject(&format!("subject-{number:014}"), end, end));
        }
        done(store.revoke_token(BAD, end));
        store
    };
    let sets = |number: usize| {
        let set = |kind: &str| -> RwLock<HashSet<String>> {
            let ids = (0..number).map(|number| format!("{kind}-{number:014}"));
            RwLock::new(ids.collect())
        };
        [set("token"), set("session"), set("subject")]
    };
    let check = |store: MemoryRevocationStore, token_id, expected| {
        move || {
            let store = store.clone();
            let verdict = move |token: TokenRef<'_>| match store.check(&token) {
                Lookup::Ready(Ok(found)) => assert_eq!(found, expected),
                Lookup::Ready(Err(_)) | Lookup::Pending(_) => panic!("memory answers"),
            };
            (move || token(black_box(token_id)), verdict)
        }
    };
    let by_hand = move |number| {
        move || {
            let sets = sets(number);
            let verdict = move |token: TokenRef<'_>| {
                let [tokens, sessions, subjects] = &sets;
                let has =
                    |set: &RwLock<HashSet<String>>, id: &str| set.read().unwrap().contains(id);
                let found = token.token_id.is_some_and(|id| has(tokens, id))
                    || token.session_id.is_some_and(|id| has(sessions, id))
                    || has(subjects, token.subject);
                assert!(!found);
            };
            (|| token(black_box(GOOD)), verdict)
        }
    };
    let nothing = || {
        (
            || token(black_box(GOOD)),
            |token: TokenRef<'_>| token.subject.len(),
        )
    };
    [
        ("revocation: nobody is revoked but one", 0),
        ("revocation: 30,000 others are revoked", 10_000),
        ("revocation: 90,000 others are revoked", 30_000),
    ]
    .into_iter()
    .map(|(name, number)| {
        Group::new(name, BY_HAND)
            .row("nothing", nothing)
            .row(BY_HAND, by_hand(number))
            .row(OURS, check(store(number), GOOD, Revocation::Valid))
            .row(
                "tower-security, revoked",
                check(store(number), BAD, Revocation::Revoked),
            )
    })
    .collect()
}

const ACCESS: &str = "access token alone";
const WEB: RefreshContext<'static> = RefreshContext::new().client_id("web");

/// What is in memory is not waited for.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("memory answers"),
    }
}

/// Signed with HMAC: what a refresh adds to a signature is not to drown in it.
fn refresh() -> Group {
    let secret = b"an example: take 32 random bytes";
    // It stands still, so that what is repeated stays within the grace.
    let clock = ManualClock::new();
    let issuer = TokenIssuer::builder()
        .clock(clock.clone())
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(
            SigningKey::hmac(secret, Algorithm::Hs256).expect("a key"),
        ))
        .build()
        .expect("an issuer");
    let who = Principal::builder(SUBJECT)
        .client_id("web")
        .scopes(["orders:read", "orders:write", "profile"])
        .roles(["editor", "support"]);
    let grant = Grant::new(who.build());
    let service = RefreshService::builder(MemoryRefreshStore::new(), issuer.clone())
        .rotation_key("2027-01", *b"another key that is an example..")
        .revocation(MemoryRevocationStore::new())
        .max_families(1_000)
        .clock(clock)
        .events(NoopSink::new())
        .build()
        .expect("a service");
    let text = |pair: TokenPair| pair.refresh_token.expose().clone();
    let login = {
        let (service, grant) = (service.clone(), grant.clone());
        move || text(now(service.login(&grant, &WEB)).expect("it begins"))
    };
    let (rotating, repeating) = (service.clone(), service);
    let again = login.clone();
    Group::new("refresh, signed with HMAC", ACCESS)
        .row("nothing", || (|| (), |()| ()))
        .row(ACCESS, move || {
            let (issuer, grant) = (issuer.clone(), grant.clone());
            (|| (), move |()| issuer.issue(&grant).expect("a token"))
        })
        .row(OURS, move || {
            let service = rotating.clone();
            let mut token = login();
            (
                || (),
                move |()| {
                    let pair = now(service.refresh(&token, &WEB)).expect("the next");
                    token.clone_from(pair.refresh_token.expose());
                    pair
                },
            )
        })
        .row("tower-security, repeated", move || {
            let service = repeating.clone();
            let token = again();
            now(service.refresh(&token, &WEB)).expect("the next");
            (
                || (),
                move |()| now(service.refresh(black_box(&token), &WEB)).expect("the same"),
            )
        })
}
