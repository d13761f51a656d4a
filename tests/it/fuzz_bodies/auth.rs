//! The header `Authorization`: what is let in is one token that the verifier believes, and each refusal is the one that the grammar says.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::Full;
use tower_layer::Layer;
use tower_security::auth::{AuthFailure, AuthLayer};
use tower_security::core::{ManualClock, Principal, Secret};
use tower_security::token::JwtVerifier;
use tower_security::token::jws::{Algorithm, Jwk, JwkSet};
use tower_service::Service;

/// The one token that is believed, at the date of a new `ManualClock`.
const GOOD: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tLyIsImF1ZCI6Imh0dHBzOi8vYXBpLmV4YW1wbGUuY29tIiwiZXhwIjoxNzM1Njg5OTAwLCJpYXQiOjE3MzU2ODk2MDAsInN1YiI6ImFsaWNlIiwiY2xpZW50X2lkIjoid2ViIiwianRpIjoidC0xIiwic2NvcGUiOiJvcmRlcnM6cmVhZCIsInBsYW4iOiJnb2xkIn0.xs5llyEPImNZp3Jg72-owrTFNNklROoWJKV_lHHGSXI";

/// The lines of the input are the lines of the header.
pub fn authorization_header(data: &[u8]) {
    static LAYER: OnceLock<AuthLayer> = OnceLock::new();
    let layer = LAYER.get_or_init(layer);

    let mut request = Request::get("/").body(()).expect("it is a request");
    let mut lines = Vec::new();
    for line in data.split(|byte| *byte == b'\n').take(4) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            request.headers_mut().append("authorization", value);
            lines.push(line);
        }
    }
    let answer = answer(layer, request);
    let told = match answer.extensions().get::<AuthFailure>() {
        Some(failure) => {
            let status = failure.kind().status();
            assert_eq!(answer.status(), status);
            assert!(answer.headers().contains_key("www-authenticate"));
            failure.code()
        }
        None => "granted",
    };
    let expected = expected(&lines);
    // A token that says it is over is told so before its signature is looked at, whoever has written it.
    if (told, expected) != ("token_expired", "token_invalid") {
        assert_eq!(told, expected);
    }
}

fn layer() -> AuthLayer {
    let key = Jwk::hmac(
        Secret::from(b"an example: take 32 random bytes"),
        Algorithm::Hs256,
    );
    let verifier = JwtVerifier::builder()
        .issuer("https://id.example.com/")
        .audience("https://api.example.com")
        .keys(JwkSet::from_keys([key.expect("it is strong")]))
        .clock(ManualClock::new())
        .build()
        .expect("it is sound");
    let builder = AuthLayer::builder().bearer(verifier);
    builder
        .events(tower_security::core::NoopSink::new())
        .build()
        .expect("it is sound")
}

/// Asserts that nobody but the subject of the token comes through.
#[derive(Clone)]
struct Inner;

impl Service<Request<()>> for Inner {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let who = Principal::from_extensions(request.extensions());
        assert_eq!(who.map(Principal::subject), Some("alice"));
        ready(Ok(Response::new(Full::default())))
    }
}

fn answer(layer: &AuthLayer, request: Request<()>) -> Response<Full<Bytes>> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(layer.layer(Inner).call(request)).poll(&mut context) {
        Poll::Ready(Ok(answer)) => answer,
        Poll::Ready(Err(never)) => match never {},
        Poll::Pending => panic!("the keys are there"),
    }
}

/// The grammar once more, as it is read aloud.
fn expected(lines: &[&[u8]]) -> &'static str {
    let line = match lines {
        [] => return "authentication_required",
        [line] => *line,
        _ => return "credentials_ambiguous",
    };
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let near = &line[..if line.len() > 8_256 { 64 } else { line.len() }];
    // RFC 9110, section 5.6.2, the other way round: what separates.
    let ends = |byte: &u8| !byte.is_ascii_graphic() || b"\"(),/:;<=>?@[\\]{}".contains(byte);
    let start = near.iter().position(|byte| !is_blank(byte)).unwrap_or(0);
    let scheme = near[start..].split(ends).next().unwrap_or_default();
    if !scheme.eq_ignore_ascii_case(b"bearer") {
        return "authentication_required";
    }
    if near.len() < line.len() {
        return "token_invalid";
    }
    let behind = &line[start + 6..];
    if behind.first().is_some_and(|byte| !is_blank(byte)) {
        return "credentials_malformed";
    }
    let first = behind.iter().find(|byte| **byte != b' ');
    let words: Vec<&[u8]> = behind
        .split(is_blank)
        .filter(|word| !word.is_empty())
        .collect();
    match words[..] {
        [token] if first != Some(&b'\t') => {
            if token == GOOD.as_bytes() {
                "granted"
            } else {
                "token_invalid"
            }
        }
        _ => "credentials_malformed",
    }
}
