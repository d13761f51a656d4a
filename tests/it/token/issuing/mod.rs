//! Tokens that are issued here: what they say, who verifies them, and with which keys.

mod claims;
mod config;
mod document;
mod rotation;
mod round_trip;
#[cfg(all(feature = "axum", feature = "jwks"))]
mod served;

use std::time::Duration;

use tower_security::core::{Clock, Lookup, ManualClock, Principal};
use tower_security::token::jws::{Algorithm, SigningKey};
use tower_security::token::{
    AccessToken, Grant, JwtVerifier, JwtVerifierBuilder, KeyRing, KeySource, TokenError,
    TokenIssuer, TokenIssuerBuilder,
};

use super::issuer::{AUDIENCE, ISSUER, decode};

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::EdDsa).expect("there is randomness")
}

/// An issuer that lacks only what a test is about.
fn builder(clock: impl Clock) -> TokenIssuerBuilder {
    TokenIssuer::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .signing(KeyRing::new(new_key()))
        .clock(clock)
}

fn issuer() -> TokenIssuer {
    builder(ManualClock::new()).build().expect("it is sound")
}

fn alice() -> Principal {
    Principal::builder("alice").client_id("web").build()
}

fn token(issuer: &TokenIssuer) -> AccessToken {
    issuer.issue(&Grant::new(alice())).expect("it is issued")
}

/// A verifier of what [`builder`] issues.
fn verifying(clock: impl Clock, keys: impl KeySource) -> JwtVerifierBuilder {
    JwtVerifier::builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .keys(keys)
        .tenant_claim("tenant")
        .clock(clock)
}

#[track_caller]
fn verify(verifier: &JwtVerifier, token: &AccessToken) -> Result<Principal, TokenError> {
    match verifier.verify(token.token().expose()) {
        Lookup::Ready(answer) => answer,
        Lookup::Pending(_) => panic!("nothing is to be waited for"),
    }
}

/// The decoded segments of a token but the last one.
fn said(token: &AccessToken) -> [String; 2] {
    let mut segments = token.token().expose().split('.');
    [(); 2].map(|()| {
        let segment = segments.next().expect("there are three");
        String::from_utf8(decode(segment)).expect("it is JSON")
    })
}
